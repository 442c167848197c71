"""Unit commitment: how near the optimum a limit of time brings us, beside rivals in the same run and time.

``python -m tests.benchmarks uc --instance FILE … --limit 60``, for any file of pglib-uc. Ours runs two processes.
Distances are measured from the best bound that any solver proved in the run; a schedule that the independent
checker refuses counts as none.
"""

import sys

import numpy as np

from tests.benchmarks.row import Row
from tests.benchmarks.uc_options import CHOSEN
from tests.benchmarks.uc_rivals import Rival, egret_rival, plain_rival
from vppscada.scheduling.unit_commitment.checker import cost_of, faults
from vppscada.scheduling.unit_commitment.problem import Problem
from vppscada.scheduling.unit_commitment.reading import read_problem
from vppscada.scheduling.unit_commitment.solve import Outcome, solve

#: Relative difference between the model's cost and the checker's that is rounding.
_ROUNDING = 1e-6


def run() -> list[Row]:
    """All instances that the command line names."""
    rows: list[Row] = []
    for instance in CHOSEN.instances:
        problem = read_problem(instance)
        outcome = solve(problem, CHOSEN.limit_s)
        cost = checked_cost(problem, outcome)
        rivals = [plain_rival(instance, CHOSEN.limit_s)]
        egret = egret_rival(instance, CHOSEN.limit_s)
        rows += rows_of(instance.stem, cost, outcome, rivals + ([egret] if egret else []))
    return rows


def checked_cost(problem: Problem, outcome: Outcome) -> float:
    """Cost of the schedule as the checker has it; infinite if there is none or it is wrong (told on stderr)."""
    if outcome.commitment is None:
        print(outcome.reason, file=sys.stderr)
        return np.inf
    wrong, cost = faults(problem, outcome.commitment), cost_of(problem, outcome.commitment)
    if abs(cost - outcome.commitment.cost) > _ROUNDING * max(abs(cost), 1.0):
        wrong.append(f"costs {cost:.2f}, not {outcome.commitment.cost:.2f}")
    for fault in wrong[:10]:
        print(f"checker: {fault}", file=sys.stderr)
    return np.inf if wrong else cost


def rows_of(name: str, cost: float, outcome: Outcome, rivals: list[Rival]) -> list[Row]:
    """Cost and distance beside each rival, the proven gap and the time beside the first."""
    best = max([outcome.bound, *(rival.bound for rival in rivals if rival.cost < np.inf)])
    first = rivals[0]
    rows = [
        Row(
            f"uc_{name}_gap",
            gap(cost, outcome.bound),
            gap(first.cost, first.bound),
            first.name,
            "% proven, less is better",
        )
    ]
    for rival in rivals:
        rows.append(Row(f"uc_{name}_cost", cost, rival.cost, rival.name, "cost, less is better"))
        distance = gap(rival.cost, best)
        rows.append(
            Row(f"uc_{name}_distance", gap(cost, best), distance, rival.name, "% over best bound, less is better")
        )
    rows.append(Row(f"uc_{name}_time", outcome.seconds, first.seconds, first.name, "s, less is better"))
    return rows


def gap(cost: float, bound: float) -> float:
    """Distance of a cost from a bound in percent of the cost."""
    if not np.isfinite(cost) or not np.isfinite(bound):
        return np.inf
    return 100.0 * max(cost - bound, 0.0) / max(abs(cost), 1e-9)
