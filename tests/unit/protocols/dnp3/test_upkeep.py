"""Our master keeps our outstation: classes, deadbands, freezes, attributes, restarts, several commands, on loopback."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import FROZEN, Dnp3Address
from protocols.dnp3.application import Indication
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.exchange import NotAsked, Told
from protocols.dnp3.master.maintenance import ColdRestart, Freeze, ReadAttributes, WriteDeadbands
from protocols.dnp3.master.session import Dnp3Session
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.server import Dnp3Outstation
from tests.unit.protocols.dnp3.association import PATIENCE_S, Field, serving
from vppscada.model.batch import Batch, Cause, untimed_batch
from vppscada.model.commands import Accepted, Command, CommandMode, Crob, CrobOperation, Origin
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionLost

COUNTED, KEPT, POWER = 0, 1, 2
RELAYS = (3, 4, 5)
POINTS = [
    RowPoint(COUNTED, Point("a.counted", PointKind.COUNTER, address=Dnp3Address(0))),
    RowPoint(KEPT, Point("a.kept", PointKind.COUNTER, address=Dnp3Address(0, source=FROZEN))),
    RowPoint(POWER, Point("a.power", PointKind.ANALOG_INPUT, deadband=4.0, event_class=2, address=Dnp3Address(0))),
    *(RowPoint(r, Point(f"a.r{r}", PointKind.BINARY_OUTPUT, writable=True, address=Dnp3Address(r))) for r in RELAYS),
]
SETTINGS = Dnp3SessionSettings("127.0.0.1", time_sync="none")


class Readings:
    """A listener that keeps the last value and cause of each row."""

    def __init__(self) -> None:
        self.last: dict[int, tuple[float, Cause]] = {}
        self.started = 0
        self._changed = asyncio.Event()

    def on_connected(self) -> None: ...

    def on_started(self) -> None:
        self.started += 1
        self._changed.set()

    def on_batch(self, batch: Batch) -> None:
        columns = zip(batch.rows.tolist(), batch.value.tolist(), strict=True)
        self.last |= {row: (value, batch.cause) for row, value in columns}
        self._changed.set()

    async def settled(self) -> None: ...

    async def has(self, row: int, value: float) -> Cause:
        async with asyncio.timeout(PATIENCE_S):
            while self.last.get(row, (None, None))[0] != value:
                self._changed.clear()
                await self._changed.wait()
        return self.last[row][1]

    async def has_started(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not self.started:
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def association(
    settings: Dnp3SessionSettings = SETTINGS, field: Field | None = None
) -> AsyncIterator[tuple[Dnp3Outstation, Dnp3Session, Readings]]:
    # the outstation's own map has no classes and no deadbands
    plain = [RowPoint(row, replace(point, event_class=0, deadband=0.0)) for row, point in POINTS]
    own = Dnp3OutstationSettings("127.0.0.1", 0, trust_local_clock=True)
    station = DRIVER.outstation("station", own, plain, field or Field(), None)
    assert isinstance(station, Dnp3Outstation)
    async with serving(station):
        session = DRIVER.session("session", replace(settings, port=station.port), POINTS)
        assert isinstance(session, Dnp3Session)
        readings = Readings()

        async def live() -> None:
            with contextlib.suppress(SessionLost):
                await session.run(readings)

        task = asyncio.create_task(live())
        try:
            await readings.has_started()
            yield station, session, readings
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def show(station: Dnp3Outstation, row: int, value: float) -> None:
    now_ms = time.time_ns() // 1_000_000
    station.update(untimed_batch([row], [value], int(Quality.ONLINE), now_ms, Cause.CYCLIC))


async def test_the_classes_and_deadbands_of_our_map_are_in_force_in_the_outstation() -> None:
    settings = replace(SETTINGS, assign_classes=True, write_deadbands=True)
    async with association(settings) as (station, session, readings):
        show(station, POWER, 100.0)
        show(station, POWER, 103.0)  # within the deadband
        show(station, POWER, 107.0)
        assert await readings.has(POWER, 107.0) is Cause.UNSOLICITED
        assert session.statistics["procedures_failed"] == 0
        assert session.statistics["events_received"] <= 2  # a first value may be one


async def test_a_freeze_keeps_what_was_counted_in_a_point_of_its_own() -> None:
    async with association() as (station, session, readings):
        show(station, COUNTED, 70.0)
        assert await session.request(Freeze()) == Told(Indication.NONE)
        await readings.has(KEPT, 70.0)
        show(station, COUNTED, 90.0)
        show(station, KEPT, 1.0)  # nobody feeds this but a freeze
        await session.request(Freeze(clear=True))
        await readings.has(KEPT, 90.0)


async def test_attributes_and_deadbands_can_be_asked_for() -> None:
    async with association() as (_, session, _):
        told = await session.request(ReadAttributes())
        assert isinstance(told, Told)
        assert told.attributes[224] == len(RELAYS)
        assert await session.request(WriteDeadbands()) == Told(Indication.NONE)


async def test_a_cold_restart_is_answered_with_its_time() -> None:
    async with association() as (_, session, _):
        told = await session.request(ColdRestart())
        assert isinstance(told, Told)
        assert told.delay_ms is not None and told.delay_ms > 0


async def test_without_a_connection_nothing_is_asked() -> None:
    session = DRIVER.session("session", SETTINGS, POINTS)
    assert isinstance(session, Dnp3Session)
    assert await session.request(Freeze()) == NotAsked("not connected")


async def test_commands_that_are_given_together_are_carried_out_in_fewer_requests() -> None:
    field = Field()
    async with association(replace(SETTINGS, commands_per_request=10), field) as (_, session, _):
        before = session.statistics["requests_sent"]
        now = time.monotonic()
        commands = [
            Command(r, r, Crob(CrobOperation.LATCH_ON), CommandMode.SBO, Origin.EMS, now, now + 10.0) for r in RELAYS
        ]
        results = await asyncio.gather(*(session.operate(command) for command in commands))
        assert results == [Accepted()] * len(RELAYS)
        assert sorted(field.told) == ["operate"] * 3 + ["select"] * 3
        # the first goes alone, at once; the two that came meanwhile go together
        assert session.statistics["requests_sent"] - before == 4
