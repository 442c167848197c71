"""Commands from an EMS: orders to the plant, or commands passed through to an asset."""

import time
from collections.abc import Sequence

from vppscada.control.pipeline import ControlPipeline
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    Command,
    CommandMode,
    CommandStatus,
    NotSent,
    Origin,
    Rejected,
    Unanswered,
)
from vppscada.model.scaling import to_engineering
from vppscada.model.site import PLANT, ExportedPoint, Site
from vppscada.plant.orders import OrderRefused
from vppscada.station.plant_service import PlantService


class EmsCommands:
    """The outstation's `CommandHandler`: rows are positions in its exports."""

    def __init__(
        self,
        site: Site,
        exports: Sequence[ExportedPoint],
        plant: PlantService,
        pipeline: ControlPipeline,
        selecting: bool,
    ) -> None:
        """``selecting``: the outstation's protocol has a select, and points that ask for it get no operate without."""
        self._site = site
        self._exports = exports
        self._plant = plant
        self._pipeline = pipeline
        self._needs_select = [selecting and export.point.command_mode is CommandMode.SBO for export in exports]

    async def select(self, command: Command) -> CommandStatus:
        """The checks of `operate`, without effect."""
        source, value = self._meaning(command)
        point = self._site.points[source]
        if point.asset == PLANT:
            judged = self._plant.judge_order(point.id, value)
            return judged.status if isinstance(judged, OrderRefused) else CommandStatus.SUCCESS
        refused = self._pipeline.refusal(source, value, Origin.EMS)
        return CommandStatus.SUCCESS if refused is None else refused.status

    async def operate(self, command: Command) -> CommandStatus:
        """Take an order, or send the command on and answer with what the field said."""
        if self._needs_select[command.row] and command.mode is CommandMode.DIRECT:
            return CommandStatus.NO_SELECT
        source, value = self._meaning(command)
        point = self._site.points[source]
        if point.asset == PLANT:
            if time.monotonic() >= command.expires_at:
                return CommandStatus.TIMEOUT
            return await self._plant.order(point.id, value)
        # A start or stop of a unit is the EMS's to ask at any time. While the plant is enabled its own commitment
        # goes on, and the next plan may undo what the EMS did: to run a unit by hand, disable the plant first.
        lifetime_s = max(command.expires_at - time.monotonic(), 0.0)
        result = await self._pipeline.command(source, value, Origin.EMS, "EMS", lifetime_s)
        match result:
            case Accepted():
                return CommandStatus.SUCCESS
            case Rejected(status=status):
                return status
            case NotSent():
                return CommandStatus.DOWNSTREAM_FAIL
            case Unanswered():
                return CommandStatus.TIMEOUT  # unknown, and so it is called
            case refused:
                return refused.status

    def _meaning(self, command: Command) -> tuple[int, float]:
        """Source row and engineering value."""
        export = self._exports[command.row]
        if isinstance(command.body, AnalogValue):
            return export.source_row, to_engineering(export.point, command.body.value)
        return export.source_row, float(command.body.wants_on)
