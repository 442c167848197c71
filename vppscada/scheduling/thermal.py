"""Thermal assets: on or off, minimum up and down times, generation limits, ramps, fuel along the curve.

Output is ``minimum × on + above``. The rows follow Morales-España et al. (2013) and Knueven et al. (2020):
minimum up and down times over start and stop variables, start and stop terms inside the generation limits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset, AssetFamily, AssetKind, column
from vppscada.model.fuel_curves import FuelCurves
from vppscada.scheduling.horizon import RESERVE_RESPONSE_MIN, Horizon
from vppscada.scheduling.limits import LAST_RESORT, LimitSlack
from vppscada.scheduling.program import Index, Limit, Program

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ThermalData:
    """Constants of the g thermal assets that take part; powers in MW, ramps in MW per step."""

    members: Index
    assets: list[Asset]
    minimum: Column
    highest: NDArray[np.float64]  # (g, T) after derating, never below the minimum
    ramp_up: Column
    ramp_down: Column
    start_limit: Column  # greatest power in the first step after a start
    stop_limit: Column  # … in the last step before a stop
    minimum_up: Index  # steps, ≥ 1
    minimum_down: Index
    was_on: Flags
    hours_in_state: Column
    above_before: Column  # power above the minimum before the first step; NaN = not known
    reserve_most: Column
    segment_width: NDArray[np.float64]  # (g, K) of the fuel curve between minimum and rating
    segment_fuel: NDArray[np.float64]  # (g, K) MW of fuel per MW
    fuel_at_minimum: Column

    def __len__(self) -> int:
        return len(self.assets)


@dataclass(frozen=True, slots=True, eq=False)
class Thermal:
    """Variables of the thermal assets, (g, T) each; segments of those with a bent fuel curve, (g', T, K)."""

    data: ThermalData
    on: Index
    start: Index
    stop: Index
    above: Index
    reserve: Index
    up: tuple[Index, ...]  # the reserve and each product upwards
    down: tuple[Index, ...]  # each product downwards
    bent: Index  # which of the g have segments
    segments: Index


def thermal_data(horizon: Horizon) -> ThermalData:
    """Read the constants out of the request."""
    members = horizon.members(AssetFamily.THERMAL)
    assets = horizon.assets(members)
    initial = horizon.request.initial
    minimum, rating = column(assets, "minimum_mw"), column(assets, "rating_mw")
    ramp_up = column(assets, "ramp_up_mw_per_min") * horizon.minutes
    ramp_down = column(assets, "ramp_down_mw_per_min") * horizon.minutes
    was_on = initial.on[members]
    above = np.where(was_on, np.maximum(initial.power_mw[members] - minimum, 0.0), 0.0)
    width, slope, at_minimum = _fuel(assets, minimum, rating)
    holds = np.array([a.reserve and a.kind is not AssetKind.EMERGENCY_GENERATOR for a in assets], dtype=np.bool_)
    in_time = np.minimum(column(assets, "ramp_up_mw_per_min") * RESERVE_RESPONSE_MIN, rating - minimum)
    return ThermalData(
        members=members,
        assets=assets,
        minimum=minimum,
        highest=derated(horizon, assets),
        ramp_up=ramp_up,
        ramp_down=ramp_down,
        start_limit=np.minimum(np.maximum(minimum, ramp_up), rating),
        stop_limit=np.minimum(np.maximum(minimum, ramp_down), rating),
        minimum_up=np.maximum(horizon.steps_to_cover(column(assets, "minimum_up_s") / 3600.0), 1),
        minimum_down=np.maximum(horizon.steps_to_cover(column(assets, "minimum_down_s") / 3600.0), 1),
        was_on=was_on,
        hours_in_state=np.nan_to_num(initial.hours_in_state[members], nan=np.inf, posinf=np.inf),
        above_before=above,
        reserve_most=np.where(holds, in_time, 0.0),
        segment_width=width,
        segment_fuel=slope,
        fuel_at_minimum=at_minimum,
    )


def derated(horizon: Horizon, assets: list[Asset]) -> NDArray[np.float64]:
    """Greatest output (g, T): a share of rating is lost per degree above 15 °C, but never the stable minimum."""
    above = np.maximum(np.nan_to_num(horizon.request.ambient_degc, nan=15.0) - 15.0, 0.0)
    share = 1.0 - column(assets, "derating_per_degc")[:, None] * above[None, :]
    highest: NDArray[np.float64] = np.maximum(
        column(assets, "rating_mw")[:, None] * share, column(assets, "minimum_mw")[:, None]
    )
    return highest


def _fuel(
    assets: list[Asset], minimum: Column, rating: Column
) -> tuple[NDArray[np.float64], NDArray[np.float64], Column]:
    """The fuel curve between minimum and rating as segments of width and slope, and the fuel at the minimum."""
    curves = FuelCurves(assets)
    left = np.clip(curves.power_mw, minimum[:, None], rating[:, None])
    left[:, 0] = minimum
    right = np.concatenate([left[:, 1:], rating[:, None]], axis=1)
    return right - left, curves.slope, curves.fuel_at(minimum)


def add_thermal(program: Program, horizon: Horizon, data: ThermalData, slacks: list[LimitSlack]) -> Thermal:
    """All variables and rows of commitment and output (start costs and permits stand elsewhere)."""
    shape = (len(data), horizon.steps)
    range_mw = data.highest - data.minimum[:, None]
    bent = np.flatnonzero((data.segment_width > 0).sum(axis=1) > 1)
    reserve = program.block(shape, 0.0, data.reserve_most[:, None])
    up, down = add_headroom(program, horizon, data)
    thermal = Thermal(
        data=data,
        on=program.block(shape, 0.0, 1.0, integer=True),
        start=program.block(shape, 0.0, 1.0),
        stop=program.block(shape, 0.0, 1.0),
        above=program.block(shape, 0.0, range_mw),
        reserve=reserve,
        up=(reserve, *up),
        down=down,
        bent=bent,
        segments=program.block(
            (len(bent), horizon.steps, data.segment_width.shape[1]), 0.0, data.segment_width[bent][:, None, :]
        ),
    )
    add_logic(program, thermal)
    add_minimum_times(program, thermal)
    add_initial_times(program, horizon, thermal, slacks)
    add_generation_limits(program, thermal)
    add_ramps(program, thermal)
    add_initial_ramps(program, horizon, thermal, slacks)
    add_segments(program, thermal)
    return thermal


def add_headroom(program: Program, horizon: Horizon, data: ThermalData) -> tuple[tuple[Index, ...], tuple[Index, ...]]:
    """What each unit that is on holds of each product, (g, T): upwards, downwards. As much as it ramps in time."""
    holds = np.array([asset.kind is not AssetKind.EMERGENCY_GENERATOR for asset in data.assets], dtype=np.bool_)
    laid: dict[bool, list[Index]] = {True: [], False: []}
    for product in horizon.request.products:
        ramp = column(data.assets, "ramp_up_mw_per_min" if product.up else "ramp_down_mw_per_min")
        most = np.minimum(ramp * product.response_min, column(data.assets, "rating_mw") - data.minimum)
        bound = np.where(holds & product.holders[data.members], most, 0.0)
        laid[product.up].append(program.block((len(data), horizon.steps), 0.0, bound[:, None]))
    return tuple(laid[True]), tuple(laid[False])


def add_logic(program: Program, thermal: Thermal) -> None:
    """on − on before = start − stop."""
    before = np.zeros(thermal.on.shape)
    before[:, 0] = thermal.data.was_on
    rows = program.equal(thermal.on.shape, before, (thermal.on, 1.0), (thermal.start, -1.0), (thermal.stop, 1.0))
    program.add(rows[:, 1:], thermal.on[:, :-1], -1.0)


def add_minimum_times(program: Program, thermal: Thermal) -> None:
    """Starts of the last minimum-up steps ≤ on; stops of the last minimum-down steps ≤ 1 − on."""
    up = program.at_most(thermal.on.shape, 0.0, (thermal.on, -1.0))
    down = program.at_most(thermal.on.shape, 1.0, (thermal.on, 1.0))
    steps = thermal.on.shape[1]
    for rows, event, least in (
        (up, thermal.start, thermal.data.minimum_up),
        (down, thermal.stop, thermal.data.minimum_down),
    ):
        for lag in range(min(int(least.max(initial=1)), steps)):
            there = least > lag
            program.add(rows[there, lag:], event[there, : steps - lag], 1.0)


def initial_hold(horizon: Horizon, data: ThermalData) -> tuple[Index, Index]:
    """Steps that each asset must still be on (minimum up time), and must still be off.

    Off: by its minimum down time, and until it could be synchronised at the earliest.
    """
    up = horizon.steps_to_cover(column(data.assets, "minimum_up_s") / 3600.0 - data.hours_in_state)
    down = horizon.steps_to_cover(column(data.assets, "minimum_down_s") / 3600.0 - data.hours_in_state)
    starting = horizon.steps_within(column(data.assets, "start_time_s") / 3600.0)
    return np.where(data.was_on, up, 0), np.where(data.was_on, 0, np.maximum(down, starting))


def add_initial_times(program: Program, horizon: Horizon, thermal: Thermal, slacks: list[LimitSlack]) -> None:
    """What is left of minimum up and down times at the start. The up time gives where a permit forbids to run."""
    data = thermal.data
    must_on, must_off = initial_hold(horizon, data)
    step = np.arange(horizon.steps)
    held_off = step[None, :] < must_off[:, None]
    program.at_most((int(held_off.sum()),), 0.0, (thermal.on[held_off], 1.0))
    holding = np.flatnonzero(must_on > 0)
    held_on = step[None, :] < must_on[holding][:, None]
    short = program.block((len(holding), horizon.steps), 0.0, held_on)
    program.at_least((int(held_on.sum()),), 1.0, (thermal.on[holding][held_on], 1.0), (short[held_on], 1.0))
    price = LAST_RESORT * horizon.request.value_of_lost_load_per_mwh * horizon.hours
    slacks.append(
        LimitSlack(
            tuple(f"{data.assets[i].name} minimum up time" for i in holding),
            "steps",
            short,
            price * column([data.assets[i] for i in holding], "rating_mw")[:, None],
        )
    )


def add_generation_limits(program: Program, thermal: Thermal) -> None:
    """above + held upwards ≤ range × on, less in the first step after a start and the last before a stop.

    With a minimum up time of one step a start and a stop may meet, so each gets its own row. What is held
    downwards ≤ above.
    """
    data = thermal.data
    shape = thermal.on.shape
    range_mw = data.highest - data.minimum[:, None]
    start_cut = np.maximum(data.highest - data.start_limit[:, None], 0.0)
    stop_cut = np.maximum(data.highest - data.stop_limit[:, None], 0.0)[:, :-1]
    rows = program.at_most(
        shape,
        0.0,
        (thermal.above, 1.0),
        *((held, 1.0) for held in thermal.up),
        (thermal.on, -range_mw),
        (thermal.start, start_cut),
        limit=Limit.GENERATION,
    )
    long = data.minimum_up > 1
    program.add(rows[long, :-1], thermal.stop[long, 1:], stop_cut[long])
    brief = ~long & (stop_cut > 0).any(axis=1)
    apart = program.at_most(
        (int(brief.sum()), shape[1] - 1),
        0.0,
        (thermal.above[brief, :-1], 1.0),
        *((held[brief, :-1], 1.0) for held in thermal.up),
        (thermal.on[brief, :-1], -range_mw[brief, :-1]),
        limit=Limit.BEFORE_STOP,
    )
    program.add(apart, thermal.stop[brief, 1:], stop_cut[brief])
    if thermal.down:
        held = [(columns, -1.0) for columns in thermal.down]
        program.at_least(shape, 0.0, (thermal.above, 1.0), *held, limit=Limit.HELD_DOWN)


def add_ramps(program: Program, thermal: Thermal) -> None:
    """Between steps, where a ramp is slower than the whole range in a step. Starts and stops: generation limits."""
    data = thermal.data
    widest = (data.highest - data.minimum[:, None]).max(axis=1, initial=0.0)
    above, steps = thermal.above, thermal.on.shape[1]
    up = data.ramp_up < widest
    program.at_most(
        (int(up.sum()), steps - 1),
        data.ramp_up[up][:, None],
        (above[up, 1:], 1.0),
        *((held[up, 1:], 1.0) for held in thermal.up),
        (above[up, :-1], -1.0),
        limit=Limit.RAMP_UP,
    )
    down = data.ramp_down < widest
    program.at_most(
        (int(down.sum()), steps - 1),
        data.ramp_down[down][:, None],
        (above[down, :-1], 1.0),
        (above[down, 1:], -1.0),
        *((held[down, 1:], 1.0) for held in thermal.down),
        limit=Limit.RAMP_DOWN,
    )


def add_initial_ramps(program: Program, horizon: Horizon, thermal: Thermal, slacks: list[LimitSlack]) -> None:
    """From the power before the first step: up, down, and down to a stop. Down gives where a limit fell faster."""
    data = thermal.data
    known = data.was_on & ~np.isnan(data.above_before)
    up = known & np.isfinite(data.ramp_up)
    program.at_most(
        (int(up.sum()),),
        data.above_before[up] + data.ramp_up[up],
        (thermal.above[up, 0], 1.0),
        *((held[up, 0], 1.0) for held in thermal.up),
        limit=Limit.RAMP_UP,
    )
    down = np.flatnonzero(known & np.isfinite(data.ramp_down))
    before = data.above_before[down]
    fast_down = program.block((len(down), horizon.steps), 0.0, _first_step(len(down), horizon.steps))
    fast_stop = program.block((len(down), horizon.steps), 0.0, _first_step(len(down), horizon.steps))
    program.at_least(
        (len(down),),
        before - data.ramp_down[down],
        (thermal.above[down, 0], 1.0),
        (fast_down[:, 0], 1.0),
        *((held[down, 0], -1.0) for held in thermal.down),
        limit=Limit.RAMP_DOWN,
    )
    over = np.maximum(before - (data.stop_limit - data.minimum)[down], 0.0)
    program.at_most((len(down),), 0.0, (thermal.stop[down, 0], over), (fast_stop[:, 0], -1.0))
    price = np.array(LAST_RESORT * horizon.request.value_of_lost_load_per_mwh * horizon.hours)
    names = [data.assets[i].name for i in down]
    slacks.append(LimitSlack(tuple(f"{name} ramp down" for name in names), "MW", fast_down, price))
    slacks.append(LimitSlack(tuple(f"{name} shut-down ramp" for name in names), "MW", fast_stop, price))


def _first_step(count: int, steps: int) -> NDArray[np.float64]:
    most = np.zeros((count, steps))
    most[:, 0] = np.inf
    return most


def add_segments(program: Program, thermal: Thermal) -> None:
    """above = sum of the segments of a bent fuel curve, none of them used while off."""
    bent, segments = thermal.bent, thermal.segments
    shape = segments.shape[:2]
    rows = program.equal(shape, 0.0, (thermal.above[bent], -1.0), limit=Limit.CURVE)
    program.add(rows[:, :, None], segments, 1.0)
    width = thermal.data.segment_width[bent][:, None, :]
    program.at_most(segments.shape, 0.0, (segments, 1.0), (thermal.on[bent][:, :, None], -width))
