"""The composition root: one site, its sessions, its plant and its EMS outstations as one tree of services."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from twisted.application.service import MultiService

from vppscada.maps.snapshot import snapshot, write_snapshot
from vppscada.model.clock import PlantClock
from vppscada.model.drivers import Driver
from vppscada.model.errors import JournalError, VppscadaError
from vppscada.model.points import RowPoint, placed
from vppscada.model.quality import is_fit
from vppscada.model.site import EmsSpec, SessionSpec, Site
from vppscada.plant.expectations import Expectations
from vppscada.points.journal import Journal
from vppscada.scheduling.worker import SolverWorker
from vppscada.station.applying import Applying, CannotApply
from vppscada.station.ems_commands import EmsDesk
from vppscada.station.in_force import EmsLink, InForce, Lasting, Links, expectations_of
from vppscada.station.local_api import LocalApi
from vppscada.station.runtime import apart
from vppscada.station.services import TaskService, leave, stop_in_reverse
from vppscada.station.succession import Succession, succession
from vppscada.station.supervisor import Supervisor
from vppscada.station.watch import Watch

log = structlog.get_logger()

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

    def __init__(
        self,
        site: Site,
        state_dir: Path,
        clock: PlantClock,
        drivers: Mapping[str, Driver],
        overrides: Mapping[str, object] | None = None,
    ) -> None:
        """``overrides`` are those that the site was read with: they go for changed sites too."""
        self.statistics: Counter[str] = Counter()
        expectations = expectations_of(site)
        self.journal = Journal.open(state_dir)
        self.worker = SolverWorker()
        self._state_dir = state_dir
        self._numbers: Sequence[int] = ()  # of the points of a site that is to be put in force
        self._lasting = Lasting(self.journal, clock, self.worker, drivers)
        self._keep_snapshot(site)
        supervisors = {spec.name: self._supervisor(spec) for spec in site.sessions}
        links = Links(supervisors, {spec.name: self._ems_link(spec) for spec in site.ems})
        self.in_force = InForce(site, expectations, self._lasting, links)
        self.in_force.database.restore(self.journal.last_values(site.points))
        self.applying = Applying(lambda: self.in_force, self._replace, drivers, overrides or {})
        self.watch = Watch(lambda: self.in_force, self.journal)
        self.local_api = LocalApi(state_dir, lambda: self.in_force, self.applying, self._status)
        self._tree = MultiService()
        self._failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Start everything, run until cancelled, stop everything in reverse.

        Raises:
            OSError: a listener cannot bind.
            ServiceEndedError: a service ended by itself.
        """
        try:
            await self._start()
            reason = await self._failed
            raise ServiceEndedError(reason)
        finally:
            self.watch.stopping()
            await self._stop()

    async def _start(self) -> None:
        now = self.in_force
        now.take_up()
        for link in now.links.ems.values():
            await self._listen(link)
        self._tree.startService()
        self._serve(now, now.links.supervisors)
        self._add("watch", self.watch.run)
        self._add("local api", self.local_api.run)
        log.info("station_started", site=now.site.plant.name, sessions=len(now.links.supervisors))

    def _serve(self, now: InForce, sessions: Iterable[str]) -> None:
        for name in sessions:
            self._add(f"session {name}", now.links.supervisors[name].run)
        for service, main in now.services():
            self._add(service, main)

    def _add(self, name: str, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        service = TaskService(name, main, self._on_failed)
        service.setServiceParent(self._tree)  # type: ignore[no-untyped-call]

    async def _listen(self, link: EmsLink) -> None:
        await link.outstation.start()
        log.info("ems_outstation_listened", port=link.outstation.port)

    # another site in its place

    async def _replace(self, followed: Succession, expectations: Expectations) -> InForce:
        """Put a changed site in force: all of it, or the one before goes on.

        Raises:
            CannotApply: it is not; the one before is in force.
        """
        before = self.in_force
        now = await self._prepared(followed, expectations)
        try:
            refused = await self._succeed(before, now, followed)
            if refused is None:
                return now
            back = await apart(succession, now.site, before.site)
            again = await self._prepared(back, before.expectations)
            lost = await self._succeed(now, again, back)
        except Exception as error:  # half a site is worse than a restart
            self._end(f"a changed site was put in force by half: {error!r}")
            raise
        if lost is not None:
            self._end(f"the site before cannot be put in force again: {lost}")
        raise CannotApply(refused)

    async def _prepared(self, followed: Succession, expectations: Expectations) -> InForce:
        """The site with its new connections, made but not in force."""
        site, links = followed.site, self.in_force.links
        supervisors = {name: links.supervisors[name] for name in followed.kept_sessions}
        ems = {name: links.ems[name] for name in followed.kept_ems}
        links = Links(
            {spec.name: supervisors.get(spec.name) or self._supervisor(spec) for spec in site.sessions},
            {spec.name: ems.get(spec.name) or self._ems_link(spec) for spec in site.ems},
        )
        try:
            self._numbers = await apart(self.journal.numbers, site.points)
        except JournalError as error:
            raise CannotApply(str(error)) from error
        return await apart(InForce, site, expectations, self._lasting, links)

    async def _succeed(self, before: InForce, now: InForce, followed: Succession) -> str | None:
        """Let one site follow another; what is said of an outstation that cannot listen, where one cannot."""
        await self._leave(before, followed)
        # From here to the end of `take_up` nothing else runs: no reading falls between two databases.
        self.journal.bind(now.site.points, self._numbers)
        now.take_over(before, *followed.unchanged, followed.kept_sessions)
        self.in_force = now
        now.take_up()
        for name, link in now.links.ems.items():
            if name not in followed.kept_ems:
                try:
                    await self._listen(link)
                except OSError as error:
                    return f"ems {name!r} cannot listen: {error}"
        self._serve(now, [name for name in now.links.supervisors if name not in followed.kept_sessions])
        await apart(self._keep_snapshot, now.site)
        return None

    def _keep_snapshot(self, site: Site) -> None:
        """For `plan`, which compares files with what runs."""
        write_snapshot(snapshot(site), self._state_dir)

    async def _leave(self, before: InForce, followed: Succession) -> None:
        """End what goes with a site: who decides, then what is under way, then the connections that are not kept."""
        before.is_leaving = True
        for link in before.links.ems.values():
            link.desk.sit(None)
        for name in ("plant", "schedule"):
            await leave(self._tree, name)
        await before.teller.drain()
        await before.plant.settled()
        with contextlib.suppress(TimeoutError):  # what lasts longer comes to its end by itself, and is written down
            async with asyncio.timeout(_OUTCOMES_S):
                await before.pipeline.drain()
        for name in before.links.supervisors:
            if name not in followed.kept_sessions:
                await leave(self._tree, f"session {name}")
        for name, link in before.links.ems.items():
            if name not in followed.kept_ems:
                await link.outstation.stop()
        for name, _ in before.services():
            await leave(self._tree, name)

    # the end

    async def _stop(self) -> None:
        await self._try("stop applying", self.applying.stop())
        now = self.in_force
        for name in ("local api", "watch", "plant", "schedule"):  # nobody decides any more; sessions are still up
            await self._try(f"stop {name}", leave(self._tree, name))
        if now.site.plant.on_stop == "zero" and now.plant.orders.enabled and not now.site.plant.shadow:
            await self._try("rest", now.teller.rest())
        await self._try("drain", now.teller.drain())
        await stop_in_reverse(self._tree)
        for link in now.links.ems.values():
            await self._try("stop outstation", link.outstation.stop())
        await self._try("stop solver", self.worker.close())
        await self._try("drain commands", _outcomes(now))
        await self._try("close books", now.plant.close_books())
        await self._try("keep counts", now.normalising.keep_counts())
        await asyncio.to_thread(self.journal.close)
        log.info("station_stopped", site=now.site.plant.name)

    async def _try(self, what: str, step: Coroutine[Any, Any, None]) -> None:
        """One step of the stop: whatever goes wrong in it, the others are taken."""
        try:
            await step
        except Exception:
            self.statistics["errors_caught"] += 1
            log.exception("stop_step_failed", step=what)

    # connections

    def _supervisor(self, spec: SessionSpec) -> Supervisor:
        session = self._lasting.drivers[spec.protocol].session(spec.name, spec.settings, placed(spec.points))
        return Supervisor(session, self._settled)

    def _ems_link(self, spec: EmsSpec) -> EmsLink:
        desk = EmsDesk()
        from_exports = [RowPoint(i, export.point) for i, export in enumerate(spec.exports)]
        outstation = self._lasting.drivers[spec.protocol].outstation(
            spec.name,
            spec.settings,
            from_exports,
            desk,
            lambda master: self.journal.event_store(f"{spec.name}/{master}"),
            lambda: self._end(f"a master of ems {spec.name!r} asked for a restart"),
        )
        return EmsLink(outstation, desk)

    async def _settled(self) -> None:
        """Return when what came from the field is on disk: here, and as events that masters have not confirmed yet.

        Outstations with back-pressure are waited for until they have room.
        """
        outstations = (link.outstation.settled() for link in self.in_force.links.ems.values())
        await asyncio.gather(self.journal.settled(), *outstations)

    def _status(self) -> dict[str, object]:
        """What the local API tells of the whole."""
        now = self.in_force
        sessions = [
            {"name": name, "state": one.status.state.name.lower()} for name, one in now.links.supervisors.items()
        ]
        return {
            "site": now.site.plant.name,
            "file": str(now.site.file),
            "summary": self.watch.status(),
            "points": len(now.database),
            "fit": int(is_fit(now.database.quality).sum()),
            "sessions": sessions,
            "trial_left_s": self.applying.trial_left_s,
        }

    def _on_failed(self, service: str, error: str) -> None:
        self._end(f"service {service!r} ended: {error}")

    def _end(self, reason: str) -> None:
        if not self._failed.done():
            self._failed.set_result(reason)


async def _outcomes(now: InForce) -> None:
    """Of an EMS's commands: still to be written."""
    async with asyncio.timeout(_OUTCOMES_S):
        await now.pipeline.drain()
