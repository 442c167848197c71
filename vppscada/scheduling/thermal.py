"""Thermal assets: what is known of them, and their variables. Output is ``minimum × on + above``; rows stand apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset, AssetFamily, AssetKind, column
from vppscada.model.fuel_curves import FuelCurves
from vppscada.model.schedule import Product
from vppscada.scheduling.horizon import RESERVE_RESPONSE_MIN, Horizon
from vppscada.scheduling.program import Index, Program, Stage

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

    @property
    def range_mw(self) -> NDArray[np.float64]:
        """Between minimum and greatest output (g, T)."""
        return self.highest - self.minimum[:, None]

    @property
    def slow(self) -> Flags:
        """Units (g,) whose ramps, starts or stops bind, so that the search has tight rows for them.

        The others ramp over all their output within a step: they have no use for such rows.
        """
        slow: Flags = np.minimum(self.ramp_up, self.ramp_down) < self.highest.max(axis=1, initial=0.0)
        return slow

    @property
    def plain_stage(self) -> Index:
        """Stage (g, 1) of the rows that the tight ones of slow units stand for in the search."""
        return np.where(self.slow, Stage.SETTLING, Stage.ALWAYS).astype(np.int64)[:, None]

    @property
    def start_room(self) -> Column:
        """Greatest power above the minimum in the first step after a start (g,)."""
        return self.start_limit - self.minimum

    @property
    def stop_room(self) -> Column:
        """Greatest power above the minimum in the last step before a stop (g,)."""
        return self.stop_limit - self.minimum


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


def thermal_variables(program: Program, horizon: Horizon, data: ThermalData) -> Thermal:
    """All variables of commitment and output."""
    shape = (len(data), horizon.steps)
    bent = np.flatnonzero((data.segment_width > 0).sum(axis=1) > 1)
    reserve = program.block(shape, 0.0, data.reserve_most[:, None])
    up, down = add_headroom(program, horizon, data)
    return Thermal(
        data=data,
        on=program.block(shape, 0.0, 1.0, integer=True),
        start=program.block(shape, 0.0, 1.0),
        stop=program.block(shape, 0.0, 1.0),
        above=program.block(shape, 0.0, data.range_mw),
        reserve=reserve,
        up=(reserve, *up),
        down=down,
        bent=bent,
        segments=program.block(
            (len(bent), horizon.steps, data.segment_width.shape[1]), 0.0, data.segment_width[bent][:, None, :]
        ),
    )


def add_headroom(program: Program, horizon: Horizon, data: ThermalData) -> tuple[tuple[Index, ...], tuple[Index, ...]]:
    """What each unit that is on holds of each product, (g, T): upwards, downwards."""
    laid: dict[bool, list[Index]] = {True: [], False: []}
    for product in horizon.request.products:
        most = headroom_most(data, product)
        laid[product.up].append(program.block((len(data), horizon.steps), 0.0, most[:, None]))
    return tuple(laid[True]), tuple(laid[False])


def headroom_most(data: ThermalData, product: Product) -> Column:
    """The most that each unit that is on may hold of a product (g,): as much as it ramps in time."""
    holds = np.array([asset.kind is not AssetKind.EMERGENCY_GENERATOR for asset in data.assets], dtype=np.bool_)
    ramp = column(data.assets, "ramp_up_mw_per_min" if product.up else "ramp_down_mw_per_min")
    most = np.minimum(ramp * product.response_min, column(data.assets, "rating_mw") - data.minimum)
    return np.where(holds & product.holders[data.members], most, 0.0)


def initial_hold(horizon: Horizon, data: ThermalData) -> tuple[Index, Index]:
    """Steps that each asset must still be on (minimum up time), and must still be off.

    Off: by its minimum down time, and until it could be synchronised at the earliest.
    """
    up = horizon.steps_to_cover(column(data.assets, "minimum_up_s") / 3600.0 - data.hours_in_state)
    down = horizon.steps_to_cover(column(data.assets, "minimum_down_s") / 3600.0 - data.hours_in_state)
    starting = horizon.steps_within(column(data.assets, "start_time_s") / 3600.0)
    return np.where(data.was_on, up, 0), np.where(data.was_on, 0, np.maximum(down, starting))
