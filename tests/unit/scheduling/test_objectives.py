"""Each of the four objectives leads where it is asked to, and what follows takes nothing of it."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.scheduling.requests import amount, battery, engine, planned, request, solar
from vppscada.model.fuel_curves import FuelCurves
from vppscada.model.schedule import Objective, Schedule, ScheduleRequest

#: What may be lost of the leader's own figure: the band of later tiers and rounding.
SLACK = 1e-3


def money(asked: ScheduleRequest, schedule: Schedule) -> float:
    """Cost less what trade brings."""
    trade = asked.price_per_mwh * (schedule.export_mw - schedule.import_mw)
    return schedule.cost - float(trade.sum()) * asked.step_s / 3600.0


def heat(asked: ScheduleRequest, schedule: Schedule) -> float:
    """MWh of fuel, and of storage lost on the way in and out."""
    curves, hours = FuelCurves(asked.assets), asked.step_s / 3600.0
    thermal = np.array([bool(asset.heat_rate) for asset in asked.assets])
    powers = np.maximum(schedule.power_mw, 0.0)
    each = np.stack([curves.fuel_at(powers[:, t]) for t in range(asked.steps)], axis=1)
    burned = float(each[thermal[:, None] & schedule.on].sum())
    into = np.array([1.0 - asset.charge_efficiency if asset.capacity_mwh else 0.0 for asset in asked.assets])
    out = np.array([1.0 / asset.discharge_efficiency - 1.0 if asset.capacity_mwh else 0.0 for asset in asked.assets])
    lost = into @ np.maximum(-schedule.power_mw, 0.0).sum(axis=1) + out @ np.maximum(schedule.power_mw, 0.0).sum(axis=1)
    return hours * (burned + float(lost))


def by(objective: Objective, asked: ScheduleRequest) -> Schedule:
    return planned(replace(asked, objective=objective))


def test_revenue_sells_at_a_loss_what_cost_keeps_and_by_the_cheapest_unit() -> None:
    fleet = [engine("dear", fuel_price_per_mwh=20.0), engine("cheap")]
    asked = request(fleet, [5.0], price=15.0, export_limit_mw=3.0)
    kept, sold = by(Objective.COST, asked), by(Objective.REVENUE, asked)
    assert (kept.export_mw[0], sold.export_mw[0]) == pytest.approx((0.0, 3.0))
    assert sold.revenue == pytest.approx(8.0 * 15.0) and kept.revenue == pytest.approx(5.0 * 15.0)
    assert sold.power_mw[:, 0] == pytest.approx([0.0, 8.0])  # of all plans that sell as much, the one of least cost


def test_revenue_never_leaves_load_unserved_to_sell() -> None:
    sold = by(Objective.REVENUE, request([engine()], [9.0], price=5_000.0, export_limit_mw=5.0))
    assert (sold.unserved_mw[0], sold.export_mw[0]) == pytest.approx((0.0, 1.0))


def test_efficiency_runs_what_burns_less_though_it_costs_more() -> None:
    wasteful = engine("wasteful", fuel_price_per_mwh=5.0, heat_rate=((4.0, 12.0), (10.0, 30.0)))
    thrifty = engine("thrifty", fuel_price_per_mwh=30.0)
    asked = request([wasteful, thrifty], [6.0])
    assert by(Objective.COST, asked).power_mw[:, 0] == pytest.approx([6.0, 0.0])
    assert by(Objective.EFFICIENCY, asked).power_mw[:, 0] == pytest.approx([0.0, 6.0])


def test_reliability_keeps_cover_for_the_loss_of_any_unit() -> None:
    asked = request([engine("one"), engine("two", fuel_price_per_mwh=11.0)], [8.0])
    assert by(Objective.COST, asked).on[:, 0].tolist() == [True, False]
    covered = by(Objective.RELIABILITY, asked)
    assert covered.on.all()
    for i, other in ((0, 1), (1, 0)):
        assert covered.reserve_mw[other, 0] >= covered.power_mw[i, 0] - SLACK


def test_what_cannot_be_covered_is_told_by_its_name() -> None:
    alone = by(Objective.RELIABILITY, request([engine()], [6.0]))
    assert amount(alone, "reserve for the loss of engine1") == pytest.approx(6.0)


def some_fleet(seed: int) -> ScheduleRequest:
    """A fleet of all families with prices of both signs."""
    rng = np.random.default_rng(seed)
    fleet = [
        engine(
            f"engine{i}",
            fuel_price_per_mwh=float(rng.uniform(5.0, 40.0)),
            heat_rate=((4.0, float(rng.uniform(8.0, 14.0))), (10.0, float(rng.uniform(20.0, 28.0)))),
            start_costs=((0.0, float(rng.uniform(0.0, 80.0))),),
            minimum_up_s=3600.0 * int(rng.integers(0, 4)),
        )
        for i in range(3)
    ]
    store = battery(charge_efficiency=0.9, discharge_efficiency=0.92, variable_cost_per_mwh=2.0)
    return request(
        [*fleet, solar(), store],
        rng.uniform(6.0, 26.0, 12).tolist(),
        price=rng.uniform(-30.0, 120.0, 12).tolist(),
        forecast={"pv1": rng.uniform(0.0, 8.0, 12).tolist()},
        initial={"battery1": {"stored_mwh": 4.0}},
        reserve_mw=2.0,
        export_limit_mw=5.0,
        import_limit_mw=3.0,
    )


@pytest.mark.parametrize("seed", range(8))
def test_the_leader_is_best_in_its_own_figure(seed: int) -> None:
    asked = some_fleet(seed)
    plans = {objective: by(objective, asked) for objective in Objective}
    short = {
        one: plan.unserved_mw.sum() + np.maximum(asked.reserve_mw - plan.reserve_mw.sum(axis=0), 0.0).sum()
        for one, plan in plans.items()
    }
    for objective, plan in plans.items():
        assert short[Objective.RELIABILITY] <= short[objective] + SLACK
        if short[objective] > SLACK:  # who serves less may well spend, sell or burn less
            continue
        assert money(asked, plans[Objective.COST]) <= money(asked, plan) + SLACK * abs(money(asked, plan))
        assert plans[Objective.REVENUE].revenue >= plan.revenue - SLACK * abs(plan.revenue)
        assert heat(asked, plans[Objective.EFFICIENCY]) <= heat(asked, plan) * (1.0 + SLACK)
