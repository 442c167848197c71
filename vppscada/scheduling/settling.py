"""From a commitment to a schedule: what is whole is fixed; the linear program that is left gives powers and prices."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.schedule import Schedule, ScheduleRequest, SolveStatus
from vppscada.scheduling import mathopt
from vppscada.scheduling.explain import explained
from vppscada.scheduling.formulation import Formulation, can_waste
from vppscada.scheduling.program import Matrices
from vppscada.scheduling.reading import schedule_of

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Powers above this in both directions at once count as that, MW.
_BOTH_WAYS_MW = 1e-6
#: Difference between objective and bound that is the solver's rounding, as a share of the objective.
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """A solved program."""

    plan: Formulation
    values: Column
    objective: float
    marginal_price: Column
    linear: Matrices  # the program that was solved last, and its duals
    duals: Column
    wasted: Flags  # (storages, T) where the program would rather charge and discharge at once


def settle(
    plan: Formulation, matrices: Matrices, values: Column, time_limit_s: float = mathopt.WITHOUT_LIMIT_S
) -> Settled | None:
    """Fix what is whole and solve the linear program that is left: exact powers, and duals for prices.

    None where it has no solution: a tier before cannot be held without charging and discharging at once.

    Wherever it charges and discharges at once, the direction of the net flow is fixed, until it does so nowhere.
    """
    matrices = plan.program.for_settling(matrices)
    values = np.where(matrices.integer, np.round(values), values)
    lower = np.where(matrices.integer, values, matrices.lower)
    upper = np.where(matrices.integer, values, matrices.upper)
    wasted = _both_ways(plan, values)
    while True:
        upper = _held_apart(plan, values, wasted, upper)
        fixed = replace(matrices, lower=lower, upper=upper, integer=np.zeros_like(matrices.integer))
        linear = mathopt.run(mathopt.model_of(fixed), time_limit_s)
        if not linear.found:
            return None
        values = linear.values
        again = _both_ways(plan, values) & ~wasted
        if not again.any():
            break
        wasted = wasted | again
    price = linear.duals[plan.rows.balance] / plan.horizon.hours
    return Settled(plan, values, linear.objective, price, fixed, linear.duals, wasted)


def _both_ways(plan: Formulation, values: Column) -> Flags:
    charge, discharge = values[plan.storage.charge], values[plan.storage.discharge]
    both: Flags = (np.minimum(charge, discharge) > _BOTH_WAYS_MW) & can_waste(plan.storage)[:, None]
    return both


def _held_apart(plan: Formulation, values: Column, wasted: Flags, upper: Column) -> Column:
    storage = plan.storage
    charging = values[storage.charge] > values[storage.discharge]
    held = upper.copy()
    held[storage.discharge[wasted & charging]] = 0.0
    held[storage.charge[wasted & ~charging]] = 0.0
    return held


def gap_of(objective: float, bound: float) -> float:
    """As a share of the objective."""
    return max(objective - bound, 0.0) / max(abs(objective), 1e-9)


def schedule_from(request: ScheduleRequest, result: Settled, bound: float) -> Schedule:
    """The schedule with its proven bound and its explanation."""
    rounding = ROUNDING * max(abs(result.objective), 1.0)
    proven = result.objective if result.objective - bound <= rounding else bound
    met = gap_of(result.objective, proven) <= request.relative_gap + ROUNDING
    status = SolveStatus.OPTIMAL if met else SolveStatus.FEASIBLE
    schedule = schedule_of(result.plan, result.values, status, result.objective, proven, result.marginal_price, 0.0)
    return replace(schedule, explanation=explained(result.plan, result.linear, result.values, result.duals))
