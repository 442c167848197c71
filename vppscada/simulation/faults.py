"""Faults to inject into a simulated device: drop, hang, lie, stuck, trip; in words, on a timetable. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from vppscada.model.errors import VppscadaError


class FaultKind(StrEnum):
    """What can go wrong with a device."""

    DROP = "drop"  # listener and connections are gone
    HANG = "hang"  # connections stay, nothing is answered, nothing moves
    LIE = "lie"  # the power it reports stands still, whatever it does
    STUCK = "stuck"  # its power stands still, whatever it is told; it tells the truth about it
    TRIP = "trip"  # a protection acts; a fault reset is needed
    LOCAL = "local"  # somebody at the device took it over


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. Times are wall seconds since the device was started; a trip has no duration."""

    kind: FaultKind
    at_s: float
    duration_s: float = float("inf")


class FaultTextError(VppscadaError):
    """A fault that was written in a way nobody understands."""


def parse_fault(text: str) -> Fault:
    """Read ``KIND@T[:DURATION]``, e.g. ``drop@30:10``.

    Raises:
        FaultTextError: it is not of that form.
    """
    kind, at, when = text.partition("@")
    start, colon, duration = when.partition(":")
    try:
        fault = Fault(FaultKind(kind.strip()), float(start), float(duration) if colon else float("inf"))
    except ValueError as error:
        fault = None
        cause: Exception | None = error
    else:
        cause = None
    if fault is None or not at or not fault.at_s >= 0.0 or not fault.duration_s > 0.0:
        words = ", ".join(FaultKind)
        raise FaultTextError(f"fault {text!r}: expected KIND@T[:DURATION], KIND one of {words}, in seconds") from cause
    return fault


def active(faults: Sequence[Fault], elapsed_s: float) -> frozenset[FaultKind]:
    """The kinds that are in force at a time."""
    return frozenset(fault.kind for fault in faults if fault.at_s <= elapsed_s < fault.at_s + fault.duration_s)


def parse_line(line: str, faults: Sequence[Fault], elapsed_s: float) -> tuple[Fault, ...]:
    """The timetable after a line of standard input: ``fault KIND [DURATION]`` or ``clear``.

    Raises:
        FaultTextError: it is neither.
    """
    words = line.split()
    if words == ["clear"]:
        return ()
    if len(words) not in (2, 3) or words[0] != "fault":
        raise FaultTextError(f"{line.strip()!r}: expected 'fault KIND [SECONDS]' or 'clear'")
    duration = f":{words[2]}" if len(words) == 3 else ""
    return (*faults, parse_fault(f"{words[1]}@{max(elapsed_s, 0.0)}{duration}"))
