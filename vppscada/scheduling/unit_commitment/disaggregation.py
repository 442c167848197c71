"""Groups back to units: which of the like ones starts and which stops."""

import numpy as np

from vppscada.scheduling.unit_commitment.formulation import Formulation
from vppscada.scheduling.unit_commitment.problem import Column, Flags, Whole

#: From here on a match counts: in a solution with whole starts and stops matches are whole too.
_MATCHED = 0.5


def units_on(formulation: Formulation, values: Column) -> Flags:
    """On and off of every unit (g, T), at no more cost than the solution of the groups.

    Any unit that is past its minimum time may stop or start: the rows of minimum times count those that are not.
    Where the minimum up time is a single step the one that started last stops first, which is what the generation
    limits reckon with. One may stop as its like starts: that keeps the next start warm. Starts follow the
    matches, so that their costs do; unmatched ones take the coldest unit.
    """
    groups = formulation.tight.groups
    on = np.zeros((len(groups.problem), groups.problem.steps), dtype=np.bool_)
    starts = np.round(values[formulation.tight.start]).astype(np.int64)
    stops = np.round(values[formulation.tight.stop]).astype(np.int64)
    running = np.round(values[formulation.tight.on]).astype(np.int64)
    matched = values[formulation.matches.column] > _MATCHED
    pairs: dict[int, list[tuple[int, int, int]]] = {}
    chosen = zip(
        formulation.matches.group[matched].tolist(),
        formulation.matches.start[matched].tolist(),
        formulation.matches.stop[matched].tolist(),
        np.round(values[formulation.matches.column[matched]]).astype(np.int64).tolist(),
        strict=True,
    )
    for group, start, stop, count in chosen:
        pairs.setdefault(group, []).append((start, stop, count))
    for group, members in enumerate(groups.members):
        if len(members) == 1:
            on[members[0]] = running[group] > 0
        else:
            _Crew(formulation, group).play(starts[group], stops[group], pairs.get(group, []), on)
    return on


class _Crew:
    """The units of one group, stepped through the horizon."""

    def __init__(self, formulation: Formulation, group: int) -> None:
        groups = formulation.tight.groups
        problem, self.units = groups.problem, groups.members[group]
        self.minimum_up = int(groups.minimum_up[group])
        self.minimum_down = int(groups.minimum_down[group])
        self.on = problem.was_on[self.units].copy()
        self.since = -problem.steps_in_state[self.units]
        self.free = np.where(self.on, groups.hold_on[self.units], groups.hold_off[self.units])

    def play(self, starts: Whole, stops: Whole, pairs: list[tuple[int, int, int]], on: Flags) -> None:
        """Fill the rows of the units in ``on``."""
        wanted: dict[int, list[int]] = {}
        kept: dict[int, int] = {}
        for start, stop, count in pairs:
            wanted.setdefault(start, []).extend([stop] * count)
            kept[stop] = kept.get(stop, 0) + count
        for t in range(len(starts)):
            for _ in range(int(stops[t])):
                self._stop(t)
            mine = wanted.get(t, [])
            for stop in mine:
                kept[stop] -= 1
            for k in range(int(starts[t])):
                self._start(t, mine[k] if k < len(mine) else None, kept)
            on[self.units, t] = self.on

    def _stop(self, t: int) -> None:
        able = np.flatnonzero(self.on & (self.free <= t))
        order = self.since[able]
        one = able[np.argmax(order) if self.minimum_up == 1 else np.argmin(order)]
        self.on[one], self.since[one], self.free[one] = False, t, t + self.minimum_down

    def _start(self, t: int, stop: int | None, kept: dict[int, int]) -> None:
        able = np.flatnonzero(~self.on & (self.free <= t))
        since = self.since[able]
        same = np.flatnonzero(since == stop) if stop is not None else np.zeros(0, dtype=np.int64)
        if same.size:
            one = able[same[0]]
        else:
            spare = [
                i for i in np.argsort(since, kind="stable") if (since == since[i]).sum() > kept.get(int(since[i]), 0)
            ]
            one = able[spare[0] if spare else int(np.argmin(since))]
        self.on[one], self.since[one], self.free[one] = True, t, t + self.minimum_up
