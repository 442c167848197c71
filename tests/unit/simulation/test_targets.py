"""What the EMS of the demo asks for."""

import numpy as np
import pytest

from vppscada.model.errors import VppscadaError
from vppscada.plant.series import Series
from vppscada.simulation.demo.options import Kill, parse_kill
from vppscada.simulation.demo.targets import TargetPlan, step_for

HOUR_MS = 3_600_000
LOAD = Series("load", np.arange(24) * HOUR_MS, 8.0 + np.arange(24) / 4.0, HOUR_MS, True)


def test_the_target_is_the_expected_load_in_quarter_hours() -> None:
    plan = TargetPlan(LOAD, 40.0)
    first_half = [plan.at(2 * HOUR_MS + ms) for ms in (0, 100_000, 449_999)]
    assert first_half == [pytest.approx(8.5, abs=0.05)] * 3


def test_in_the_second_half_the_operator_may_ask_for_a_step_more_or_less() -> None:
    plan = TargetPlan(LOAD, 40.0, seed=3)
    steps = {round(plan.at(quarter * 900_000 + 450_000) - plan.at(quarter * 900_000), 6) for quarter in range(4, 80)}
    assert steps == {-1.5, 0.0, 1.5}


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    def day(seed: int) -> list[float]:
        return [TargetPlan(LOAD, 40.0, seed).at(ms) for ms in range(0, 24 * HOUR_MS, 450_000)]

    assert day(1) == day(1)
    assert day(1) != day(2)


def test_the_target_stays_within_what_the_fleet_can_be_asked_and_goes_on_after_the_data() -> None:
    plan = TargetPlan(LOAD, 10.0)
    assert all(0.0 <= plan.at(ms) <= 9.0 for ms in range(0, 72 * HOUR_MS, 450_000))


def test_a_target_stands_long_enough_to_be_judged_however_fast_plant_time_runs() -> None:
    assert [step_for(speed) for speed in (1.0, 120.0, 121.0, 600.0)] == [900, 900, 1800, 4500]
    plan = TargetPlan(LOAD, 40.0, step_s=4500)
    assert len({plan.at(ms) for ms in range(0, 2_250_000, 100_000)}) == 1


def test_a_kill_is_read_from_its_words() -> None:
    assert parse_kill("battery1@20:5", frozenset({"battery1"})) == Kill("battery1", 20.0, 5.0)


@pytest.mark.parametrize("text", ["battery1", "battery1@20", "other@20:5", "battery1@x:5", "battery1@-1:5", ""])
def test_a_kill_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(VppscadaError, match="NAME@T:D"):
        parse_kill(text, frozenset({"battery1"}))
