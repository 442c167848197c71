"""Units that answer prices: for all at once, when to run and at what output, for the greatest profit of each alone.

Output is within what the ramps allow so long after a start and so long before a stop. Ramps between two steps of a
run that are near neither count only at the prices given for them: that relaxes the problem, so that the profit is a
bound of the true one from above, at any such prices. So are curves that are not convex taken by their lower hull.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.unit_commitment.groups import Groups, grouped
from vppscada.scheduling.unit_commitment.problem import Column, Flags, Problem
from vppscada.scheduling.unit_commitment.runs import BEFORE, NONE, REACH, Gains, Runs, Times

Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What units do at given prices, and what they gain by it (g,); tables (g, T) in MW."""

    profit: Column
    cost: Column  # theirs, starts among it
    on: Flags
    power: Table
    reserve: Table
    room: "Room"


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """Least and most power above the minimum, and most power and reserve, of units that run (g, T)."""

    least: Table
    power: Table
    both: Table


@dataclass(frozen=True, slots=True, eq=False)
class RampPrices:
    """What a MW more of a ramp up, or down, is worth between a step and the one before it (g, T), ≥ 0."""

    up: Table
    down: Table


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Prices as each unit sees them (g, T): of energy above the minimum, of reserve, and of a step on."""

    energy: Table
    reserve: Table
    fixed: Table


class Takers:
    """The units of a problem; `answer` is asked again and again."""

    def __init__(self, problem: Problem) -> None:
        """Raises `Infeasible`: a unit that must run is still held off."""
        self._problem = problem
        self.alone = grouped(problem, tuple(np.array([unit]) for unit in range(len(problem))))
        self.slope, self.ends = segments(problem)
        self._runs = Runs(self.alone)
        self._rise, self._fall = _trajectories(self.alone)
        step = np.arange(1, problem.steps + 1)
        risen = problem.above_before[:, None] + step * problem.ramp_up[:, None]
        self._risen = np.clip(risen, 0.0, problem.width[:, None])
        self._at_least = np.maximum(problem.above_before[:, None] - step * problem.ramp_down[:, None], 0.0)

    def answer(self, energy: Column, reserve: Column, ramps: RampPrices | None = None) -> Answers:
        """The best of each unit at prices per MWh and per MW of reserve (T,), where its ramps have prices too."""
        seen = _seen(self._problem, energy, reserve, ramps)
        profit, times = self._runs.best(self._gains(seen))
        room = self._room(times)
        on = times.since != NONE
        wanted = np.maximum(self._wanted(seen.energy - seen.reserve), room.least)
        above = np.where(on, np.minimum(wanted, room.power), 0.0)
        held = np.where(on & (seen.reserve > 0.0), np.maximum(room.both - above, 0.0), 0.0)
        given = np.where(on, self._problem.minimum_mw[:, None] + above, 0.0)
        return Answers(profit, given @ energy + held @ reserve - profit, on, given, held, room)

    def _room(self, times: Times) -> Room:
        step, steps = np.arange(self._problem.steps), self._problem.steps
        since = np.clip(step - times.since, 0, REACH)
        until = np.where(times.until < steps, np.clip(times.until - 1 - step, 0, REACH), REACH)
        before = times.since == BEFORE
        rise = np.where(before, self._risen, np.take_along_axis(self._rise, since, axis=1))
        power = np.minimum(rise, np.take_along_axis(self._fall, until, axis=1))
        both = np.where(until == 0, np.minimum(rise, self.alone.stop_room[:, None]), rise)
        return Room(np.where(before, np.minimum(self._at_least, power), 0.0), power, both)

    def _gains(self, seen: _Seen) -> Gains:
        wanted = self._wanted(seen.energy - seen.reserve)
        fixed = seen.fixed - self._problem.curve_cost[:, :1]
        nothing = np.zeros((len(self._problem), 1))
        rises = [self._rise[:, since, None] for since in range(REACH + 1)]
        return Gains(
            inside=[
                [self._gain(wanted, nothing, rise, until, seen) + fixed for until in range(REACH + 1)] for rise in rises
            ],
            before=[self._gain(wanted, self._at_least, self._risen, until, seen) + fixed for until in range(REACH + 1)],
        )

    def _gain(self, wanted: Table, least: Table, rise: Table, until: int, seen: _Seen) -> Table:
        """What a step brings above the minimum, so long before a stop."""
        power = np.minimum(rise, self._fall[:, until, None])
        both = np.minimum(rise, self.alone.stop_room[:, None]) if until == 0 else rise
        above = np.minimum(np.maximum(wanted, least), power)
        return (seen.energy - seen.reserve) * above + seen.reserve * np.maximum(both, above) - self._spent(above)

    def _wanted(self, price: Table) -> Table:
        """MW above the minimum from where on the next would cost more than it brings (g, T)."""
        pays = (self.slope[:, None, :] < price[:, :, None]).sum(axis=2)
        return np.take_along_axis(self.ends, pays, axis=1)

    def _spent(self, above: Table) -> Table:
        """Cost above that at the minimum (g, T)."""
        spent = np.zeros_like(above)
        for k in range(self.slope.shape[1]):
            begin, width = self.ends[:, k, None], (self.ends[:, k + 1] - self.ends[:, k])[:, None]
            if width.any():
                spent += np.clip(above - begin, 0.0, width) * self.slope[:, k, None]
        return spent


def _seen(problem: Problem, energy: Column, reserve: Column, ramps: RampPrices | None) -> _Seen:
    """With above + reserve − above before ≤ ramp up · on, and above before − above ≤ ramp down · on before, priced."""
    shape = (len(problem), problem.steps)
    held, seen = np.broadcast_to(np.maximum(reserve, 0.0), shape), np.broadcast_to(energy, shape)
    fixed = seen * problem.minimum_mw[:, None]
    if ramps is None:
        return _Seen(seen, held, fixed)
    fixed = fixed + ramps.up * problem.ramp_up[:, None] + _later(ramps.down) * problem.ramp_down[:, None]
    seen = seen - ramps.up + _later(ramps.up) + ramps.down - _later(ramps.down)
    return _Seen(seen, np.maximum(held - ramps.up, 0.0), fixed)


def _later(table: Table) -> Table:
    """Each step's value of the step after it."""
    later: Table = np.concatenate([table[:, 1:], np.zeros((len(table), 1))], axis=1)
    return later


