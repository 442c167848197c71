"""An earlier schedule is a guess: it may be shifted, wrong or of another fleet, and never spoils a plan."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.scheduling.requests import MIDNIGHT_MS, engine, planned, request
from vppscada.model.assets import Asset
from vppscada.model.schedule import Schedule, ScheduleRequest
from vppscada.scheduling.earlier import Earlier, planned_on
from vppscada.scheduling.formulation import formulate
from vppscada.scheduling.solve import solve
from vppscada.scheduling.violations import violations

FLEET = (engine(minimum_up_s=7200.0), engine("engine2", fuel_price_per_mwh=12.0, start_costs=((0.0, 100.0),)))
LOAD = [5.0, 12.0, 15.0, 12.0, 5.0, 5.0]


def later(hours: float, fleet: tuple[Asset, ...] = FLEET, **states: object) -> ScheduleRequest:
    initial = {"engine1": {"on": True, "power_mw": 5.0, **states}}
    return request(fleet, LOAD, start_ms=MIDNIGHT_MS + round(hours * 3_600_000), initial=initial)


def earlier() -> Earlier:
    """Engine 1 on all along, engine 2 in steps 1 to 3."""
    schedule = planned(request(FLEET, LOAD, initial={"engine1": {"on": True, "power_mw": 5.0}}))
    assert schedule.on.astype(int).tolist() == [[1, 1, 1, 1, 1, 1], [0, 1, 1, 1, 0, 0]]
    return Earlier(FLEET, schedule)


def test_it_is_moved_by_the_steps_that_have_passed_and_its_end_goes_on() -> None:
    guess = planned_on(formulate(later(2)), earlier())
    assert guess is not None
    assert guess.astype(int).tolist() == [[1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0]]


@pytest.mark.parametrize("hours", [-1.0, 0.5, 6.0, 100.0])
def test_one_that_does_not_cover_the_first_step_is_no_guess(hours: float) -> None:
    assert planned_on(formulate(later(hours)), earlier()) is None


def test_one_of_another_fleet_or_another_step_is_no_guess() -> None:
    assert planned_on(formulate(later(1, FLEET[:1])), earlier()) is None
    assert planned_on(formulate(replace(later(1), step_s=900.0)), earlier()) is None
    assert planned_on(formulate(later(1)), None) is None


def test_what_is_not_usable_any_more_is_left_out_of_it() -> None:
    guess = planned_on(formulate(later(1, usable=False)), earlier())
    assert guess is not None
    assert guess.astype(int).tolist() == [[1, 1, 1, 0, 0, 0]]


def test_what_its_times_hold_on_is_on_whatever_was_planned() -> None:
    before = earlier()
    before.schedule.on[0] = False
    guess = planned_on(formulate(later(1, hours_in_state=0.0)), before)
    assert guess is not None
    assert guess[0].astype(int).tolist() == [1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("seed", range(6))
def test_a_wrong_guess_ends_at_the_same_optimum(seed: int) -> None:
    before = earlier()
    before.schedule.on[:] = np.random.default_rng(seed).random(before.schedule.on.shape) < 0.5
    asked = later(1)
    guided, alone = solve(asked, before), solve(asked)
    assert isinstance(guided, Schedule)
    assert isinstance(alone, Schedule)
    assert guided.objective_value == pytest.approx(alone.objective_value)
    assert violations(asked, guided) == []
