"""What running costs, and the books of the plant."""

import numpy as np
import pytest

from vppscada.model.assets import Asset, AssetKind, Fleet
from vppscada.plant.accounting import FleetCosts, Totals, advance

ENGINE = Asset(
    name="engine1",
    kind=AssetKind.RECIPROCATING_ENGINE,
    session="engine1",
    rating_mw=10.0,
    minimum_mw=4.0,
    fuel_price_per_mwh=30.0,
    heat_rate=((4.0, 11.0), (7.0, 17.0), (10.0, 24.5)),
    running_cost_per_h=8.0,
    variable_cost_per_mwh=2.0,
    start_costs=((0.0, 50.0), (4.0, 120.0), (12.0, 300.0)),
)
SUN = Asset(name="pv1", kind=AssetKind.PHOTOVOLTAIC, session="pv1", rating_mw=8.0, variable_cost_per_mwh=0.5)
BATTERY = Asset(
    name="battery1",
    kind=AssetKind.BATTERY,
    session="battery1",
    rating_mw=5.0,
    charge_rating_mw=5.0,
    capacity_mwh=10.0,
    variable_cost_per_mwh=6.0,
)
FLEET = Fleet((ENGINE, SUN, BATTERY))
COSTS = FleetCosts(FLEET)
OFF = np.array([False, True, True])
ON = np.array([True, True, True])


def power(*mw: float) -> np.ndarray:
    return np.array(mw)


def test_fuel_follows_the_curve_between_breakpoints() -> None:
    at = COSTS.running_cost_per_h(power(5.5, 0.0, 0.0), ON)
    assert at[0] == pytest.approx(14.0 * 30.0 + 8.0 + 2.0 * 5.5)


def test_beyond_the_last_breakpoint_its_slope_goes_on() -> None:
    assert COSTS.running_cost_per_h(power(11.0, 0.0, 0.0), ON)[0] == pytest.approx(27.0 * 30.0 + 8.0 + 22.0)


def test_a_thermal_asset_that_is_off_costs_nothing_but_an_idling_one_does() -> None:
    assert COSTS.running_cost_per_h(power(0.0, 0.0, 0.0), OFF)[0] == 0.0
    assert COSTS.running_cost_per_h(power(0.0, 0.0, 0.0), ON)[0] == pytest.approx(3.0 * 30.0 + 8.0)


def test_only_discharge_wears_a_battery() -> None:
    assert COSTS.running_cost_per_h(power(0.0, 0.0, -5.0), ON)[2] == 0.0
    assert COSTS.running_cost_per_h(power(0.0, 0.0, 3.0), ON)[2] == pytest.approx(18.0)


def test_unknown_power_costs_no_more_than_being_on() -> None:
    assert COSTS.running_cost_per_h(power(np.nan, np.nan, np.nan), OFF).tolist() == [0.0, 0.0, 0.0]


def test_marginal_cost_is_the_slope_at_the_power() -> None:
    assert COSTS.marginal_cost_per_mwh(power(5.0, 1.0, -2.0), ON) == pytest.approx([62.0, 0.5, 6.0])
    assert COSTS.marginal_cost_per_mwh(power(8.0, 1.0, 2.0), ON) == pytest.approx([77.0, 0.5, 6.0])


def test_marginal_cost_of_what_is_off_is_that_at_its_stable_minimum() -> None:
    assert COSTS.marginal_cost_per_mwh(power(9.0, 0.0, 0.0), OFF)[0] == pytest.approx(62.0)


def test_a_curve_of_one_breakpoint_is_a_straight_line() -> None:
    line = Asset(
        name="g",
        kind=AssetKind.MICROTURBINE,
        session="g",
        rating_mw=1.0,
        fuel_price_per_mwh=10.0,
        heat_rate=((1.0, 3.0),),
    )
    assert FleetCosts(Fleet((line,))).running_cost_per_h(power(0.5), np.array([True])) == pytest.approx([15.0])


