"""Delivered against called, part by part of an event. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

#: A call of less energy than this beside the baseline has no share that says anything, MWh.
_LEAST_CALLED_MWH = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """Means of each part of the time in MW; NaN = not known. ``hours`` are plant time."""

    begin_ms: tuple[int, ...]  # plant time
    hours: Column
    called_mw: Column
    measured_mw: Column
    known_share: Column  # of the part in which the measured power was known
    booked_mw: Column  # as the books have it
    baseline_mw: Column

    @property
    def delivered_mw(self) -> Column:
        """Measured less baseline."""
        return self.measured_mw - self.baseline_mw

    @property
    def called_change_mw(self) -> Column:
        """Called less baseline."""
        return self.called_mw - self.baseline_mw

    @property
    def sums(self) -> dict[str, float | None]:
        """Energies in MWh of the known time of each part. None = nothing of it is known.

        ``delivered_share`` is delivered over called, both above the baseline, of the parts in which all are known.
        """
        known_h = self.hours * self.known_share
        told = {
            "hours": float(self.hours.sum()),
            "known_h": float(known_h.sum()),
            "called_mwh": _energy(self.called_mw, self.hours),
            "called_in_known_time_mwh": _energy(np.where(known_h > 0.0, self.called_mw, np.nan), known_h),
            "measured_mwh": _energy(self.measured_mw, known_h),
            "baseline_mwh": _energy(self.baseline_mw, self.hours),
            "delivered_mwh": _energy(self.delivered_mw, known_h),
            "called_above_baseline_mwh": _energy(self.called_change_mw, self.hours),
        }
        whole = ~np.isnan(self.delivered_mw) & ~np.isnan(self.called_change_mw)
        called = float((self.called_change_mw * known_h)[whole].sum())
        delivered = float((self.delivered_mw * known_h)[whole].sum())
        share = delivered / called if abs(called) >= _LEAST_CALLED_MWH else None
        return {**told, "delivered_share": share}


def _energy(power_mw: Column, hours: Column) -> float | None:
    known = ~np.isnan(power_mw)
    return float((power_mw * hours)[known].sum()) if known.any() else None


def booked(mean_by_interval: Sequence[tuple[int, float]], intervals: Sequence[int]) -> Column:
    """The booked mean power of the interval that each part lies in; NaN where the books know nothing of it."""
    of = dict(mean_by_interval)
    return np.array([of.get(begin, np.nan) for begin in intervals], dtype=np.float64)
