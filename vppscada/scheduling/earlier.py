"""What the last schedule had on is a good guess for the next, which begins a little later."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset
from vppscada.model.schedule import Schedule, ScheduleRequest
from vppscada.scheduling.formulation import Formulation
from vppscada.scheduling.thermal import initial_hold


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Of energy (k, T) per MWh and reserve (k, T) per MW and hour, at which a fleet was asked; the best first.

    Settled ones: those at which it was asked when the times of the units were settled.
    """

    energy: NDArray[np.float64]
    reserve: NDArray[np.float64]
    settled_energy: NDArray[np.float64]
    settled_reserve: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """A schedule and the fleet it was made for."""

    assets: tuple[Asset, ...]
    schedule: Schedule
    prices: Prices | None = None  # of a fleet that was planned by prices


def steps_passed(earlier: Earlier, request: ScheduleRequest) -> int | None:
    """Steps by which the request begins later; None where fleet or steps do not match."""
    if earlier.assets != request.assets or earlier.schedule.step_s != request.step_s:
        return None
    passed = (request.start_ms - earlier.schedule.start_ms) / (request.step_s * 1000.0)
    last = earlier.schedule.on.shape[1] - 1
    return round(passed) if 0.0 <= passed <= last and passed == round(passed) else None


def planned_on(plan: Formulation, earlier: Earlier | None) -> NDArray[np.bool_] | None:
    """Thermal assets on (g, T) as planned earlier, moved to the steps of this plan; the last step is repeated.

    None where fleet or steps do not match. What must still run or rest by its times at the start does.
    """
    request = plan.horizon.request
    passed = None if earlier is None else steps_passed(earlier, request)
    if earlier is None or passed is None:
        return None
    last = earlier.schedule.on.shape[1] - 1
    source = np.minimum(passed + np.arange(request.steps), last)
    on = earlier.schedule.on[plan.thermal.data.members][:, source]
    must_on, must_off = initial_hold(plan.horizon, plan.thermal.data)
    step = np.arange(request.steps)
    held: NDArray[np.bool_] = (on | (step < must_on[:, None])) & (step >= must_off[:, None])
    return held
