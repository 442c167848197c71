"""The cost curve of the plant: money per hour over MW, from the least to the greatest power that it can hold.

The assets' convex segments merged in the order of their cost, which is the exact optimum of sharing a power among
them. A unit that may be started or stopped counts by the convex hull of off and on, its start spread over the time
to be held: there the curve is the linear relaxation, at or below what whole units cost.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.offers import Offers

Column = NDArray[np.float64]
Table = NDArray[np.float64]

#: Powers nearer than this are one, MW.
_SAME_MW = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class CostCurve:
    """Break points, both columns of one length (≥ 1): powers rise strictly, and the cost is convex over them."""

    power_mw: Column
    cost_per_h: Column

    def __len__(self) -> int:
        return len(self.power_mw)

    @property
    def marginal_per_mwh(self) -> Column:
        """Cost of the next MWh at each break point; at the last that of the one before. Empty span: 0."""
        if len(self) == 1:
            return np.zeros(1)
        slope = np.diff(self.cost_per_h) / np.diff(self.power_mw)
        return np.append(slope, slope[-1])

    def cost_at(self, power_mw: float) -> float:
        """Money per hour at a power; NaN outside of what the plant can hold."""
        if not self.power_mw[0] - _SAME_MW <= power_mw <= self.power_mw[-1] + _SAME_MW:
            return float("nan")
        return float(np.interp(power_mw, self.power_mw, self.cost_per_h))

    def marginal_at(self, power_mw: float) -> tuple[float, float]:
        """What one MWh less saves and one MWh more costs at a power; NaN where the plant cannot go further."""
        slope = self.marginal_per_mwh
        right = int(np.searchsorted(self.power_mw, power_mw + _SAME_MW, side="right")) - 1
        left = int(np.searchsorted(self.power_mw, power_mw - _SAME_MW, side="left")) - 1
        last = len(self) - 1
        less = float(slope[left]) if 0 <= left < last else float("nan")
        more = float(slope[right]) if 0 <= right < last else float("nan")
        return less, more

    def thinned(self, most: int) -> "CostCurve":
        """At most ``most`` (≥ 2) of the break points, the ends among them: again convex, and nowhere below.

        One after another that point is taken at which the straight lines are off most.
        """
        if len(self) <= most:
            return self
        kept = [0, len(self) - 1]
        while len(kept) < most:
            off = np.interp(self.power_mw, self.power_mw[kept], self.cost_per_h[kept]) - self.cost_per_h
            kept = sorted({*kept, int(np.argmax(off))})
            if float(off.max()) <= 0.0:
                break
        return CostCurve(self.power_mw[kept], self.cost_per_h[kept])


def cost_curve(offers: Offers) -> CostCurve:
    """Merge what the assets offer."""
    width, slope = np.where(offers.optional[:, None], 0.0, offers.width_mw), offers.slope_per_mwh
    hull_width, hull_slope = _hulls(offers)
    widths = np.concatenate([width[~offers.optional].ravel(), hull_width.ravel()])
    slopes = np.concatenate([slope[~offers.optional].ravel(), hull_slope.ravel()])
    there = widths > _SAME_MW
    widths, slopes = widths[there], slopes[there]
    order = np.argsort(slopes, kind="stable")
    start_mw = float(offers.low_mw[~offers.optional].sum())
    start_cost = float(offers.cost_at_low[~offers.optional].sum())
    power = start_mw + np.concatenate([[0.0], np.cumsum(widths[order])])
    cost = start_cost + np.concatenate([[0.0], np.cumsum((widths * slopes)[order])])
    return _joined(power, cost, slopes[order])


def _hulls(offers: Offers) -> tuple[Table, Table]:
    """Segments from 0 MW of those that may be off: one to the power of least average cost, and what comes after it."""
    rows = offers.optional
    width, slope = offers.width_mw[rows], offers.slope_per_mwh[rows]
    low, at_low = offers.low_mw[rows, None], (offers.cost_at_low + offers.start_cost / offers.hours)[rows, None]
    power = np.concatenate([low, low + np.cumsum(width, axis=1)], axis=1)
    cost = np.concatenate([at_low, at_low + np.cumsum(width * slope, axis=1)], axis=1)
    average = np.where(power > _SAME_MW, cost / np.maximum(power, _SAME_MW), np.inf)
    best = np.argmin(average, axis=1)[:, None] if len(low) else np.zeros((0, 1), dtype=np.int64)
    later = np.arange(width.shape[1])[None, :] >= best
    first = np.take_along_axis(power, best, axis=1)
    first_slope = np.take_along_axis(average, best, axis=1)
    return (
        np.concatenate([first, np.where(later, width, 0.0)], axis=1),
        np.concatenate([np.where(np.isfinite(first_slope), first_slope, 0.0), slope], axis=1),
    )


def _joined(power: Column, cost: Column, slope: Column) -> CostCurve:
    """Without break points between segments of one slope."""
    bends = np.ones(len(power), dtype=np.bool_)
    bends[1:-1] = np.diff(slope) > 1e-12 * np.maximum(np.abs(slope[1:]), 1.0)
    return CostCurve(power[bends], cost[bends])
