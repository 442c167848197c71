"""Which thermal assets to start and stop now, from the schedule's plan. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetStates
from vppscada.model.schedule import Schedule
from vppscada.plant.fleet_view import FleetColumns
from vppscada.plant.permits import Refusal

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Commitment:
    """Columns of length n; False everywhere but on thermal assets."""

    wanted: NDArray[np.bool_]  # the plan has it on now, or soon enough that it must start now
    start: NDArray[np.bool_]  # send a start
    stop: NDArray[np.bool_]  # send a stop


def step_at(schedule: Schedule, plant_ms: int) -> int | None:
    """Index of the step that covers a moment; None outside the schedule."""
    position = int((plant_ms - schedule.start_ms) // (schedule.step_s * 1000.0))
    return position if 0 <= position < schedule.power_mw.shape[1] else None


def wanted_on(schedule: Schedule, plant_ms: int, start_time_s: Column) -> NDArray[np.bool_]:
    """On in the plan at any time from now until now + start time of each asset."""
    steps = schedule.on.shape[1]
    first = np.clip((plant_ms - schedule.start_ms) / 1000.0 / schedule.step_s, 0, steps - 1)
    last = np.clip((plant_ms - schedule.start_ms + start_time_s * 1000.0) / 1000.0 / schedule.step_s, 0, steps - 1)
    columns = np.arange(steps)
    window = (columns[None, :] >= int(first)) & (columns[None, :] <= last.astype(np.intp)[:, None])
    return np.asarray((schedule.on & window).any(axis=1), dtype=np.bool_)


def commit(
    columns: FleetColumns,
    states: AssetStates,
    wanted: NDArray[np.bool_],
    seconds_in_state: Column,
    refused: Refusal | None = None,
) -> Commitment:
    """Starts and stops due now.

    Minimum up and down times are kept even where a new plan forgets them; a stop waits until the asset is
    unloaded to its stable minimum (within 10 % of rating), so that no breaker opens under load. What a permit
    refuses is not started, and does not go on for its minimum up time either.
    """
    if refused is not None:
        wanted = wanted & ~np.where(states.on, refused.run, refused.start)
    thermal = columns.thermal & states.usable
    may_start = seconds_in_state >= columns.minimum_down_s
    may_stop = seconds_in_state >= columns.minimum_up_s
    if refused is not None:
        may_stop = may_stop | refused.run
    held = thermal & states.on & ~wanted & ~may_stop
    unloaded = np.nan_to_num(states.power_mw) <= columns.minimum_mw + 0.1 * columns.rating_mw
    return Commitment(
        wanted=thermal & (wanted | held),
        start=thermal & wanted & ~states.on & may_start,
        stop=thermal & ~wanted & states.on & may_stop & unloaded,
    )
