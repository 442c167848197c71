"""What the plant would have done without the call: baselines by a stated method. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

#: Days that are looked at, newest first, and share of the hours that must be known for a day to count.
LOOK_BACK_DAYS = 45
_KNOWN_SHARE = 0.9
_TEN, _FIVE = 10, 5


class Method(StrEnum):
    """How a baseline is made."""

    TEN_OF_TEN = "10of10"
    HIGH_FIVE_OF_TEN = "high5of10"
    DAY_BEFORE = "day-before"
    HOUR_BEFORE = "hour-before"
    ZERO = "zero"


FORMULA = {
    Method.TEN_OF_TEN: (
        "baseline(t) = mean of P(t − k·24 h) over the 10 newest eligible days k of the last 45; a day is eligible if no"
        " order to the plant came in the same hours and at least 90 % of them were known"
    ),
    Method.HIGH_FIVE_OF_TEN: (
        "baseline(t) = mean of P(t − k·24 h) over the 5 days of greatest mean power among the 10 newest eligible days k"
        " of the last 45; a day is eligible if no order to the plant came in the same hours and at least 90 % of them"
        " were known"
    ),
    Method.DAY_BEFORE: "baseline(t) = P(t − 24 h)",
    Method.HOUR_BEFORE: "baseline = mean of P over the hour before the begin, the same for the whole time",
    Method.ZERO: "baseline = 0: what is measured counts in full",
}


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """The same hours of an earlier day: mean power of each part (NaN = unknown), and what is against it."""

    name: str
    mean_mw: Column
    known_share: float
    called: bool  # an order to the plant came in these hours
    excluded: bool = False  # by whoever asks


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Power of each part (NaN where nothing tells it), of which days, and why others were left out."""

    method: Method
    mean_mw: Column
    used: tuple[Day, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def formula(self) -> str:
        """In words, with the number of days where there were too few."""
        wanted = {Method.TEN_OF_TEN: _TEN, Method.HIGH_FIVE_OF_TEN: _FIVE, Method.DAY_BEFORE: 1}.get(self.method, 0)
        short = f"; only {len(self.used)} of {wanted} days there were" if len(self.used) < wanted else ""
        return FORMULA[self.method] + short


def baseline(method: Method, days: Sequence[Day], hour_before_mw: float, parts: int) -> Baseline:
    """The baseline of each part of the time.

    Args:
        method: how.
        days: earlier days, newest first, the day before among them.
        hour_before_mw: mean over the hour before; NaN = not known.
        parts: how many parts the time has.
    """
    if method is Method.ZERO:
        return Baseline(method, np.zeros(parts), (), ())
    if method is Method.HOUR_BEFORE:
        return Baseline(method, np.full(parts, hour_before_mw), (), ())
    if method is Method.DAY_BEFORE:
        used = tuple(days[:1])
        return Baseline(method, _mean(used, parts), used, ())
    judged = [(day, _against(day)) for day in days[:LOOK_BACK_DAYS]]
    eligible = [day for day, why in judged if not why][:_TEN]
    oldest = judged.index((eligible[-1], "")) if len(eligible) == _TEN else len(judged)
    left_out = tuple((day.name, why) for day, why in judged[:oldest] if why)
    if method is Method.HIGH_FIVE_OF_TEN:
        eligible = sorted(eligible, key=lambda day: -float(np.nanmean(day.mean_mw)))[:_FIVE]
    return Baseline(method, _mean(eligible, parts), tuple(eligible), left_out)


def _against(day: Day) -> str:
    """Why a day does not count; "" = it does."""
    if day.excluded:
        return "excluded by who asked"
    if day.known_share < _KNOWN_SHARE:
        return f"only {100.0 * day.known_share:.0f} % known"
    return "an order came in the same hours" if day.called else ""


def _mean(days: Sequence[Day], parts: int) -> Column:
    """Mean over the days of what is known of each part."""
    if not days:
        return np.full(parts, np.nan)
    table = np.stack([day.mean_mw for day in days])
    known = ~np.isnan(table)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, table, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
