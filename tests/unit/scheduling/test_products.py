"""Services beside energy: who holds them, what is owed, what is sold, and what is missing told by its name."""

from typing import Any

import numpy as np
import pytest

from tests.unit.scheduling.requests import amount, battery, engine, limits, planned, request, solar
from vppscada.model.assets import Asset, AssetKind
from vppscada.model.schedule import Objective, Product, Schedule, ScheduleRequest, SolveFailure
from vppscada.scheduling.solve import solve


def product(n: int, steps: int, name: str = "regulation up", **changes: Any) -> Product:
    """2 MW owed within 5 minutes for a quarter of an hour by anybody; nothing may be sold."""

    def over_time(value: float) -> Any:
        return np.broadcast_to(np.asarray(value, dtype=np.float64), (steps,)).copy()

    settings: dict[str, Any] = {"up": True, "response_min": 5.0, "sustain_h": 0.25, **changes}
    return Product(
        name=name,
        required_mw=over_time(settings.pop("required_mw", 2.0)),
        offered_mw=over_time(settings.pop("offered_mw", 0.0)),
        price_per_mw_h=over_time(settings.pop("price", 0.0)),
        holders=np.array(settings.pop("holders", [True] * n), dtype=np.bool_),
        **settings,
    )


def asked(assets: list[Asset], requirement: list[float], *wanted: dict[str, Any], **columns: Any) -> ScheduleRequest:
    made = tuple(product(len(assets), len(requirement), **one) for one in wanted)
    return request(assets, requirement, products=made, **columns)


def held(schedule: Schedule, place: int = 0) -> list[list[float]]:
    """By asset and step."""
    return [[round(value, 4) for value in row] for row in schedule.held[place].held_mw.tolist()]


def test_a_unit_leaves_room_above_for_what_it_holds() -> None:
    found = planned(asked([engine(), engine("dear", fuel_price_per_mwh=20.0)], [9.0], {}))
    assert found.power_mw[:, 0].sum() == pytest.approx(9.0)
    assert found.on.all() and sum(row[0] for row in held(found)) == pytest.approx(2.0)


def test_and_room_below() -> None:
    down = {"name": "regulation down", "up": False}
    found = planned(asked([engine()], [4.5], down, dump_penalty_per_mwh=5_000.0))
    assert held(found) == [[0.5]] and amount(found, "regulation down") == pytest.approx(1.5)
    found = planned(asked([engine()], [7.0], down))
    assert held(found)[0][0] >= 2.0 and not found.slacks


def test_no_more_than_it_ramps_in_time() -> None:
    found = planned(
        asked([engine(ramp_up_mw_per_min=0.3)], [5.0], {}, initial={"engine1": {"on": True, "power_mw": 5.0}})
    )
    assert held(found) == [[1.5]] and amount(found, "regulation up") == pytest.approx(0.5)


def test_a_store_promises_no_more_than_its_energy_sustains() -> None:
    store = battery(discharge_efficiency=0.9)
    found = planned(
        asked([store], [0.0], {"sustain_h": 1.0, "required_mw": 4.0}, initial={"battery1": {"stored_mwh": 2.0}})
    )
    assert held(found)[0][0] == pytest.approx(1.8)
    full = {"battery1": {"stored_mwh": 7.5}}
    down = {"name": "regulation down", "up": False, "sustain_h": 1.0}
    found = planned(asked([battery()], [0.0], down, initial=full))
    assert held(found) == [[0.5]] and amount(found, "regulation down") == pytest.approx(1.5)


def test_products_and_reserve_share_one_room() -> None:
    both = {"name": "regulation up"}, {"name": "ramp headroom", "required_mw": 3.0}
    found = planned(asked([engine()], [6.0], *both, reserve_mw=2.0))
    assert pytest.approx(found.reserve_mw.sum() + sum(one.held_mw.sum() for one in found.held)) == 4.0
    assert sum(slack.amount for slack in found.slacks) == pytest.approx(3.0)


def test_units_at_rest_count_where_they_come_in_time() -> None:
    quick = engine("quick", start_time_s=300.0, ramp_up_mw_per_min=0.5, fuel_price_per_mwh=20.0)
    fleet = [engine(), quick, engine("slow", start_time_s=1200.0, fuel_price_per_mwh=20.0)]
    wanted = {"name": "non-spinning reserve", "off_line": True, "response_min": 10.0, "required_mw": 8.5}
    found = planned(asked(fleet, [8.0], wanted))
    assert held(found) == [[2.0], [6.5], [0.0]] and found.on[:, 0].tolist() == [True, False, False]
    assert not found.slacks


def test_a_unit_that_has_just_stopped_is_not_there() -> None:
    stopped = {"engine1": {"hours_in_state": 0.5}}
    wanted = {"name": "non-spinning reserve", "off_line": True, "response_min": 10.0, "required_mw": 1.0}
    found = planned(asked([engine(minimum_down_s=7200.0)], [0.0] * 4, wanted, initial=stopped))
    assert [slack.step for slack in found.slacks] == [0, 1]


