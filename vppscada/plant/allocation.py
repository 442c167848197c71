"""Sharing a residual among assets: the one primitive under dispatch, exact without coupling rows."""

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]


def allocate(power_mw: Column, residual_mw: float, low_mw: Column, high_mw: Column, order: NDArray[np.intp]) -> Column:
    """Move ``power_mw`` by ``residual_mw`` in all, filling each asset's room in ``order`` before the next.

    Raising uses the room to ``high_mw``, lowering the room to ``low_mw``. Assets not in ``order`` stay.
    What does not fit is left: compare the sums. With costs in rising order (falling, to lower) this is
    the optimum of min Σ cᵢ·xᵢ s.t. Σxᵢ = target, low ≤ x ≤ high, seen from the given point.
    """
    moved = power_mw.copy()
    if residual_mw == 0.0 or len(order) == 0:
        return moved
    raising = residual_mw > 0
    room = np.maximum((high_mw - power_mw) if raising else (power_mw - low_mw), 0.0)[order]
    before = np.cumsum(room) - room
    taken = np.clip(abs(residual_mw) - before, 0.0, room)
    moved[order] += taken if raising else -taken
    return moved


def cost_order(marginal_cost: Column, raising: bool, among: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Positions of ``among``, cheapest first to raise, dearest first to lower; ties by position."""
    positions = np.flatnonzero(among)
    cost = marginal_cost[positions]
    return positions[np.argsort(cost if raising else -cost, kind="stable")]


def tier_order(
    tier: NDArray[np.int8], marginal_cost: Column, raising: bool, among: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Like `cost_order`, but a lower tier always goes before a higher one."""
    positions = np.flatnonzero(among)
    cost = marginal_cost[positions]
    return positions[np.lexsort((cost if raising else -cost, tier[positions]))]
