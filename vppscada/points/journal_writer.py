"""The journal's one writing thread: whatever gathered while it wrote becomes the next transaction."""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import structlog
from numpy.typing import NDArray

from vppscada.model.changes import ChangeSet
from vppscada.model.errors import JournalError
from vppscada.model.points import Point
from vppscada.points.journal_pending import Pending, Taken
from vppscada.points.journal_retention import Retention, prune

_log = structlog.get_logger()

_LAST_VALUE = "INSERT OR REPLACE INTO last_values VALUES (?, ?, ?, ?, ?, ?, ?)"
_CHANGE = """INSERT INTO changes
    (point, value, quality, source_time_ms, time_quality, received_time_ms, cause, text)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""

#: After events were lost nobody is told that all is settled for this long: whoever noted them hears of it,
#: does not acknowledge them, and gets them from the device again.
_LOSS_HOLD_S = 60.0
_RETRY_S = (0.5, 10.0)  # shortest and longest wait before notes are tried again while nobody waits for them
_JOIN_S = 30.0

Parameters = Sequence[object]


@dataclass(slots=True)
class _Job:
    """One transaction. What was noted goes with the numbers of its rows."""

    noted_rows: list[tuple[Taken, NDArray[np.int64]]]
    statements: list[tuple[str, Sequence[Parameters]]]
    waiters: list["asyncio.Future[None]"]
    noted: int

    @property
    def changes(self) -> int:
        """Rows of the history in it."""
        return sum(len(chunk) for taken, _ in self.noted_rows for chunk in taken.history)


@dataclass(slots=True)
class _Queue:
    """What waits for the next transaction; guarded by the writer's condition."""

    statements: list[tuple[str, Sequence[Parameters]]] = field(default_factory=list)
    waiters: list["asyncio.Future[None]"] = field(default_factory=list)
    noted: int = 0  # change sets noted so far
    written: int = 0  # of them on disk
    stopping: bool = False


