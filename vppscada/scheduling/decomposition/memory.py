"""What one solve leaves for the next, which begins a little later: prices, and when units were to run."""

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from vppscada.model.schedule import ScheduleRequest
from vppscada.scheduling.decomposition.dual import Mixture
from vppscada.scheduling.earlier import Earlier, Prices, steps_passed
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.thermal import ThermalData, initial_hold

Flags = NDArray[np.bool_]
Index = NDArray[np.int64]
Table = NDArray[np.float64]

#: Prices that are kept, those whose answers the mixture held most of first: of the fleet, and with times settled.
_KEPT, _SETTLED_KEPT = 4, 24


def prices_of(mixture: Mixture, settled: Mixture | None) -> Prices:
    """The best prices, and those whose answers were mixed."""
    return Prices(*_asked(mixture, _KEPT), *_asked(settled or mixture, _SETTLED_KEPT))


def _asked(mixture: Mixture, most: int) -> tuple[Table, Table]:
    order = np.argsort(-mixture.priced.weight.sum(axis=1), kind="stable")[:most]
    asked = [mixture.best, *(mixture.rounds[k] for k in order)]
    return np.stack([one.energy for one in asked]), np.stack([one.reserve for one in asked])


def later_prices(earlier: Earlier, request: ScheduleRequest) -> Prices | None:
    """The prices moved to the steps of this request; None where there are none or they do not fit."""
    passed, prices = steps_passed(earlier, request), earlier.prices
    if prices is None or passed is None:
        return None
    source = np.minimum(passed + np.arange(request.steps), prices.energy.shape[1] - 1)
    return Prices(*(getattr(prices, field.name)[:, source] for field in fields(Prices)))


def moved_on(earlier: Earlier, request: ScheduleRequest, members: Index) -> Flags | None:
    """On (g, T) as planned before, moved to the steps of this request; the last step is repeated."""
    passed = steps_passed(earlier, request)
    if passed is None:
        return None
    on = earlier.schedule.on[members]
    moved: Flags = on[:, np.minimum(passed + np.arange(request.steps), on.shape[1] - 1)]
    return moved


def keeps_times(on: Flags, data: ThermalData, horizon: Horizon) -> Flags:
    """Which units (g,) keep their minimum times, and what the state at the start still holds them to."""
    must_on, must_off = initial_hold(horizon, data)
    step = np.arange(on.shape[1])
    wrong = ((step < must_on[:, None]) & ~on) | ((step < must_off[:, None]) & on)
    before = np.concatenate([data.was_on[:, None], on[:, :-1]], axis=1)
    for event, least, state in (
        (on & ~before, data.minimum_up, on),
        (~on & before, data.minimum_down, ~on),
    ):
        for lag in range(1, min(int(least.max(initial=1)), on.shape[1])):
            bound = event[:, :-lag] & (least > lag)[:, None]
            wrong[:, lag:] |= bound & ~state[:, lag:]
    kept: Flags = np.logical_not(wrong.any(axis=1))
    return kept
