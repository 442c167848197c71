"""One dispatch cycle of the plant: from what is known to what is to be done. Pure; time is an argument."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetStates, Fleet
from vppscada.model.dispatch import Dispatch
from vppscada.model.limits import LimitTree
from vppscada.model.schedule import Schedule
from vppscada.plant import dispatch as dispatching
from vppscada.plant.accounting import FleetCosts
from vppscada.plant.aggregate import PlantState, aggregate
from vppscada.plant.commitment import Commitment, commit, step_at, wanted_on
from vppscada.plant.fleet_view import FleetColumns, fleet_columns
from vppscada.plant.following import observe
from vppscada.plant.least_cost import Limits
from vppscada.plant.memory import Memory, Orders, elapsed, emergency_mask
from vppscada.plant.permits import RunHours, refusal, used_hours
from vppscada.plant.regulation import Scoreboard, sampled
from vppscada.plant.sharing import Economics, Planned, Shared, share_out
from vppscada.plant.targets import Wanted, noted, plant_target, ramped, regulation

Column = NDArray[np.float64]

_PROBE_S = 30.0  # wall seconds until a non-follower is tried again
_TRIM_GAIN = 0.2  # share of the steady error that is corrected per cycle
_TRIM_LIMIT = 0.03  # of plant rating
_SHORT_FOR_MS = 120_000  # plant time a shortfall lasts before it counts as an outage
_SHORT_MW = 0.05


@dataclass(frozen=True, slots=True)
class Plant:
    """The constants of a plant."""

    fleet: Fleet
    columns: FleetColumns
    economics: Economics
    emergency: NDArray[np.bool_]
    permits: RunHours
    limits: Limits  # as the site file has them
    settle_s: float  # plant seconds that a step of the target may take
    ramp_mw_per_min: float  # of the target, plant time
    regulation_mw: float  # on top of it at a regulation signal of 1

    @classmethod
    def of(
        cls,
        fleet: Fleet,
        settle_s: float,
        limits: LimitTree | None = None,
        ramp_mw_per_min: float = float("inf"),
        regulation_mw: float = 0.0,
    ) -> "Plant":
        """Precompute the columns."""
        return cls(
            fleet,
            fleet_columns(fleet),
            Economics.of(fleet),
            emergency_mask(fleet),
            RunHours.of(fleet),
            Limits.of(LimitTree.empty() if limits is None else limits, len(fleet)),
            settle_s,
            ramp_mw_per_min,
            regulation_mw,
        )

    def limits_now(self, maximum_now_mw: Column | None) -> Limits:
        """The limits with lower maxima as points tell them (k,), NaN = not told."""
        return self.limits if maximum_now_mw is None else self.limits.lowered(maximum_now_mw)

    @property
    def costs(self) -> FleetCosts:
        """What the fleet costs at what it does."""
        return self.economics.costs


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What a cycle decided, and the memory for the next one."""

    memory: Memory
    dispatch: Dispatch
    commitment: Commitment
    state: PlantState
    marginal_price: float  # of the schedule, NaN without one
    following: NDArray[np.bool_]
    wanted: Wanted
    reserve_used_mw: float  # of the reserve that the schedule holds


