"""What the station tells of its sessions, down to the EMS that reads it."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from tests.unit.maps.fakes import DRIVERS, Files, line, map_text, small_site
from tests.unit.protocols.dnp3.association import Field
from vppscada.model.batch import Batch
from vppscada.model.commands import Command, CommandResult, NotSent
from vppscada.model.points import PointKind, RowPoint
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionInput, SessionListener, SessionLost
from vppscada.model.site import ExportedPoint, Site
from vppscada.points.database import Database
from vppscada.station.ems_feed import EmsFeed
from vppscada.station.session_points import SessionPoints
from vppscada.station.supervisor import Supervisor


class Counting:
    """A session that only has counts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.statistics: Counter[str] = Counter()

    async def run(self, listener: SessionListener) -> None:
        raise SessionLost("never there")

    async def select(self, command: Command) -> CommandResult:
        return NotSent("never there")

    async def operate(self, command: Command) -> CommandResult:
        return NotSent("never there")


async def _settled() -> None: ...


class Told:
    """A site with two sessions and what is told of them."""

    def __init__(self, folder: Path) -> None:
        self.site: Site = small_site(folder).load()
        self.database = Database(self.site.points)
        self.sessions = {spec.name: Counting(spec.name) for spec in self.site.sessions}
        self.keepers = {name: Supervisor(session, _settled) for name, session in self.sessions.items()}
        self.points = SessionPoints(self.site, list(self.keepers.values()), DRIVERS, self.database)

    def read(self, point: str, now: float = 0.0) -> tuple[float, Quality]:
        self.points.feed(now, 1_000)
        row = self.site.row_of[point]
        return float(self.database.value[row]), Quality(int(self.database.quality[row]))


def test_counts_are_the_sums_that_the_driver_names_and_always_online(tmp_path: Path) -> None:
    told = Told(tmp_path)
    assert told.read("one.link_errors") == (0.0, Quality.ONLINE)
    told.sessions["one"].statistics.update({"broken": 2, "odd": 3, "another": 9})
    assert told.read("one.link_errors") == (5.0, Quality.ONLINE)
    assert told.read("two.link_errors") == (0.0, Quality.ONLINE)


def test_counts_go_round_as_counters_of_32_bits_do(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.sessions["one"].statistics["broken"] = 2**32 + 7
    assert told.read("one.link_errors") == (7.0, Quality.ONLINE)


def test_indications_are_lost_with_the_session(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.sessions["one"].statistics["bits"] = 0x0810
    assert told.read("one.iin")[1] == Quality.COMM_LOST
    told.keepers["one"]._step(SessionInput.START)
    assert told.read("one.iin")[1] == Quality.COMM_LOST
    told.keepers["one"].on_connected()
    assert told.read("one.iin") == (0x0810, Quality.ONLINE)
    told.keepers["one"]._step(SessionInput.LOST)
    assert told.read("one.iin") == (0x0810, Quality.COMM_LOST)


def test_the_silence_of_a_device_is_told_from_when_it_was_first_heard(tmp_path: Path) -> None:
    told = Told(tmp_path)
    assert told.read("one.last_good_s", 10.0) == (0.0, Quality.RESTART)
    told.sessions["one"].statistics["seen"] = 1
    assert told.read("one.last_good_s", 20.0) == (0.0, Quality.ONLINE)
    assert told.read("one.last_good_s", 27.5) == (7.0, Quality.ONLINE)
    told.sessions["one"].statistics["seen"] = 2
    assert told.read("one.last_good_s", 30.0) == (0.0, Quality.ONLINE)


def test_a_point_of_a_map_with_the_same_name_is_a_fault(tmp_path: Path) -> None:
    files = small_site(tmp_path)
    files.write("site.toml", (tmp_path / "site.toml").read_text().replace('"two"', '"battery1"'))
    assert files.load().row_of["battery1.iin"]
    battery = (tmp_path / "fake_battery.csv").read_text()
    files.write("fake_battery.csv", battery + line("iin", "analog_input", 77) + "\n")
    assert "battery1.iin, which its map has and the station tells of the session" in files.only_fault()


class Readings:
    """A listener that keeps the last value of each row."""

    def __init__(self) -> None:
        self.values: dict[int, tuple[float, int]] = {}
        self.changed = asyncio.Event()

    def on_connected(self) -> None: ...

    def on_started(self) -> None: ...

    def on_batch(self, batch: Batch) -> None:
        self.values |= {
            row: (value, quality)
            for row, value, quality in zip(
                batch.rows.tolist(), batch.value.tolist(), batch.quality.tolist(), strict=True
            )
        }
        self.changed.set()

    async def settled(self) -> None: ...


async def test_an_ems_reads_how_a_session_is_doing(tmp_path: Path) -> None:
    told = Told(tmp_path)
    files = Files(tmp_path)
    ems_lines = [line("one.link_errors", "counter", 0), line("one.iin", "analog_input", 0)]
    files.write("ems.csv", map_text(ems_lines))
    exports = [
        ExportedPoint(export.source_row, replace(export.point, address=Dnp3Address(0)))
        for export in files.load().ems[0].exports
    ]
    points = [RowPoint(row, export.point) for row, export in enumerate(exports)]
    assert [one.point.kind for one in points] == [PointKind.COUNTER, PointKind.ANALOG_INPUT]
    served = DRIVER.outstation("ems", Dnp3OutstationSettings("127.0.0.1", 0), points, Field(), None)
    feed = EmsFeed(exports, served, told.database)
    told.sessions["one"].statistics.update({"broken": 4, "bits": 0x10})
    told.points.feed(0.0, 1_000)
    feed.feed_all(1_000)
    await served.start()
    readings = Readings()
    reading = DRIVER.session("to ems", Dnp3SessionSettings("127.0.0.1", served.port), points)
    task = asyncio.create_task(reading.run(readings))
    try:
        async with asyncio.timeout(15.0):
            while len(readings.values) < 2:
                readings.changed.clear()
                await readings.changed.wait()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await served.stop()
    assert readings.values[0] == (4.0, Quality.ONLINE)
    value, quality = readings.values[1]
    assert value == 0x10
    assert not np.uint16(quality) & Quality.ONLINE and np.uint16(quality) & Quality.COMM_LOST
