"""The plant's books: what running costs now, and the totals of energy, money and starts. Pure."""

import json
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetFamily, Fleet, column
from vppscada.model.fuel_curves import FuelCurves

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: What is not known to have run has been off for long: its next start is a cold one.
_LONG_OFF_H = 7 * 24.0
_SUMS = ("energy_mwh", "cost", "revenue", "unserved_mwh", "curtailed_mwh")


@dataclass(frozen=True, slots=True, eq=False)
class CostParts:
    """What running costs per hour, in columns of length n; the fuel in MW."""

    fuel_mw: Column
    fuel: Column
    running: Column
    variable: Column


class FleetCosts:
    """The cost of each asset at what it does, in columns of the fleet's order (length n). Precomputed once."""

    def __init__(self, fleet: Fleet) -> None:
        assets = fleet.assets
        self.thermal: Flags = np.array([asset.kind.family is AssetFamily.THERMAL for asset in assets], dtype=np.bool_)
        self.renewable: Flags = np.array(
            [asset.kind.family is AssetFamily.RENEWABLE for asset in assets], dtype=np.bool_
        )
        self._curves = FuelCurves(assets)
        self._fuel_price = np.where(self.thermal, column(assets, "fuel_price_per_mwh"), 0.0)
        self._running = np.where(self.thermal, column(assets, "running_cost_per_h"), 0.0)
        self._variable = column(assets, "variable_cost_per_mwh")
        steps = max([len(asset.start_costs) for asset in assets] + [1])
        self._start_from_h = np.full((len(assets), steps), np.inf)
        self._start_cost = np.zeros((len(assets), steps))
        for i, asset in enumerate(assets):
            for k, (hours, cost) in enumerate(sorted(asset.start_costs)):
                self._start_from_h[i, k], self._start_cost[i, k] = hours, cost

    def __len__(self) -> int:
        return len(self._variable)

    def running_cost_per_h(self, power_mw: Column, on: Flags) -> Column:
        """Fuel, running hours, maintenance by energy and storage wear, per hour.

        Only injected energy wears. A thermal asset that is off costs nothing; ``on`` is ignored for others.
        """
        parts = self.parts_per_h(power_mw, on)
        return parts.fuel + parts.running + parts.variable

    def parts_per_h(self, power_mw: Column, on: Flags) -> "CostParts":
        """The same, part by part, and the fuel itself."""
        injected = np.maximum(np.nan_to_num(power_mw), 0.0)
        burning = self.thermal & on
        fuel_mw = np.where(burning, self._curves.fuel_at(injected), 0.0)
        running = np.where(burning, self._running, 0.0)
        return CostParts(fuel_mw, self._fuel_price * fuel_mw, running, self._variable * injected)

    def marginal_cost_per_mwh(self, power_mw: Column, on: Flags) -> Column:
        """Cost of the next MWh more: slope of the fuel curve × fuel price + cost by energy.

        That of a thermal asset which is off is the cost at its stable minimum; its start is not in it.
        """
        injected = np.where(self.thermal & ~on, 0.0, np.maximum(np.nan_to_num(power_mw), 0.0))
        return self._fuel_price * self._curves.slope_at(injected) + self._variable

    def start_costs(self, hours_off: Column) -> Column:
        """What a start of each asset would cost after so many hours off."""
        cost: Column = self._start_cost[np.arange(len(self)), self.start_category(hours_off)]
        return cost

    def start_category(self, hours_off: Column) -> NDArray[np.intp]:
        """Position in its start costs, hot to cold, of a start of each asset after so many hours off."""
        category: NDArray[np.intp] = np.maximum((self._start_from_h <= hours_off[:, None]).sum(axis=1) - 1, 0)
        return category

    def start_cost(self, asset_index: int, hours_off: float) -> float:
        """What a start of one asset costs after so many hours off."""
        return float(self.start_costs(np.full(len(self), hours_off))[asset_index])


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Sums since the books were opened. ``was_on`` and ``hours_off`` (length n) tell the next start and its cost.

    They are empty until the first `advance`.
    """

    energy_mwh: float = 0.0  # delivered, net of what was absorbed
    cost: float = 0.0  # fuel, running hours, wear, starts
    revenue: float = 0.0  # price × energy delivered
    unserved_mwh: float = 0.0  # energy of a positive target that was not delivered
    curtailed_mwh: float = 0.0  # sun and wind that was there and not taken, as far as it is told
    starts: int = 0
    was_on: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    hours_off: Column = field(default_factory=lambda: np.zeros(0))

    def to_json(self) -> str:
        """For the journal."""
        sums = {name: getattr(self, name) for name in (*_SUMS, "starts")}
        return json.dumps({**sums, "was_on": self.was_on.tolist(), "hours_off": self.hours_off.tolist()})

    @classmethod
    def from_json(cls, text: str) -> "Totals":
        """From the journal.

        Raises:
            ValueError, KeyError: not what `to_json` wrote.
        """
        read = json.loads(text)
        if not isinstance(read, dict):
            raise ValueError(f"totals are an object, not {type(read).__name__}")
        return cls(
            **{name: float(read[name]) for name in _SUMS},
            starts=int(read["starts"]),
            was_on=np.array(read["was_on"], dtype=np.bool_),
            hours_off=np.array(read["hours_off"], dtype=np.float64),
        )


def advance(
    totals: Totals,
    hours: float,
    target_mw: float,
    power_mw: Column,
    on: Flags,
    price: float,
    costs: FleetCosts,
    available_mw: Column | None = None,
) -> Totals:
    """The books after ``hours`` (≥ 0, plant time) of the fleet at ``power_mw`` (length n, NaN = unknown = 0).

    The first call, and the first after the fleet has changed, counts no starts: what ran before is not known.
    With ``available_mw`` (length n) the sun and wind that was not taken counts as curtailed.
    """
    power = np.nan_to_num(power_mw)
    delivered = float(power.sum())
    known = len(totals.was_on) == len(costs)
    was_on = totals.was_on if known else on
    hours_off = totals.hours_off if known else np.full(len(costs), _LONG_OFF_H)
    started = costs.thermal & on & ~was_on
    money = hours * costs.running_cost_per_h(power, on).sum() + costs.start_costs(hours_off)[started].sum()
    left = 0.0 if available_mw is None else _curtailed_mw(power, available_mw, costs.renewable)
    return Totals(
        energy_mwh=totals.energy_mwh + hours * delivered,
        cost=totals.cost + float(money),
        revenue=totals.revenue + hours * delivered * price,
        unserved_mwh=totals.unserved_mwh + hours * max(target_mw - max(delivered, 0.0), 0.0),
        curtailed_mwh=totals.curtailed_mwh + hours * left,
        starts=totals.starts + int(started.sum()),
        was_on=on.copy(),
        hours_off=np.where(on, 0.0, hours_off + hours),
    )


def _curtailed_mw(power_mw: Column, available_mw: Column, renewable: Flags) -> float:
    left = np.maximum(np.nan_to_num(available_mw) - power_mw, 0.0)
    return float(left[renewable].sum())
