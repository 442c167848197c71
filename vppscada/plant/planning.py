"""When to ask for a new schedule. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.schedule import Objective


@dataclass(frozen=True, slots=True, eq=False)
class PlannedFor:
    """What the last request assumed."""

    plant_ms: int
    target_mw: float
    usable: NDArray[np.bool_]
    emergency: bool
    running: bool
    mode: int
    objective: Objective
    series_changes: int = 0  # how often loads, prices or forecasts had been given anew


def reason_to_plan(
    last: PlannedFor | None, current: PlannedFor, every_s: float, rating_mw: float, shortfall_mw: float
) -> str | None:
    """Why to solve now, in a word for the log; None = the schedule in force will do."""
    if last is None:
        return "start"
    if (last.running, last.mode, last.objective) != (current.running, current.mode, current.objective):
        return "orders changed"
    if not np.array_equal(last.usable, current.usable):
        return "assets changed"
    if last.series_changes != current.series_changes:
        return "series changed"
    if last.emergency != current.emergency:
        return "emergency changed"
    if abs(last.target_mw - current.target_mw) > 0.05 * rating_mw:
        return "target changed"
    age_s = (current.plant_ms - last.plant_ms) / 1000.0
    if shortfall_mw > 0.02 * rating_mw and age_s > every_s / 4.0:
        return "shortfall"
    if age_s >= every_s:
        return "clock"
    return None
