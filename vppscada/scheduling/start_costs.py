"""Starts cost more the longer an asset was off: hot, warm, cold.

Every start pays for the coldest category; an arc from a stop to a later start, within the hours that a warmer
category holds, gives back the difference. A stop and a start have one arc each at most. Savings fall with the
hours off, so the optimum joins each start to the stop right before it. Beside categories per step with windows
of stops, this leaves far less to branch on.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.program import Index, Program
from vppscada.scheduling.thermal import Thermal

StartCosts = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """Arcs (variables) from stops to starts, what each saves, and the cost of a start from cold."""

    arcs: Index
    saving: NDArray[np.float64]
    coldest: NDArray[np.float64]  # (g,)


def category(start_costs: StartCosts, hours_off: NDArray[np.floating]) -> NDArray[np.int64]:
    """Place in ``start_costs`` (rising hours) of a start after so many hours off."""
    from_h = np.array([hours for hours, _ in start_costs])
    reached = (from_h[None, :] <= hours_off[:, None] + 1e-9).sum(axis=1)
    found: NDArray[np.int64] = np.maximum(reached - 1, 0).astype(np.int64)
    return found


def saving(start_costs: StartCosts, hours_off: NDArray[np.floating]) -> NDArray[np.float64]:
    """What a start after so many hours off costs less than one from cold."""
    costs = np.array([cost for _, cost in start_costs])
    less: NDArray[np.float64] = costs[-1] - costs[category(start_costs, hours_off)]
    return less


def add_start_categories(program: Program, horizon: Horizon, thermal: Thermal) -> Starts:
    """Lay the arcs of all assets that have more than one category."""
    costs = [tuple(sorted(asset.start_costs)) for asset in thermal.data.assets]
    laid = [_add_arcs(program, horizon, thermal, i, cost) for i, cost in enumerate(costs) if len(cost) > 1]
    return Starts(
        arcs=np.concatenate([arcs for arcs, _ in laid]) if laid else np.zeros(0, dtype=np.int64),
        saving=np.concatenate([saved for _, saved in laid]) if laid else np.zeros(0),
        coldest=np.array([cost[-1][1] if cost else 0.0 for cost in costs]),
    )


def _add_arcs(
    program: Program, horizon: Horizon, thermal: Thermal, place: int, costs: StartCosts
) -> tuple[Index, NDArray[np.float64]]:
    """Arcs of one asset. Stop 0 is the one before the first step (if it is off), stop k + 1 that of step k."""
    steps = horizon.steps
    stop, start = np.nonzero(np.arange(-1, steps)[:, None] < np.arange(steps)[None, :])
    hours_off = (start - stop + 1) * horizon.hours
    before = stop == 0
    hours_off[before] = thermal.data.hours_in_state[place] + start[before] * horizon.hours
    saved = saving(costs, hours_off)
    there = (saved > 0.0) & ~(before & thermal.data.was_on[place])
    stop, start, saved = stop[there], start[there], saved[there]
    arcs = program.block((len(saved),), 0.0, 1.0)
    at_start = program.at_most((steps,), 0.0, (thermal.start[place], -1.0))
    program.add(at_start[start], arcs, 1.0)
    first = np.zeros(steps + 1)
    first[0] = 1.0
    at_stop = program.at_most((steps + 1,), first)
    program.add(at_stop[1:], thermal.stop[place], -1.0)
    program.add(at_stop[stop], arcs, 1.0)
    return arcs, saved
