"""Commands from an EMS: orders to the plant, or commands passed through to an asset."""

import time
from collections.abc import Sequence

from vppscada.control.gate import Refused
from vppscada.control.pipeline import ControlPipeline
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    Command,
    CommandResult,
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


class EmsDesk:
    """The `CommandHandler` that an outstation keeps while the sites behind it change: whoever sits there decides.

    Nobody sits there while a changed site takes its place: then every command is refused.
    """

    def __init__(self) -> None:
        self._commands: EmsCommands | None = None

    def sit(self, commands: "EmsCommands | None") -> None:
        """From now on these decide."""
        self._commands = commands

    async def select(self, command: Command) -> CommandStatus:
        """See `CommandHandler`."""
        commands = self._commands
        return CommandStatus.AUTOMATION_INHIBIT if commands is None else await commands.select(command)

    async def operate(self, command: Command) -> CommandStatus:
        """See `CommandHandler`."""
        commands = self._commands
        return CommandStatus.AUTOMATION_INHIBIT if commands is None else await commands.operate(command)


class EmsCommands:
    """The outstation's `CommandHandler`: rows are positions in its exports."""

    def __init__(
        self, site: Site, exports: Sequence[ExportedPoint], plant: PlantService, pipeline: ControlPipeline
    ) -> None:
        self._site = site
        self._exports = exports
        self._plant = plant
        self._pipeline = pipeline

    async def select(self, command: Command) -> CommandStatus:
        """The checks of `operate`, without effect; of a field point that is selected first, the device's word too."""
        source, value = self._meaning(command)
        point = self._site.points[source]
        if point.asset == PLANT:
            judged = self._plant.judge_order(point.id, value)
            if not isinstance(judged, OrderRefused):
                return CommandStatus.SUCCESS
            self._plant.note_refused(point.id, value, judged)
            return judged.status
        return _status(await self._pipeline.select(source, value, Origin.EMS, "EMS", _left_s(command)))

    async def operate(self, command: Command) -> CommandStatus:
        """Take an order, or send the command on and answer with what the field said."""
        source, value = self._meaning(command)
        point = self._site.points[source]
        if point.asset == PLANT:
            if time.monotonic() >= command.expires_at:
                return CommandStatus.TIMEOUT
            return await self._plant.order(point.id, value)
        # A start or stop of a unit is the EMS's to ask at any time. While the plant is enabled its own commitment
        # goes on, and the next plan may undo what the EMS did: to run a unit by hand, disable the plant first.
        return _status(await self._pipeline.command(source, value, Origin.EMS, "EMS", _left_s(command)))

    def _meaning(self, command: Command) -> tuple[int, float]:
        """Source row and engineering value."""
        export = self._exports[command.row]
        if isinstance(command.body, AnalogValue):
            return export.source_row, to_engineering(export.point, command.body.value)
        return export.source_row, float(command.body.wants_on)


def _left_s(command: Command) -> float:
    """What is left of the time that the outstation gives the request."""
    return max(command.expires_at - time.monotonic(), 0.0)


def _status(result: CommandResult | Refused) -> CommandStatus:
    """What the master is told. Success only where the device said so."""
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
