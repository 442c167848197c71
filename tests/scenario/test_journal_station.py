"""Database, journal and control pipeline together over a restart and a failing disk."""

import asyncio
import sqlite3
from pathlib import Path

import numpy as np

from tests.unit.control.build import POINTS, ROW, Device, site
from vppscada.control.gate import Reason, Refused
from vppscada.control.pipeline import ControlPipeline
from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.commands import Accepted, Origin
from vppscada.model.quality import Quality, is_fit
from vppscada.points.database import Database
from vppscada.points.journal import Journal, JournalLimits
from vppscada.points.journal_schema import FILE_NAME

SETPOINT = ROW["setpoint"]
HEALTHY = {"active_power": 0.0, "setpoint_feedback": 0.0, "remote": 1.0, "fault": 0.0, "comm_online": 1.0}


class Half:
    """The half of a station between the sessions and the disk."""

    def __init__(self, directory: Path, now_ms: int) -> None:
        self.now_ms = now_ms
        self.device = Device()
        self.journal = Journal.open(directory, JournalLimits(busy_timeout_s=0.01), lambda: self.now_ms)
        self.database = Database(POINTS)
        self.database.restore(self.journal.last_values(POINTS))
        self.database.subscribe(self.journal.note)
        self.pipeline = ControlPipeline(site(), self.database, self.journal, {"engine1": self.device})

    def report(self, **values: float) -> None:
        rows = [ROW[name] for name in values]
        self.database.apply(untimed_batch(rows, list(values.values()), Quality.ONLINE, self.now_ms, Cause.INTEGRITY))


async def test_after_a_restart_values_are_known_but_nothing_is_commanded_on_them(tmp_path: Path) -> None:
    before = Half(tmp_path, 1_000)
    before.report(**HEALTHY | {"active_power": 4_200.0})
    before.journal.close()

    after = Half(tmp_path, 2_000)
    assert after.database.value[ROW["active_power"]] == 4.2
    assert not is_fit(after.database.quality).any()
    refused = await after.pipeline.command(SETPOINT, 5.0, Origin.SCHEDULER, "", 5.0)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.OFFLINE
    after.report(**HEALTHY)
    assert await after.pipeline.command(SETPOINT, 5.0, Origin.SCHEDULER, "", 5.0) == Accepted()
    after.journal.close()


async def test_a_disk_that_cannot_be_written_holds_every_command_back(tmp_path: Path) -> None:
    it = Half(tmp_path, 1_000)
    it.report(**HEALTHY)
    await it.journal.settled()
    blocker = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    for origin in (Origin.SCHEDULER, Origin.EMS):
        refused = await it.pipeline.command(SETPOINT, 5.0, origin, "", 5.0)
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.JOURNAL
    assert it.device.commands == []
    blocker.execute("ROLLBACK")
    blocker.close()
    assert await it.pipeline.command(SETPOINT, 5.0, Origin.EMS, "", 5.0) == Accepted()
    assert len(it.device.commands) == 1
    await it.pipeline.drain()
    assert [one.state for one in await it.journal.commands()] == ["accepted"]
    it.journal.close()


async def test_a_command_under_way_when_the_station_stops_is_unanswered_and_not_sent_again(tmp_path: Path) -> None:
    before = Half(tmp_path, 1_000)
    before.report(**HEALTHY)
    before.device.gate.clear()
    under_way = asyncio.create_task(before.pipeline.command(SETPOINT, 5.0, Origin.EMS, "", 5.0))
    async with asyncio.timeout(20):
        while not before.device.commands:  # noqa: ASYNC110 - until the disk has it
            await asyncio.sleep(0.001)
    before.journal.close()

    after = Half(tmp_path, 2_000)
    (record,) = await after.journal.commands()
    assert (record.point, record.value, record.state) == ("engine1.setpoint", 5.0, "unanswered")
    assert after.device.commands == []
    after.report(**HEALTHY)
    assert await after.pipeline.command(SETPOINT, 6.0, Origin.EMS, "", 5.0) == Accepted()
    assert [one.id for one in await after.journal.commands()] == sorted({record.id, after.device.commands[0].id})[::-1]
    assert after.device.commands[0].id > record.id
    after.journal.close()

    before.device.gate.set()
    assert await under_way == Accepted()
    assert before.pipeline.statistics["records_failed"] == 1


async def test_events_are_found_in_their_order_after_a_restart(tmp_path: Path) -> None:
    before = Half(tmp_path, 5_000)
    n = 3
    batch = untimed_batch([ROW["fault"]] * n, [1.0, 0.0, 1.0], Quality.ONLINE, 5_000, Cause.EVENT)
    before.database.apply(batch)
    await before.journal.settled()
    before.journal.close()
    after = Half(tmp_path, 6_000)
    found = await after.journal.changes(0, 6_000, ["engine1.fault"])
    assert np.array_equal(found.value, [1.0, 0.0, 1.0])
    assert found.received_time_ms.tolist() == [5_000] * n
    after.journal.close()
