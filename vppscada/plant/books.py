"""The books of what really happened, by interval and asset, from measured values. Pure; time is an argument.

What was not known is not counted as zero: its time stands in ``unknown_h``, and every sum is of the known time alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetFamily, AssetKind, Fleet, column
from vppscada.plant.accounting import FleetCosts

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAY_MS = 86_400_000
_MS_PER_H = 3_600_000.0
#: An error within this share of rating counts as on target.
ON_TARGET = 0.01

#: What is kept of each asset. Energies in MWh, money in the site's currency, times in hours of plant time.
ASSET_SUMS = (
    "known_h",  # measured, and fit to be believed
    "unknown_h",  # out of sight, or of bad quality
    "run_h",
    "non_emergency_h",  # of these, of emergency generators without an emergency
    "out_mwh",  # injected
    "in_mwh",  # absorbed
    "fuel_mwh",
    "fuel_cost",
    "running_cost",  # by the hour on
    "variable_cost",  # maintenance by energy, wear
    "start_cost",
    "hot_starts",
    "warm_starts",
    "cold_starts",
    "revenue",  # price × net energy, where the price was known
    "emissions_t",
    "available_mwh",  # what sun and wind allowed, where it was told
    "curtailed_mwh",  # of it not taken
    "availability_unknown_h",
    "stored_mwh",  # what flows brought into the store, less what they took; losses at rest are not in it
    "cycles",  # energy taken out of the store over its capacity
    "tracked_h",  # told a power, and measured
    "error_mwh",  # integral of measured − told
    "error_abs_mwh",
    "error_square_mw2h",
    "on_target_h",  # within 1 % of rating
    "error_max_mw",
)
#: What is kept of the plant as a whole. It is known where every asset is.
PLANT_SUMS = (
    "hours",
    "known_h",
    "unknown_h",
    "net_mwh",  # of the known time
    "target_mwh",
    "target_h",
    "follow_h",  # with a target from above, not of the plant's own choice
    "price_h",
    "price_sum",  # integral of the price
    "unserved_mwh",  # of a positive target, in the known time
    "tracked_h",
    "error_mwh",
    "error_abs_mwh",
    "error_square_mw2h",
    "on_target_h",
    "error_max_mw",
)
_ASSET_ROW = {name: row for row, name in enumerate(ASSET_SUMS)}
_PLANT_ROW = {name: row for row, name in enumerate(PLANT_SUMS)}
_GREATEST = "error_max_mw"  # the only one that is not a sum


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """One set of books: a row for each of `ASSET_SUMS` × assets (length n), and one value for each of `PLANT_SUMS`."""

    assets: Table
    plant: Column

    @classmethod
    def blank(cls, n: int) -> "Account":
        """Nothing has happened yet."""
        return cls(np.zeros((len(ASSET_SUMS), n)), np.zeros(len(PLANT_SUMS)))

    def of(self, name: str) -> Column:
        """One of `ASSET_SUMS`, by asset."""
        row: Column = self.assets[_ASSET_ROW[name]]
        return row

    def whole(self, name: str) -> float:
        """One of `PLANT_SUMS`."""
        return float(self.plant[_PLANT_ROW[name]])

    @property
    def cost(self) -> Column:
        """Fuel, running hours, maintenance, wear and starts, by asset."""
        return self.of("fuel_cost") + self.of("running_cost") + self.of("variable_cost") + self.of("start_cost")

    def plus(self, assets: Table, plant: Column) -> "Account":
        """With more of the same assets. Greatest values stay greatest values."""
        return Account(
            _added(self.assets, assets, _ASSET_ROW[_GREATEST]), _added(self.plant, plant, _PLANT_ROW[_GREATEST])
        )


def _added(before: NDArray[np.float64], more: NDArray[np.float64], greatest: int) -> NDArray[np.float64]:
    total = before + more
    total[greatest] = np.maximum(before[greatest], more[greatest])
    return total


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What held for the whole of a short time. Columns of length n; NaN = not known, or not told."""

    known: Flags  # power and state are measured and fit
    power_mw: Column
    on: Flags
    available_mw: Column  # NaN where the device does not tell it
    told_mw: Column  # the power that each was told to have
    target_mw: float  # of the plant; NaN = none
    follows: bool  # the target comes from above
    price: float
    emergency: bool = True  # emergency generators run because of one


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """The constants that turn facts into books, in columns of length n. One for every set of books of a fleet."""

    costs: FleetCosts
    rating_mw: Column
    plant_rating_mw: float
    emissions_t_per_mwh: Column  # of fuel
    kept_per_mwh: Column  # stored of one MWh absorbed, and taken out for one injected; 0 for what is no storage
    taken_per_mwh: Column
    emptied_per_mwh: Column  # cycles that one MWh discharged is; 0 for what is no storage
    last_start: NDArray[np.intp]  # position of the coldest of the start costs
    generators: Flags  # for emergencies

    @classmethod
    def of(cls, fleet: Fleet) -> "Yardstick":
        """Precompute."""
        assets = fleet.assets
        capacity, out = column(assets, "capacity_mwh"), column(assets, "discharge_efficiency")
        storage = np.array([one.kind.family is AssetFamily.STORAGE for one in assets], dtype=np.bool_) & (capacity > 0)
        return cls(
            costs=FleetCosts(fleet),
            rating_mw=column(assets, "rating_mw"),
            plant_rating_mw=fleet.rating_mw,
            emissions_t_per_mwh=column(assets, "emissions_t_per_mwh"),
            kept_per_mwh=np.where(storage, column(assets, "charge_efficiency"), 0.0),
            taken_per_mwh=np.where(storage, 1.0 / np.where(storage, out, 1.0), 0.0),
            emptied_per_mwh=np.where(storage, 1.0 / np.where(storage, capacity * out, 1.0), 0.0),
            last_start=np.array([max(len(one.start_costs) - 1, 0) for one in assets], dtype=np.intp),
            generators=np.array([one.kind is AssetKind.EMERGENCY_GENERATOR for one in assets], dtype=np.bool_),
        )


