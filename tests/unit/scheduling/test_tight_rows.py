"""What each family of tight rows does to the linear relaxation of a fleet of slow engines."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.scheduling.requests import engine, planned, request
from vppscada.model.assets import Asset, AssetKind
from vppscada.model.schedule import Product, ScheduleRequest
from vppscada.scheduling import mathopt, thermal_rows
from vppscada.scheduling.formulation import formulate
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.program import Program
from vppscada.scheduling.thermal import Thermal
from vppscada.scheduling.thermal_curves import add_tight_segments
from vppscada.scheduling.thermal_limits import (
    add_held_while_on,
    add_tight_generation_limits,
)
from vppscada.scheduling.thermal_ramps import add_tight_ramps

Family = Callable[[Program, Horizon, Thermal], None]

STEPS = 12


def slow(name: str, fuel: float, ramp: float, times_h: float) -> Asset:
    """10 MW, minimum 4 MW, a bent curve, ``ramp`` MW per hour, up and down for so many hours at least."""
    return engine(
        name,
        fuel_price_per_mwh=fuel,
        heat_rate=((4.0, 12.0), (7.0, 17.0), (10.0, 24.0)),
        ramp_up_mw_per_min=ramp / 60.0,
        ramp_down_mw_per_min=ramp / 60.0,
        minimum_up_s=times_h * 3600.0,
        minimum_down_s=times_h * 3600.0,
        start_costs=((0.0, 100.0), (4.0, 300.0)),
    )


def slow_fleet() -> ScheduleRequest:
    """Three slow engines and a quick one for a load with two peaks, with reserve to hold."""
    hours = np.arange(STEPS)
    load = 6.0 + 14.0 * np.exp(-(((hours - 3.0) / 1.5) ** 2)) + 18.0 * np.exp(-(((hours - 9.0) / 1.5) ** 2))
    quick = replace(slow("quick", 30.0, 5.0, 1.0), minimum_up_s=900.0)
    fleet = [slow("first", 20.0, 2.0, 5.0), slow("second", 22.0, 1.5, 4.0), slow("third", 24.0, 2.5, 3.0), quick]
    return request(fleet, load.tolist(), reserve_mw=2.0)


def relaxed(asked: ScheduleRequest) -> float:
    """Value of the linear relaxation, with every row that stands."""
    plan = formulate(asked)
    price_tier(plan, TIERS[asked.objective][0])
    matrices = plan.program.matrices()
    answer = mathopt.run(mathopt.model_of(replace(matrices, integer=np.zeros_like(matrices.integer))))
    assert answer.found
    return answer.objective


@pytest.mark.parametrize(
    "family",
    [
        lambda program, _, thermal: add_tight_generation_limits(program, thermal),
        lambda program, _, thermal: add_tight_ramps(program, thermal),
        lambda program, _, thermal: add_tight_segments(program, thermal),
        add_held_while_on,
    ],
    ids=["limits", "ramps", "segments", "held"],
)
def test_each_family_lifts_the_relaxation(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = slow_fleet()
    monkeypatch.setattr(thermal_rows, "add_tight_rows", lambda *_: None)
    without = relaxed(asked)
    monkeypatch.setattr(thermal_rows, "add_tight_rows", family)
    alone = relaxed(asked)
    monkeypatch.undo()
    assert without + 1.0 < alone <= relaxed(asked) + 1e-6


def test_together_they_leave_the_optimum_and_close_half_of_what_lies_between(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = slow_fleet()
    best, with_rows = planned(asked).objective_value, relaxed(asked)
    monkeypatch.setattr(thermal_rows, "add_tight_rows", lambda *_: None)
    plan = formulate(asked)
    price_tier(plan, TIERS[asked.objective][0])
    assert mathopt.run(mathopt.model_of(plan.program.matrices())).objective == pytest.approx(best, rel=1e-6)
    without = relaxed(asked)
    assert best - with_rows <= 0.5 * (best - without)


def test_nothing_is_held_by_a_part_of_a_unit_that_is_off() -> None:
    """1 MW in 10 min of 10 MW: half a unit holds half a MW, so that 1 MW of a product takes a whole one."""
    unit = engine(ramp_up_mw_per_min=0.1, reserve=False)
    zero, one = np.zeros(1), np.ones(1)
    product = Product("up", True, 10.0, 0.25, one, zero, zero, np.ones(1, dtype=np.bool_))
    asked = request([unit], [4.0], products=(product,), initial={"engine1": {"on": True, "power_mw": 4.0}})
    assert relaxed(asked) == pytest.approx(planned(asked).objective_value)


def test_run_hours_of_a_permit_count_in_whole_steps() -> None:
    """2.5 h are two steps: in the third the load is not served, even in the relaxation."""
    unit = engine(kind=AssetKind.EMERGENCY_GENERATOR, minimum_mw=0.0, heat_rate=((0.0, 0.0), (10.0, 20.0)))
    asked = request([unit], [10.0] * 3, initial={"engine1": {"run_hours_left_today": 2.5}})
    assert planned(asked).unserved_mw.sum() == pytest.approx(10.0)
    assert relaxed(asked) == pytest.approx(planned(asked).objective_value)


def test_no_part_of_a_start_is_warmer_than_the_minimum_down_time_allows() -> None:
    """Off for 3 h at least, hot up to 3 h: there is no hot start, nor a share of one in the relaxation."""
    load = [9.0, 0.0, 3.0, 9.0, 0.0, 0.0, 0.0, 9.0]
    state = {"engine1": {"on": True, "power_mw": 6.0}}
    rests = engine(minimum_down_s=3 * 3600.0, running_cost_per_h=5_000.0, start_costs=((0.0, 100.0), (3.0, 9_000.0)))
    cold = replace(rests, start_costs=((0.0, 9_000.0),))
    assert relaxed(request([rests], load, initial=state)) == pytest.approx(
        relaxed(request([cold], load, initial=state))
    )
