"""A large fleet's reasons, told by prices: as those of the linear program's duals, and true of the schedule."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.benchmarks.fleets import fleet_day
from tests.property.reasons import Claim
from tests.property.test_schedule_properties import some_request
from vppscada.model.assets import AssetFamily
from vppscada.model.explanation import Explanation, Reason
from vppscada.model.limits import LimitTree
from vppscada.model.schedule import Objective, Schedule, ScheduleRequest, SolveStatus
from vppscada.scheduling import mathopt
from vppscada.scheduling.decomposition import solve as decomposition
from vppscada.scheduling.decomposition.solve import solve_large
from vppscada.scheduling.decomposition.telling import told_by_prices
from vppscada.scheduling.explain import explained
from vppscada.scheduling.formulation import formulate
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.program import Limit
from vppscada.scheduling.reading import schedule_of
from vppscada.scheduling.search import find
from vppscada.scheduling.settling import Settled, settle

#: MWh that a store is given or loses to see what one is worth, and what rounding may do to that.
EPSILON, TOLERANCE = 1e-3, 0.05
#: MARGINAL with so much of a value is not claimed to be the price.
NEAR = 0.005


class Both:
    """One plan at its optimum, explained by the duals of its program, and by their prices alone."""

    def __init__(self, asked: ScheduleRequest, on: NDArray[np.bool_] | None = None) -> None:
        self.asked = asked
        plan = formulate(asked)
        price_tier(plan, TIERS[Objective.COST][0])
        matrices = plan.program.matrices()
        values = np.zeros(plan.program.columns)
        if on is None:
            values = find(matrices, plan.thermal.on, 20.0, 0.0).values
        else:
            values[plan.thermal.on] = on[plan.thermal.data.members]
        found = settle(plan, matrices, values)
        assert found is not None
        self.found: Settled = found
        self.by_duals: Explanation = explained(plan, found.linear, found.values, found.duals)
        price = found.marginal_price
        self.schedule = schedule_of(plan, found.values, SolveStatus.OPTIMAL, found.objective, 0.0, price, 0.0)
        self.told = told_by_prices(asked, self.schedule, price, self.by_duals.reserve_value_per_mwh)
        why = self.told.explanation
        assert why is not None
        self.by_prices: Explanation = why

    def cost_of(self, row: int, change: float) -> float:
        """What the objective rises by where the bounds of a row rise."""
        linear = self.found.linear
        lower, upper = linear.row_lower.copy(), linear.row_upper.copy()
        lower[row] += change
        upper[row] += change
        answer = mathopt.run(mathopt.model_of(replace(linear, row_lower=lower, row_upper=upper)))
        return answer.objective - self.found.objective if answer.found else np.inf


def some(seed: int, **changes: Any) -> ScheduleRequest:
    """Without what large fleets are not planned with."""
    return replace(some_request(seed), limits=LimitTree.empty(), products=(), n_minus_1=False, **changes)


def claims(asked: ScheduleRequest, schedule: Schedule) -> list[Claim]:
    return [Claim(asked, schedule, i, t) for i, t in np.ndindex(schedule.power_mw.shape)]


def untrue(asked: ScheduleRequest, schedule: Schedule) -> list[str]:
    """Reasons that do not hold. Of MARGINAL only where it is told that the price is the own cost."""
    why = schedule.explanation
    assert why is not None
    return [
        f"{one.asset.name} step {one.t}: {one.reason.name}"
        for one in claims(asked, schedule)
        if not one.holds() and not (one.reason is Reason.MARGINAL and why.value_per_mwh[one.i, one.t] > NEAR)
    ]


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_reasons_are_true_whatever_the_fleet(seed: int) -> None:
    both = Both(some(seed))
    assert untrue(both.asked, both.told) == []
    usable = both.by_prices.reason != Reason.NOT_USABLE
    running = usable & both.told.on
    assert np.isfinite(both.by_prices.value_per_mwh[running]).all()
    assert (both.by_prices.value_per_mwh[running] >= 0.0).all()


def test_reasons_are_those_of_the_duals() -> None:
    """Where an optimum is degenerate, either is right: stores whose worth turns just there, mostly."""
    same: Counter[AssetFamily] = Counter()
    every: Counter[AssetFamily] = Counter()
    for seed in range(120):
        both = Both(some(seed))
        agree = both.by_duals.reason == both.by_prices.reason
        for i, asset in enumerate(both.asked.assets):
            same[asset.kind.family] += int(agree[i].sum())
            every[asset.kind.family] += agree.shape[1]
    assert same[AssetFamily.RENEWABLE] == every[AssetFamily.RENEWABLE]
    assert same[AssetFamily.THERMAL] >= 0.99 * every[AssetFamily.THERMAL]
    assert same[AssetFamily.STORAGE] >= 0.92 * every[AssetFamily.STORAGE]


def test_energy_in_store_is_worth_what_the_duals_say_where_they_are_the_only_ones() -> None:
    """Left out, as the recursion leaves it out: reserve short of energy, several days' cycles, stores out of limits."""
    right: list[bool] = []
    for seed in range(80):
        both = Both(some(seed))
        data = both.found.plan.storage.data
        rows = np.flatnonzero(both.found.plan.program.row_limits() == Limit.ENERGY)
        for row, (k, t) in zip(rows, np.ndindex(len(data), both.asked.steps), strict=True):
            reasons = set(both.by_duals.reason[data.members[k]].tolist())
            outside = not data.least[k] <= data.before[k] <= data.most[k]
            theft, gift = (-both.cost_of(int(row), change) / EPSILON for change in (-EPSILON, EPSILON))
            if abs(theft + gift) < TOLERANCE and not outside and not reasons & {Reason.CYCLES, Reason.RESERVE_ENERGY}:
                told = float(both.by_prices.stored_value_per_mwh[data.members[k], t])
                right.append(abs(told - gift) <= TOLERANCE + 1e-3 * abs(gift))
    assert len(right) > 100
    assert np.mean(right) >= 0.92


