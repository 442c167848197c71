"""Deadband, limits and staleness as pure functions."""

import numpy as np
import pytest

from tests.unit.points.build import analog
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality
from vppscada.points.deadband import beyond_deadband
from vppscada.points.limits import LimitColumns, with_over_range
from vppscada.points.staleness import gone_stale

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("value", "reported", "deadband", "moved"),
    [
        (1.0, 1.0, 0.0, False),
        (1.0, 1.0 + 1e-12, 0.0, True),
        (1.5, 1.0, 0.5, False),  # at the deadband is within it
        (1.51, 1.0, 0.5, True),
        (0.49, 1.0, 0.5, True),
        (NAN, 1.0, 5.0, True),
        (1.0, NAN, 5.0, True),
        (NAN, NAN, 0.0, False),
        (INF, 1.0, 5.0, True),
        (INF, INF, 0.0, False),
        (INF, -INF, 0.0, True),
    ],
)
def test_a_value_is_reported_when_it_left_its_deadband(
    value: float, reported: float, deadband: float, moved: bool
) -> None:
    answer = beyond_deadband(np.array([value]), np.array([reported]), np.array([deadband]))
    assert answer.tolist() == [moved]


def is_outside(limits: LimitColumns, value: float) -> bool:
    found = limits.outside(np.array([0]), np.array([value]))
    return found is not None and found.tolist() == [True]


@pytest.mark.parametrize(
    ("value", "outside"), [(-1.0, False), (5.0, False), (-1.01, True), (5.01, True), (NAN, True), (INF, True)]
)
def test_a_value_is_outside_beyond_its_limits_or_when_it_is_no_number(value: float, outside: bool) -> None:
    limits = LimitColumns.of([analog("p", minimum=-1.0, maximum=5.0)])
    assert is_outside(limits, value) == outside


@pytest.mark.parametrize(("value", "outside"), [(1e308, False), (-1e308, False), (NAN, True), (INF, True)])
def test_a_point_without_limits_still_refuses_what_is_not_finite(value: float, outside: bool) -> None:
    limits = LimitColumns.of([analog("p")])
    assert is_outside(limits, value) == outside


def test_text_is_never_out_of_range() -> None:
    limits = LimitColumns.of([Point("a.name", PointKind.STRING)])
    assert not is_outside(limits, NAN)


def test_over_range_is_added_and_nothing_is_taken_away() -> None:
    before = np.array([Quality.ONLINE, Quality.OVER_RANGE | Quality.RESTART], dtype=np.uint16)
    after = with_over_range(before, np.array([True, False]))
    assert after.tolist() == [Quality.ONLINE | Quality.OVER_RANGE, Quality.OVER_RANGE | Quality.RESTART]


@pytest.mark.parametrize(
    ("received", "quality", "now", "stale"),
    [
        (1_000, Quality.ONLINE, 6_000, False),  # exactly at the limit
        (1_000, Quality.ONLINE, 6_001, True),
        (1_000, Quality.ONLINE | Quality.STALE, 9_000, False),  # said already
        (1_000, Quality.COMM_LOST, 9_000, False),  # known to be cut off
        (0, Quality.RESTART, 9_000, False),  # never received
        (9_000, Quality.ONLINE, 1_000, False),  # the clock was set back
    ],
)
def test_a_reading_goes_stale_once_it_is_older_than_its_limit(
    received: int, quality: Quality, now: int, stale: bool
) -> None:
    answer = gone_stale(np.array([received]), np.array([5_000]), np.array([quality], dtype=np.uint16), now)
    assert answer.tolist() == [stale]
