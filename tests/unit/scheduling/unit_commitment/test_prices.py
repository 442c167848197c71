"""What prices prove is true: no unit alone gains more than it is said to, and no schedule costs less than the bound."""

import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.scheduling.unit_commitment.instances import problem
from tests.unit.scheduling.unit_commitment.test_formulations import plain_optimum
from tests.unit.scheduling.unit_commitment.test_solve import possible
from vppscada.scheduling import mathopt
from vppscada.scheduling.unit_commitment import solve as solving
from vppscada.scheduling.unit_commitment.checker import cost_of, faults
from vppscada.scheduling.unit_commitment.groups import Infeasible
from vppscada.scheduling.unit_commitment.plain import plain_formulation
from vppscada.scheduling.unit_commitment.pricing import Pricing
from vppscada.scheduling.unit_commitment.problem import Column, Problem
from vppscada.scheduling.unit_commitment.ramp_prices import ramp_prices
from vppscada.scheduling.unit_commitment.takers import Answers, RampPrices, Takers

SEEDS = st.integers(0, 2**32 - 1)


def most_to_gain(asked: Problem, energy: Column, reserve: Column) -> float | None:
    """What all units together gain at prices, each doing its best: the plain program without what ties them."""
    plain = plain_formulation(asked)
    plain.program.price(plain.above, -energy)
    plain.program.price(plain.on, -asked.minimum_mw[:, None] * energy)
    plain.program.price(plain.reserve, -reserve)
    matrices = plain.program.matrices()
    for rows in (plain.balance, plain.reserves):
        matrices.row_lower[rows], matrices.row_upper[rows] = -np.inf, np.inf
    matrices.lower[plain.renewable] = matrices.upper[plain.renewable] = 0.0
    answer = mathopt.run(mathopt.model_of(matrices), 60.0)
    return -answer.objective if answer.found else None


def drawn(seed: int, asked: Problem) -> tuple[Column, Column, RampPrices]:
    rng = np.random.default_rng(seed)
    shape = (len(asked), asked.steps)
    up, down = (rng.uniform(0.0, 5.0, shape) * (rng.random(shape) < 0.3) for _ in range(2))
    up[:, 0] = down[:, 0] = 0.0
    return rng.uniform(-10.0, 60.0, asked.steps), rng.uniform(0.0, 12.0, asked.steps), RampPrices(up, down)


def takers_of(asked: Problem) -> Takers:
    try:
        return Takers(asked)
    except Infeasible:
        assume(False)
        raise


@settings(max_examples=120, deadline=None)
@given(seed=SEEDS)
def test_no_unit_gains_more_than_it_is_said_to(seed: int) -> None:
    asked = problem(seed)
    takers = takers_of(asked)
    energy, reserve, ramps = drawn(seed, asked)
    most = most_to_gain(asked, energy, reserve)
    assume(most is not None)
    assert most is not None
    plain = takers.answer(energy, reserve)
    for answers in (plain, takers.answer(energy, reserve, ramps)):
        assert answers.profit.sum() >= most - 1e-6 * (1.0 + abs(most))
    found = ramp_prices(takers, plain, energy, reserve)
    assert takers.answer(energy, reserve, found).profit.sum() >= most - 1e-6 * (1.0 + abs(most))


@settings(max_examples=120, deadline=None)
@given(seed=SEEDS)
def test_where_no_ramp_binds_it_is_the_true_gain(seed: int) -> None:
    asked = problem(seed)
    takers = takers_of(asked)
    convex = all((np.diff(slope[width > 0.0]) >= -1e-9).all() for slope, width in _raw_slopes(asked))
    assume(not takers.alone.slow.any() and convex)
    energy, reserve, _ = drawn(seed, asked)
    most = most_to_gain(asked, energy, reserve)
    assume(most is not None)
    assert takers.answer(energy, reserve).profit.sum() == pytest.approx(most, rel=1e-6, abs=1e-6)


def _raw_slopes(asked: Problem) -> list[tuple[Column, Column]]:
    found = []
    for mw, cost in zip(asked.curve_mw, asked.curve_cost, strict=True):
        width = np.diff(mw)
        found.append((np.diff(cost) / np.maximum(width, 1e-12), width))
    return found


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_a_plan_earns_what_it_is_said_to_and_keeps_minimum_times(seed: int) -> None:
    asked = problem(seed)
    takers = takers_of(asked)
    energy, reserve, _ = drawn(seed, asked)
    answers = takers.answer(energy, reserve)
    assume(np.isfinite(answers.profit).all())
    assert answers.profit == pytest.approx(answers.power @ energy + answers.reserve @ reserve - answers.cost)
    for unit in range(len(asked)):
        assert _shortest_times_kept(asked, answers, unit)


def _shortest_times_kept(asked: Problem, answers: Answers, unit: int) -> bool:
    state, lasted = bool(asked.was_on[unit]), int(asked.steps_in_state[unit])
    for on in answers.on[unit]:
        if bool(on) != state:
            if lasted < (asked.minimum_up if state else asked.minimum_down)[unit]:
                return False
            state, lasted = bool(on), 0
        lasted += 1
    return not (asked.must_run[unit] and not answers.on[unit].all())


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_bounds_of_a_search_hold_and_only_rise(seed: int) -> None:
    asked = problem(seed)
    optimum = plain_optimum(asked)
    assume(optimum.found)
    pricing = Pricing(asked)
    assert pricing.search(1e-3, time.monotonic() + 5.0)
    bounds = [pricing.bound]
    pricing.price_ramps()
    bounds.append(pricing.bound)
    assert pricing.search(3e-4, time.monotonic() + 5.0)
    bounds.append(pricing.bound)
    assert bounds == sorted(bounds)
    assert bounds[-1] <= optimum.objective + 1e-6 * abs(optimum.objective)
    assert pricing.mixed is not None
    assert (pricing.mixed.on >= -1e-9).all() and (pricing.mixed.on <= 1.0 + 1e-9).all()


@pytest.mark.parametrize(("units", "steps"), [(4, 8), (12, 24)])
def test_the_way_of_large_problems_leads_to_a_schedule(units: int, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = possible(units, steps)
    monkeypatch.setattr(solving, "is_large", lambda _: True)
    outcome = solving.solve(asked, 8.0, 1e-3)
    optimum = plain_optimum(asked).objective
    assert outcome.commitment is not None
    assert faults(asked, outcome.commitment) == []
    assert cost_of(asked, outcome.commitment) == pytest.approx(outcome.commitment.cost, rel=1e-6)
    assert outcome.bound <= optimum * (1.0 + 1e-6) <= outcome.commitment.cost * (1.0 + 2e-6)
    assert outcome.commitment.cost <= 1.02 * optimum


def test_a_state_that_allows_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = possible(4, 8)
    asked.must_run[:] = True
    asked.was_on[:] = False
    asked.steps_in_state[:] = 1
    asked.minimum_down[:] = 9
    monkeypatch.setattr(solving, "is_large", lambda _: True)
    outcome = solving.solve(asked, 8.0)
    assert outcome.commitment is None and "must run" in outcome.reason
