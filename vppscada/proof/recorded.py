"""What the state directory of a station holds of a time: read once, as it stands."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vppscada.model.clock import PlantClock
from vppscada.model.commands import CommandRecord
from vppscada.model.errors import VppscadaError
from vppscada.plant.pages import Page, from_bytes
from vppscada.plant.plans import KeptPlan, plan_of
from vppscada.points.journal import JournalReader
from vppscada.points.journal_proof import Proof
from vppscada.points.journal_queries import History
from vppscada.proof.courses import Course, Span, course, pauses

_MOST_CHANGES = 1_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the station with one site, on the wall clock: since when, and when it was last known to live."""

    since_ms: int
    alive_ms: int
    ended: bool  # as it was told, and not by a kill
    version: str
    site: str  # mark of its files
    clock: PlantClock
    settings: Mapping[str, Any]  # tables plant and schedule, with what the command line put in place of the file's


@dataclass(frozen=True, slots=True)
class Order:
    """An order to the plant as it came. ``refused`` says why; "" = it was taken."""

    time_ms: int
    point: str
    value: float | None
    refused: str


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One recorded change of a point."""

    point: str
    time_ms: int  # received
    value: float
    quality: int
    source_time_ms: int
    cause: str


class Recorded:
    """A time on the wall clock, of a state directory. What is asked of it is in the order of its time.

    Raises:
        VppscadaError: something there cannot be read, or is too much for one pack.
        JournalError: the journal cannot be read.
    """

    def __init__(self, state: Path, since_ms: int, until_ms: int, points: Sequence[str]) -> None:
        self.since_ms, self.until_ms = since_ms, until_ms
        self._reader = JournalReader(state)
        self.runs = [_run(one) for one in self._reader.proof("run", since_ms, until_ms)]
        newest = self._reader.proof("run", -(2**62), until_ms)
        self.clock = _run(newest[-1]).clock if newest else PlantClock()
        before = self._reader.before(since_ms, points)
        inside = self._reader.changes(since_ms, until_ms, points, _MOST_CHANGES)
        if len(inside) >= _MOST_CHANGES:
            raise VppscadaError(f"more than {_MOST_CHANGES} changes in that time; ask for a shorter one")
        self.before = _changes(before)
        self.changes = _changes(inside)[::-1]  # the journal gives the newest first
        self.down = self._down()
        self._of_point: dict[str, list[Change]] = {}
        for one in (*self.before, *self.changes):
            self._of_point.setdefault(one.point, []).append(one)

    @property
    def commands(self) -> list[CommandRecord]:
        """Every state of every command of which any state is of the time."""
        return self._reader.command_states(self.since_ms, self.until_ms)

    def orders(self, since_ms: int, until_ms: int) -> list[Order]:
        """Orders to the plant that came in a time."""
        return [_order(one) for one in self._reader.proof("order", since_ms, until_ms)]

    def course(self, point: str) -> Course:
        """What a point said."""
        mine = self._of_point.get(point, [])
        return course(
            self.since_ms,
            self.until_ms,
            np.array([one.time_ms for one in mine], dtype=np.int64),
            np.array([one.value for one in mine], dtype=np.float64),
            np.array([one.quality for one in mine], dtype=np.uint16),
            self.down,
        )

    def pages(self, since_ms: int, until_ms: int) -> list[Page]:
        """Pages of the books that touch a plant time."""
        return [from_bytes(one.content) for one in self._reader.proof("book", since_ms, until_ms)]

    def plans(self) -> list[tuple[int, KeptPlan]]:
        """Schedules in force in the time, with the wall time of adoption: the newest from before, and all since."""
        plant = self.clock.plant_ms
        every = self._reader.proof("plan", plant(self.since_ms), plant(self.until_ms))
        adopted = sorted((one.written_ms, one.id, one.content) for one in every if one.written_ms < self.until_ms)
        earlier = [one for one in adopted if one[0] <= self.since_ms][-1:]
        chosen = [*earlier, *(one for one in adopted if one[0] > self.since_ms)]
        return [(at, plan_of(content)) for at, _, content in chosen]

    def wall_ms(self, plant_ms: int) -> int:
        """The wall time of a plant time, by the clock of the newest run."""
        return round(self.clock.wall_start_ms + (plant_ms - self.clock.plant_start_ms) / self.clock.speed)

    def _down(self) -> list[Span]:
        """When nobody recorded. A killed station lived until the last thing that it recorded."""
        spans = []
        for begin, end in pauses([(one.since_ms, one.alive_ms) for one in self.runs], self.since_ms, self.until_ms):
            late = [one.time_ms + 1 for one in self.changes if begin <= one.time_ms < end]
            spans.append((max([begin, *late]), end))
        return [(begin, end) for begin, end in spans if begin < end]


def _changes(history: History) -> list[Change]:
    columns = zip(
        history.point,
        history.received_time_ms.tolist(),
        history.value.tolist(),
        history.quality.tolist(),
        history.source_time_ms.tolist(),
        history.cause,
        strict=True,
    )
    return [Change(*one) for one in columns]


def _run(proof: Proof) -> Run:
    told = json.loads(proof.content)
    clock = PlantClock(**told["clock"])
    return Run(
        proof.from_ms, proof.to_ms, bool(told["ended"]), told["version"], told["site"], clock, told.get("settings", {})
    )


def _order(proof: Proof) -> Order:
    told = json.loads(proof.content)
    return Order(proof.from_ms, told["point"], told["value"], told["refused"])
