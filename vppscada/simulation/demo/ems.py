"""The EMS of the demo: a DNP3 master on the plant's outstation. All that the demo shows, it saw there."""

import asyncio
import itertools
import time
from collections import Counter

import numpy as np
import structlog

from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from vppscada.model.batch import Batch
from vppscada.model.changes import EVENT_CAUSES
from vppscada.model.commands import Accepted, AnalogValue, Command, CommandBody, CommandResult, Origin, crob_for
from vppscada.model.errors import VppscadaError
from vppscada.model.points import PointKind, RowPoint
from vppscada.model.quality import is_fit
from vppscada.model.scaling import to_device
from vppscada.model.sessions import Session, SessionLost
from vppscada.model.site import EmsSpec, Site
from vppscada.points.database import Database
from vppscada.station.drivers import DRIVERS

log = structlog.get_logger()

_RETRY_S = 0.5
_LIFETIME_S = 5.0


def ems_session(spec: EmsSpec) -> tuple[Session, list[RowPoint]]:
    """A master session that fits an outstation of the site: its addresses swapped, its exports as points.

    Raises:
        VppscadaError: the outstation speaks another protocol than DNP3.
    """
    settings = spec.settings
    if not isinstance(settings, Dnp3OutstationSettings):
        raise VppscadaError(f"the demo's EMS speaks DNP3; ems {spec.name!r} is {spec.protocol}")
    driver = DRIVERS[spec.protocol]
    table = {
        "host": settings.host,
        "port": settings.port,
        "local_address": settings.master_address,
        "remote_address": settings.local_address,
        "class1_period_s": 1.0,
        "class2_period_s": 1.0,
        "class3_period_s": 2.0,
        "integrity_period_s": 30.0,
        "keepalive_s": 5.0,
        "time_sync": "none",  # both ends are this machine
    }
    points = [RowPoint(row, export.point) for row, export in enumerate(spec.exports)]
    return driver.session("ems", driver.read_session(table), points), points


class Ems:
    """Keeps the session, holds what it brings, sends commands. Values are engineering units."""

    def __init__(self, site: Site) -> None:
        """Of the first outstation of the site.

        Raises:
            VppscadaError: the site has none, or it is not DNP3.
        """
        if not site.ems:
            raise VppscadaError(f"{site.file} has no [[ems]] for the demo to poll")
        spec = site.ems[0]
        self.session, points = ems_session(spec)
        self.database = Database([point for _, point in points])
        # a point is known by the point that feeds it: plant.active_power, engine1.running …
        self.row_of = {site.points[export.source_row].id: row for row, export in enumerate(spec.exports)}
        self.names = tuple(site.points[export.source_row].id for export in spec.exports)
        self.statistics: Counter[str] = Counter()
        self.up = asyncio.Event()  # the start-up order is done
        self._rows = np.arange(len(points), dtype=np.intp)
        self._ids = itertools.count(1)

    async def run(self) -> None:
        """Until cancelled: one connection after another."""
        while True:
            try:
                await self.session.run(self)
            except SessionLost as lost:
                self.statistics["losses"] += self.up.is_set()
                log.info("ems_session_lost", reason=str(lost))
            self.up.clear()
            self.database.comm_lost(self._rows, _wall_ms())
            await asyncio.sleep(_RETRY_S)

    def values(self) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """Every exported point's value; NaN where it is not fit."""
        return np.where(is_fit(self.database.quality), self.database.value, np.nan)

    def value(self, name: str) -> float:
        """One value; NaN where it is not fit or not exported."""
        row = self.row_of.get(name)
        return float("nan") if row is None else float(self.values()[row])

    def doubtful(self, name: str) -> float:
        """One value whatever its quality; NaN without a connection to the plant, or if it never came."""
        row = self.row_of.get(name)
        return float("nan") if row is None or not self.up.is_set() else float(self.database.value[row])

    async def command(self, name: str, value: float) -> CommandResult:
        """Ask the plant for something, with select before operate where the point wants it.

        Raises:
            VppscadaError: the EMS has no such point.
        """
        if name not in self.row_of:
            raise VppscadaError(f"the EMS has no point {name}")
        row = self.row_of[name]
        point = self.database.points[row]
        body: CommandBody
        if point.kind is PointKind.BINARY_OUTPUT:
            body = crob_for(value != 0.0, point.pulse)
        else:
            body = AnalogValue(to_device(point, value))
        now = time.monotonic()
        command = Command(next(self._ids), row, body, point.command_mode, Origin.EMS, now, now + _LIFETIME_S)
        result = await self.session.operate(command)
        self.statistics["commands_accepted" if isinstance(result, Accepted) else "commands_failed"] += 1
        if not isinstance(result, Accepted):
            log.warning("ems_command_failed", point=name, value=value, result=repr(result))
        return result

    # the listener's face

    def on_connected(self) -> None:
        """See `SessionListener`."""
        self.statistics["connections"] += 1

    def on_started(self) -> None:
        """See `SessionListener`."""
        self.up.set()

    def on_batch(self, batch: Batch) -> None:
        """See `SessionListener`."""
        if batch.cause in EVENT_CAUSES:
            self.statistics["events"] += len(batch)
        self.database.apply(batch)

    async def settled(self) -> None:
        """See `SessionListener`: this EMS keeps nothing on disk."""


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
