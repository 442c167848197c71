"""Our master as a process of a benchmark: ``python -m tests.benchmarks.dnp3_our_master ROLE LOAD``.

Everything that comes is taken into the points database, as in the station: scaled, checked against limits and
deadbands, with quality, source time, time quality and received time.
"""

import asyncio
import contextlib
import sys
import threading
import time

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.master.config import Dnp3SessionSettings
from tests.benchmarks.dnp3_load import (
    MASTER_ADDRESS,
    OUTSTATION_ADDRESS,
    WARM_UP_S,
    Load,
    age_us,
    keep_quiet,
    say,
    say_base,
    say_figures,
    wait_for_end,
)
from vppscada.model.batch import Batch
from vppscada.model.commands import Accepted, AnalogValue, Command, CommandMode, Crob, CrobOperation, Origin
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.sessions import Session
from vppscada.points.database import Database
from vppscada.station import runtime

_PATIENCE_S = 5.0  # for the last events


class Taker:
    """A listener that fills the database and counts."""

    def __init__(self, database: Database) -> None:
        self.started = asyncio.Event()
        self.readings = 0
        self.sum = 0.0
        self.last_at = 0.0
        self.ages_us: list[float] = []
        self.target = 0  # readings after which it is complete
        self.complete = asyncio.Event()
        self._database = database

    def on_connected(self) -> None: ...

    def on_started(self) -> None:
        self.started.set()

    def on_batch(self, batch: Batch) -> None:
        self._database.apply(batch)
        self.readings += len(batch)
        self.last_at = time.perf_counter()
        if self.target and self.readings >= self.target:
            self.complete.set()

    async def settled(self) -> None: ...


class EventTaker(Taker):
    """Also sums what the events say, to know that each came once."""

    def on_batch(self, batch: Batch) -> None:
        super().on_batch(batch)
        self.sum += float(batch.value.sum())


class StampTaker(Taker):
    """Also reads the stamps."""

    def on_batch(self, batch: Batch) -> None:
        super().on_batch(batch)
        if len(batch) == 1:
            self.ages_us.append(age_us(float(batch.value[0])))


def session_points(load: Load, first_row: int = 0) -> list[RowPoint]:
    """Analogs (scaled, with limits and a deadband) and binaries."""
    points = [
        Point(f"bench.{kind}_{i}", kind, scale=2.0, minimum=-1e9, maximum=1e9, deadband=0.1, address=Dnp3Address(i))
        for kind in (PointKind.ANALOG_INPUT, PointKind.BINARY_INPUT)
        for i in range(load.points)
    ]
    return [RowPoint(first_row + n, point) for n, point in enumerate(points)]


def output_points(first_row: int) -> list[RowPoint]:
    """One of each kind that can be commanded."""
    binary = Point("bench.start", PointKind.BINARY_OUTPUT, writable=True, address=Dnp3Address(0))
    analog = Point("bench.setpoint", PointKind.ANALOG_OUTPUT, writable=True, address=Dnp3Address(0))
    return [RowPoint(first_row, binary), RowPoint(first_row + 1, analog)]


def session_of(load: Load, number: int, points: list[RowPoint], period_s: float, *, unsolicited: bool) -> Session:
    settings = Dnp3SessionSettings(
        "127.0.0.1",
        load.port + number,
        MASTER_ADDRESS,
        OUTSTATION_ADDRESS,
        integrity_period_s=period_s,
        unsolicited=(1, 2, 3) if unsolicited else (),
        time_sync="none",
    )
    return DRIVER.session(f"bench_{number}", settings, points)


async def polls(load: Load) -> None:
    """Integrity polls back to back."""
    points = session_points(load)
    taker = Taker(Database([point for _, point in points]))
    running = asyncio.ensure_future(session_of(load, 0, points, 1e-6, unsolicited=False).run(taker))
    await taker.started.wait()
    await asyncio.sleep(WARM_UP_S)
    say("begin")
    before, began = taker.readings, taker.last_at
    await asyncio.sleep(load.seconds)
    say_figures(readings=taker.readings - before, seconds=taker.last_at - began)
    await running


async def events(load: Load) -> None:
    """Unsolicited events, until the last one is there or does not come."""
    points = session_points(load)
    taker = EventTaker(Database([point for _, point in points]))
    running = asyncio.ensure_future(session_of(load, 0, points, 0.0, unsolicited=True).run(taker))
    await taker.started.wait()
    taker.readings, taker.sum, taker.target = 0, 0.0, load.events
    say("begin")
    began = taker.last_at = time.perf_counter()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(taker.complete.wait(), load.seconds + _PATIENCE_S)
    say_figures(events=taker.readings, sum=taker.sum, seconds=taker.last_at - began)
    await running


async def stamps(load: Load) -> None:
    """Age of each update when it is in the database."""
    points = session_points(load)
    taker = StampTaker(Database([point for _, point in points]))
    running = asyncio.ensure_future(session_of(load, 0, points, 0.0, unsolicited=True).run(taker))
    await taker.started.wait()
    taker.target = taker.readings + load.stamps
    say("begin")
    await taker.complete.wait()
    say_figures(ages_us=taker.ages_us)
    await running


async def commands(load: Load, row: int, body: Crob | AnalogValue, mode: CommandMode) -> None:
    """One command after another."""
    outputs = output_points(0)
    taker = Taker(Database([point for _, point in outputs]))
    session = session_of(load, 0, outputs, 0.0, unsolicited=False)
    running = asyncio.ensure_future(session.run(taker))
    await taker.started.wait()
    await asyncio.sleep(WARM_UP_S)
    say("begin")
    took_us: list[float] = []
    until = time.perf_counter() + load.seconds
    while (began := time.perf_counter()) < until:
        now = time.monotonic()
        result = await session.operate(Command(1, row, body, mode, Origin.OPERATOR, now, now + 5.0))
        assert isinstance(result, Accepted), result
        took_us.append((time.perf_counter() - began) * 1e6)
    say_figures(ages_us=took_us)
    await running


async def select_before_operate(load: Load) -> None:
    await commands(load, 0, Crob(CrobOperation.LATCH_ON), CommandMode.SBO)


async def direct_operate(load: Load) -> None:
    await commands(load, 1, AnalogValue(12.5), CommandMode.DIRECT)


async def fleet(load: Load) -> None:
    """Many sessions, each polled every second."""
    points = [session_points(load, n * 2 * load.points) for n in range(load.stations)]
    database = Database([point for of_one in points for _, point in of_one])
    say_base()
    takers = [Taker(database) for _ in points]
    runs = [
        asyncio.ensure_future(session_of(load, n, of_one, 1.0, unsolicited=False).run(takers[n]))
        for n, of_one in enumerate(points)
    ]
    for taker in takers:
        await taker.started.wait()
    await asyncio.sleep(WARM_UP_S)
    say("begin")
    before = sum(taker.readings for taker in takers)
    await asyncio.sleep(load.seconds)
    say_figures(readings=sum(taker.readings for taker in takers) - before, seconds=load.seconds)
    await asyncio.wait(runs)


ROLES = {
    "polls": polls,
    "events": events,
    "stamps": stamps,
    "select_before_operate": select_before_operate,
    "direct_operate": direct_operate,
    "fleet": fleet,
}

if __name__ == "__main__":
    keep_quiet()
    threading.Thread(target=wait_for_end, daemon=True).start()
    runtime.run(ROLES[sys.argv[1]](Load.of_argument(sys.argv[2])))
