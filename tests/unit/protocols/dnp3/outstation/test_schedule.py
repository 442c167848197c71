"""Freezes to come: which points, when, and what a clock that jumps does to them."""

import numpy as np

from protocols.dnp3.outstation.schedule import FreezeSchedule


def schedule(*tasks: tuple[list[int], int, int]) -> FreezeSchedule:
    made = FreezeSchedule(5)
    for rows, due_ms, interval_ms in tasks:
        made.put(np.array(rows, dtype=np.intp), due_ms, interval_ms)
    return made


def due(of: FreezeSchedule, now_ms: int) -> list[int]:
    return [int(row) for row in of.take_due(now_ms)]


def test_nothing_is_due_where_nothing_was_scheduled() -> None:
    assert schedule().next_ms() is None
    assert due(schedule(), 10**15) == []
    assert FreezeSchedule(0).next_ms() is None


def test_points_are_frozen_once_or_again_and_again() -> None:
    made = schedule(([0, 2], 100, 0), ([1], 50, 30))
    assert [(made.next_ms(), due(made, now)) for now in (49, 50, 99, 100, 109, 110)] == [
        (50, []), (50, [1]), (80, [1]), (100, [0, 2]), (110, []), (110, [1])
    ]  # fmt: skip
    assert made.next_ms() == 140


def test_the_last_word_about_a_point_counts() -> None:
    made = schedule(([0, 1, 2], 100, 10), ([1], 300, 0))
    assert due(made, 100) == [0, 2]
    made.put(np.array([0, 2]), 105, 0)
    assert due(made, 200) == [0, 2]
    assert made.next_ms() == 300
    assert due(made, 301) == [1]
    assert made.next_ms() is None


def test_missed_intervals_count_once_and_the_rhythm_stays() -> None:
    made = schedule(([3], 100, 10))
    assert due(made, 157) == [3]
    assert made.next_ms() == 160


def test_after_a_clock_was_set_back_what_has_begun_goes_on_in_its_rhythm() -> None:
    made = schedule(([3], 1000, 10), ([4], 2000, 10))
    assert due(made, 1000) == [3]
    assert due(made, 500) == []
    assert made.next_ms() == 510
    assert due(made, 510) == [3]
    assert due(made, 2000) == [3, 4], "what has not begun keeps the time that it was given"
