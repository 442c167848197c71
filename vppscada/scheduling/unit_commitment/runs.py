"""When to run: for many units at once, the most profitable sequence of runs given what each step of a run brings.

A dynamic programme over the boundaries between steps: ``stop[e]`` is the best history that ends at boundary e,
``start[s]`` the best that is off and starts there, its start paid.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.unit_commitment.groups import Groups
from vppscada.scheduling.unit_commitment.problem import Column, Flags, Problem, Whole

Table = NDArray[np.float64]

#: Steps after a start and before a stop that bring something else than those between.
REACH = 4
#: In place of a boundary: from before the first step; and none at all.
BEFORE, NONE = -1, -2


@dataclass(frozen=True, slots=True, eq=False)
class Gains:
    """What a step on brings (g, T) by steps since the start and until the stop, both up to `REACH`."""

    inside: list[list[Table]]
    before: list[Table]  # of the run from before the first step, by steps until the stop


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Boundaries where the run of each step begins and ends (g, T); ``since`` is `NONE` where a unit is off."""

    since: Whole
    until: Whole


class Runs:
    """Constants of g units, each a group of its own; `best` is asked again and again."""

    def __init__(self, alone: Groups) -> None:
        problem = alone.problem
        self._steps, self._count = problem.steps, len(problem)
        self._was_on, self._must = problem.was_on, problem.must_run
        self._hold_on, self._hold_off = alone.hold_on, alone.hold_off
        self._up = np.minimum(problem.minimum_up, problem.steps)
        self._can_start = alone.can_start & ~(problem.was_on & problem.must_run)
        self._can_stop = alone.can_stop & ~problem.must_run
        self._start_cost = _start_costs(problem)
        self._off_before = np.where(problem.was_on, 0, problem.steps_in_state)

    def best(self, gains: Gains) -> tuple[Column, Times]:
        """Most that can be gained (g,), and when to run for it."""
        steps, count = self._steps, self._count
        start = np.full((count, steps + 1), -np.inf)
        stop = np.full((count, steps + 1), -np.inf)
        begun = np.full((count, steps + 1), NONE, dtype=np.int64)
        ended = np.full((count, steps + 1), NONE, dtype=np.int64)
        brought = _Brought(gains)
        for t in range(steps + 1):
            stop[:, t], begun[:, t] = self._stopped(brought, start, t)
            if t < steps:
                start[:, t], ended[:, t] = self._started(stop, t)
        value, last, running = self._at_the_end(brought, start, stop)
        return value, self._traced(begun, ended, last, running)

    def _stopped(self, brought: "_Brought", start: Table, t: int) -> tuple[Column, Whole]:
        """The best history that ends at boundary t, and where its last run began."""
        value, begun = np.full(self._count, -np.inf), np.full(self._count, NONE)
        if t:
            runs = start[:, :t] + brought.runs(t)
            runs[np.arange(t) > t - self._up[:, None]] = -np.inf
            begun = np.argmax(runs, axis=1)
            value = np.take_along_axis(runs, begun[:, None], axis=1)[:, 0]
        kept = np.where(self._was_on & (self._hold_on <= t), brought.run_before(t), -np.inf)
        value, begun = np.maximum(value, kept), np.where(kept > value, BEFORE, begun)
        return np.where(self._can_stop, value, -np.inf), begun

    def _started(self, stop: Table, t: int) -> tuple[Column, Whole]:
        """The best history that starts at boundary t, and where it had stopped before."""
        lag = np.minimum(t + self._off_before, self._start_cost.shape[1] - 1)
        first = -self._start_cost[np.arange(self._count), lag]
        first = np.where(self._was_on | (self._hold_off > t) | (self._must & (t > 0)), -np.inf, first)
        value, ended = first, np.full(self._count, BEFORE)
        if t:
            again = stop[:, :t] - self._start_cost[:, t:0:-1]
            best = np.argmax(again, axis=1)
            most = np.take_along_axis(again, best[:, None], axis=1)[:, 0]
            value, ended = np.maximum(first, most), np.where(most > first, best, BEFORE)
        return np.where(self._can_start, value, -np.inf), ended

    def _at_the_end(self, brought: "_Brought", start: Table, stop: Table) -> tuple[Column, Whole, Flags]:
        """Value, the boundary where the last run began or ended, and whether it runs to the end."""
        steps = self._steps
        runs = start[:, :steps] + brought.runs_to_end()
        since = np.argmax(runs, axis=1)
        value = np.take_along_axis(runs, since[:, None], axis=1)[:, 0]
        kept = np.where(self._was_on, brought.run_before_to_end(), -np.inf)
        since, value = np.where(kept > value, BEFORE, since), np.maximum(value, kept)
        off = np.argmax(stop[:, :steps], axis=1)
        resting = np.take_along_axis(stop, off[:, None], axis=1)[:, 0]
        never = np.where(self._was_on | self._must, -np.inf, 0.0)
        off, resting = np.where(never >= resting, BEFORE, off), np.maximum(resting, never)
        running = value > resting
        return np.maximum(value, resting), np.where(running, since, off), running

    def _traced(self, begun: Whole, ended: Whole, last: Whole, running: Flags) -> Times:
        since = np.full((self._count, self._steps), NONE, dtype=np.int64)
        until = np.zeros((self._count, self._steps), dtype=np.int64)
        for unit in range(self._count):
            end, at = self._steps, int(last[unit])
            if not running[unit]:
                if at == BEFORE:
                    continue
                end, at = at, int(begun[unit, at])
            while True:
                since[unit, max(at, 0) : end], until[unit, max(at, 0) : end] = at, end
                if at == BEFORE or ended[unit, at] == BEFORE:
                    break
                end = int(ended[unit, at])
                at = int(begun[unit, end])
        return Times(since, until)


