"""Large fleets with products, limits of groups and N-1 cover: times by prices, powers by the whole program."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.fleets import fleet_day
from tests.property.test_schedule_against_independent_model import sane_request
from vppscada.model.limits import Limit, limit_tree
from vppscada.model.schedule import Objective, Product, Schedule, ScheduleRequest
from vppscada.scheduling import solve as solving
from vppscada.scheduling.earlier import Earlier
from vppscada.scheduling.solve import solve
from vppscada.scheduling.tied import begun, is_tied, led_otherwise, solve_tied
from vppscada.scheduling.violations import violations


def tied_day(n: int, share: float = 0.4, **changes: object) -> ScheduleRequest:
    """A day in which every fourth feeder of ten assets carries ``share`` of what is behind it; a product; N-1 cover."""
    asked = fleet_day(n)
    feeders = []
    for k in range(n // 10):
        inside = [asset for i, asset in enumerate(asked.assets) if i % (n // 10) == k]
        most = sum(asset.rating_mw for asset in inside) * (share if k % 4 == 0 else 1.0)
        feeders.append(Limit(f"feeder{k}", "", tuple(asset.name for asset in inside), most))
    peak, steps = float(asked.requirement_mw.max()), asked.steps
    owed, sold = np.full(steps, 0.02 * peak), np.full(steps, 0.01 * peak)
    product = Product("regulation up", True, 5.0, 0.25, owed, sold, np.full(steps, 8.0), np.ones(n, dtype=np.bool_))
    asked = replace(asked, limits=limit_tree(feeders, [asset.name for asset in asked.assets]), products=(product,))
    return replace(asked, n_minus_1=True, time_limit_s=20.0, relative_gap=0.02, **changes)  # type: ignore[arg-type]


def planned(asked: ScheduleRequest) -> Schedule:
    found, _ = solve_tied(asked, None)
    assert isinstance(found, Schedule), found
    assert violations(asked, found) == []
    return found


def test_a_day_with_every_tie_is_planned_near_its_bound() -> None:
    schedule = planned(tied_day(60))
    assert schedule.gap <= 0.05
    assert schedule.slacks == ()
    assert schedule.explanation is not None


def test_what_a_feeder_keeps_back_is_made_up_for_elsewhere() -> None:
    asked = tied_day(60, share=0.2)
    schedule = planned(asked)
    assert not [slack for slack in schedule.slacks if slack.limit.startswith("feeder")]
    assert schedule.unserved_mw.max() < 1e-6


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_its_bound_is_below_and_its_cost_above_the_optimum(seed: int) -> None:
    asked = replace(sane_request(seed), time_limit_s=4.0, relative_gap=0.0)
    best = solve(asked)
    assert isinstance(best, Schedule)
    found = planned(asked)
    rounding = 1e-6 * max(abs(best.objective_value), 1.0) + 1e-4
    assert found.bound <= best.objective_value + rounding
    assert found.objective_value >= best.objective_value - rounding


def test_large_tied_fleets_go_this_way_without_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tied_day(160)
    called: list[ScheduleRequest] = []

    def noted(request: ScheduleRequest, *_: object) -> tuple[Schedule, None]:
        called.append(request)
        return solve(fleet_day(10)), None  # type: ignore[return-value]

    monkeypatch.setattr(solving, "solve_tied", noted)
    solve(asked)
    assert called == [asked]
    assert is_tied(asked)
    assert not is_tied(replace(asked, objective=Objective.REVENUE))
    assert not is_tied(fleet_day(160)) and not is_tied(tied_day(40))


def test_led_otherwise_the_whole_program_begins_from_a_plan_by_prices() -> None:
    asked = replace(tied_day(40), objective=Objective.REVENUE)
    begin = begun(asked, None)
    assert begin is not None and begin.schedule.power_mw.shape == (40, asked.steps)
    later = replace(asked, start_ms=asked.start_ms + 900_000)
    assert begun(later, begin) is begin
    elsewhere = Earlier(asked.assets[:5], begin.schedule)
    assert begun(asked, elsewhere) is not elsewhere
    assert led_otherwise(replace(tied_day(160), objective=Objective.EFFICIENCY))
    assert not led_otherwise(asked) and not led_otherwise(tied_day(160))
