"""A request becomes a schedule: one mixed-integer program, then a linear one for the prices."""

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.schedule import Schedule, ScheduleRequest, SolveFailure, SolveStatus
from vppscada.scheduling import mathopt
from vppscada.scheduling.earlier import Earlier, planned_on
from vppscada.scheduling.explain import explained
from vppscada.scheduling.formulation import Formulation, can_waste, formulate
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.program import Matrices
from vppscada.scheduling.reading import schedule_of
from vppscada.scheduling.request_check import faults
from vppscada.scheduling.search import NOTHING, find

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Powers above this in both directions at once count as that, MW.
_BOTH_WAYS_MW = 1e-6
#: Difference between objective and bound that is the solver's rounding, as a share of the objective.
_ROUNDING = 1e-6
_LEAST_RETRY_S = 1.0
#: Share of the gap asked for that later tiers may take of what leads.
_BAND_SHARE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class _Result:
    plan: Formulation
    values: Column
    objective: float
    marginal_price: Column
    linear: Matrices  # the program that was solved last, and its duals
    duals: Column
    wasted: Flags  # (storages, T) where the program would rather charge and discharge at once


def solve(request: ScheduleRequest, earlier: Earlier | None = None) -> Schedule | SolveFailure:
    """Solve within ``request.time_limit_s`` (HiGHS may overrun it; the worker holds the hard deadline).

    What was planned ``earlier`` for the same fleet is where the search begins; it changes nothing else.
    """
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
    ends = started + request.time_limit_s
    while True:
        plan = formulate(request, one_way)
        guess = planned_on(plan, earlier) if best is None else best.values[plan.thermal.on] > 0.5
        result, first = _tiers(plan, ends, guess)
        bound = max(bound, first.bound)
        if result is None:
            return _failure(first) if best is None else _schedule(best, bound, request)
        if best is None or result.objective <= best.objective:
            best = result
        mask = plan.one_way | result.wasted
        settled = _gap(best.objective, bound) <= request.relative_gap or not (result.wasted & ~plan.one_way).any()
        if settled or ends - time.monotonic() < _LEAST_RETRY_S:
            return _schedule(best, bound, request)
        one_way = mask


def _tiers(plan: Formulation, ends: float, guess: Flags | None) -> tuple[_Result | None, mathopt.Answer]:
    """The tiers one after another; the result is judged by the first. With it, what was found of the first.

    A later tier that finds nothing in its time, or nothing that keeps the ones before, leaves what they have.
    """
    request = plan.horizon.request
    tiers = TIERS[request.objective]
    gap = request.relative_gap if len(tiers) == 1 else (1.0 - _BAND_SHARE) * request.relative_gap
    result: _Result | None = None
    lead: Matrices | None = None
    first = NOTHING
    for place, tier in enumerate(tiers):
        price_tier(plan, tier)
        matrices = plan.program.matrices()
        left_s = max((ends - time.monotonic()) / (len(tiers) - place), 0.1)
        answer = find(matrices, plan.thermal.on, left_s, gap, guess)
        if lead is None:
            lead, first = matrices, answer
        priced = _priced(plan, matrices, answer) if answer.found else None
        if priced is None:
            break
        judged = float(lead.cost @ priced.values[: len(lead.cost)]) + lead.offset
        result = replace(priced, objective=judged)
        if place + 1 == len(tiers):
            break
        band = _BAND_SHARE * request.relative_gap * abs(priced.objective) + _ROUNDING * max(abs(priced.objective), 1.0)
        plan.program.hold(matrices, priced.objective + band)
        guess = priced.values[plan.thermal.on] > 0.5
    return result, first


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
    schedule = schedule_of(result.plan, result.values, status, result.objective, proven, result.marginal_price, 0.0)
    return replace(schedule, explanation=explained(result.plan, result.linear, result.values, result.duals))


def _priced(plan: Formulation, matrices: Matrices, answer: mathopt.Answer) -> _Result | None:
    """Fix what is whole and solve the linear program that is left: exact powers, and duals for prices.

    None where it has no solution: a tier before cannot be held without charging and discharging at once.

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
            return None
        values = linear.values
        again = _both_ways(plan, values) & ~wasted
        if not again.any():
            break
        wasted = wasted | again
    price = linear.duals[plan.rows.balance] / plan.horizon.hours
    return _Result(plan, values, linear.objective, price, fixed, linear.duals, wasted)


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
