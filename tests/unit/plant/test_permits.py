"""What permits of emergency generators refuse, and that the plant keeps to it."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.plant.fleets import BATTERY, EMERGENCY, ENGINE, states
from tests.unit.plant.schedules import schedule
from vppscada.model.assets import Fleet
from vppscada.plant.cycle import Decision, Plant, run_cycle
from vppscada.plant.memory import Memory, Orders, PlantMode
from vppscada.plant.permits import RunHours, refusal
from vppscada.station.plant_points import permit_values

PERIOD_H = 2.0 / 3600.0
TRIED = replace(
    EMERGENCY,
    permitted_hours_per_day=4.0,
    permitted_hours_per_year=200.0,
    non_emergency_hours_per_day=1.0,
    non_emergency_hours_per_year=50.0,
    minimum_up_s=1800.0,
)
FLEET = Fleet((ENGINE, TRIED, BATTERY))
PLANT = Plant.of(FLEET, settle_s=60.0)
PLAN = schedule(on=[[True] * 4] * 3)
FOLLOW = Orders(12.0, PlantMode.FOLLOW, enabled=True)


def decided(memory: Memory, *, running: bool, plan: bool = True, plant: Plant = PLANT) -> Decision:
    now = states(plant.fleet, on=[True, running, True], power_mw=[10.0, 0.5 if running else 0.0, 0.0])
    return run_cycle(plant, memory, now, FOLLOW, PLAN if plan else None, 0, 0.0, PERIOD_H)


def used(memory: Memory, called_h: float, other_h: float, *, emergency: bool, year_h: float = 0.0) -> Memory:
    """So many hours run today, and ``year_h`` more of the other kind before."""
    both = np.array([0.0, called_h + other_h, 0.0])
    others = np.array([0.0, other_h, 0.0])
    more = np.array([0.0, year_h, 0.0])
    return replace(
        memory,
        run_hours_today=both,
        run_hours_year=both + more,
        non_emergency_today=others,
        non_emergency_year=others + more,
        emergency=emergency,
    )


FRESH = Memory.fresh(3, 0)


@pytest.mark.parametrize(
    ("memory", "starts"),
    [
        (used(FRESH, 0.0, 0.0, emergency=False), True),
        (used(FRESH, 0.0, 1.0, emergency=False), False),
        (used(FRESH, 0.0, 1.0, emergency=True), True),  # what was run without one is none of these hours
        (used(FRESH, 4.0, 0.0, emergency=True), False),
        (used(FRESH, 4.0, 0.0, emergency=False), True),
        (used(FRESH, 0.0, 0.0, emergency=False, year_h=50.0), False),
        (used(FRESH, 0.0, 0.0, emergency=True, year_h=50.0), True),
    ],
)
def test_it_is_started_only_while_hours_of_its_kind_are_left(memory: Memory, starts: bool) -> None:
    assert decided(memory, running=False).dispatch.start.tolist() == [False, starts, False]


@pytest.mark.parametrize("plan", [True, False])
def test_what_has_used_its_hours_up_is_stopped_whatever_the_plan_and_its_minimum_up_time(plan: bool) -> None:
    memory = replace(used(FRESH, 0.0, 1.0, emergency=False), seen=np.ones(3, dtype=np.bool_), was_on=np.ones(3, bool))
    memory = replace(memory, seconds_in_state=np.array([9e4, 60.0, 9e4]))
    assert decided(memory, running=True, plan=plan).dispatch.stop.tolist() == [False, True, False]
    called = replace(memory, emergency=True)
    assert not decided(called, running=True, plan=plan).dispatch.stop.any()


def test_a_generator_without_hours_for_anything_else_is_not_stopped_at_its_panel() -> None:
    fleet = Fleet((ENGINE, EMERGENCY, BATTERY))
    plant = Plant.of(fleet, settle_s=60.0)
    memory = replace(FRESH, seen=np.ones(3, dtype=np.bool_), was_on=np.ones(3, dtype=np.bool_))
    assert not decided(memory, running=True, plan=False, plant=plant).dispatch.stop.any()
    assert not decided(memory, running=False, plant=plant).dispatch.start.any()


def test_engines_have_no_permits() -> None:
    nothing = RunHours(*(np.zeros(3) for _ in range(4)))
    refused = refusal(PLANT.emergency, nothing, nothing, emergency=True, hours=1.0)
    assert refused.start.tolist() == [False, True, False]


def test_points_tell_what_is_left_of_both() -> None:
    memory = used(FRESH, 1.5, 0.25, emergency=True, year_h=49.0)
    told = permit_values(PLANT, memory)
    assert told == {"emergency": 1.0, "emergency_hours_left": 2.5, "non_emergency_hours_left": 0.75}
    none = permit_values(Plant.of(Fleet((ENGINE,)), settle_s=60.0), Memory.fresh(1, 0))
    assert none["emergency"] == 0.0 and np.isnan(none["emergency_hours_left"])
