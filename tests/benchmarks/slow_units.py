"""Fleets of engines and fuel cells with slow ramps and long times: how far the search gets in a fixed time.

Beside it, in the same run, the same search over the plain rows, without those that make the relaxation tight: proven
gap after the limit, time to 0.1 %, and how far the linear relaxation is from the best schedule that either found.
"""

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.row import Row
from vppscada.model.assets import Asset, AssetKind, column
from vppscada.model.schedule import InitialStates, ScheduleRequest
from vppscada.scheduling import mathopt
from vppscada.scheduling.formulation import Formulation, formulate
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.program import Matrices
from vppscada.scheduling.search import find

GAP, LIMIT_S, RUNS = 0.001, 30.0, 3


@dataclass(frozen=True)
class Horizon:
    """Steps, and the share of their rating that units ramp per minute (least, most)."""

    name: str
    steps: int
    step_s: float
    ramps: tuple[float, float]


DAY = Horizon("hours", 24, 3600.0, (0.0012, 0.006))
QUARTERS = Horizon("quarters", 96, 900.0, (0.004, 0.02))
#: Units, seed, horizon.
FLEETS = ((20, 0, DAY), (40, 0, DAY), (60, 0, DAY), (20, 1, QUARTERS))


@dataclass(frozen=True)
class Reached:
    """By one search: seconds, the best and the bound, and the value of the relaxation."""

    seconds: float
    best: float
    bound: float
    relaxed: float

    @property
    def gap(self) -> float:
        """Proven, %."""
        return 100.0 * (self.best - self.bound) / abs(self.best)


def run() -> list[Row]:
    """Three rows for each fleet."""
    rows, rival = [], "the plain rows"
    for n, seed, horizon in FLEETS:
        plan = formulate(slow_day(n, seed, horizon))
        price_tier(plan, TIERS[plan.horizon.request.objective][0])
        matrices = plan.program.matrices()
        ours = _reached(plan, plan.program.for_search(matrices))
        plain = _reached(plan, plan.program.for_settling(matrices))
        best, name = min(ours.best, plain.best), f"slow_units_{n}_{horizon.name}"
        ours_off, plain_off = (100.0 * (best - one.relaxed) / abs(best) for one in (ours, plain))
        rows += [
            Row(f"{name}_gap", ours.gap, plain.gap, rival, f"% proven in {LIMIT_S:g} s (less is better)"),
            Row(f"{name}_seconds", ours.seconds, plain.seconds, rival, f"s to {100 * GAP:g} % (less is better)"),
            Row(f"{name}_relaxation", ours_off, plain_off, rival, "% below the best (less is better)"),
        ]
    return rows


def _reached(plan: Formulation, matrices: Matrices) -> Reached:
    """The best of some runs: by seconds, then by the gap."""
    linear = mathopt.run(mathopt.model_of(replace(matrices, integer=np.zeros_like(matrices.integer))))
    found = []
    for _ in range(RUNS):
        started = time.monotonic()
        answer = find(matrices, plan.thermal.on, LIMIT_S, GAP)
        found.append(Reached(time.monotonic() - started, answer.objective, answer.bound, linear.objective))
    return min(found, key=lambda one: (min(one.seconds, LIMIT_S), one.gap))


def slow_day(n: int, seed: int, horizon: Horizon) -> ScheduleRequest:
    """``n`` slow units, sun and a small battery; load with a peak in the morning and one in the evening."""
    rng = np.random.default_rng([seed, n])
    units = [_unit(rng, i, horizon.ramps) for i in range(n)]
    firm = sum(unit.rating_mw for unit in units)
    assets = (*units, *_others(firm))
    hour = np.asarray(np.arange(horizon.steps) * horizon.step_s / 3600.0, dtype=np.float64)
    load = firm * _load(hour) * (1.0 + rng.normal(0.0, 0.01, horizon.steps))
    forecast = np.full((len(assets), horizon.steps), np.inf)
    forecast[n] = assets[n].rating_mw * rng.uniform(0.6, 0.95) * np.maximum(np.sin((hour - 6.0) / 12.0 * np.pi), 0.0)
    zero = np.zeros(horizon.steps)
    return ScheduleRequest(
        start_ms=1_699_920_000_000,
        step_s=horizon.step_s,
        assets=assets,
        initial=_running(rng, assets, units, float(load[0])),
        requirement_mw=load,
        price_per_mwh=zero + 60.0,
        forecast_mw=forecast,
        reserve_mw=zero + 0.06 * firm,
        import_limit_mw=zero,
        export_limit_mw=zero,
        ambient_degc=zero + 15.0,
        relative_gap=GAP,
        time_limit_s=LIMIT_S,
    )


