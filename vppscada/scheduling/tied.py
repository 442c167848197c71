"""Large fleets that are tied by more than balance, trade and reserve: products, limits of groups, N-1 cover.

Where something else than cost leads, the plan by prices is where the whole program begins.

Prices find when units run as if those ties were not there, and their bound holds all the same: ties only cost, but for
what products are sold for. The whole program then finds the powers of those times, with every tie. Where a tie has to
give, more reserve is asked of the prices, units behind the limit that gives are free to start and stop, and it is
tried again.
"""

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.limits import NONE, LimitTree
from vppscada.model.schedule import Objective, Schedule, ScheduleRequest, SolveFailure, SolveStatus
from vppscada.scheduling.decomposition.plant import LARGE_FROM
from vppscada.scheduling.decomposition.solve import solve_large
from vppscada.scheduling.earlier import Earlier, Prices, planned_on, steps_passed
from vppscada.scheduling.formulation import Formulation, formulate
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.limits import used
from vppscada.scheduling.mathopt import Answer
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.program import Matrices
from vppscada.scheduling.reduction import solve_reduced
from vppscada.scheduling.search import NOTHING, better
from vppscada.scheduling.settling import gap_of, schedule_from, settle
from vppscada.scheduling.storage import storage_data

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MISSED_MW = 1e-4
#: Of the time, for the first prices; for one search of powers, of what is left.
_LOOSE_SHARE, _SEARCH_SHARE = 0.4, 0.6
_ROUNDS = 4
#: Beyond the time limit, for the linear program at the end: less than the margin before a worker is killed.
_SETTLING_S = 8.0
_LEAST_S = 1.0


def is_tied(request: ScheduleRequest) -> bool:
    """True of a large fleet where cost leads, that prices alone cannot plan."""
    large = len(request.assets) >= LARGE_FROM and request.objective is Objective.COST
    return large and (bool(request.products) or request.n_minus_1 or len(request.limits) > 0)


def solve_tied(request: ScheduleRequest, earlier: Earlier | None) -> tuple[Schedule | SolveFailure, Prices | None]:
    """Solve within ``request.time_limit_s``, which the linear program at the end may overrun.

    With the schedule come the prices to begin with the next time.
    """
    ends = time.monotonic() + request.time_limit_s
    loose = _loose(request, _LOOSE_SHARE * request.time_limit_s)
    found, prices = solve_large(loose, earlier)
    if isinstance(found, SolveFailure):
        return found, prices
    bound = found.bound - _most_sold(request)
    stores = len(storage_data(Horizon(request)).members)
    plan = formulate(request, np.zeros((stores, request.steps), dtype=np.bool_))  # `settle` keeps directions apart
    price_tier(plan, TIERS[request.objective][0])
    matrices = plan.program.matrices()
    best = NOTHING
    free = np.zeros(len(plan.thermal.data), dtype=np.bool_)
    for _ in range(_ROUNDS):
        on = planned_on(plan, Earlier(request.assets, found))
        answer = NOTHING if on is None else _powers(plan, matrices, on, free, ends)
        best = better(best, replace(answer, bound=-np.inf))
        near = best.found and gap_of(best.objective, bound) <= request.relative_gap
        if not answer.found or near or not used(plan.slacks, answer.values) or ends - time.monotonic() < _LEAST_S:
            break
        free |= _behind(request, _gives(plan, answer.values))[plan.thermal.data.members]
        loose = _tightened(request, loose, found, _left(ends) / 3.0)
        again, _ = solve_large(loose, Earlier(request.assets, found, prices))
        found = again if isinstance(again, Schedule) else found
    settled = settle(plan, matrices, best.values, _left(ends) + _SETTLING_S) if best.found else None
    if settled is None:
        return SolveFailure(SolveStatus.UNSOLVED, "no powers were found for the times that prices gave"), prices
    return schedule_from(request, settled, bound), prices


