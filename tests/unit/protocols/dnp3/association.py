"""Our master's session and our outstation, on whatever lies between them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.channels.lines import Lines
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.session import Dnp3Session
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.server import Dnp3Outstation
from vppscada.model.batch import Batch, Cause, untimed_batch
from vppscada.model.commands import Command, CommandMode, CommandStatus, Crob, CrobOperation, Origin
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality, TimeQuality
from vppscada.model.sessions import Session, SessionLost

PATIENCE_S = 15.0
POINTS = [
    RowPoint(0, Point("a.power", PointKind.ANALOG_INPUT, event_class=1, address=Dnp3Address(0))),
    RowPoint(1, Point("a.start", PointKind.BINARY_OUTPUT, writable=True, address=Dnp3Address(0))),
]


class Field:
    """Obeys, and remembers."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def select(self, command: Command) -> CommandStatus:
        self.told.append("select")
        return CommandStatus.SUCCESS

    async def operate(self, command: Command) -> CommandStatus:
        self.told.append("operate")
        return CommandStatus.SUCCESS


class Listener:
    """Keeps the values of row 0: states and events."""

    def __init__(self) -> None:
        self.states: list[float] = []
        self.events: list[float] = []
        self.connected = 0
        self.started = 0
        self._changed = asyncio.Event()

    def on_connected(self) -> None:
        self.connected += 1
        self._changed.set()

    def on_started(self) -> None:
        self.started += 1
        self._changed.set()

    def on_batch(self, batch: Batch) -> None:
        kept = self.events if batch.cause in (Cause.EVENT, Cause.UNSOLICITED) else self.states
        kept += [float(value) for row, value in zip(batch.rows, batch.value, strict=True) if row == 0]
        self._changed.set()

    async def settled(self) -> None:
        await asyncio.sleep(0)

    async def has_started(self, times: int) -> None:
        await self.until(lambda: self.started >= times)

    async def has_heard(self, value: float) -> None:
        await self.until(lambda: self.events[-1:] == [value])

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


def session(settings: Dnp3SessionSettings, lines: Lines | None = None) -> Dnp3Session:
    return Dnp3Session(f"to {settings.remote_address}", replace(settings, time_sync="none"), POINTS, lines)


def outstation(settings: Dnp3OutstationSettings, field: Field | None = None) -> Dnp3Outstation:
    points = [RowPoint(i, point) for i, (_, point) in enumerate(POINTS)]
    settings = replace(settings, trust_local_clock=True, confirm_timeout_s=0.1)
    made = DRIVER.outstation("outstation", settings, points, field or Field(), None)
    assert isinstance(made, Dnp3Outstation)
    return made


def show(station: Dnp3Outstation, value: float) -> None:
    """The outstation's row 0 has a value since now: an event."""
    batch = untimed_batch([0], [value], int(Quality.ONLINE), 0, Cause.CYCLIC)
    now_ms = np.array([time.time_ns() // 1_000_000])
    trusted = np.array([TimeQuality.SYNCHRONISED], dtype=np.uint8)
    station.update(replace(batch, source_time_ms=now_ms, time_quality=trusted))


def command(mode: CommandMode = CommandMode.SBO, lives_s: float = 10.0) -> Command:
    now = time.monotonic()
    return Command(1, 1, Crob(CrobOperation.LATCH_ON), mode, Origin.OPERATOR, now, now + lives_s)


@asynccontextmanager
async def serving(*stations: Dnp3Outstation) -> AsyncIterator[None]:
    """The outstations run."""
    for station in stations:
        await station.start()
    try:
        yield
    finally:
        for station in stations:
            await station.stop()


@asynccontextmanager
async def running(*sessions: Session) -> AsyncIterator[list[Listener]]:
    """The sessions run, and run again when they are lost, as their supervisor would see to."""
    listeners = [Listener() for _ in sessions]

    async def keep(one: Session, listener: Listener) -> None:
        while True:
            with contextlib.suppress(SessionLost):
                await one.run(listener)
            await asyncio.sleep(0.05)

    tasks = [asyncio.ensure_future(keep(*pair)) for pair in zip(sessions, listeners, strict=True)]
    try:
        yield listeners
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
