"""Whole cycles on a stepped clock: the fleet obeys perfectly, as far as its ramps allow."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.plant.fleets import BATTERY, EMERGENCY, ENGINE, FLEET, FLYWHEEL, PV, states
from tests.unit.plant.schedules import schedule
from vppscada.model.assets import Asset, Fleet
from vppscada.plant.cycle import Decision, Plant, run_cycle
from vppscada.plant.memory import Memory, Orders, PlantMode
from vppscada.plant.targets import plant_target

PLANT = Plant.of(FLEET, settle_s=60.0)
FOLLOW = Orders(7.0, PlantMode.FOLLOW, enabled=True)
PLAN = schedule(on=[[True] * 4] * 4, power=[[4.0] * 4, [2.0] * 4, [1.0] * 4, [0.0] * 4])
PERIOD_S = 2.0


def cycle(memory: Memory, power: list[float], orders: Orders, at_s: float, **columns: list[bool]) -> Decision:
    now = states(FLEET, power_mw=power, available_mw=[10, 2, 5, 2], **columns)
    return run_cycle(PLANT, memory, now, orders, PLAN, round(at_s * 1000), at_s, PERIOD_S / 3600)


def test_the_setpoints_meet_the_target() -> None:
    decision = cycle(Memory.fresh(4, 0), [4, 2, 1, 0], FOLLOW, 0.0)
    told = np.where(np.isin(np.arange(4), [1]), 2.0, decision.dispatch.setpoint_mw)  # pv1 gives what it has
    assert told.sum() == pytest.approx(7.0)
    assert decision.dispatch.setpoint_mw[1] == 8.0  # and is not curtailed
    assert decision.dispatch.shortfall_mw == 0.0


def test_storage_bridges_the_ramp_and_then_returns() -> None:
    memory, power = Memory.fresh(4, 0), [4.0, 2.0, 0.0, 0.0]
    orders = replace(FOLLOW, target_mw=10.0)
    first = cycle(memory, power, orders, 0.0).dispatch.setpoint_mw
    assert first[0] == pytest.approx(4.0 + 4.0 / 30) and first[3] == pytest.approx(2.0)
    for step in range(60):
        decision = cycle(memory, power, orders, step * PERIOD_S)
        memory = decision.memory
        power = np.where(np.isin(np.arange(4), [1]), 2.0, decision.dispatch.setpoint_mw).tolist()
        assert sum(power) == pytest.approx(10.0, abs=1e-6)
    assert power[3] == pytest.approx(0.0, abs=0.05)
    assert decision.following.all()


def test_an_engine_that_does_nothing_is_taken_as_it_is_and_its_share_given_away() -> None:
    memory, power = Memory.fresh(4, 0), [3.0, 2.0, 0.0, 0.0]
    for step in range(10):
        decision = cycle(memory, power, replace(FOLLOW, target_mw=9.0), step * PERIOD_S)
        memory = decision.memory
        power = [3.0, 2.0, *decision.dispatch.setpoint_mw[2:].tolist()]
    assert not decision.following[0] and np.isnan(decision.dispatch.setpoint_mw[0])
    assert np.nansum(decision.dispatch.setpoint_mw[2:]) == pytest.approx(4.0)


def test_a_plant_at_rest_is_unloaded_and_stopped() -> None:
    rest = replace(FOLLOW, running=False)
    loaded = cycle(Memory.fresh(4, 0), [8.0, 0, 0, 0], rest, 0.0)
    assert loaded.dispatch.setpoint_mw[0] < 8.0 and not loaded.dispatch.stop.any()
    assert cycle(Memory.fresh(4, 0), [3.0, 0, 0, 0], rest, 0.0).dispatch.stop.tolist() == [True, False, False, False]


def test_the_target_is_the_schedules_own_in_schedule_mode() -> None:
    orders = replace(FOLLOW, mode=PlantMode.SCHEDULE)
    assert plant_target(orders, PLAN, 0, np.zeros(4)) == 7.0
    assert plant_target(orders, None, None, np.array([1.0, np.nan])) == 1.0
    assert plant_target(replace(orders, running=False), PLAN, 0, np.zeros(4)) == 0.0


def test_without_a_schedule_what_is_on_stays_on() -> None:
    now = states(power_mw=[4, 2, 0, 0])
    decision = run_cycle(PLANT, Memory.fresh(4, 0), now, FOLLOW, None, 0, 0.0, PERIOD_S / 3600)
    assert not decision.dispatch.stop.any() and not decision.dispatch.start.any()
    assert np.isnan(decision.marginal_price)


def test_emergency_generators_are_permitted_only_after_a_lasting_shortage() -> None:
    fleet = Fleet((ENGINE, EMERGENCY, BATTERY))
    plant = Plant.of(fleet, settle_s=60.0)
    plan = schedule(on=[[True] * 4, [False] * 4, [True] * 4])
    now = states(fleet, on=[True, False, True], power_mw=[10, 0, 5])
    orders = replace(FOLLOW, target_mw=17.0)
    memory = Memory.fresh(3, 0)
    for second, permitted in ((0, False), (119, False), (121, True)):
        memory = run_cycle(plant, memory, now, orders, plan, second * 1000, float(second), PERIOD_S / 3600).memory
        assert memory.emergency is permitted
    enough = replace(orders, target_mw=12.0)
    assert not run_cycle(plant, memory, now, enough, plan, 122_000, 122.0, PERIOD_S / 3600).memory.emergency


def test_a_called_emergency_permits_them_at_once_and_its_end_withdraws_it() -> None:
    now = states(power_mw=[4, 2, 0, 0])
    called = replace(FOLLOW, target_mw=6.0, emergency=True)
    memory = run_cycle(PLANT, Memory.fresh(4, 0), now, called, PLAN, 0, 0.0, PERIOD_S / 3600).memory
    assert memory.emergency
    assert not run_cycle(PLANT, memory, now, replace(called, emergency=False), PLAN, 2000, 2.0, 1e-3).memory.emergency


def test_a_steady_error_is_trimmed_within_bounds() -> None:
    memory = Memory.fresh(4, 0)
    for step in range(400):
        memory = cycle(memory, [4.0, 2.0, 0.9, 0.0], FOLLOW, step * PERIOD_S).memory
    assert 0.0 < memory.trim_mw <= 0.03 * FLEET.rating_mw


@pytest.mark.parametrize("flaw", [{"usable": [False] * 4}, {"online": [False] * 4, "usable": [False] * 4}])
def test_nobody_is_told_anything_when_nobody_is_usable(flaw: dict[str, list[bool]]) -> None:
    decision = cycle(Memory.fresh(4, 0), [0.0] * 4, FOLLOW, 0.0, **flaw)
    assert np.isnan(decision.dispatch.setpoint_mw).all()
    assert decision.dispatch.shortfall_mw == 7.0


def test_at_rest_storage_is_idle_and_the_sun_curtailed() -> None:
    rest = replace(FOLLOW, running=False)
    setpoint = cycle(Memory.fresh(4, 0), [3.0, 2.0, 1.0, -1.0], rest, 0.0).dispatch.setpoint_mw
    assert setpoint[1:].tolist() == [0.0, 0.0, 0.0]
    assert setpoint[0] == 3.0  # unloaded as far as it can be, until it is stopped


@pytest.mark.parametrize("asset", [ENGINE, EMERGENCY, PV, BATTERY, FLYWHEEL])
@pytest.mark.parametrize("online", [True, False])
def test_a_fleet_of_one(asset: Asset, online: bool) -> None:
    fleet = Fleet((asset,))
    now = states(fleet, online=[online], usable=[online], on=[online], power_mw=[0.0 if online else np.nan])
    for mode in PlantMode:
        orders = Orders(asset.rating_mw, mode, enabled=True)
        decision = run_cycle(Plant.of(fleet, 60.0), Memory.fresh(1, 0), now, orders, None, 0, 0.0, PERIOD_S / 3600)
        assert np.isnan(decision.dispatch.setpoint_mw[0]) != online
        assert np.isfinite(decision.dispatch.shortfall_mw) and np.isfinite(decision.state.power_mw)
        assert np.isnan(decision.state.state_of_charge) == (asset.capacity_mwh == 0.0 or not online)


def test_cycles_that_something_wakes_neither_hurry_a_ramp_nor_judge_anybody() -> None:
    orders = replace(FOLLOW, target_mw=12.0)
    memory, power = Memory.fresh(4, 0), [4.0, 2.0, 0.0, 0.0]
    for tenth in range(41):  # four seconds, ten cycles each
        decision = cycle(memory, [4.0, 2.0, *power[2:]], orders, tenth / 10.0)
        memory = decision.memory
        power = decision.dispatch.setpoint_mw.tolist()
        assert decision.following.all()
        assert power[0] <= 4.0 + 4.0 / 60.0 * (PERIOD_S + tenth / 10.0) + 1e-9
    assert power[0] == pytest.approx(4.0 + 4.0 / 60.0 * 4.1)  # its reading stands still: no more than two periods ahead
