"""A request becomes a schedule: by a mixed-integer program and a linear one for the prices; a large fleet by prices."""

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.schedule import Schedule, ScheduleRequest, SolveFailure, SolveStatus
from vppscada.scheduling import mathopt
from vppscada.scheduling.decomposition.plant import suits
from vppscada.scheduling.decomposition.solve import solve_large
from vppscada.scheduling.earlier import Earlier, Prices, planned_on
from vppscada.scheduling.formulation import Formulation, formulate
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.program import Matrices
from vppscada.scheduling.request_check import faults
from vppscada.scheduling.search import NOTHING, find
from vppscada.scheduling.settling import ROUNDING, Settled, gap_of, schedule_from, settle
from vppscada.scheduling.tied import begun, is_tied, led_otherwise, solve_tied

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LEAST_RETRY_S = 1.0
#: Share of the gap asked for that later tiers may take of what leads.
_BAND_SHARE = 0.1


def solve(request: ScheduleRequest, earlier: Earlier | None = None) -> Schedule | SolveFailure:
    """Solve within ``request.time_limit_s`` (HiGHS may overrun it; the worker holds the hard deadline).

    What was planned ``earlier`` for the same fleet is where the search begins; it changes nothing else.
    """
    return solve_on(request, earlier)[0]


def solve_on(request: ScheduleRequest, earlier: Earlier | None) -> tuple[Schedule | SolveFailure, Earlier | None]:
    """As `solve`, with what the next solve may begin from (after a failure: what this one did)."""
    started = time.monotonic()
    wrong = faults(request)
    if wrong:
        return SolveFailure(SolveStatus.FAILED, "; ".join(wrong)), earlier
    prices: Prices | None = None
    try:
        if suits(request) or is_tied(request):
            outcome, prices = solve_large(request, earlier) if suits(request) else solve_tied(request, earlier)
            left_s = started + request.time_limit_s - time.monotonic()
            if isinstance(outcome, SolveFailure) and left_s > _LEAST_RETRY_S:
                outcome = _solve(replace(request, time_limit_s=left_s), earlier, time.monotonic())
        else:
            begin = begun(request, earlier) if led_otherwise(request) else earlier
            outcome = _solve(request, begin, started)
    except Exception as error:  # the binding throws what it likes (AttributeError, RuntimeError …)
        outcome = SolveFailure(SolveStatus.FAILED, f"the solver gave up: {error!r}")
    outcome = replace(outcome, solve_s=time.monotonic() - started)
    return outcome, Earlier(request.assets, outcome, prices) if isinstance(outcome, Schedule) else earlier


def _solve(request: ScheduleRequest, earlier: Earlier | None, started: float) -> Schedule | SolveFailure:
    """Solve, and where a storage would charge and discharge at once, keep it apart and solve again if it matters."""
    one_way: Flags | None = None
    best: Settled | None = None
    bound = -np.inf
    ends = started + request.time_limit_s
    while True:
        plan = formulate(request, one_way)
        guess = planned_on(plan, earlier) if best is None else best.values[plan.thermal.on] > 0.5
        result, first = _tiers(plan, ends, guess)
        bound = max(bound, first.bound)
        if result is None:
            return _failure(first) if best is None else schedule_from(request, best, bound)
        if best is None or result.objective <= best.objective:
            best = result
        mask = plan.one_way | result.wasted
        settled = gap_of(best.objective, bound) <= request.relative_gap or not (result.wasted & ~plan.one_way).any()
        if settled or ends - time.monotonic() < _LEAST_RETRY_S:
            return schedule_from(request, best, bound)
        one_way = mask


def _tiers(plan: Formulation, ends: float, guess: Flags | None) -> tuple[Settled | None, mathopt.Answer]:
    """The tiers one after another; the result is judged by the first. With it, what was found of the first.

    A later tier that finds nothing in its time, or nothing that keeps the ones before, leaves what they have.
    """
    request = plan.horizon.request
    tiers = TIERS[request.objective]
    gap = request.relative_gap if len(tiers) == 1 else (1.0 - _BAND_SHARE) * request.relative_gap
    result: Settled | None = None
    lead: Matrices | None = None
    first = NOTHING
    for place, tier in enumerate(tiers):
        price_tier(plan, tier)
        matrices = plan.program.matrices()
        left_s = max((ends - time.monotonic()) / (len(tiers) - place), 0.1)
        answer = find(plan.program.for_search(matrices), plan.thermal.on, left_s, gap, guess)
        if lead is None:
            lead, first = matrices, answer
        priced = settle(plan, matrices, answer.values) if answer.found else None
        if priced is None:
            break
        judged = float(lead.cost @ priced.values[: len(lead.cost)]) + lead.offset
        result = replace(priced, objective=judged)
        if place + 1 == len(tiers):
            break
        band = _BAND_SHARE * request.relative_gap * abs(priced.objective) + ROUNDING * max(abs(priced.objective), 1.0)
        plan.program.hold(matrices, priced.objective + band)
        guess = priced.values[plan.thermal.on] > 0.5
    return result, first


def _failure(answer: mathopt.Answer) -> SolveFailure:
    status = SolveStatus.INFEASIBLE if answer.infeasible else SolveStatus.UNSOLVED
    return SolveFailure(status, f"no schedule was found ({answer.detail})")