def _load(hour: NDArray[np.float64]) -> NDArray[np.float64]:
    """As a share of the units' rating."""
    morning, evening = np.exp(-(((hour - 8.0) / 1.5) ** 2)), np.exp(-(((hour - 19.0) / 2.2) ** 2))
    return np.asarray(0.5 + 0.13 * np.sin((hour - 9.0) / 12.0 * np.pi) + 0.08 * morning + 0.15 * evening)


def _unit(rng: np.random.Generator, i: int, ramps: tuple[float, float]) -> Asset:
    rating = rng.uniform(4.0, 20.0)
    minimum = rng.uniform(0.3, 0.5) * rating
    middle, at_minimum = (minimum + rating) / 2.0, 2.6 * minimum + 0.1 * rating
    slope, bend = rng.uniform(2.0, 2.4), rng.uniform(1.03, 1.2)
    at_middle = at_minimum + slope * (middle - minimum)
    ramp, start = rating * rng.uniform(*ramps), rating * rng.uniform(8.0, 25.0)
    return Asset(
        name=f"unit{i}",
        kind=AssetKind.FUEL_CELL if rng.random() < 0.3 else AssetKind.RECIPROCATING_ENGINE,
        session="",
        rating_mw=rating,
        ramp_up_mw_per_min=ramp,
        ramp_down_mw_per_min=ramp,
        variable_cost_per_mwh=rng.uniform(2.0, 9.0),
        minimum_mw=minimum,
        start_time_s=float(rng.choice([300.0, 1800.0])),
        minimum_up_s=3600.0 * float(rng.integers(2, 9)),
        minimum_down_s=3600.0 * float(rng.integers(1, 7)),
        fuel_price_per_mwh=rng.uniform(25.0, 45.0),
        heat_rate=((minimum, at_minimum), (middle, at_middle), (rating, at_middle + slope * bend * (rating - middle))),
        running_cost_per_h=rating * rng.uniform(1.0, 3.0),
        start_costs=((0.0, 0.4 * start), (4.0, 0.7 * start), (10.0, start)),
    )


def _others(firm: float) -> tuple[Asset, Asset]:
    """Sun, and a battery of a twenty-fifth of the units for two hours."""
    power = 0.04 * firm
    store = Asset(
        name="battery",
        kind=AssetKind.BATTERY,
        session="",
        rating_mw=power,
        variable_cost_per_mwh=8.0,
        charge_rating_mw=power,
        capacity_mwh=2.0 * power,
        charge_efficiency=0.95,
        discharge_efficiency=0.95,
        soc_minimum=0.1,
        soc_maximum=0.95,
        soc_final_minimum=0.5,
    )
    return Asset("pv", AssetKind.PHOTOVOLTAIC, "", 0.35 * firm), store


def _running(rng: np.random.Generator, assets: tuple[Asset, ...], units: list[Asset], load: float) -> InitialStates:
    """The cheapest units at four fifths of their rating until the load is met."""
    n = len(assets)
    power = np.zeros(n)
    for i in np.argsort([unit.fuel_price_per_mwh for unit in units]):
        if power.sum() < load:
            power[i] = 0.8 * units[i].rating_mw
    return InitialStates(
        power_mw=power,
        on=power > 0.0,
        hours_in_state=rng.integers(1, 12, n).astype(np.float64),
        stored_mwh=0.5 * column(assets, "capacity_mwh"),
        usable=np.ones(n, dtype=np.bool_),
        permitted=np.ones(n, dtype=np.bool_),
        run_hours_left_today=np.full(n, 24.0),
        run_hours_left_year=np.full(n, 8784.0),
    )
