"""A schedule at the deadline: checked, with a bound that holds, and no process left behind."""

import json
import multiprocessing
from pathlib import Path

import pytest

from tests.unit.scheduling.unit_commitment.instances import instance, problem
from tests.unit.scheduling.unit_commitment.test_formulations import plain_optimum
from vppscada.scheduling.unit_commitment.checker import cost_of, faults
from vppscada.scheduling.unit_commitment.problem import Problem
from vppscada.scheduling.unit_commitment.reading import BadProblem, problem_of, read_problem
from vppscada.scheduling.unit_commitment.solve import solve


def possible(units: int, steps: int) -> Problem:
    """The first of the random problems that can be met."""
    for seed in range(50):
        asked = problem(seed, units, steps)
        if plain_optimum(asked).found:
            return asked
    raise AssertionError("none of fifty problems can be met")


@pytest.mark.parametrize(("units", "steps"), [(4, 8), (12, 24)])
def test_what_is_found_is_checked_and_bounded(units: int, steps: int) -> None:
    asked = possible(units, steps)
    outcome = solve(asked, 20.0, 1e-3)
    best = plain_optimum(asked).objective
    assert outcome.commitment is not None
    assert faults(asked, outcome.commitment) == []
    cost = cost_of(asked, outcome.commitment)
    assert cost == pytest.approx(outcome.commitment.cost, rel=1e-6)
    assert outcome.bound <= best * (1.0 + 1e-6) <= cost * (1.0 + 2e-6)
    assert outcome.gap <= 1e-3
    assert multiprocessing.active_children() == []


def test_what_cannot_be_met_is_told_and_not_searched_for() -> None:
    data = instance(1)
    data["demand"] = [1e6] * data["time_periods"]
    data["renewable_generators"] = {}
    outcome = solve(problem_of(data), 20.0)
    assert outcome.commitment is None and outcome.reason
    assert multiprocessing.active_children() == []


def test_without_time_there_is_no_schedule_and_no_exception() -> None:
    outcome = solve(possible(4, 8), 0.0)
    assert outcome.commitment is None and outcome.reason
    assert multiprocessing.active_children() == []


def test_a_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "instance.json"
    file.write_text(json.dumps(instance(3)))
    read = read_problem(file)
    assert len(read) == 4 and read.steps == 8
    assert read.renewable_names == ("wind", "sun")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("power_output_maximum", -1.0, "power_output_maximum"),
        ("time_up_minimum", "soon", "time_up_minimum"),
        ("startup", [], "startup"),
        ("piecewise_production", [{"mw": 0.0}], "cost"),
        ("ramp_up_limit", None, "ramp_up_limit"),
        ("unit_on_t0", 3, "unit_on_t0"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_its_place(field: str, value: object, words: str) -> None:
    data = instance(3)
    data["thermal_generators"]["unit1"][field] = value
    with pytest.raises(BadProblem, match=rf"unit1.*{words}"):
        problem_of(data)
