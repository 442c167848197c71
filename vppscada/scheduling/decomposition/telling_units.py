"""Why a unit of a large fleet is off, or on with this power: from its own cost and limits, and the plant's price."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import column
from vppscada.model.explanation import Reason
from vppscada.model.schedule import Schedule
from vppscada.scheduling.decomposition.dispatching import limits
from vppscada.scheduling.explain_thermal import committed_so
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.pressures import UNDECIDED, decide
from vppscada.scheduling.thermal import ThermalData

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]
Index = NDArray[np.int64]
Reasons = NDArray[np.uint8]

_SAME_MW = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class _Stand:
    """Where units stand (g, T): which of their limits their power is at."""

    minimum: Flags
    most: Flags  # of power and reserve together
    rise: Flags  # from the step before as far as the ramp leads
    fall: Flags
    slope: Table  # cost per MWh of the segment of the fuel curve in use
    bend: Table  # by how much the next segment is dearer; 0 within a segment, and at the end of the last


@dataclass(frozen=True, slots=True, eq=False)
class _Pressed:
    """What limits press (g, T), per MWh: > 0 downwards."""

    minimum: Table
    most: Table
    bend: Table
    rise: Table  # ≥ 0, of the ramp from the step before
    fall: Table  # ≥ 0
    left: Table  # what no limit explains: the plan is not exactly the best at these prices


def tell_units(
    horizon: Horizon, data: ThermalData, some: Index, schedule: Schedule, price: Column
) -> tuple[Reasons, Table, Table]:
    """Reasons and values (g, T) of ``some`` of the units, and nothing stored."""
    data = _only(data, some)
    on, (power, held) = (
        schedule.on[data.members],
        (one[data.members] for one in (schedule.power_mw, schedule.reserve_mw)),
    )
    stand = _stand(data, on, power, held)
    pressed = _pressed(stand, price[None, :] - stand.slope)
    reason, value = _named(data, on, power, held, stand, pressed)
    reason, value = committed_so(horizon, data, on, price, reason, value)
    return reason, value, np.zeros(power.shape)


def _only(data: ThermalData, some: Index) -> ThermalData:
    columns = {field.name: getattr(data, field.name) for field in fields(data) if field.name != "assets"}
    chosen = {name: values[some] for name, values in columns.items()}
    return ThermalData(assets=[data.assets[i] for i in some], **chosen)


def _stand(data: ThermalData, on: Flags, power: Table, held: Table) -> _Stand:
    most, _ = limits(data, np.arange(len(data)), on)
    slope, bend = _curve(data, power)
    before = np.concatenate([(data.minimum + data.above_before)[:, None], power[:, :-1]], axis=1)
    went_on = on & np.concatenate([data.was_on[:, None], on[:, :-1]], axis=1) & ~np.isnan(before)
    with np.errstate(invalid="ignore"):
        rise = went_on & (power + held - before >= data.ramp_up[:, None] - _SAME_MW)
        fall = went_on & (before - power >= data.ramp_down[:, None] - _SAME_MW)
    return _Stand(
        minimum=on & (power <= data.minimum[:, None] + _SAME_MW),
        most=on & (power + held >= most - _SAME_MW),
        rise=rise,
        fall=fall,
        slope=slope,
        bend=bend,
    )


def _curve(data: ThermalData, power: Table) -> tuple[Table, Table]:
    """Cost per MWh of the last segment in use (of the first at the minimum), and what the next one adds at its end."""
    fuel, wear = column(data.assets, "fuel_price_per_mwh"), column(data.assets, "variable_cost_per_mwh")
    cost = fuel[:, None] * data.segment_fuel + wear[:, None]
    ends = data.minimum[:, None] + np.cumsum(data.segment_width, axis=1)
    there = data.segment_width > 0.0
    place = np.broadcast_to(np.argmax(there, axis=1)[:, None], power.shape).copy()
    for k in range(ends.shape[1]):
        begins = (ends[:, k] - data.segment_width[:, k])[:, None]
        place = np.where(there[:, k, None] & (power > begins + _SAME_MW), k, place)
    slope = np.take_along_axis(cost, place, axis=1)
    last = ends.shape[1] - 1 - np.argmax(there[:, ::-1], axis=1)
    follows = np.minimum(place + 1, last[:, None])
    at_end = power >= np.take_along_axis(ends, place, axis=1) - _SAME_MW
    dearer = np.take_along_axis(cost, follows, axis=1) - slope
    return slope, np.where(at_end & (place < last[:, None]), np.maximum(dearer, 0.0), 0.0)


def _pressed(stand: _Stand, wished: Table) -> _Pressed:
    """From the last step to the first: what a ramp presses on one step it presses the other way on the step before.

    At the optimum the pressures on a power add up to ``wished``, the price less the cost of the power.
    """
    found = _Pressed(*(np.zeros_like(wished) for _ in fields(_Pressed)))
    rise, fall = np.zeros(len(wished)), np.zeros(len(wished))
    for t in range(wished.shape[1] - 1, -1, -1):
        rest = wished[:, t] + rise - fall
        found.bend[:, t] = np.clip(rest, 0.0, stand.bend[:, t])
        rest = rest - found.bend[:, t]
        up, down = np.maximum(rest, 0.0), np.maximum(-rest, 0.0)
        rise = _shared(up, stand.rise[:, t], stand.most[:, t], _wanting(stand, -wished, stand.minimum, t - 1))
        fall = _shared(down, stand.fall[:, t], stand.minimum[:, t], _wanting(stand, wished, stand.most, t - 1))
        found.rise[:, t], found.fall[:, t] = rise, fall
        found.most[:, t] = np.where(stand.most[:, t], up - rise, 0.0)
        found.minimum[:, t] = -np.where(stand.minimum[:, t], down - fall, 0.0)
        found.left[:, t] = rest - found.most[:, t] - found.minimum[:, t] - rise + fall
    return found


def _shared(pressure: Column, ramp: Flags, limit: Flags, wanted: Column) -> Column:
    """What the ramp has of a pressure: all, but beside a limit of the step's own what the step before wants."""
    return np.where(ramp, np.where(limit, np.minimum(pressure, wanted), pressure), 0.0)


