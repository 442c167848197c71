"""Forced values: somebody's decision in place of readings, until it is lifted or expires."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import Batch, Cause, Rows
from vppscada.model.quality import Quality, QualityColumn, TimeQuality


@dataclass(frozen=True, slots=True)
class Force:
    """A forced value in engineering units, why and by whom, and when it ends by itself (UTC; None = not)."""

    value: float
    reason: str
    by: str
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Beneath:
    """What the point would say were it not forced."""

    value: float
    quality: int
    source_time_ms: int
    time_quality: int
    received_time_ms: int


class Forcing:
    """Which rows are forced, and what came for them meanwhile."""

    def __init__(self, n: int) -> None:
        self.forces: dict[int, Force] = {}
        self.beneath: dict[int, Beneath] = {}
        self._is_forced: NDArray[np.bool_] = np.zeros(n, dtype=np.bool_)

    def touches(self, rows: Rows) -> bool:
        """True if any of these rows is forced; without forces it costs nothing."""
        return bool(self.forces) and bool(self._is_forced[rows].any())

    def begin(self, row: int, force: Force, state: Beneath) -> None:
        """``state`` is that of the point before; a further force of the same row replaces only the first."""
        self.beneath.setdefault(row, state)
        self.forces[row] = force
        self._is_forced[row] = True

    def end(self, row: int) -> Beneath:
        """What the point says from now on.

        Raises:
            KeyError: it is not forced.
        """
        del self.forces[row]
        self._is_forced[row] = False
        return self.beneath.pop(row)

    def free(self, rows: Rows) -> NDArray[np.bool_]:
        """True where a row is not forced."""
        return ~self._is_forced[rows]

    def keep(self, batch: Batch) -> None:
        """Take note of readings (engineering units) for forced rows."""
        for at in np.flatnonzero(self._is_forced[batch.rows]).tolist():
            self.beneath[int(batch.rows[at])] = Beneath(
                float(batch.value[at]),
                int(batch.quality[at]),
                int(batch.source_time_ms[at]),
                int(batch.time_quality[at]),
                batch.received_time_ms,
            )

    def keep_marks(self, rows: Rows, marks: Quality, taken: Quality) -> None:
        """Quality bits set, and others taken away, of forced rows."""
        for row in rows[self._is_forced[rows]].tolist():
            old = self.beneath[row]
            quality = int((old.quality | marks) & ~taken)
            self.beneath[row] = Beneath(old.value, quality, old.source_time_ms, old.time_quality, old.received_time_ms)

    def expired(self, now_ms: int) -> list[int]:
        """Rows whose force has come to its end."""
        return [row for row, one in self.forces.items() if one.until_ms is not None and one.until_ms <= now_ms]


def forced_batch(row: int, force: Force, now_ms: int) -> Batch:
    """The state of a point that is forced."""
    quality: QualityColumn = np.array([Quality.ONLINE | Quality.LOCAL_FORCED], dtype=np.uint16)
    return Batch(
        np.array([row], dtype=np.intp),
        np.array([force.value], dtype=np.float64),
        quality,
        np.array([now_ms], dtype=np.int64),
        np.array([TimeQuality.SYNCHRONISED], dtype=np.uint8),
        now_ms,
        Cause.CALCULATED,
    )


def beneath_batch(row: int, state: Beneath) -> Batch:
    """The state of a point that is forced no more."""
    return Batch(
        np.array([row], dtype=np.intp),
        np.array([state.value], dtype=np.float64),
        np.array([state.quality], dtype=np.uint16),
        np.array([state.source_time_ms], dtype=np.int64),
        np.array([state.time_quality], dtype=np.uint8),
        state.received_time_ms,
        Cause.CALCULATED,
    )
