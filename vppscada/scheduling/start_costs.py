"""Starts cost more the longer an asset was off: hot, warm, cold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.program import Index, Program
from vppscada.scheduling.thermal import Thermal


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """Starts that are warmer than the coldest: share of a start in category k, (g', T, K); what they save."""

    members: Index  # which of the thermal assets have more than one category
    warmer: Index
    saving: NDArray[np.float64]  # (g', K)
    coldest: NDArray[np.float64]  # (g,) cost of a start from cold


def category(start_costs: tuple[tuple[float, float], ...], hours_off: NDArray[np.float64]) -> NDArray[np.int64]:
    """Place in ``start_costs`` (rising hours) of a start after so many hours off."""
    from_h = np.array([hours for hours, _ in start_costs])
    return np.maximum((from_h[None, :] <= hours_off[:, None] + 1e-9).sum(axis=1) - 1, 0)


def add_start_categories(program: Program, horizon: Horizon, thermal: Thermal) -> Starts:
    """A start may count as warm only as far as a stop lies in that category's window before it.

    Every start pays for the coldest category; a warmer one gives back the difference. Costs rise from hot to
    cold, so the optimum takes the warmest that a stop allows, which is the true one.
    """
    data = thermal.data
    costs = [tuple(sorted(asset.start_costs)) for asset in data.assets]
    members = np.array([i for i, cost in enumerate(costs) if len(cost) > 1], dtype=np.int64)
    most = max([len(costs[i]) - 1 for i in members] + [0])
    saving = np.zeros((len(members), most))
    for row, i in enumerate(members):
        for k, (_, cost) in enumerate(costs[i][:-1]):
            saving[row, k] = costs[i][-1][1] - cost
    warmer = program.block((len(members), horizon.steps, most), 0.0, (saving > 0)[:, None, :])
    _add_windows(program, horizon, thermal, members, [costs[i] for i in members], warmer)
    rows = program.at_most(warmer.shape[:2], 0.0, (thermal.start[members], -1.0))
    program.add(rows[:, :, None], warmer, 1.0)
    coldest = np.array([cost[-1][1] if cost else 0.0 for cost in costs])
    return Starts(members=members, warmer=warmer, saving=saving, coldest=coldest)


def _add_windows(
    program: Program,
    horizon: Horizon,
    thermal: Thermal,
    members: Index,
    costs: list[tuple[tuple[float, float], ...]],
    warmer: Index,
) -> None:
    rows = program.at_most(warmer.shape, _initial_credit(horizon, thermal, members, costs, warmer), (warmer, 1.0))
    lags = np.arange(1, horizon.steps)
    for row, i in enumerate(members):
        of_lag = category(costs[row], lags * horizon.hours)
        for lag in lags[of_lag < len(costs[row]) - 1]:
            program.add(rows[row, lag:, of_lag[lag - 1]], thermal.stop[i, : horizon.steps - lag], -1.0)


def _initial_credit(
    horizon: Horizon, thermal: Thermal, members: Index, costs: list[tuple[tuple[float, float], ...]], warmer: Index
) -> NDArray[np.float64]:
    """The stop that lies before the first step counts for whatever category each step finds it in."""
    credit = np.zeros(warmer.shape)
    steps = np.arange(horizon.steps)
    for row, i in enumerate(members):
        if not thermal.data.was_on[i]:
            of_step = category(costs[row], thermal.data.hours_in_state[i] + steps * horizon.hours)
            warm = np.flatnonzero(of_step < len(costs[row]) - 1)
            credit[row, warm, of_step[warm]] = 1.0
    return credit
