"""The built-in forecast: what was at the same time of day on the days before, blended with what is now. Pure.

Each of the last days is one way that things can go: its course, moved by the difference between now and then, which
fades. P10, P50 and P90 are quantiles of these ways, at plotting positions p (n + 1) (Weibull).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

#: A quarter of an hour: the grain of what is remembered.
BUCKET_MS = 900_000
_DAY = 96  # buckets
#: Days that are asked.
DAYS = 7
_SLOTS = (DAYS + 1) * _DAY
#: With fewer days than this they say too little about how bad or good it can get.
_ENOUGH_DAYS = 3
#: How long a difference from the days before lasts (hours, e-fold): over the week of RTS-GMLC, wind and load are
#: told best with 4 to 6, the sun with less.
FADING_H = 4.0
_QUANTILES = (0.1, 0.5, 0.9)
_AT_ONCE = 256  # columns


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """Forecasts (k, T): what is exceeded in nine of ten cases, in half of them, in one of ten."""

    p10: Column
    p50: Column
    p90: Column

    @property
    def all(self) -> tuple[Column, Column, Column]:
        """In rising order."""
        return self.p10, self.p50, self.p90

    def rows(self, positions: Sequence[int]) -> "Bands":
        """Of some of them."""
        return Bands(self.p10[positions], self.p50[positions], self.p90[positions])

    def where(self, these: NDArray[np.bool_], other: "Bands") -> "Bands":
        """These where true (broadcast), those of another elsewhere."""
        return Bands(
            np.where(these, self.p10, other.p10),
            np.where(these, self.p50, other.p50),
            np.where(these, self.p90, other.p90),
        )


class Past:
    """Means over quarters of an hour of what was measured, of the last eight days, by name; in columns of length k."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.values = np.full((_SLOTS, len(self.names)), np.nan, dtype=np.float32)
        self.buckets = np.full(_SLOTS, -1, dtype=np.int64)  # which quarter since 1970 a slot holds
        self._bucket = -1
        self._sum = np.zeros(len(self.names))
        self._count = np.zeros(len(self.names))

    def note(self, plant_ms: int, measured: Column) -> int | None:
        """Take a reading (k,), NaN where there is none. The quarter of an hour that it closed, since 1970."""
        bucket = plant_ms // BUCKET_MS
        closed = self._bucket if bucket != self._bucket and self._count.any() else None
        if bucket != self._bucket:
            self._close()
            self._bucket = bucket
        known = ~np.isnan(measured)
        self._sum += np.where(known, measured, 0.0)
        self._count += known
        return closed

    def _close(self) -> None:
        if self._count.any():
            slot = self._bucket % _SLOTS
            means = self._sum / np.maximum(self._count, 1.0)
            self.values[slot] = np.where(self._count > 0.0, means, np.nan)
            self.buckets[slot] = self._bucket
        self._sum[:] = 0.0
        self._count[:] = 0.0

    def at(self, buckets: NDArray[np.int64], some: slice = slice(None)) -> Column:
        """Means (…, k) of ``some`` columns at those quarters since 1970 (…); NaN where nothing is remembered."""
        slots = buckets % _SLOTS
        there = self.buckets[slots] == buckets
        found: Column = np.where(there[..., None], self.values[slots, some], np.nan)
        return found

    def renamed(self, names: Sequence[str]) -> "Past":
        """The same past of other names, empty where a name is new."""
        other = Past(names)
        other.buckets = self.buckets.copy()
        place = {name: i for i, name in enumerate(self.names)}
        for i, name in enumerate(other.names):
            if name in place:
                other.values[:, i] = self.values[:, place[name]]
        return other

    def days(self, plant_ms: int) -> Column:
        """How much of the last week is known of each (k,), in days."""
        recent = self.buckets >= plant_ms // BUCKET_MS - DAYS * _DAY
        known: Column = (~np.isnan(self.values[recent])).sum(axis=0) / _DAY
        return known


