"""Calculated points: worked out anew when something that they read has changed, in the order of their dependence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import TimesMs
from vppscada.model.changes import ChangeSet
from vppscada.model.expressions import Expression, Reading, evaluate
from vppscada.model.expressions.timers import Memory
from vppscada.model.points import Point
from vppscada.points.database import Database


@dataclass(slots=True)
class _Calculated:
    row: int
    rank: int  # 0 = reads no calculated point
    expression: Expression
    inputs: tuple[int, ...]
    memory: tuple[Memory | None, ...]
    wake_ms: int | None = None
    dependents: list["_Calculated"] = field(default_factory=list)


class Calculations:
    """The calculated points of a database. Its calls belong to the event loop's thread.

    Every change of an input that the database tells of (beyond its deadband, or of quality) has exactly its dependents
    worked out, each once, after all that they read themselves.

    Raises:
        CycleError: points that read each other.
        KeyError: an input that is no point.
    """

    def __init__(
        self, database: Database, points: Sequence[Point], on_wake: Callable[[], object] = lambda: None
    ) -> None:
        self._database = database
        self._on_wake = on_wake
        self._all = _linked(points)
        self._timed = [one for one in self._all if one.expression.timers]
        self._readers: dict[int, list[_Calculated]] = {}
        for one in self._all:
            for row in one.inputs:
                self._readers.setdefault(row, []).append(one)
        self._is_input: NDArray[np.bool_] = np.zeros(len(points), dtype=np.bool_)
        self._is_input[list(self._readers)] = True
        self._due: list[dict[int, _Calculated]] = [
            {} for _ in range(1 + max((one.rank for one in self._all), default=0))
        ]
        self._busy = False

    def __len__(self) -> int:
        return len(self._all)

    @property
    def wake_ms(self) -> int | None:
        """When `advance` must be called at the latest (UTC); None = not before something changes."""
        return min((one.wake_ms for one in self._timed if one.wake_ms is not None), default=None)

    def take_over(self, before: "Calculations") -> None:
        """Go on from the timers of another one, point by point, where the expression is the same."""
        points, theirs = self._database.points, before._database.points
        known = {theirs[one.row].id: one for one in before._timed}
        for one in self._timed:
            old = known.get(points[one.row].id)
            if old is not None and old.expression.text == one.expression.text:
                one.memory, one.wake_ms = old.memory, old.wake_ms

    def start(self, now_ms: int) -> None:
        """Work out all of them."""
        self._call(self._all)
        self._work(now_ms)

    def on_changes(self, changes: ChangeSet) -> None:
        """Take note of what changed: a subscriber of the database."""
        rows = changes.rows[self._is_input[changes.rows]]
        if not len(rows):
            return
        for row in set(rows.tolist()):
            self._call(self._readers[row])
        self._work(changes.received_time_ms)

    def advance(self, now_ms: int) -> None:
        """Work out those whose timers are due."""
        self._call([one for one in self._timed if one.wake_ms is not None and one.wake_ms <= now_ms])
        self._work(now_ms)

    def _call(self, calculated: Sequence[_Calculated]) -> None:
        for one in calculated:
            self._due[one.rank][one.row] = one

    def _work(self, now_ms: int) -> None:
        """Until nothing is due. What is told of meanwhile joins; there is no cycle, so it ends."""
        if self._busy:
            return
        self._busy = True
        try:
            while (due := next((rank for rank in self._due if rank), None)) is not None:
                calculated = list(due.values())
                due.clear()
                self._work_rank(calculated, now_ms)
        finally:
            self._busy = False
        if self._timed:
            self._on_wake()

    def _work_rank(self, calculated: list[_Calculated], now_ms: int) -> None:
        rows = np.array([one.row for one in calculated], dtype=np.intp)
        readings = [self._worked_out(one, now_ms) for one in calculated]
        before = self._database.value[rows], self._database.quality[rows]
        times: TimesMs = np.array([one.time_ms for one in readings], dtype=np.int64)
        self._database.set_values(
            rows,
            np.array([one.value for one in readings], dtype=np.float64),
            np.array([one.quality for one in readings], dtype=np.uint16),
            now_ms,
            times,
            np.array([one.time_quality for one in readings], dtype=np.uint8),
        )
        value, quality = self._database.value[rows], self._database.quality[rows]
        differs = ((value != before[0]) & ~(np.isnan(value) & np.isnan(before[0]))) | (quality != before[1])
        for at in np.flatnonzero(differs).tolist():
            self._call(calculated[at].dependents)

    def _worked_out(self, one: _Calculated, now_ms: int) -> Reading:
        database = self._database
        readings = [
            Reading(
                float(database.value[row]),
                int(database.quality[row]),
                int(database.source_time_ms[row]),
                int(database.time_quality[row]),
            )
            for row in one.inputs
        ]
        outcome = evaluate(one.expression, readings, one.memory, now_ms)
        one.memory, one.wake_ms = outcome.memory, outcome.wake_ms
        if database.points[one.row].kind.is_analog:
            return outcome.reading
        value = outcome.reading.value
        return outcome.reading._replace(value=value if np.isnan(value) else float(value != 0.0))


def _linked(points: Sequence[Point]) -> list[_Calculated]:
    row_of = {point.id: row for row, point in enumerate(points)}
    found: dict[int, _Calculated] = {}
    for row, point in enumerate(points):
        if point.calculation is not None and point.enabled:
            inputs = tuple(row_of[name] for name in point.calculation.inputs)
            expression = point.calculation.expression
            found[row] = _Calculated(row, 0, expression, inputs, (None,) * expression.timers)
    order = TopologicalSorter({row: [i for i in one.inputs if i in found] for row, one in found.items()})
    ordered = [found[row] for row in order.static_order()]
    for one in ordered:
        for source in {found[i].row for i in one.inputs if i in found}:
            one.rank = max(one.rank, found[source].rank + 1)
            found[source].dependents.append(one)
    return ordered


__all__ = ["Calculations", "CycleError"]
