"""Whatever the costs, boxes and nested limits: sharing without a solver costs what the linear programme costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.linear_solver import pywraplp

from vppscada.model.limits import NONE, LimitTree
from vppscada.plant.least_cost import Limits, Steps, share


def some_tree(rng: np.random.Generator, n: int) -> LimitTree:
    """Up to eight limits, up to eight deep; some assets in none."""
    k = int(rng.integers(0, 9))
    parent = np.array([rng.integers(NONE, i) for i in range(k)], dtype=np.intp)
    node = rng.integers(NONE, k, n) if k else np.zeros(0)
    nothing = np.zeros(k)
    return LimitTree(tuple(f"limit{i}" for i in range(k)), parent, nothing, nothing, node.astype(np.intp))


def some_steps(rng: np.random.Generator, n: int) -> Steps:
    """Up to four steps for each asset, some of no width, some of equal slope."""
    count = rng.integers(0, 5, n)
    asset = np.repeat(np.arange(n), count)
    slope = rng.integers(-20, 100, len(asset)).astype(np.float64)
    return Steps(
        low_mw=rng.integers(-5, 5, n) / 2.0,
        asset=asset,
        width_mw=rng.integers(0, 6, len(asset)) / 2.0,
        slope=slope[np.lexsort((slope, asset))],
    )


def highs(steps: Steps) -> np.ndarray:
    return steps.low_mw + np.bincount(steps.asset, weights=steps.width_mw, minlength=len(steps.low_mw))


def bounded(rng: np.random.Generator, limits: Limits, steps: Steps) -> Limits:
    """Bounds around what some powers within the boxes sum up to, so that all limits can be kept together."""
    high = highs(steps)
    sums = limits.sums(steps.low_mw + rng.random(len(high)) * (high - steps.low_mw))
    k = len(limits)
    below = np.where(rng.random(k) < 0.3, np.inf, rng.integers(0, 4, k) / 2.0)
    above = np.where(rng.random(k) < 0.3, np.inf, rng.integers(0, 4, k) / 2.0)
    return Limits(limits.names, sums - below, sums + above, limits.parent, limits.node, limits.levels, limits.of_depth)


def cost_of(steps: Steps, power_mw: np.ndarray) -> float:
    """Cheapest first within each asset, from its least power on."""
    total = 0.0
    for i, power in enumerate(power_mw):
        left = power - steps.low_mw[i]
        for step in np.flatnonzero(steps.asset == i):
            taken = min(left, steps.width_mw[step])
            total += taken * steps.slope[step]
            left -= taken
        assert left == pytest.approx(0.0, abs=1e-7)
    return total


def programme(target_mw: float, steps: Steps, limits: Limits) -> float:
    """Least cost by GLOP at a target that can be met."""
    solver = pywraplp.Solver.CreateSolver("GLOP")
    taken = [solver.NumVar(0.0, float(width), "") for width in steps.width_mw]
    balance = solver.Constraint(*[float(target_mw - steps.low_mw.sum())] * 2)
    low = limits.sums(steps.low_mw)
    rows = [
        solver.Constraint(float(limits.minimum_mw[i] - low[i]), float(limits.maximum_mw[i] - low[i]))
        for i in range(len(low))
    ]
    objective = solver.Objective()
    for step, variable in enumerate(taken):
        balance.SetCoefficient(variable, 1.0)
        objective.SetCoefficient(variable, float(steps.slope[step]))
        node = limits.node[steps.asset[step]]
        while node != NONE:
            rows[node].SetCoefficient(variable, 1.0)
            node = limits.parent[node]
    assert solver.Solve() == pywraplp.Solver.OPTIMAL
    return float(objective.Value())


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=300)
def test_the_cost_is_that_of_the_linear_programme_and_every_limit_is_kept(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    steps = some_steps(rng, n)
    limits = bounded(rng, Limits.of(some_tree(rng, n), n), steps)
    lowest, highest = limits.reach(steps.low_mw, highs(steps))
    target = lowest + rng.choice([0.0, 0.25, 0.5, rng.random(), 1.0]) * (highest - lowest)
    power = share(target, steps, limits)
    assert power.sum() == pytest.approx(target, abs=1e-9)
    assert (power >= steps.low_mw - 1e-9).all() and (power <= highs(steps) + 1e-9).all()
    sums = limits.sums(power)
    assert (sums >= limits.minimum_mw - 1e-9).all() and (sums <= limits.maximum_mw + 1e-9).all()
    assert cost_of(steps, power) == pytest.approx(programme(target, steps, limits), abs=1e-6)


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=100)
def test_a_target_out_of_reach_is_met_as_nearly_as_limits_allow(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    steps = some_steps(rng, n)
    limits = bounded(rng, Limits.of(some_tree(rng, n), n), steps)
    lowest, highest = limits.reach(steps.low_mw, highs(steps))
    assert share(highest + 5.0, steps, limits).sum() == pytest.approx(highest, abs=1e-9)
    assert share(lowest - 5.0, steps, limits).sum() == pytest.approx(lowest, abs=1e-9)


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=100)
def test_a_limit_that_cannot_be_kept_is_broken_by_no_more_than_must_be(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    steps = some_steps(rng, n)
    whole = LimitTree(("all",), np.array([NONE]), np.array([-np.inf]), np.array([np.inf]), np.zeros(n, np.intp))
    limits = Limits.of(whole, n)
    low, high = float(steps.low_mw.sum()), float(highs(steps).sum())
    too_low = limits.lowered(np.array([low - 3.0]))
    assert share(high, steps, too_low).sum() == pytest.approx(low, abs=1e-9)
    assert too_low.broken(steps.low_mw) == ("all over its maximum by 3.000 MW",)
    too_high = Limits.of(LimitTree(("all",), whole.parent, np.array([high + 2.0]), whole.maximum_mw, whole.node), n)
    assert share(low, steps, too_high).sum() == pytest.approx(high, abs=1e-9)
    assert too_high.broken(highs(steps)) == ("all under its minimum by 2.000 MW",)