def forecast(
    past: Past,
    plant_ms: int,
    now: Column,
    lowest: Column,
    highest: Column,
    start_ms: int,
    step_ms: int,
    steps: int,
) -> Bands:
    """P10, P50 and P90 (k, T) from ``now`` (k,) on, within what is possible (k,).

    Where nothing is remembered, now persists. With fewer than three days, P10 and P90 go from now to the lowest and
    the highest that is possible. Where now is not known either, P50 is the lowest.
    """
    first = start_ms // BUCKET_MS
    count = -(-(start_ms + steps * step_ms) // BUCKET_MS) - first
    made = [
        _of_some(past, plant_ms, now, lowest, highest, first, count, slice(at, at + _AT_ONCE))
        for at in range(0, len(now), _AT_ONCE)
    ]
    columns = [np.concatenate([one[q] for one in made]) if made else np.zeros((0, count)) for q in range(3)]
    return Bands(*(_over_steps(one, first, start_ms, step_ms, steps) for one in columns))


def _of_some(
    past: Past,
    plant_ms: int,
    now: Column,
    lowest: Column,
    highest: Column,
    first: int,
    count: int,
    some: slice,
) -> tuple[Column, Column, Column]:
    """The bands (k, buckets) of some columns."""
    here, low, high = now[some, None], lowest[some, None], highest[some, None]
    buckets = first + np.arange(count, dtype=np.int64)
    present = plant_ms // BUCKET_MS
    lead_h = np.maximum(buckets * BUCKET_MS - plant_ms, 0) / 3.6e6  # this quarter goes on as it is
    fading = np.where(np.isnan(here), 0.0, np.exp(-lead_h / FADING_H)[None, :])
    here = np.where(np.isnan(here), low, here)
    ways = _ways(past, buckets, present, here, fading, some)
    known = (~np.isnan(ways)).sum(axis=0)
    ways = np.sort(np.clip(ways, low, high), axis=0)  # NaN last
    p10, p50, p90 = (_quantile(ways, known, share) for share in _QUANTILES)
    few, worst, best = known < _ENOUGH_DAYS, low + fading * (here - low), high + fading * (here - high)
    p50 = np.where(known == 0, here, p50)
    return np.where(few, np.minimum(worst, p50), p10), p50, np.where(few, np.maximum(best, p50), p90)


def _ways(
    past: Past, buckets: NDArray[np.int64], present: int, here: Column, fading: Column, some: slice
) -> NDArray[np.float64]:
    """How it would go on (days, k, buckets) as on each day before; NaN where that is not known."""
    days = np.arange(1, DAYS + 1, dtype=np.int64)[:, None]
    # A day ahead, the same time of yesterday is still to come: then the day before it is asked.
    back = (days + (np.maximum(buckets - present, 0) // _DAY)[None, :]) * _DAY
    course = np.moveaxis(past.at(buckets[None, :] - back, some), -1, 1)
    then = np.moveaxis(past.at(present - back, some), -1, 1)
    ways: Column = course + fading * (here - np.where(np.isnan(then), course, then))
    return ways


def _quantile(ways: Column, known: NDArray[np.intp], share: float) -> Column:
    """Of sorted ways (days, k, buckets) of which the first ``known`` count; 0 where none does."""
    place = np.clip(share * (known + 1) - 1.0, 0.0, np.maximum(known - 1, 0))
    before = place.astype(np.intp)
    after = np.minimum(before + 1, np.maximum(known - 1, 0))
    low, high = (np.take_along_axis(ways, at[None], axis=0)[0] for at in (before, after))
    between = low + (place - before) * (high - low)
    return np.where(known > 0, between, 0.0)


def _over_steps(bands: Column, first: int, start_ms: int, step_ms: int, steps: int) -> Column:
    """Means over steps (k, T). Of a step longer than a quarter of an hour, its quarters go up and down together."""
    parts = max(round(step_ms / BUCKET_MS), 1)
    moments = start_ms + (np.arange(steps * parts) + 0.5) * (step_ms / parts)
    buckets = (moments // BUCKET_MS).astype(np.int64) - first
    means: Column = bands[:, buckets].reshape(len(bands), steps, parts).mean(axis=2)
    return means
