from dataclasses import replace

import numpy as np
import pytest

from tests.unit.plant.fleets import FLEET, FLYWHEEL, states
from vppscada.model.assets import Fleet
from vppscada.model.dispatch import Boxes
from vppscada.model.limits import LimitTree
from vppscada.plant.dispatch import (
    FIXED,
    dispatch,
    fast_storage_base,
    holdable,
    reachable,
    steady_powers,
    tiers,
)
from vppscada.plant.fleet_view import fleet_columns
from vppscada.plant.least_cost import Limits
from vppscada.plant.sharing import Economics, Planned, leeway_of

COLUMNS = fleet_columns(FLEET)
ECONOMICS = Economics.of(FLEET)
ALL = np.ones(4, dtype=np.bool_)
HOUR = 2.0 / 3600.0


def boxes(low: list[float], high: list[float], base: list[float], tier: list[int]) -> Boxes:
    return Boxes(
        low_mw=np.array(low, dtype=np.float64),
        high_mw=np.array(high, dtype=np.float64),
        base_mw=np.array(base, dtype=np.float64),
        marginal_cost=np.array([10.0 * i for i in range(len(low))]),
        tier=np.array(tier, dtype=np.int8),
    )


def test_meets_the_target_exactly_where_it_can() -> None:
    decided = dispatch(7.0, boxes([0, -5], [4, 5], [3, 0], [2, 1]))
    assert decided.setpoint_mw.tolist() == [3.0, 4.0]
    assert decided.shortfall_mw == 0.0 and decided.reasons == ()


def test_fast_storage_takes_the_residual_before_the_battery() -> None:
    decided = dispatch(3.0, boxes([0, -5, -2], [10, 5, 2], [0, 0, 0], [2, 1, 0]))
    assert decided.setpoint_mw.tolist() == [0.0, 1.0, 2.0]


def test_a_fixed_asset_is_counted_and_left_alone() -> None:
    decided = dispatch(5.0, boxes([3, 0], [3, 9], [3, 0], [FIXED, 2]))
    assert np.isnan(decided.setpoint_mw[0]) and decided.setpoint_mw[1] == 2.0


def test_what_cannot_be_reached_is_told() -> None:
    decided = dispatch(20.0, boxes([0], [4], [0], [2]))
    assert decided.shortfall_mw == 16.0
    assert "+16.000 MW" in decided.reasons[0]


def test_an_unusable_asset_is_taken_as_it_is() -> None:
    limits = holdable(COLUMNS, states(power_mw=[6, 1, 0, 0], usable=[False, True, True, True]), ALL, ALL, HOUR)
    assert (limits.low_mw[0], limits.high_mw[0], limits.controlled[0]) == (6.0, 6.0, False)


def test_an_engine_is_held_above_its_stable_minimum() -> None:
    limits = holdable(COLUMNS, states(), ALL, ALL, HOUR)
    assert (limits.low_mw[0], limits.high_mw[0]) == (3.0, 10.0)


def test_an_engine_that_is_to_stop_is_unloaded() -> None:
    limits = holdable(COLUMNS, states(), np.zeros(4, dtype=np.bool_), ALL, HOUR)
    assert (limits.low_mw[0], limits.high_mw[0]) == (3.0, 3.0)


def test_an_engine_that_is_off_is_not_commanded() -> None:
    limits = holdable(COLUMNS, states(on=[False, True, True, True]), ALL, ALL, HOUR)
    assert not limits.controlled[0] and limits.high_mw[0] == 0.0


@pytest.mark.parametrize(("stored", "low", "high"), [(1.0, -5.0, 0.0), (9.0, 0.0, 5.0), (5.0, -5.0, 5.0)])
def test_a_battery_neither_overfills_nor_overdraws(stored: float, low: float, high: float) -> None:
    limits = holdable(COLUMNS, states(stored_mwh=[np.nan, np.nan, stored, 0.25]), ALL, ALL, HOUR)
    assert limits.low_mw[2] == pytest.approx(low) and limits.high_mw[2] == pytest.approx(high)


def test_a_nearly_empty_flywheel_gives_no_more_than_it_can_hold_for_three_cycles() -> None:
    limits = holdable(COLUMNS, states(stored_mwh=[np.nan, np.nan, 5, 0.051]), ALL, ALL, 60.0 / 3600.0)
    assert limits.high_mw[3] == pytest.approx(0.001 / 0.05)


def test_fast_storage_is_no_part_of_the_steady_share() -> None:
    limits = holdable(COLUMNS, states(), ALL, ALL, HOUR)
    planned = Planned(power_mw=np.array([5.0, 0, 0, 0]), price=90.0)
    leeway = leeway_of(COLUMNS, ECONOMICS, limits, planned, np.array([5.0, 0, 0, 0]))
    steady = steady_powers(9.0, leeway, ECONOMICS.steps, Limits.of(LimitTree.empty(), 4))
    assert steady.tolist() == [5.0, 4.0, 0.0, 0.0]


def test_a_ramp_limits_what_is_reachable() -> None:
    now = states(power_mw=[5, 0, 0, 0])
    limits = holdable(COLUMNS, now, ALL, ALL, HOUR)
    low, high = reachable(COLUMNS, now, limits, np.array([5.0, np.nan, np.nan, np.nan]), 0.25)
    assert (low[0], high[0]) == (4.0, 6.0)
    assert (low[2], high[2]) == (-5.0, 5.0)


def test_a_ramp_starts_from_the_setpoint_while_the_reading_lags_it() -> None:
    now = states(power_mw=[5, 0, 0, 0])
    limits = holdable(COLUMNS, now, ALL, ALL, HOUR)
    _, high = reachable(COLUMNS, now, limits, np.array([6.0, np.nan, np.nan, np.nan]), 0.25)
    assert high[0] == 7.0
    _, far = reachable(COLUMNS, now, limits, np.array([9.0, np.nan, np.nan, np.nan]), 0.25)
    assert far[0] == 8.0  # two ramps above what it does, and one more


def test_a_unit_below_its_minimum_loads_up_as_its_ramp_allows() -> None:
    now = states(power_mw=[0.5, 0, 0, 0])
    low, high = reachable(COLUMNS, now, holdable(COLUMNS, now, ALL, ALL, HOUR), np.full(4, np.nan), 0.25)
    assert (low[0], high[0]) == (1.5, 1.5)


def test_fast_storage_drifts_back_to_the_middle() -> None:
    base = fast_storage_base(COLUMNS, states(stored_mwh=[np.nan, np.nan, 9, 0.35]), 0.5)
    assert base.tolist() == pytest.approx([0, 0, 0, 0.2])


def test_fast_storage_in_the_middle_makes_good_what_it_loses() -> None:
    leaky = fleet_columns(Fleet((replace(FLYWHEEL, standby_loss_mw=0.01, self_discharge_per_h=0.04),)))
    assert fast_storage_base(leaky, states(Fleet((FLYWHEEL,))), 0.5).tolist() == pytest.approx([-0.02])


def test_tiers_follow_the_kind_and_control() -> None:
    assert tiers(COLUMNS, ALL).tolist() == [2, 2, 1, 0]
    assert tiers(COLUMNS, np.zeros(4, dtype=np.bool_)).tolist() == [-1] * 4
