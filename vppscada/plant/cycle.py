"""One dispatch cycle of the plant: from what is known to what is to be done. Pure; time is an argument."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetStates, Fleet
from vppscada.model.dispatch import Boxes, Dispatch
from vppscada.model.schedule import Schedule
from vppscada.plant import dispatch as dispatching
from vppscada.plant.accounting import FleetCosts
from vppscada.plant.aggregate import PlantState, aggregate
from vppscada.plant.commitment import Commitment, commit, step_at, wanted_on
from vppscada.plant.fleet_view import FleetColumns, fleet_columns
from vppscada.plant.following import observe
from vppscada.plant.memory import Memory, Orders, PlantMode, elapsed, emergency_mask

Column = NDArray[np.float64]

_PROBE_S = 30.0  # wall seconds until a non-follower is tried again
_FAST_SETTLE_H = 0.5  # plant hours in which fast storage drifts back to the middle
_TRIM_GAIN = 0.2  # share of the steady error that is corrected per cycle
_TRIM_LIMIT = 0.03  # of plant rating
_SHORT_FOR_MS = 120_000  # plant time a shortfall lasts before it counts as an outage
_SHORT_MW = 0.05


@dataclass(frozen=True, slots=True)
class Plant:
    """The constants of a plant."""

    fleet: Fleet
    columns: FleetColumns
    costs: FleetCosts
    emergency: NDArray[np.bool_]
    settle_s: float  # plant seconds that a step of the target may take

    @classmethod
    def of(cls, fleet: Fleet, settle_s: float) -> "Plant":
        """Precompute the columns."""
        return cls(fleet, fleet_columns(fleet), FleetCosts(fleet), emergency_mask(fleet), settle_s)


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What a cycle decided, and the memory for the next one."""

    memory: Memory
    dispatch: Dispatch
    commitment: Commitment
    state: PlantState
    marginal_price: float  # of the schedule, NaN without one
    following: NDArray[np.bool_]


def plant_target(orders: Orders, schedule: Schedule | None, step: int | None, power_mw: Column) -> float:
    """The target in MW: the EMS's, or the schedule's own; at rest 0.

    In schedule mode without a schedule the plant holds what it does.
    """
    if not orders.running:
        return 0.0
    if orders.mode is PlantMode.FOLLOW:
        return orders.target_mw
    if schedule is None or step is None:
        return float(np.nansum(power_mw))
    return float(schedule.power_mw[:, step].sum())


def run_cycle(
    plant: Plant,
    memory: Memory,
    states: AssetStates,
    orders: Orders,
    schedule: Schedule | None,
    plant_ms: int,
    now: float,
    period_h: float,
) -> Decision:
    """Decide once.

    Args:
        plant: constants.
        memory: of the last cycle.
        states: from the points database.
        orders: from the EMS or operator.
        schedule: the one in force, if any.
        plant_ms: plant time, UTC milliseconds.
        now: monotonic seconds (wall), for the probing of non-followers.
        period_h: plant hours until the next cycle.
    """
    columns = plant.columns
    memory = elapsed(memory, states, plant_ms)
    step = None if schedule is None else step_at(schedule, plant_ms)
    target = plant_target(orders, schedule, step, states.power_mw)
    memory = _note_target(memory, target, plant_ms)
    memory = _watch(plant, memory, states, now)
    following = memory.following.follows(now)
    wanted = _wanted(columns, states, orders, schedule, step, plant_ms)
    commitment = commit(columns, states, wanted, memory.seconds_in_state)
    limits = dispatching.holdable(columns, states, commitment.wanted, following, period_h)
    if not orders.running:
        limits = dispatching.at_rest(columns, limits)
    price = float("nan") if schedule is None or step is None else float(schedule.marginal_price_per_mwh[step])
    base = _base(columns, memory, states, schedule, step)
    decided = _share(plant, memory, states, limits, base, target, price, period_h)
    told = _uncurtailed(columns, states, decided.setpoint_mw) if orders.running else decided.setpoint_mw
    decided = replace(
        decided,
        target_mw=target,
        setpoint_mw=told,
        start=commitment.start,
        stop=commitment.stop,
    )
    memory = _remember(plant, memory, states, decided, plant_ms)
    up_low, up_high = dispatching.reachable(columns, states, limits, memory.setpoint_mw[0], 1.0)
    return Decision(
        memory=memory,
        dispatch=replace(decided, setpoint_mw=_above_minimum(columns, decided.setpoint_mw)),
        commitment=commitment,
        state=aggregate(columns, states, up_low, up_high),
        marginal_price=price,
        following=following,
    )


def _share(
    plant: Plant,
    memory: Memory,
    states: AssetStates,
    limits: dispatching.Holdable,
    base_mw: Column,
    target_mw: float,
    price: float,
    period_h: float,
) -> Dispatch:
    """The target shared: in merit order as far as each can hold it, then as far as ramps allow now."""
    columns, wanted = plant.columns, target_mw + memory.trim_mw
    marginal = _marginal_costs(plant, states, price, raising=target_mw > float(base_mw.sum()))
    steady = dispatching.steady_powers(wanted, base_mw, limits, marginal, columns.fast)
    low, high = dispatching.reachable(columns, states, limits, memory.setpoint_mw[0], period_h * 60.0)
    boxes = Boxes(low, high, steady, marginal, dispatching.tiers(columns, limits.controlled))
    return dispatching.dispatch(wanted, boxes)


