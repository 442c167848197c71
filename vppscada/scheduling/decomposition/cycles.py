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
        self._block = _days(stores)
        self._limit = np.array([asset.cycles_per_day * asset.capacity_mwh for asset in stores.data.assets])

    def answer(self, energy: Column, reserve: Column) -> tuple[Column, Flow]:
        """Bound of the profit (g,) at prices per MWh and per MW of reserve and hour (T,), and a plan near it."""
        profit, flow = self.all.answer(energy, reserve)
        over = np.flatnonzero(self._excess(self.all, flow, self._limit) > 0.0)
        if not len(over):
            return profit, flow
        bound, plan, _ = self._priced(over, flow, profit[over], energy, reserve)
        profit, cost, power, held = profit.copy(), flow.cost.copy(), flow.power.copy(), flow.reserve.copy()
        profit[over], cost[over], power[over], held[over] = bound, plan.cost, plan.power, plan.reserve
        return profit, Flow(cost, power, held)

    def throughput(self, energy: Column, reserve: Column) -> Column:
        """Price (g,) per MWh taken out that keeps each store to its cycles at these prices; 0 where none is needed."""
        price = np.zeros(len(self._limit))
        if not np.isfinite(self._limit).any():
            return price
        profit, flow = self.all.answer(energy, reserve)
        over = np.flatnonzero(self._excess(self.all, flow, self._limit) > 0.0)
        if len(over):
            _, _, price[over] = self._priced(over, flow, profit[over], energy, reserve)
        return price

    def _priced(
        self, places: Index, flow: Flow, bound: Column, energy: Column, reserve: Column
    ) -> tuple[Column, Flow, Column]:
        """By halving the price between nothing and one at which nothing is taken out: bound, plan and that price."""
        stores, limit = self.all.only(places), self._limit[places]
        low = Flow(flow.cost[places], flow.power[places], flow.reserve[places])
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
        plan = Flow(
            share * low.cost + (1.0 - share) * high.cost,
            share[:, None] * low.power + (1.0 - share[:, None]) * high.power,
            share[:, None] * low.reserve + (1.0 - share[:, None]) * high.reserve,
        )
        return bound, plan, (least + most) / 2.0

    def _taken(self, stores: Stores, flow: Flow) -> Table:
        """MWh out of each store in each day (g, days)."""
        return taken_by_day(stores, flow.power)[:, np.flatnonzero(np.diff(self._block, prepend=-1))]

    def _excess(self, stores: Stores, flow: Flow, limit: Column) -> Column:
        excess: Column = self._taken(stores, flow).max(axis=1) - limit
        return excess


def taken_by_day(stores: Stores, power: Table) -> Table:
    """MWh (g, T) that net powers (g, T) take out of each store in the 24 hours of the plan that a step is in."""
    out = np.maximum(power, 0.0) * stores.hours / stores.data.discharge_efficiency[:, None]
    day = _days(stores)
    begins = np.flatnonzero(np.diff(day, prepend=-1))
    taken: Table = np.add.reduceat(out, begins, axis=1)[:, day]
    return taken


def _days(stores: Stores) -> Index:
    day: Index = np.floor(np.arange(stores.steps) * stores.hours / _DAY_H + 1e-9).astype(np.int64)
    return day


def _either(mine: NDArray[np.bool_], one: Flow, other: Flow) -> Flow:
    return Flow(
        np.where(mine, one.cost, other.cost),
        np.where(mine[:, None], one.power, other.power),
        np.where(mine[:, None], one.reserve, other.reserve),
    )
