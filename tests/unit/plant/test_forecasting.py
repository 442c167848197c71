"""The built-in forecast: days before, blended with now; quantiles that are of what was."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vppscada.plant.forecasting import BUCKET_MS, FADING_H, Bands, Past, forecast

DAY = 96
STEPS = 96


def course(day: int, quarter: int) -> float:
    """A sun that is a little stronger each day."""
    return (1.0 + 0.1 * day) * max(math.sin((quarter / DAY - 0.25) * 2.0 * math.pi), 0.0)


def learnt(days: int, extra: int = 0) -> Past:
    past = Past(["sun", "idle"])
    for bucket in range(days * DAY + extra + 1):
        past.note(bucket * BUCKET_MS + 1000, np.array([course(*divmod(bucket, DAY)), np.nan]))
    return past


def asked(past: Past, bucket: int, now: float, steps: int = STEPS, step_ms: int = BUCKET_MS) -> Bands:
    at = bucket * BUCKET_MS
    most = np.array([2.0, 2.0])
    return forecast(past, at, np.array([now, np.nan]), np.zeros(2), most, at // step_ms * step_ms, step_ms, steps)


def test_a_quarter_is_the_mean_of_what_was_read_in_it() -> None:
    past = Past(["a", "b"])
    assert past.note(0, np.array([1.0, np.nan])) is None
    assert past.note(1000, np.array([3.0, 5.0])) is None
    assert past.note(BUCKET_MS, np.array([9.0, np.nan])) == 0
    assert past.at(np.array([0]))[0].tolist() == [2.0, 5.0]
    assert np.isnan(past.at(np.array([1, -DAY * 8]))).all()


def test_what_was_eight_days_ago_is_forgotten() -> None:
    past = learnt(9)
    assert np.isnan(past.at(np.array([0]))[0, 0])
    assert past.at(np.array([9 * DAY - 1]))[0, 0] == pytest.approx(course(8, DAY - 1), abs=1e-6)
    assert past.days(9 * DAY * BUCKET_MS).tolist() == [7.0, 0.0]


def test_far_ahead_it_is_the_median_of_the_days_before_and_near_it_is_now() -> None:
    noon = 7 * DAY + 48
    bands = asked(learnt(7, 48), noon, 0.4)
    ahead = 40  # ten hours: what differs now has faded to less than a tenth
    days = [course(day, (48 + ahead) % DAY) for day in range(1, 8)]
    assert [one[0, 0] for one in bands.all] == pytest.approx([0.4] * 3)  # this quarter is as it is now
    assert bands.p50[0, ahead] == pytest.approx(np.median(days), abs=0.1)
    night = slice(28, 60)
    assert not bands.p50[0, night].any() and not bands.p90[0, night].any()


def test_the_difference_to_a_day_fades_with_the_time_ahead() -> None:
    past = Past(["flat"])
    for bucket in range(DAY * 7):
        past.note(bucket * BUCKET_MS, np.array([1.0]))
    at = DAY * 7 * BUCKET_MS
    bands = forecast(past, at, np.array([2.0]), np.zeros(1), np.array([9.0]), at, BUCKET_MS, STEPS)
    lead_h = np.arange(STEPS) / 4.0
    assert bands.p50[0] == pytest.approx(1.0 + np.exp(-lead_h / FADING_H), abs=1e-9)
    assert bands.p10[0] == pytest.approx(bands.p50[0])


def test_without_a_past_now_persists_and_nothing_is_sure_later() -> None:
    bands = asked(Past(["sun", "idle"]), 1000, 1.5)
    assert bands.p50[0].tolist() == [1.5] * STEPS
    assert bands.p10[0, 0] > 1.4 and bands.p10[0, -1] < 0.01 and (np.diff(bands.p10[0]) < 0.0).all()
    assert bands.p90[0, -1] > 1.99
    assert not bands.p50[1].any()  # not even now is known


def test_of_two_days_quantiles_reach_to_what_is_possible() -> None:
    bands = asked(learnt(2, 48), 2 * DAY + 48, 1.0)
    assert bands.p10[0, 45] < 0.07 and bands.p90[0, 45] > 1.93
    assert (bands.p10 <= bands.p50 + 1e-12).all() and (bands.p50 <= bands.p90 + 1e-12).all()


def test_the_second_day_ahead_asks_days_that_have_been() -> None:
    bands = asked(learnt(7, 48), 7 * DAY + 48, course(7, 48), steps=192)
    days = [course(day, 48) for day in range(7)]  # the seventh is just now
    assert bands.p50[0, DAY] == pytest.approx(np.median(days), abs=0.01)
    assert bands.p50[0, 191] == pytest.approx(np.median([course(day, 47) for day in range(1, 8)]), abs=0.01)


def test_a_longer_step_is_the_mean_of_its_quarters() -> None:
    quarters, hours = asked(learnt(7), 7 * DAY, 0.0), asked(learnt(7), 7 * DAY, 0.0, steps=24, step_ms=4 * BUCKET_MS)
    assert hours.p50 == pytest.approx(quarters.p50.reshape(2, 24, 4).mean(axis=2))


def test_a_shorter_step_is_its_quarter() -> None:
    quarters = asked(learnt(7), 7 * DAY, 0.0)
    minutes = asked(learnt(7), 7 * DAY, 0.0, steps=288, step_ms=BUCKET_MS // 3)
    assert minutes.p50[:, ::3] == pytest.approx(quarters.p50)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), days=st.integers(0, 9))
def test_quantiles_rise_and_stay_within_what_is_possible(seed: int, days: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 5))
    past = Past([str(i) for i in range(k)])
    readings: NDArray[np.float64] = rng.uniform(-3.0, 3.0, (days * DAY + 1, k))
    readings[rng.random(readings.shape) < 0.2] = np.nan
    for bucket, one in enumerate(readings):
        past.note(bucket * BUCKET_MS, one)
    lowest, highest = rng.uniform(-4.0, -1.0, k), rng.uniform(1.0, 4.0, k)
    now = np.where(rng.random(k) < 0.2, np.nan, rng.uniform(-1.0, 1.0, k))
    at = days * DAY * BUCKET_MS + int(rng.integers(0, BUCKET_MS))
    bands = forecast(past, at, now, lowest, highest, at // 300_000 * 300_000, int(rng.choice([300_000, 3_600_000])), 40)
    rising = np.stack([np.broadcast_to(lowest[:, None], bands.p10.shape), *bands.all])
    assert (np.diff(rising, axis=0) >= -1e-9).all()
    assert (bands.p90 <= highest[:, None] + 1e-9).all()


def test_other_names_keep_what_is_known_of_them() -> None:
    past = learnt(2).renamed(["new", "sun"])
    assert past.at(np.array([DAY + 40]))[0, 1] == pytest.approx(course(1, 40), abs=1e-6)
    assert np.isnan(past.values[:, 0]).all()