def _note_target(memory: Memory, target: float, plant_ms: int) -> Memory:
    if target == memory.target_mw:
        return memory
    return replace(memory, target_mw=target, target_since_ms=plant_ms, trim_mw=0.0)


def _watch(plant: Plant, memory: Memory, states: AssetStates, now: float) -> Memory:
    """Judge who follows, by the last setpoints."""
    told = memory.setpoint_mw
    watched = states.usable & ~np.isnan(told).any(axis=0) & (~plant.columns.thermal | states.on)
    low = np.min(np.where(watched, told, 0.0), axis=0)
    high = np.max(np.where(watched, told, 0.0), axis=0)
    # Sun and wind cannot be told to blow: only doing more than told is disobedience.
    low = np.where(plant.columns.renewable, np.minimum(low, states.power_mw), low)
    following = observe(memory.following, states.power_mw, low, high, plant.columns.rating_mw, watched, now, _PROBE_S)
    return replace(memory, following=following)


def _wanted(
    columns: FleetColumns,
    states: AssetStates,
    orders: Orders,
    schedule: Schedule | None,
    step: int | None,
    plant_ms: int,
) -> NDArray[np.bool_]:
    """Which thermal assets should be on. Without a valid schedule what is on stays on."""
    if not orders.running:
        return np.zeros(len(states), dtype=np.bool_)
    if schedule is None or step is None:
        return states.on.copy()
    return wanted_on(schedule, plant_ms, columns.start_time_s)


def _marginal_costs(plant: Plant, states: AssetStates, price: float, raising: bool) -> Column:
    """Cost of the next MWh more (or saving by one less) of each asset.

    The energy in a storage is worth the schedule's marginal price: to give it costs that and wear, over the
    discharge efficiency; to take it saves that less the losses of the way in and out.
    """
    columns = plant.columns
    own = plant.costs.marginal_cost_per_mwh(np.nan_to_num(states.power_mw), states.on)
    worth = 0.0 if np.isnan(price) else price
    give = worth / columns.discharge_efficiency + own
    take = worth * columns.charge_efficiency * columns.discharge_efficiency - own
    return np.where(columns.storage, give if raising else take, own)


def _base(
    columns: FleetColumns, memory: Memory, states: AssetStates, schedule: Schedule | None, step: int | None
) -> Column:
    """Base points: the schedule's; without one, what was last told, else what is done."""
    power = np.nan_to_num(states.power_mw)
    if schedule is None or step is None:
        last = memory.setpoint_mw[0]
        base = np.where(np.isnan(last) | columns.storage, np.where(columns.storage, 0.0, power), last)
    else:
        base = schedule.power_mw[:, step]
    fast = dispatching.fast_storage_base(columns, states, _FAST_SETTLE_H)
    renewable = np.where(columns.renewable, np.nan_to_num(states.available_mw), base)
    return np.where(columns.fast, fast, renewable)


def _uncurtailed(columns: FleetColumns, states: AssetStates, setpoint_mw: Column) -> Column:
    """Sun and wind that are not curtailed get their rating as setpoint, so that a gust needs no command."""
    free = columns.renewable & (setpoint_mw >= states.available_mw - 1e-6)
    return np.where(free, columns.rating_mw, setpoint_mw)


def _above_minimum(columns: FleetColumns, setpoint_mw: Column) -> Column:
    """A unit that loads up after its start is told its stable minimum, though it cannot be there yet."""
    return np.where(columns.thermal, np.maximum(setpoint_mw, columns.minimum_mw), setpoint_mw)


def _remember(plant: Plant, memory: Memory, states: AssetStates, decided: Dispatch, plant_ms: int) -> Memory:
    """Setpoints told, the trim of a steady error, and how long the plant has been short."""
    told = np.vstack([decided.setpoint_mw[None, :], memory.setpoint_mw[:2]])
    short = decided.shortfall_mw > max(_SHORT_MW, 0.005 * plant.fleet.rating_mw)
    since = (memory.short_since_ms if memory.short_since_ms is not None else plant_ms) if short else None
    outage = since is not None and plant_ms - since >= _SHORT_FOR_MS
    return replace(
        memory,
        setpoint_mw=told,
        trim_mw=_trim(plant, memory, states, decided, plant_ms),
        short_since_ms=since,
        emergency=outage or (memory.emergency and (short or bool(states.on[plant.emergency].any()))),
    )


def _trim(plant: Plant, memory: Memory, states: AssetStates, decided: Dispatch, plant_ms: int) -> float:
    """Integral correction of what the fleet steadily misses; only while the target has settled and is in reach."""
    settled = plant_ms - memory.target_since_ms > plant.settle_s * 1000.0
    if not settled or decided.shortfall_mw != 0.0 or not states.online.all():
        return memory.trim_mw
    error = memory.target_mw - float(np.nansum(states.power_mw))
    limit = _TRIM_LIMIT * plant.fleet.rating_mw
    return float(np.clip(memory.trim_mw + _TRIM_GAIN * error, -limit, limit))
