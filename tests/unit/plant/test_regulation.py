import numpy as np
import pytest

from vppscada.plant.regulation import Scoreboard, sampled, window_scores

W, D = 30, 30
TIME = np.arange(W + D)
WAVE = np.sin(TIME / 7.0) + 0.5 * np.sin(TIME / 3.1)


def scored(response: np.ndarray, signal: np.ndarray = WAVE) -> tuple[float, float, float]:
    accuracy, delay, precision = window_scores(signal[:W], response, float(np.abs(signal[:W]).mean())).tolist()
    return accuracy, delay, precision


def test_what_follows_at_once_or_within_ten_seconds_is_best() -> None:
    assert scored(WAVE) == pytest.approx((1.0, 1.0, 1.0))
    assert scored(np.concatenate([[0.0], WAVE[:-1]])) == pytest.approx((1.0, 1.0, 1.0))


@pytest.mark.parametrize("samples", [2, 6, 12])
def test_a_delay_costs_its_share_of_five_minutes_and_precision_but_no_accuracy(samples: int) -> None:
    accuracy, delay, precision = scored(np.concatenate([np.zeros(samples), WAVE[:-samples]]))
    assert (accuracy, delay) == pytest.approx((1.0, 1.0 - (samples - 1) / D))
    assert precision < 0.9


def test_half_of_the_signal_is_accurate_and_half_as_precise() -> None:
    assert scored(0.5 * WAVE) == pytest.approx((1.0, 1.0, 0.5), abs=0.01)


def test_what_does_not_move_scores_nothing_but_its_precision() -> None:
    accuracy, _, precision = scored(np.zeros(W + D))
    assert (accuracy, precision) == pytest.approx((0.0, 0.0))


def test_what_goes_the_other_way_is_not_accurate_at_once() -> None:
    accuracy, delay, precision = scored(-WAVE)
    assert precision == 0.0 and accuracy + delay < 1.6


def test_a_signal_that_stands_still_is_scored_by_precision_alone() -> None:
    still = np.ones(W + D)
    assert scored(0.9 * still, still) == pytest.approx((0.9, 0.9, 0.9))


def test_noise_on_the_response_costs_accuracy_and_precision() -> None:
    noisy = WAVE + np.random.default_rng(1).normal(0.0, 0.3, W + D)
    accuracy, _, precision = scored(noisy)
    assert 0.85 < accuracy < 0.99 and 0.4 < precision < 0.9


def run(board: Scoreboard, seconds: range, delay_s: int = 0) -> Scoreboard:
    for second in seconds:
        signal, response = np.sin(second / 60.0), np.sin((second - delay_s) / 60.0)
        board = sampled(board, second * 1000, float(signal), float(response))
    return board


def test_a_sample_is_taken_every_ten_seconds_however_often_it_is_asked() -> None:
    assert len(run(Scoreboard.fresh(), range(0, 101)).signal_mw) == 11
    assert len(run(Scoreboard.fresh(), range(0, 101, 3)).signal_mw) == 10


def test_the_first_score_comes_after_ten_minutes_and_the_last_hour_counts() -> None:
    board = run(Scoreboard.fresh(), range(0, 590, 2))
    assert np.isnan(board.scores.score)
    board = run(board, range(590, 6000, 2))
    assert board.scores.score == pytest.approx(1.0) and len(board.scored) == 360 == len(board.signal_mw)
    late = run(Scoreboard.fresh(), range(0, 2400, 2), delay_s=60).scores
    assert late.accuracy > 0.95 and 1.0 - 5.0 / 30.0 <= late.delay < 0.9  # a delay tried that is a little too short
    assert late.score == pytest.approx((late.accuracy + late.delay + late.precision) / 3.0)


def test_a_gap_begins_the_samples_anew_and_keeps_the_scores() -> None:
    board = run(Scoreboard.fresh(), range(0, 700, 2))
    after = sampled(board, 900_000, 0.5, 0.5)
    assert len(after.signal_mw) == 1 and len(after.scored) == len(board.scored) > 0
    unknown = sampled(board, 700_000, 0.5, float("nan"))
    assert len(unknown.signal_mw) == 0 and len(unknown.scored) == len(board.scored)
    assert len(sampled(unknown, 701_000, 0.5, 0.5).signal_mw) == 1
