"""The tracking error from samples, on columns made by hand."""

import numpy as np
import pytest

from vppscada.simulation.tracking import LEAST_SETTLE_S, settle_time_s, tracking

TIME = np.arange(0.0, 10.0, 0.5)


def test_samples_within_the_ramp_time_of_a_step_do_not_count() -> None:
    target = np.where(TIME < 5.0, 10.0, 20.0)
    power = np.where(TIME < 7.0, 10.0, 19.0)  # follows two seconds late, one MW short
    found = tracking(TIME, target, power, rating_mw=100.0, settle_s=2.0, judged_from_s=0.0)
    assert found.samples == 12
    assert found.error_percent == pytest.approx(6 * 1.0 / 12)
    assert found.worst_percent == pytest.approx(1.0)


def test_nothing_before_judging_begins_counts() -> None:
    target, power = np.full_like(TIME, 10.0), np.where(TIME < 6.0, 0.0, 10.0)
    assert tracking(TIME, target, power, 100.0, 1.0, judged_from_s=6.0).error_percent == 0.0
    assert tracking(TIME, target, power, 100.0, 1.0, judged_from_s=0.0).error_percent > 0.0
    never = tracking(TIME, target, power, 100.0, 1.0, judged_from_s=float("nan"))
    assert never.samples == 0
    assert np.isnan(never.error_percent)


def test_a_power_that_the_ems_did_not_know_is_counted_as_missing_not_as_good() -> None:
    target, power = np.full_like(TIME, 10.0), np.where(TIME < 8.0, np.nan, 10.0)
    found = tracking(TIME, target, power, 100.0, 2.0, 0.0)
    assert found.samples == 4
    assert found.missing == 12


def test_without_a_target_nothing_counts() -> None:
    found = tracking(TIME, np.full_like(TIME, np.nan), np.zeros_like(TIME), 100.0, 1.0, 0.0)
    assert found.samples == found.missing == 0


def test_no_samples_at_all_is_no_error_of_zero() -> None:
    empty = np.zeros(0)
    assert np.isnan(tracking(empty, empty, empty, 100.0, 1.0, 0.0).error_percent)


def test_the_ramp_time_is_the_plant_s_but_never_less_than_telemetry_takes() -> None:
    assert settle_time_s(300.0, 100.0) == 3.0
    assert settle_time_s(300.0, 1000.0) == LEAST_SETTLE_S
