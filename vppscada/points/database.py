"""The current state of every point, in columns; the only place where device units become engineering units."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import structlog
from numpy.typing import ArrayLike, NDArray

from vppscada.model.batch import Batch, Cause, Rows, TimeQualityColumn, TimesMs, Values
from vppscada.model.changes import EVENT_CAUSES, NO_CHANGES, ChangeSet, LastValues
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality, QualityColumn, TimeQuality
from vppscada.model.scaling import ScalingColumns
from vppscada.points.conditioning import Conditioner
from vppscada.points.deadband import beyond_deadband
from vppscada.points.forcing import Beneath, Force, Forcing, beneath_batch, forced_batch
from vppscada.points.latest import (
    Positions,
    Runs,
    Where,
    has_duplicates,
    items_at,
    last_of_each,
    newest_of_each,
    not_late,
)
from vppscada.points.limits import LimitColumns, with_over_range
from vppscada.points.staleness import gone_stale

__all__ = ["ChangeSet", "Database", "LastValues", "Subscriber"]

Subscriber = Callable[[ChangeSet], object]

_log = structlog.get_logger()
_ONLINE = np.uint16(Quality.ONLINE)


class Database:
    """Columns by row: ``points[row]`` is the point whose state stands at ``row``.

    ``value`` is in engineering units, NaN until known. Written by this class only; everybody may read.
    Not thread-safe: all calls belong to the thread of the event loop.
    """

    def __init__(self, points: Sequence[Point]) -> None:
        n = len(points)
        self.points = tuple(points)
        self.value: Values = np.full(n, np.nan)
        self.quality: QualityColumn = np.full(n, Quality.RESTART, dtype=np.uint16)
        self.source_time_ms: TimesMs = np.zeros(n, dtype=np.int64)
        self.time_quality: TimeQualityColumn = np.full(n, TimeQuality.NONE, dtype=np.uint8)
        self.received_time_ms: TimesMs = np.zeros(n, dtype=np.int64)
        self.texts: dict[int, str] = {}
        self.statistics: Counter[str] = Counter()
        self._reported: Values = np.full(n, np.nan)
        self._scaling = ScalingColumns.of(points)
        self._limits = LimitColumns.of(points)
        self._deadband: Values = np.array([p.deadband for p in points], dtype=np.float64)
        self._ageing: Rows = np.array([i for i, p in enumerate(points) if p.stale_after_s is not None], dtype=np.intp)
        ages = [1000.0 * p.stale_after_s for p in points if p.stale_after_s is not None]
        self._ages_ms: TimesMs = np.array(ages, dtype=np.int64)
        self.conditioner = Conditioner.of(points)
        self._forcing = Forcing(n)
        self._scratch: Positions = np.zeros(n, dtype=np.intp)
        self._runs = Runs()
        self._subscribers: list[Subscriber] = []

    def __len__(self) -> int:
        return len(self.points)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have every non-empty change set handed over, at once and in order. Returns how to end that.

        A subscriber that raises is logged and counted, and stops nobody else.
        """
        self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return unsubscribe

    def apply(self, batch: Batch) -> ChangeSet:
        """Take readings in device units. Rows that do not exist are dropped and counted; never raises."""
        run = self._runs.of(batch.rows, len(self))
        if run is None or batch.texts:
            batch = self._within(batch)
        where = batch.rows if run is None else run
        value = self._scaling.to_engineering(where, batch.value)
        quality = with_over_range(batch.quality, self._limits.outside(where, value))
        self.statistics["readings_applied"] += len(batch)
        if self.conditioner is not None:
            events = batch.cause in EVENT_CAUSES
            value, quality = self.conditioner.conditioned(batch.rows, value, quality, batch.received_time_ms, events)
        if self._forcing.touches(batch.rows):
            batch = self._unforced(batch, value, quality)
            run, value, quality = None, batch.value, batch.quality
        if batch.cause in EVENT_CAUSES:
            return self._publish(self._take_events(batch, value, quality))
        if run is not None:
            return self._publish(self._take_states(batch, value, quality, run))
        if has_duplicates(batch.rows, self._scratch):
            last = last_of_each(batch.rows)
            batch, value, quality = items_at(batch, last), value[last], quality[last]
        return self._publish(self._take_states(batch, value, quality, batch.rows))

    def set_values(
        self,
        rows: ArrayLike,
        values: ArrayLike,
        quality: ArrayLike,
        now_ms: int,
        source_time_ms: TimesMs | None = None,
        time_quality: TimeQualityColumn | None = None,
    ) -> ChangeSet:
        """Set calculated points, in engineering units. A scalar quality is for all.

        They are as of ``now_ms`` (UTC), where no column of times, with one of their quality, says otherwise.

        Raises:
            ValueError: columns differ in length.
            IndexError: a row does not exist (calculated rows are ours: that is a programming error).
        """
        row_column = np.atleast_1d(np.asarray(rows, dtype=np.intp))
        n = len(row_column)
        if n and not 0 <= int(row_column.min()) <= int(row_column.max()) < len(self):
            raise IndexError("a calculated row does not exist")
        value = np.atleast_1d(np.asarray(values, dtype=np.float64))
        qualities = np.broadcast_to(np.asarray(quality, dtype=np.uint16), (n,))
        qualities = with_over_range(qualities, self._limits.outside(row_column, value))
        times = np.full(n, now_ms, dtype=np.int64) if source_time_ms is None else source_time_ms
        timed = np.full(n, TimeQuality.SYNCHRONISED, dtype=np.uint8) if time_quality is None else time_quality
        batch = Batch(row_column, value, qualities, times, timed, now_ms, Cause.CALCULATED)
        if has_duplicates(row_column, self._scratch):
            last = last_of_each(row_column)
            batch, value, qualities = items_at(batch, last), value[last], qualities[last]
        if self._forcing.touches(batch.rows):
            batch = self._unforced(batch, value, qualities)
            value, qualities = batch.value, batch.quality
        return self._publish(self._take_states(batch, value, qualities, batch.rows))

    def set_texts(self, texts: dict[int, str], quality: Quality, now_ms: int) -> ChangeSet:
        """Set calculated string points, as of ``now_ms``."""
        rows = np.fromiter(texts, dtype=np.intp, count=len(texts))
        n = len(rows)
        times, timed = np.full(n, now_ms, dtype=np.int64), np.full(n, TimeQuality.SYNCHRONISED, dtype=np.uint8)
        qualities = np.full(n, quality, dtype=np.uint16)
        nothing = np.full(n, np.nan)
        batch = Batch(rows, nothing, qualities, times, timed, now_ms, Cause.CALCULATED, dict(texts))
        return self._publish(self._take_states(batch, nothing, qualities, rows))

    def comm_lost(self, rows: ArrayLike, now_ms: int) -> ChangeSet:
        """The way to these points is gone: their last values stay, marked COMM_LOST and not online."""
        return self._mark(np.asarray(rows, dtype=np.intp), Quality.COMM_LOST, Quality.ONLINE, now_ms)

    def mark_stale(self, now_ms: int) -> ChangeSet:
        """Mark what has not been renewed within its point's ``stale_after_s``. An unchanged report renews."""
        rows = self._ageing
        stale = gone_stale(self.received_time_ms[rows], self._ages_ms, self.quality[rows], now_ms)
        return self._mark(rows[stale], Quality.STALE, Quality.NONE, now_ms)

    @property
    def forces(self) -> Mapping[int, Force]:
        """What is forced, by row."""
        return self._forcing.forces

    def force(self, row: int, value: float, reason: str, by: str, until_ms: int | None, now_ms: int) -> ChangeSet:
        """Have a point say a value (engineering units), LOCAL_FORCED, whatever is reported for it, until it is released
        or ``until_ms`` (UTC; None = no end). A further force replaces the one before.

        Raises:
            IndexError: no such row.
            ValueError: a point that holds a text, or a value that is no number.
        """
        if not 0 <= row < len(self):
            raise IndexError("a row to be forced does not exist")
        if self.points[row].kind is PointKind.STRING or not math.isfinite(value):
            raise ValueError(f"{self.points[row].id} cannot be forced to {value!r}")
        force = Force(value, reason, by, until_ms)
        self._forcing.begin(row, force, self._beneath(row))
        _log.warning("point_forced", point=self.points[row].id, value=value, reason=reason, by=by, until_ms=until_ms)
        batch = forced_batch(row, force, now_ms)
        return self._publish(self._take_states(batch, batch.value, batch.quality, batch.rows))

    def release(self, row: int) -> ChangeSet:
        """Let a forced point say again what is reported, as it was reported last.

        Raises:
            KeyError: it is not forced.
        """
        state = self._forcing.end(row)
        _log.warning("point_released", point=self.points[row].id)
        batch = beneath_batch(row, state)
        if self.conditioner is not None:
            value, quality = self.conditioner.substituted(batch.rows, batch.value, batch.quality)
            batch = replace(batch, value=value, quality=quality)
        return self._publish(self._take_states(batch, batch.value, batch.quality, batch.rows))

    def release_expired(self, now_ms: int) -> list[int]:
        """Release what has come to its end; returns its rows."""
        rows = self._forcing.expired(now_ms)
        for row in rows:
            self.release(row)
        return rows

    def restore(self, last: LastValues) -> None:
        """Bring back what was known before a restart, marked RESTART and not online until reported anew.

        Told to nobody: it is for start-up, before anything reads.
        """
        rows = last.rows
        self.value[rows] = last.value
        self.quality[rows] = (last.quality | np.uint16(Quality.RESTART)) & ~_ONLINE
        self.source_time_ms[rows] = last.source_time_ms
        self.time_quality[rows] = last.time_quality
        self.received_time_ms[rows] = last.received_time_ms
        self.texts.update(last.texts)
        self.statistics["values_restored"] += len(last)
        if self.conditioner is not None:
            every = np.arange(len(self))
            self.value, self.quality = self.conditioner.substituted(every, self.value, self.quality)

    def take_over(self, before: "Database", rows: Rows, rows_before: Rows) -> None:
        """Go on with points as another database has them: row by row, ``rows[i]`` here is ``rows_before[i]`` there.

        What is forced there comes as it is beneath. Told to nobody, like `restore`.
        """
        self.value[rows] = before.value[rows_before]
        self.quality[rows] = before.quality[rows_before]
        self.source_time_ms[rows] = before.source_time_ms[rows_before]
        self.time_quality[rows] = before.time_quality[rows_before]
        self.received_time_ms[rows] = before.received_time_ms[rows_before]
        self._reported[rows] = before._reported[rows_before]
        here = dict(zip(rows_before.tolist(), rows.tolist(), strict=True))
        self.texts.update({here[row]: text for row, text in before.texts.items() if row in here})
        for row, state in before._forcing.beneath.items():
            if row in here:
                found = beneath_batch(here[row], state)
                self._write(found.rows, found, found.value, found.quality)
        if self.conditioner is not None and before.conditioner is not None:
            self.conditioner.take_over(before.conditioner, rows, rows_before)

    def snapshot(self, rows: ArrayLike, now_ms: int) -> ChangeSet:
        """The state of some rows as if all of it had just changed: for somebody who starts to follow."""
        there = np.asarray(rows, dtype=np.intp)
        texts = {row: self.texts[row] for row in there.tolist() if row in self.texts}
        return self._state_of(there, Cause.INTEGRITY, now_ms, texts)

    def _within(self, batch: Batch) -> Batch:
        """The items of a batch whose rows exist, and the texts of those rows only."""
        rows = batch.rows
        if not len(rows) or (int(rows.min()) >= 0 and int(rows.max()) < len(self)):
            return items_at(batch, np.arange(len(rows))) if batch.texts else batch
        there = np.flatnonzero((rows >= 0) & (rows < len(self)))
        dropped = len(rows) - len(there)
        self.statistics["rows_unknown"] += dropped
        _log.warning("readings_dropped", reason="no such row", count=dropped, cause=batch.cause)
        return items_at(batch, there)

    def _take_states(self, batch: Batch, value: Values, quality: QualityColumn, where: Where) -> ChangeSet:
        """``where`` are the rows of the batch, none of them twice."""
        rows = batch.rows
        same = np.count_nonzero(value == self._reported[where]) == len(value)
        if same and not batch.texts and np.count_nonzero(quality == self.quality[where]) == len(value):
            self._write(where, batch, value, quality)  # as most of a poll is
            return NO_CHANGES
        changed = beyond_deadband(value, self._reported[where], self._deadband[where])
        changed |= quality != self.quality[where]
        texts: dict[int, str] = {}
        if batch.texts:
            texts = {row: text for row, text in batch.texts.items() if self.texts.get(row) != text}
            changed |= np.isin(rows, np.fromiter(texts, dtype=np.intp, count=len(texts)))
        self._write(where, batch, value, quality)
        if not np.count_nonzero(changed):
            return NO_CHANGES
        at = np.flatnonzero(changed)
        changed_rows = rows[at]
        self._reported[changed_rows] = value[at]
        return ChangeSet(
            changed_rows,
            value[at],
            quality[at],
            batch.source_time_ms[at],
            batch.time_quality[at],
            batch.received_time_ms,
            batch.cause,
            np.ones(len(changed_rows), dtype=np.bool_),
            texts,
        )

    def _take_events(self, batch: Batch, value: Values, quality: QualityColumn) -> ChangeSet:
        rows = batch.rows
        at = self._newest(batch)
        current = np.zeros(len(rows), dtype=np.bool_)
        current[at] = True
        self._write(rows[at], items_at(batch, at), value[at], quality[at])
        self._reported[rows[at]] = value[at]
        self.statistics["events_applied"] += len(rows)
        return ChangeSet(
            rows,
            value,
            quality,
            batch.source_time_ms,
            batch.time_quality,
            batch.received_time_ms,
            batch.cause,
            current,
            dict(batch.texts),
        )

    def _newest(self, batch: Batch) -> Positions:
        rows, time_ms, time_quality = batch.rows, batch.source_time_ms, batch.time_quality
        if has_duplicates(rows, self._scratch):
            return newest_of_each(rows, time_ms, time_quality, self.source_time_ms, self.time_quality)
        return np.flatnonzero(not_late(time_ms, time_quality, self.source_time_ms[rows], self.time_quality[rows]))

    def _write(self, rows: Where, batch: Batch, value: Values, quality: QualityColumn) -> None:
        self.value[rows] = value
        self.quality[rows] = quality
        self.source_time_ms[rows] = batch.source_time_ms
        self.time_quality[rows] = batch.time_quality
        self.received_time_ms[rows] = batch.received_time_ms
        if batch.texts:
            self.texts.update(batch.texts)

    def _mark(self, rows: Rows, marks: Quality, taken: Quality, now_ms: int) -> ChangeSet:
        """Set and take away bits of quality, and put substitutes where that makes values unfit."""
        if self._forcing.touches(rows):
            self._forcing.keep_marks(rows, marks, taken)
            rows = rows[self._forcing.free(rows)]
        quality = (self.quality[rows] | np.uint16(marks)) & ~np.uint16(taken)
        if self.conditioner is not None:
            self.value[rows], quality = self.conditioner.substituted(rows, self.value[rows], quality)
        differs = quality != self.quality[rows]
        changed = np.unique(rows[differs])
        self.quality[rows] = quality
        return self._publish(self._state_of(changed, Cause.SESSION, now_ms, {}))

    def _unforced(self, batch: Batch, value: Values, quality: QualityColumn) -> Batch:
        """The items of a batch whose rows are not forced, in engineering units; the others are kept for later."""
        whole = replace(batch, value=value, quality=quality)
        self._forcing.keep(whole)
        return items_at(whole, np.flatnonzero(self._forcing.free(batch.rows)))

    def _beneath(self, row: int) -> Beneath:
        return Beneath(
            float(self.value[row]),
            int(self.quality[row]),
            int(self.source_time_ms[row]),
            int(self.time_quality[row]),
            int(self.received_time_ms[row]),
        )

    def _state_of(self, rows: Rows, cause: Cause, now_ms: int, texts: dict[int, str]) -> ChangeSet:
        current: NDArray[np.bool_] = np.ones(len(rows), dtype=np.bool_)
        return ChangeSet(
            rows,
            self.value[rows],
            self.quality[rows],
            self.source_time_ms[rows],
            self.time_quality[rows],
            now_ms,
            cause,
            current,
            texts,
        )

    def _publish(self, changes: ChangeSet) -> ChangeSet:
        if len(changes):
            self.statistics["changes_published"] += len(changes)
            for subscriber in tuple(self._subscribers):
                self._tell(subscriber, changes)
        return changes

    def _tell(self, subscriber: Subscriber, changes: ChangeSet) -> None:
        try:
            subscriber(changes)
        except Exception:
            self.statistics["subscribers_failed"] += 1
            _log.exception("subscriber_failed", subscriber=repr(subscriber), changes=len(changes))
