"""A request becomes a schedule: one mixed-integer program, then a linear one for the prices."""

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.schedule import Schedule, ScheduleRequest, SolveFailure, SolveStatus
from vppscada.scheduling import mathopt
from vppscada.scheduling.earlier import Earlier, planned_on
from vppscada.scheduling.formulation import Formulation, can_waste, formulate
from vppscada.scheduling.objective import TIERS, price_tier, require_available
from vppscada.scheduling.program import Matrices
from vppscada.scheduling.reading import schedule_of
from vppscada.scheduling.request_check import faults
from vppscada.scheduling.search import find

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Powers above this in both directions at once count as that, MW.
_BOTH_WAYS_MW = 1e-6
#: Difference between objective and bound that is the solver's rounding, as a share of the objective.
_ROUNDING = 1e-6
_LEAST_RETRY_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Result:
    plan: Formulation
    values: Column
    objective: float
    marginal_price: Column
    wasted: Flags  # (storages, T) where the program would rather charge and discharge at once


def solve(request: ScheduleRequest, earlier: Earlier | None = None) -> Schedule | SolveFailure:
    """Solve within ``request.time_limit_s`` (HiGHS may overrun it; the worker holds the hard deadline).

    What was planned ``earlier`` for the same fleet is where the search begins; it changes nothing else.

    Raises:
        ObjectiveNotAvailable: no plan can be made for the objective asked.
    """
    require_available(request.objective)
    started = time.monotonic()
    wrong = faults(request)
    if wrong:
        return SolveFailure(SolveStatus.FAILED, "; ".join(wrong))
    try:
        outcome = _solve(request, earlier, started)
    except Exception as error:  # the binding throws what it likes (AttributeError, RuntimeError …)
        return SolveFailure(SolveStatus.FAILED, f"the solver gave up: {error!r}", time.monotonic() - started)
    return replace(outcome, solve_s=time.monotonic() - started)


def _solve(request: ScheduleRequest, earlier: Earlier | None, started: float) -> Schedule | SolveFailure:
    """Solve, and where a storage would charge and discharge at once, keep it apart and solve again if it matters."""
    one_way: Flags | None = None
    best: _Result | None = None
    bound = -np.inf
    while True:
        plan = formulate(request, one_way)
        for tier in TIERS[request.objective]:
            price_tier(plan, tier)
        left_s = request.time_limit_s - (time.monotonic() - started)
        matrices = plan.program.matrices()
        guess = planned_on(plan, earlier) if best is None else best.values[plan.thermal.on] > 0.5
        answer = find(matrices, plan.thermal.on, max(left_s, 0.1), request.relative_gap, guess)
        bound = max(bound, answer.bound)
        if not answer.found:
            if best is None:
                return _failure(answer)
            return _schedule(best, bound, request)
        result = _priced(plan, matrices, answer)
        if best is None or result.objective <= best.objective:
            best = result
        mask = plan.one_way | result.wasted
        left_s = request.time_limit_s - (time.monotonic() - started)
        settled = _gap(best.objective, bound) <= request.relative_gap or not (result.wasted & ~plan.one_way).any()
        if settled or left_s < _LEAST_RETRY_S:
            return _schedule(best, bound, request)
        one_way = mask


def _failure(answer: mathopt.Answer) -> SolveFailure:
    status = SolveStatus.INFEASIBLE if answer.infeasible else SolveStatus.UNSOLVED
    return SolveFailure(status, f"no schedule was found ({answer.detail})")


def _gap(objective: float, bound: float) -> float:
    return max(objective - bound, 0.0) / max(abs(objective), 1e-9)


def _schedule(result: _Result, bound: float, request: ScheduleRequest) -> Schedule:
    rounding = _ROUNDING * max(abs(result.objective), 1.0)
    proven = result.objective if result.objective - bound <= rounding else bound
    met = _gap(result.objective, proven) <= request.relative_gap + _ROUNDING
    status = SolveStatus.OPTIMAL if met else SolveStatus.FEASIBLE
    return schedule_of(result.plan, result.values, status, result.objective, proven, result.marginal_price, 0.0)


def _priced(plan: Formulation, matrices: Matrices, answer: mathopt.Answer) -> _Result:
    """Fix what is whole and solve the linear program that is left: exact powers, and duals for prices.

    Wherever it charges and discharges at once, the direction of the net flow is fixed, until it does so nowhere.
    """
    values = np.where(matrices.integer, np.round(answer.values), answer.values)
    lower = np.where(matrices.integer, values, matrices.lower)
    upper = np.where(matrices.integer, values, matrices.upper)
    wasted = _both_ways(plan, values)
    while True:
        upper = _held_apart(plan, values, wasted, upper)
        fixed = replace(matrices, lower=lower, upper=upper, integer=np.zeros_like(matrices.integer))
        linear = mathopt.run(mathopt.model_of(fixed))
        if not linear.found:
            raise RuntimeError(f"no linear program of the commitment found ({linear.detail})")
        values = linear.values
        again = _both_ways(plan, values) & ~wasted
        if not again.any():
            break
        wasted = wasted | again
    price = linear.duals[plan.rows.balance] / plan.horizon.hours
    return _Result(plan, values, linear.objective, price, wasted)


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
