"""Cost and revenue of a schedule, from its powers and states alone: no solver variable is trusted."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetFamily, column
from vppscada.model.fuel_curves import FuelCurves
from vppscada.model.schedule import Held, ScheduleRequest
from vppscada.scheduling.start_costs import category

Table = NDArray[np.float64]
Column = NDArray[np.float64]


def planned_cost(request: ScheduleRequest, power_mw: Table, on: NDArray[np.bool_]) -> float:
    """Fuel, running hours, starts, maintenance by energy and wear over the horizon. Arrays are (n, T)."""
    hours = request.step_s / 3600.0
    assets = request.assets
    thermal = np.array([asset.kind.family is AssetFamily.THERMAL for asset in assets], dtype=np.bool_)
    curves = FuelCurves(assets)
    given = np.maximum(power_mw, 0.0)
    fuel_price, running = column(assets, "fuel_price_per_mwh"), column(assets, "running_cost_per_h")
    burned = np.stack([curves.fuel_at(given[:, t]) for t in range(request.steps)], axis=1)
    committed = np.where(thermal[:, None] & on, fuel_price[:, None] * burned + running[:, None], 0.0)
    by_energy = column(assets, "variable_cost_per_mwh")[:, None] * given
    committable = np.flatnonzero(thermal & request.initial.usable).tolist()
    started = sum([start_cost(request, place, on[place]) for place in committable], start=0.0)
    return float(hours * (committed.sum() + by_energy.sum()) + started)


def start_cost(request: ScheduleRequest, place: int, on: NDArray[np.bool_]) -> float:
    """Cost of the starts of one thermal asset, by the hours it was off before each."""
    costs = tuple(sorted(request.assets[place].start_costs))
    if not costs:
        return 0.0
    hours = request.step_s / 3600.0
    off = np.inf if np.isnan(request.initial.hours_in_state[place]) else request.initial.hours_in_state[place]
    running, total = bool(request.initial.on[place]), 0.0
    off = 0.0 if running else off
    for now in on:
        if now and not running:
            total += costs[int(category(costs, np.array([off]))[0])][1]
        off = 0.0 if now else off + hours
        running = bool(now)
    return total


def planned_revenue(
    request: ScheduleRequest,
    unserved_mw: Column,
    dump_mw: Column,
    import_mw: Column,
    export_mw: Column,
    held: Sequence[Held] = (),
) -> float:
    """Price × (requirement served + export − import), and products sold at theirs. Surplus earns nothing."""
    owed = request.requirement_mw
    served = np.where(owed >= 0.0, np.maximum(owed - unserved_mw, 0.0), np.minimum(owed + dump_mw, 0.0))
    hours = request.step_s / 3600.0
    energy = float((request.price_per_mwh * (served + export_mw - import_mw)).sum())
    sold = sum(float(product.price_per_mw_h @ one.sold_mw) for product, one in zip(request.products, held, strict=True))
    return hours * (energy + sold)