def run_cycle(
    plant: Plant,
    memory: Memory,
    states: AssetStates,
    orders: Orders,
    schedule: Schedule | None,
    plant_ms: int,
    now: float,
    period_h: float,
    maximum_now_mw: Column | None = None,
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
        maximum_now_mw: lower maxima of the limits, as points tell them now (k,); NaN = not told.
    """
    planned = Planned.at(plant.columns, schedule, plant_ms)
    wanted = wanted_now(plant, memory, states, orders, schedule, plant_ms)
    memory = noted(elapsed(memory, states, plant_ms, period_h, plant.emergency), wanted.target_mw, plant_ms)
    memory = _watch(plant, memory, states, now) if memory.is_new_period else memory
    following = memory.following.follows(now)
    commitment = _commitment(plant, memory, states, orders, schedule, plant_ms, period_h)
    able, limits = _able(plant, states, commitment, following, orders, period_h), plant.limits_now(maximum_now_mw)
    shared = _shared(plant, memory, states, able, limits, planned, wanted, period_h)
    decided = _told(plant, states, shared.dispatch, limits, commitment, wanted, orders.running)
    memory = _remember(plant, memory, states, decided, wanted, orders.emergency, plant_ms)
    return Decision(
        memory=memory,
        dispatch=_above_minimum(plant.columns, decided),
        commitment=commitment,
        state=_state(plant, memory, states, able, limits),
        marginal_price=planned.price,
        following=following,
        wanted=wanted,
        reserve_used_mw=shared.reserve_used_mw,
    )


def wanted_now(
    plant: Plant, memory: Memory, states: AssetStates, orders: Orders, schedule: Schedule | None, plant_ms: int
) -> Wanted:
    """What the plant is to deliver at a moment; ``memory`` is that of the last cycle."""
    step = None if schedule is None else step_at(schedule, plant_ms)
    ordered = plant_target(orders, schedule, step, states.power_mw)
    target = ramped(memory, ordered, states.power_mw, plant.ramp_mw_per_min, plant_ms)
    return Wanted(target, ordered, regulation(orders, plant.regulation_mw))


def _able(
    plant: Plant,
    states: AssetStates,
    commitment: Commitment,
    following: NDArray[np.bool_],
    orders: Orders,
    period_h: float,
) -> dispatching.Holdable:
    able = dispatching.holdable(plant.columns, states, commitment.wanted, following, period_h)
    return able if orders.running else dispatching.at_rest(plant.columns, able)


def _state(plant: Plant, memory: Memory, states: AssetStates, able: dispatching.Holdable, limits: Limits) -> PlantState:
    """The plant as one, its headroom within a minute."""
    low, high = dispatching.reachable(plant.columns, states, able, memory.setpoint_mw[0], 1.0)
    return aggregate(plant.columns, states, low, high, limits)


def _shared(
    plant: Plant,
    memory: Memory,
    states: AssetStates,
    able: dispatching.Holdable,
    limits: Limits,
    planned: Planned,
    wanted: Wanted,
    period_h: float,
) -> Shared:
    return share_out(
        plant.columns,
        plant.economics,
        limits,
        states,
        able,
        planned,
        memory.setpoint_mw[0],
        wanted.target_mw + memory.trim_mw,
        wanted.regulation_mw or 0.0,
        memory.step_h * 60.0,
        2.0 * period_h * 60.0,
    )


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


def _commitment(
    plant: Plant,
    memory: Memory,
    states: AssetStates,
    orders: Orders,
    schedule: Schedule | None,
    plant_ms: int,
    period_h: float,
) -> Commitment:
    """Starts and stops due now. Without a valid schedule what is on stays on; at rest nothing does."""
    columns = plant.columns
    if not orders.running:
        on = np.zeros(len(states), dtype=np.bool_)
    elif schedule is None or step_at(schedule, plant_ms) is None:
        on = states.on.copy()
    else:
        on = wanted_on(schedule, plant_ms, columns.start_time_s)
    used = used_hours(memory) if plant.emergency.any() else None
    refused = None if used is None else refusal(plant.emergency, plant.permits, used, memory.emergency, period_h)
    return commit(columns, states, on, memory.seconds_in_state, refused)


def _told(
    plant: Plant,
    states: AssetStates,
    decided: Dispatch,
    limits: Limits,
    commitment: Commitment,
    wanted: Wanted,
    running: bool,
) -> Dispatch:
    """What assets are told of a decision, and what the plant follows with it."""
    told = _uncurtailed(plant.columns, states, decided.setpoint_mw, limits) if running else decided.setpoint_mw
    return replace(decided, target_mw=wanted.target_mw, setpoint_mw=told, start=commitment.start, stop=commitment.stop)


def _uncurtailed(columns: FleetColumns, states: AssetStates, setpoint_mw: Column, limits: Limits) -> Column:
    """Sun and wind that are not curtailed get their rating as setpoint, so that a gust needs no command.

    Behind a limit they get no more than an even share of the room that is left there.
    """
    free = columns.renewable & (setpoint_mw >= states.available_mw - 1e-6)
    most = columns.rating_mw
    if len(limits) and free.any():
        doing = np.where(np.isnan(setpoint_mw), np.nan_to_num(states.power_mw), setpoint_mw)
        most = np.minimum(most, setpoint_mw + limits.even_room(doing, free))
    return np.where(free, np.maximum(most, setpoint_mw), setpoint_mw)


def _above_minimum(columns: FleetColumns, decided: Dispatch) -> Dispatch:
    """A unit that loads up after its start is told its stable minimum, though it cannot be there yet."""
    setpoint = decided.setpoint_mw
    raised = np.where(columns.thermal, np.maximum(setpoint, columns.minimum_mw), setpoint)
    return replace(decided, setpoint_mw=raised)


def _remember(
    plant: Plant, memory: Memory, states: AssetStates, decided: Dispatch, wanted: Wanted, called: bool, plant_ms: int
) -> Memory:
    """Setpoints told, the trim of a steady error, how long the plant has been short, how regulation is followed."""
    before = memory.setpoint_mw[:2] if memory.is_new_period else memory.setpoint_mw[1:]
    told = np.vstack([decided.setpoint_mw[None, :], before])
    of_target = decided.shortfall_mw - max(wanted.regulation_mw or 0.0, 0.0)  # regulation is no load to be lost
    short = of_target > max(_SHORT_MW, 0.005 * plant.fleet.rating_mw)
    since = (memory.short_since_ms if memory.short_since_ms is not None else plant_ms) if short else None
    outage = since is not None and plant_ms - since >= _SHORT_FOR_MS
    return replace(
        memory,
        setpoint_mw=told,
        trim_mw=_trim(plant, memory, states, decided, plant_ms) if wanted.regulation_mw is None else memory.trim_mw,
        scoreboard=_scored(memory.scoreboard, states, wanted, plant_ms),
        short_since_ms=since,
        emergency=called or outage or (memory.emergency and (short or bool(states.on[plant.emergency].any()))),
    )


def _trim(plant: Plant, memory: Memory, states: AssetStates, decided: Dispatch, plant_ms: int) -> float:
    """Integral correction of what the fleet steadily misses; only while the target has settled and is in reach."""
    settled = plant_ms - memory.target_since_ms > plant.settle_s * 1000.0
    if not settled or decided.shortfall_mw != 0.0 or not states.online.all():
        return memory.trim_mw
    error = memory.target_mw - float(np.nansum(states.power_mw))
    limit = _TRIM_LIMIT * plant.fleet.rating_mw
    return float(np.clip(memory.trim_mw + _TRIM_GAIN * error, -limit, limit))


def _scored(board: Scoreboard, states: AssetStates, wanted: Wanted, plant_ms: int) -> Scoreboard:
    """The response to a regulation signal is what the plant does beside its target."""
    if wanted.regulation_mw is None:
        return board
    response = float(np.nansum(states.power_mw)) - wanted.target_mw
    return sampled(board, plant_ms, wanted.regulation_mw, response if states.online.all() else float("nan"))
