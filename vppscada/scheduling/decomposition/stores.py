"""Storage as price takers, all at once: an exact dynamic programme over stored energy, without a grid.

What energy left in a store is worth is a concave, piecewise-linear function of it: slopes that fall, each over some
MWh. A step back in time merges the slopes of charging and discharging in that step into it, cuts what the limits do not
allow, and stretches it by the self-discharge. Where to charge and to discharge at once would pay (prices below zero),
the two slopes are taken as one, their mean: that is the concave hull, and so a bound. Left out here are the energy that
reserve must sustain and the cycles per day; `feasible_reserve` and `cycles` put them back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import column
from vppscada.scheduling.horizon import RESERVE_SUSTAIN_H, Horizon
from vppscada.scheduling.storage import StorageData

Column = NDArray[np.float64]
Table = NDArray[np.float64]

#: Shorter pieces of the function are rounding, MWh.
_SHORT = 1e-12
#: Share of a store within which what it holds is at the end of a piece.
_NEAR = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """What stores do: their own cost (g,), net power, and the reserve that their energy sustains, (g, T) MW."""

    cost: Column
    power: Table
    reserve: Table


@dataclass(frozen=True, slots=True, eq=False)
class _Slopes:
    """Slopes (g, K) per MWh, falling, and the MWh of each; the function's value at its left end (g,)."""

    slope: Table
    width: Table
    left: Column


@dataclass(frozen=True, slots=True, eq=False)
class _Terms:
    """Per MWh in the store (g, T): what putting it in costs, and what taking it out brings; a whole step of charge."""

    pays_in: Table
    gives: Table
    whole_charge: Table


