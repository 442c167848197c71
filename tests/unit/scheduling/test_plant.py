"""Sun and wind, permits, trade, the plant's balance, and what the solve vouches for."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.scheduling.requests import MIDNIGHT_MS, amount, battery, engine, limits, planned, request, solar
from vppscada.model.assets import Asset, AssetKind
from vppscada.model.explanation import Reason
from vppscada.model.schedule import SolveFailure, SolveStatus
from vppscada.scheduling.solve import solve
from vppscada.scheduling.violations import violations

HOUR_MS = 3_600_000


def emergency(**changes: Any) -> Asset:
    return engine("emergency1", kind=AssetKind.EMERGENCY_GENERATOR, **changes)


def test_sun_is_used_before_fuel_and_no_more_than_there_is() -> None:
    schedule = planned(request([solar(), engine()], [7.0, 12.0], forecast={"pv1": [9.0, 5.0]}))
    assert schedule.power_mw[0] == pytest.approx([7.0, 5.0])
    assert schedule.power_mw[1] == pytest.approx([0.0, 7.0])


def test_sun_that_is_too_much_is_curtailed_not_dumped() -> None:
    schedule = planned(request([solar(curtailment_cost_per_mwh=20.0)], [3.0], forecast={"pv1": [5.0]}))
    assert schedule.power_mw[0, 0] == pytest.approx(3.0)
    assert schedule.dump_mw[0] == 0.0
    assert schedule.objective_value == pytest.approx(40.0)
    assert schedule.cost == 0.0


def test_a_forecast_that_is_not_known_promises_nothing() -> None:
    assert planned(request([solar()], [3.0], forecast={"pv1": [np.nan]})).power_mw[0, 0] == 0.0


def test_sun_holds_no_spinning_reserve() -> None:
    schedule = planned(request([solar()], [3.0], forecast={"pv1": [5.0]}, reserve_mw=1.0))
    assert amount(schedule, "reserve requirement") == pytest.approx(1.0)


def test_sun_beyond_what_is_sure_needs_reserve() -> None:
    forecast: dict[str, Sequence[float]] = {"pv1": [8.0]}
    firm = np.array([[5.0], [np.inf]])
    backed = planned(request([solar(), engine()], [10.0], reserve_mw=1.0, forecast=forecast, firm_mw=firm))
    assert backed.power_mw[0, 0] == pytest.approx(6.0)  # the engine at its minimum of 4 MW backs all that is taken
    assert backed.reserve_mw.sum() >= 2.0 - 1e-6 and not backed.slacks
    unasked = planned(request([solar()], [8.0], forecast=forecast, firm_mw=firm[:1]))
    assert unasked.power_mw[0, 0] == 8.0


def test_sun_that_nothing_backs_is_held_at_what_is_sure() -> None:
    battery_first = request(
        [solar(), battery(reserve=False, variable_cost_per_mwh=1.0)],
        [8.0],
        forecast={"pv1": [8.0]},
        initial={"battery1": {"stored_mwh": 8.0}},
        firm_mw=np.array([[5.0], [np.inf]]),
        reserve_mw=0.5,
    )
    schedule = planned(battery_first)
    assert schedule.power_mw[0, 0] == pytest.approx(5.0)
    assert amount(schedule, "reserve requirement") == pytest.approx(0.5)
    assert schedule.explanation is not None
    assert schedule.explanation.words(0, 0) == "what is sure of its forecast: more of it would need reserve"


def test_the_loss_of_a_large_unit_is_covered_though_the_sun_does_not_come() -> None:
    fleet = [solar(), engine(), engine("engine2")]
    firm = np.array([[2.0], [np.inf], [np.inf]])
    schedule = planned(request(fleet, [10.0], forecast={"pv1": [8.0]}, firm_mw=firm, n_minus_1=True))
    for i in (1, 2):
        others = schedule.reserve_mw.sum() - schedule.reserve_mw[i].sum()
        doubtful = max(schedule.power_mw[0, 0] - 2.0, 0.0)
        short = amount(schedule, f"reserve for the loss of {fleet[i].name}")
        assert others + short >= schedule.power_mw[i, 0] + doubtful - 1e-5


def test_an_emergency_generator_without_permission_stays_off() -> None:
    schedule = planned(request([emergency()], [5.0], initial={"emergency1": {"permitted": False}}))
    assert not schedule.on.any()
    assert limits(schedule) == {"requirement"}


def test_permission_withdrawn_overrides_the_minimum_up_time_in_words() -> None:
    state = {"on": True, "power_mw": 5.0, "hours_in_state": 0.0, "permitted": False}
    schedule = planned(request([emergency(minimum_up_s=2 * 3600.0)], [5.0] * 3, initial={"emergency1": state}))
    assert not schedule.on.any()
    assert amount(schedule, "emergency1 minimum up time") == pytest.approx(2.0)


def test_permission_withdrawn_overrides_the_ramp_in_words() -> None:
    state = {"on": True, "power_mw": 9.0, "permitted": False}
    slow = emergency(ramp_down_mw_per_min=1.0 / 60)
    schedule = planned(request([slow], [5.0], initial={"emergency1": state}))
    assert not schedule.on.any()
    assert amount(schedule, "emergency1 shut-down ramp") == pytest.approx(5.0)


def test_run_hours_left_of_the_day_are_kept_and_the_next_day_has_its_own() -> None:
    limited = emergency(permitted_hours_per_day=2.0)
    state = {"emergency1": {"run_hours_left_today": 1.0}}
    asked = request([limited], [5.0] * 8, start_ms=MIDNIGHT_MS - 4 * HOUR_MS, initial=state)
    schedule = planned(asked)
    assert schedule.on[0, :4].sum() == 1
    assert schedule.on[0, 4:].sum() == 2


def test_run_hours_left_of_the_year_are_kept_over_the_days() -> None:
    state = {"emergency1": {"run_hours_left_year": 3.0}}
    asked = request([emergency()], [5.0] * 6, start_ms=MIDNIGHT_MS - 3 * HOUR_MS, initial=state)
    assert planned(asked).on.sum() == 3


def test_a_new_year_brings_new_run_hours() -> None:
    new_year_ms = 1_704_067_200_000  # 2024-01-01 00:00 UTC
    state = {"emergency1": {"run_hours_left_year": 1.0}}
    limited = emergency(permitted_hours_per_year=2.0)
    schedule = planned(request([limited], [5.0] * 6, start_ms=new_year_ms - 3 * HOUR_MS, initial=state))
    assert (schedule.on[0, :3].sum(), schedule.on[0, 3:].sum()) == (1, 2)


def test_without_an_emergency_a_generator_runs_the_hours_for_that_and_no_more() -> None:
    tried = emergency(non_emergency_hours_per_day=2.0, non_emergency_hours_per_year=50.0)
    state = {"permitted": False, "non_emergency_left_today": 1.0}
    asked = request([tried], [5.0] * 8, start_ms=MIDNIGHT_MS - 4 * HOUR_MS, initial={"emergency1": state})
    schedule = planned(asked)
    assert (schedule.on[0, :4].sum(), schedule.on[0, 4:].sum()) == (1, 2)
    why = schedule.explanation
    assert why is not None
    assert set(why.reason[0, ~schedule.on[0]].tolist()) == {Reason.PERMIT_HOURS}


def test_hours_used_up_without_an_emergency_are_none_of_those_for_one() -> None:
    tried = emergency(non_emergency_hours_per_day=2.0, non_emergency_hours_per_year=50.0)
    none_left = {"non_emergency_left_today": 0.0, "non_emergency_left_year": 0.0}
    called = {"emergency1": {"permitted": True, **none_left}}
    assert planned(request([tried], [5.0] * 3, initial=called)).on.all()
    idle = {"emergency1": {"permitted": False, **none_left}}
    assert not planned(request([tried], [5.0] * 3, initial=idle)).on.any()


def test_the_year_limits_what_days_without_an_emergency_would_allow() -> None:
    tried = emergency(non_emergency_hours_per_day=24.0, non_emergency_hours_per_year=50.0)
    state = {"permitted": False, "non_emergency_left_year": 2.0}
    assert planned(request([tried], [5.0] * 6, initial={"emergency1": state})).on.sum() == 2


def test_running_beyond_the_hours_of_its_kind_is_found() -> None:
    tried = emergency(non_emergency_hours_per_day=2.0, non_emergency_hours_per_year=50.0)
    called = request([tried], [5.0] * 3)
    schedule = planned(called)
    assert schedule.on.all() and violations(called, schedule) == []
    idle = replace(called, initial=replace(called.initial, permitted=np.array([False])))
    found = violations(idle, schedule)
    assert any("non-emergency hours" in one for one in found), found


def test_hours_of_other_engines_are_not_permits() -> None:
    state = {"engine1": {"run_hours_left_today": 0.0, "run_hours_left_year": 0.0}}
    assert planned(request([engine()], [5.0], initial=state)).on.all()


def test_with_a_requirement_the_price_changes_the_books_but_not_the_plan() -> None:
    cheap, dear = planned(request([engine()], [5.0], price=1.0)), planned(request([engine()], [5.0], price=99.0))
    assert cheap.power_mw == pytest.approx(dear.power_mw)
    assert [cheap.revenue, dear.revenue] == pytest.approx([5.0, 495.0])


def test_load_not_served_and_surplus_earn_nothing() -> None:
    assert planned(request([engine()], [12.0], price=10.0)).revenue == pytest.approx(100.0)
    assert planned(request([engine()], [1.0], price=10.0)).revenue == pytest.approx(10.0)


def test_it_sells_where_the_price_is_above_its_cost_up_to_the_limit() -> None:
    schedule = planned(request([engine()], [5.0, 5.0], price=[19.0, 21.0], export_limit_mw=3.0))
    assert schedule.export_mw == pytest.approx([0.0, 3.0])
    assert schedule.revenue == pytest.approx(5 * 19.0 + 8 * 21.0)
    assert schedule.objective_value == pytest.approx(5 * 20.0 + 8 * 20.0 - 3 * 21.0)
    assert schedule.marginal_price_per_mwh == pytest.approx([20.0, 20.0])


def test_it_buys_where_the_price_is_below_its_cost_up_to_the_limit() -> None:
    schedule = planned(request([engine()], [9.0, 9.0], price=[19.0, 21.0], import_limit_mw=2.0))
    assert schedule.import_mw == pytest.approx([2.0, 0.0])
    assert schedule.power_mw[0] == pytest.approx([7.0, 9.0])
    assert schedule.revenue == pytest.approx(7 * 19.0 + 9 * 21.0)


def test_a_deeply_negative_price_does_not_pay_for_dumping() -> None:
    schedule = planned(request([solar()], [0.0], price=-900.0, import_limit_mw=5.0, forecast={"pv1": [0.0]}))
    assert schedule.import_mw == pytest.approx([0.0])
    assert schedule.dump_mw == pytest.approx([0.0])


def test_an_empty_fleet_serves_nothing_and_says_so() -> None:
    schedule = planned(request([], [5.0, 0.0]))
    assert schedule.unserved_mw == pytest.approx([5.0, 0.0])
    assert schedule.gave == ("requirement by up to 5 MW from 2023-11-14T00:00:00Z to 2023-11-14T01:00:00Z",)


def test_the_bound_is_proven_and_the_gap_is_what_was_asked() -> None:
    fleet = [engine(f"engine{i}", rating_mw=6.0 + i, start_costs=((0.0, 30.0 + 7 * i),)) for i in range(4)]
    fleet = [replace(a, fuel_price_per_mwh=9.0 + 1.3 * i) for i, a in enumerate(fleet)]
    exact = planned(request(fleet, [5.0, 14.0, 22.0, 9.0, 17.0, 4.0]))
    assert exact.status is SolveStatus.OPTIMAL
    assert exact.bound == pytest.approx(exact.objective_value)
    loose = planned(request(fleet, [5.0, 14.0, 22.0, 9.0, 17.0, 4.0], relative_gap=0.2))
    assert loose.bound <= exact.objective_value + 1e-6 <= loose.objective_value + 2e-6
    assert loose.gap <= 0.2


def test_without_time_there_is_no_schedule_or_one_that_owns_up_to_its_gap() -> None:
    fleet = [engine(f"engine{i}", start_costs=((0.0, 30.0 + 7 * i),), minimum_up_s=7200.0) for i in range(30)]
    asked = request(fleet, [80.0 + 40 * np.sin(t / 3) for t in range(96)], reserve_mw=20.0, time_limit_s=0.05)
    outcome = solve(asked)
    if isinstance(outcome, SolveFailure):
        assert outcome.status is SolveStatus.UNSOLVED
    else:
        assert violations(asked, outcome) == []
        assert (outcome.status is SolveStatus.OPTIMAL) == (outcome.gap <= asked.relative_gap + 1e-6)


def test_what_gives_is_told_by_its_time_gap_by_gap() -> None:
    schedule = planned(request([engine()], [12.0, 13.0, 10.0, 11.0], step_s=900.0))
    day = "2023-11-14T00"
    assert schedule.gave == (
        f"requirement by up to 3 MW from {day}:00:00Z to {day}:30:00Z",
        f"requirement by up to 1 MW from {day}:45:00Z to 2023-11-14T01:00:00Z",
    )
