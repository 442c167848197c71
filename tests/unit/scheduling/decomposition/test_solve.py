"""The decomposition's schedules: every limit kept or named, the bound below the optimum, the cost above it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.fleets import a_step_later, fleet_day
from tests.property.test_schedule_properties import PLANT_SLACKS, money
from tests.unit.scheduling.decomposition.fleets import optimum, small
from vppscada.model.limits import Limit, limit_tree
from vppscada.model.schedule import Objective, Schedule, ScheduleRequest, SolveFailure, SolveStatus
from vppscada.scheduling import solve as solving
from vppscada.scheduling.decomposition import solve as decomposition
from vppscada.scheduling.decomposition.plant import suits
from vppscada.scheduling.decomposition.solve import solve_large
from vppscada.scheduling.earlier import Earlier
from vppscada.scheduling.violations import violations


def decomposed(request: ScheduleRequest, earlier: Earlier | None = None) -> Schedule:
    """By decomposition, whatever its size; it must break nothing."""
    schedule, prices = solve_large(request, earlier)
    assert isinstance(schedule, Schedule) and prices is not None and schedule.explanation is not None
    assert violations(request, schedule) == []
    return schedule


def day(n: int = 40, reserve_share: float = 0.03, **changes: Any) -> ScheduleRequest:
    return replace(fleet_day(n, 0, reserve_share), **{"relative_gap": 0.02, "time_limit_s": 15.0, **changes})


@pytest.fixture(params=["exact", "step by step"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Powers of settled times by one program, and as in larger fleets."""
    if request.param != "exact":
        monkeypatch.setattr(decomposition, "EXACT_UP_TO", 0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_small_fleets_of_every_kind_agree_with_the_monolith_within_the_gaps(seed: int) -> None:
    request = small(seed, time_limit_s=0.8)
    best = optimum(request).objective_value
    schedule = decomposed(replace(request, relative_gap=0.02))
    rounding = 1e-6 * max(abs(best), 1.0)
    assert schedule.bound <= best + rounding
    assert schedule.objective_value >= best - rounding
    if {slack.limit for slack in schedule.slacks} <= PLANT_SLACKS:
        assert schedule.objective_value == pytest.approx(money(request, schedule), rel=1e-6, abs=1e-3)


@pytest.mark.usefixtures("way")
def test_a_day_of_a_fleet_is_within_the_gap_that_was_asked() -> None:
    request = day()
    schedule = decomposed(request)
    assert schedule.status is SolveStatus.OPTIMAL and schedule.gap <= 0.02
    assert schedule.slacks == ()
    assert schedule.objective_value == pytest.approx(money(request, schedule), rel=1e-6)


@pytest.mark.usefixtures("way")
def test_reserve_that_binds_is_held() -> None:
    request = day(reserve_share=0.25)
    schedule = decomposed(request)
    assert schedule.gap <= 0.025
    assert (schedule.reserve_mw.sum(axis=0) >= request.reserve_mw - 1e-4).all()


@pytest.mark.usefixtures("way")
def test_a_requirement_that_cannot_be_met_is_named() -> None:
    request = day()
    hard = replace(request, requirement_mw=3.0 * request.requirement_mw, reserve_mw=3.0 * request.reserve_mw)
    schedule = decomposed(hard)
    assert "requirement" in {slack.limit for slack in schedule.slacks}
    assert schedule.unserved_mw.max() > 1.0


@pytest.mark.usefixtures("way")
def test_stores_keep_to_their_cycles() -> None:
    request = day()
    tired = tuple(replace(a, cycles_per_day=0.6) if a.capacity_mwh > 0.0 else a for a in request.assets)
    schedule = decomposed(replace(request, assets=tired))
    assert schedule.gap <= 0.025
    assert schedule.objective_value > decomposed(request).bound


@pytest.mark.usefixtures("way")
def test_a_store_that_starts_below_its_minimum_is_named_until_it_is_mended() -> None:
    request = day()
    empty = replace(request.initial, stored_mwh=np.where(np.arange(40) == 0, 0.0, request.initial.stored_mwh))
    schedule = decomposed(replace(request, initial=empty))
    assert "storage0 state of charge minimum" in {slack.limit for slack in schedule.slacks}
    assert max(slack.step for slack in schedule.slacks) < 12


@pytest.mark.usefixtures("way")
def test_the_next_solve_begins_with_prices_and_times_of_the_one_before() -> None:
    request = day()
    first, prices = solve_large(request)
    assert isinstance(first, Schedule)
    following = a_step_later(request, first)
    schedule = decomposed(following, Earlier(request.assets, first, prices))
    assert schedule.gap <= 0.025


def test_times_that_do_not_fit_any_more_are_not_taken_over() -> None:
    request = day()
    first, prices = solve_large(request)
    assert isinstance(first, Schedule)
    following = a_step_later(request, first)
    tripped = np.array([asset.minimum_mw > 0.0 for asset in request.assets]) & (np.arange(40) % 2 == 0)
    initial = replace(
        following.initial,
        on=following.initial.on & ~tripped,
        power_mw=np.where(tripped, 0.0, following.initial.power_mw),
        hours_in_state=np.where(tripped, 0.0, following.initial.hours_in_state),
    )
    decomposed(replace(following, initial=initial), Earlier(request.assets, first, prices))


def test_what_it_does_not_know_is_left_to_the_monolith() -> None:
    request = day(160)
    assert suits(request)
    assert not any(suits(replace(request, objective=one)) for one in Objective if one is not Objective.COST)
    feeder = limit_tree([Limit("feeder", assets=("storage0",))], [asset.name for asset in request.assets])
    assert not suits(replace(request, limits=feeder))
    assert not suits(replace(request, n_minus_1=True))


def test_large_fleets_are_decomposed_without_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    decomposed_sizes, whole_sizes = [], []

    def by_prices(request: ScheduleRequest, earlier: Earlier | None) -> tuple[SolveFailure, None]:
        decomposed_sizes.append(len(request.assets))
        return SolveFailure(SolveStatus.UNSOLVED, "not now"), None

    def whole(request: ScheduleRequest, *rest: object) -> SolveFailure:
        whole_sizes.append(len(request.assets))
        return SolveFailure(SolveStatus.UNSOLVED, "nor now")

    monkeypatch.setattr(solving, "solve_large", by_prices)
    monkeypatch.setattr(solving, "_solve", whole)
    for n in (100, 200):
        solving.solve(day(n))
    assert decomposed_sizes == [200]
    assert whole_sizes == [100, 200]  # what the decomposition does not solve the monolith tries
