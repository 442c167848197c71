"""The four objectives over the demo's week of real load, sun, wind and prices: what each plan costs, earns and burns.

Each day is planned once, at midnight, from the state in which the plan of the day before left the fleet. Beside each
objective's own figure stands the best of the other three: the leader's is no worse but for the gap of the solves.
Beside the leaders stands what a simple rule would have done. Every plan passes the checker, which shares no code with
the model. Prices go below zero; up to 5 MW may be sold or
bought beside the load.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.row import Row
from tests.benchmarks.simple_rule import by_rule
from vppscada.maps import find_site, load_site
from vppscada.model.assets import AssetFamily, AssetKind, column
from vppscada.model.fuel_curves import FuelCurves
from vppscada.model.schedule import InitialStates, Objective, Schedule, ScheduleRequest
from vppscada.model.site import Site
from vppscada.plant.expectations import Expectations
from vppscada.plant.series import read_series
from vppscada.scheduling.solve import solve
from vppscada.scheduling.violations import violations
from vppscada.station.drivers import DRIVERS

DAYS = 7
STEPS, STEP_S = 96, 900.0
HOURS = STEP_S / 3600.0
GAP, LIMIT_S = 0.002, 30.0
TRADE_MW, RESERVE_MW = 5.0, 2.0
_MONDAY_MS = 1_719_792_000_000  # 2024-07-01T00:00Z, where the demo's data begin


@dataclass
class Week:
    """Sums over the days."""

    cost: float = 0.0  # less what trade brought
    revenue: float = 0.0
    unserved_mwh: float = 0.0
    short_mwh: float = 0.0  # of reserve
    heat_mwh: float = 0.0  # fuel, and what storage lost
    broken: list[str] = field(default_factory=list)

    def add(self, asked: ScheduleRequest, plan: Schedule) -> None:
        """One day more."""
        self.cost += plan.cost - HOURS * float((asked.price_per_mwh * (plan.export_mw - plan.import_mw)).sum())
        self.revenue += plan.revenue
        self.unserved_mwh += HOURS * float(plan.unserved_mw.sum())
        self.short_mwh += HOURS * float(np.maximum(asked.reserve_mw - plan.reserve_mw.sum(axis=0), 0.0).sum())
        self.heat_mwh += HOURS * _heat_mw(asked, plan)
        self.broken += violations(asked, plan)


def run() -> list[Row]:
    """Plan the week four times."""
    site = load_site(find_site("demo"), DRIVERS)
    expectations = Expectations({source.name: read_series(source) for source in site.data})
    weeks = {objective: _week(site, expectations, _led_by(objective)) for objective in Objective}
    rule = _week(site, expectations, by_rule)
    for week in (*weeks.values(), rule):
        assert not week.broken, week.broken[:3]
    figures = (
        ("cost", Objective.COST, "EUR net of trade (less is better)", 1.0),
        ("revenue", Objective.REVENUE, "EUR", -1.0),
        ("unserved_mwh", Objective.RELIABILITY, "MWh not served (less is better)", 1.0),
        ("short_mwh", Objective.RELIABILITY, "MWh of reserve missing (less is better)", 1.0),
        ("heat_mwh", Objective.EFFICIENCY, "MWh of fuel and storage losses (less is better)", 1.0),
    )
    rows = []
    for name, leader, unit, sign in figures:
        others = {other: getattr(week, name) for other, week in weeks.items() if other is not leader}
        best = min(others, key=lambda other: sign * others[other])
        rows.append(Row(f"objectives_{name}", getattr(weeks[leader], name), others[best], f"{best} leads", unit))
    for name, leader, unit, _ in figures:
        rows.append(
            Row(f"objectives_{name}_beside_a_rule", getattr(weeks[leader], name), getattr(rule, name), "rule", unit)
        )
    for objective, week in weeks.items():
        told = (("cost", "EUR net of trade"), ("revenue", "EUR"), ("heat_mwh", "MWh of fuel and losses"))
        rows += [Row(f"objectives_{objective}_{name}", getattr(week, name), None, "", unit) for name, unit in told]
    return rows


def _week(site: Site, expectations: Expectations, plan_of: Callable[[ScheduleRequest], object]) -> Week:
    week, initial = Week(), _at_rest(site)
    for day in range(DAYS):
        asked = _day(site, expectations, initial, _MONDAY_MS + day * 86_400_000)
        plan = plan_of(asked)
        assert isinstance(plan, Schedule), (day, plan)
        week.add(asked, plan)
        initial = _after(asked, plan)
    return week


def _led_by(objective: Objective) -> Callable[[ScheduleRequest], object]:
    return lambda asked: solve(replace(asked, objective=objective))


def _day(site: Site, expectations: Expectations, initial: InitialStates, start_ms: int) -> ScheduleRequest:
    step_ms, assets = int(STEP_S * 1000), site.fleet.assets

    def series(name: str, missing: float) -> NDArray[np.float64]:
        return expectations.mean(name, start_ms, step_ms, STEPS, missing)

    forecast = np.full((len(assets), STEPS), np.inf)
    for i, asset in enumerate(assets):
        if asset.kind.family is AssetFamily.RENEWABLE:
            forecast[i] = np.clip(series(asset.forecast, 0.0), 0.0, asset.rating_mw)
    return ScheduleRequest(
        start_ms=start_ms,
        step_s=STEP_S,
        assets=assets,
        initial=initial,
        requirement_mw=series(site.schedule.load, 0.0),
        price_per_mwh=series(site.schedule.price, 0.0),
        forecast_mw=forecast,
        reserve_mw=np.full(STEPS, RESERVE_MW),
        import_limit_mw=np.full(STEPS, TRADE_MW),
        export_limit_mw=np.full(STEPS, TRADE_MW),
        ambient_degc=np.full(STEPS, 20.0),
        relative_gap=GAP,
        time_limit_s=LIMIT_S,
    )


def _at_rest(site: Site) -> InitialStates:
    """Everything off for long, stores half full; emergency generators are not permitted."""
    assets = site.fleet.assets
    n = len(assets)
    return InitialStates(
        power_mw=np.zeros(n),
        on=np.zeros(n, dtype=np.bool_),
        hours_in_state=np.full(n, 100.0),
        stored_mwh=0.5 * column(assets, "capacity_mwh"),
        usable=np.ones(n, dtype=np.bool_),
        permitted=np.array([asset.kind is not AssetKind.EMERGENCY_GENERATOR for asset in assets], dtype=np.bool_),
        run_hours_left_today=column(assets, "permitted_hours_per_day"),
        run_hours_left_year=column(assets, "permitted_hours_per_year"),
    )


def _after(asked: ScheduleRequest, plan: Schedule) -> InitialStates:
    """The fleet at midnight, as the plan leaves it."""
    before, on = asked.initial, plan.on
    same = np.argmax(on[:, ::-1] != on[:, -1:], axis=1)  # steps since the last change; 0 = none all day
    held = (same == 0) & (on == on[:, -1:]).all(axis=1)
    hours = np.where(held, STEPS * HOURS + np.where(before.on == on[:, -1], before.hours_in_state, 0.0), same * HOURS)
    return replace(
        before,
        power_mw=plan.power_mw[:, -1],
        on=on[:, -1],
        hours_in_state=hours,
        stored_mwh=plan.stored_mwh[:, -1],
        run_hours_left_year=before.run_hours_left_year - HOURS * on.sum(axis=1),
    )


def _heat_mw(asked: ScheduleRequest, plan: Schedule) -> float:
    """Sum over the steps of fuel, and of what storage loses on the way in and out."""
    assets, given = asked.assets, np.maximum(plan.power_mw, 0.0)
    curves = FuelCurves(assets)
    fuel = np.stack([curves.fuel_at(given[:, t]) for t in range(STEPS)], axis=1)
    thermal = np.array([asset.kind.family is AssetFamily.THERMAL for asset in assets])
    storage = np.array([asset.kind.family is AssetFamily.STORAGE for asset in assets])
    into = np.where(storage, 1.0 - column(assets, "charge_efficiency"), 0.0)
    out = np.where(storage, 1.0 / np.maximum(column(assets, "discharge_efficiency"), 1e-9) - 1.0, 0.0)
    lost = into @ np.maximum(-plan.power_mw, 0.0).sum(axis=1) + out @ given.sum(axis=1)
    return float(fuel[thermal[:, None] & plan.on].sum() + lost)
