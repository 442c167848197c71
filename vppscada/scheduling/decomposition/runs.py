"""When to run: for many units at once, the most profitable sequence of runs given what each step on brings.

A dynamic programme over the boundaries between steps. ``A[t]``: the best history that is on up to boundary t and may
stop there. ``C[s]``: the best history that is off and starts at boundary s, its start paid. What a start costs depends
on how long the unit was off: a maximum over the stops of a window, from a table of maxima over powers of two.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.start_costs import category
from vppscada.scheduling.thermal import ThermalData, initial_hold

Table = NDArray[np.float64]
Column = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: A unit that was off from before the plan.
_FROM_BEFORE = -1


@dataclass(frozen=True, slots=True, eq=False)
class _Category:
    """A start-up category of every unit: the window of stops before the start that leads to it, and its cost."""

    nearest: Index  # least steps off, ≥ minimum down time
    length: Index  # of the window of stops; 0 = none
    level: Index  # of the table of maxima: the greatest power of two within the window
    cost: Column


class Runs:
    """Constants of g units; `best` is asked again and again."""

    def __init__(self, horizon: Horizon, data: ThermalData, forbidden: Flags) -> None:
        """``forbidden`` (g,) units may not run at all unless they still have to."""
        self._steps = horizon.steps
        self._count = len(data)
        self._up = np.minimum(data.minimum_up, horizon.steps + 1)
        self._was_on = data.was_on
        self._must_on, self._must_off = initial_hold(horizon, data)
        self._must_off = np.where(forbidden, horizon.steps + 1, self._must_off)
        self._forbidden = forbidden
        costs = [tuple(sorted(asset.start_costs)) or ((0.0, 0.0),) for asset in data.assets]
        self._first = self._first_starts(horizon, data, costs)
        self._categories = _categories(costs, data.minimum_down, horizon)

    def _first_starts(self, horizon: Horizon, data: ThermalData, costs: list[tuple[tuple[float, float], ...]]) -> Table:
        """Cost (T, g) of a first start in each step, for units that are off from before."""
        found = np.full((self._steps, self._count), np.inf)
        step = np.arange(self._steps)
        for i in np.flatnonzero(~self._was_on & ~self._forbidden):
            kind = category(costs[i], data.hours_in_state[i] + step * horizon.hours)
            found[:, i] = np.array([cost for _, cost in costs[i]])[kind]
            found[: self._must_off[i], i] = np.inf
        return found

    def best(self, gain: Table) -> tuple[Column, Flags]:
        """Most that can be gained (g,), and when to be on for it (g, T). ``gain`` (T, g) is what a step on brings."""
        total = np.concatenate([np.zeros((1, self._count)), np.cumsum(gain, axis=0)])
        laid = _Laid(self._steps, self._count)
        for t in range(self._steps + 1):
            self._running(laid, gain, total, t)
            laid.table.push(laid.on[t])
            if t < self._steps:
                self._starting(laid, t)
        value, begun, ended = self._at_the_end(laid, total)
        return value, self._traced(laid, begun, ended)

    def _running(self, laid: "_Laid", gain: Table, total: Table, t: int) -> None:
        """On up to boundary t, and free to stop there."""
        on, run = laid.on[t], laid.run[t]
        if t:
            on[:] = laid.on[t - 1] + gain[t - 1]
            run[:] = laid.run[t - 1]
        begun = t - self._up
        there = np.maximum(begun, 0)
        each = np.arange(self._count)
        fresh = np.where(begun >= 0, laid.start[there, each] + total[t] - total[there, each], -np.inf)
        better = fresh > on
        on[better], run[better] = fresh[better], begun[better]
        kept = self._was_on & (self._must_on == t)
        on[kept], run[kept] = total[t, kept], _FROM_BEFORE

    def _starting(self, laid: "_Laid", t: int) -> None:
        """Off, and started at boundary t."""
        start, stop = laid.start[t], laid.stop[t]
        start[:] = -self._first[t]
        for one in self._categories:
            found, where = laid.table.most(t, one)
            found = found - one.cost
            better = found > start
            start[better], stop[better] = found[better], where[better]
        start[self._forbidden] = -np.inf

    def _at_the_end(self, laid: "_Laid", total: Table) -> tuple[Column, Index, Index]:
        """The best history, the start of its last run, and that run's end (0 where there is none)."""
        steps, each = self._steps, np.arange(self._count)
        stopped = np.argmax(laid.on, axis=0)
        value, begun, ended = laid.on[stopped, each].copy(), laid.run[stopped, each].copy(), stopped.astype(np.int64)
        idle = ~self._was_on & ~(value > 0.0)
        value[idle], begun[idle], ended[idle] = 0.0, 0, 0
        for s in range(max(steps - int(self._up.max(initial=1)) + 1, 0), steps):
            going = laid.start[s] + total[steps] - total[s]
            better = (going > value) & (s > steps - self._up)
            value[better], begun[better], ended[better] = going[better], s, steps
        kept = self._was_on & (self._must_on > steps)
        value[kept], begun[kept], ended[kept] = total[steps, kept], _FROM_BEFORE, steps
        return value, begun, ended

    def _traced(self, laid: "_Laid", begun: Index, ended: Index) -> Flags:
        """Runs from the last back to the first, as flags by step."""
        edges = np.zeros((self._steps + 1, self._count), dtype=np.int64)
        left = np.flatnonzero(ended > 0)
        begun, ended = begun[left], ended[left]
        while len(left):
            np.add.at(edges, (np.maximum(begun, 0), left), 1)
            np.add.at(edges, (ended, left), -1)
            before = np.where(begun >= 0, laid.stop[np.maximum(begun, 0), left], _FROM_BEFORE)
            more = before >= 0
            left, ended = left[more], before[more]
            begun = laid.run[ended, left]
            some = ended > 0
            left, begun, ended = left[some], begun[some], ended[some]
        on: Flags = np.cumsum(edges[:-1], axis=0) > 0
        return on.T


