"""Readings made into what the plant reckons with: codes, totals of counters, rate limits, clamps, substitutes, frozen.

A column of flags says which points have any of these; where none of a batch has, that look is all it costs.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import Rows, TimesMs, Values
from vppscada.model.conditioning import Conditioning
from vppscada.model.points import Point
from vppscada.model.quality import Quality, QualityColumn, is_fit

_OVER_RANGE = int(Quality.OVER_RANGE)
_DISCONTINUITY = int(Quality.DISCONTINUITY)
#: What a counter had read, and the total that stood for it: kept over a restart, so that nothing is counted twice.
Count = tuple[float, float]


class Conditioner:
    """The conditioning of every point of a database, and what it remembers between readings."""

    def __init__(self, points: Sequence[Point]) -> None:
        n = len(points)
        self._of = {row: point.conditioning for row, point in enumerate(points) if point.conditioning is not None}
        self._any: NDArray[np.bool_] = _flags(n, list(self._of))
        self._stepwise = _flags(
            n, [row for row, one in self._of.items() if one.codes or one.rollover or one.rate_limit_per_s]
        )
        clamped = {row: points[row] for row, one in self._of.items() if one.clamp}
        self._least = _column(n, {row: one.minimum for row, one in clamped.items()}, -math.inf)
        self._most = _column(n, {row: one.maximum for row, one in clamped.items()}, math.inf)
        self._substitute = _column(n, {row: one.substitute for row, one in self._of.items()}, math.nan)
        self._frozen_ms = _column(n, {row: _ms(one.frozen_after_s) for row, one in self._of.items()}, math.inf)
        self._last: Values = np.full(n, np.nan)  # the reading before, of points that may freeze
        self._changed_ms: TimesMs = np.zeros(n, dtype=np.int64)
        self.counts: dict[int, Count] = {}  # by row: see `Count`
        self._moved: dict[int, tuple[float, int]] = {}  # by row: the value that was let through last, and when

    @classmethod
    def of(cls, points: Sequence[Point]) -> "Conditioner | None":
        """None where no point has any conditioning."""
        return cls(points) if any(point.conditioning is not None for point in points) else None

    def take_over(self, before: "Conditioner", rows: Rows, rows_before: Rows) -> None:
        """Go on from what another one remembers: ``rows[i]`` here is ``rows_before[i]`` there."""
        self._last[rows] = before._last[rows_before]
        self._changed_ms[rows] = before._changed_ms[rows_before]
        here = dict(zip(rows_before.tolist(), rows.tolist(), strict=True))
        self.counts.update({here[row]: count for row, count in before.counts.items() if row in here})
        self._moved.update({here[row]: moved for row, moved in before._moved.items() if row in here})

    def conditioned(
        self, rows: Rows, value: Values, quality: QualityColumn, received_ms: int, events: bool
    ) -> tuple[Values, QualityColumn]:
        """Value and quality of readings in engineering units, in the order received.

        ``events`` says that the source sent them because something changed.
        """
        if not self._any[rows].any():
            return value, quality
        value, quality = value.copy(), quality.copy()
        self._mark_frozen(rows, value, quality, received_ms, events)
        for at in np.flatnonzero(self._stepwise[rows]).tolist():
            row = int(rows[at])
            value[at], quality[at] = self._step(row, self._of[row], float(value[at]), int(quality[at]), received_ms)
        held = np.clip(value, self._least[rows], self._most[rows])
        quality |= ((held != value) & ~np.isnan(value)) * np.uint16(Quality.OVER_RANGE)
        return self.substituted(rows, held, quality)

    def substituted(self, rows: Rows, value: Values, quality: QualityColumn) -> tuple[Values, QualityColumn]:
        """Substitutes in place of values that are unfit. What made them unfit stays in the quality."""
        substitute = self._substitute[rows]
        put = ~np.isnan(substitute) & ~is_fit(quality)
        return np.where(put, substitute, value), quality | (put * np.uint16(Quality.LOCAL_FORCED))

    def _mark_frozen(self, rows: Rows, value: Values, quality: QualityColumn, received_ms: int, events: bool) -> None:
        moved = np.ones(len(rows), dtype=np.bool_) if events else value != self._last[rows]
        self._changed_ms[rows[moved]] = received_ms
        self._last[rows] = value
        frozen = received_ms - self._changed_ms[rows] > self._frozen_ms[rows]
        quality |= frozen * np.uint16(Quality.FROZEN)

    def _step(self, row: int, how: Conditioning, value: float, quality: int, now_ms: int) -> tuple[float, int]:
        if how.codes:
            known = value in how.codes
            value = float(how.codes.index(value)) if known else math.nan
            quality |= 0 if known else _OVER_RANGE
        if how.rollover and not math.isnan(value):
            self.counts[row], jumped = counted(
                self.counts.get(row), value, how.rollover, bool(quality & _DISCONTINUITY)
            )
            value = self.counts[row][1]
            quality |= _DISCONTINUITY if jumped else 0
        if how.rate_limit_per_s:
            wanted, before = value, self._moved.get(row)
            value = limited(before, value, how.rate_limit_per_s, now_ms)
            quality |= 0 if value == wanted or math.isnan(wanted) else _OVER_RANGE
            self._moved[row] = value, now_ms
        return value, quality


def counted(last: Count | None, reading: float, modulus: float, discontinuous: bool) -> tuple[Count, bool]:
    """The total after a reading, and whether something may be missing of it.

    A fall that would be a rollover by more than half of the range is taken for a counter that was set to zero: what it
    has counted since is added. After a discontinuity that the source tells of, nothing can be said of what was
    between, and nothing is added.
    """
    if last is None:
        return (reading, reading), discontinuous
    before, total = last
    if discontinuous:
        return (reading, total), True
    if reading >= before:
        return (reading, total + reading - before), False
    rolled = reading - before + modulus
    if 0.0 <= rolled <= modulus / 2.0:
        return (reading, total + rolled), False
    return (reading, total + max(reading, 0.0)), True


def limited(before: tuple[float, int] | None, value: float, rate_per_s: float, now_ms: int) -> float:
    """The value, or as far towards it as the time since the one before allows."""
    if before is None or math.isnan(before[0]) or math.isnan(value):
        return value
    reach = rate_per_s * max(now_ms - before[1], 0) / 1000.0
    return min(max(value, before[0] - reach), before[0] + reach)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1000.0 * seconds


def _flags(n: int, rows: Sequence[int]) -> NDArray[np.bool_]:
    flags: NDArray[np.bool_] = np.zeros(n, dtype=np.bool_)
    flags[list(rows)] = True
    return flags


def _column(n: int, values: dict[int, float | None], otherwise: float) -> Values:
    column: Values = np.full(n, otherwise)
    for row, value in values.items():
        if value is not None:
            column[row] = value
    return column