def cut(begin_ms: int, end_ms: int, step_ms: int) -> Iterator[tuple[int, int]]:
    """The parts of a time that lie in one interval each. Intervals begin at midnight UTC, and no part spans one."""
    while begin_ms < end_ms:
        midnight = begin_ms // DAY_MS * DAY_MS
        border = min(begin_ms + step_ms - (begin_ms - midnight) % step_ms, midnight + DAY_MS)
        yield begin_ms, min(border, end_ms)
        begin_ms = border


def interval_of(begin_ms: int, step_ms: int) -> int:
    """Begin of the interval that a moment lies in."""
    midnight = begin_ms // DAY_MS * DAY_MS
    return midnight + (begin_ms - midnight) // step_ms * step_ms


def advance(account: Account, hours: float, facts: Facts, yard: Yardstick) -> Account:
    """The books after ``hours`` (≥ 0, plant time) in which ``facts`` held."""
    return account.plus(*rates(facts, yard, hours))


def rates(facts: Facts, yard: Yardstick, hours: float) -> tuple[Table, Column]:
    """What ``hours`` add to the sums; all but the greatest error are proportional to them."""
    power = np.where(facts.known, np.nan_to_num(facts.power_mw), 0.0)
    burnt = yard.costs.parts_per_h(power, facts.on & facts.known)
    told = np.where(yard.costs.renewable, np.fmin(facts.told_mw, facts.available_mw), facts.told_mw)
    followed = facts.known & ~np.isnan(told) & (~yard.costs.thermal | facts.on)
    error = np.where(followed, power - np.nan_to_num(told), 0.0)
    tells = yard.costs.renewable & ~np.isnan(facts.available_mw) & facts.known
    available = np.where(tells, np.nan_to_num(facts.available_mw), 0.0)
    price = 0.0 if np.isnan(facts.price) else facts.price
    out = np.maximum(power, 0.0)
    by_name = {
        "known_h": facts.known.astype(np.float64),
        "unknown_h": (~facts.known).astype(np.float64),
        "run_h": (facts.on & facts.known & yard.costs.thermal).astype(np.float64),
        "non_emergency_h": (facts.on & facts.known & yard.generators & (not facts.emergency)).astype(np.float64),
        "out_mwh": out,
        "in_mwh": np.maximum(-power, 0.0),
        "fuel_mwh": burnt.fuel_mw,
        "fuel_cost": burnt.fuel,
        "running_cost": burnt.running,
        "variable_cost": burnt.variable,
        "revenue": price * power,
        "emissions_t": yard.emissions_t_per_mwh * burnt.fuel_mw,
        "available_mwh": available,
        "curtailed_mwh": np.where(tells, np.maximum(available - power, 0.0), 0.0),
        "availability_unknown_h": (yard.costs.renewable & ~tells).astype(np.float64),
        "stored_mwh": yard.kept_per_mwh * np.maximum(-power, 0.0) - yard.taken_per_mwh * out,
        "cycles": yard.emptied_per_mwh * out,
        **_followed(followed, error, yard.rating_mw),
    }
    assets = np.zeros((len(ASSET_SUMS), len(power)))
    for name, value in by_name.items():
        assets[_ASSET_ROW[name]] = value
    return _over(assets, _ASSET_ROW, hours), _over(_plant_rates(facts, yard, power), _PLANT_ROW, hours)


