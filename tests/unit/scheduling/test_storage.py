"""Storage in the plan; every number is worked out by hand."""

from typing import Any

import numpy as np
import pytest

from tests.unit.scheduling.requests import amount, battery, engine, limits, planned, request, solar
from vppscada.model.assets import AssetKind


def held(mwh: float, name: str = "battery1") -> dict[str, dict[str, float]]:
    return {name: {"stored_mwh": mwh}}


TRADING: dict[str, Any] = {"import_limit_mw": 100.0, "export_limit_mw": 100.0}


def test_it_buys_cheap_and_sells_dear() -> None:
    schedule = planned(request([battery()], [0.0, 0.0], price=[10.0, 60.0], **TRADING))
    assert schedule.power_mw[0] == pytest.approx([-4.0, 4.0])
    assert schedule.stored_mwh[0] == pytest.approx([4.0, 0.0])
    assert schedule.revenue == pytest.approx(4 * 60.0 - 4 * 10.0)


def test_what_is_lost_on_the_way_and_wear_must_be_earned() -> None:
    lossy = battery(charge_efficiency=0.8, discharge_efficiency=0.75, variable_cost_per_mwh=5.0)
    idle = planned(request([lossy], [0.0, 0.0], price=[33.5, 60.0], **TRADING))
    assert idle.power_mw[0] == pytest.approx([0.0, 0.0])  # 0.6 × (60 − 5) = 33 per MWh bought
    works = planned(request([lossy], [0.0, 0.0], price=[32.5, 60.0], **TRADING))
    assert works.power_mw[0] == pytest.approx([-4.0, 2.4])
    assert works.cost == pytest.approx(2.4 * 5.0)


def test_stored_energy_is_lost_by_the_hour_and_by_the_share() -> None:
    leaky = battery(self_discharge_per_h=0.1, standby_loss_mw=0.5)
    schedule = planned(request([leaky], [0.0, 0.0], initial=held(6.0), dump_penalty_per_mwh=1e5))
    assert schedule.stored_mwh[0] == pytest.approx([4.9, 3.91])


def test_an_empty_store_loses_nothing_more() -> None:
    leaky = battery(standby_loss_mw=0.5, charge_rating_mw=0.0)
    schedule = planned(request([leaky], [0.0] * 3, initial=held(0.7)))
    assert schedule.stored_mwh[0] == pytest.approx([0.2, 0.0, 0.0])


def test_it_keeps_within_its_state_of_charge() -> None:
    limited = battery(soc_minimum=0.25, soc_maximum=0.75)
    schedule = planned(request([limited], [0.0] * 4, price=[1.0, 1.0, 90.0, 90.0], initial=held(4.0), **TRADING))
    assert schedule.stored_mwh[0].max() == pytest.approx(6.0)
    assert schedule.stored_mwh[0, -1] == pytest.approx(2.0)


def test_lost_load_does_not_open_the_state_of_charge_limit() -> None:
    schedule = planned(request([battery(soc_minimum=0.5)], [3.0, 3.0], initial=held(6.0)))
    assert schedule.stored_mwh[0, -1] == pytest.approx(4.0)
    assert limits(schedule) == {"requirement"}


def test_a_start_below_the_minimum_is_named_and_mended() -> None:
    schedule = planned(request([battery(soc_minimum=0.75)], [0.0] * 3, initial=held(0.0), **TRADING))
    assert schedule.stored_mwh[0, 0] == pytest.approx(4.0)
    assert schedule.stored_mwh[0, 1:].min() >= 6.0 - 1e-6
    assert limits(schedule) == {"battery1 state of charge minimum"}
    assert amount(schedule, "battery1 state of charge minimum") == pytest.approx(2.0)


def test_a_start_below_the_minimum_sheds_no_load_to_mend_it() -> None:
    assets = [battery(soc_minimum=0.5), engine()]
    schedule = planned(request(assets, [10.0, 8.0], initial={**held(3.0)}))
    assert schedule.unserved_mw == pytest.approx([0.0, 0.0])
    assert schedule.power_mw[0] == pytest.approx([0.0, -1.0])


def test_a_start_above_the_maximum_is_named_and_mended() -> None:
    schedule = planned(request([battery(soc_maximum=0.25)], [0.0] * 3, initial=held(8.0), **TRADING))
    assert schedule.stored_mwh[0, 0] == pytest.approx(4.0)
    assert schedule.stored_mwh[0, 1] == pytest.approx(2.0)
    assert limits(schedule) == {"battery1 state of charge maximum"}


def test_what_is_to_be_left_at_the_end_is_left() -> None:
    keeps = battery(soc_final_minimum=0.5)
    schedule = planned(request([keeps], [0.0, 0.0], price=[90.0, 80.0], initial=held(6.0), **TRADING))
    assert schedule.stored_mwh[0, -1] == pytest.approx(4.0)
    assert schedule.power_mw[0] == pytest.approx([4.0, -2.0])


def test_what_cannot_be_left_at_the_end_is_named() -> None:
    schedule = planned(request([battery(soc_final_minimum=1.0)], [0.0], initial=held(1.0), **TRADING))
    assert schedule.stored_mwh[0, -1] == pytest.approx(5.0)
    assert amount(schedule, "battery1 state of charge at the end") == pytest.approx(3.0)


