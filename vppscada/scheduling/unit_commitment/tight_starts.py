"""Start-up costs by matching: every start pays for the coldest category, and a match with a stop gives some back.

A stop and a start have one match each at most, and the saving is that of the hours between them. In the linear
relaxation this is as tight as the matching itself; Knueven, Ostrowski, Watson (2020), "match".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.program import Index
from vppscada.scheduling.unit_commitment.groups import Groups
from vppscada.scheduling.unit_commitment.problem import Column, Whole
from vppscada.scheduling.unit_commitment.tight import Tight


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Variables that match a stop of a group with a later start, one entry each."""

    column: Index
    group: Whole
    stop: Whole  # step; below 0: so many steps before the first, unit off since then
    start: Whole


def add_starts(tight: Tight) -> Matches:
    """The cost of starts, and what is given back."""
    groups = tight.groups
    cost = groups.of(groups.problem.start_cost)
    tight.program.price(tight.start, cost[:, -1:])
    laid = [_add_matches(tight, int(g)) for g in np.flatnonzero(cost[:, 0] < cost[:, -1])]
    if not laid:
        return Matches(*(np.zeros(0, dtype=np.int64) for _ in range(4)))
    return Matches(
        column=np.concatenate([match.column for match in laid]),
        group=np.concatenate([match.group for match in laid]),
        stop=np.concatenate([match.stop for match in laid]),
        start=np.concatenate([match.start for match in laid]),
    )


def _add_matches(tight: Tight, group: int) -> Matches:
    groups, program = tight.groups, tight.program
    ages, counts = _initial_ages(groups, group)
    stops = np.concatenate([-ages, np.arange(tight.steps)])
    off_for = np.arange(tight.steps) - stops[:, None]
    saving = _savings(groups, group, off_for)
    place, start = np.nonzero(saving > 0.0)
    columns = program.block((len(place),), 0.0, groups.count[group])
    program.price(columns, -saving[place, start])
    at_start = program.at_most((tight.steps,), 0.0, (tight.start[group], -1.0))
    program.add(at_start[start], columns, 1.0)
    at_stop = program.at_most((len(stops),), np.concatenate([counts, np.zeros(tight.steps)]))
    program.add(at_stop[len(ages) :], tight.stop[group], -1.0)
    program.add(at_stop[place], columns, 1.0)
    return Matches(columns, np.full(len(columns), group), stops[place], start)


def _initial_ages(groups: Groups, group: int) -> tuple[Whole, Column]:
    """How long units of a group had been off before the first step, and how many for so long."""
    problem, members = groups.problem, groups.members[group]
    off = members[~problem.was_on[members]]
    ages, counts = np.unique(problem.steps_in_state[off], return_counts=True)
    return ages.astype(np.int64), counts.astype(np.float64)


def _savings(groups: Groups, group: int, off_for: Whole) -> NDArray[np.float64]:
    """Coldest cost less that of a start after so many steps off; 0 before the minimum down time."""
    unit = groups.first[group]
    lag, cost = groups.problem.start_lag[unit], groups.problem.start_cost[unit]
    category = np.maximum((lag[None, None, :] <= off_for[:, :, None]).sum(axis=2) - 1, 0)
    saving: NDArray[np.float64] = np.where(off_for >= groups.minimum_down[group], cost[-1] - cost[category], 0.0)
    return saving