class _Laid:
    """The tables of one pass, (T + 1, g)."""

    def __init__(self, steps: int, count: int) -> None:
        shape = (steps + 1, count)
        self.on, self.start = np.full(shape, -np.inf), np.full(shape, -np.inf)
        self.run, self.stop = np.zeros(shape, dtype=np.int64), np.full(shape, _FROM_BEFORE, dtype=np.int64)
        self.table = _Maxima(steps + 1, count)


class _Maxima:
    """Maxima over windows of a growing column, and where they stand."""

    def __init__(self, length: int, count: int) -> None:
        self._pad = length
        self._levels = int(np.log2(length)) + 1
        shape = (self._levels, length + self._pad, count)
        self._value = np.full(shape, -np.inf)
        self._where = np.zeros(shape, dtype=np.int64)
        self._each = np.arange(count)
        self._next = 0

    def push(self, column: Column) -> None:
        """One row more."""
        at = self._next + self._pad
        self._value[0, at], self._where[0, at] = column, self._next
        for level in range(1, self._levels):
            other = at - (1 << (level - 1))
            left, right = self._value[level - 1, other], self._value[level - 1, at]
            nearer = right >= left
            self._value[level, at] = np.where(nearer, right, left)
            self._where[level, at] = np.where(nearer, self._where[level - 1, at], self._where[level - 1, other])
        self._next += 1

    def most(self, t: int, window: _Category) -> tuple[Column, Index]:
        """Greatest of the rows from t − nearest − length + 1 to t − nearest, and its row."""
        last = np.maximum(t - window.nearest + self._pad, 0)
        first = np.maximum(last - window.length + (1 << window.level), 0)
        level, each = window.level, self._each
        late, early = self._value[level, last, each], self._value[level, first, each]
        found = np.maximum(late, early)
        where = np.where(late >= early, self._where[level, last, each], self._where[level, first, each])
        return np.where(window.length > 0, found, -np.inf), where


def _categories(costs: list[tuple[tuple[float, float], ...]], minimum_down: Index, horizon: Horizon) -> list[_Category]:
    found = []
    for k in range(max((len(cost) for cost in costs), default=0)):
        has = np.array([k < len(cost) for cost in costs], dtype=np.bool_)
        from_h = np.array([cost[k][0] if k < len(cost) else 0.0 for cost in costs])
        till_h = np.array([cost[k + 1][0] if k + 1 < len(cost) else np.inf for cost in costs])
        nearest = np.maximum(horizon.steps_to_cover(from_h) if k else 1, minimum_down)
        farthest = np.where(np.isinf(till_h), horizon.steps, horizon.steps_to_cover(np.minimum(till_h, 1e6)) - 1)
        nearest, farthest = np.minimum(nearest, horizon.steps), np.minimum(farthest, horizon.steps)
        length = np.where(has, np.maximum(farthest - nearest + 1, 0), 0)
        level = np.log2(np.maximum(length, 1)).astype(np.int64)
        found.append(
            _Category(nearest, length, level, np.array([cost[k][1] if k < len(cost) else 0.0 for cost in costs]))
        )
    return found
