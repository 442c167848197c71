"""Commitment and output of thermal assets; every number is worked out by hand."""

import numpy as np
import pytest

from tests.unit.scheduling.requests import amount, engine, limits, planned, request
from vppscada.model.assets import AssetKind


def on_steps(schedule_on: np.ndarray) -> list[int]:
    return np.flatnonzero(schedule_on).tolist()


RUNNING = {"on": True, "power_mw": 6.0, "hours_in_state": 100.0}


def test_output_costs_fuel_along_its_curve_and_hours_and_energy() -> None:
    bent = engine(heat_rate=((4.0, 8.0), (7.0, 14.0), (10.0, 23.0)), running_cost_per_h=5.0, variable_cost_per_mwh=1.0)
    schedule = planned(request([bent], [8.0]))
    assert schedule.power_mw[0, 0] == pytest.approx(8.0)
    assert schedule.cost == pytest.approx(10.0 * 17.0 + 5.0 + 8.0)
    assert schedule.objective_value == pytest.approx(schedule.cost)


def test_the_price_of_one_more_mwh_is_the_slope_of_the_curve() -> None:
    bent = engine(heat_rate=((4.0, 8.0), (7.0, 14.0), (10.0, 23.0)))
    assert planned(request([bent], [5.0])).marginal_price_per_mwh == pytest.approx([20.0])
    assert planned(request([bent], [8.0])).marginal_price_per_mwh == pytest.approx([30.0])


def test_the_cheaper_engine_is_loaded_first() -> None:
    dear = engine("engine2", fuel_price_per_mwh=15.0)
    schedule = planned(request([engine(), dear], [14.0]))
    assert schedule.power_mw[:, 0] == pytest.approx([10.0, 4.0])


def test_below_the_stable_minimum_there_is_surplus_or_nothing() -> None:
    schedule = planned(request([engine()], [1.0]))
    assert schedule.power_mw[0, 0] == pytest.approx(4.0)
    assert amount(schedule, "surplus above the requirement") == pytest.approx(3.0)
    assert not planned(request([engine()], [0.0])).on.any()


def test_beyond_the_rating_load_is_not_served() -> None:
    schedule = planned(request([engine()], [12.0]))
    assert schedule.unserved_mw == pytest.approx([2.0])
    assert limits(schedule) == {"requirement"}
    assert schedule.marginal_price_per_mwh == pytest.approx([10_000.0])


def test_once_started_it_stays_for_its_minimum_up_time() -> None:
    slow = engine(minimum_up_s=3 * 3600.0)
    schedule = planned(request([slow], [0.0, 6.0, 0.0, 0.0, 0.0, 0.0]))
    assert schedule.on[0].sum() == 3
    assert schedule.on[0, 1]


def test_once_stopped_it_stays_off_for_its_minimum_down_time() -> None:
    slow = engine(minimum_down_s=3 * 3600.0)
    schedule = planned(request([slow], [6.0, 0.0, 0.0, 6.0], initial={"engine1": RUNNING}))
    assert schedule.on[0].tolist() == [True, False, False, False] or schedule.on[0].all()
    # Running on at the minimum dumps 8 MWh at 500; staying off leaves 6 MWh unserved at 10,000.
    assert schedule.on[0].all()


def test_hours_already_run_count_towards_the_minimum_up_time() -> None:
    slow = engine(minimum_up_s=3 * 3600.0)
    state = {**RUNNING, "hours_in_state": 1.0}
    schedule = planned(request([slow], [0.0] * 4, initial={"engine1": state}))
    assert on_steps(schedule.on[0]) == [0, 1]


def test_hours_already_off_count_towards_the_minimum_down_time() -> None:
    slow = engine(minimum_down_s=3 * 3600.0)
    schedule = planned(request([slow], [6.0] * 4, initial={"engine1": {"hours_in_state": 1.0}}))
    assert on_steps(schedule.on[0]) == [2, 3]


def test_it_cannot_run_before_it_could_be_synchronised() -> None:
    schedule = planned(request([engine(start_time_s=7200.0)], [6.0] * 4))
    assert on_steps(schedule.on[0]) == [2, 3]


def test_a_ramp_limits_the_change_between_steps() -> None:
    slow = engine(ramp_up_mw_per_min=2.0 / 60, ramp_down_mw_per_min=1.0 / 60)
    up = planned(request([slow], [7.0, 10.0, 10.0], initial={"engine1": {**RUNNING, "power_mw": 5.0}}))
    assert up.power_mw[0] == pytest.approx([7.0, 9.0, 10.0])
    assert up.unserved_mw == pytest.approx([0.0, 1.0, 0.0])
    down = planned(request([slow], [7.0, 5.0, 5.0], initial={"engine1": {**RUNNING, "power_mw": 7.0}}))
    assert down.power_mw[0] == pytest.approx([7.0, 6.0, 5.0])
    assert down.dump_mw == pytest.approx([0.0, 1.0, 0.0])


def test_a_start_and_a_stop_are_near_the_stable_minimum_where_ramps_are_slow() -> None:
    slow = engine(ramp_up_mw_per_min=2.0 / 60, ramp_down_mw_per_min=2.0 / 60, start_time_s=3600.0)
    schedule = planned(request([slow], [0.0, 8.0, 8.0, 8.0, 0.0]))
    assert schedule.power_mw[0, 1] == pytest.approx(4.0)
    assert schedule.power_mw[0, 2] == pytest.approx(6.0)
    assert schedule.power_mw[0, 3] == pytest.approx(8.0)
    assert schedule.on[0, 4]  # 8 MW cannot be shed at once: it ramps on with 6 MW to spare
    assert schedule.dump_mw[4] == pytest.approx(6.0)


