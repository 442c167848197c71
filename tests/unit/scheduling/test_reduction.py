"""A program without what is fixed has the same optimum, the same values and the same duals of what ties it together."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.scheduling.unit_commitment.instances import problem
from vppscada.scheduling import mathopt
from vppscada.scheduling.program import Program
from vppscada.scheduling.reduction import reduced, solve_reduced
from vppscada.scheduling.unit_commitment.formulation import Formulation, formulate
from vppscada.scheduling.unit_commitment.groups import Infeasible

SEEDS = st.integers(0, 2**32 - 1)


def partly_fixed(seed: int) -> Formulation | None:
    """The tight program of a random problem with many units held as a solution has them."""
    rng = np.random.default_rng(seed)
    try:
        formulation = formulate(problem(seed), missing_price=1e4)
    except Infeasible:
        return None
    matrices = formulation.matrices
    answer = mathopt.run(mathopt.model_of(matrices), 20.0, 1e-3)
    if not answer.found:
        return None
    held = formulation.tight.on[rng.random(formulation.tight.on.shape) < 0.8]
    lower, upper = matrices.lower.copy(), matrices.upper.copy()
    lower[held] = upper[held] = np.round(answer.values[held])
    return replace(formulation, matrices=replace(matrices, lower=lower, upper=upper))


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_what_is_left_has_the_optimum_of_the_whole(seed: int) -> None:
    formulation = partly_fixed(seed)
    if formulation is None:
        return
    matrices = formulation.matrices
    whole = mathopt.run(mathopt.model_of(matrices), 20.0)
    left = solve_reduced(matrices, 20.0)
    assert left.objective == pytest.approx(whole.objective, rel=1e-6, abs=1e-6)
    assert left.values @ matrices.cost + matrices.offset == pytest.approx(left.objective, rel=1e-9, abs=1e-6)
    given_by = np.bincount(matrices.row, matrices.coefficient * left.values[matrices.column], len(matrices.row_lower))
    assert (given_by >= matrices.row_lower - 1e-5).all() and (given_by <= matrices.row_upper + 1e-5).all()
    assert (left.values >= matrices.lower - 1e-6).all() and (left.values <= matrices.upper + 1e-6).all()


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_duals_of_what_is_left_prove_the_bound_of_the_whole(seed: int) -> None:
    formulation = partly_fixed(seed)
    if formulation is None:
        return
    relaxed = replace(formulation.matrices, integer=np.zeros_like(formulation.matrices.integer))
    answer = solve_reduced(relaxed, 20.0)
    tight = formulation.tight
    energy, reserve = answer.duals[tight.balance], answer.duals[tight.reserves]
    price = np.zeros(len(relaxed.row_lower))
    price[tight.balance], price[tight.reserves] = energy, reserve
    brought = np.bincount(relaxed.column, relaxed.coefficient * price[relaxed.row], len(relaxed.cost))
    row_lower, row_upper = relaxed.row_lower.copy(), relaxed.row_upper.copy()
    for rows in (tight.balance, tight.reserves):
        row_lower[rows], row_upper[rows] = -np.inf, np.inf
    alone = replace(relaxed, cost=relaxed.cost - brought, row_lower=row_lower, row_upper=row_upper)
    asked = tight.groups.problem
    bound = mathopt.run(mathopt.model_of(alone)).objective + energy @ asked.demand + reserve @ asked.reserve
    assert bound == pytest.approx(answer.objective, rel=1e-6, abs=1e-5)


def test_what_is_fixed_is_gone() -> None:
    formulation = partly_fixed(3)
    assert formulation is not None
    matrices = formulation.matrices
    left = reduced(matrices)
    fixed = matrices.upper - matrices.lower <= 1e-9
    assert not np.isin(left.columns, np.flatnonzero(fixed)).any()
    assert len(left.columns) < (~fixed).sum()
    assert len(left.rows) < len(matrices.row_lower)
    everything = replace(matrices, upper=matrices.lower.copy())
    assert len(reduced(everything).columns) == 0


def test_a_program_of_which_nothing_is_left_is_solved() -> None:
    program = Program()
    fixed = program.block((2,), 3.0, 3.0)
    program.at_most((2,), 3.0, (fixed, 1.0))
    answer = solve_reduced(program.matrices())
    assert answer.found
    assert answer.values.tolist() == [3.0, 3.0]
