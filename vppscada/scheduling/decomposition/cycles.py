"""Stores kept to their cycles: what is taken out has a price, as high as brings each down to what it may give.

Any price ≥ 0 proves a bound of the profit; the plan is a mixture of two, one a little over the limit and one below it.
"""

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.decomposition.stores import Flow, Stores

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Index = NDArray[np.int64]

_HALVINGS = 10
_DAY_H = 24.0


class CycledStores:
    """All storages of a request, as price takers that keep to their cycles."""

    def __init__(self, stores: Stores) -> None:
        self.all = stores
        steps = np.arange(stores.steps)
        self._block = np.floor(steps * stores.hours / _DAY_H + 1e-9).astype(np.int64)
        self._limit = np.array([asset.cycles_per_day * asset.capacity_mwh for asset in stores.data.assets])

    def answer(self, energy: Column, reserve: Column) -> tuple[Column, Flow]:
        """Bound of the profit (g,) at prices per MWh and per MW of reserve and hour (T,), and a plan near it."""
        profit, flow = self.all.answer(energy, reserve)
        over = np.flatnonzero(self._excess(self.all, flow, self._limit) > 0.0)
        if not len(over):
            return profit, flow
        stores, limit = self.all.only(over), self._limit[over]
        low = Flow(flow.cost[over], flow.power[over], flow.reserve[over])
        bound, plan = self._priced(stores, limit, low, profit[over], energy, reserve)
        profit, cost, power, held = profit.copy(), flow.cost.copy(), flow.power.copy(), flow.reserve.copy()
        profit[over], cost[over], power[over], held[over] = bound, plan.cost, plan.power, plan.reserve
        return profit, Flow(cost, power, held)

    def _priced(
        self, stores: Stores, limit: Column, low: Flow, bound: Column, energy: Column, reserve: Column
    ) -> tuple[Column, Flow]:
        """By halving the price between nothing and one at which nothing is taken out."""
        blocks = int(self._block[-1]) + 1
        highest = 2.0 * float(np.abs(energy).max() + reserve.max(initial=0.0))
        least, most = np.zeros(len(limit)), highest / stores.data.charge_efficiency + stores.final_price + 1.0
        high: Flow | None = None
        for k in range(_HALVINGS + 1):
            price = most if k == 0 else (least + most) / 2.0
            profit, flow = stores.answer(energy, reserve, price)
            bound = np.minimum(bound, profit + price * blocks * limit)
            keeps = self._excess(stores, flow, limit) <= 0.0
            high = flow if high is None else _either(keeps, flow, high)
            low = _either(~keeps, flow, low)
            least, most = np.where(keeps, least, price), np.where(keeps, price, most)
        assert high is not None
        over, under = self._taken(stores, low), self._taken(stores, high)
        room = np.maximum(limit[:, None] - under, 0.0)
        share = np.where(over > under, room / np.maximum(over - under, 1e-12), 1.0).min(axis=1).clip(0.0, 1.0)
        return bound, Flow(
            share * low.cost + (1.0 - share) * high.cost,
            share[:, None] * low.power + (1.0 - share[:, None]) * high.power,
            share[:, None] * low.reserve + (1.0 - share[:, None]) * high.reserve,
        )

    def _taken(self, stores: Stores, flow: Flow) -> Table:
        """MWh out of each store in each day (g, days)."""
        out = np.maximum(flow.power, 0.0) * stores.hours / stores.data.discharge_efficiency[:, None]
        begins = np.flatnonzero(np.diff(self._block, prepend=-1))
        taken: Table = np.add.reduceat(out, begins, axis=1)
        return taken

    def _excess(self, stores: Stores, flow: Flow, limit: Column) -> Column:
        excess: Column = self._taken(stores, flow).max(axis=1) - limit
        return excess


def _either(mine: NDArray[np.bool_], one: Flow, other: Flow) -> Flow:
    return Flow(
        np.where(mine, one.cost, other.cost),
        np.where(mine[:, None], one.power, other.power),
        np.where(mine[:, None], one.reserve, other.reserve),
    )
