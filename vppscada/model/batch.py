"""Readings in columns: one batch per fragment, response or notification, no object per point."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vppscada.model.quality import QualityColumn, TimeQuality

Rows = NDArray[np.intp]
Values = NDArray[np.float64]
TimesMs = NDArray[np.int64]
TimeQualityColumn = NDArray[np.uint8]


class Cause(StrEnum):
    """Why a batch came. Events keep their order and every one of them counts; the others are states."""

    INTEGRITY = "integrity"
    EVENT = "event"
    UNSOLICITED = "unsolicited"
    CYCLIC = "cyclic"
    SUBSCRIPTION = "subscription"
    CALCULATED = "calculated"
    SESSION = "session"  # quality set by the station because a session came or went


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Columns of equal length n, in the order received. Values are in device units.

    A row may occur several times in an event batch: each is an event, the last one is the state.
    ``source_time_ms`` is UTC since the epoch, 0 where ``time_quality`` is NONE.
    ``texts`` maps rows of string points to their text (their float value is NaN). Rows that cannot be written to (see
    NumPy's flags) are an array that many batches have: what is worked out of it may be kept.
    """

    rows: Rows
    value: Values
    quality: QualityColumn
    source_time_ms: TimesMs
    time_quality: TimeQualityColumn
    received_time_ms: int
    cause: Cause
    texts: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.rows)
        if not n == len(self.value) == len(self.quality) == len(self.source_time_ms) == len(self.time_quality):
            raise ValueError("columns of a batch must have equal length")

    def __len__(self) -> int:
        return len(self.rows)


def untimed_batch(rows: ArrayLike, value: ArrayLike, quality: ArrayLike, received_time_ms: int, cause: Cause) -> Batch:
    """A batch whose source gave no time. A scalar quality is spread over all rows."""
    row_column = np.asarray(rows, dtype=np.intp)
    n = len(row_column)
    return Batch(
        rows=row_column,
        value=np.asarray(value, dtype=np.float64),
        quality=np.broadcast_to(np.asarray(quality, dtype=np.uint16), (n,)),
        source_time_ms=np.zeros(n, dtype=np.int64),
        time_quality=np.full(n, TimeQuality.NONE, dtype=np.uint8),
        received_time_ms=received_time_ms,
        cause=cause,
    )
