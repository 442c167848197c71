"""The supervisor with a scripted session: what it does to the points when the link comes and goes."""

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.commands import Command, CommandResult, NotSent
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionListener, SessionLost, SessionState, SessionStatus
from vppscada.points.database import Database
from vppscada.points.journal import Journal
from vppscada.station import supervisor as module
from vppscada.station.supervisor import Supervisor


class Scripted:
    """Lives as long as it is let, then ends as it is told."""

    name = "scripted"

    def __init__(self) -> None:
        self.statistics: Counter[str] = Counter()
        self.lives = 0
        self.started = asyncio.Event()
        self.end: asyncio.Queue[BaseException] = asyncio.Queue()

    async def run(self, listener: SessionListener) -> None:
        self.lives += 1
        listener.on_connected()
        listener.on_batch(untimed_batch([0], [float(self.lives)], Quality.ONLINE, 1, Cause.INTEGRITY))
        listener.on_started()
        self.started.set()
        raise await self.end.get()

    async def select(self, command: Command) -> CommandResult:
        return NotSent("scripted")

    async def operate(self, command: Command) -> CommandResult:
        return NotSent("scripted")


@pytest.mark.parametrize(
    "fault",
    [SessionLost("peer closed"), ZeroDivisionError("a bug in a codec"), asyncio.CancelledError("of a task it awaited")],
)
async def test_a_lost_session_marks_its_points_and_comes_back(
    fault: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "delay_s", lambda *_: 0.0)
    session, database = Scripted(), Database([Point("a.p", PointKind.ANALOG_INPUT)])
    journal = Journal.open(tmp_path)
    seen: list[SessionStatus] = []
    keeper = Supervisor(session, journal.settled)
    keeper.feed([0], database, seen.append)
    seen.clear()
    task = asyncio.create_task(keeper.run())
    try:
        await session.started.wait()
        assert database.value[0] == 1.0 and database.quality[0] == Quality.ONLINE
        session.started.clear()
        qualities: list[int] = []
        database.subscribe(lambda changes: qualities.extend(changes.quality.tolist()))
        session.end.put_nowait(fault)
        await session.started.wait()
        assert qualities == [Quality.COMM_LOST, Quality.ONLINE]
        assert database.value[0] == 2.0 and keeper.statistics["losses"] == 1
        assert [status.state for status in seen][:7] == [
            SessionState.CONNECTING,
            SessionState.STARTING,
            SessionState.ONLINE,
            SessionState.WAITING,
            SessionState.CONNECTING,
            SessionState.STARTING,
            SessionState.ONLINE,
        ]
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        journal.close()
    assert seen[-1].state is SessionState.STOPPED
    assert np.uint16(database.quality[0]) & np.uint16(Quality.COMM_LOST)


async def test_a_session_that_dies_at_every_start_keeps_its_backoff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[int] = []
    often = asyncio.Event()

    def noted(failures: int, _: float) -> float:
        waits.append(failures)
        if len(waits) == 4:
            often.set()
        return 0.0

    monkeypatch.setattr(module, "delay_s", noted)
    session = Scripted()
    journal = Journal.open(tmp_path)
    keeper = Supervisor(session, journal.settled)
    keeper.feed([0], Database([Point("a.p", PointKind.ANALOG_INPUT)]), lambda _: None)
    for _ in range(4):
        session.end.put_nowait(SessionLost("peer closed"))
    task = asyncio.create_task(keeper.run())
    try:
        await often.wait()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        journal.close()
    assert waits == [1, 2, 3, 4]