class _Brought:
    """What runs bring, by the boundaries where they begin and end, from sums over their steps."""

    def __init__(self, gains: Gains) -> None:
        self._gains = gains
        middle = gains.inside[REACH][REACH]
        count, self._steps = middle.shape
        self._total = _summed(middle)
        self._total_before = _summed(gains.before[REACH])
        #: What a run loses against one that was always on, in its first and in its last steps.
        self._rise = np.zeros((count, self._steps + 1))
        self._fall = np.zeros((count, self._steps + 1))
        self._fall_before = np.zeros((count, self._steps + 1))
        for k in range(REACH):
            lost = gains.inside[k][REACH] - middle
            self._rise[:, : self._steps - k] += lost[:, k:]
            self._fall[:, k + 1 :] += (gains.inside[REACH][k] - middle)[:, : self._steps - k]
            self._fall_before[:, k + 1 :] += (gains.before[k] - gains.before[REACH])[:, : self._steps - k]

    def runs(self, end: int) -> Table:
        """Runs that begin at each boundary before ``end`` and stop there (g, end)."""
        found = self._total[:, end, None] - self._total[:, :end] + self._rise[:, :end] + self._fall[:, end, None]
        for length in range(1, min(2 * REACH, end + 1)):
            begin = end - length
            found[:, begin] = sum(
                self._gains.inside[min(k, REACH)][min(length - 1 - k, REACH)][:, begin + k] for k in range(length)
            )
        return found

    def runs_to_end(self) -> Table:
        """Runs that begin at each boundary and go on beyond the last step (g, T)."""
        found: Table = self._total[:, -1:] - self._total[:, :-1] + self._rise[:, :-1]
        return found

    def run_before(self, end: int) -> Column:
        """The run from before the first step that stops at ``end`` (g,)."""
        found: Column = self._total_before[:, end] + self._fall_before[:, end]
        return found

    def run_before_to_end(self) -> Column:
        """The run from before that goes on beyond the last step (g,)."""
        found: Column = self._total_before[:, -1]
        return found


def _summed(gain: Table) -> Table:
    return np.concatenate([np.zeros((len(gain), 1)), np.cumsum(gain, axis=1)], axis=1)


def _start_costs(problem: Problem) -> Table:
    """Cost of a start by steps off before it (g, N); infinite before the minimum down time."""
    longest = int(max(problem.steps, problem.start_lag.max(), problem.minimum_down.max())) + 1
    off_for = np.arange(longest + 1)
    category = np.maximum((problem.start_lag[:, :, None] <= off_for).sum(axis=1) - 1, 0)
    cost = np.take_along_axis(problem.start_cost, category, axis=1)
    return np.where(off_for >= problem.minimum_down[:, None], cost, np.inf)
