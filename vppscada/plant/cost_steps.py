"""What each asset's power costs, as steps of rising slope: along its heat rate, and around its base point."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetFamily, Fleet, column
from vppscada.model.fuel_curves import FuelCurves
from vppscada.plant.least_cost import Steps

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Leeway:
    """What each asset (n) could do, and what that costs beside its fuel (per MWh)."""

    low_mw: Column
    high_mw: Column
    base_mw: Column
    reserved_mw: Column  # top of its range that is kept as reserve, and used last
    below: Column  # saved by each MWh under the base
    above: Column  # paid for each MWh over it
    anchored: Flags  # leaves its base only if nobody could go the other way instead


class CostSteps:
    """Turns leeway into steps. The heat rates are laid out once."""

    def __init__(self, fleet: Fleet) -> None:
        curves = FuelCurves(fleet.assets)
        thermal = np.array([asset.kind.family is AssetFamily.THERMAL for asset in fleet.assets], dtype=np.bool_)
        price = np.where(thermal, column(fleet.assets, "fuel_price_per_mwh"), 0.0)[:, None]
        burned = price * curves.slope
        several = np.isfinite(curves.power_mw).sum(axis=1) > 1
        self._straight: Index = np.flatnonzero(~several)
        self._bent: Index = np.flatnonzero(several)
        self._slope = burned[self._straight, 0]
        self._slopes = burned[self._bent]
        self._from_mw = curves.power_mw[self._bent]
        self._to_mw = np.concatenate([self._from_mw[:, 1:], np.full((len(self._bent), 1), np.inf)], axis=1)
        #: Fuel of the first and of the last MWh of each asset.
        self._least, self._most = np.zeros(len(fleet)), np.zeros(len(fleet))
        self._least[self._straight] = self._most[self._straight] = self._slope
        if len(self._bent):
            used = np.isfinite(self._from_mw)
            self._least[self._bent] = np.where(used, self._slopes, np.inf).min(axis=1)
            self._most[self._bent] = np.where(used, self._slopes, -np.inf).max(axis=1)

    def steps(self, leeway: Leeway) -> Steps:
        """The steps of the whole fleet.

        Reserve costs more than any energy, and to leave an anchored base downwards more than any to leave one
        upwards: so with every base anchored what is missing is shared in the order of costs, and nobody is moved
        against it unless a limit asks for that.
        """
        spread = self._spread(leeway)
        edges, extra = _zones(leeway, spread)
        parts = [_flat(self._straight, *_straight(self._straight, edges, extra, self._slope))]
        if len(self._bent):
            parts.append(_flat(self._bent, *self._bent_pieces(edges, extra)))
        asset, width, slope = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Steps(leeway.low_mw, asset, width, slope)

    def _spread(self, leeway: Leeway) -> float:
        """More than any two slopes differ by."""
        if len(self._least) == 0:
            return 1.0
        highest = float((self._most + np.maximum(leeway.above, leeway.below)).max())
        return highest - float((self._least + np.minimum(leeway.above, leeway.below)).min()) + 1.0

    def _bent_pieces(self, edges: Table, extra: Table) -> tuple[Table, Table]:
        """Widths and slopes (b, K × 3), each asset's in the order of its power."""
        left, right = edges[self._bent, None, :-1], edges[self._bent, None, 1:]
        width = np.minimum(self._to_mw[:, :, None], right) - np.maximum(self._from_mw[:, :, None], left)
        slope = self._slopes[:, :, None] + extra[self._bent, None, :]
        return np.maximum(width, 0.0).reshape(len(self._bent), -1), slope.reshape(len(self._bent), -1)


def _zones(leeway: Leeway, spread: float) -> tuple[Table, Table]:
    """Edges (n, 4) of three zones around the base and the reserve, and what is added to the slope in each (n, 3)."""
    low, high = leeway.low_mw, leeway.high_mw
    base = np.clip(leeway.base_mw, low, high)
    reserve = np.maximum(high - np.maximum(leeway.reserved_mw, 0.0), low)
    edges = np.stack([low, np.minimum(base, reserve), np.maximum(base, reserve), high], axis=1)
    below = leeway.below - np.where(leeway.anchored, spread, 0.0)
    between = np.where(base <= reserve, leeway.above, below + 2.0 * spread)
    return edges, np.stack([below, between, leeway.above + 2.0 * spread], axis=1)


def _straight(members: Index, edges: Table, extra: Table, slope: Column) -> tuple[Table, Table]:
    return np.diff(edges[members], axis=1), extra[members] + slope[:, None]


def _flat(members: Index, width: Table, slope: Table) -> tuple[Index, Column, Column]:
    """Pieces that have a width, as columns."""
    there = width > 0.0
    asset = np.broadcast_to(members[:, None], width.shape)
    return asset[there], width[there], slope[there]
