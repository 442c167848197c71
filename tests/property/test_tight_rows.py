"""The rows that make the relaxation tight cut off no schedule, whatever is dear, and never make it weaker."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.math_opt import parameters_pb2

from tests.property.test_schedule_against_independent_model import some_products
from tests.property.test_schedule_properties import some_engine, some_request, some_storage
from tests.unit.scheduling.requests import planned, request
from vppscada.model.assets import Asset, AssetKind
from vppscada.model.schedule import ScheduleRequest
from vppscada.scheduling import mathopt
from vppscada.scheduling.formulation import Formulation, formulate
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.program import Matrices, Stage

SEEDS = st.integers(0, 2**32 - 1)
STEPS = 6  # as long as the products of `some_products`
ROUNDING = 1e-5


def slow_engine(rng: np.random.Generator, name: str) -> Asset:
    """Ramps of a few steps over the range, times of up to all the steps."""
    made = some_engine(rng, name)
    return replace(
        made,
        ramp_up_mw_per_min=made.rating_mw * rng.uniform(0.05, 1.2) / 60.0,
        ramp_down_mw_per_min=made.rating_mw * rng.uniform(0.05, 1.2) / 60.0,
        minimum_up_s=3600.0 * rng.integers(1, STEPS + 1),
        minimum_down_s=3600.0 * rng.integers(1, 4),
        start_time_s=0.0,
    )


def slow_request(seed: int) -> ScheduleRequest:
    """One or two slow engines, perhaps beside a store; half of them off at the start, the others at any power."""
    rng = np.random.default_rng(seed)
    assets = [slow_engine(rng, f"asset{i}") for i in range(rng.integers(1, 3))]
    assets += [some_storage(rng, "store")] if rng.random() < 0.3 else []
    initial: dict[str, dict[str, Any]] = {}
    for asset in assets:
        on = bool(rng.random() < 0.5) and asset.capacity_mwh == 0.0
        initial[asset.name] = {
            "on": on,
            "power_mw": asset.minimum_mw + rng.uniform(0.0, 1.0) * (asset.rating_mw - asset.minimum_mw) if on else 0.0,
            "hours_in_state": float(rng.integers(0, 7)),
            "stored_mwh": asset.capacity_mwh * 0.5,
            "permitted": asset.kind is not AssetKind.EMERGENCY_GENERATOR or rng.random() < 0.8,
            "run_hours_left_today": rng.choice([24.0, 3.5]),
        }
    return request(
        assets,
        rng.uniform(-2.0, 14.0, STEPS).tolist(),
        step_s=3600.0,
        initial=initial,
        reserve_mw=float(rng.choice([0.0, 2.0])),
        ambient_degc=rng.uniform(0.0, 40.0, STEPS).tolist(),
        time_limit_s=30.0,
        products=some_products(rng, len(assets)),
    )


def any_request(seed: int) -> ScheduleRequest:
    return some_request(seed) if seed % 3 == 0 else slow_request(seed)


def priced(asked: ScheduleRequest, rng: np.random.Generator | None = None) -> Formulation:
    """The program of a request; with a generator, commitment and output are dear or cheap at random."""
    plan = formulate(asked)
    price_tier(plan, TIERS[asked.objective][0])
    if rng is not None:
        thermal = plan.thermal
        for columns in (thermal.on, thermal.above, *thermal.up, *thermal.down):
            plan.program.price(columns, rng.normal(0.0, 2e4, columns.shape))
        for columns in (thermal.start, thermal.stop):
            plan.program.price(columns, rng.normal(0.0, 5e4, columns.shape) * (rng.random() < 0.5))
    return plan


def plain(plan: Formulation) -> Matrices:
    """The program without what is tight."""
    return plan.program.for_settling(plan.program.matrices())


def tight(plan: Formulation) -> Matrices:
    return plan.program.for_search(plan.program.matrices())


def relaxed(matrices: Matrices) -> float:
    answer = mathopt.run(mathopt.model_of(replace(matrices, integer=np.zeros_like(matrices.integer))))
    assert answer.found
    return answer.objective


def least(matrices: Matrices) -> float:
    """By two solvers: of some thousands of these programs, tight or plain, each calls one optimal that is not."""
    solvers = parameters_pb2.SOLVER_TYPE_HIGHS, parameters_pb2.SOLVER_TYPE_GSCIP
    return min(mathopt.run(mathopt.model_of(matrices), 30.0, solver_type=one).objective for one in solvers)


@settings(max_examples=120, deadline=None)
@given(seed=SEEDS)
def test_no_tight_row_cuts_off_a_schedule_of_the_plain_program(seed: int) -> None:
    plan = priced(any_request(seed), np.random.default_rng([seed, 2]))
    answer = mathopt.run(mathopt.model_of(plain(plan)), 30.0)
    assert answer.found
    matrices = plan.program.matrices()
    rows = np.bincount(
        matrices.row, matrices.coefficient * answer.values[matrices.column], minlength=len(matrices.row_lower)
    )
    cut = (plan.program.row_stages() == Stage.SEARCH) & (rows > matrices.row_upper + ROUNDING)
    assert np.flatnonzero(cut).tolist() == []


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_both_programs_have_one_optimum(seed: int) -> None:
    plan = priced(any_request(seed), np.random.default_rng([seed, 3]) if seed % 2 else None)
    assert least(tight(plan)) == pytest.approx(least(plain(plan)), rel=1e-6, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_the_relaxation_is_never_weaker(seed: int) -> None:
    plan = priced(any_request(seed), np.random.default_rng([seed, 4]) if seed % 2 else None)
    with_rows, without = relaxed(tight(plan)), relaxed(plain(plan))
    assert with_rows >= without - ROUNDING * max(abs(without), 1.0)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_schedules_of_slow_units_keep_every_limit(seed: int) -> None:
    planned(slow_request(seed))  # which asserts that nothing is violated
