"""What each asset offers, and the curve of the plant, against numbers worked out by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.plant.fleets import BATTERY, EMERGENCY, ENGINE, FLYWHEEL, PV, states
from vppscada.model.assets import Asset, AssetStates, Fleet
from vppscada.model.offers import Offers, Units
from vppscada.plant.cost_curve import CostCurve, cost_curve
from vppscada.plant.expectations import Expectations
from vppscada.plant.memory import Memory
from vppscada.plant.offers import OfferTerms, offers
from vppscada.plant.standing import energy_worth, presumed_states, standing_at

#: Fuel 8.5 to 24 MW over 3 to 10 MW at 35: 297.5 per hour at the minimum, 77.5 per MWh above it.
SLOPE = 35.0 * 15.5 / 7.0


def offered(
    assets: list[Asset], units: Units = Units.ON, hours: float = 1.0, worth: float = 50.0, **columns: Any
) -> Offers:
    fleet = Fleet(tuple(assets))
    now = states(fleet, **columns)
    return of(fleet, now, units, hours, worth)


def of(fleet: Fleet, now: AssetStates, units: Units, hours: float = 1.0, worth: float = 50.0, **history: Any) -> Offers:
    terms = OfferTerms(fleet)
    remembered = replace(Memory.fresh(len(fleet), 0).history(fleet), **history)
    stored = np.where(terms.columns.storage, worth, 0.0)
    standing = standing_at(terms, now, remembered, Expectations(), "", 0, hours, stored)
    return offers(terms, now, standing, units, hours)


def test_an_engine_that_is_on_offers_from_its_minimum_along_its_curve() -> None:
    one = offered([ENGINE], power_mw=[5.0])
    assert (one.low_mw[0], one.high_mw[0]) == (3.0, 10.0)
    assert one.cost_at_low[0] == pytest.approx(297.5)
    assert one.slope_per_mwh[0, 0] == pytest.approx(SLOPE)
    assert not one.optional.any()


def test_a_ramp_limits_what_can_be_had_in_the_time() -> None:
    one = offered([ENGINE], hours=0.5 / 60.0, power_mw=[6.0])
    assert (one.low_mw[0], one.high_mw[0]) == pytest.approx((4.0, 8.0))


def test_an_engine_that_is_off_counts_only_where_units_may_be_started() -> None:
    assert cost_curve(offered([ENGINE], Units.ON, on=[False])).power_mw.tolist() == [0.0]
    curve = cost_curve(offered([ENGINE], Units.FREE, on=[False]))
    assert curve.power_mw == pytest.approx([0.0, 10.0])
    assert curve.cost_per_h == pytest.approx([0.0, 840.0])  # 84 on average at full load, and more below it


@pytest.mark.parametrize(
    ("changes", "history"),
    [
        ({"start_time_s": 3600.0}, {}),
        ({}, {"hours_in_state": np.array([0.4])}),
    ],
)
def test_a_start_that_is_not_done_in_time_is_no_offer(changes: dict[str, Any], history: dict[str, Any]) -> None:
    fleet = Fleet((replace(ENGINE, **changes),))
    assert not of(fleet, states(fleet, on=[False]), Units.FREE, **history).optional.any()


def test_a_unit_within_its_minimum_up_time_stays_on() -> None:
    fleet = Fleet((ENGINE,))
    now = states(fleet, power_mw=[3.0])
    assert not of(fleet, now, Units.FREE, hours_in_state=np.array([0.5])).optional.any()
    assert of(fleet, now, Units.FREE, hours_in_state=np.array([1.5])).optional.all()


def test_an_emergency_generator_offers_only_with_permission_and_hours_left() -> None:
    fleet = Fleet((replace(EMERGENCY, permitted_hours_per_day=4.0),))
    now, yes = states(fleet, on=[False]), np.array([True])
    assert not of(fleet, now, Units.FREE).optional.any()
    assert of(fleet, now, Units.FREE, permitted=yes).optional.all()
    assert not of(fleet, now, Units.FREE, permitted=yes, run_hours_today=np.array([3.5])).optional.any()
    hours = np.array([3.5])
    assert of(
        fleet, now, Units.FREE, permitted=yes, run_hours_today=hours, non_emergency_today=hours
    ).optional.all()  # not run in an emergency


def test_a_generator_offers_its_hours_without_an_emergency() -> None:
    fleet = Fleet((replace(EMERGENCY, non_emergency_hours_per_day=4.0, non_emergency_hours_per_year=50.0),))
    now = states(fleet, on=[False])
    assert of(fleet, now, Units.FREE).optional.all()
    hours = np.array([3.5])
    assert not of(fleet, now, Units.FREE, run_hours_today=hours, non_emergency_today=hours).optional.any()


def test_a_store_gives_and_takes_as_long_as_its_energy_lasts_at_what_it_is_worth() -> None:
    one = offered([BATTERY], hours=2.0)
    assert one.high_mw[0] == pytest.approx(4.0 * 0.95 / 2.0)  # 4 MWh above the floor
    assert one.low_mw[0] == pytest.approx(-4.0 / 0.95 / 2.0)
    assert one.slope_per_mwh[0] == pytest.approx([50.0 * 0.95, 50.0 / 0.95 + 8.0])
    assert one.cost_at(np.zeros(1), np.ones(1, dtype=np.bool_)) == pytest.approx([0.0])


def test_a_store_that_would_lose_its_minimum_has_to_be_charged() -> None:
    one = offered([replace(BATTERY, standby_loss_mw=0.5)], stored_mwh=[1.2])
    assert one.high_mw[0] == pytest.approx(-0.3 / 0.95)


def test_storage_of_seconds_gives_nothing_for_an_hour() -> None:
    assert offered([FLYWHEEL]).high_mw[0] == 0.0
    assert offered([FLYWHEEL], hours=0.02).high_mw[0] == 2.0


def test_energy_worth_less_than_nothing_leaves_the_curve_convex() -> None:
    curve = cost_curve(offered([replace(BATTERY, variable_cost_per_mwh=0.0)], worth=-50.0))
    assert len(curve) == 2


def test_what_is_not_usable_goes_on_with_what_it_does() -> None:
    curve = cost_curve(offered([ENGINE, PV], power_mw=[4.0, 0.0], usable=[False, True]))
    assert curve.power_mw == pytest.approx([4.0, 12.0])
    assert curve.cost_per_h[0] == pytest.approx(297.5 + SLOPE)


def test_curtailment_costs_until_the_sun_is_taken() -> None:
    curve = cost_curve(offered([replace(PV, curtailment_cost_per_mwh=10.0)], available_mw=[3.0]))
    assert curve.cost_per_h == pytest.approx([30.0, 0.0])


def test_the_marginal_cost_is_that_of_the_next_and_of_the_last_mwh() -> None:
    curve = CostCurve(np.array([0.0, 2.0, 5.0]), np.array([0.0, 20.0, 80.0]))
    assert curve.marginal_at(2.0) == (10.0, 20.0)
    assert curve.marginal_at(3.0) == (20.0, 20.0)
    less, more = curve.marginal_at(5.0)
    assert (less, np.isnan(more)) == (20.0, True)
    assert np.isnan(curve.marginal_at(0.0)[0])
    assert np.isnan(curve.cost_at(5.1))


def test_a_fleet_of_nothing_holds_nothing() -> None:
    curve = cost_curve(offered([]))
    assert (curve.power_mw.tolist(), curve.cost_per_h.tolist(), curve.marginal_per_mwh.tolist()) == (
        [0.0],
        [0.0],
        [0.0],
    )


def test_of_a_fleet_that_is_presumed_everything_is_usable() -> None:
    fleet = Fleet((ENGINE, EMERGENCY, PV, BATTERY))
    now = presumed_states(fleet, Expectations(), 0, {"engine1": 5.0, "emergency1": -np.inf}, {"battery1": 0.25})
    assert now.power_mw.tolist() == [5.0, 0.5, 0.0, 0.0]
    assert now.stored_mwh[3] == 2.5
    assert now.usable.all() and now.on.all()


def test_without_a_schedule_stored_energy_is_worth_nothing() -> None:
    assert energy_worth(Fleet((BATTERY, ENGINE)), None, 0).tolist() == [0.0, 0.0]


def test_of_a_fleet_of_which_nothing_is_known_the_curve_is_a_point() -> None:
    fleet = Fleet((ENGINE, EMERGENCY, PV, BATTERY, FLYWHEEL))
    nothing = {name: np.full(5, np.nan) for name in ("power_mw", "available_mw", "available_charge_mw", "stored_mwh")}
    flags = {name: np.zeros(5, dtype=np.bool_) for name in ("on", "online", "usable")}
    for units in Units:
        curve = cost_curve(of(fleet, states(fleet, **nothing, **flags), units))
        assert (curve.power_mw.tolist(), curve.cost_per_h.tolist()) == ([0.0], [0.0])
