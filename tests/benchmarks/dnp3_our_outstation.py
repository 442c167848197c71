"""Our outstation as a process of a benchmark: ``python -m tests.benchmarks.dnp3_our_outstation LOAD``."""

import asyncio
import sys
import threading
import time

import numpy as np

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from tests.benchmarks.dnp3_load import (
    FIRST_EVENT,
    MASTER_ADDRESS,
    OUTSTATION_ADDRESS,
    Load,
    keep_quiet,
    say,
    say_base,
    stamp,
    stamp_gap_s,
    wait_for_end,
    wait_for_go,
)
from vppscada.model.batch import Batch, Cause, Rows, Values
from vppscada.model.commands import Command, CommandStatus
from vppscada.model.outstations import Outstation
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality, TimeQuality
from vppscada.station import runtime

_TICK_S = 0.01
_OUTPUTS = (PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT)
_LARGEST_BUFFER = 200_000


class Obeys:
    """Takes every command at once."""

    async def select(self, command: Command) -> CommandStatus:
        return CommandStatus.SUCCESS

    async def operate(self, command: Command) -> CommandStatus:
        return CommandStatus.SUCCESS


def served_points(load: Load) -> list[RowPoint]:
    """Analogs, binaries and, on a lone station, an output of each kind. Stamps need the whole of 32-bit integers."""
    word = "int32" if load.stamps else "float32"
    points = [
        Point(f"bench.a{i}", PointKind.ANALOG_INPUT, data_type=word, event_class=1, address=Dnp3Address(i))
        for i in range(load.points)
    ]
    points += [
        Point(f"bench.b{i}", PointKind.BINARY_INPUT, event_class=1, address=Dnp3Address(i)) for i in range(load.points)
    ]
    if load.stations == 1:
        points += [Point(f"bench.{k}_0", k, writable=True, address=Dnp3Address(0)) for k in _OUTPUTS]
    return [RowPoint(row, point) for row, point in enumerate(points)]


def readings(rows: Rows, values: Values) -> Batch:
    """Good values as of now."""
    n, now_ms = len(rows), time.time_ns() // 1_000_000
    quality = np.full(n, Quality.ONLINE, dtype=np.uint16)
    times, timed = np.full(n, now_ms), np.full(n, TimeQuality.SYNCHRONISED, dtype=np.uint8)
    return Batch(rows, values, quality, times, timed, now_ms, Cause.CYCLIC)


async def send_events(outstation: Outstation, load: Load) -> None:
    """The analogs one after another and round again, each event with its running number as value."""
    began, sent = time.perf_counter(), 0
    while sent < load.events:
        due = min(int((time.perf_counter() - began) * load.events_per_s), load.events)
        numbers = np.arange(sent, due)
        outstation.update(readings(numbers % load.points, (numbers + FIRST_EVENT).astype(np.float64)))
        sent = due
        await asyncio.sleep(_TICK_S)


async def send_stamps(outstation: Outstation, load: Load) -> None:
    """One analog, again and again, with the time of its update as value."""
    row = np.zeros(1, dtype=np.intp)
    for number in range(load.stamps):
        await asyncio.sleep(stamp_gap_s(number))
        outstation.update(readings(row, np.array([float(stamp())])))


async def swing(outstation: Outstation, load: Load) -> None:
    """All analogs change, over and over."""
    rows, number = np.arange(load.points), 0
    while True:
        await asyncio.sleep(load.swing_s)
        number += 1
        outstation.update(readings(rows, (np.arange(load.points) + 1000 * (number % 2)).astype(np.float64)))


async def serve(load: Load) -> None:
    points_of_each = [served_points(load) for _ in range(load.stations)]
    say_base()
    outstations: list[Outstation] = []
    for n, points in enumerate(points_of_each):
        settings = Dnp3OutstationSettings(
            "127.0.0.1",
            load.port + n,
            OUTSTATION_ADDRESS,
            MASTER_ADDRESS,
            max_fragment=load.fragment,
            max_events=_LARGEST_BUFFER,
            trust_local_clock=True,
            unsolicited=bool(load.events_per_s or load.stamps),
        )
        outstation = DRIVER.outstation(f"bench_{n}", settings, points, Obeys(), None)
        await outstation.start()
        outstation.update(readings(np.arange(len(points)), (np.arange(len(points)) % 2).astype(np.float64)))
        outstations.append(outstation)
    say("ready")
    await asyncio.to_thread(wait_for_go)
    threading.Thread(target=wait_for_end, daemon=True).start()
    if load.events_per_s:
        await send_events(outstations[0], load)
    elif load.stamps:
        await send_stamps(outstations[0], load)
    elif load.swing_s:
        await swing(outstations[0], load)
    await asyncio.Event().wait()


if __name__ == "__main__":
    keep_quiet()
    runtime.run(serve(Load.of_argument(sys.argv[1])))
