"""What changed in the points database: one change set per batch, in columns of engineering units."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import Cause, Rows, TimeQualityColumn, TimesMs, Values
from vppscada.model.quality import QualityColumn, TimeQuality

#: Causes whose every item is an event of its own, whatever the deadband says.
EVENT_CAUSES = frozenset({Cause.EVENT, Cause.UNSOLICITED})


@dataclass(frozen=True, slots=True, eq=False)
class ChangeSet:
    """Columns of equal length n, in the order received. Values are engineering units.

    ``source_time_ms`` is the time of the value (UTC; 0 where ``time_quality`` is NONE), also where
    only the quality changed. ``current`` is False for an event that is not the point's state now: it was
    late, or another of the same set came after it. ``texts`` maps rows of string points to their new text.
    """

    rows: Rows
    value: Values
    quality: QualityColumn
    source_time_ms: TimesMs
    time_quality: TimeQualityColumn
    received_time_ms: int
    cause: Cause
    current: NDArray[np.bool_]
    texts: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_event(self) -> bool:
        """True if the source itself sent these as events."""
        return self.cause in EVENT_CAUSES

    def happened(self) -> tuple[TimesMs, TimeQualityColumn]:
        """When each change came to be, and how far that can be trusted.

        The source's time where it gave one; else, and for quality set by the station, the station's own
        time of receipt (marked UNSYNCHRONISED where it stands in for a source that gave none).
        """
        received = np.full(len(self), self.received_time_ms, dtype=np.int64)
        if self.cause is Cause.SESSION:
            return received, np.full(len(self), TimeQuality.SYNCHRONISED, dtype=np.uint8)
        untimed = self.time_quality == TimeQuality.NONE
        quality = np.where(untimed, np.uint8(TimeQuality.UNSYNCHRONISED), self.time_quality)
        return np.where(untimed, received, self.source_time_ms), quality

    def where(self, mask: NDArray[np.bool_]) -> "ChangeSet":
        """The changes under a mask of length n, order kept."""
        rows = self.rows[mask]
        texts = {row: self.texts[row] for row in rows.tolist() if row in self.texts} if self.texts else {}
        return ChangeSet(
            rows,
            self.value[mask],
            self.quality[mask],
            self.source_time_ms[mask],
            self.time_quality[mask],
            self.received_time_ms,
            self.cause,
            self.current[mask],
            texts,
        )


#: What a batch changed that changed nothing, as most of a poll does.
NO_CHANGES = ChangeSet(
    np.zeros(0, dtype=np.intp),
    np.zeros(0),
    np.zeros(0, dtype=np.uint16),
    np.zeros(0, dtype=np.int64),
    np.zeros(0, dtype=np.uint8),
    0,
    Cause.CYCLIC,
    np.zeros(0, dtype=np.bool_),
)


@dataclass(frozen=True, slots=True, eq=False)
class LastValues:
    """The last known state of some rows, as it was when it was written. Engineering units."""

    rows: Rows
    value: Values
    quality: QualityColumn
    source_time_ms: TimesMs
    time_quality: TimeQualityColumn
    received_time_ms: TimesMs
    texts: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)
