"""The series that a site is planned with, and the horizon that they are looked up over. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.plant.series import Series

Column = NDArray[np.float64]

#: How long a difference between what a series tells of now and what is now is believed to last (hours, e-fold).
PERSISTENCE_H = 1.0


@dataclass(frozen=True, slots=True)
class Horizon:
    """The moment of planning, and the steps planned."""

    plant_ms: int
    start_ms: int
    step_ms: int
    steps: int

    @property
    def fading(self) -> Column:
        """What is left in each step (T,) of a difference that there is now."""
        left: Column = np.exp(-np.arange(self.steps) * self.step_ms / 3.6e6 / PERSISTENCE_H)
        return left


@dataclass(frozen=True, slots=True)
class Expectations:
    """The series of a site by name, as far as they are given, and which of them are stale."""

    series: Mapping[str, Series] = field(default_factory=dict)
    stale: frozenset[str] = frozenset()

    def mean(self, name: str, start_ms: int, step_ms: int, steps: int, missing: float) -> Column:
        """Means of a series over steps. Outside it the last known value holds; ``missing`` where there is none."""
        if name not in self.series:
            return np.full(steps, missing)
        return _fill_forward(self.series[name].mean(start_ms, step_ms, steps), missing)

    def with_series(self, series: Series) -> "Expectations":
        """With another course of one of them."""
        return replace(self, series={**self.series, series.name: series})

    def with_staleness(self, name: str, stale: bool) -> "Expectations":
        """With one of them stale, or fresh again."""
        return replace(self, stale=self.stale | {name} if stale else self.stale - {name})

    def now(self, name: str, plant_ms: int) -> float:
        """Value at a moment; NaN where it is not known."""
        if name not in self.series:
            return float("nan")
        return float(self.series[name].at(np.array([plant_ms], dtype=np.int64))[0])

    def holds(self, name: str, horizon: Horizon) -> NDArray[np.bool_]:
        """Steps (T,) of which a series that is not stale tells."""
        if name not in self.series or name in self.stale:
            return np.zeros(horizon.steps, dtype=np.bool_)
        return ~np.isnan(self.series[name].mean(horizon.start_ms, horizon.step_ms, horizon.steps))


def _fill_forward(values: Column, missing: float) -> Column:
    known = ~np.isnan(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return np.where(last >= 0, values[np.maximum(last, 0)], missing)
