"""The quality of the plant's sums."""

from dataclasses import replace

import numpy as np

from tests.unit.plant.fleets import FLEET, states
from tests.unit.plant.schedules import schedule
from vppscada.model.assets import AssetStates
from vppscada.model.points import Point, PointKind, Role
from vppscada.model.quality import Quality
from vppscada.model.schedule import Objective
from vppscada.plant.cycle import Plant, run_cycle
from vppscada.plant.fleet_view import fleet_rows
from vppscada.plant.memory import Memory, Orders, PlantMode
from vppscada.station.plant_points import measured_values, order_values, regulation_values, schedule_values

PLANT = Plant.of(FLEET, 60.0)
ROWS = fleet_rows(FLEET, [Point("engine1.reactive_power", PointKind.ANALOG_INPUT, Role.REACTIVE_POWER)])


def qualities(now: AssetStates) -> dict[str, Quality]:
    orders = Orders(1.0, PlantMode.FOLLOW, enabled=True)
    decision = run_cycle(PLANT, Memory.fresh(4, 0), now, orders, None, 0, 0.0, 0.001)
    groups = measured_values(decision, now, PLANT.columns, ROWS)
    return {name: quality for values, quality in groups for name in values}


def test_sums_of_what_is_all_known_are_good() -> None:
    assert set(qualities(states()).values()) == {Quality.ONLINE}


def test_a_sum_without_one_of_its_devices_is_not_online() -> None:
    assert set(qualities(states(online=[True, False, True, True])).values()) == {Quality.COMM_LOST}


def test_a_sum_of_energy_that_misses_a_storage_says_so() -> None:
    of = qualities(states(stored_mwh=[np.nan, np.nan, np.nan, 0.2]))
    assert of["stored_energy"] == of["state_of_charge"] == Quality.COMM_LOST
    assert of["active_power"] == of["reactive_power"] == Quality.ONLINE


def test_a_sum_of_reactive_power_misses_only_those_who_measure_it() -> None:
    assert qualities(states(reactive_mvar=[0, np.nan, np.nan, np.nan]))["reactive_power"] == Quality.ONLINE
    assert qualities(states(reactive_mvar=[np.nan, 0, 0, 0]))["reactive_power"] == Quality.COMM_LOST


def test_reserve_on_an_asset_that_does_not_follow_does_not_count() -> None:
    plan = replace(schedule(on=[[True]] * 4), reserve_mw=np.array([[2.0], [0.0], [1.5], [0.5]]))
    everybody = np.ones(4, dtype=np.bool_)
    assert schedule_values(plan, 0, everybody)["reserve"] == 4.0
    assert schedule_values(plan, 0, np.array([False, True, True, True]))["reserve"] == 2.0


def test_regulation_is_told_with_its_scores_which_are_unknown_at_first() -> None:
    orders = Orders(1.0, PlantMode.FOLLOW, enabled=True, regulation=-0.5)
    regulating = Plant.of(FLEET, 60.0, regulation_mw=3.0)
    told = regulation_values(run_cycle(regulating, Memory.fresh(4, 0), states(), orders, None, 0, 0.0, 0.001))
    assert told["regulation"] == -1.5 and np.isnan(told["regulation_score"])
    assert order_values(orders, 1.0, Objective.COST)["regulation_command"] == -0.5
