"""What is noted but not yet on disk: last values as columns, history as chunks; bounded, and without I/O."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import Rows, TimeQualityColumn, TimesMs, Values
from vppscada.model.changes import ChangeSet
from vppscada.model.points import Point
from vppscada.model.quality import QualityColumn, TimeQuality

LastRow = tuple[int, float, int, int, int, int, str | None]
HistoryRow = tuple[int, float, int, int, int, int, str, str | None]


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What one transaction writes: rows of the database, not yet numbered as in the file."""

    last_rows: Rows
    value: Values
    quality: QualityColumn
    source_time_ms: TimesMs
    time_quality: TimeQualityColumn
    received_time_ms: TimesMs
    texts: dict[int, str]
    history: tuple[ChangeSet, ...]

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to write."""
        return not len(self.last_rows) and not self.history

    def last_values(self, numbers: NDArray[np.int64]) -> Iterator[LastRow]:
        """Rows of the table of last values."""
        return zip(
            numbers[self.last_rows].tolist(),
            self.value.tolist(),
            self.quality.tolist(),
            self.source_time_ms.tolist(),
            self.time_quality.tolist(),
            self.received_time_ms.tolist(),
            map(self.texts.get, self.last_rows.tolist()),
            strict=True,
        )

    def changes(self, numbers: NDArray[np.int64]) -> Iterator[HistoryRow]:
        """Rows of the table of changes, oldest first."""
        for chunk in self.history:
            n = len(chunk)
            yield from zip(
                numbers[chunk.rows].tolist(),
                chunk.value.tolist(),
                chunk.quality.tolist(),
                chunk.source_time_ms.tolist(),
                chunk.time_quality.tolist(),
                [chunk.received_time_ms] * n,
                [str(chunk.cause)] * n,
                map(chunk.texts.get, chunk.rows.tolist()),
                strict=True,
            )


class Pending:
    """Collects change sets until they are taken. Not thread-safe: its owner holds the lock.

    The last value of a point is one cell however often it changes. History that the source did not send
    as events collapses to that, oldest first, once ``bound`` rows wait. Events give way only when they
    alone exceed the bound, and that is told.
    """

    def __init__(self, points: Sequence[Point], bound: int) -> None:
        n = len(points)
        self.statistics: Counter[str] = Counter()
        self.history_rows = 0
        self._collapsible = 0  # rows of the history that are no events
        self._bound = bound
        self._classed: NDArray[np.bool_] = np.array([p.event_class > 0 for p in points], dtype=np.bool_)
        self._dirty: NDArray[np.bool_] = np.zeros(n, dtype=np.bool_)
        self._value: Values = np.full(n, np.nan)
        self._quality: QualityColumn = np.zeros(n, dtype=np.uint16)
        self._source_time_ms: TimesMs = np.zeros(n, dtype=np.int64)
        self._time_quality: TimeQualityColumn = np.full(n, TimeQuality.NONE, dtype=np.uint8)
        self._received_time_ms: TimesMs = np.zeros(n, dtype=np.int64)
        self._texts: dict[int, str] = {}
        self._history: deque[ChangeSet] = deque()

    def note(self, changes: ChangeSet) -> int:
        """Add changes; returns how many event rows were lost to make room (0 as long as writing works)."""
        self._note_last(changes)
        history = changes if changes.is_event else changes.where(self._classed[changes.rows])
        if len(history):
            self._append(history)
        return self._make_room()

    def take(self) -> Taken:
        """Everything that waits; nothing waits afterwards."""
        rows = np.flatnonzero(self._dirty)
        history, self._history = tuple(self._history), deque()
        self.history_rows = self._collapsible = 0
        self._dirty[rows] = False
        return Taken(
            rows,
            self._value[rows],
            self._quality[rows],
            self._source_time_ms[rows],
            self._time_quality[rows],
            self._received_time_ms[rows],
            {row: self._texts[row] for row in rows.tolist() if row in self._texts} if self._texts else {},
            history,
        )

    def put_back(self, taken: Taken) -> int:
        """Return what could not be written; what came meanwhile stays newer. Returns event rows lost for room."""
        older = ~self._dirty[taken.last_rows]
        rows = taken.last_rows[older]
        self._value[rows] = taken.value[older]
        self._quality[rows] = taken.quality[older]
        self._source_time_ms[rows] = taken.source_time_ms[older]
        self._time_quality[rows] = taken.time_quality[older]
        self._received_time_ms[rows] = taken.received_time_ms[older]
        self._dirty[rows] = True
        newer, self._history = self._history, deque()
        self.history_rows = self._collapsible = 0
        for chunk in (*taken.history, *newer):
            self._append(chunk)
        return self._make_room()

    def _note_last(self, changes: ChangeSet) -> None:
        now = changes if changes.current.all() else changes.where(changes.current)
        rows = now.rows
        self._value[rows] = now.value
        self._quality[rows] = now.quality
        self._source_time_ms[rows] = now.source_time_ms
        self._time_quality[rows] = now.time_quality
        self._received_time_ms[rows] = now.received_time_ms
        self._texts.update(now.texts)
        self._dirty[rows] = True

    def _append(self, history: ChangeSet) -> None:
        self._history.append(history)
        self.history_rows += len(history)
        self._collapsible += 0 if history.is_event else len(history)

    def _make_room(self) -> int:
        """Bring the history within its bound; returns event rows lost."""
        if self.history_rows <= self._bound:
            return 0
        if self._collapsible:
            self._collapse()
        lost = 0
        while self.history_rows > self._bound:
            gone = self._history.popleft()
            self.history_rows -= len(gone)
            self._collapsible -= 0 if gone.is_event else len(gone)
            lost += len(gone)
        self.statistics["events_lost"] += lost
        return lost

    def _collapse(self) -> None:
        """Drop history that is no event, oldest first, well below the bound: so it is rarely walked through."""
        low = self._bound * 3 // 4
        kept: deque[ChangeSet] = deque()
        for chunk in self._history:
            if self.history_rows > low and not chunk.is_event:
                self.history_rows -= len(chunk)
                self._collapsible -= len(chunk)
                self.statistics["changes_collapsed"] += len(chunk)
            else:
                kept.append(chunk)
        self._history = kept
