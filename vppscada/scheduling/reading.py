"""From a solution's values to a schedule. Stored energy and money are worked out anew from the flows."""

import numpy as np
from numpy.typing import NDArray

from vppscada.model.schedule import Held, Schedule, SolveStatus
from vppscada.scheduling.books import planned_cost, planned_revenue
from vppscada.scheduling.formulation import Formulation
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.limits import used
from vppscada.scheduling.products import quick_mw
from vppscada.scheduling.storage import idle_path

Column = NDArray[np.float64]
Table = NDArray[np.float64]

#: Below this a power is a solver's rounding, MW.
_NOTHING_MW = 1e-7


def schedule_of(
    plan: Formulation,
    values: Column,
    status: SolveStatus,
    objective: float,
    bound: float,
    marginal_price: Column,
    solve_s: float,
) -> Schedule:
    """Lay the values out by asset and step."""
    request = plan.horizon.request
    shape = (len(request.assets), request.steps)
    power, reserve, on = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    on[plan.horizon.taking_part] = True
    thermal, storage = plan.thermal, plan.storage
    committed = values[thermal.on] > 0.5
    on[thermal.data.members] = committed
    power[thermal.data.members] = np.where(
        committed, thermal.data.minimum[:, None] + np.maximum(values[thermal.above], 0.0), 0.0
    )
    power[plan.renewable.members] = values[plan.renewable.power]
    power[storage.data.members] = values[storage.discharge] - values[storage.charge]
    reserve[thermal.data.members] = values[thermal.reserve]
    reserve[storage.data.members] = values[storage.reserve]
    power, reserve = _clean(power), np.maximum(_clean(reserve), 0.0)
    imported, exported = _netted(values[plan.rows.imported], values[plan.rows.exported])
    unserved, dump = _positive(values[plan.rows.unserved]), _positive(values[plan.rows.dump])
    held = _held(plan, values)
    return Schedule(
        start_ms=request.start_ms,
        step_s=request.step_s,
        status=status,
        power_mw=power,
        on=on,
        stored_mwh=stored_energy(plan.horizon, power),
        reserve_mw=reserve,
        unserved_mw=unserved,
        dump_mw=dump,
        import_mw=imported,
        export_mw=exported,
        cost=planned_cost(request, power, on),
        revenue=planned_revenue(request, unserved, dump, imported, exported, held),
        objective_value=objective,
        bound=bound,
        marginal_price_per_mwh=marginal_price,
        slacks=used(plan.slacks, values),
        solve_s=solve_s,
        held=held,
    )


def _held(plan: Formulation, values: Column) -> tuple[Held, ...]:
    """By product, of units on and off and of storage."""
    found = []
    for sale in plan.sales:
        held = np.zeros((len(plan.horizon.request.assets), plan.horizon.steps))
        held[plan.thermal.data.members] = values[sale.running]
        quick = quick_mw(plan.thermal.data, sale.product) > 0.0
        held[plan.thermal.data.members[quick]] += values[sale.resting]
        held[plan.storage.data.members] = values[sale.stored]
        found.append(Held(sale.product.name, _positive(held), _positive(values[sale.sold])))
    return tuple(found)


def stored_energy(horizon: Horizon, power_mw: Table) -> Table:
    """MWh at the end of each step (n, T) that net powers lead to; 0 for what is not storage.

    A storage that takes no part is taken to stand idle; where its energy is not known it counts as 0.
    """
    request = horizon.request
    stored = np.zeros(power_mw.shape)
    for i, asset in enumerate(request.assets):
        if asset.capacity_mwh <= 0.0:
            continue
        before = float(max(np.nan_to_num(request.initial.stored_mwh[i]), 0.0))
        keeps = max(1.0 - asset.self_discharge_per_h * horizon.hours, 0.0)
        standby = asset.standby_loss_mw * horizon.hours
        if not horizon.taking_part[i]:
            stored[i] = idle_path(np.array([before]), np.array([keeps]), np.array([standby]), horizon.steps)[0]
            continue
        into = horizon.hours * asset.charge_efficiency * np.maximum(-power_mw[i], 0.0)
        out = horizon.hours / asset.discharge_efficiency * np.maximum(power_mw[i], 0.0)
        for t in range(horizon.steps):
            before = max(keeps * before - standby + into[t] - out[t], 0.0)
            stored[i, t] = before
    return stored


def _clean(values: Table) -> Table:
    return np.where(np.abs(values) < _NOTHING_MW, 0.0, values)


def _positive(values: Table) -> Table:
    return np.maximum(_clean(values), 0.0)


def _netted(bought: Column, sold: Column) -> tuple[Column, Column]:
    """Bought and sold at one price in one step is neither."""
    return _positive(bought - sold), _positive(sold - bought)
