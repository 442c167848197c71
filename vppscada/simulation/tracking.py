"""How well a plant followed its target, from samples that its EMS took. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

#: A step's ramp time is never counted shorter than this: telemetry itself takes part of it.
LEAST_SETTLE_S = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Tracking:
    """Result of `tracking`. Percentages are of the plant's rating; NaN where no sample counted."""

    error_percent: float  # mean of |target − measured|
    worst_percent: float
    samples: int  # that counted
    missing: int  # that would have counted, had the EMS known the power
    error_mw: Column  # target − measured, for every sample
    counted: NDArray[np.bool_]


def settle_time_s(settle_plant_s: float, speed: float) -> float:
    """Wall seconds that a step of the target may take."""
    return max(settle_plant_s / speed, LEAST_SETTLE_S)


def tracking(
    wall_s: Column,
    target_mw: Column,
    power_mw: Column,
    rating_mw: float,
    settle_s: float,
    judged_from_s: float,
) -> Tracking:
    """Judge samples.

    Args:
        wall_s: time of each sample, rising.
        target_mw: the target in force at each; NaN where none had been given.
        power_mw: what was measured; NaN where it was not known.
        rating_mw: of the plant.
        settle_s: samples within this time after a change of the target do not count.
        judged_from_s: samples before this do not count (the plant starts); NaN = none counts.
    """
    changed = np.ones(len(wall_s), dtype=np.bool_)
    changed[1:] = target_mw[1:] != target_mw[:-1]
    since = np.maximum.accumulate(np.where(changed, wall_s, -np.inf)) if len(wall_s) else wall_s
    due = ~np.isnan(target_mw) & (wall_s - since >= settle_s) & (wall_s >= judged_from_s)
    counted = due & ~np.isnan(power_mw)
    error = target_mw - power_mw
    percent = 100.0 * np.abs(error[counted]) / rating_mw
    return Tracking(
        error_percent=float(percent.mean()) if len(percent) else float("nan"),
        worst_percent=float(percent.max()) if len(percent) else float("nan"),
        samples=int(counted.sum()),
        missing=int((due & ~counted).sum()),
        error_mw=error,
        counted=counted,
    )
