"""What a plan is judged by: one function per term, and which terms each objective puts together.

An objective is a sequence of tiers, solved one after another, each holding the ones before within a band.
The cost objective is one tier: lost load costs far more than a missing reserve, and that far more than energy.
"""

from collections.abc import Callable, Mapping

import numpy as np

from vppscada.model.assets import column
from vppscada.model.errors import VppscadaError
from vppscada.model.schedule import Objective
from vppscada.scheduling.formulation import Formulation

Term = Callable[[Formulation], None]
Tier = tuple[Term, ...]


class ObjectiveNotAvailable(VppscadaError):
    """The optimiser has no such objective (yet)."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        available = ", ".join(sorted(TIERS))
        super().__init__(f"no objective {str(objective)!r} in this version; available: {available}")


def fuel(plan: Formulation) -> None:
    """Fuel along the curve."""
    data, hours = plan.thermal.data, plan.horizon.hours
    price = column(data.assets, "fuel_price_per_mwh") * hours
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


def curtailment(plan: Formulation) -> None:
    """Sun and wind that is there and not taken."""
    price = column(plan.renewable.assets, "curtailment_cost_per_mwh")[:, None] * plan.horizon.hours
    plan.program.price(plan.renewable.power, -price)
    plan.program.offset += float((price * plan.renewable.forecast).sum())


def trade(plan: Formulation) -> None:
    """Energy bought and sold beside the requirement, at the price."""
    price = plan.horizon.request.price_per_mwh * plan.horizon.hours
    plan.program.price(plan.rows.imported, price)
    plan.program.price(plan.rows.exported, -price)


def limits_that_give(plan: Formulation) -> None:
    """Lost load, missing reserve, surplus, and every limit that reality can break."""
    for slack in plan.slacks:
        plan.program.price(slack.columns, slack.price)


TIERS: Mapping[Objective, tuple[Tier, ...]] = {
    Objective.COST: ((limits_that_give, fuel, running_hours, starts, maintenance_by_energy, curtailment, trade),),
}


def require_available(objective: Objective) -> None:
    """Check before work is put into a plan.

    Raises:
        ObjectiveNotAvailable: this version cannot plan for it.
    """
    if objective not in TIERS:
        raise ObjectiveNotAvailable(objective)


def price_tier(plan: Formulation, tier: Tier) -> None:
    """Put the terms of a tier onto the columns."""
    for term in tier:
        term(plan)
