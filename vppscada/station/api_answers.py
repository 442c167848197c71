"""What the local API tells, as values of JSON. A number that is none (not known) is null."""

import json
import math

from vppscada.control.gate import Refused
from vppscada.model.commands import Accepted, CommandResult, NotSent, Rejected, Verification
from vppscada.model.points import PointKind
from vppscada.model.quality import Quality, TimeQuality, quality_words
from vppscada.points.database import Database

Answer = dict[str, object]


def line_of(answer: Answer) -> bytes:
    """One line of JSON."""
    return json.dumps(answer, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def point_state(database: Database, row: int) -> Answer:
    """The state of one point: value in its units, quality in words, times in UTC milliseconds (null = never)."""
    point = database.points[row]
    told: Answer = {
        "point": point.id,
        "kind": point.kind.value,
        "value": number(float(database.value[row])),
        "units": point.units,
        "quality": quality_words(Quality(int(database.quality[row]))),
        "source_time_ms": int(database.source_time_ms[row]) or None,
        "time_quality": TimeQuality(int(database.time_quality[row])).name,
        "received_time_ms": int(database.received_time_ms[row]) or None,
    }
    if point.kind is PointKind.STRING:
        told["text"] = database.texts.get(row, "")
    if point.state_names:
        told["state_names"] = list(point.state_names)
    return told


def result_words(result: CommandResult | Refused) -> Answer:
    """What became of a command. ``refused`` by the station, and the four of the field, never merged."""
    match result:
        case Accepted():
            return {"result": "accepted", "detail": ""}
        case Rejected(status=status, detail=detail):
            return {"result": "rejected", "status": status.name, "detail": detail}
        case NotSent(reason=reason):
            return {"result": "not_sent", "detail": reason}
        case Refused(reason=why, words=words):
            return {"result": "refused", "reason": why.value, "status": why.status.name, "detail": words}
        case unanswered:
            return {"result": "unanswered", "detail": unanswered.reason}


def verification_words(seen: Verification) -> Answer:
    """When each of the four was seen, in seconds since the command left; null = not (yet)."""
    start = seen.commanded
    times = {"acknowledged": seen.acknowledged, "echoed": seen.echoed, "measured": seen.measured}
    after = {name: None if at is None or start is None else round(at - start, 3) for name, at in times.items()}
    return {"commanded": None if start is None else 0.0, **after}


def number(value: float) -> float | None:
    """A number that JSON has."""
    return value if math.isfinite(value) else None
