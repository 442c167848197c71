"""At any prices the assets' own best bounds the plan of all from below; no plan is worth more than its asset's best."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.scheduling.decomposition.fleets import (
    Column,
    Parts,
    optimum,
    parts_of,
    small,
    some_prices,
    without_odd_ones,
)


def asked(parts: Parts, energy: Column, reserve: Column) -> float:
    """The bound at prices; the plans that came with it are worth no more than their bounds."""
    hours = parts.request.step_s / 3600.0
    gained, made = parts.units.answer(energy, reserve)
    stored, flow = parts.stores.answer(energy, reserve)
    for most, worth in (
        (gained, hours * (made.power @ energy + made.reserve @ reserve) - made.cost),
        (stored, hours * (flow.power @ energy + flow.reserve @ reserve) - flow.cost),
    ):
        assert (worth <= most + 1e-6 * np.maximum(np.abs(most), 1.0)).all()
    return parts.plant.least(energy, reserve) - float(gained.sum() + stored.sum())


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_price_bounds_above_the_optimum(seed: int) -> None:
    request = without_odd_ones(small(seed))
    best = optimum(request).objective_value
    parts = parts_of(request)
    rng = np.random.default_rng(seed)
    for _ in range(4):
        assert asked(parts, *some_prices(parts, rng)) <= best + 1e-6 * max(abs(best), 1.0)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_prices_of_the_optimum_bound_it_too(seed: int) -> None:
    request = without_odd_ones(small(seed))
    schedule = optimum(request)
    parts = parts_of(request)
    prices = parts.plant.clipped(schedule.marginal_price_per_mwh, np.zeros(request.steps))
    assert asked(parts, *prices) <= schedule.objective_value + 1e-6 * max(abs(schedule.objective_value), 1.0)