@pytest.mark.parametrize(("hours_off", "cost"), [(0.0, 50.0), (3.9, 50.0), (4.0, 120.0), (11.9, 120.0), (12.0, 300.0)])
def test_a_start_costs_by_the_time_off(hours_off: float, cost: float) -> None:
    assert COSTS.start_cost(0, hours_off) == cost
    assert COSTS.start_cost(1, hours_off) == 0.0


def test_energy_cost_and_revenue_add_up() -> None:
    totals = Totals()
    for _ in range(2):
        totals = advance(totals, 0.5, 12.0, power(5.5, 6.0, -1.0), ON, 40.0, COSTS)
    assert totals.energy_mwh == pytest.approx(10.5)
    assert totals.revenue == pytest.approx(420.0)
    assert totals.cost == pytest.approx(14.0 * 30.0 + 8.0 + 11.0 + 3.0)
    assert totals.unserved_mwh == pytest.approx(1.5)
    assert totals.starts == 0


def test_delivery_beyond_the_target_makes_good_nothing() -> None:
    totals = advance(Totals(), 1.0, 12.0, power(0.0, 8.0, 0.0), OFF, 0.0, COSTS)
    totals = advance(totals, 1.0, 4.0, power(0.0, 8.0, 0.0), OFF, 0.0, COSTS)
    assert totals.unserved_mwh == pytest.approx(4.0)


def test_a_target_to_absorb_leaves_nothing_unserved() -> None:
    assert advance(Totals(), 1.0, -3.0, power(0.0, 0.0, -5.0), OFF, 0.0, COSTS).unserved_mwh == 0.0


def test_a_negative_price_is_paid_for_delivery() -> None:
    assert advance(Totals(), 1.0, 8.0, power(0.0, 8.0, 0.0), OFF, -10.0, COSTS).revenue == pytest.approx(-80.0)


def test_starts_are_counted_once_and_cost_by_the_time_off() -> None:
    totals = advance(Totals(), 1.0, 0.0, power(5.0, 0.0, 0.0), ON, 0.0, COSTS)
    for _ in range(5):
        totals = advance(totals, 1.0, 0.0, power(0.0, 0.0, 0.0), OFF, 0.0, COSTS)
    before = totals.cost
    totals = advance(totals, 0.0, 0.0, power(0.0, 0.0, 0.0), ON, 0.0, COSTS)
    assert totals.starts == 1
    assert totals.cost - before == pytest.approx(120.0)
    totals = advance(totals, 0.0, 0.0, power(0.0, 0.0, 0.0), ON, 0.0, COSTS)
    assert totals.starts == 1


def test_what_ran_before_the_books_were_opened_is_no_start() -> None:
    assert advance(Totals(), 1.0, 0.0, power(5.0, 0.0, 0.0), ON, 0.0, COSTS).starts == 0


def test_sun_not_taken_counts_as_curtailed_where_it_is_told() -> None:
    available = power(10.0, 7.0, 5.0)
    totals = advance(Totals(), 2.0, 0.0, power(0.0, 4.0, 0.0), OFF, 0.0, COSTS, available)
    assert totals.curtailed_mwh == pytest.approx(6.0)


def test_books_survive_the_journal() -> None:
    totals = advance(Totals(), 1.0, 12.0, power(5.5, 6.0, -1.0), OFF, 40.0, COSTS)
    again = Totals.from_json(totals.to_json())
    assert again.to_json() == totals.to_json()
    started = advance(again, 0.0, 0.0, power(5.5, 6.0, -1.0), ON, 40.0, COSTS)
    assert started.starts == 1


@pytest.mark.parametrize("text", ["{}", "[]", "no", '{"energy_mwh": 1}'])
def test_what_is_no_book_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        Totals.from_json(text)


def test_books_of_another_fleet_go_on_without_counting_its_starts() -> None:
    totals = advance(Totals(), 1.0, 0.0, power(0.0, 0.0, 0.0), OFF, 0.0, COSTS)
    smaller = FleetCosts(Fleet((ENGINE,)))
    moved = advance(totals, 1.0, 0.0, power(5.0), np.array([True]), 0.0, smaller)
    assert moved.starts == 0
    assert moved.was_on.tolist() == [True]
