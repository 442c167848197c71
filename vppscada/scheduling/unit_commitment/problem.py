"""A unit commitment problem in columns, as the Power Grid Lib (pglib-uc) states it, and a schedule of it.

Units are rows of the columns. Steps are hours; the library's format knows no other. Costs are in the currency
of the file.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """g thermal units, w renewable plants, T steps of an hour; powers in MW, ramps in MW per step, times in steps.

    Padding: a curve shorter than the longest repeats its last point, start categories repeat the coldest one.
    """

    names: tuple[str, ...]
    minimum_mw: Column  # (g,) ≥ 0
    maximum_mw: Column  # ≥ minimum
    ramp_up: Column  # of output above the minimum, reserve included
    ramp_down: Column
    start_limit: Column  # greatest power and reserve in the first step after a start
    stop_limit: Column  # … in the last step before a stop
    minimum_up: Whole  # ≥ 1
    minimum_down: Whole  # ≥ 1
    must_run: Flags
    was_on: Flags  # before the first step
    steps_in_state: Whole  # how long it had been on, or off, before the first step
    power_before: Column  # in the step before the first; 0 where off
    curve_mw: NDArray[np.float64]  # (g, L), from the minimum to the maximum
    curve_cost: NDArray[np.float64]  # (g, L) per step
    start_lag: Whole  # (g, S) steps off from which a category holds, hottest first
    start_cost: NDArray[np.float64]  # (g, S), never falling
    demand: Column  # (T,)
    reserve: Column  # (T,)
    renewable_names: tuple[str, ...]
    renewable_minimum: NDArray[np.float64]  # (w, T)
    renewable_maximum: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def steps(self) -> int:
        """Length of the horizon."""
        return len(self.demand)

    @property
    def width(self) -> Column:
        """MW between minimum and maximum."""
        return self.maximum_mw - self.minimum_mw

    @property
    def above_before(self) -> Column:
        """MW above the minimum before the first step; 0 where it was off."""
        before: Column = np.where(self.was_on, self.power_before - self.minimum_mw, 0.0)
        return before


@dataclass(frozen=True, slots=True, eq=False)
class Commitment:
    """Which units run, and with what output and reserve (g, T), beside what renewables give (w, T); in MW."""

    on: Flags
    power: NDArray[np.float64]  # 0 where off
    reserve: NDArray[np.float64]
    renewable: NDArray[np.float64]
    cost: float  # as the model has it
