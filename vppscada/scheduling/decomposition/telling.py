"""Why a large fleet's schedule is as it is: by its prices, family by family, as every asset sees them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import column
from vppscada.model.explanation import Explanation, Reason
from vppscada.model.schedule import Schedule, ScheduleRequest
from vppscada.scheduling.decomposition.cycles import CycledStores
from vppscada.scheduling.decomposition.stores import Stores
from vppscada.scheduling.decomposition.telling_stores import tell_stores
from vppscada.scheduling.decomposition.telling_units import tell_units
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.pressures import UNDECIDED, decide
from vppscada.scheduling.renewable import available, sure
from vppscada.scheduling.storage import storage_data
from vppscada.scheduling.thermal import thermal_data

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Reasons = NDArray[np.uint8]

_SAME_MW = 1e-6
#: Assets whose tables are worked out at a time: what bounds the memory.
_AT_A_TIME = 512

Told = tuple[Reasons, Table, Table]


def told_by_prices(request: ScheduleRequest, schedule: Schedule, energy: Column, reserve: Column) -> Schedule:
    """The schedule with its explanation: one reason for each asset and step, and what it is worth at these prices.

    A price taker's own limits hold its power where the price is not its marginal cost; the difference is the value of
    the limit. The prices are those of the times on and off as they are settled, so they hold for small changes that
    start or stop nothing.

    Args:
        request: what was asked.
        schedule: its answer, without products and limits of groups.
        energy: prices (T,) per MWh of the plan whose times on and off are settled.
        reserve: … per MW and hour.
    """
    horizon = Horizon(request)
    shape = schedule.power_mw.shape
    told = (np.full(shape, int(Reason.NOT_USABLE), dtype=np.uint8), np.full(shape, np.nan), np.zeros(shape))
    units, stores = thermal_data(horizon), storage_data(horizon)
    taken = CycledStores(Stores(horizon, stores)).throughput(energy, reserve)
    _by_parts(told, units.members, lambda some: tell_units(horizon, units, some, schedule, energy))
    _by_parts(
        told,
        stores.members,
        lambda some: tell_stores(horizon, stores, some, schedule, energy, reserve, taken[some]),
    )
    members, _, _ = available(horizon)
    _by_parts(told, members, lambda some: _renewable(horizon, some, schedule, energy, reserve))
    explanation = Explanation(
        reason=told[0],
        value_per_mwh=told[1],
        stored_value_per_mwh=told[2],
        one_more_per_mwh=energy,
        reserve_value_per_mwh=reserve,
        limits=(),
        limit_value_per_mwh=np.zeros((0, request.steps)),
    )
    return replace(schedule, marginal_price_per_mwh=energy, explanation=explanation)


def _by_parts(told: Told, members: NDArray[np.int64], tell: Callable[[NDArray[np.int64]], Told]) -> None:
    for first in range(0, len(members), _AT_A_TIME):
        some = np.arange(first, min(first + _AT_A_TIME, len(members)))
        reason, value, stored = tell(some)
        told[0][members[some]], told[1][members[some]], told[2][members[some]] = reason, value, stored


def _renewable(horizon: Horizon, some: NDArray[np.int64], schedule: Schedule, price: Column, reserve: Column) -> Told:
    members, assets, there = available(horizon)
    mine = [assets[i] for i in some]
    power, firm, there = schedule.power_mw[members[some]], sure(horizon, members, there)[some], there[some]
    cost = column(mine, "variable_cost_per_mwh") - column(mine, "curtailment_cost_per_mwh")
    pressure = price[None, :] - cost[:, None]
    rated = there >= column(mine, "rating_mw")[:, None] - _SAME_MW
    whole, nothing = power >= there - _SAME_MW, power <= _SAME_MW
    in_doubt = power > firm + _SAME_MW
    held_back = ~whole & ~in_doubt & (power >= firm - _SAME_MW)
    pressure = np.where(in_doubt, pressure - reserve[None, :], pressure)
    most = np.where(whole, np.maximum(pressure, 0.0), 0.0)
    reason, value = decide(
        [
            (Reason.FORECAST, np.where(rated, 0.0, most)),
            (Reason.RATING, np.where(rated, most, 0.0)),
            (Reason.CURTAILED, np.where(nothing, np.minimum(pressure, 0.0), 0.0)),
            (Reason.DOUBT, np.where(held_back, np.maximum(pressure, 0.0), 0.0)),
        ]
    )
    resting = np.where(
        whole, np.where(rated, Reason.RATING, Reason.FORECAST), np.where(nothing, Reason.CURTAILED, Reason.MARGINAL)
    )
    free = (reason == UNDECIDED) & (resting == Reason.MARGINAL)
    reason = np.where(reason == UNDECIDED, resting, reason).astype(np.uint8)
    return reason, np.where(free, np.abs(pressure), value), np.zeros(power.shape)
