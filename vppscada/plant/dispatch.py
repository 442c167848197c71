"""What each asset should do until the next cycle. Pure: state and time are arguments.

Two steps, both within the limits on groups of assets. First the economic one: from the schedule's base points, the
difference to the target is shared at least cost within what each asset can hold (`steady_powers`). Then the reachable
one: each asset goes towards that as far as its ramp allows, and what is missing (a regulation signal among it) is
taken by fast storage, then batteries, then whoever is left (`dispatch`). As engines arrive, storage returns to its
base by itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetStates
from vppscada.model.dispatch import Boxes, Dispatch
from vppscada.model.limits import LimitTree
from vppscada.plant.cost_steps import CostSteps, Leeway
from vppscada.plant.fleet_view import FleetColumns
from vppscada.plant.least_cost import Limits, Steps, share

Column = NDArray[np.float64]

FIXED, FAST, BATTERY, OTHER = -1, 0, 1, 2
#: A box must be held this many cycles, so that energy does not run out before the next look.
_CYCLES_OF_ENERGY = 3.0
#: A shortfall smaller than this is rounding, MW.
_TOLERANCE_MW = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Holdable:
    """What each asset can hold for a while (MW), without regard to ramps. Columns of length n."""

    low_mw: Column
    high_mw: Column
    controlled: NDArray[np.bool_]  # False: we take what it does


def holdable(
    columns: FleetColumns, states: AssetStates, committed: NDArray[np.bool_], following: NDArray[np.bool_], hours: float
) -> Holdable:
    """Limits from state, energy, availability and commitment. ``hours`` is the length of a cycle (plant time).

    A thermal asset that is on but no longer ``committed`` is held to its stable minimum, until it is stopped.
    """
    power = np.nan_to_num(states.power_mw)
    controlled = states.usable & following & (~columns.thermal | states.on)
    keep = max(hours * _CYCLES_OF_ENERGY, 1e-9)
    stored = np.nan_to_num(states.stored_mwh)
    above_floor = np.maximum(stored - columns.soc_minimum * columns.capacity_mwh, 0.0)
    below_ceiling = np.maximum(columns.soc_maximum * columns.capacity_mwh - stored, 0.0)
    discharge = np.minimum(states.available_mw, above_floor * columns.discharge_efficiency / keep)
    charge = np.minimum(states.available_charge_mw, below_ceiling / columns.charge_efficiency / keep)
    high = np.where(columns.storage, discharge, states.available_mw)
    high = np.where(columns.thermal & ~committed, columns.minimum_mw, high)
    low = np.where(columns.storage, -charge, np.where(columns.thermal, columns.minimum_mw, 0.0))
    high = np.maximum(np.nan_to_num(high), low)
    return Holdable(
        low_mw=np.where(controlled, low, power),
        high_mw=np.where(controlled, high, power),
        controlled=controlled,
    )


def at_rest(columns: FleetColumns, limits: Holdable) -> Holdable:
    """Limits of a plant that is to rest: storage idle, sun and wind curtailed; thermal units as they are unloaded."""
    idle = limits.controlled & ~columns.thermal
    return Holdable(np.where(idle, 0.0, limits.low_mw), np.where(idle, 0.0, limits.high_mw), limits.controlled)


def steady_powers(target_mw: float, leeway: Leeway, costs: CostSteps, limits: Limits) -> Column:
    """Powers that meet the target at least cost, at equal incremental cost along the heat rates, within the limits.

    From anchored bases only the difference is shared; see `CostSteps.steps`.
    """
    return share(target_mw, costs.steps(leeway), limits)


def reachable(
    columns: FleetColumns,
    states: AssetStates,
    limits: Holdable,
    last_setpoint_mw: Column,
    minutes: float,
    lag_minutes: float | None = None,
) -> tuple[Column, Column]:
    """What ramps allow in so many minutes: low and high, MW.

    A ramp starts from the last setpoint while the asset is within the ramp of ``lag_minutes`` of it (its reading lags
    the command; by default twice ``minutes``), otherwise from what it does.
    """
    power = np.nan_to_num(states.power_mw)
    up = columns.ramp_up_mw_per_min * minutes
    down = columns.ramp_down_mw_per_min * minutes
    lag = 2.0 * minutes if lag_minutes is None else lag_minutes
    setpoint = np.where(np.isnan(last_setpoint_mw), power, last_setpoint_mw)
    start = np.clip(setpoint, power - columns.ramp_down_mw_per_min * lag, power + columns.ramp_up_mw_per_min * lag)
    # A limit past the ramp (a derating, a unit below its minimum after the start) is met as far as the ramp goes.
    low = np.minimum(np.maximum(start - down, limits.low_mw), start + up)
    high = np.maximum(np.minimum(start + up, limits.high_mw), start - down)
    return np.where(limits.controlled, low, power), np.where(limits.controlled, high, power)


def tiers(columns: FleetColumns, controlled: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Who moves first for what ramps leave over."""
    tier = np.where(columns.fast, FAST, np.where(columns.storage, BATTERY, OTHER))
    return np.where(controlled, tier, FIXED).astype(np.int8)


