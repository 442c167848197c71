"""Baselines by their stated methods, and delivered against called."""

import numpy as np
import pytest

from vppscada.proof.baseline import Baseline, Day, Method, baseline
from vppscada.proof.delivery import Delivery

NAN = float("nan")


def day(number: int, mw: float, known: float = 1.0, called: bool = False, excluded: bool = False) -> Day:
    return Day(f"day{number}", np.array([mw, mw]), known, called, excluded)


def made(method: Method, days: list[Day]) -> Baseline:
    return baseline(method, days, 7.0, 2)


def test_ten_of_ten_is_the_mean_of_the_newest_ten_that_count() -> None:
    days = [day(1, 99.0, called=True), day(2, 99.0, known=0.5), day(3, 99.0, excluded=True)]
    days += [day(number, float(number)) for number in range(4, 20)]
    found = made(Method.TEN_OF_TEN, days)
    assert found.mean_mw.tolist() == [8.5, 8.5] and len(found.used) == 10
    assert found.left_out == (
        ("day1", "an order came in the same hours"),
        ("day2", "only 50 % known"),
        ("day3", "excluded by who asked"),
    )
    assert "only" not in found.formula


def test_too_few_days_are_told_and_none_is_unknown() -> None:
    assert made(Method.TEN_OF_TEN, [day(1, 3.0)]).formula.endswith("only 1 of 10 days there were")
    nothing = made(Method.TEN_OF_TEN, [day(1, 3.0, called=True)])
    assert np.isnan(nothing.mean_mw).all() and nothing.left_out == (("day1", "an order came in the same hours"),)


def test_high_five_are_of_the_ten() -> None:
    days = [day(number, float(number)) for number in range(1, 12)]  # the 11th is too old
    assert made(Method.HIGH_FIVE_OF_TEN, days).mean_mw.tolist() == [8.0, 8.0]


def test_what_a_day_does_not_know_of_a_part_is_left_to_the_others() -> None:
    half = Day("half", np.array([NAN, 6.0]), 0.95, called=False)
    assert made(Method.TEN_OF_TEN, [day(1, 2.0), half]).mean_mw.tolist() == [2.0, 4.0]


def test_the_day_before_counts_whatever_came_in_it() -> None:
    assert made(Method.DAY_BEFORE, [day(1, 3.0, called=True), day(2, 9.0)]).mean_mw.tolist() == [3.0, 3.0]
    assert made(Method.HOUR_BEFORE, []).mean_mw.tolist() == [7.0, 7.0]
    assert made(Method.ZERO, []).mean_mw.tolist() == [0.0, 0.0]


def delivery(**given: list[float]) -> Delivery:
    columns = {
        "hours": [0.25, 0.25],
        "called_mw": [5.0, 5.0],
        "measured_mw": [4.0, 5.0],
        "known_share": [1.0, 1.0],
        "booked_mw": [4.0, 5.0],
        "baseline_mw": [1.0, 1.0],
    }
    return Delivery(begin_ms=(0, 900_000), **{name: np.array(one) for name, one in (columns | given).items()})


def test_delivered_is_measured_above_the_baseline() -> None:
    sums = delivery().sums
    assert sums["delivered_mwh"] == pytest.approx(1.75) and sums["called_above_baseline_mwh"] == pytest.approx(2.0)
    assert sums["delivered_share"] == pytest.approx(0.875)


def test_what_is_not_known_is_in_no_share() -> None:
    sums = delivery(measured_mw=[NAN, 5.0], known_share=[0.0, 0.5]).sums
    assert sums["measured_mwh"] == pytest.approx(5.0 * 0.125) and sums["known_h"] == pytest.approx(0.125)
    assert sums["delivered_share"] == pytest.approx(1.0)
    assert sums["called_in_known_time_mwh"] == pytest.approx(5.0 * 0.125)


def test_without_a_baseline_nothing_is_delivered_or_missed() -> None:
    sums = delivery(baseline_mw=[NAN, NAN]).sums
    assert sums["delivered_mwh"] is None and sums["delivered_share"] is None and sums["measured_mwh"] is not None
