"""The whole program of a request: every family's variables and rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.schedule import ScheduleRequest
from vppscada.scheduling.contingency import add_cover
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.limits import LimitSlack
from vppscada.scheduling.limits_tree import GroupRows, add_limits
from vppscada.scheduling.permits import add_permits
from vppscada.scheduling.plant_rows import PlantRows, add_balance
from vppscada.scheduling.products import Sale, add_products
from vppscada.scheduling.program import Index, Program
from vppscada.scheduling.renewable import Renewable, add_renewable
from vppscada.scheduling.start_costs import Starts, add_start_categories
from vppscada.scheduling.storage import Storage, add_one_way, add_storage, storage_data
from vppscada.scheduling.thermal import Thermal, thermal_data
from vppscada.scheduling.thermal_rows import add_thermal


@dataclass(frozen=True, slots=True, eq=False)
class Formulation:
    """The program and where everything stands in it."""

    horizon: Horizon
    program: Program
    thermal: Thermal
    starts: Starts
    renewable: Renewable
    storage: Storage
    one_way: NDArray[np.bool_]  # (storages, T) where charge and discharge exclude each other by a binary
    charging: Index  # those binaries
    rows: PlantRows
    sales: list[Sale]
    groups: GroupRows
    slacks: list[LimitSlack]


def formulate(request: ScheduleRequest, one_way: NDArray[np.bool_] | None = None) -> Formulation:
    """Lay out the program, without costs.

    ``one_way`` (storages that take part, T) names where a binary keeps charge and discharge apart; by default
    `loss_may_pay`.
    """
    horizon, program, slacks = Horizon(request), Program(), list[LimitSlack]()
    thermal = add_thermal(program, horizon, thermal_data(horizon), slacks)
    starts = add_start_categories(program, horizon, thermal)
    add_permits(program, horizon, thermal)
    renewable = add_renewable(program, horizon)
    storage = add_storage(program, horizon, storage_data(horizon), slacks)
    either = loss_may_pay(horizon, renewable, storage) if one_way is None else one_way
    charging = add_one_way(program, storage, either)
    rows = add_balance(program, horizon, thermal, renewable, storage, slacks)
    add_cover(program, horizon, thermal, renewable, storage, slacks)
    sales = add_products(program, horizon, thermal, storage, slacks)
    groups = add_limits(program, horizon, thermal, renewable, storage, sales, slacks)
    return Formulation(
        horizon, program, thermal, starts, renewable, storage, either, charging, rows, sales, groups, slacks
    )


def can_waste(storage: Storage) -> NDArray[np.bool_]:
    """Storages (g,) that could charge and discharge at once and lose energy by it."""
    data = storage.data
    lossy = data.charge_efficiency * data.discharge_efficiency < 1.0
    wasteful: NDArray[np.bool_] = lossy & (data.charge_most > 0) & (data.discharge_most > 0)
    return wasteful


def loss_may_pay(horizon: Horizon, renewable: Renewable, storage: Storage) -> NDArray[np.bool_]:
    """Where losing energy is likely to pay: import at a negative price, or curtailment that costs.

    It need not be complete: what a solution shows beyond it is mended after the solve.
    """
    request = horizon.request
    bought = (request.price_per_mwh < 0) & (request.import_limit_mw > 0)
    there = renewable.forecast.sum(axis=0) > request.requirement_mw + request.export_limit_mw
    costs = any(asset.curtailment_cost_per_mwh > 0 for asset in renewable.assets)
    steps = bought | (there & costs)
    pays: NDArray[np.bool_] = can_waste(storage)[:, None] & steps[None, :]
    return pays
