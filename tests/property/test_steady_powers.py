"""Equal incremental cost along the heat rates: what a linear programme over their segments costs."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.linear_solver import pywraplp

from tests.unit.plant.fleets import BATTERY, ENGINE, PV
from vppscada.model.assets import Asset, Fleet
from vppscada.model.limits import Limit, limit_tree
from vppscada.plant.cost_steps import CostSteps, Leeway
from vppscada.plant.dispatch import steady_powers
from vppscada.plant.least_cost import Limits


def some_engine(rng: np.random.Generator, i: int) -> Asset:
    """A heat rate of one to four segments, convex."""
    minimum = float(rng.uniform(0.0, 2.0))
    powers = minimum + np.concatenate([[0.0], np.cumsum(rng.uniform(0.2, 3.0, rng.integers(1, 5)))])
    slopes = np.sort(rng.uniform(1.5, 4.0, len(powers) - 1))
    fuel = minimum * 1.5 + 1.0 + np.concatenate([[0.0], np.cumsum(slopes * np.diff(powers))])
    return replace(
        ENGINE,
        name=f"engine{i}",
        minimum_mw=minimum,
        rating_mw=float(powers[-1]),
        heat_rate=tuple(zip(powers.tolist(), fuel.tolist(), strict=True)),
        fuel_price_per_mwh=float(rng.uniform(10.0, 60.0)),
        variable_cost_per_mwh=float(rng.choice([0.0, 5.0])),
    )


def some_leeway(rng: np.random.Generator, fleet: Fleet, anchored: bool) -> Leeway:
    low = np.array([asset.minimum_mw for asset in fleet.assets])
    high = np.array([asset.rating_mw for asset in fleet.assets])
    variable = np.array([asset.variable_cost_per_mwh for asset in fleet.assets])
    return Leeway(
        low_mw=low,
        high_mw=high,
        base_mw=rng.uniform(low, high),
        reserved_mw=np.zeros(len(fleet)),
        below=variable,
        above=variable,
        anchored=np.full(len(fleet), anchored),
    )


def cost(fleet: Fleet, power_mw: np.ndarray) -> float:
    """Fuel by interpolation along the curve, and maintenance."""
    total = 0.0
    for asset, power in zip(fleet.assets, power_mw, strict=True):
        at, fuel = np.array(asset.heat_rate).T
        total += asset.fuel_price_per_mwh * float(np.interp(power, at, fuel)) + asset.variable_cost_per_mwh * power
    return total


def programme(fleet: Fleet, target_mw: float, low: np.ndarray, most_of_first_two_mw: float) -> float:
    """Least cost by GLOP: a variable for each segment, from ``low`` on."""
    solver = pywraplp.Solver.CreateSolver("GLOP")
    balance = solver.Constraint(*[float(target_mw - low.sum())] * 2)
    pair = solver.Constraint(-solver.infinity(), float(most_of_first_two_mw - low[:2].sum()))
    objective = solver.Objective()
    for i, asset in enumerate(fleet.assets):
        points = asset.heat_rate
        for (a, fuel_a), (b, fuel_b) in itertools.pairwise(points):
            piece = solver.NumVar(0.0, max(b - max(a, float(low[i])), 0.0), "")
            balance.SetCoefficient(piece, 1.0)
            if i < 2:
                pair.SetCoefficient(piece, 1.0)
            slope = asset.fuel_price_per_mwh * (fuel_b - fuel_a) / (b - a) + asset.variable_cost_per_mwh
            objective.SetCoefficient(piece, slope)
    assert solver.Solve() == pywraplp.Solver.OPTIMAL
    return cost(fleet, low) + float(objective.Value())


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=150)
def test_engines_share_a_target_at_the_cost_of_the_linear_programme(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fleet = Fleet(tuple(some_engine(rng, i) for i in range(rng.integers(2, 7))))
    leeway = some_leeway(rng, fleet, anchored=False)
    names = [asset.name for asset in fleet.assets]
    most = float(rng.uniform(leeway.low_mw[:2].sum(), leeway.high_mw[:2].sum()))
    limits = Limits.of(limit_tree([Limit("pair", "", tuple(names[:2]), most)], names), len(fleet))
    lowest, highest = limits.reach(leeway.low_mw, leeway.high_mw)
    target = float(rng.uniform(lowest, highest))
    power = steady_powers(target, leeway, CostSteps(fleet), limits)
    assert power.sum() == pytest.approx(target, abs=1e-9) and power[:2].sum() <= most + 1e-9
    assert cost(fleet, power) == pytest.approx(programme(fleet, target, leeway.low_mw, most), abs=1e-6)


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=100)
def test_from_anchored_bases_only_the_difference_is_shared_and_that_at_least_cost(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fleet = Fleet(tuple(some_engine(rng, i) for i in range(rng.integers(2, 7))))
    leeway = some_leeway(rng, fleet, anchored=True)
    names = [asset.name for asset in fleet.assets]
    unlimited = Limits.of(limit_tree([], names), len(fleet))
    target = float(rng.uniform(leeway.base_mw.sum(), leeway.high_mw.sum()))
    power = steady_powers(target, leeway, CostSteps(fleet), unlimited)
    assert (power >= leeway.base_mw - 1e-9).all()
    assert cost(fleet, power) == pytest.approx(programme(fleet, target, leeway.base_mw, 1e9), abs=1e-6)
    lower = float(rng.uniform(leeway.low_mw.sum(), leeway.base_mw.sum()))
    assert (steady_powers(lower, leeway, CostSteps(fleet), unlimited) <= leeway.base_mw + 1e-9).all()


def test_storage_and_sun_have_no_heat_rate_and_stand_in_the_order_of_their_offers() -> None:
    fleet = Fleet((ENGINE, PV, BATTERY))
    nothing = np.zeros(3)
    leeway = Leeway(
        low_mw=np.array([3.0, 0.0, -5.0]),
        high_mw=np.array([10.0, 8.0, 5.0]),
        base_mw=np.array([5.0, 8.0, 0.0]),
        reserved_mw=nothing,
        below=np.array([0.0, -15.0, 60.0]),
        above=np.array([0.0, 0.0, 90.0]),
        anchored=np.ones(3, dtype=np.bool_),
    )
    unlimited = Limits.of(limit_tree([], ["a", "b", "c"]), 3)
    slope = 35.0 * (24.0 - 8.5) / 7.0  # 77.5: cheaper than what the battery wants, dearer than what it pays
    assert 60.0 < slope < 90.0
    steps = CostSteps(fleet)
    assert steady_powers(20.0, leeway, steps, unlimited).tolist() == pytest.approx([10.0, 8.0, 2.0])
    assert steady_powers(9.0, leeway, steps, unlimited).tolist() == pytest.approx([3.0, 8.0, -2.0])
    assert steady_powers(1.0, leeway, steps, unlimited).tolist() == pytest.approx([3.0, 3.0, -5.0])
