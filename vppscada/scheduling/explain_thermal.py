"""Why a thermal unit is off, or on with this power."""

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetKind, column
from vppscada.model.explanation import Reason
from vppscada.scheduling.formulation import Formulation
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.permits import budgets, is_forbidden
from vppscada.scheduling.pressures import TOLERANCE, UNDECIDED, Held, Pressures, decide
from vppscada.scheduling.program import Limit, Matrices
from vppscada.scheduling.thermal import ThermalData, initial_hold

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]
Reasons = NDArray[np.uint8]

_SAME_MW = 1e-6


def explain_thermal(
    plan: Formulation, matrices: Matrices, values: Column, pressures: Pressures, price: Column
) -> tuple[Reasons, Table]:
    """Reasons and values (g, T) of the thermal assets that take part. ``price`` (T,) is the plant's marginal one."""
    on = values[plan.thermal.on] > 0.5
    reason, value = _running(plan, matrices, values, pressures)
    return committed_so(plan.horizon, plan.thermal.data, on, price, reason, value)


def committed_so(
    horizon: Horizon, data: ThermalData, on: Flags, price: Column, reason: Reasons, value: Table
) -> tuple[Reasons, Table]:
    """What the reasons and values (g, T) of units, as if all were on, are by when they are on (g, T), and by times."""
    average = _least_average_cost(horizon, data)
    loses = average > price[None, :] + TOLERANCE
    held = on & (reason == Reason.MINIMUM) & loses & _within(data.minimum_up, on, horizon, data, up=True)
    reason = np.where(held, np.uint8(Reason.UP_TIME), reason)
    off = _off(horizon, data, on, loses).astype(np.uint8)
    return np.where(on, reason, off), np.where(on, value, average - price[None, :])


def _running(plan: Formulation, matrices: Matrices, values: Column, pressures: Pressures) -> tuple[Reasons, Table]:
    """As if every unit were on."""
    thermal, data, hours = plan.thermal, plan.thermal.data, plan.horizon.hours
    above = values[thermal.above]
    room = data.highest - data.minimum[:, None]
    held = pressures.on(thermal.above)
    least, most = above <= _SAME_MW, above >= room - _SAME_MW
    bend, has_next = _curve(plan, matrices, values, held.net(Limit.CURVE))
    top = most | ~has_next
    derated = data.highest < column(data.assets, "rating_mw")[:, None] - _SAME_MW
    full = np.where(least, 0.0, np.maximum(held.bound, 0.0)) + np.where(top & ~least, bend, 0.0)
    full = full + np.where(least & most, np.maximum(held.bound, 0.0), 0.0)
    cuts = _cuts(plan, values, held)
    held_down = sum((values[one] for one in thermal.down), start=np.zeros(thermal.above.shape)) > _SAME_MW
    beneath = held.net(Limit.HELD_DOWN)
    full = full + cuts[Reason.RATING]
    reason, value = decide(
        [
            (
                Reason.MINIMUM,
                (np.minimum(held.bound, 0.0) + np.where(least, bend, 0.0) + np.where(held_down, 0.0, beneath)) / hours,
            ),
            (Reason.RATING, np.where(derated, 0.0, full) / hours),
            (Reason.DERATING, np.where(derated, full, 0.0) / hours),
            (Reason.START_RAMP, cuts[Reason.START_RAMP] / hours),
            (Reason.STOP_RAMP, cuts[Reason.STOP_RAMP] / hours),
            (Reason.RESERVE, (cuts[Reason.RESERVE] + np.where(held_down, beneath, 0.0)) / hours),
            (Reason.RAMP_UP, held.down[Limit.RAMP_UP] / hours),
            (Reason.AHEAD_OF_RAMP_UP, held.up[Limit.RAMP_UP] / hours),
            (Reason.RAMP_DOWN, held.up[Limit.RAMP_DOWN] / hours),
            (Reason.AHEAD_OF_RAMP_DOWN, held.down[Limit.RAMP_DOWN] / hours),
            (Reason.BEND, np.where(top | least, 0.0, bend) / hours),
            (Reason.COVER, held.net(Limit.COVER) / hours),
            (Reason.GROUP, held.net(Limit.GROUP) / hours),
            (Reason.LEADING, held.net(Limit.LEADING) / hours),
            (Reason.OTHER, held.net(Limit.OTHER) / hours),
        ]
    )
    at_most = np.where(derated, Reason.DERATING, Reason.RATING)
    resting = np.where(least, Reason.MINIMUM, np.where(most, at_most, Reason.MARGINAL))
    return np.where(reason == UNDECIDED, resting, reason).astype(np.uint8), value


