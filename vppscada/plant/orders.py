"""Orders to the plant as a whole: which command means what, and which are refused. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from vppscada.model.commands import CommandStatus
from vppscada.model.schedule import Objective
from vppscada.model.site import PLANT
from vppscada.plant.memory import Orders, PlantMode

TARGET_COMMAND = f"{PLANT}.target_command"
MODE_COMMAND = f"{PLANT}.mode_command"
ENABLE_COMMAND = f"{PLANT}.enable_command"
START_STOP = f"{PLANT}.start_stop"
EMERGENCY_COMMAND = f"{PLANT}.emergency_command"
OBJECTIVE_COMMAND = f"{PLANT}.objective_command"
REGULATION_COMMAND = f"{PLANT}.regulation_command"

#: Numbers of the four as the point ``plant.objective`` has them; its command counts one more, 0 being the site file's.
OBJECTIVES = tuple(Objective)


_SWITCHES: Mapping[str, Callable[[Orders, bool], Orders]] = {
    ENABLE_COMMAND: lambda orders, on: replace(orders, enabled=on),
    START_STOP: lambda orders, on: replace(orders, running=on),
    EMERGENCY_COMMAND: lambda orders, on: replace(orders, emergency=on),
}


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """Why an order is not taken."""

    status: CommandStatus
    reason: str


def apply_order(
    orders: Orders, point: str, value: float, lowest_mw: float, highest_mw: float, regulation_mw: float = 0.0
) -> Orders | OrderRefused:
    """The orders after a command to a point of the plant.

    Args:
        orders: in force.
        point: id of the commanded point.
        value: engineering units: MW, the number of a mode or objective, a regulation signal from −1 to 1, or 0/1.
        lowest_mw: least target the fleet could ever reach.
        highest_mw: greatest.
        regulation_mw: what the plant offers for regulation; 0 = no signal is taken.
    """
    match point:
        case _ if point == TARGET_COMMAND:
            if not lowest_mw <= value <= highest_mw:  # also refuses NaN
                return OrderRefused(CommandStatus.OUT_OF_RANGE, f"target {value} MW not in {lowest_mw}…{highest_mw}")
            return replace(orders, target_mw=value)
        case _ if point == MODE_COMMAND:
            if value not in (PlantMode.SCHEDULE, PlantMode.FOLLOW):
                return OrderRefused(CommandStatus.OUT_OF_RANGE, f"no mode {value}")
            return replace(orders, mode=PlantMode(int(value)))
        case _ if point in _SWITCHES:
            return _SWITCHES[point](orders, value == 1.0)
        case _ if point == OBJECTIVE_COMMAND:
            if value not in range(len(OBJECTIVES) + 1):
                return OrderRefused(CommandStatus.OUT_OF_RANGE, f"no objective {value}")
            return replace(orders, objective=OBJECTIVES[int(value) - 1] if value else None)
        case _ if point == REGULATION_COMMAND:
            if regulation_mw <= 0.0:
                return OrderRefused(CommandStatus.NOT_SUPPORTED, "this plant offers no regulation")
            if not -1.0 <= value <= 1.0:
                return OrderRefused(CommandStatus.OUT_OF_RANGE, f"regulation signal {value} not in -1…1")
            return replace(orders, regulation=value)
        case _:
            return OrderRefused(CommandStatus.NOT_SUPPORTED, f"{point} takes no orders")