def _wanting(stand: _Stand, wished: Table, held: Flags, t: int) -> Column:
    """What a step has to be held by, and is not by a limit of its own."""
    if t < 0:
        return np.zeros(len(wished))
    return np.where(held[:, t], 0.0, np.maximum(wished[:, t] - stand.bend[:, t], 0.0))


def _named(
    data: ThermalData, on: Flags, power: Table, held: Table, stand: _Stand, pressed: _Pressed
) -> tuple[Reasons, Table]:
    """As if every unit were on; what no limit explains stands as the value of `Reason.MARGINAL`."""
    rating = column(data.assets, "rating_mw")[:, None]
    cut = _cut(data, on, power + held, held)
    ahead_rise, ahead_fall = _next(pressed.rise), _next(pressed.fall)
    reason, value = decide(
        [
            (Reason.MINIMUM, pressed.minimum),
            *((one, np.where(cut == one, pressed.most, 0.0)) for one in _CUTS),
            (Reason.RAMP_UP, pressed.rise),
            (Reason.AHEAD_OF_RAMP_UP, -ahead_rise),
            (Reason.RAMP_DOWN, -pressed.fall),
            (Reason.AHEAD_OF_RAMP_DOWN, ahead_fall),
            (Reason.BEND, pressed.bend),
        ]
    )
    full = np.where(data.highest < rating - _SAME_MW, Reason.DERATING, Reason.RATING)
    at_most = power >= data.highest - _SAME_MW
    resting = np.where(stand.minimum, Reason.MINIMUM, np.where(at_most, full, Reason.MARGINAL))
    free = (reason == UNDECIDED) & (resting == Reason.MARGINAL)
    return (
        np.where(reason == UNDECIDED, resting, reason).astype(np.uint8),
        np.where(free, np.abs(pressed.left), value),
    )


_CUTS = (Reason.START_RAMP, Reason.STOP_RAMP, Reason.RESERVE, Reason.DERATING, Reason.RATING)


def _cut(data: ThermalData, on: Flags, total: Table, held: Table) -> Reasons:
    """What limits the power where it is at its most: a start, a stop, reserve, the heat, or the rating."""
    starting = on & ~np.concatenate([data.was_on[:, None], on[:, :-1]], axis=1)
    stopping = on & ~np.concatenate([on[:, 1:], np.ones((len(on), 1), dtype=np.bool_)], axis=1)
    start, stop = data.start_limit[:, None], data.stop_limit[:, None]
    beneath = data.highest - _SAME_MW
    rating = column(data.assets, "rating_mw")[:, None]
    conditions = [
        starting & (start < beneath) & (total >= start - _SAME_MW),
        stopping & (stop < beneath) & (total >= stop - _SAME_MW),
        held > _SAME_MW,
        data.highest < rating - _SAME_MW,
    ]
    return np.select(conditions, [int(one) for one in _CUTS[:-1]], int(Reason.RATING)).astype(np.uint8)


def _next(table: Table) -> Table:
    moved = np.zeros_like(table)
    moved[:, :-1] = table[:, 1:]
    return moved
