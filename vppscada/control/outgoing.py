"""What goes out for a command, and what is written down of the result. Pure."""

import math

from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    CommandBody,
    CommandResult,
    NotSent,
    Rejected,
    Unanswered,
    crob_for,
)
from vppscada.model.points import Point, PointKind
from vppscada.model.scaling import to_device


def body_of(point: Point, value: float) -> CommandBody | None:
    """What goes on the wire for a value in engineering units; None if it has no finite counterpart in device units."""
    if point.kind is PointKind.BINARY_OUTPUT:
        return crob_for(value == 1.0, point.pulse)
    if point.scale == 0.0:
        return None
    device = to_device(point, value)
    return AnalogValue(device) if math.isfinite(device) else None


def state_of(result: CommandResult) -> tuple[str, str]:
    """Words of a result in the journal: the state and its detail."""
    match result:
        case Accepted():
            return "accepted", ""
        case Rejected(status=status, detail=detail):
            return "rejected", f"{status.name} {detail}".strip()
        case NotSent(reason=reason):
            return "not_sent", reason
        case Unanswered(reason=reason):
            return "unanswered", reason
