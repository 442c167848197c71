"""The recorded conformance runs: what was sent, what was answered, what was done to the device, and when.

A run's log (`ID.log`) tells it all in order; its capture (`ID.pcap`) has the same octets as they went over TCP.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from protocols.dnp3.link import DIR

FOLDER = Path(__file__).parents[1] / "data" / "dnp3_conformance"

_STAMP = re.compile(r"(\d\d):(\d\d):(\d\d)\.(\d{3}) +(.*)")
_OCTETS = re.compile(r"[0-9A-F]{2}( [0-9A-F]{2})*")
_UPDATE = re.compile(r"Updated (\w+) (\d+): value=([\w.]+), flags=([0-9A-Fa-f]+), timestamp=DNPTime\((\d+)\)")
_SENT = "--P->"
_START = "05 64 "
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
    lines = (FOLDER / f"{procedure}.log").read_text().splitlines()
    return tuple(_entries([_split(line) for line in lines]))


def _entries(lines: list[tuple[float, str]]) -> Iterator[Entry]:
    frame: list[str] = []  # lines of the frame under way
    for (at, words), (_, following) in pairwise([*lines, (0.0, "")]):
        if words.startswith(_SENT) or _OCTETS.fullmatch(words):
            frame.append(words)
            if not _OCTETS.fullmatch(following) or following.startswith(_START):
                yield Entry(at, _frame(frame))
                frame = []
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


def _frame(lines: list[str]) -> Sent | Answered:
    """A frame from its lines: one with the header, and one per block of user data. Not every sent one is marked."""
    marked = lines[0].startswith(_SENT)
    octets = bytes.fromhex("".join(lines).removeprefix(_SENT))
    return Sent(octets) if marked or octets[3] & DIR else Answered(octets)
