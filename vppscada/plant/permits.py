"""Run hours of emergency generators, in an emergency and without: given, used and left by their permits. Pure."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Fleet, column

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Counted(Protocol):
    """Hours that assets ran, of any kind, and of these without an emergency."""

    @property
    def run_hours_today(self) -> Column: ...
    @property
    def run_hours_year(self) -> Column: ...
    @property
    def non_emergency_today(self) -> Column: ...
    @property
    def non_emergency_year(self) -> Column: ...


@dataclass(frozen=True, slots=True, eq=False)
class RunHours:
    """Hours of calendar days and years (UTC), columns of length n; they mean something of emergency generators only."""

    today: Column  # in an emergency
    year: Column
    non_emergency_today: Column
    non_emergency_year: Column

    @classmethod
    def of(cls, fleet: Fleet) -> "RunHours":
        """What the permits give."""
        return cls(
            *(
                column(fleet.assets, name)
                for name in (
                    "permitted_hours_per_day",
                    "permitted_hours_per_year",
                    "non_emergency_hours_per_day",
                    "non_emergency_hours_per_year",
                )
            )
        )

    def less(self, used: "RunHours") -> "RunHours":
        """What is left of them, ≥ 0; what is not known (NaN) to be used counts as unused."""
        return RunHours(
            _left(self.today, used.today),
            _left(self.year, used.year),
            _left(self.non_emergency_today, used.non_emergency_today),
            _left(self.non_emergency_year, used.non_emergency_year),
        )

    def for_kind(self, emergency: Flags) -> Column:
        """The lesser of day and year, of the kind of running that counts where there is an ``emergency`` or not."""
        called = np.minimum(self.today, self.year)
        other = np.minimum(self.non_emergency_today, self.non_emergency_year)
        return np.where(emergency, called, other)


def used_hours(counted: Counted) -> RunHours:
    """By kind of running. What is not known (NaN) to have been without an emergency counts as in one."""
    today, year = np.nan_to_num(counted.non_emergency_today), np.nan_to_num(counted.non_emergency_year)
    return RunHours(counted.run_hours_today - today, counted.run_hours_year - year, today, year)


def _left(given: Column, used: Column) -> Column:
    left: Column = np.maximum(given - np.nan_to_num(used), 0.0)
    return left


@dataclass(frozen=True, slots=True, eq=False)
class Refusal:
    """What permits refuse at a moment, columns of length n; False but of emergency generators."""

    start: Flags  # it has no hours for a further while
    run: Flags  # it has used its hours up


def refusal(generators: Flags, permits: RunHours, used: RunHours, emergency: bool, hours: float) -> Refusal:
    """What may not be started for ``hours``, and what must not go on.

    One whose permit gives no hours at all of the kind is not started; that it runs is not held against it here: it may
    have been started at its own panel, or by the outage that the station has not seen yet.
    """
    kind = np.full(len(generators), emergency)
    left, given = permits.less(used).for_kind(kind), permits.for_kind(kind)
    return Refusal(start=generators & (left < hours), run=generators & (left <= 0.0) & (given > 0.0))
