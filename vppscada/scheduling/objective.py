"""What a plan is judged by: one function per term, and which terms each objective puts together.

An objective is a sequence of tiers, solved one after another, each holding the ones before within a band. The first is
what leads. Limits that give stand in it whatever leads: lost load costs far more than a missing reserve, and that far
more than energy, money or heat.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import column
from vppscada.model.schedule import Objective
from vppscada.scheduling.formulation import Formulation

Term = Callable[[Formulation], None]
Tier = tuple[Term, ...]


def fuel(plan: Formulation) -> None:
    """Fuel along the curve."""
    _burn(plan, column(plan.thermal.data.assets, "fuel_price_per_mwh"))


def heat(plan: Formulation) -> None:
    """MWh of fuel, whatever it costs."""
    _burn(plan, np.ones(len(plan.thermal.data)))


def _burn(plan: Formulation, price_per_mwh: NDArray[np.float64]) -> None:
    data, price = plan.thermal.data, price_per_mwh * plan.horizon.hours
    plan.program.price(plan.thermal.on, (price * data.fuel_at_minimum)[:, None])
    bent = plan.thermal.bent
    plan.program.price(plan.thermal.segments, (price[:, None] * data.segment_fuel)[bent][:, None, :])
    straight = np.setdiff1d(np.arange(len(data)), bent)
    used = np.argmax(data.segment_width[straight] > 0, axis=1)
    plan.program.price(plan.thermal.above[straight], (price[straight] * data.segment_fuel[straight, used])[:, None])


def running_hours(plan: Formulation) -> None:
    """Maintenance by the hour."""
    cost = column(plan.thermal.data.assets, "running_cost_per_h") * plan.horizon.hours
    plan.program.price(plan.thermal.on, cost[:, None])


def starts(plan: Formulation) -> None:
    """Hot, warm and cold starts."""
    plan.program.price(plan.thermal.start, plan.starts.coldest[:, None])
    plan.program.price(plan.starts.warmer, -plan.starts.saving)


def maintenance_by_energy(plan: Formulation) -> None:
    """Variable cost of every family; storage wears by what it gives."""
    hours = plan.horizon.hours
    thermal = column(plan.thermal.data.assets, "variable_cost_per_mwh") * hours
    plan.program.price(plan.thermal.on, (thermal * plan.thermal.data.minimum)[:, None])
    plan.program.price(plan.thermal.above, thermal[:, None])
    renewable = column(plan.renewable.assets, "variable_cost_per_mwh") * hours
    plan.program.price(plan.renewable.power, renewable[:, None])
    storage = column(plan.storage.data.assets, "variable_cost_per_mwh") * hours
    plan.program.price(plan.storage.discharge, storage[:, None])


def storage_losses(plan: Formulation) -> None:
    """MWh that are lost between charge and discharge; what is lost by waiting is lost in any plan."""
    data, hours = plan.storage.data, plan.horizon.hours
    plan.program.price(plan.storage.charge, ((1.0 - data.charge_efficiency) * hours)[:, None])
    plan.program.price(plan.storage.discharge, ((1.0 / data.discharge_efficiency - 1.0) * hours)[:, None])


def curtailment(plan: Formulation) -> None:
    """Sun and wind that is there and not taken."""
    price = column(plan.renewable.assets, "curtailment_cost_per_mwh")[:, None] * plan.horizon.hours
    plan.program.price(plan.renewable.power, -price)
    plan.program.offset += float((price * plan.renewable.forecast).sum())


def trade(plan: Formulation) -> None:
    """Energy bought and sold beside the requirement, and products sold beyond theirs, at their prices."""
    for sale in plan.sales:
        plan.program.price(sale.sold, -sale.product.price_per_mw_h * plan.horizon.hours)
    price = plan.horizon.request.price_per_mwh * plan.horizon.hours
    plan.program.price(plan.rows.imported, price)
    plan.program.price(plan.rows.exported, -price)


def limits_that_give(plan: Formulation) -> None:
    """Lost load, missing reserve, surplus, and every limit that reality can break."""
    for slack in plan.slacks:
        plan.program.price(slack.columns, slack.price)


_MONEY: Tier = (fuel, running_hours, starts, maintenance_by_energy, curtailment, trade)

TIERS: Mapping[Objective, tuple[Tier, ...]] = {
    Objective.COST: ((limits_that_give, *_MONEY),),
    Objective.REVENUE: ((limits_that_give, trade), (limits_that_give, *_MONEY)),
    Objective.RELIABILITY: ((limits_that_give,), (limits_that_give, *_MONEY)),
    Objective.EFFICIENCY: ((limits_that_give, heat, storage_losses), (limits_that_give, *_MONEY)),
}


def price_tier(plan: Formulation, tier: Tier) -> None:
    """Put the terms of a tier onto the columns."""
    for term in tier:
        term(plan)