def _cuts(plan: Formulation, values: Column, held: Held) -> dict[Reason, Table]:
    """The pressure of the limits of generation, by what cuts the power there: a start, a stop, reserve or nothing."""
    thermal, data = plan.thermal, plan.thermal.data
    starting = (values[thermal.start] > 0.5) & (data.start_limit[:, None] < data.highest - _SAME_MW)
    stopping = np.zeros_like(starting)
    stopping[:, :-1] = values[thermal.stop][:, 1:] > 0.5
    stopping &= data.stop_limit[:, None] < data.highest - _SAME_MW
    reserving = sum((values[held] for held in thermal.up), start=np.zeros(thermal.above.shape)) > _SAME_MW
    generation, before_stop = held.net(Limit.GENERATION), held.net(Limit.BEFORE_STOP)
    apart = data.minimum_up[:, None] <= 1  # a row of their own for what comes before a stop
    at_stop = np.where(stopping, before_stop + np.where(apart | starting, 0.0, generation), 0.0)
    uncut = np.where(starting | (stopping & ~apart), 0.0, generation) + np.where(stopping, 0.0, before_stop)
    return {
        Reason.START_RAMP: np.where(starting, generation, 0.0),
        Reason.STOP_RAMP: at_stop,
        Reason.RESERVE: np.where(reserving, uncut, 0.0),
        Reason.RATING: np.where(reserving, 0.0, uncut),
    }


def _curve(plan: Formulation, matrices: Matrices, values: Column, push: Table) -> tuple[Table, Flags]:
    """What a fuel curve charges beyond the slope of the segment in use, and whether a dearer one follows."""
    thermal = plan.thermal
    extra = np.zeros(thermal.above.shape)
    has_next = np.ones(thermal.above.shape, dtype=np.bool_)
    if not len(thermal.bent):
        return extra, has_next
    width = thermal.data.segment_width[thermal.bent][:, None, :]
    used = (values[thermal.segments] > _SAME_MW) & (width > 0)
    count = width.shape[2]
    last_used = count - 1 - np.argmax(used[:, :, ::-1], axis=2)
    first = np.broadcast_to(np.argmax(width > 0, axis=2), last_used.shape)
    place = np.where(used.any(axis=2), last_used, first)
    slope = np.take_along_axis(matrices.cost[thermal.segments], place[:, :, None], axis=2)[:, :, 0]
    extra[thermal.bent] = push[thermal.bent] - slope
    last = count - 1 - np.argmax((width > 0)[:, :, ::-1], axis=2)
    has_next[thermal.bent] = place < last
    return extra, has_next


def _off(horizon: Horizon, data: ThermalData, on: Flags, loses: Flags) -> NDArray[np.int64]:
    """Why a unit is off, were it off everywhere."""
    step = np.arange(on.shape[1])
    _, must_off = initial_hold(horizon, data)
    down = horizon.steps_to_cover(column(data.assets, "minimum_down_s") / 3600.0 - data.hours_in_state)
    reason = np.full(on.shape, int(Reason.NOT_WORTH_RUNNING), dtype=np.int64)
    reason[_within(data.minimum_down, on, horizon, data, up=False) & ~loses] = Reason.DOWN_TIME
    for i, asset in enumerate(data.assets):
        if asset.kind is AssetKind.EMERGENCY_GENERATOR:
            for period, hours in budgets(horizon, int(data.members[i])):
                if horizon.hours * (on[i, period].sum() + 1) > hours + 1e-6:
                    reason[i, period] = Reason.PERMIT_HOURS
    held = step[None, :] < must_off[:, None]
    reason[held] = np.where(step[None, :] < down[:, None], Reason.DOWN_TIME, Reason.START_TIME)[held]
    forbidden = [is_forbidden(horizon, int(place)) for place in data.members]
    reason[np.array(forbidden, dtype=np.bool_)] = Reason.NOT_PERMITTED
    return reason


def _within(least: NDArray[np.int64], on: Flags, horizon: Horizon, data: ThermalData, *, up: bool) -> Flags:
    """Steps within so many after that of a start (or a stop), and those that the state at the start still holds."""
    before = np.concatenate([data.was_on[:, None], on[:, :-1]], axis=1)
    event = (on & ~before) if up else (~on & before)
    held = np.zeros_like(on)
    for lag in range(1, min(int(least.max(initial=1)), on.shape[1])):
        held[:, lag:] |= event[:, : on.shape[1] - lag] & (least > lag)[:, None]
    if up:
        must_on, _ = initial_hold(horizon, data)
        held |= np.arange(on.shape[1])[None, :] < must_on[:, None]
    return held


def _least_average_cost(horizon: Horizon, data: ThermalData) -> Table:
    """Least cost per MWh that a unit could run at (g, T), starts not counted; inf where it has no power."""
    fuel, variable, running = (
        column(data.assets, name) for name in ("fuel_price_per_mwh", "variable_cost_per_mwh", "running_cost_per_h")
    )
    width = data.segment_width[:, None, :]
    begins = data.minimum[:, None, None] + np.cumsum(width, axis=2) - width
    width = np.clip(data.highest[:, :, None] - begins, 0.0, width)
    at_least = fuel * data.fuel_at_minimum + running + variable * data.minimum
    slope = (fuel[:, None] * data.segment_fuel + variable[:, None])[:, None, :]
    first = np.zeros((len(data), horizon.steps, 1))
    power = data.minimum[:, None, None] + np.concatenate([first, np.cumsum(width, axis=2)], axis=2)
    cost = at_least[:, None, None] + np.concatenate([first, np.cumsum(width * slope, axis=2)], axis=2)
    average = np.where(power > _SAME_MW, cost / np.maximum(power, _SAME_MW), np.inf)
    least: Table = average.min(axis=2)
    return least
