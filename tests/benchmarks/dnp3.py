"""Points per second from wire to database: our master beside opendnp3's, each polling the same outstation.

Master and outstation are a process each. 10,000 analogs and 10,000 binaries, integrity polls back to
back over loopback TCP. Ours decodes, scales, checks limits and deadbands, and keeps value, quality,
source time, time quality and received time of every point in the points database; opendnp3's fills a
Python dict by its binding's callbacks, once with the value alone and once with flags and time.

Then select-before-operate of one control block after another, each master with opendnp3's outstation.

``python -m tests.benchmarks.dnp3 ours|ours_sbo PORT SECONDS`` is our master's process.
"""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.benchmarks.meter import WARM_UP_S, Meter
from tests.benchmarks.row import Row

if TYPE_CHECKING:
    from vppscada.model.points import RowPoint

POINTS_OF_A_KIND = 10_000
SECONDS = 4.0
OUTSTATION, MASTER = 10, 1


def run() -> list[Row]:
    """Measure, each master against opendnp3's outstation and against ours."""
    rows: list[Row] = []
    for outstation, label in (("tests.interop.opendnp3_outstation_peer", "opendnp3"), (__name__, "ours")):
        figures = {role: _measured(outstation, role) for role in ("ours", "values", "full")}
        suffix = f"from_{label}_outstation"
        rows += [
            Row(f"dnp3_points_{suffix}", figures["ours"], figures["full"], "opendnp3: value, flags, time", "points/s"),
            Row(f"dnp3_points_{suffix}_value", figures["ours"], figures["values"], "opendnp3: value only", "points/s"),
        ]
    ours, rival = (_measured("tests.interop.opendnp3_outstation_peer", role) for role in ("ours_sbo", "sbo"))
    rows.append(Row("dnp3_select_before_operate", ours, rival, "opendnp3: one after another", "commands/s"))
    return rows


def _measured(outstation: str, role: str) -> float:
    """One master against a fresh outstation."""
    port = _free_port()
    arguments = [sys.executable, "-m", outstation, *(["serve"] if outstation == __name__ else []), str(port)]
    with _process([*arguments, str(POINTS_OF_A_KIND), "quiet"]) as server:
        assert server.stdout is not None
        while server.stdout.readline().strip() != "ready":
            assert server.poll() is None, "the outstation did not start"
        module = __name__ if role.startswith("ours") else "tests.benchmarks.dnp3_rival"
        master = [sys.executable, "-m", module, role, str(port), str(SECONDS)]
        done = subprocess.run(master, capture_output=True, text=True, timeout=60, check=True)
        return float(done.stdout.split()[-1])


@contextlib.contextmanager
def _process(arguments: list[str]) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# our side


def _points() -> "list[RowPoint]":
    from protocols.dnp3.addresses import Dnp3Address
    from vppscada.model.points import Point, PointKind, RowPoint

    points = [
        Point(f"bench.{kind}_{i}", kind, scale=2.0, minimum=-1e9, maximum=1e9, deadband=0.1, address=Dnp3Address(i))
        for kind in (PointKind.ANALOG_INPUT, PointKind.BINARY_INPUT)
        for i in range(POINTS_OF_A_KIND)
    ]
    return [RowPoint(row, point) for row, point in enumerate(points)]


async def _our_commands(port: int, seconds: float) -> float:
    from protocols.dnp3 import DRIVER
    from protocols.dnp3.addresses import Dnp3Address
    from protocols.dnp3.master.config import Dnp3SessionSettings
    from vppscada.model.batch import Batch
    from vppscada.model.commands import Accepted, Command, CommandMode, Crob, CrobOperation, Origin
    from vppscada.model.points import Point, PointKind, RowPoint

    started = asyncio.Event()

    class Listener:
        def on_connected(self) -> None: ...

        def on_started(self) -> None:
            started.set()

        def on_batch(self, batch: Batch) -> None: ...

        async def settled(self) -> None: ...

    output = Point("bench.start", PointKind.BINARY_OUTPUT, writable=True, address=Dnp3Address(0))
    session = DRIVER.session("bench", Dnp3SessionSettings("127.0.0.1", port), [RowPoint(0, output)])
    task = asyncio.ensure_future(session.run(Listener()))
    await started.wait()
    meter = Meter(seconds)
    block = Crob(CrobOperation.LATCH_ON)
    while not meter.is_over:
        now = time.monotonic()
        result = await session.operate(Command(1, 0, block, CommandMode.SBO, Origin.OPERATOR, now, now + 5.0))
        assert isinstance(result, Accepted), result
        meter.count(1)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return meter.rate()


async def _our_master(port: int, seconds: float) -> float:
    from protocols.dnp3 import DRIVER
    from protocols.dnp3.master.config import Dnp3SessionSettings
    from vppscada.model.batch import Batch
    from vppscada.points.database import Database

    points = _points()
    database = Database([point for _, point in points])
    meter = Meter(seconds)

    class Listener:
        def on_connected(self) -> None: ...

        def on_started(self) -> None: ...

        def on_batch(self, batch: Batch) -> None:
            database.apply(batch)
            meter.count(len(batch))

        async def settled(self) -> None: ...

    settings = Dnp3SessionSettings("127.0.0.1", port, integrity_period_s=1e-6, unsolicited=())
    session = DRIVER.session("bench", settings, points)
    task = asyncio.ensure_future(session.run(Listener()))
    await asyncio.wait([task], timeout=WARM_UP_S + seconds)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return meter.rate()


async def _our_outstation(port: int, count: int) -> None:
    import numpy as np

    from protocols.dnp3 import DRIVER
    from protocols.dnp3.outstation.config import Dnp3OutstationSettings
    from vppscada.model.batch import Cause, untimed_batch
    from vppscada.model.commands import Command, CommandStatus
    from vppscada.model.quality import Quality

    class Handler:
        async def select(self, command: Command) -> CommandStatus:
            return CommandStatus.NOT_SUPPORTED

        async def operate(self, command: Command) -> CommandStatus:
            return CommandStatus.NOT_SUPPORTED

    settings = Dnp3OutstationSettings("127.0.0.1", port, OUTSTATION, MASTER)
    outstation = DRIVER.outstation("bench", settings, _points(), Handler(), None)
    await outstation.start()
    values = np.concatenate([np.arange(count), np.arange(count) % 2])
    outstation.update(untimed_batch(np.arange(2 * count), values, int(Quality.ONLINE), 0, Cause.CYCLIC))
    print("ready", flush=True)
    await asyncio.Event().wait()


def main(role: str, port: int, amount: float) -> None:
    """One process of the benchmark."""
    from vppscada.station import runtime

    if role == "serve":
        runtime.run(_our_outstation(port, int(amount)))
    else:
        measure = _our_commands if role == "ours_sbo" else _our_master
        print(runtime.run(measure(port, amount)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
