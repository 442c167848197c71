"""Large fleets for a day of 96 steps: how soon, how near the optimum, in how much memory; and again a step later.

Every solve has a process of its own. Beside it the whole program given to HiGHS in one piece for as long; from 2,000
assets on that is left out (its relaxation alone takes longer than the limit). ``…_hard``: reserve three times as much.
"""

import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from tests.benchmarks.fleets import a_step_later, fleet_day
from tests.benchmarks.row import Row
from vppscada.model.schedule import Schedule, ScheduleRequest
from vppscada.scheduling import mathopt
from vppscada.scheduling.decomposition.telling import told_by_prices
from vppscada.scheduling.formulation import formulate
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.solve import solve_on
from vppscada.scheduling.violations import violations

Result = TypeVar("Result")

#: Assets, seconds, gap.
SIZES = ((200, 5.0, 0.003), (500, 15.0, 0.003), (2_000, 40.0, 0.003), (10_000, 180.0, 0.005))
WHOLE_UP_TO = 500
RESERVE_SHARE, HARD_SHARE = 0.05, 0.15


@dataclass(frozen=True)
class Solved:
    """Seconds and gap of the first solve and of the next, seconds to explain, megabytes of the process at most."""

    seconds: float
    gap: float
    again_s: float
    again_gap: float
    told_s: float
    megabytes: float


def run() -> list[Row]:
    """A row for each figure."""
    found: list[Row] = []
    for n, limit_s, gap in SIZES:
        ours = _apart(_solved, n, limit_s, gap, RESERVE_SHARE)
        hard = _apart(_solved, n, limit_s, gap, HARD_SHARE)
        whole: tuple[float | None, float | None] = (None, None)
        if n <= WHOLE_UP_TO:
            whole = _apart(_whole, n, limit_s, gap)
        rival = "the whole program on HiGHS" + ("" if n <= WHOLE_UP_TO else ": no relaxation in this time")
        found += [
            Row(f"fleet_{n}_seconds", ours.seconds, whole[0], rival, f"s to {100.0 * gap:g} % (less is better)"),
            Row(f"fleet_{n}_gap", 100.0 * ours.gap, whole[1], rival, "% proven (less is better)"),
            Row(f"fleet_{n}_hard_seconds", hard.seconds, None, "", "s (less is better)"),
            Row(f"fleet_{n}_hard_gap", 100.0 * hard.gap, None, "", "% proven (less is better)"),
            Row(f"fleet_{n}_again", ours.again_s, ours.seconds, "the first solve", "s (less is better)"),
            Row(f"fleet_{n}_again_gap", 100.0 * ours.again_gap, None, "", "% proven (less is better)"),
            Row(
                f"fleet_{n}_told",
                ours.told_s,
                ours.seconds,
                "the first solve, with it",
                "s to explain (less is better)",
            ),
            Row(f"fleet_{n}_memory", ours.megabytes, None, "", "MB (less is better)"),
        ]
    return found


def _apart(work: Callable[..., Result], *arguments: object) -> Result:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _request(n: int, limit_s: float, gap: float, reserve_share: float) -> ScheduleRequest:
    return replace(fleet_day(n, 0, reserve_share), time_limit_s=limit_s, relative_gap=gap)


def _solved(n: int, limit_s: float, gap: float, reserve_share: float) -> Solved:
    request, earlier = _request(n, limit_s, gap, reserve_share), None
    seconds, gaps, told_s = [], [], 0.0
    for _ in range(2):
        started = time.monotonic()
        schedule, earlier = solve_on(request, earlier)
        seconds.append(time.monotonic() - started)
        if not isinstance(schedule, Schedule) or violations(request, schedule):
            raise RuntimeError(f"{n} assets: no schedule, or one that breaks limits: {schedule}")
        gaps.append(schedule.gap)
        if len(gaps) == 1:
            told_s = _told(request, schedule)
        request = a_step_later(request, schedule)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    return Solved(seconds[0], gaps[0], seconds[1], gaps[1], told_s, peak)


def _told(request: ScheduleRequest, schedule: Schedule) -> float:
    """Seconds to explain a schedule by its prices, as the solve has done (of small fleets it did by duals)."""
    why = schedule.explanation
    if why is None:
        raise RuntimeError(f"{len(request.assets)} assets: a schedule without an explanation")
    started = time.monotonic()
    told_by_prices(request, schedule, why.one_more_per_mwh, why.reserve_value_per_mwh)
    return time.monotonic() - started


def _whole(n: int, limit_s: float, gap: float) -> tuple[float, float | None]:
    plan = formulate(_request(n, limit_s, gap, RESERVE_SHARE))
    for tier in TIERS[plan.horizon.request.objective]:
        price_tier(plan, tier)
    started = time.monotonic()
    answer = mathopt.run(mathopt.model_of(plan.program.for_search(plan.program.matrices())), limit_s, gap)
    left = 100.0 * (answer.objective - answer.bound) / abs(answer.objective) if answer.found else None
    return time.monotonic() - started, left