class Stores:
    """The g storages of a request."""

    def __init__(self, horizon: Horizon, data: StorageData) -> None:
        self.data, self.steps, self.hours = data, horizon.steps, horizon.hours
        assets = data.assets
        self.wear = column(assets, "variable_cost_per_mwh")
        self._rating = column(assets, "rating_mw")
        self._holds = data.reserve_most > 0.0
        self._into = data.charge_most * data.charge_efficiency * self.hours  # most MWh stored in a step
        self._out = data.discharge_most / data.discharge_efficiency * self.hours
        final = np.array([(a.soc_final_minimum or 0.0) * a.capacity_mwh for a in assets])
        self._final_within = np.clip(final, data.least, data.most)
        self.final_price = horizon.request.reserve_penalty_per_mwh
        self.final = final
        self._horizon = horizon

    def only(self, places: NDArray[np.int64]) -> "Stores":
        """Some of them."""
        columns = {field.name: getattr(self.data, field.name) for field in fields(self.data) if field.name != "assets"}
        chosen = {name: values[places] for name, values in columns.items()}
        return Stores(self._horizon, StorageData(assets=[self.data.assets[i] for i in places], **chosen))

    def answer(self, energy: Column, reserve: Column, throughput: Column | float = 0.0) -> tuple[Column, Flow]:
        """Bound of the profit (g,) at prices per MWh and per MW of reserve and hour (T,), and a plan near it.

        ``throughput`` (g,) is a price per MWh taken out of the store, on top of its wear; it is in the profit and not
        in the plan's own cost.
        """
        # Reserve fills what power leaves of the rating: each MW discharged costs one of reserve.
        own = energy[None, :] - np.where(self._holds, reserve[None, :], 0.0)
        terms = self._terms(own, throughput)
        worth = list(self._backwards(terms))[::-1]
        profit = self._value(worth[0], self.data.before) + self.hours * (
            np.where(self._holds, reserve[None, :], 0.0).sum(axis=1) * self._rating
        )
        return profit, self._forwards(worth, terms)

    def worth_along(self, own: Table, throughput: Column, stored: Table) -> tuple[Table, Table]:
        """What a MWh less and a MWh more would be worth per MWh, at the start of each step (g, T).

        ``own`` (g, T) are prices per MWh of power in or out, ``stored`` (g, T) is what the store holds then. Where
        nothing can be taken out, or put in, both are the same.
        """
        terms = self._terms(own, throughput)
        less, more = np.zeros_like(own), np.zeros_like(own)
        backwards = self._backwards(terms)
        next(backwards)
        for t, worth in zip(range(self.steps - 1, -1, -1), backwards, strict=True):
            less[:, t], more[:, t] = _beside(worth, stored[:, t] - self.data.least)
        return less, more

    def _terms(self, own: Table, throughput: Column | float) -> _Terms:
        pays_in = own / self.data.charge_efficiency[:, None]
        taken = np.broadcast_to(throughput, self.wear.shape)
        gives = (own - self.wear[:, None]) * self.data.discharge_efficiency[:, None] - taken[:, None]
        both = pays_in < gives
        whole = np.maximum(self._into + self._out, 1e-12)[:, None]
        mean = (pays_in * self._into[:, None] + gives * self._out[:, None]) / whole
        whole_charge = pays_in * self._into[:, None]
        return _Terms(np.where(both, mean, pays_in), np.where(both, mean, gives), whole_charge)

    def _backwards(self, terms: _Terms) -> Iterator[_Slopes]:
        """The worth of stored energy at the end, and at the start of each step from the last to the first."""
        data, count = self.data, len(self.data)
        short = self._final_within - data.least
        later = _Slopes(
            np.stack([np.full(count, self.final_price), np.zeros(count)], axis=1),
            np.stack([short, data.most - self._final_within], axis=1),
            -self.final_price * np.maximum(self.final - data.least, 0.0),
        )
        yield later
        for t in range(self.steps - 1, -1, -1):
            later = self._earlier(later, terms.pays_in[:, t], terms.gives[:, t], terms.whole_charge[:, t])
            yield later

    def _earlier(self, later: _Slopes, pays_in: Column, gives: Column, whole_charge: Column) -> _Slopes:
        data = self.data
        slope = np.concatenate([later.slope, pays_in[:, None], gives[:, None]], axis=1)
        width = np.concatenate([later.width, self._into[:, None], self._out[:, None]], axis=1)
        order = np.argsort(-slope, axis=1, kind="stable")
        slope, width = np.take_along_axis(slope, order, axis=1), np.take_along_axis(width, order, axis=1)
        # The merged function begins where the store is so empty that a whole step of charging only just helps.
        begins = data.least - self._into
        left = later.left - whole_charge
        start = data.keeps * data.least - data.standby
        cut = np.maximum(start - begins, 0.0)
        ends = np.cumsum(width, axis=1)
        begin = ends - width
        skipped = np.clip(cut[:, None] - begin, 0.0, width)
        left = left + (skipped * slope).sum(axis=1)
        last = cut + data.keeps * (data.most - data.least)
        width = np.clip(np.minimum(ends, last[:, None]) - np.maximum(begin, cut[:, None]), 0.0, None)
        keeps = np.maximum(data.keeps, 1e-9)[:, None]
        return _trimmed(_Slopes(slope * keeps, width / keeps, left))

    def _value(self, worth: _Slopes, stored: Column) -> Column:
        ends = np.cumsum(worth.width, axis=1)
        used = np.clip(stored[:, None] - self.data.least[:, None] - (ends - worth.width), 0.0, worth.width)
        value: Column = worth.left + (used * worth.slope).sum(axis=1)
        return value

    def _forwards(self, worth: list[_Slopes], terms: _Terms) -> Flow:
        """Follow the worth of the energy from what is stored now."""
        pays_in, gives = terms.pays_in, terms.gives
        data, shape = self.data, (len(self.data), self.steps)
        power, stored, reserve = np.zeros(shape), data.before.copy(), np.zeros(shape)
        cost = np.zeros(shape[0])
        for t in range(self.steps):
            later = worth[t + 1]
            kept = data.keeps * stored - data.standby
            charge_to = data.least + (later.width * (later.slope > pays_in[:, t, None])).sum(axis=1)
            discharge_to = data.least + (later.width * (later.slope > gives[:, t, None])).sum(axis=1)
            discharge_to = np.maximum(discharge_to, charge_to)
            moved = np.where(kept < charge_to, charge_to - kept, np.minimum(discharge_to - kept, 0.0))
            moved = np.clip(moved, -self._out, self._into)
            moved = np.clip(moved, data.least - kept, data.most - kept)
            moved = np.clip(moved, -self._out, self._into)
            into, out = np.maximum(moved, 0.0), np.maximum(-moved, 0.0)
            given = out * data.discharge_efficiency / self.hours
            power[:, t] = given - into / data.charge_efficiency / self.hours
            cost += self.hours * self.wear * given
            after = kept + moved
            reserve[:, t] = self.feasible_reserve(stored, after, power[:, t], t)
            stored = after
        cost += self.final_price * np.maximum(self.final - stored, 0.0)
        return Flow(cost, power, reserve)

    def feasible_reserve(self, before: Column, after: Column, power: Column, step: int) -> Column:
        """MW (g,) within the power that is free and the energy that must sustain it at both ends of a step."""
        sustained = np.maximum(np.minimum(before, after) - self.data.least, 0.0)
        most = sustained * self.data.discharge_efficiency / RESERVE_SUSTAIN_H
        found: Column = np.clip(np.minimum(self._rating - power, most), 0.0, self.data.reserve_most[:, step])
        return found


def _beside(worth: _Slopes, place: Column) -> tuple[Column, Column]:
    """Slopes (g,) to the left and to the right of a place, MWh from the left end."""
    ends = np.cumsum(worth.width, axis=1)
    last = np.maximum((worth.width > _SHORT).sum(axis=1) - 1, 0)
    near = _NEAR * np.maximum(ends[:, -1], 1.0)
    left = np.minimum((ends < (place - near)[:, None]).sum(axis=1), last)
    right = np.minimum((ends <= (place + near)[:, None]).sum(axis=1), last)
    empty = place <= near
    slopes = [np.take_along_axis(worth.slope, one[:, None], axis=1)[:, 0] for one in (left, right)]
    return np.where(empty, slopes[1], slopes[0]), slopes[1]


def _trimmed(found: _Slopes) -> _Slopes:
    """Without the pieces that no store has any more."""
    empty = found.width <= _SHORT
    order = np.argsort(empty, axis=1, kind="stable")
    most = max(int((~empty).sum(axis=1).max(initial=0)), 1)
    slope = np.take_along_axis(found.slope, order, axis=1)[:, :most]
    width = np.take_along_axis(np.where(empty, 0.0, found.width), order, axis=1)[:, :most]
    return _Slopes(slope, width, found.left)
