"""Fuel along the heat-rate curves of many assets at once; used by the optimiser and by the books alike."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset, AssetFamily

Column = NDArray[np.float64]


class FuelCurves:
    """Piecewise-linear heat-rate curves in columns, (n, K): row i is asset i.

    ``power_mw`` are the left ends of the segments, ``fuel_mw`` the fuel there, ``slope`` MW of fuel per MW.
    Unused segments start at infinity. Below the first and above the last breakpoint the nearest slope goes on,
    never below zero fuel; a curve of one breakpoint is the straight line from zero through it.
    """

    def __init__(self, assets: Sequence[Asset]) -> None:
        curves = [asset.heat_rate if asset.kind.family is AssetFamily.THERMAL else () for asset in assets]
        segments = max([len(curve) - 1 for curve in curves] + [1])
        self.power_mw = np.full((len(curves), segments), np.inf)
        self.power_mw[:, 0] = 0.0
        self.fuel_mw = np.zeros((len(curves), segments))
        self.slope = np.zeros((len(curves), segments))
        self._row = np.arange(len(curves))
        for i, curve in enumerate(curves):
            self._lay(i, curve)

    def _lay(self, i: int, curve: tuple[tuple[float, float], ...]) -> None:
        if len(curve) == 1:
            power, fuel = curve[0]
            self.slope[i, 0] = fuel / power if power > 0 else 0.0
        if len(curve) > 1:
            power_mw, fuel_mw = np.array(curve, dtype=np.float64).T
            last = len(curve) - 1
            self.power_mw[i, :last] = power_mw[:-1]
            self.fuel_mw[i, :last] = fuel_mw[:-1]
            self.slope[i, :last] = np.diff(fuel_mw) / np.diff(power_mw)

    def _segment(self, power_mw: Column) -> NDArray[np.intp]:
        segment: NDArray[np.intp] = np.maximum((self.power_mw <= power_mw[:, None]).sum(axis=1) - 1, 0)
        return segment

    def fuel_at(self, power_mw: Column) -> Column:
        """MW of fuel burned at a power each (length n), as if on."""
        at = (self._row, self._segment(power_mw))
        fuel: Column = self.fuel_mw[at] + self.slope[at] * (power_mw - self.power_mw[at])
        return np.maximum(fuel, 0.0)

    def slope_at(self, power_mw: Column) -> Column:
        """MW of fuel for the next MW of power each (length n)."""
        slope: Column = self.slope[self._row, self._segment(power_mw)]
        return slope
