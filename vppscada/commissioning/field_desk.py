"""One site's devices at an engineer's desk, without the plant: sessions, database, journal and the control path.

The journal is the station's own: what devices give up while somebody looks (events are confirmed, and then gone from
the device) is kept in it, and no command goes out without its record. So a desk and a station exclude each other.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from vppscada.commissioning.values import PointValue, value_at
from vppscada.control.gate import Refused
from vppscada.control.pipeline import ControlPipeline
from vppscada.model.changes import ChangeSet
from vppscada.model.commands import CommandResult, Origin, Verification
from vppscada.model.drivers import Driver
from vppscada.model.errors import VppscadaError
from vppscada.model.points import placed
from vppscada.model.sessions import Session, SessionState, SessionStatus
from vppscada.model.site import Site
from vppscada.points.database import Database
from vppscada.points.journal import Journal
from vppscada.station.comm_online import CommOnline
from vppscada.station.supervisor import Supervisor

_LIFETIME_S = 10.0
_LOOK_S = 0.05


class FieldDesk:
    """Made by `open_desk`. Rows are those of the site's points."""

    def __init__(self, site: Site, journal: Journal, drivers: Mapping[str, Driver]) -> None:
        self.site = site
        self.database = Database(site.points)
        self.database.restore(journal.last_values(site.points))
        self._journal = journal
        self.database.subscribe(journal.note)
        self._sessions: dict[str, Session] = {
            spec.name: drivers[spec.protocol].session(spec.name, spec.settings, placed(spec.points))
            for spec in site.sessions
        }
        self._pipeline = ControlPipeline(site, self.database, journal, self._sessions)
        self._supervisors: dict[str, Supervisor] = {}
        self._status_changed = asyncio.Event()
        self._comm = CommOnline(site, self.database)
        self._tasks: list[asyncio.Task[None]] = [asyncio.create_task(self._pipeline.watch())]

    def begin(self, names: Sequence[str]) -> None:
        """Run some of the site's sessions from now on."""
        for spec in self.site.sessions:
            if spec.name in names and spec.name not in self._supervisors:
                supervisor = Supervisor(self._sessions[spec.name], self._journal.settled)
                supervisor.feed([row for row, _ in spec.points], self.database, self._on_status)
                self._supervisors[spec.name] = supervisor
                self._tasks.append(asyncio.create_task(supervisor.run()))

    async def ready(self, wait_s: float) -> dict[str, str]:
        """Wait until every session is online; what is wrong with those that are not after ``wait_s``, by name."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while not all(map(_is_online, self._supervisors.values())):
                    self._status_changed.clear()
                    await self._status_changed.wait()
        return {
            name: one.status.reason or f"still {one.status.state}"
            for name, one in self._supervisors.items()
            if not _is_online(one)
        }

    def _on_status(self, status: SessionStatus) -> None:
        self._comm.on_status(status)
        self._status_changed.set()

    def read(self, rows: Sequence[int]) -> list[PointValue]:
        """The present state of some points."""
        return [value_at(self.database, row) for row in rows]

    async def changes(self) -> AsyncIterator[ChangeSet]:
        """Every change set from now on, until cancelled."""
        waiting: asyncio.Queue[ChangeSet] = asyncio.Queue()
        unsubscribe = self.database.subscribe(waiting.put_nowait)
        try:
            while True:
                yield await waiting.get()
        finally:
            unsubscribe()

    async def operate(self, row: int, value: float, reason: str) -> CommandResult | Refused:
        """One command by the station's own control path, with its checks, its record and its one sending."""
        return await self._pipeline.command(row, value, Origin.COMMISSIONING, reason, _LIFETIME_S)

    async def verified(self, row: int, wait_s: float) -> Verification:
        """The command's verification, once the feedback has shown it or ``wait_s`` are over."""
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline and self._pipeline.verification(row).echoed is None:  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(_LOOK_S)
        return self._pipeline.verification(row)

    async def close(self) -> None:
        """End the sessions, and write what is owed to the journal."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LIFETIME_S):
                await self._pipeline.drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _is_online(supervisor: Supervisor) -> bool:
    return supervisor.status.state is SessionState.ONLINE


@contextlib.asynccontextmanager
async def open_desk(site: Site, state: Path, drivers: Mapping[str, Driver]) -> AsyncIterator[FieldDesk]:
    """A desk on a site's devices, closed in the end.

    Raises:
        VppscadaError: the state directory cannot be opened, as while the station runs.
    """
    journal = await asyncio.to_thread(Journal.open, state)
    desk = FieldDesk(site, journal, drivers)
    try:
        yield desk
    finally:
        await desk.close()
        await asyncio.to_thread(journal.close)


def rows_of(site: Site, names: Sequence[str]) -> list[int]:
    """Rows of points of devices by id, or of all of an asset's by its name.

    Raises:
        VppscadaError: no device has such a point, and there is no asset of that name.
    """
    of_devices = [row_point for spec in site.sessions for row_point in spec.points]
    rows: list[int] = []
    for name in names:
        found = [row for row, point in of_devices if name in (point.id, point.asset)]
        if not found:
            raise VppscadaError(f"no device of {site.file} has a point {name!r}, and there is no asset of that name")
        rows += found
    return list(dict.fromkeys(rows))


def sessions_of(site: Site, rows: Sequence[int]) -> list[str]:
    """Names of the sessions that bring these rows."""
    wanted = set(rows)
    return [spec.name for spec in site.sessions if any(row in wanted for row, _ in spec.points)]
