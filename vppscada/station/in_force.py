"""The site in force: all of the station that is made from one site, and goes when a changed site takes its place.

Not in it is what outlives a site: the journal, the solver's process, connections to devices and to EMS masters.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vppscada.control.pipeline import ControlPipeline
from vppscada.maps.site_files import keep_site
from vppscada.model.batch import Rows
from vppscada.model.clock import PlantClock
from vppscada.model.drivers import Driver
from vppscada.model.outstations import Outstation
from vppscada.model.sessions import SessionState
from vppscada.model.site import Site
from vppscada.plant.expectations import Expectations
from vppscada.plant.fleet_view import fleet_rows
from vppscada.plant.series import read_series
from vppscada.points.database import Database
from vppscada.points.journal import Journal
from vppscada.scheduling.worker import SolverWorker
from vppscada.station.calculator import Calculator
from vppscada.station.comm_online import CommOnline
from vppscada.station.ems_commands import EmsCommands, EmsDesk
from vppscada.station.ems_feed import EmsFeed
from vppscada.station.forecaster import Forecaster
from vppscada.station.normalising import Normalising
from vppscada.station.plant_service import PlantService
from vppscada.station.schedule_service import ScheduleService
from vppscada.station.series_fetch import SeriesFetch
from vppscada.station.series_points import SeriesPoints
from vppscada.station.series_watch import SeriesWatch, fetched_file
from vppscada.station.session_points import SessionPoints
from vppscada.station.supervisor import Supervisor, wall_ms
from vppscada.station.teller import Teller

_STALE_EVERY_S = 0.5
_SESSIONS_EVERY_S = 1.0

#: Services of a site in force, in the order of their start.
Main = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Lasting:
    """What the station keeps whatever site is in force."""

    journal: Journal
    clock: PlantClock
    worker: SolverWorker
    drivers: Mapping[str, Driver]


@dataclass(frozen=True, slots=True)
class EmsLink:
    """One outstation, and the desk that its masters' commands come to."""

    outstation: Outstation
    desk: EmsDesk


@dataclass(frozen=True, slots=True)
class Links:
    """Connections by name, each with its keeper: kept over a change of the site where it does not concern them."""

    supervisors: Mapping[str, Supervisor]
    ems: Mapping[str, EmsLink]


def expectations_of(site: Site) -> Expectations:
    """The series of a site, read from its data files.

    Raises:
        ConfigError: one cannot be read.
    """
    return Expectations({source.name: read_series(source) for source in site.data})


class InForce:
    """A site with its points, its plant and its control, made without effect on anything; `take_up` puts it in force.

    In the site, the points of each session stand in the order that the session was made with.
    """

    def __init__(self, site: Site, expectations: Expectations, lasting: Lasting, links: Links) -> None:
        self.site = site
        self.expectations = expectations
        self.links = links
        self.is_leaving = False  # no more commands
        self.replaced = asyncio.Event()
        journal, clock = lasting.journal, lasting.clock
        self.database = Database(site.points)
        self.calculator = Calculator(self.database)
        self.normalising = Normalising(self.database, journal)
        self._comm = CommOnline(site, self.database)
        sessions = {name: one.session for name, one in links.supervisors.items()}
        self.pipeline = ControlPipeline(site, self.database, journal, sessions)
        rows = fleet_rows(site.fleet, site.points)
        self.teller = Teller(site.fleet, rows, self.database, self.pipeline, self.sessions_online, clock.speed)
        mark = keep_site(site.file, journal.directory)
        self.plant = PlantService(site, self.database, journal, self.teller, expectations, clock, mark)
        self.forecaster = Forecaster(site, self.plant, journal.directory)
        self.scheduler = ScheduleService(self.plant, self.forecaster, lasting.worker)
        self._series_points = SeriesPoints(site, self.database)
        supervisors = [links.supervisors[spec.name] for spec in site.sessions]
        self.session_points = SessionPoints(site, supervisors, lasting.drivers, self.database)
        self._feeds = [EmsFeed(spec.exports, links.ems[spec.name].outstation, self.database) for spec in site.ems]
        self._journal = journal
        self._fetched = journal.directory / "series"

    def take_over(self, before: "InForce", same: Rows, same_before: Rows, sessions: frozenset[str]) -> None:
        """Go on from another site in force: with the points at those rows, and those sessions, which are the same.

        Of the plant all is taken over, by the names of its assets.
        """
        self.database.take_over(before.database, same, same_before)
        self.calculator.take_over(before.calculator)
        self.session_points.take_over(before.session_points, sessions)
        self.teller.take_over(before.teller)
        self.plant.take_over(before.plant)
        self.forecaster.take_over(before.forecaster)
        self.pipeline.statistics.update(before.pipeline.statistics)
        before.replaced.set()

    def take_up(self) -> None:
        """Put it in force, in one go: whatever comes from sessions and masters comes here from now on."""
        now_ms = wall_ms()
        self.database.subscribe(self._journal.note)
        for spec in self.site.sessions:
            rows = [row for row, _ in spec.points]
            self.links.supervisors[spec.name].feed(rows, self.database, self._comm.on_status)
        self._tell(now_ms)
        self.normalising.start(now_ms)
        self.database.subscribe(self.plant.on_changes)
        for ems, feed in zip(self.site.ems, self._feeds, strict=True):
            self.links.ems[ems.name].desk.sit(EmsCommands(self.site, ems.exports, self.plant, self.pipeline))
            feed.feed_all(now_ms)
            self.database.subscribe(feed.on_changes)
        self.calculator.start(now_ms)  # last of the subscribers: everybody hears of the cause before the effect

    def services(self) -> Iterator[tuple[str, Main]]:
        """What runs as long as it is in force, by name, in the order of the start."""
        yield "stale", self._mark_stale
        yield "own points", self._tell_points
        yield "calculations", self.calculator.run
        yield "normalising", self.normalising.run
        yield "schedule", self.scheduler.run
        yield "plant", self.plant.run
        yield "forecasts", self.forecaster.run
        yield "series", SeriesWatch(self.site.data, self.plant, self._fetched).run
        for source in self.site.data:
            if source.url:
                file = fetched_file(self._fetched, source)
                yield f"series {source.name}", SeriesFetch(source, file, self.plant.statistics).run
        yield "verification", self.pipeline.watch

    def sessions_online(self) -> int:
        """How many sessions are up."""
        return sum(one.status.state is SessionState.ONLINE for one in self.links.supervisors.values())

    async def _mark_stale(self) -> None:
        while True:
            self.database.mark_stale(wall_ms())
            await asyncio.sleep(_STALE_EVERY_S)

    def _tell(self, now_ms: int) -> None:
        """What the station knows of its sessions and series."""
        self.session_points.feed(time.monotonic(), now_ms)
        self._series_points.feed(self.plant.expectations, self.plant.clock.plant_ms(now_ms), now_ms)

    async def _tell_points(self) -> None:
        while True:
            self._tell(wall_ms())
            await asyncio.sleep(_SESSIONS_EVERY_S)