def test_an_emergency_generator_and_the_sun_promise_nothing() -> None:
    fleet = [engine("emergency", kind=AssetKind.EMERGENCY_GENERATOR), solar()]
    found = planned(asked(fleet, [0.0], {"off_line": True}, forecast={"pv1": [8.0]}))
    assert held(found) == [[0.0], [0.0]] and amount(found, "regulation up") == pytest.approx(2.0)


def test_only_those_that_may_hold_it_do() -> None:
    found = planned(asked([engine(), engine("other")], [12.0], {"holders": [False, True]}))
    assert held(found)[0] == [0.0] and held(found)[1][0] >= 2.0


def test_what_is_spare_is_sold_where_it_pays_and_never_out_of_what_is_missing() -> None:
    store, there = battery(), {"battery1": {"stored_mwh": 8.0}}
    sale = {"required_mw": 1.0, "offered_mw": 2.0, "price": 7.0}
    found = planned(asked([store], [0.0], sale, initial=there))
    assert found.held[0].sold_mw.tolist() == [2.0] and found.revenue == pytest.approx(14.0)
    dear = {"required_mw": 5.0, "offered_mw": 2.0, "price": 50_000.0}
    found = planned(asked([store], [0.0], dear, initial=there))
    assert found.held[0].sold_mw.tolist() == [0.0] and amount(found, "regulation up") == pytest.approx(1.0)


def test_revenue_starts_a_unit_to_sell_what_cost_would_not() -> None:
    sale = {"required_mw": 0.0, "offered_mw": 5.0, "price": 3.0}
    plan = asked([engine()], [0.0], sale, export_limit_mw=10.0, price=0.0)
    assert not planned(plan).on.any()
    leading = request(
        plan.assets, [0.0], products=plan.products, export_limit_mw=10.0, price=0.0, objective=Objective.REVENUE
    )
    assert planned(leading).held[0].sold_mw[0] == pytest.approx(5.0)


def test_the_loss_of_a_unit_can_be_covered_whatever_leads() -> None:
    fleet = [engine("one"), engine("two", fuel_price_per_mwh=11.0)]
    assert planned(request(fleet, [8.0])).on[:, 0].tolist() == [True, False]
    assert planned(request(fleet, [8.0], n_minus_1=True)).on.all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"response_min": 0.0}, "regulation up within 0.0 min"),
        ({"required_mw": np.nan}, "required_mw of regulation up is not finite"),
        ({"holders": [True, True]}, "holders of regulation up has shape (2,), expected (1,)"),
    ],
)
def test_a_product_that_makes_no_sense_is_refused(changes: dict[str, Any], words: str) -> None:
    failed = solve(asked([engine()], [5.0], changes))
    assert isinstance(failed, SolveFailure) and words in failed.reason


def test_two_products_of_one_name_are_refused() -> None:
    failed = solve(asked([engine()], [5.0], {}, {}))
    assert isinstance(failed, SolveFailure) and "two products 'regulation up'" in failed.reason


@pytest.mark.parametrize("seed", range(12))
def test_every_plan_keeps_what_it_promises(seed: int) -> None:
    """`planned` has the checker find nothing."""
    rng = np.random.default_rng(seed)
    fleet = [
        engine(
            f"engine{i}",
            ramp_up_mw_per_min=float(rng.uniform(0.1, 1.0)),
            minimum_down_s=3600.0 * i,
            minimum_up_s=7200.0,
        )
        for i in range(3)
    ]
    fleet += [battery(charge_efficiency=0.9, soc_minimum=0.1, soc_maximum=0.9), solar()]
    wanted = [
        {"name": "regulation up", "required_mw": 1.0, "offered_mw": 2.0, "price": float(rng.uniform(0.0, 60.0))},
        {"name": "regulation down", "up": False, "required_mw": 1.0, "offered_mw": 1.0, "price": 5.0},
        {"name": "non-spinning", "off_line": True, "response_min": 10.0, "required_mw": float(rng.uniform(0.0, 20.0))},
        {"name": "energy headroom", "sustain_h": 2.0, "response_min": 10.0, "required_mw": 2.0},
    ]
    found = planned(
        asked(
            fleet,
            rng.uniform(2.0, 26.0, 8).tolist(),
            *wanted,
            price=rng.uniform(-20.0, 90.0, 8).tolist(),
            forecast={"pv1": rng.uniform(0.0, 8.0, 8).tolist()},
            initial={
                "battery1": {"stored_mwh": float(rng.uniform(1.0, 7.0))},
                "engine0": {"on": True, "power_mw": 6.0},
            },
            reserve_mw=1.0,
            export_limit_mw=5.0,
            relative_gap=1e-4,
        )
    )
    assert ("requirement" in limits(found)) == (found.unserved_mw.sum() > 1e-5)
