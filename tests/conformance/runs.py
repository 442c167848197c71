"""The recorded conformance runs: what was sent, what was answered, what was done to the device, and when.

A run's log (`ID.log`) tells it all in order; its capture (`ID.pcap`) has the same octets as they went over TCP.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from protocols.dnp3.link import DIR

FOLDER = Path(__file__).parents[1] / "data" / "dnp3_conformance"

_STAMP = re.compile(r"(\d\d):(\d\d):(\d\d)\.(\d{3}) +(.*)")
_OCTETS = re.compile(r"[0-9A-F]{2}( [0-9A-F]{2})*")
_UPDATE = re.compile(r"Updated (\w+) (\d+): value=([\w.]+), flags=([0-9A-Fa-f]+), timestamp=DNPTime\((\d+)\)")
_SENT = "--P->"
_STATES = {"true": 1.0, "false": 0.0, "INTERMEDIATE": 0.0, "DETERMINED_OFF": 1.0, "DETERMINED_ON": 2.0}


@dataclass(frozen=True, slots=True)
class Procedure:
    """One line of procedures.csv."""

    id: str
    title: str
    reference: str  # the reference outstation's result: PASS, SKIP or "not run"
    captured: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """Octets from the tester."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """Octets from the outstation."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Updated:
    """A value given to the device by hand. ``kind`` is the log's word: BI, DBBI, Counter, AI, BOStatus, …"""

    kind: str
    index: int
    value: float
    time_ms: int


@dataclass(frozen=True, slots=True)
class Noted:
    """A line of words: what a step asks for."""

    words: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, ``at`` seconds after the midnight of the log's clock."""

    at: float
    what: Sent | Answered | Updated | Noted


@cache
def procedures() -> dict[str, Procedure]:
    """All procedures by id, in the order of the standard."""
    with (FOLDER / "procedures.csv").open(newline="") as file:
        return {
            row["id"]: Procedure(
                row["id"], f"{row['section']} / {row['procedure']}", row["opendnp3_result"], row["capture"] == "yes"
            )
            for row in csv.DictReader(file)
        }


def captured() -> list[str]:
    """Ids of the procedures whose runs are here."""
    return [p.id for p in procedures().values() if p.captured]


@cache
def run(procedure: str) -> tuple[Entry, ...]:
    """Everything that happened in a run, in order."""
    return tuple(_entries((FOLDER / f"{procedure}.log").read_text().splitlines()))


def _entries(lines: list[str]) -> Iterator[Entry]:
    stamped = iter(lines)
    for line in stamped:
        at, words = _split(line)
        if words.startswith(_SENT):
            yield Entry(at, Sent(_frame(words.removeprefix(_SENT), stamped)))
        elif _OCTETS.fullmatch(words):
            octets = _frame(words, stamped)
            yield Entry(at, Sent(octets) if octets[3] & DIR else Answered(octets))
        elif update := _UPDATE.fullmatch(words):
            kind, index, value, _, time_ms = update.groups()
            number = _STATES[value] if value in _STATES else float(value)
            yield Entry(at, Updated(kind, int(index), number, int(time_ms)))
        else:
            yield Entry(at, Noted(words))


def _split(line: str) -> tuple[float, str]:
    stamp = _STAMP.fullmatch(line)
    assert stamp is not None, line
    hours, minutes, seconds, milliseconds, words = stamp.groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(milliseconds) / 1000, words


def _frame(first: str, following: Iterator[str]) -> bytes:
    """One frame's octets: a line with its header, and one line per block of user data."""
    octets = bytes.fromhex(first)
    blocks = -(-(octets[2] - 5) // 16)
    for _ in range(blocks):
        octets += bytes.fromhex(_split(next(following))[1])
    return octets