def _over(rates_per_h: NDArray[np.float64], row_of: Mapping[str, int], hours: float) -> NDArray[np.float64]:
    """Rates over a time; the greatest error is what it is, however long."""
    greatest = np.array(rates_per_h[row_of[_GREATEST]]) if hours > 0.0 else 0.0
    total: NDArray[np.float64] = hours * rates_per_h
    total[row_of[_GREATEST]] = greatest
    return total


def _followed(followed: Flags, error_mw: Column, rating_mw: Column) -> dict[str, Column]:
    return {
        "tracked_h": followed.astype(np.float64),
        "error_mwh": error_mw,
        "error_abs_mwh": np.abs(error_mw),
        "error_square_mw2h": error_mw**2,
        "on_target_h": (followed & (np.abs(error_mw) <= ON_TARGET * rating_mw)).astype(np.float64),
        _GREATEST: np.abs(error_mw),
    }


def _plant_rates(facts: Facts, yard: Yardstick, power: Column) -> Column:
    """Rates of `PLANT_SUMS`. A sum that misses an asset is not compared with the target."""
    whole, net = bool(facts.known.all()), float(power.sum())
    aimed, priced = not np.isnan(facts.target_mw), not np.isnan(facts.price)
    tracked = whole and aimed
    error = net - facts.target_mw if tracked else 0.0
    by_name = {
        "hours": 1.0,
        "known_h": float(whole),
        "unknown_h": float(not whole),
        "net_mwh": net if whole else 0.0,
        "target_mwh": facts.target_mw if aimed else 0.0,
        "target_h": float(aimed),
        "follow_h": float(facts.follows),
        "price_h": float(priced),
        "price_sum": facts.price if priced else 0.0,
        "unserved_mwh": max(facts.target_mw - max(net, 0.0), 0.0) if tracked else 0.0,
        "tracked_h": float(tracked),
        "error_mwh": error,
        "error_abs_mwh": abs(error),
        "error_square_mw2h": error**2,
        "on_target_h": float(tracked and abs(error) <= ON_TARGET * yard.plant_rating_mw),
        _GREATEST: abs(error),
    }
    return np.array([by_name[name] for name in PLANT_SUMS])


def add_starts(account: Account, started: Flags, hours_off: Column, yard: Yardstick) -> Account:
    """The books after the starts of thermal assets (length n), each after so many hours off.

    The first of an asset's start costs is for a hot start, the last for a cold one; one that has no other is cold.
    """
    started = started & yard.costs.thermal
    if not started.any():
        return account
    category = yard.costs.start_category(hours_off)
    cold = category >= yard.last_start
    hot = ~cold & (category == 0)
    assets = np.zeros_like(account.assets)
    assets[_ASSET_ROW["start_cost"]] = np.where(started, yard.costs.start_costs(hours_off), 0.0)
    for name, one in (("hot_starts", hot), ("cold_starts", cold), ("warm_starts", ~hot & ~cold)):
        assets[_ASSET_ROW[name]] = started & one
    return account.plus(assets, np.zeros_like(account.plant))