def dispatch(target_mw: float, boxes: Boxes, limits: Limits | None = None) -> Dispatch:
    """Setpoints within the boxes and limits whose sum comes as near the target as can be.

    Starts at the base points and moves, tier by tier and in merit order within a tier; against the direction that is
    missing only where a limit asks for it. Setpoints of fixed assets (tier −1) are NaN: they are left alone, but
    counted. Commitment is decided elsewhere, so ``start`` and ``stop`` are all False.
    """
    limits = Limits.of(LimitTree.empty(), len(boxes.low_mw)) if limits is None else limits
    power = share(target_mw, _tier_steps(boxes), limits)
    shortfall = target_mw - float(power.sum())
    if abs(shortfall) < _TOLERANCE_MW:
        shortfall = 0.0
    nothing = np.zeros(len(power), dtype=np.bool_)
    return Dispatch(
        target_mw=target_mw,
        setpoint_mw=np.where(boxes.tier != FIXED, power, np.nan),
        start=nothing,
        stop=nothing,
        shortfall_mw=shortfall,
        reasons=_reasons(power, shortfall, limits),
    )


def _tier_steps(boxes: Boxes) -> Steps:
    """Two steps for each asset, around its base: lower tiers are cheaper to move, either way, than higher ones."""
    n = len(boxes.low_mw)
    base = np.clip(boxes.base_mw, boxes.low_mw, boxes.high_mw)
    cost = boxes.marginal_cost - boxes.marginal_cost.min(initial=np.inf)
    within = cost / (float(cost.max(initial=0.0)) + 1.0)  # in [0, 1): orders the assets of one tier
    rank = boxes.tier.astype(np.float64) + 1.0
    width = np.concatenate([base - boxes.low_mw, boxes.high_mw - base])
    slope = np.concatenate([within - rank, within + rank])
    return Steps(boxes.low_mw, np.tile(np.arange(n), 2), width, slope)


def _reasons(power_mw: Column, shortfall_mw: float, limits: Limits) -> tuple[str, ...]:
    broken = limits.broken(power_mw)
    if shortfall_mw == 0.0:
        return broken
    held = limits.holding(power_mw, raising=shortfall_mw > 0)
    why = f", held by {', '.join(held)}" if held else ""
    return (f"target out of reach by {shortfall_mw:+.3f} MW until the next cycle{why}", *broken)


def fast_storage_base(columns: FleetColumns, states: AssetStates, settle_h: float) -> Column:
    """Base power of fast storage: gently towards the middle of its energy band; 0 for the others.

    ``settle_h`` is the time constant in hours; what it loses meanwhile is made good. At most a fifth of the
    rating is used for it.
    """
    stored = np.nan_to_num(states.stored_mwh)
    middle = (columns.soc_minimum + columns.soc_maximum) / 2 * columns.capacity_mwh
    lost = columns.standby_loss_mw + columns.self_discharge_per_h * stored
    wanted = (stored - middle) / settle_h - lost / columns.charge_efficiency
    bounded = np.clip(wanted, -0.2 * columns.charge_rating_mw, 0.2 * columns.rating_mw)
    return np.where(columns.fast, bounded, 0.0)