class Writer:
    """Owns the writing connection. Everything but the thread itself is called from the event loop's thread."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        retention: Retention,
        pending_rows: int,
        linger_s: float,
        now_ms: Callable[[], int],
    ) -> None:
        self.statistics: Counter[str] = Counter()
        self._connection = connection
        self._retention = retention
        self._pending_rows = pending_rows
        self._linger_s = linger_s
        self._now_ms = now_ms
        self._pending = Pending((), pending_rows)
        self._numbers: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._earlier: list[tuple[Taken, NDArray[np.int64]]] = []  # noted before rows got another meaning
        self._queue = _Queue()
        self._condition = threading.Condition()
        self._failures = 0
        self._lost_at = -float("inf")
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    @property
    def healthy(self) -> bool:
        """True while it writes: the last attempt succeeded and no event was lost of late."""
        return self._failures == 0 and not self._lost_of_late and self._thread.is_alive()

    @property
    def _lost_of_late(self) -> bool:
        return time.monotonic() - self._lost_at < _LOSS_HOLD_S

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def bind(self, points: Sequence[Point], numbers: Sequence[int]) -> None:
        """Say what rows mean from here on. What was noted before keeps the meaning that it had."""
        with self._condition:
            left = self._pending.take()
            if not left.is_empty:
                self._earlier.append((left, self._numbers))
            self._pending = Pending(points, self._pending_rows)
            self._numbers = np.array(numbers, dtype=np.int64)

    def note(self, changes: ChangeSet) -> None:
        """Take changes; returns at once."""
        with self._condition:
            if self._queue.stopping:
                self.statistics["notes_after_close"] += 1
                return
            idle = self._queue.noted == self._queue.written
            self._queue.noted += 1
            self._count_loss(self._pending.note(changes))
            if idle or self._pending.history_rows > self._pending_rows // 4:
                self._condition.notify()

    async def settled(self) -> None:
        """Return when every note so far is on disk.

        Raises:
            JournalError: it could not be written, or events had to give way of late.
        """
        if self._lost_of_late:
            raise JournalError("events were lost because the journal could not be written")
        with self._condition:
            if self._queue.noted == self._queue.written:
                return
        await self.execute()

    async def execute(self, *statements: tuple[str, Sequence[Parameters]]) -> None:
        """Return when the statements (and every note so far) are on disk.

        Raises:
            JournalError: they are not, and will not be.
        """
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._condition:
            if self._queue.stopping or not self._thread.is_alive():
                raise JournalError("the journal is closed")
            self._queue.statements.extend(statements)
            self._queue.waiters.append(waiter)
            self._condition.notify()
        await waiter

    def close(self) -> None:
        """Write what waits, end the thread, close the connection. Blocks."""
        with self._condition:
            self._queue.stopping = True
            self._condition.notify()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)
        if self._thread.is_alive():
            _log.error("journal_thread_stuck")
            return
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    # the thread

    def _run(self) -> None:
        try:
            while (job := self._next_job()) is not None:
                self._finish(job, self._write(job))
        except Exception:
            _log.exception("journal_thread_failed")
        finally:
            with self._condition:
                self._queue.stopping = True
                left, self._queue.waiters = self._queue.waiters, []
            self._tell(left, JournalError("the journal is closed"))

    def _next_job(self) -> _Job | None:
        """Wait until there is something worth a transaction; None at the end."""
        with self._condition:
            queue = self._queue
            self._condition.wait_for(lambda: queue.stopping or self._has_work())
            if not self._is_urgent():
                self._condition.wait_for(self._is_urgent, self._pause_s())
            if queue.stopping and not self._has_work():
                return None
            if queue.stopping and self._failures and not queue.waiters:
                _log.error("journal_closed_unwritten", history_rows=self._pending.history_rows)
                return None
            noted_rows = [*self._earlier, (self._pending.take(), self._numbers)]
            job = _Job(noted_rows, queue.statements, queue.waiters, queue.noted)
            self._earlier, queue.statements, queue.waiters = [], [], []
            return job

    def _has_work(self) -> bool:
        return bool(self._queue.statements or self._queue.waiters) or self._queue.noted != self._queue.written

    def _is_urgent(self) -> bool:
        queue = self._queue
        crowded = self._failures == 0 and self._pending.history_rows > self._pending_rows // 4
        return queue.stopping or bool(queue.statements or queue.waiters) or crowded

    def _pause_s(self) -> float:
        """How long notes may gather while nobody waits for them."""
        if self._failures == 0:
            return self._linger_s
        shortest, longest = _RETRY_S
        return float(min(shortest * 2.0 ** min(self._failures - 1, 10), longest))

    def _write(self, job: _Job) -> JournalError | None:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for taken, numbers in job.noted_rows:
                if not taken.is_empty:
                    connection.executemany(_LAST_VALUE, taken.last_values(numbers))
                    connection.executemany(_CHANGE, taken.changes(numbers))
            for sql, rows in job.statements:
                connection.executemany(sql, rows)
            connection.execute("COMMIT")
        except Exception as error:
            self._roll_back()
            if not isinstance(error, sqlite3.Error):
                _log.exception("journal_statement_faulty")
            return JournalError(f"the journal could not be written: {error}")
        return None

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _finish(self, job: _Job, error: JournalError | None) -> None:
        """Account for a transaction, then tell those who wait: whoever wakes sees the journal as it is."""
        with self._condition:
            if error is None:
                self._queue.written = job.noted
            else:
                self._put_back(job)
        if error is None:
            self._succeeded(job)
        else:
            self._failed(error)
        self._tell(job.waiters, error)
        if error is None:
            self._prune(job.changes)

    def _put_back(self, job: _Job) -> None:
        *earlier, (taken, numbers) = job.noted_rows
        if numbers is self._numbers:
            self._count_loss(self._pending.put_back(taken))
        else:
            earlier.append((taken, numbers))
        self._earlier = earlier + self._earlier

    def _failed(self, error: JournalError) -> None:
        self.statistics["transactions_failed"] += 1
        if self._failures == 0:
            _log.error("journal_failed", error=str(error))
        self._failures += 1

    def _succeeded(self, job: _Job) -> None:
        self.statistics["transactions_committed"] += 1
        self.statistics["changes_written"] += job.changes
        self.statistics["last_values_written"] += sum(len(taken.last_rows) for taken, _ in job.noted_rows)
        if self._failures:
            _log.info("journal_recovered", failures=self._failures)
        self._failures = 0

    def _prune(self, written: int) -> None:
        try:
            self.statistics["rows_pruned"] += prune(self._connection, self._retention, written, self._now_ms())
        except sqlite3.Error as error:
            self._roll_back()
            self.statistics["prunes_failed"] += 1
            _log.warning("journal_prune_failed", error=str(error))

    def _count_loss(self, lost: int) -> None:
        if lost:
            self._lost_at = time.monotonic()
            _log.error("journal_events_lost", count=lost)
        self.statistics["events_lost"] = self._pending.statistics["events_lost"]
        self.statistics["changes_collapsed"] = self._pending.statistics["changes_collapsed"]

    @staticmethod
    def _tell(waiters: list["asyncio.Future[None]"], error: JournalError | None) -> None:
        """Wake those who wait, in one call per loop."""
        for loop in {waiter.get_loop() for waiter in waiters}:
            own = [waiter for waiter in waiters if waiter.get_loop() is loop]
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_resolve, own, error)


def _resolve(waiters: list["asyncio.Future[None]"], error: JournalError | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(JournalError(str(error)))
