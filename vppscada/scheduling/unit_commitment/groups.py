"""Units that are alike as one whole number, and back.

Units with the same constants count as one group where no ramp can bind (up and down at least the whole range).
Their states before the first step may differ: what is left of minimum times enters as counts. A unit with a
ramp that binds is a group of its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.unit_commitment.problem import Column, Flags, Problem, Whole

#: A ramp that misses the whole range by less does not bind.
_WIDTH_MW = 1e-9
#: Where power before the first step needs this much more than whole steps of ramping, it is rounding.
_STEPS = 1e-9


class Infeasible(ValueError):
    """No schedule can exist; the message says which unit, or that the solver proved it."""


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """G groups; powers in MW above the minimum of one unit, limits after everything that already follows."""

    problem: Problem
    members: tuple[Whole, ...]  # units of each
    first: Whole  # (G,) a unit of each
    count: Column  # (G,)
    slow: Flags  # a ramp can bind
    width: Column
    start_room: Column  # power and reserve in the first step after a start, ≤ width
    stop_room: Column  # power and reserve in the last step before a stop, ≤ width
    stop_power: Column  # power in the last step before a stop: a stop is a ramp down as well
    minimum_up: Whole
    minimum_down: Whole
    on_before: Column
    above_before: Column  # of all its units together
    least_on: NDArray[np.float64]  # (G, T) units that cannot be off
    held_on: NDArray[np.float64]  # (G, T) units still bound to run by what was before the first step
    held_off: NDArray[np.float64]  # (G, T)
    hold_on: Whole  # (g,) by unit: steps from the first that it cannot be off
    hold_off: Whole
    can_start: Flags
    can_stop: Flags

    def __len__(self) -> int:
        return len(self.members)

    def of(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """A column of the problem (by unit), by group."""
        taken: NDArray[np.float64] = column[self.first]
        return taken


def grouped(problem: Problem, members: tuple[Whole, ...] | None = None) -> Groups:
    """The groups of like units, or those given.

    Groups given that put slow units together are a relaxation of them, not the same problem.

    Raises:
        Infeasible: a unit that must run is still held off.
    """
    slow = np.minimum(problem.ramp_up, problem.ramp_down) < problem.width - _WIDTH_MW
    if members is None:
        members = _members(problem, slow)
    first = np.array([group[0] for group in members])
    start_room = np.minimum(np.minimum(problem.start_limit - problem.minimum_mw, problem.ramp_up), problem.width)
    stop_room = np.minimum(problem.stop_limit - problem.minimum_mw, problem.width)
    stop_power = np.minimum(stop_room, problem.ramp_down)
    hold_on, hold_off = _holds(problem, stop_power)
    step = np.arange(problem.steps)
    held_on, held_off = step < hold_on[:, None], step < hold_off[:, None]
    conflict = (held_off & problem.must_run[:, None]).any(axis=1)
    if conflict.any():
        name = problem.names[int(np.argmax(conflict))]
        raise Infeasible(f"{name} must run, but has not been off for its minimum down time")
    return Groups(
        problem=problem,
        members=members,
        first=first,
        count=np.array([float(len(group)) for group in members]),
        slow=slow[first],
        width=problem.width[first],
        start_room=np.maximum(start_room, 0.0)[first],
        stop_room=np.maximum(stop_room, 0.0)[first],
        stop_power=np.maximum(stop_power, 0.0)[first],
        minimum_up=problem.minimum_up[first],
        minimum_down=problem.minimum_down[first],
        on_before=_totals(problem.was_on, members),
        above_before=_totals(problem.above_before, members),
        least_on=_totals(held_on | problem.must_run[:, None], members),
        held_on=_totals(held_on, members),
        held_off=_totals(held_off, members),
        hold_on=hold_on,
        hold_off=hold_off,
        can_start=(start_room >= 0.0)[first],
        can_stop=(stop_room >= 0.0)[first],
    )


def _members(problem: Problem, alone: Flags) -> tuple[Whole, ...]:
    keys: dict[tuple[bytes, ...], list[int]] = {}
    for unit in range(len(problem)):
        if alone[unit]:
            key: tuple[bytes, ...] = (unit.to_bytes(8, "little"),)
        else:
            key = tuple(column[unit].tobytes() for column in _alike(problem))
        keys.setdefault(key, []).append(unit)
    return tuple(np.array(units, dtype=np.int64) for units in keys.values())


def _alike(problem: Problem) -> tuple[NDArray[np.generic], ...]:
    return (
        problem.minimum_mw,
        problem.maximum_mw,
        problem.start_limit,
        problem.stop_limit,
        problem.minimum_up,
        problem.minimum_down,
        problem.must_run,
        problem.curve_mw,
        problem.curve_cost,
        problem.start_lag,
        problem.start_cost,
    )


def _holds(problem: Problem, stop_power: Column) -> tuple[Whole, Whole]:
    """Steps from the first that a unit cannot stop in: minimum up time, and the way down to where it may stop."""
    left = np.where(problem.was_on, problem.minimum_up, problem.minimum_down) - problem.steps_in_state
    excess = np.where(problem.was_on, problem.above_before - stop_power, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        down = np.where(excess > _STEPS, np.ceil(excess / problem.ramp_down - _STEPS), 0.0)
    down = np.minimum(down, problem.steps).astype(np.int64)
    on: Whole = np.where(problem.was_on, np.maximum(left, down), 0)
    off: Whole = np.where(problem.was_on, 0, np.maximum(left, 0))
    return on, off


def _totals(flags: NDArray[np.generic], members: tuple[Whole, ...]) -> NDArray[np.float64]:
    return np.array([flags[group].sum(axis=0) for group in members], dtype=np.float64)
