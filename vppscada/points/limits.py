"""Which values no instrument of that point can mean."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import Rows, Values
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality, QualityColumn

_LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True, eq=False)
class LimitColumns:
    """Smallest and largest engineering value of each point, indexed by row; text has no limits."""

    minimum: Values
    maximum: Values
    is_number: NDArray[np.bool_]

    @classmethod
    def of(cls, points: Sequence[Point]) -> "LimitColumns":
        """Columns for points whose row is their position."""
        return cls(
            np.array([-_LARGEST if p.minimum is None else p.minimum for p in points], dtype=np.float64),
            np.array([_LARGEST if p.maximum is None else p.maximum for p in points], dtype=np.float64),
            np.array([p.kind is not PointKind.STRING for p in points], dtype=np.bool_),
        )

    def outside(self, rows: Rows | slice, value: Values) -> NDArray[np.bool_] | None:
        """True where a number is not finite or not within the limits of its point; None where none is."""
        # NaN compares False with everything and no infinity lies within finite limits: one test catches all three.
        inside = (value >= self.minimum[rows]) & (value <= self.maximum[rows])
        if np.count_nonzero(inside) == len(value):  # as most of a poll is
            return None
        beyond: NDArray[np.bool_] = ~inside & self.is_number[rows]
        return beyond


def with_over_range(quality: QualityColumn, outside: NDArray[np.bool_] | None) -> QualityColumn:
    """The quality with OVER_RANGE added where a value is outside; no bit is ever taken away."""
    if outside is None:
        return quality
    return quality | (outside * np.uint16(Quality.OVER_RANGE))
