"""Where commands to served devices arrive: point → role → device, or a refusal in the words of IEEE 1815."""

from collections import Counter
from collections.abc import Callable, Mapping

import structlog

from vppscada.model.commands import AnalogValue, Command, CommandStatus, Crob
from vppscada.model.points import Point, PointKind
from vppscada.model.scaling import to_engineering
from vppscada.simulation.devices import Device
from vppscada.simulation.point_values import PointValues

log = structlog.get_logger()


class CommandDesk:
    """A `vppscada.model.outstations.CommandHandler` for the devices of one session."""

    def __init__(self, values: PointValues, devices: Mapping[str, Device], changed: Callable[[], None]) -> None:
        self.statistics: Counter[str] = Counter()
        self._values = values
        self._devices = devices
        self._changed = changed

    async def select(self, command: Command) -> CommandStatus:
        """Would it be taken? Nothing moves."""
        point, value = self._wanted(command)
        return self._judge(point, value)

    async def operate(self, command: Command) -> CommandStatus:
        """Take it, or say why not. The points show it at once."""
        point, value = self._wanted(command)
        status = self._judge(point, value)
        if status is CommandStatus.SUCCESS and value is not None:
            status = self._take(command.row, point, value)
        self.statistics["commands_taken" if status is CommandStatus.SUCCESS else "commands_refused"] += 1
        log.debug("command_received", point=point.id, value=value, status=status.name)
        if status is CommandStatus.SUCCESS:
            self._changed()
        return status

    def _wanted(self, command: Command) -> tuple[Point, float | None]:
        """The point and the value in engineering units; None if the body does not fit the point."""
        point = self._values.points[command.row]
        match command.body:
            case Crob() if point.kind is PointKind.BINARY_OUTPUT:
                return point, float(command.body.wants_on)
            case AnalogValue(value) if point.kind is PointKind.ANALOG_OUTPUT:
                return point, to_engineering(point, value)
        return point, None

    def _judge(self, point: Point, value: float | None) -> CommandStatus:
        if value is None or not point.writable:
            return CommandStatus.NOT_SUPPORTED
        if point.minimum is not None and value < point.minimum:
            return CommandStatus.OUT_OF_RANGE
        if point.maximum is not None and value > point.maximum:
            return CommandStatus.OUT_OF_RANGE
        device = self._devices.get(point.asset)
        if device is None or point.role is None:
            return CommandStatus.SUCCESS if device is not None else CommandStatus.NOT_SUPPORTED
        return device.judge(point.role, value)

    def _take(self, row: int, point: Point, value: float) -> CommandStatus:
        if point.role is None:
            self._values.told(row, value)
            return CommandStatus.SUCCESS
        return self._devices[point.asset].command(point.role, value)
