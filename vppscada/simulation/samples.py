"""What the EMS saw, in columns: one row of values every quarter of a second."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

_FIRST_ROWS = 1024


class Samples:
    """A growing table of floats; NaN = not known at that moment."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._place = {name: i for i, name in enumerate(self.names)}
        self._table = np.full((_FIRST_ROWS, len(self.names)), np.nan)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, values: Column) -> None:
        """Add a row, in the order of ``names``."""
        if self._count == len(self._table):
            self._table = np.vstack([self._table, np.full_like(self._table, np.nan)])
        self._table[self._count] = values
        self._count += 1

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self._place

    def column(self, name: str) -> Column:
        """One column; NaN all over where there is none of that name."""
        if name not in self._place:
            return np.full(self._count, np.nan)
        return self._table[: self._count, self._place[name]].copy()

    def last(self, name: str) -> float:
        """The last known value; NaN if there never was one."""
        known = self.column(name)
        known = known[~np.isnan(known)]
        return float(known[-1]) if len(known) else float("nan")

    def most(self, name: str) -> float:
        """The greatest value; NaN if there never was one."""
        known = self.column(name)
        known = known[~np.isnan(known)]
        return float(known.max()) if len(known) else float("nan")
