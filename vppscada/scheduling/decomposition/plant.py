"""What of the plant is not an asset with a will of its own: sun and wind, trade, and what may be left undone."""

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import column
from vppscada.model.schedule import Objective, ScheduleRequest
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.renewable import available, sure

Column = NDArray[np.float64]
Table = NDArray[np.float64]


class Open:
    """Sources and sinks at a price of their own, (k, T) MW at ``price`` per MWh; the sign is that of power given."""

    def __init__(self, horizon: Horizon) -> None:
        request = horizon.request
        self.hours = horizon.hours
        members, assets, there = available(horizon)
        self.members = members
        value = column(assets, "variable_cost_per_mwh") - column(assets, "curtailment_cost_per_mwh")
        self.sun_price = value  # cost of taking a MWh, less what it costs to leave it
        self.sun = firm = sure(horizon, members, there)
        self.doubtful = there - firm  # each MW of it that is taken needs one of reserve
        self.left_cost = horizon.hours * float((column(assets, "curtailment_cost_per_mwh")[:, None] * there).sum())
        self.curtailment = column(assets, "curtailment_cost_per_mwh")
        self.kinds = np.unique(value.round(6))
        self.kind_of = np.searchsorted(self.kinds, value.round(6))
        self.sun_by_kind, self.doubtful_by_kind = self._by_kind(firm), self._by_kind(self.doubtful)
        self.price = request.price_per_mwh
        self.bought = np.maximum(request.import_limit_mw, 0.0)
        self.sold = np.maximum(request.export_limit_mw, 0.0)
        self.unserved_price = request.value_of_lost_load_per_mwh
        self.dump_price = np.maximum(request.dump_penalty_per_mwh, 1.0 - request.price_per_mwh)
        self.short_price = request.reserve_penalty_per_mwh
        self.owed = request.requirement_mw
        self.reserve = np.maximum(request.reserve_mw, 0.0)

    def _by_kind(self, power: Table) -> Table:
        summed = np.zeros((len(self.kinds), power.shape[1]))
        np.add.at(summed, self.kind_of, power)
        return summed

    def clipped(self, energy: Column, reserve: Column) -> tuple[Column, Column]:
        """Prices outside of which something could be left undone without end are brought back."""
        return np.clip(energy, -self.dump_price, self.unserved_price), np.clip(reserve, 0.0, self.short_price)

    def least(self, energy: Column, reserve: Column) -> float:
        """Least of its part of the Lagrangian at (clipped) prices per MWh."""
        sun = np.minimum(self.kinds[:, None] - energy[None, :], 0.0) * self.sun_by_kind
        doubtful = np.minimum(self.kinds[:, None] - (energy - reserve)[None, :], 0.0) * self.doubtful_by_kind
        trade = np.minimum(self.price - energy, 0.0) * self.bought + np.minimum(energy - self.price, 0.0) * self.sold
        owed = energy @ self.owed + reserve @ self.reserve
        return self.left_cost + self.hours * float(sun.sum() + doubtful.sum() + trade.sum() + owed)


#: Fleets of so many assets are planned by prices; the whole program does better with fewer.
LARGE_FROM = 150


def suits(request: ScheduleRequest) -> bool:
    """True of a large fleet where cost leads and nothing but balance, trade and reserve ties the assets together."""
    large = len(request.assets) >= LARGE_FROM and request.objective is Objective.COST
    return large and not request.products and not request.n_minus_1 and not len(request.limits)
