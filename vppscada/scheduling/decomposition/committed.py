"""Units whose times on and off are settled, as price takers."""

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.decomposition.units import Answer, Units

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Committed:
    """Units that run when ``on`` (g, T) says so, at most at ``highest``. What their starts cost is left out."""

    def __init__(self, units: Units, on: Flags, highest: Table) -> None:
        self._units, self._on = units, on
        self.data = units.data
        self._points = units.points(highest)

    def answer(self, energy: Column, reserve: Column) -> tuple[Column, Answer]:
        """Profit of each at prices, and its plan."""
        gain, above, spent, held = self._units.while_on(energy, reserve, self._points)
        profit = np.where(self._on, gain.T, 0.0).sum(axis=1)
        return profit, self._units.answered(profit, self._on, above, spent, held, energy, reserve)
