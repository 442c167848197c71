"""What becomes of readings: codes, totals, rate limits, clamps, substitutes, and what is reported but frozen."""

import math

import numpy as np
import pytest

from tests.unit.points.build import batch
from vppscada.model.batch import Cause
from vppscada.model.conditioning import Conditioning
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality
from vppscada.points.conditioning import counted, limited
from vppscada.points.database import Database

GOOD = int(Quality.ONLINE)


def database(how: Conditioning, **settings: float) -> Database:
    return Database([Point("a.p", PointKind.ANALOG_INPUT, conditioning=how, **settings)])  # type: ignore[arg-type]


def state(made: Database) -> tuple[float, int]:
    return float(made.value[0]), int(made.quality[0])


def test_a_clamped_reading_is_held_at_its_limit_and_says_so() -> None:
    made = database(Conditioning(clamp=True), minimum=0.0, maximum=10.0)
    made.apply(batch([0], [12.0]))
    assert state(made) == (10.0, GOOD | Quality.OVER_RANGE)
    made.apply(batch([0], [5.0]))
    assert state(made) == (5.0, GOOD)


def test_a_value_moves_no_faster_than_its_limit() -> None:
    made = database(Conditioning(rate_limit_per_s=2.0))
    made.apply(batch([0], [10.0], received_ms=1_000))
    made.apply(batch([0], [20.0], received_ms=2_000))
    assert state(made) == (12.0, GOOD | Quality.OVER_RANGE)
    made.apply(batch([0], [13.0], received_ms=3_000))
    assert state(made) == (13.0, GOOD)


@pytest.mark.parametrize(
    ("before", "value", "now_ms", "let_through"),
    [(None, 9.0, 0, 9.0), ((5.0, 0), -9.0, 1_000, 3.0), ((math.nan, 0), 9.0, 1_000, 9.0), ((5.0, 0), 9.0, -50, 5.0)],
)
def test_how_far_a_value_may_move(
    before: tuple[float, int] | None, value: float, now_ms: int, let_through: float
) -> None:
    assert limited(before, value, 2.0, now_ms) == let_through


def test_codes_become_states_and_an_unknown_one_is_no_value() -> None:
    made = database(Conditioning(codes=(0.0, 4.0, 7.0)))
    made.apply(batch([0], [4.0]))
    assert state(made) == (1.0, GOOD)
    made.apply(batch([0], [5.0]))
    assert math.isnan(made.value[0])
    assert made.quality[0] & Quality.OVER_RANGE


def test_a_counter_that_rolls_over_goes_on_as_a_total() -> None:
    made = database(Conditioning(rollover=65_536.0))
    made.apply(batch([0], [65_000.0]))
    made.apply(batch([0, 0], [65_530.0, 10.0], cause=Cause.EVENT, times=[5, 6]))
    assert state(made) == (65_546.0, GOOD)


@pytest.mark.parametrize(
    ("last", "reading", "told", "total", "doubtful"),
    [
        (None, 7.0, False, 7.0, False),
        ((90.0, 190.0), 95.0, False, 195.0, False),
        ((90.0, 190.0), 5.0, False, 205.0, False),
        ((40.0, 140.0), 3.0, False, 143.0, True),  # set to zero: a rollover would be most of a turn
        ((40.0, 140.0), 90.0, True, 140.0, True),
    ],
)
def test_a_total_never_falls(
    last: tuple[float, float] | None, reading: float, told: bool, total: float, doubtful: bool
) -> None:
    assert counted(last, reading, 100.0, told) == ((reading, total), doubtful)


def test_a_counter_that_was_reset_says_that_something_may_be_missing() -> None:
    made = database(Conditioning(rollover=65_536.0))
    made.apply(batch([0], [1_000.0]))
    made.apply(batch([0], [4.0]))
    assert state(made) == (1_004.0, GOOD | Quality.DISCONTINUITY)


def test_what_is_reported_unchanged_for_too_long_is_frozen_and_what_is_not_reported_is_stale() -> None:
    made = database(Conditioning(frozen_after_s=10.0), stale_after_s=5.0)
    for now_ms in (1_000, 4_000, 8_000, 11_000):
        made.apply(batch([0], [3.0], received_ms=now_ms))
        made.mark_stale(now_ms)
    assert state(made) == (3.0, GOOD)
    made.apply(batch([0], [3.0], received_ms=11_500))
    assert state(made) == (3.0, GOOD | Quality.FROZEN)
    made.mark_stale(17_000)
    assert state(made) == (3.0, GOOD | Quality.FROZEN | Quality.STALE)
    made.apply(batch([0], [3.1], received_ms=18_000))
    assert state(made) == (3.1, GOOD)


def test_an_event_is_news_even_if_it_says_the_same() -> None:
    made = database(Conditioning(frozen_after_s=10.0))
    made.apply(batch([0], [3.0], received_ms=1_000))
    made.apply(batch([0], [3.0], received_ms=20_000, cause=Cause.EVENT))
    assert state(made) == (3.0, GOOD)


def test_a_substitute_stands_in_while_the_reading_is_unfit() -> None:
    made = database(Conditioning(substitute=7.0), stale_after_s=5.0)
    made.apply(batch([0], [3.0], received_ms=1_000))
    made.mark_stale(7_000)
    assert state(made) == (7.0, GOOD | Quality.STALE | Quality.LOCAL_FORCED)
    made.apply(batch([0], [4.0], received_ms=8_000))
    assert state(made) == (4.0, GOOD)
    made.comm_lost([0], 9_000)
    assert state(made) == (7.0, Quality.COMM_LOST | Quality.LOCAL_FORCED)
    made.apply(batch([0], [math.nan], received_ms=10_000))
    assert state(made) == (7.0, GOOD | Quality.OVER_RANGE | Quality.LOCAL_FORCED)


def test_a_change_of_quality_tells_the_substitute() -> None:
    made = database(Conditioning(substitute=7.0))
    made.apply(batch([0], [3.0]))
    told = made.comm_lost([0], 2_000)
    assert told.value.tolist() == [7.0]


def test_points_beside_are_left_as_they_are() -> None:
    points = [
        Point("a.p", PointKind.ANALOG_INPUT, conditioning=Conditioning(clamp=True)),
        Point("a.q", PointKind.COUNTER),
    ]
    made = Database(points)
    made.apply(batch([0, 1], [1.0, np.inf]))
    assert made.value.tolist() == [1.0, np.inf]


def test_counts_and_limits_go_on_in_another_database() -> None:
    counter = Point("a.energy", PointKind.COUNTER, conditioning=Conditioning(rollover=1_000.0))
    slow = Point("a.slow", PointKind.ANALOG_INPUT, conditioning=Conditioning(rate_limit_per_s=1.0))
    before, after = Database([counter, slow]), Database([slow, counter])
    before.apply(batch([0, 1], [990.0, 0.0], received_ms=1_000))
    before.apply(batch([0], [10.0], received_ms=2_000))
    after.take_over(before, np.array([0, 1]), np.array([1, 0]))
    after.apply(batch([1, 0], [20.0, 50.0], received_ms=3_000))
    assert after.value.tolist() == [2.0, 1_020.0]