def day(n: int, seed: int, share: float, *, stores_hold: bool) -> ScheduleRequest:
    """Reserve as a share of the greatest load; where stores hold none of it, it binds."""
    asked = replace(fleet_day(n, seed, share), time_limit_s=40.0, relative_gap=0.012)
    assets = tuple(replace(one, reserve=one.reserve and (stores_hold or not one.capacity_mwh)) for one in asked.assets)
    return replace(asked, assets=assets)


DAYS = [day(100, 2, 0.12, stores_hold=False), day(100, 0, 0.05, stores_hold=True)]


@pytest.fixture(params=range(len(DAYS)))
def decomposed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[ScheduleRequest, Schedule]:
    """A day planned as of a large fleet, and its schedule."""
    monkeypatch.setattr(decomposition, "EXACT_UP_TO", 0)
    asked = DAYS[request.param]
    schedule, _ = solve_large(asked)
    assert isinstance(schedule, Schedule)
    return asked, schedule


def test_a_decomposed_fleet_is_told_as_its_program_would_tell_it(decomposed: tuple[ScheduleRequest, Schedule]) -> None:
    """Reasons are true. With the duals for prices they are the same; with its own, prices are what more costs.

    More: a fiftieth of the requirement or of the reserve of a step, by the whole program with the same times.
    """
    asked, schedule = decomposed
    why = schedule.explanation
    assert why is not None and (why.one_more_per_mwh == schedule.marginal_price_per_mwh).all()
    assert untrue(asked, schedule) == []
    both = Both(asked, schedule.on)
    assert untrue(asked, both.told) == []
    assert (both.by_duals.reason == both.by_prices.reason).mean() >= 0.995
    usual = float(np.median(np.abs(both.by_duals.one_more_per_mwh)))  # not of the hours of need
    for told, exact, rows, owed in (
        (why.one_more_per_mwh, both.by_duals.one_more_per_mwh, both.found.plan.rows.balance, asked.requirement_mw),
        (
            why.reserve_value_per_mwh,
            both.by_duals.reserve_value_per_mwh,
            both.found.plan.rows.reserve,
            asked.reserve_mw,
        ),
    ):
        assert np.median(np.abs(told - exact)) <= 0.1 * usual
        for t in (0, 40, 76):
            step_mw = 0.02 * float(owed[t])
            less, more = (
                both.cost_of(int(rows[t]), change) / (change * asked.step_s / 3600.0) for change in (-step_mw, step_mw)
            )
            assert less - 0.15 * usual <= told[t] <= more + 0.15 * usual
