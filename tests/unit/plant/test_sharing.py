"""Reserve that is kept, storage that is restored, limits on groups of assets: whole cycles of a small fleet."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.plant.fleets import BATTERY, ENGINE, FLEET, PV, states
from tests.unit.plant.schedules import schedule
from tests.unit.plant.test_fleet_view import ROWS, VALUES, quality
from vppscada.model.assets import Fleet
from vppscada.model.limits import Limit, limit_tree
from vppscada.model.quality import Quality
from vppscada.plant.cycle import Decision, Plant, run_cycle
from vppscada.plant.fleet_view import asset_states, fleet_columns
from vppscada.plant.memory import Memory, Orders, PlantMode
from vppscada.plant.sharing import Planned, base_powers

COLUMNS = fleet_columns(FLEET)
NAMES = [asset.name for asset in FLEET.assets]
PLAN = replace(
    schedule(on=[[True] * 4] * 4, power=[[4.0] * 4, [2.0] * 4, [1.0] * 4, [0.0] * 4]),
    stored_mwh=np.array([[0.0] * 4, [0.0] * 4, [4.74] * 4, [0.25] * 4]),
)
HOURS = 2.0 / 3600.0


def decide(
    plant: Plant, target_mw: float, power: list[float], maximum: list[float] | None = None, **columns: object
) -> Decision:
    now = states(FLEET, power_mw=power, **columns)
    orders = Orders(target_mw, PlantMode.FOLLOW, enabled=True)
    told = None if maximum is None else np.array(maximum)
    return run_cycle(plant, Memory.fresh(4, 0), now, orders, PLAN, 0, 0.0, HOURS, told)


def limited(*limits: Limit) -> Plant:
    return Plant.of(FLEET, 60.0, limit_tree(limits, NAMES))


def test_engines_of_different_slopes_are_loaded_at_equal_incremental_cost_without_a_schedule() -> None:
    bent = replace(ENGINE, name="bent", heat_rate=((3.0, 8.5), (6.0, 14.5), (10.0, 26.5)), ramp_up_mw_per_min=1e6)
    straight = replace(ENGINE, name="straight", heat_rate=((3.0, 9.0), (10.0, 26.5)), ramp_up_mw_per_min=1e6)
    plant = Plant.of(Fleet((bent, straight)), 60.0)
    now = states(plant.fleet, power_mw=[4.0, 9.0])
    orders = Orders(14.0, PlantMode.FOLLOW, enabled=True)
    first = run_cycle(plant, Memory.fresh(2, 0), now, orders, None, 0, 0.0, 1.0)
    assert first.dispatch.setpoint_mw.tolist() == pytest.approx([6.0, 8.0])  # 2.0, then 2.5, then 3.0 MW per MW


def test_reserve_of_the_schedule_is_kept_while_others_can_give() -> None:
    held = replace(PLAN, reserve_mw=np.array([[5.0] * 4, [0.0] * 4, [0.0] * 4, [0.0] * 4]))
    fast = Plant.of(Fleet((replace(ENGINE, ramp_up_mw_per_min=1e6), *FLEET.assets[1:])), 60.0)

    def at(target_mw: float) -> Decision:
        now = states(FLEET, power_mw=[4, 2, 1, 0], available_mw=[10, 2, 5, 2])
        orders = Orders(target_mw, PlantMode.FOLLOW, enabled=True)
        return run_cycle(fast, Memory.fresh(4, 0), now, orders, held, 0, 0.0, HOURS)

    kept = at(11.0)
    assert kept.dispatch.setpoint_mw[[0, 2]].tolist() == pytest.approx([5.0, 4.0])  # by cost the engine went first
    assert kept.reserve_used_mw == 0.0
    leaning = at(14.0)
    assert leaning.dispatch.setpoint_mw[[0, 2]].tolist() == pytest.approx([7.0, 5.0])
    assert leaning.reserve_used_mw == pytest.approx(2.0)


def test_a_battery_is_drawn_back_to_the_energy_that_the_schedule_has_in_it() -> None:
    plan = Planned(power_mw=np.zeros(4), stored_mwh=np.array([0.0, 0.0, 5.0, 0.0]))
    for stored, base in ((5.05, 0.0), (5.3, 0.2), (9.0, 0.5), (4.5, -0.4)):
        now = states(stored_mwh=[np.nan, np.nan, stored, 0.25])
        assert base_powers(COLUMNS, now, plan, np.full(4, np.nan))[2] == pytest.approx(base)


def test_the_energy_that_a_schedule_has_now_lies_between_the_ends_of_its_steps() -> None:
    plan = replace(PLAN, stored_mwh=np.array([[0.0] * 4, [0.0] * 4, [5.0] * 4, [0.0] * 4]))
    halfway = Planned.at(COLUMNS, plan, 450_000).stored_mwh
    assert halfway is not None and halfway[2] == pytest.approx(5.0 + 0.125 * 1.0 / 0.95)
    assert Planned.at(COLUMNS, plan, 3_600_000).power_mw is None


def test_what_is_behind_a_limit_is_shared_with_what_is_not() -> None:
    plant = limited(Limit("feeder", "", ("pv1", "battery1"), maximum_mw=2.5))
    decision = decide(plant, 8.0, [5.0, 2.0, 0.5, 0.0], available_mw=[10, 2, 5, 2])
    told = decision.dispatch.setpoint_mw
    assert told[1] == 2.0 and told[2] == pytest.approx(0.5)  # the sun has no room for a gust
    assert told.sum() == pytest.approx(8.0) and decision.dispatch.shortfall_mw == 0.0
    assert decision.dispatch.reasons == ()


def test_room_behind_a_limit_is_left_to_the_sun_evenly() -> None:
    plant = limited(Limit("feeder", "", ("pv1", "battery1"), maximum_mw=6.0))
    assert decide(plant, 7.0, [4, 2, 1, 0], available_mw=[10, 2, 5, 2]).dispatch.setpoint_mw[1] == pytest.approx(5.0)


def test_a_limit_that_a_point_tells_holds_at_once_and_is_named() -> None:
    plant = limited(Limit("connection", "", tuple(NAMES), maximum_mw=20.0))
    free = decide(plant, 9.0, [5, 2, 1, 1], available_mw=[10, 2, 5, 2], maximum=[np.nan])
    assert free.dispatch.shortfall_mw == 0.0
    told = decide(plant, 9.0, [5, 2, 1, 1], available_mw=[10, 2, 5, 2], maximum=[7.0])
    assert told.dispatch.shortfall_mw == pytest.approx(2.0)
    assert "held by connection" in told.dispatch.reasons[0]


def test_what_could_be_added_and_taken_away_ends_at_the_limits() -> None:
    power = [4.0, 2.0, 1.0, 0.0]
    unlimited = decide(Plant.of(FLEET, 60.0), 7.0, power, available_mw=[10, 2, 5, 2]).state
    bounds = Limit("connection", "", tuple(NAMES), maximum_mw=9.0, minimum_mw=6.0)
    bounded = decide(limited(bounds), 7.0, power, available_mw=[10, 2, 5, 2]).state
    assert unlimited.available_up_mw > 3.0 and unlimited.available_down_mw > 3.0
    assert (bounded.available_up_mw, bounded.available_down_mw) == pytest.approx((2.0, 1.0))


def test_a_limit_that_what_nobody_controls_breaks_is_told() -> None:
    plant = limited(Limit("feeder", "", ("engine1",), maximum_mw=3.0))
    usable = [False, True, True, True]
    decision = decide(plant, 7.0, [5.0, 2.0, 0.0, 0.0], available_mw=[10, 2, 5, 2], usable=usable)
    assert decision.dispatch.reasons == ("feeder over its maximum by 2.000 MW",)
    assert np.isnan(decision.dispatch.setpoint_mw[0])


@pytest.mark.parametrize("bad", [Quality.ONLINE | Quality.STALE, Quality.COMM_LOST, Quality.NONE])
def test_what_is_stale_is_never_dispatched_on(bad: Quality) -> None:
    now = asset_states(COLUMNS, ROWS, VALUES, quality(battery1_p=bad))
    orders = Orders(7.0, PlantMode.FOLLOW, enabled=True)
    decision = run_cycle(Plant.of(FLEET, 60.0), Memory.fresh(4, 0), now, orders, PLAN, 0, 0.0, HOURS)
    assert np.isnan(decision.dispatch.setpoint_mw).tolist() == [False, False, True, False]
    assert decision.dispatch.shortfall_mw == 0.0  # the others see to the target


def test_a_limit_and_its_fleet_may_be_of_any_size() -> None:
    fleet = Fleet((PV, BATTERY))
    plant = Plant.of(fleet, 60.0, limit_tree([Limit("cable", "", ("pv1",), maximum_mw=1.0)], ["pv1", "battery1"]))
    now = states(fleet, power_mw=[3.0, 0.0], available_mw=[3.0, 5.0])
    orders = Orders(3.0, PlantMode.FOLLOW, enabled=True)
    told = run_cycle(plant, Memory.fresh(2, 0), now, orders, None, 0, 0.0, HOURS).dispatch.setpoint_mw
    assert told.tolist() == pytest.approx([1.0, 2.0])
