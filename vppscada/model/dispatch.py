"""What the plant does now: one setpoint per asset and what could not be reached."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """What each asset can do until the next cycle, in columns of length n (MW)."""

    low_mw: NDArray[np.float64]
    high_mw: NDArray[np.float64]
    base_mw: NDArray[np.float64]  # base point from the schedule
    marginal_cost: NDArray[np.float64]  # per MWh, at the base point
    tier: NDArray[np.int8]  # who moves first for a residual: 0 fast storage, 1 battery, 2 others; -1 fixed


@dataclass(frozen=True, slots=True, eq=False)
class Dispatch:
    """A decision. ``setpoint_mw`` is what each asset should do at the end of the cycle; NaN = leave it alone."""

    target_mw: float
    setpoint_mw: NDArray[np.float64]
    start: NDArray[np.bool_]  # to be started now
    stop: NDArray[np.bool_]
    shortfall_mw: float  # target minus what the setpoints give; positive = too little
    reasons: tuple[str, ...] = ()
