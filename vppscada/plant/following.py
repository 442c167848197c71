"""Who does not do what it is told. A non-follower is taken as it is, and probed again later."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

#: Cycles in a row with an error before an asset counts as a non-follower.
STRIKES = 3
#: An error of more than so many tolerances counts as two of them.
_GROSS = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Following:
    """Memory of the check, columns of length n. Times are monotonic seconds."""

    strikes: NDArray[np.int16]
    noise_mw: Column  # running estimate of the standard deviation of the error while following
    clamped_until: Column  # −inf while following

    @classmethod
    def fresh(cls, n: int) -> "Following":
        """Everybody follows until shown otherwise."""
        return cls(np.zeros(n, dtype=np.int16), np.zeros(n), np.full(n, -np.inf))

    def follows(self, now: float) -> NDArray[np.bool_]:
        """True where an asset follows, or where it is time to probe it again."""
        return self.clamped_until <= now


def observe(
    memory: Following,
    power_mw: Column,
    low_told_mw: Column,
    high_told_mw: Column,
    rating_mw: Column,
    watched: NDArray[np.bool_],
    now: float,
    probe_s: float,
) -> Following:
    """Judge one cycle.

    An asset was told between ``low_told_mw`` and ``high_told_mw`` (its recent setpoints: its reading lags
    them). Outside that by more than max(2 % of rating, 5σ) is a strike, by five times as much two; `STRIKES` in a
    row clamp it for ``probe_s``. Only ``watched`` assets (commanded, usable) are judged; others lose their strikes.
    """
    outside = np.maximum(np.maximum(low_told_mw - power_mw, power_mw - high_told_mw), 0.0)
    error = np.where(watched, np.nan_to_num(outside), 0.0)
    tolerance = np.maximum(0.02 * rating_mw, 5.0 * memory.noise_mw)
    bad = watched & (error > tolerance)
    strikes = np.where(bad, memory.strikes + 1 + (error > _GROSS * tolerance), 0).astype(np.int16)
    caught = strikes >= STRIKES
    noise = np.where(bad | ~watched, memory.noise_mw, np.sqrt(0.95 * memory.noise_mw**2 + 0.05 * error**2))
    return Following(
        strikes=np.where(caught, 0, strikes).astype(np.int16),
        noise_mw=noise,
        clamped_until=np.where(caught, now + probe_s, memory.clamped_until),
    )
