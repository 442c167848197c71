"""The narrowed program first, then the whole one: the same optimum, and a bound that holds."""

import numpy as np
import pytest

from tests.unit.scheduling.requests import battery, engine, request
from vppscada.model.schedule import ScheduleRequest
from vppscada.scheduling.formulation import Formulation, formulate
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.program import Matrices
from vppscada.scheduling.search import find, narrowed


def some_day(seed: int) -> ScheduleRequest:
    rng = np.random.default_rng(seed)
    fleet = [
        engine(
            f"engine{i}",
            fuel_price_per_mwh=rng.uniform(8.0, 14.0),
            running_cost_per_h=rng.uniform(0.0, 30.0),
            minimum_up_s=3600.0 * rng.integers(0, 5),
            start_costs=((0.0, 40.0), (5.0, 120.0)),
        )
        for i in range(4)
    ]
    load = 22.0 + 10.0 * np.sin(np.arange(24) / 4.0) + rng.normal(0.0, 2.0, 24)
    return request([*fleet, battery()], load.tolist(), reserve_mw=3.0)


def laid_out(asked: ScheduleRequest) -> tuple[Formulation, Matrices]:
    plan = formulate(asked)
    for tier in TIERS[asked.objective]:
        price_tier(plan, tier)
    return plan, plan.program.matrices()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("gap", [1e-4, 0.01, 0.1])
def test_its_solution_is_within_the_gap_of_the_true_optimum_and_its_bound_below_it(seed: int, gap: float) -> None:
    plan, matrices = laid_out(some_day(seed))
    exact = find(matrices, plan.thermal.on, 60.0, 0.0)
    found = find(matrices, plan.thermal.on, 60.0, gap, large=1)
    assert found.bound <= exact.objective + 1e-4
    assert found.objective >= exact.objective - 1e-4
    assert found.objective - found.bound <= gap * found.objective + 1e-4


def test_only_what_is_whole_and_far_from_what_is_open_is_fixed() -> None:
    plan, matrices = laid_out(some_day(0))
    values = np.zeros(len(matrices.cost))
    values[plan.thermal.on[0]] = 1.0
    values[plan.thermal.on[0, 10]] = 0.5
    small = narrowed(matrices, plan.thermal.on, values)
    fixed = small.lower[plan.thermal.on] == small.upper[plan.thermal.on]
    assert np.flatnonzero(~fixed[0]).tolist() == [7, 8, 9, 10, 11, 12, 13]
    assert fixed[1:].all()
    assert (small.lower[plan.thermal.on[0, :7]] == 1.0).all()
    assert (matrices.lower[plan.thermal.on] == 0.0).all()


def test_a_program_without_on_and_off_is_solved_as_it_is() -> None:
    plan, matrices = laid_out(request([battery()], [1.0, 2.0], initial={"battery1": {"stored_mwh": 5.0}}))
    assert find(matrices, plan.thermal.on, 10.0, 0.01).objective == pytest.approx(0.0)
