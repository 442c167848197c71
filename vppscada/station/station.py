"""The composition root: one site, its sessions, its plant and its EMS outstations as one tree of services."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import structlog
from twisted.application.service import MultiService

from vppscada.control.pipeline import ControlPipeline
from vppscada.maps.snapshot import snapshot, write_snapshot
from vppscada.model.clock import PlantClock
from vppscada.model.drivers import Driver
from vppscada.model.errors import VppscadaError
from vppscada.model.outstations import Outstation
from vppscada.model.points import RowPoint
from vppscada.model.quality import is_fit
from vppscada.model.sessions import Session, SessionState
from vppscada.model.site import EmsSpec, Site
from vppscada.plant.fleet_view import fleet_rows
from vppscada.plant.requirements import Expectations
from vppscada.plant.series import read_series
from vppscada.points.database import Database
from vppscada.points.journal import Journal
from vppscada.scheduling.worker import SolverWorker
from vppscada.station.calculator import Calculator
from vppscada.station.comm_online import CommOnline
from vppscada.station.ems_commands import EmsCommands
from vppscada.station.ems_feed import EmsFeed
from vppscada.station.local_api import LocalApi
from vppscada.station.normalising import Normalising
from vppscada.station.plant_service import PlantService
from vppscada.station.schedule_service import ScheduleService
from vppscada.station.services import TaskService, leave, stop_in_reverse
from vppscada.station.session_points import SessionPoints
from vppscada.station.supervisor import Supervisor, wall_ms
from vppscada.station.teller import Teller
from vppscada.station.watch import Watch

log = structlog.get_logger()

_STALE_EVERY_S = 0.5
_SESSIONS_EVERY_S = 1.0
_OUTCOMES_S = 6.0  # longer than a command lives


class ServiceEndedError(VppscadaError):
    """A part of the station that never ends ended."""


class Station:
    """Everything of one site, made but not yet running.

    Raises:
        ConfigError: a data source cannot be read.
        JournalError: the state on disk cannot be opened.
        OSError: what the station runs with cannot be written beside it.
    """

    def __init__(self, site: Site, state_dir: Path, clock: PlantClock, drivers: Mapping[str, Driver]) -> None:
        self.site = site
        self.statistics: Counter[str] = Counter()
        expectations = Expectations({source.name: read_series(source) for source in site.data})
        self.journal = Journal.open(state_dir)
        write_snapshot(snapshot(site), state_dir)
        self.database = Database(site.points)
        self.database.restore(self.journal.last_values(site.points))
        self.database.subscribe(self.journal.note)
        self.calculator = Calculator(self.database)
        self.normalising = Normalising(self.database, self.journal)
        self.sessions: dict[str, Session] = {
            spec.name: drivers[spec.protocol].session(spec.name, spec.settings, spec.points) for spec in site.sessions
        }
        self._comm = CommOnline(site, self.database)
        self.supervisors = [
            Supervisor(self.sessions[spec.name], rows, self.database, self._settled, self._comm.on_status)
            for spec, rows in ((spec, [row for row, _ in spec.points]) for spec in site.sessions)
        ]
        self.pipeline = ControlPipeline(site, self.database, self.journal, self.sessions)
        rows = fleet_rows(site.fleet, site.points)
        self.teller = Teller(site.fleet, rows, self.database, self.pipeline, self._sessions_online, clock.speed)
        self.plant = PlantService(site, self.database, self.journal, self.teller, expectations, clock)
        self.worker = SolverWorker()
        self.scheduler = ScheduleService(self.plant, self.worker)
        self.outstations = [self._outstation(spec, drivers[spec.protocol]) for spec in site.ems]
        self.watch = Watch(self.plant, self.scheduler, self.journal, self.supervisors)
        self.session_points = SessionPoints(site, self.supervisors, drivers, self.database)
        self.local_api = LocalApi(state_dir, site, self.database, self.pipeline, self.normalising, self._status)
        self._failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Start everything, run until cancelled, stop everything in reverse.

        Raises:
            OSError: a listener cannot bind.
            ServiceEndedError: a service ended by itself.
        """
        tree = MultiService()
        try:
            await self._start(tree)
            reason = await self._failed
            raise ServiceEndedError(reason)
        finally:
            self.watch.stopping()
            await self._stop(tree)

    async def _start(self, tree: MultiService) -> None:
        now_ms = wall_ms()
        for supervisor in self.supervisors:
            self._comm.on_status(supervisor.status)
        self.session_points.feed(time.monotonic(), now_ms)
        self.normalising.start(now_ms)
        self.database.subscribe(self.plant.on_changes)
        for outstation, feed in self.outstations:
            feed.feed_all(now_ms)
            self.database.subscribe(feed.on_changes)
            await outstation.start()
            log.info("ems_outstation_listened", port=outstation.port)
        self.calculator.start(now_ms)  # last of the subscribers: everybody hears of the cause before the effect
        tree.startService()
        self._add(tree, "stale", self._mark_stale)
        self._add(tree, "session points", self._tell_sessions)
        self._add(tree, "calculations", self.calculator.run)
        self._add(tree, "normalising", self.normalising.run)
        for supervisor in self.supervisors:
            self._add(tree, f"session {supervisor.session.name}", supervisor.run)
        self._add(tree, "schedule", self.scheduler.run)
        self._add(tree, "plant", self.plant.run)
        self._add(tree, "verification", self.pipeline.watch)
        self._add(tree, "watch", self.watch.run)
        self._add(tree, "local api", self.local_api.run)
        log.info("station_started", site=self.site.plant.name, sessions=len(self.supervisors))

    def _add(self, tree: MultiService, name: str, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        service = TaskService(name, main, self._on_failed)
        service.setServiceParent(tree)  # type: ignore[no-untyped-call]

    async def _stop(self, tree: MultiService) -> None:
        for name in ("local api", "watch", "plant", "schedule"):  # nobody decides any more; sessions are still up
            await self._try(f"stop {name}", leave(tree, name))
        if self.site.plant.on_stop == "zero" and self.plant.orders.enabled:
            await self._try("rest", self.teller.rest())
        await self._try("drain", self.teller.drain())
        await stop_in_reverse(tree)
        for outstation, _ in self.outstations:
            await self._try("stop outstation", outstation.stop())
        await self._try("stop solver", self.worker.close())
        outcomes = asyncio.wait_for(self.pipeline.drain(), _OUTCOMES_S)  # of an EMS's commands: still to be written
        await self._try("drain commands", outcomes)
        await self._try("keep counts", self.normalising.keep_counts())
        await asyncio.to_thread(self.journal.close)
        log.info("station_stopped", site=self.site.plant.name)

    async def _try(self, what: str, step: Coroutine[Any, Any, None]) -> None:
        """One step of the stop: whatever goes wrong in it, the others are taken."""
        try:
            await step
        except Exception:
            self.statistics["errors_caught"] += 1
            log.exception("stop_step_failed", step=what)

    def _outstation(self, spec: EmsSpec, driver: Driver) -> tuple[Outstation, EmsFeed]:
        handler = EmsCommands(self.site, spec.exports, self.plant, self.pipeline)
        from_exports = [RowPoint(i, export.point) for i, export in enumerate(spec.exports)]
        outstation = driver.outstation(
            spec.name,
            spec.settings,
            from_exports,
            handler,
            lambda master: self.journal.event_store(f"{spec.name}/{master}"),
            lambda: self._end(f"a master of ems {spec.name!r} asked for a restart"),
        )
        return outstation, EmsFeed(spec.exports, outstation, self.database)

    async def _settled(self) -> None:
        """Return when what came from the field is on disk: here, and as events that masters have not confirmed yet.

        Outstations with back-pressure are waited for until they have room.
        """
        outstations = (outstation.settled() for outstation, _ in self.outstations)
        await asyncio.gather(self.journal.settled(), *outstations)

    async def _mark_stale(self) -> None:
        while True:
            self.database.mark_stale(wall_ms())
            await asyncio.sleep(_STALE_EVERY_S)

    async def _tell_sessions(self) -> None:
        while True:
            self.session_points.feed(time.monotonic(), wall_ms())
            await asyncio.sleep(_SESSIONS_EVERY_S)

    def _sessions_online(self) -> int:
        return sum(one.status.state is SessionState.ONLINE for one in self.supervisors)

    def _status(self) -> dict[str, object]:
        """What the local API tells of the whole."""
        sessions = [{"name": one.session.name, "state": one.status.state.name.lower()} for one in self.supervisors]
        return {
            "site": self.site.plant.name,
            "file": str(self.site.file),
            "summary": self.watch.status(),
            "points": len(self.database),
            "fit": int(is_fit(self.database.quality).sum()),
            "sessions": sessions,
        }

    def _on_failed(self, service: str, error: str) -> None:
        self._end(f"service {service!r} ended: {error}")

    def _end(self, reason: str) -> None:
        if not self._failed.done():
            self._failed.set_result(reason)
