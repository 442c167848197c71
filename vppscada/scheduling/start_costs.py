"""Starts cost more the longer an asset was off: hot, warm, cold.

Every start pays for the coldest category; a start that is matched with a stop within the hours of a warmer one
gets the difference back. A stop and a start have one match each at most. Savings fall with the hours off, so
the optimum matches each start with the stop right before it. Beside categories per step with windows of stops,
this leaves far less to branch on.

The matches of one category are not written pair by pair. As its window is the same for every stop, stops and
starts can be matched in their order exactly if no start comes before its stop is old enough, and none is used
after it became too old: two running balances instead of a variable for each pair. Nothing is matched before the
minimum down time is over: no whole commitment starts then, but a fractional one would.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.program import Index, Program
from vppscada.scheduling.thermal import Thermal, initial_hold

StartCosts = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """Starts that are warmer than the coldest (variables) and what each saves; the cost of one from cold."""

    warmer: Index
    saving: NDArray[np.float64]
    coldest: NDArray[np.float64]  # (g,)


def category(start_costs: StartCosts, hours_off: NDArray[np.floating]) -> NDArray[np.int64]:
    """Place in ``start_costs`` (rising hours) of a start after so many hours off."""
    from_h = np.array([hours for hours, _ in start_costs])
    reached = (from_h[None, :] <= hours_off[:, None] + 1e-9).sum(axis=1)
    found: NDArray[np.int64] = np.maximum(reached - 1, 0).astype(np.int64)
    return found


def add_start_categories(program: Program, horizon: Horizon, thermal: Thermal) -> Starts:
    """All assets that have more than one category."""
    costs = [tuple(sorted(asset.start_costs)) for asset in thermal.data.assets]
    _, held_off = initial_hold(horizon, thermal.data)
    earliest = np.concatenate(
        [held_off[:, None], np.arange(horizon.steps)[None, :] + thermal.data.minimum_down[:, None]], axis=1
    )
    laid = [
        _add_matches(program, horizon, thermal, i, cost, earliest[i]) for i, cost in enumerate(costs) if len(cost) > 1
    ]
    return Starts(
        warmer=np.concatenate([warmer for warmer, _ in laid]) if laid else np.zeros(0, dtype=np.int64),
        saving=np.concatenate([saved for _, saved in laid]) if laid else np.zeros(0),
        coldest=np.array([cost[-1][1] if cost else 0.0 for cost in costs]),
    )


def _add_matches(
    program: Program, horizon: Horizon, thermal: Thermal, place: int, costs: StartCosts, earliest: Index
) -> tuple[Index, NDArray[np.float64]]:
    """Matches of one asset. Stop 0 is the one before the first step (if it is off), stop k + 1 that of step k.

    ``earliest`` is the first step in which a start may follow each of these stops.
    """
    steps, data = horizon.steps, thermal.data
    lag_category = category(costs, np.arange(1, steps + 1) * horizon.hours)
    first_category = category(costs, data.hours_in_state[place] + np.arange(steps) * horizon.hours)
    before = np.zeros(steps + 1)
    before[0] = not data.was_on[place]
    at_start = program.at_most((steps,), 0.0, (thermal.start[place], -1.0))
    at_stop = program.at_most((steps + 1,), before)
    program.add(at_stop[1:], thermal.stop[place], -1.0)
    warmer = program.block((len(costs) - 1, steps), 0.0, 1.0)
    for k in range(len(costs) - 1):
        opens = np.concatenate([_first(first_category >= k), np.arange(steps) + 1 + _first(lag_category >= k)])
        opens = np.maximum(opens, earliest)
        closes = np.concatenate([_first(first_category > k), np.arange(steps) + 1 + _first(lag_category > k)])
        used = program.block((steps + 1,), 0.0, opens < closes)
        program.add(at_start, warmer[k], 1.0)
        program.add(at_stop, used, 1.0)
        _add_balances(program, warmer[k], used, opens, closes)
    saving = np.array([costs[-1][1] - cost for _, cost in costs[:-1]])
    return warmer.ravel(), np.repeat(saving, steps)


def _first(reached: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Place of the first True; the length where there is none."""
    return np.array([np.argmax(reached) if reached.any() else len(reached)], dtype=np.int64)


def _add_balances(
    program: Program, warmer: Index, used: Index, opens: NDArray[np.int64], closes: NDArray[np.int64]
) -> None:
    """Starts up to each step ≤ stops that opened by then, and ≥ stops that have closed before it."""
    steps = len(warmer)
    waiting = program.block((steps,))
    open_rows = program.equal((steps,), 0.0, (waiting, 1.0), (warmer, 1.0))
    program.add(open_rows[1:], waiting[:-1], -1.0)
    in_time = opens < steps
    program.add(open_rows[opens[in_time]], used[in_time], -1.0)
    spare = program.block((steps,))
    close_rows = program.equal((steps,), 0.0, (spare, 1.0))
    program.add(close_rows[1:], spare[:-1], -1.0)
    program.add(close_rows[1:], warmer[:-1], -1.0)
    in_time = closes < steps
    program.add(close_rows[closes[in_time]], used[in_time], 1.0)
