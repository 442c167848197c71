"""Keeps one session alive: runs it, waits with backoff when it is lost, marks its points, counts."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import structlog

from vppscada.model.batch import Batch
from vppscada.model.sessions import Session, SessionInput, SessionLost, SessionState, SessionStatus, next_state
from vppscada.points.database import Database
from vppscada.points.placement import Placement
from vppscada.station.backoff import delay_s

log = structlog.get_logger()

_STEADY_S = 10.0  # online for so long, and the next loss counts as the first


def wall_ms() -> int:
    """Wall-clock UTC in milliseconds."""
    return time.time_ns() // 1_000_000


class Supervisor:
    """One session's keeper and its listener.

    A session knows its points by their places in the order that it was given them in. Where these stand in which
    database is said by `feed`, before `run` and again whenever a changed site takes the place of the one in force.
    """

    def __init__(self, session: Session, settled: Callable[[], Awaitable[None]]) -> None:
        """``settled`` returns when every batch so far is on disk."""
        self.session = session
        self.statistics: Counter[str] = Counter()
        self.status = SessionStatus(session.name, SessionState.IDLE, time.monotonic())
        self.tried = asyncio.Event()
        self._placement = Placement(())
        self._database = Database(())
        self._settled = settled
        self._changed: Callable[[SessionStatus], object] = lambda _: None
        self._failures = 0

    def feed(self, rows: Sequence[int], database: Database, changed: Callable[[SessionStatus], object]) -> None:
        """From now on, put reading ``p`` at ``rows[p]`` of this database, and tell ``changed`` every new status."""
        self._placement = Placement(rows)
        self._database = database
        self._changed = changed
        changed(self.status)

    async def run(self) -> None:
        """Until cancelled."""
        self._step(SessionInput.START)
        try:
            while True:
                reason = await self._live()
                self._lose(reason)
                await asyncio.sleep(delay_s(self._failures, random.random()))
                self._step(SessionInput.RETRY)
        finally:
            self._step(SessionInput.STOP)
            self._database.comm_lost(self._placement.rows, wall_ms())

    async def _live(self) -> str:
        """One connection life; the reason of its end. A fault of the session's own code ends it like a loss."""
        try:
            await self.session.run(self)
        except SessionLost as lost:
            return str(lost)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # we are to stop
            self.statistics["errors_caught"] += 1  # something that the session awaited was cancelled, not we
            return "internal error: cancelled from within"
        except Exception as error:
            self.statistics["errors_caught"] += 1
            log.exception("session_failed", session=self.session.name)
            return f"internal error: {error!r}"
        return "session ended without a reason"

    def _lose(self, reason: str) -> None:
        if self.status.state is SessionState.ONLINE and time.monotonic() - self.status.since >= _STEADY_S:
            self._failures = 0  # it had come to stay; one that dies at every start keeps its backoff
        self._failures += 1
        self.statistics["losses"] += 1
        was_up = self.status.state in (SessionState.ONLINE, SessionState.STARTING)
        self._step(SessionInput.LOST, reason)
        self.tried.set()
        self._database.comm_lost(self._placement.rows, wall_ms())
        level = log.warning if was_up or self._failures == 1 else log.debug
        level("session_lost", session=self.session.name, reason=reason, failures=self._failures)

    def _step(self, happened: SessionInput, reason: str = "") -> None:
        state = next_state(self.status.state, happened)
        self.status = SessionStatus(self.session.name, state, time.monotonic(), reason, self._failures)
        self._changed(self.status)

    # the listener's face

    def on_connected(self) -> None:
        """See `SessionListener`."""
        self.statistics["connections"] += 1
        self._step(SessionInput.CONNECTED)

    def on_started(self) -> None:
        """See `SessionListener`."""
        self._step(SessionInput.STARTED)
        self.tried.set()
        log.info("session_started", session=self.session.name)

    def on_batch(self, batch: Batch) -> None:
        """See `SessionListener`."""
        self.statistics["batches"] += 1
        self.statistics["readings"] += len(batch)
        self._database.apply(self._placement.placed(batch))

    async def settled(self) -> None:
        """See `SessionListener`."""
        await self._settled()