def test_the_first_step_ramps_from_what_it_does_now() -> None:
    slow = engine(ramp_up_mw_per_min=1.0 / 60)
    schedule = planned(request([slow], [9.0, 9.0], initial={"engine1": RUNNING}))
    assert schedule.power_mw[0] == pytest.approx([7.0, 8.0])


def test_unknown_power_at_the_start_leaves_the_first_step_free() -> None:
    slow = engine(ramp_up_mw_per_min=1.0 / 60)
    schedule = planned(request([slow], [9.0, 9.0], initial={"engine1": {**RUNNING, "power_mw": np.nan}}))
    assert schedule.power_mw[0] == pytest.approx([9.0, 9.0])


@pytest.mark.parametrize(
    ("hours_off", "cost"), [(0.0, 100.0), (1.0, 100.0), (3.0, 200.0), (10.0, 500.0), (np.nan, 500.0)]
)
def test_the_first_start_costs_by_the_hours_off_before(hours_off: float, cost: float) -> None:
    asset = engine(start_costs=((0.0, 100.0), (3.0, 200.0), (8.0, 500.0)))
    schedule = planned(request([asset], [5.0], initial={"engine1": {"hours_in_state": hours_off}}))
    assert schedule.cost == pytest.approx(100.0 + cost)
    assert schedule.objective_value == pytest.approx(schedule.cost)


@pytest.mark.parametrize(("gap", "cost"), [(2, 100.0), (3, 200.0), (7, 200.0), (8, 500.0), (9, 500.0)])
def test_a_later_start_costs_by_the_hours_since_its_stop(gap: int, cost: float) -> None:
    asset = engine(start_costs=((0.0, 100.0), (3.0, 200.0), (8.0, 500.0)), running_cost_per_h=300.0)
    schedule = planned(request([asset], [5.0, *[0.0] * gap, 5.0], initial={"engine1": RUNNING}))
    assert on_steps(schedule.on[0]) == [0, gap + 1]
    assert schedule.cost == pytest.approx(2 * 400.0 + cost)
    assert schedule.objective_value == pytest.approx(schedule.cost)


def test_one_stop_makes_only_one_start_warm() -> None:
    first = engine(start_costs=((0.0, 100.0), (8.0, 500.0)), running_cost_per_h=2_000.0)
    schedule = planned(request([first], [5.0, 0.0, 5.0, 0.0, 5.0], initial={"engine1": {"hours_in_state": 50.0}}))
    assert schedule.cost == pytest.approx(3 * 2_100.0 + 500.0 + 2 * 100.0)
    assert schedule.objective_value == pytest.approx(schedule.cost)


def test_a_dear_start_is_spared_by_running_through() -> None:
    asset = engine(start_costs=((0.0, 5_000.0),))
    schedule = planned(request([asset], [5.0, 0.0, 5.0], initial={"engine1": RUNNING}))
    assert schedule.on[0].all()  # 4 MWh dumped at 500 and burned at 20 cost less than a start


def test_a_microturbine_gives_less_in_the_heat() -> None:
    turbine = engine("microturbine1", kind=AssetKind.MICROTURBINE, derating_per_degc=0.01)
    schedule = planned(request([turbine], [10.0, 10.0, 10.0], ambient_degc=[5.0, 15.0, 35.0]))
    assert schedule.power_mw[0] == pytest.approx([10.0, 10.0, 8.0])


def test_spinning_reserve_is_kept_free_below_the_rating() -> None:
    schedule = planned(request([engine(), engine("engine2", fuel_price_per_mwh=50.0)], [8.0], reserve_mw=3.0))
    assert schedule.on[:, 0].all()  # one engine alone could hold 2 MW only
    assert schedule.power_mw[:, 0] == pytest.approx([4.0, 4.0])
    assert schedule.reserve_mw.sum() >= 3.0 - 1e-6


def test_reserve_is_what_the_ramp_gives_in_ten_minutes() -> None:
    schedule = planned(request([engine(ramp_up_mw_per_min=0.1)], [5.0], reserve_mw=4.0, initial={"engine1": RUNNING}))
    assert schedule.reserve_mw[0, 0] == pytest.approx(1.0)
    assert amount(schedule, "reserve requirement") == pytest.approx(3.0)


def test_an_asset_without_reserve_holds_none() -> None:
    schedule = planned(request([engine(reserve=False)], [5.0], reserve_mw=1.0))
    assert schedule.reserve_mw.sum() == 0.0
    assert limits(schedule) == {"reserve requirement"}


def test_what_is_not_usable_is_planned_off_whatever_it_did() -> None:
    state = {**RUNNING, "usable": False, "hours_in_state": 0.1, "power_mw": np.nan}
    schedule = planned(request([engine(minimum_up_s=7200.0)], [5.0] * 3, initial={"engine1": state}))
    assert not schedule.on.any()
    assert schedule.power_mw.sum() == 0.0
    assert limits(schedule) == {"requirement"}
    assert schedule.cost == 0.0


def test_a_derating_that_falls_faster_than_the_ramp_gives_way_in_words() -> None:
    turbine = engine("mt1", kind=AssetKind.MICROTURBINE, derating_per_degc=0.01, ramp_down_mw_per_min=1.0 / 60)
    state = {**RUNNING, "power_mw": 10.0}
    schedule = planned(request([turbine], [10.0], ambient_degc=45.0, initial={"mt1": state}))
    assert schedule.power_mw[0, 0] == pytest.approx(7.0)
    assert amount(schedule, "mt1 ramp down") == pytest.approx(2.0)
