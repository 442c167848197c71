"""The target shared among the fleet: base points, what leaving them costs, and the two steps of the dispatch. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetStates, Fleet, column
from vppscada.model.dispatch import Boxes, Dispatch
from vppscada.model.schedule import Schedule
from vppscada.plant import dispatch as dispatching
from vppscada.plant.accounting import FleetCosts
from vppscada.plant.commitment import step_at
from vppscada.plant.cost_steps import CostSteps, Leeway
from vppscada.plant.dispatch import Holdable
from vppscada.plant.fleet_view import FleetColumns
from vppscada.plant.least_cost import Limits

Column = NDArray[np.float64]

_FAST_SETTLE_H = 0.5  # plant hours in which fast storage drifts back to the middle
_BATTERY_SETTLE_H = 1.0  # … and batteries back to the energy that the schedule has in them
_RESTORE_SHARE = 0.1  # of rating that this may take
_ENERGY_DEADBAND = 0.01  # of capacity, that is left as it is
#: Reserve used by less than this is rounding, MW.
_TOLERANCE_MW = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Economics:
    """The constants of a fleet's costs."""

    costs: FleetCosts
    steps: CostSteps
    variable: Column  # per MWh
    curtailment: Column

    @classmethod
    def of(cls, fleet: Fleet) -> "Economics":
        """Precompute."""
        curtailment = column(fleet.assets, "curtailment_cost_per_mwh")
        return cls(FleetCosts(fleet), CostSteps(fleet), column(fleet.assets, "variable_cost_per_mwh"), curtailment)


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """What the schedule in force says of this moment; without one, nothing."""

    power_mw: Column | None = None
    reserve_mw: Column | None = None
    stored_mwh: Column | None = None  # now, between the steps' ends
    price: float = float("nan")

    @classmethod
    def at(cls, columns: FleetColumns, schedule: Schedule | None, plant_ms: int) -> "Planned":
        """Of the step that covers a moment."""
        step = None if schedule is None else step_at(schedule, plant_ms)
        if schedule is None or step is None:
            return cls()
        power = schedule.power_mw[:, step]
        ends_ms = schedule.start_ms + (step + 1) * schedule.step_s * 1000.0
        left_h = (ends_ms - plant_ms) / 3.6e6
        out = np.where(power > 0, power / columns.discharge_efficiency, power * columns.charge_efficiency)
        return cls(
            power_mw=power,
            reserve_mw=schedule.reserve_mw[:, step],
            stored_mwh=schedule.stored_mwh[:, step] + left_h * out,
            price=float(schedule.marginal_price_per_mwh[step]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """Setpoints, and how much of the schedule's reserve they lean on."""

    dispatch: Dispatch
    reserve_used_mw: float


def share_out(
    columns: FleetColumns,
    economics: Economics,
    limits: Limits,
    states: AssetStates,
    able: Holdable,
    planned: Planned,
    last_setpoint_mw: Column,
    target_mw: float,
    regulation_mw: float,
    minutes: float,
    lag_minutes: float,
) -> Shared:
    """The target at least cost as far as each can hold it, then with regulation as far as ramps allow now.

    Setpoints go on from the last ones by the ramp of ``minutes``, readings may lag them by that of ``lag_minutes``.
    The reserve that the schedule holds is left alone unless the target cannot be met otherwise.
    """
    base = base_powers(columns, states, planned, last_setpoint_mw)
    leeway = leeway_of(columns, economics, able, planned, base)
    steady = dispatching.steady_powers(target_mw, leeway, economics.steps, limits)
    low, high = dispatching.reachable(columns, states, able, last_setpoint_mw, minutes, lag_minutes)
    raising = target_mw + regulation_mw > float(steady.sum())
    merit = merit_costs(columns, economics, states, planned.price, raising)
    boxes = Boxes(low, high, steady, merit, dispatching.tiers(columns, able.controlled))
    decided = dispatching.dispatch(target_mw + regulation_mw, boxes, limits)
    leaned = np.where(able.controlled, steady - (leeway.high_mw - leeway.reserved_mw), 0.0)
    used = float(np.clip(leaned, 0.0, leeway.reserved_mw).sum())
    return Shared(decided, used if used > _TOLERANCE_MW else 0.0)


def base_powers(columns: FleetColumns, states: AssetStates, planned: Planned, last_setpoint_mw: Column) -> Column:
    """Base points: the schedule's; without one, what was last told, else what is done. Storage is drawn back.

    Fast storage returns to the middle of its energy, other storage to what the schedule has in it; sun and wind
    give what there is.
    """
    power = np.nan_to_num(states.power_mw)
    if planned.power_mw is None:
        base = np.where(columns.storage, 0.0, np.where(np.isnan(last_setpoint_mw), power, last_setpoint_mw))
    else:
        base = planned.power_mw + _restoring(columns, states, planned)
    fast = dispatching.fast_storage_base(columns, states, _FAST_SETTLE_H)
    renewable = np.where(columns.renewable, np.nan_to_num(states.available_mw), base)
    return np.where(columns.fast, fast, renewable)


def _restoring(columns: FleetColumns, states: AssetStates, planned: Planned) -> Column:
    """Power that brings storage back to the energy of the schedule in about `_BATTERY_SETTLE_H`."""
    if planned.stored_mwh is None:
        return np.zeros(len(states))
    off = np.where(columns.storage, np.nan_to_num(states.stored_mwh - planned.stored_mwh), 0.0)
    dead = _ENERGY_DEADBAND * columns.capacity_mwh
    beyond = np.sign(off) * np.maximum(np.abs(off) - dead, 0.0) / _BATTERY_SETTLE_H
    return np.clip(beyond, -_RESTORE_SHARE * columns.charge_rating_mw, _RESTORE_SHARE * columns.rating_mw)


def leeway_of(columns: FleetColumns, economics: Economics, able: Holdable, planned: Planned, base_mw: Column) -> Leeway:
    """What each asset could hold, and what that costs beside fuel.

    Fast storage keeps its base: its energy lasts minutes.
    The energy in a storage is worth the schedule's marginal price: to give it costs that over the discharge
    efficiency, and wear; to take it saves that less the losses of the way in and out. Without a schedule thermal
    assets are shared anew at equal incremental cost, and storage is used last.
    """
    low, high = able.low_mw, able.high_mw
    held = np.clip(base_mw, low, high)
    nothing = np.zeros(len(base_mw))
    give, take = _storage_worth(columns, planned.price)
    below = economics.variable - economics.curtailment
    return Leeway(
        low_mw=np.where(columns.fast, held, low),
        high_mw=np.where(columns.fast, held, high),
        base_mw=base_mw,
        reserved_mw=nothing if planned.reserve_mw is None else np.where(columns.fast, 0.0, planned.reserve_mw),
        below=np.where(columns.storage, take - economics.variable, below),
        above=np.where(columns.storage, give + economics.variable, economics.variable),
        anchored=columns.storage | (planned.power_mw is not None),
    )


def _storage_worth(columns: FleetColumns, price: float) -> tuple[Column, Column]:
    """What a MWh given costs, and one taken saves, without wear."""
    worth = 0.0 if np.isnan(price) else price
    return worth / columns.discharge_efficiency, worth * columns.charge_efficiency * columns.discharge_efficiency


def merit_costs(
    columns: FleetColumns, economics: Economics, states: AssetStates, price: float, raising: bool
) -> Column:
    """Cost of the next MWh more (or saving by one less) of each asset where it is now."""
    own = economics.costs.marginal_cost_per_mwh(np.nan_to_num(states.power_mw), states.on)
    give, take = _storage_worth(columns, price)
    return np.where(columns.storage, give + own if raising else take - own, own)
