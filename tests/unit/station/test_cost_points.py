"""The cost curve as points."""

import csv
from pathlib import Path

import numpy as np
import pytest

import point_maps
from tests.unit.plant.fleets import FLEET, states
from tests.unit.plant.schedules import schedule
from vppscada.plant.cost_curve import CostCurve
from vppscada.plant.cycle import Plant, run_cycle
from vppscada.plant.expectations import Expectations
from vppscada.plant.memory import Memory, Orders, PlantMode
from vppscada.station.cost_points import BREAK_POINTS, CostPoints, curve_values

QUARTER = schedule([[True] * 4] * 4)


def test_the_points_are_those_of_the_map() -> None:
    with (Path(point_maps.__path__[0]) / "plant.csv").open(newline="", encoding="utf-8") as file:
        rows = csv.reader(line for line in file if not line.startswith("#"))
        listed = {row[0] for row in rows if row and row[0].startswith("cost_curve_")}
    assert listed == set(curve_values(CostCurve(np.zeros(1), np.zeros(1))))


def test_a_curve_of_few_break_points_repeats_its_last() -> None:
    values = curve_values(CostCurve(np.array([1.0, 3.0]), np.array([10.0, 50.0])))
    assert [values[f"cost_curve_power_{k}"] for k in (1, 2, BREAK_POINTS)] == [1.0, 3.0, 3.0]
    assert [values[f"cost_curve_cost_{k}"] for k in (1, 2, BREAK_POINTS)] == [10.0, 50.0, 50.0]
    assert {values[f"cost_curve_marginal_{k + 1}"] for k in range(BREAK_POINTS)} == {20.0}


def values_of(power_mw: list[float], usable: list[bool]) -> dict[str, float]:
    plant = Plant.of(FLEET, 60.0)
    now = states(power_mw=power_mw, usable=usable)
    orders = Orders(5.0, PlantMode.FOLLOW, enabled=True)
    decision = run_cycle(plant, Memory.fresh(4, 0), now, orders, QUARTER, 0, 0.0, 0.001)
    return CostPoints(FLEET).values(decision, now, QUARTER, Expectations(), "", 0)


def test_the_curve_spans_what_the_units_on_can_hold_for_an_hour() -> None:
    values = values_of([5.0, 0.0, 0.0, 0.0], [True] * 4)
    assert values["cost_curve_power_1"] == pytest.approx(3.0 - 4.0 / 0.95 - 0.2)
    assert values[f"cost_curve_power_{BREAK_POINTS}"] == pytest.approx(10.0 + 8.0 + 3.8)


def test_who_is_not_usable_is_not_moved() -> None:
    values = values_of([5.0, 0.0, 0.0, 0.0], [False, True, False, False])
    assert values["cost_curve_power_1"] == pytest.approx(5.0)
    assert values[f"cost_curve_power_{BREAK_POINTS}"] == pytest.approx(13.0)
