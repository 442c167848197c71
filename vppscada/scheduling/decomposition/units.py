"""Engines, microturbines, fuel cells and emergency generators as price takers, all at once.

Ramps, the lower limits in the first and last step of a run and run-hour budgets are left out here: that relaxes the
problem, so that what is found bounds the true one from below. `rounding` puts them back.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import column
from vppscada.scheduling.decomposition.runs import Runs
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.permits import is_forbidden
from vppscada.scheduling.thermal import ThermalData

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What units do at given prices: their own cost (g,) with what ramps and budgets would add left out."""

    cost: Column
    base: Column  # of the cost: starts, hours, and fuel at the minimum
    on: Flags  # (g, T)
    power: Table  # (g, T) MW
    reserve: Table


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Where price takers may stand above their minimum (C, T, g): MW, cost per hour, reserve that is left."""

    above: Table
    cost: Table
    reserve: Table


class Units:
    """The g thermal assets of a request."""

    def __init__(self, horizon: Horizon, data: ThermalData) -> None:
        self.data = data
        self.hours = horizon.hours
        forbidden = np.array([is_forbidden(horizon, int(place)) for place in data.members], dtype=np.bool_)
        self._runs = Runs(horizon, data, forbidden)
        assets = data.assets
        fuel, wear = column(assets, "fuel_price_per_mwh"), column(assets, "variable_cost_per_mwh")
        self.slope = fuel[:, None] * data.segment_fuel + wear[:, None]  # (g, K) per MWh above the minimum
        self.fixed = (
            fuel * data.fuel_at_minimum + wear * data.minimum + column(assets, "running_cost_per_h")
        )  # per hour on
        rating = np.maximum(column(assets, "rating_mw"), 1e-9)
        above = (self.slope * data.segment_width).sum(axis=1)
        self.full_load_cost = (self.fixed + above) / rating  # per MWh at the rating
        self._points = self.points(data.highest)

    def points(self, highest: Table) -> Points:
        """The ends of the segments below ``highest`` (g, T), and where what is held upwards begins to be less."""
        data = self.data
        room = np.maximum(highest - data.minimum[:, None], 0.0).T  # (T, g)
        ends = np.cumsum(data.segment_width, axis=1)
        first = np.zeros_like(room)
        knees = [first, room, np.maximum(room - data.reserve_most, 0.0)]
        knees += [np.minimum(ends[:, k], room) for k in range(ends.shape[1])]
        above = np.stack(knees)
        begins = ends - data.segment_width
        cost = sum(
            np.clip(above - begins[:, k], 0.0, data.segment_width[:, k]) * self.slope[:, k]
            for k in range(ends.shape[1])
        )
        return Points(above, np.asarray(cost), np.minimum(room - above, data.reserve_most))

    def while_on(self, energy: Column, reserve: Column, points: Points) -> tuple[Table, Table, Table, Table]:
        """What each step on brings (T, g), starts left out; MW above the minimum, its cost and the reserve (g, T)."""
        worth = energy[None, :, None] * points.above - points.cost + reserve[None, :, None] * points.reserve
        chosen = np.argmax(worth, axis=0)[None]
        best = np.take_along_axis(worth, chosen, axis=0)[0]
        gain = self.hours * (best + energy[:, None] * self.data.minimum - self.fixed)
        above = np.take_along_axis(points.above, chosen, axis=0)[0].T
        held = np.take_along_axis(points.reserve, chosen, axis=0)[0].T
        return gain, above, self.hours * np.take_along_axis(points.cost, chosen, axis=0)[0].T, held

    def answer(self, energy: Column, reserve: Column) -> tuple[Column, Answer]:
        """Greatest profit (g,) at prices per MWh and per MW of reserve and hour (T,), and how it is made."""
        gain, above, spent, held = self.while_on(energy, reserve, self._points)
        profit, on = self._runs.best(gain)
        return profit, self.answered(profit, on, above, spent, held, energy, reserve)

    def answered(
        self, profit: Column, on: Flags, above: Table, spent: Table, held: Table, energy: Column, reserve: Column
    ) -> Answer:
        """An answer by what each unit does while it is on."""
        power, held = np.where(on, self.data.minimum[:, None] + above, 0.0), np.where(on, held, 0.0)
        cost = self.hours * (power @ energy + held @ reserve) - profit
        return Answer(cost, cost - np.where(on, spent, 0.0).sum(axis=1), on, power, held)
