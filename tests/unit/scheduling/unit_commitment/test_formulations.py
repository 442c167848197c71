"""Two formulations of one problem have one optimum, and the checker, who knows neither, has nothing to say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.scheduling.unit_commitment.instances import problem
from vppscada.scheduling import mathopt
from vppscada.scheduling.unit_commitment.checker import cost_of, faults
from vppscada.scheduling.unit_commitment.disaggregation import units_on
from vppscada.scheduling.unit_commitment.formulation import formulate
from vppscada.scheduling.unit_commitment.groups import Infeasible
from vppscada.scheduling.unit_commitment.plain import commitment_of, plain_formulation
from vppscada.scheduling.unit_commitment.problem import Problem
from vppscada.scheduling.unit_commitment.realisation import Realisation

SEEDS = st.integers(0, 2**32 - 1)


def plain_optimum(asked: Problem) -> mathopt.Answer:
    return mathopt.run(mathopt.model_of(plain_formulation(asked).program.matrices()), 60.0, 0.0)


@settings(max_examples=120, deadline=None)
@given(seed=SEEDS)
def test_the_tight_optimum_is_the_plain_one(seed: int) -> None:
    asked = problem(seed)
    plain = plain_optimum(asked)
    try:
        formulation = formulate(asked)
    except Infeasible:
        assert not plain.found
        return
    tight = mathopt.run(mathopt.model_of(formulation.matrices), 60.0, 0.0)
    assert tight.found == plain.found
    if tight.found:
        assert tight.objective == pytest.approx(plain.objective, rel=1e-6, abs=1e-4)
        on = units_on(formulation, tight.values)
        realised = Realisation(asked).of(on)
        assert realised is not None and realised.commitment is not None
        schedule = realised.commitment
        assert faults(asked, schedule) == []
        assert cost_of(asked, schedule) == pytest.approx(plain.objective, rel=1e-6, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_the_tight_relaxation_is_no_weaker(seed: int) -> None:
    asked = problem(seed)
    plain = plain_formulation(asked).program.matrices()
    try:
        tight = formulate(asked).matrices
    except Infeasible:
        return
    bounds = []
    for matrices in (plain, tight):
        relaxed = mathopt.run(mathopt.model_of(replace(matrices, integer=np.zeros_like(matrices.integer))), 60.0)
        if not relaxed.found:
            return
        bounds.append(relaxed.objective)
    assert bounds[1] >= bounds[0] - 1e-6 * max(abs(bounds[0]), 1.0)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_the_checker_finds_what_is_broken(seed: int) -> None:
    asked = problem(seed)
    plain = plain_formulation(asked)
    answer = plain_optimum(asked)
    if not answer.found:
        return
    schedule = commitment_of(asked, plain, answer.values, answer.objective)
    assert faults(asked, schedule) == []
    rng = np.random.default_rng(seed)
    unit, step = int(rng.integers(len(asked))), int(rng.integers(asked.steps))
    schedule.power[unit, step] += 1.0
    assert faults(asked, schedule) != []