def led_otherwise(request: ScheduleRequest) -> bool:
    """True of a large fleet where something else than cost leads."""
    return len(request.assets) >= LARGE_FROM and request.objective is not Objective.COST


def begun(request: ScheduleRequest, earlier: Earlier | None) -> Earlier | None:
    """Where to begin: the plan made earlier, or one by prices of least cost without the ties, where there is none."""
    if earlier is not None and steps_passed(earlier, request) is not None:
        return earlier
    cheapest = replace(_loose(request, _LOOSE_SHARE * request.time_limit_s), objective=Objective.COST)
    found, prices = solve_large(cheapest, earlier)
    return Earlier(request.assets, found, prices) if isinstance(found, Schedule) else earlier


def _loose(request: ScheduleRequest, time_limit_s: float) -> ScheduleRequest:
    """Without the ties."""
    nothing = LimitTree.empty()
    return replace(request, products=(), n_minus_1=False, limits=nothing, time_limit_s=time_limit_s)


def _most_sold(request: ScheduleRequest) -> float:
    """Money that products can be sold for at most."""
    sold = [np.maximum(one.price_per_mw_h, 0.0) @ np.maximum(one.offered_mw, 0.0) for one in request.products]
    return float(sum(sold)) * request.step_s / 3600.0


def _powers(plan: Formulation, matrices: Matrices, on: Flags, free: Flags, ends: float) -> Answer:
    """The best powers where units are on as told, but for those that are free."""
    lower, upper = matrices.lower.copy(), matrices.upper.copy()
    fixed = plan.thermal.on[~free]
    lower[fixed] = upper[fixed] = on[~free]
    search = plan.program.for_search(replace(matrices, lower=lower, upper=upper))
    gap = plan.horizon.request.relative_gap / 2.0
    return solve_reduced(search, _SEARCH_SHARE * _left(ends), gap)


def _tightened(
    request: ScheduleRequest, loose: ScheduleRequest, found: Schedule, time_limit_s: float
) -> ScheduleRequest:
    """Without the ties, but with what the others must give for them.

    What is planned beyond the limits of groups is asked of the rest of the fleet, and what products upwards need is
    asked as reserve.
    """
    over = np.zeros(request.steps)
    powers = found.power_mw + found.reserve_mw
    for group, most in enumerate(request.limits.maximum_mw):
        only = np.zeros(len(request.limits), dtype=np.bool_)
        only[group] = True
        over += np.maximum(powers[_behind(request, only)].sum(axis=0) - most, 0.0)
    wanted = sum((one.required_mw for one in request.products if one.up), np.zeros(request.steps))
    return replace(
        loose,
        requirement_mw=loose.requirement_mw + over,
        reserve_mw=np.maximum(loose.reserve_mw, request.reserve_mw + wanted),
        time_limit_s=time_limit_s,
    )


def _gives(plan: Formulation, values: Column) -> Flags:
    """Limits of groups (k,) that give."""
    request = plan.horizon.request
    gives = np.zeros(len(request.limits), dtype=np.bool_)
    place = {f"{name} {side}": i for i, name in enumerate(request.limits.names) for side in ("minimum", "maximum")}
    for slack in plan.slacks:
        for limit, columns in zip(slack.limits, slack.columns, strict=True):
            if limit in place:
                gives[place[limit]] |= bool((values[columns] > _MISSED_MW).any())
    return gives


def _behind(request: ScheduleRequest, gives: Flags) -> Flags:
    """Assets (n,) that stand in one of those limits."""
    tree = request.limits
    if not len(tree):
        return np.zeros(len(request.assets), dtype=np.bool_)
    inside = gives.copy()
    for node, around in enumerate(tree.parent):  # a limit stands before those inside it
        inside[node] |= around != NONE and inside[around]
    behind: Flags = np.where(tree.node != NONE, inside[np.maximum(tree.node, 0)], False)
    return behind


def _left(ends: float) -> float:
    return max(ends - time.monotonic(), _LEAST_S)