def test_cycles_per_day_limit_the_energy_taken_out() -> None:
    tired = battery(cycles_per_day=0.75)
    price = [1.0, 90.0] * 4
    schedule = planned(request([tired], [0.0] * 8, price=price, **TRADING))
    assert np.maximum(schedule.power_mw[0], 0.0).sum() == pytest.approx(6.0)


def test_cycles_count_anew_after_a_day() -> None:
    tired = battery(cycles_per_day=0.5)
    price = ([1.0, 90.0] + [50.0] * 22) * 2
    schedule = planned(request([tired], [0.0] * 48, price=price, **TRADING))
    assert np.maximum(schedule.power_mw[0], 0.0).sum() == pytest.approx(8.0)


def test_at_a_negative_price_it_does_not_burn_energy_by_charging_and_discharging_at_once() -> None:
    lossy = battery(charge_efficiency=0.9, discharge_efficiency=0.9)
    schedule = planned(request([lossy], [0.0] * 4, price=-100.0, import_limit_mw=10.0))
    # 8 MWh fit in, which takes 8 / 0.9 MWh; burning would import 4 MW in every hour.
    assert schedule.import_mw.sum() == pytest.approx(8.0 / 0.9)
    assert schedule.stored_mwh[0, -1] == pytest.approx(8.0)
    assert schedule.revenue == pytest.approx(100.0 * 8.0 / 0.9)


def test_a_surplus_is_dumped_rather_than_burned_by_charging_and_discharging_at_once() -> None:
    """No price is negative here: only what the solution shows gives it away.

    To give 3 MW in the first hour makes room for 4 MW in the others. Both at once would take 3 MW net all the time.
    """
    lossy = battery(charge_efficiency=0.5, discharge_efficiency=0.5)
    must_run = {"engine1": {"on": True, "power_mw": 4.0, "hours_in_state": 0.0}}
    assets = [lossy, engine(minimum_up_s=4 * 3600.0)]
    schedule = planned(request(assets, [0.0] * 4, initial={**must_run, **held(8.0)}))
    assert schedule.dump_mw.sum() == pytest.approx(7.0)
    assert schedule.gap == pytest.approx(0.0, abs=1e-6)


def test_curtailment_that_costs_is_not_avoided_by_burning() -> None:
    lossy = battery(charge_efficiency=0.5, discharge_efficiency=0.5)
    sun = solar(curtailment_cost_per_mwh=30.0)
    asked = request([lossy, sun], [0.0] * 2, forecast={"pv1": [6.0, 6.0]}, initial=held(8.0))
    schedule = planned(asked)
    assert schedule.power_mw.sum() == pytest.approx(0.0, abs=1e-6)
    assert schedule.objective_value == pytest.approx(360.0)


def test_reserve_needs_the_energy_to_hold_it() -> None:
    schedule = planned(request([battery(discharge_efficiency=0.5)], [0.0], reserve_mw=4.0, initial=held(1.0)))
    assert schedule.reserve_mw[0, 0] == pytest.approx(2.0)  # 2 MW for a quarter of an hour take 1 MWh out
    assert amount(schedule, "reserve requirement") == pytest.approx(2.0)


def test_reserve_needs_its_energy_from_the_beginning_of_a_step_on() -> None:
    schedule = planned(request([battery()], [-4.0, -4.0], reserve_mw=2.0))
    assert schedule.stored_mwh[0, 0] == pytest.approx(4.0)
    assert schedule.reserve_mw[0, 0] == 0.0
    assert schedule.reserve_mw[0, 1] >= 2.0 - 1e-6
    assert amount(schedule, "reserve requirement") == pytest.approx(2.0)


def test_reserve_needs_free_power_and_to_stop_charging_is_reserve_too() -> None:
    asked = request([battery()], [-3.0], reserve_mw=7.0, initial=held(4.0))
    schedule = planned(asked)
    assert schedule.reserve_mw[0, 0] == pytest.approx(7.0)
    full = planned(request([battery()], [3.0], reserve_mw=7.0, initial=held(8.0)))
    assert full.reserve_mw[0, 0] == pytest.approx(1.0)


def test_a_flywheel_plans_reserve_and_its_own_losses_only() -> None:
    wheel = battery("flywheel1", kind=AssetKind.FLYWHEEL, capacity_mwh=1.0, standby_loss_mw=0.1, soc_minimum=0.2)
    asked = request(
        [wheel, engine()], [5.0, 5.0], price=[1.0, 500.0], reserve_mw=1.2, initial=held(0.6, "flywheel1"), **TRADING
    )
    schedule = planned(asked)
    assert (schedule.power_mw[0] <= 0.0).all()
    assert schedule.stored_mwh[0].min() >= 0.2 - 1e-9


def test_what_is_not_usable_or_not_known_stands_idle() -> None:
    assets = [battery(), battery("battery2", standby_loss_mw=0.5), battery("battery3")]
    states = {
        "battery1": {"stored_mwh": np.nan},
        "battery2": {"stored_mwh": 4.0, "usable": False},
        "battery3": {"stored_mwh": 4.0},
    }
    schedule = planned(request(assets, [2.0, 2.0], initial=states))
    assert schedule.power_mw[:2].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert schedule.power_mw[2] == pytest.approx([2.0, 2.0])
    assert schedule.stored_mwh[1] == pytest.approx([3.5, 3.0])
