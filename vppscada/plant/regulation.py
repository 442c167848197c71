"""Following a regulation signal, and how well it is followed: accuracy, delay and precision. Pure.

The score is in the manner of PJM's performance score (Manual 12): every 10 s a window of five minutes of the signal is
compared with the response, delayed by 0 to 5 minutes. The delay taken is that with the greatest sum of correlation and
delay score; it gives both. Precision is one less the mean error, as a share of the mean signal of the last hour. What
is told are the means of the last hour.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Table = NDArray[np.float64]

SAMPLE_MS = 10_000
#: Samples of a window of the signal, and delays that are tried: both five minutes.
_WINDOW = 30
_DELAYS = 30
_HOUR = 360
#: Samples that the way of a signal may take without counting as delay.
_FREE = 1
#: A sample that comes later than this leaves a gap.
_LATEST_MS = 15_000
#: A signal that moves by less (standard deviation, share of its mean) says nothing by correlation.
_FLAT = 1e-3
_NOTHING_MW = 1e-6


@dataclass(frozen=True, slots=True)
class Scores:
    """Each 0 to 1, 1 = best; NaN where nothing was scored yet."""

    score: float = float("nan")  # mean of the three
    accuracy: float = float("nan")
    delay: float = float("nan")
    precision: float = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Scoreboard:
    """The last samples (MW, oldest first) and the last hour's scores of windows (w, 3)."""

    signal_mw: Column
    response_mw: Column
    scored: Table
    sampled_ms: int | None = None  # plant time

    @classmethod
    def fresh(cls) -> "Scoreboard":
        """Nothing is known yet."""
        return cls(np.zeros(0), np.zeros(0), np.zeros((0, 3)))

    @property
    def scores(self) -> Scores:
        """Means over the last hour."""
        if len(self.scored) == 0:
            return Scores()
        accuracy, delay, precision = self.scored.mean(axis=0).tolist()
        return Scores((accuracy + delay + precision) / 3.0, accuracy, delay, precision)


def sampled(board: Scoreboard, plant_ms: int, signal_mw: float, response_mw: float) -> Scoreboard:
    """The board after a moment of regulation; a sample is taken every 10 s of plant time.

    A gap in the samples begins them anew; what was scored stays.
    """
    before = board.sampled_ms
    if before is not None and before <= plant_ms < before + SAMPLE_MS:
        return board
    if not (np.isfinite(signal_mw) and np.isfinite(response_mw)):
        return Scoreboard(np.zeros(0), np.zeros(0), board.scored)
    if before is None or not before <= plant_ms <= before + _LATEST_MS:
        board = Scoreboard(np.zeros(0), np.zeros(0), board.scored)
        before = plant_ms - SAMPLE_MS
    signal = np.append(board.signal_mw, signal_mw)[-_HOUR:]
    response = np.append(board.response_mw, response_mw)[-_HOUR:]
    scored = board.scored
    if len(signal) >= _WINDOW + _DELAYS:
        recent = slice(-_WINDOW - _DELAYS, None)
        one = window_scores(signal[recent][:_WINDOW], response[recent], float(np.abs(signal).mean()))
        scored = np.vstack([scored, one])[-_HOUR:]
    return Scoreboard(signal, response, scored, before + SAMPLE_MS)


def window_scores(signal_mw: Column, response_mw: Column, mean_signal_mw: float) -> Column:
    """Accuracy, delay and precision (3,) of one window, each 0 to 1.

    Where the signal stands still, correlation says nothing, and precision stands for all three.

    Args:
        signal_mw: w samples.
        response_mw: w + d samples from the same moment on, so that d delays beside none can be tried.
        mean_signal_mw: mean absolute signal that errors are measured by.
    """
    w = len(signal_mw)
    delayed = np.lib.stride_tricks.sliding_window_view(response_mw, w)[:-1]  # (d, w)
    errors = np.abs(delayed[: _FREE + 1] - signal_mw).mean(axis=1)
    precision = float(np.clip(1.0 - errors.min() / max(mean_signal_mw, _NOTHING_MW), 0.0, 1.0))
    if signal_mw.std() <= _FLAT * max(mean_signal_mw, _NOTHING_MW):
        return np.full(3, precision)
    correlation = _correlation(signal_mw, delayed)
    delay = 1.0 - np.maximum(np.arange(len(delayed)) - _FREE, 0) / len(delayed)
    best = int(np.argmax(correlation + delay))
    return np.array([np.clip(correlation[best], 0.0, 1.0), delay[best], precision])


def _correlation(signal_mw: Column, delayed_mw: Table) -> Column:
    """Pearson's, of the signal with each row; 0 where the response stands still."""
    signal = signal_mw - signal_mw.mean()
    response = delayed_mw - delayed_mw.mean(axis=1, keepdims=True)
    size = np.sqrt((signal**2).sum() * (response**2).sum(axis=1))
    together: Column = (response * signal).sum(axis=1)
    moving = size > _NOTHING_MW**2
    return np.where(moving, together / np.where(moving, size, 1.0), 0.0)