def _trajectories(alone: Groups) -> tuple[Table, Table]:
    """Most MW above the minimum by steps since the start, and by steps until the stop, (g, `REACH` + 1)."""
    problem, step = alone.problem, np.arange(REACH)
    width = problem.width[:, None]
    rise = np.minimum(alone.start_room[:, None] + step * problem.ramp_up[:, None], width)
    fall = np.minimum(alone.stop_power[:, None] + step * problem.ramp_down[:, None], width)
    return np.concatenate([rise, width], axis=1), np.concatenate([fall, width], axis=1)


def segments(problem: Problem) -> tuple[Table, Table]:
    """Slopes (g, K) of the curves' lower hull, rising, and where they begin and end, MW above the minimum (g, K + 1).

    Those beyond the last have no width, and the slope of the last.
    """
    slopes = np.zeros((len(problem), problem.curve_mw.shape[1]))
    ends = np.repeat(problem.width[:, None], problem.curve_mw.shape[1] + 1, axis=1)
    ends[:, 0] = 0.0
    for unit in range(len(problem)):
        mw, cost = _hull(problem.curve_mw[unit] - problem.minimum_mw[unit], problem.curve_cost[unit])
        count = len(mw) - 1
        if count:
            slopes[unit, :count] = np.diff(cost) / np.diff(mw)
            slopes[unit, count:] = slopes[unit, count - 1]
        ends[unit, 1 : count + 1] = mw[1:]
    return slopes, ends


def _hull(mw: Column, cost: Column) -> tuple[Column, Column]:
    """Lower hull of the points of a curve, the first of equal ones."""
    kept: list[int] = []
    for point in range(len(mw)):
        if kept and mw[point] <= mw[kept[-1]]:
            continue
        while len(kept) > 1 and _above(mw, cost, kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return mw[kept], cost[kept]


def _above(mw: Column, cost: Column, a: int, b: int, c: int) -> bool:
    return bool((cost[b] - cost[a]) * (mw[c] - mw[a]) >= (cost[c] - cost[a]) * (mw[b] - mw[a]))
