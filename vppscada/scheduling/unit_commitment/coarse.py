"""A first schedule from a coarse look: units that differ in cost only as one kind, then which of each kind.

The coarse program takes each kind at the mean cost of its units, weighed by how much the relaxation uses them.
How many of a kind run in each step is then fixed, and the true program chooses which.
"""

from dataclasses import replace

import numpy as np

from vppscada.scheduling import mathopt
from vppscada.scheduling.program import Matrices
from vppscada.scheduling.unit_commitment.formulation import Formulation, formulate
from vppscada.scheduling.unit_commitment.problem import Column, Problem, Whole

#: Worth it if there are at most so many kinds by group.
_WORTH = 0.5
#: Weight of a unit that the relaxation does not use, as a share of the horizon.
_IDLE_WEIGHT = 0.02
_COARSE_GAP = 1e-3
_FINE_GAP = 2e-4


def coarse_start(formulation: Formulation, relaxed: Column, seconds: float) -> mathopt.Answer | None:
    """A solution of the formulation's program; None where there is none to be had.

    ``relaxed`` are the units on (G, T) in its relaxation.
    """
    groups = formulation.tight.groups
    problem = groups.problem
    kinds = _kinds(problem)
    if len(kinds) > _WORTH * len(groups):
        return None
    weight = np.zeros(len(problem))
    for group, members in enumerate(groups.members):
        weight[members] = relaxed[group].sum() / len(members)
    coarse = formulate(_averaged(problem, kinds, weight + _IDLE_WEIGHT * problem.steps), kinds)
    answer = mathopt.run(mathopt.model_of(coarse.matrices), 0.7 * seconds, _COARSE_GAP)
    if not answer.found:
        return None
    fixed = _with_counts(formulation, kinds, np.round(answer.values[coarse.tight.on]))
    fine = mathopt.run(mathopt.model_of(fixed), 0.3 * seconds, _FINE_GAP)
    return fine if fine.found else None


def _kinds(problem: Problem) -> tuple[Whole, ...]:
    """Units alike in everything but costs, rounded to a MW."""
    kinds: dict[tuple[object, ...], list[int]] = {}
    for unit in range(len(problem)):
        key = (
            round(problem.minimum_mw[unit]),
            round(problem.maximum_mw[unit]),
            round(problem.ramp_up[unit]),
            round(problem.ramp_down[unit]),
            int(problem.minimum_up[unit]),
            int(problem.minimum_down[unit]),
            bool(problem.must_run[unit]),
            problem.start_lag[unit].tobytes(),
        )
        kinds.setdefault(key, []).append(unit)
    return tuple(np.array(units, dtype=np.int64) for units in kinds.values())


def _averaged(problem: Problem, kinds: tuple[Whole, ...], weight: Column) -> Problem:
    fields = {name: getattr(problem, name).copy() for name in ("curve_mw", "curve_cost", "start_cost")}
    for units in kinds:
        share = weight[units] / weight[units].sum()
        for field in fields.values():
            field[units] = share @ field[units]
    return replace(problem, **fields)


def _with_counts(formulation: Formulation, kinds: tuple[Whole, ...], counts: Column) -> Matrices:
    """The program with how many of each kind run in each step."""
    tight, matrices = formulation.tight, formulation.matrices
    kind_of = np.zeros(len(tight.groups.problem), dtype=np.int64)
    for kind, units in enumerate(kinds):
        kind_of[units] = kind
    kind_of_group = kind_of[tight.groups.first]
    rows = len(matrices.row_lower) + np.arange(counts.size).reshape(counts.shape)
    row, column = rows[kind_of_group].ravel(), tight.on.ravel()
    order = np.lexsort((column, row))
    return replace(
        matrices,
        row_lower=np.concatenate([matrices.row_lower, counts.ravel()]),
        row_upper=np.concatenate([matrices.row_upper, counts.ravel()]),
        row=np.concatenate([matrices.row, row[order]]),
        column=np.concatenate([matrices.column, column[order]]),
        coefficient=np.concatenate([matrices.coefficient, np.ones(len(row))]),
    )
