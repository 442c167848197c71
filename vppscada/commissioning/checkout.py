"""The point-to-point checkout: what device, gateway and EMS say of each point, judged side by side. Pure.

A value is the device's if somebody read it off the device, the gateway's if our database has it, the EMS's if somebody
read it off the EMS. What nobody looked at stays unknown, and a point of which something is unknown has not passed.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from vppscada.commissioning.values import PointValue
from vppscada.model.points import Point

#: Two analog values agree within this share of the larger one, or within the point's deadband.
TOLERANCE = 0.005
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


class Verdict(StrEnum):
    """How a point came out."""

    PASSED = "passed"
    FAILED = "failed"
    INCOMPLETE = "incomplete"  # something that has to be compared is unknown
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Entry:
    """One point as it was checked. Texts are as they were read or typed; empty = nobody looked."""

    point: str
    device: str
    gateway: str
    quality: str
    ems: str
    verdict: Verdict
    why: str
    by: str
    at_ms: int  # UTC
    note: str = ""


def judge(point: Point, device: str, gateway: PointValue, ems: str, *, exported: bool) -> tuple[Verdict, str]:
    """The verdict and its reason.

    Args:
        point: what is checked.
        device: as read off the device, in the point's units or a state's name.
        gateway: as our database has it.
        ems: as read off the EMS, in the same units.
        exported: an EMS sees the point; otherwise nothing is expected of it.
    """
    if not gateway.is_good:
        return Verdict.FAILED, f"quality {gateway.quality_words()}"
    for name, text, wanted in (("device", device, True), ("EMS", ems, exported)):
        if not text:
            if wanted:
                return Verdict.INCOMPLETE, f"nobody read the {name}"
        elif not agrees(point, text, gateway):
            return Verdict.FAILED, f"{name} says {text}, the gateway {gateway.shown()}"
    return Verdict.PASSED, ""


def agrees(point: Point, text: str, gateway: PointValue) -> bool:
    """Whether a text that somebody read means the gateway's value."""
    wanted = text.strip()
    if not point.kind.is_analog and point.state_names:
        names = {name.casefold(): number for number, name in enumerate(point.state_names)}
        if wanted.casefold() in names:
            return gateway.value == names[wanted.casefold()]
    if gateway.text or not _NUMBER.fullmatch(wanted):
        return wanted == gateway.text
    value = float(wanted)
    if not point.kind.is_analog:
        return value == gateway.value
    within = max(TOLERANCE * max(abs(value), abs(gateway.value)), point.deadband)
    return math.isclose(value, gateway.value, rel_tol=0.0, abs_tol=within)


def latest(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The last entry of each point: a point may be checked again."""
    return {entry.point: entry for entry in entries}


def tally(points: Iterable[str], entries: Mapping[str, Entry]) -> dict[str, int]:
    """How many points came out how; ``open`` are those that nobody has checked."""
    counts = {**dict.fromkeys((verdict.value for verdict in Verdict), 0), "open": 0}
    for point in points:
        counts[entries[point].verdict.value if point in entries else "open"] += 1
    return counts


def is_complete(points: Iterable[str], entries: Mapping[str, Entry]) -> bool:
    """True where every point has passed or was left out on purpose: the sheet can be signed."""
    done = (Verdict.PASSED, Verdict.SKIPPED)
    return all(point in entries and entries[point].verdict in done for point in points)
