"""What a point said over a time, from recorded changes."""

import numpy as np
import pytest

from vppscada.model.quality import Quality
from vppscada.proof.courses import Course, course, pauses, without

GOOD, LOST = int(Quality.ONLINE), int(Quality.COMM_LOST)


def made(changes: list[tuple[int, float, int]], down: list[tuple[int, int]] | None = None) -> Course:
    at, value, quality = zip(*changes, strict=True) if changes else ((), (), ())
    columns = np.array(at, dtype=np.int64), np.array(value), np.array(quality, dtype=np.uint16)
    return course(100, 200, *columns, down or [])


def test_a_value_holds_until_the_next_change_and_the_last_before_tells_the_begin() -> None:
    mean, known = made([(10, 9.0, GOOD), (50, 2.0, GOOD), (150, 4.0, GOOD)]).means([100, 200])
    assert mean.tolist() == [3.0] and known.tolist() == [1.0]


def test_what_was_never_recorded_is_not_known() -> None:
    mean, known = made([(150, 4.0, GOOD)]).means([100, 150, 200])
    assert np.isnan(mean[0]) and mean[1] == 4.0 and known.tolist() == [0.0, 1.0]
    assert made([]).unknown() == [(100, 200)]


def test_bad_quality_is_in_no_mean_and_its_time_is_told() -> None:
    one = made([(50, 2.0, GOOD), (120, 2.0, LOST), (130, 7.0, LOST), (160, 6.0, GOOD)])
    mean, known = one.means([100, 200])
    assert mean[0] == pytest.approx((20 * 2.0 + 40 * 6.0) / 60) and known[0] == pytest.approx(0.6)
    assert one.unknown() == [(120, 160)]


def test_nothing_holds_over_a_time_in_which_nobody_recorded() -> None:
    one = made([(50, 2.0, GOOD), (180, 3.0, GOOD)], down=[(120, 140)])
    assert one.unknown() == [(120, 180)]
    assert made([(50, 2.0, GOOD)], down=[(60, 90)]).unknown() == [(100, 200)]


def test_a_change_at_the_end_of_a_pause_counts() -> None:
    assert made([(50, 2.0, GOOD), (120, 3.0, GOOD)], down=[(60, 120)]).unknown() == [(100, 120)]


def test_pauses_are_what_no_run_covers() -> None:
    assert pauses([(0, 120), (110, 130), (150, 300)], 100, 200) == [(130, 150)]
    assert pauses([], 100, 200) == [(100, 200)]
    assert pauses([(120, 180)], 100, 200) == [(100, 120), (180, 200)]


def test_a_time_without_others_is_its_rest() -> None:
    assert without((10, 50), [(0, 20), (30, 40)]) == [(20, 30), (40, 50)]
    assert without((10, 50), [(0, 60)]) == [] and without((10, 50), []) == [(10, 50)]
