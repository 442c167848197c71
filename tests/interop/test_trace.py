"""tshark reads a trace without being told anything: every packet dissects, every checksum and CRC is right."""

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.channels import TCP_SERVER
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.trace import TraceSettings
from protocols.dnp3.trace.ring import flush, ring_files
from vppscada.model.batch import Batch
from vppscada.model.commands import Command, CommandStatus
from vppscada.model.points import Point, PointKind, RowPoint

pytestmark = pytest.mark.interop

POINTS = [
    RowPoint(n, Point(f"a.p{n}", PointKind.ANALOG_INPUT if n < 400 else PointKind.BINARY_INPUT, address=Dnp3Address(n)))
    for n in range(800)
]


class Handler:
    async def select(self, command: Command) -> CommandStatus:
        return CommandStatus.NOT_SUPPORTED

    async def operate(self, command: Command) -> CommandStatus:
        return CommandStatus.NOT_SUPPORTED


class Listener:
    def __init__(self) -> None:
        self.polled = asyncio.Event()

    def on_connected(self) -> None: ...

    def on_started(self) -> None:
        self.polled.set()

    def on_batch(self, batch: Batch) -> None: ...

    async def settled(self) -> None: ...


async def record(folder: Path) -> None:
    """A session starts up and polls 800 points of an outstation that records."""
    transport = replace(TCP_SERVER, trace=TraceSettings(folder))
    settings = Dnp3OutstationSettings("127.0.0.1", 0, transport=transport)
    outstation = DRIVER.outstation("traced", settings, POINTS, Handler(), None)
    await outstation.start()
    port = outstation.port
    listener = Listener()
    session = DRIVER.session("tracing", Dnp3SessionSettings("127.0.0.1", port), POINTS)
    running = asyncio.ensure_future(session.run(listener))
    await asyncio.wait_for(listener.polled.wait(), 20)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await outstation.stop()
    assert await asyncio.get_running_loop().run_in_executor(None, flush)


def tshark(path: Path, shown: str, *fields: str) -> list[list[str]]:
    """The fields of every packet that a display filter lets pass; of several values, all with commas."""
    checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    wanted = [word for field in fields for word in ("-e", field)]
    command = ["tshark", "-r", str(path), *checks, "-Y", shown, "-T", "fields", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [line.split("\t") for line in done.stdout.splitlines()]


async def test_tshark_dissects_every_packet_of_a_trace(tmp_path: Path) -> None:
    await record(tmp_path)
    [path] = ring_files(tmp_path)
    carrying = tshark(path, "tcp.len > 0", "dnp3.al.func")
    assert len(carrying) > 8
    assert all(functions != [""] for functions in carrying)
    assert {"1", "129"} <= {function for [functions] in carrying for function in functions.split(",")}
    assert tshark(path, "_ws.malformed || tcp.analysis.flags", "frame.number") == []
    assert tshark(path, "tcp.checksum.status != 1 || ip.checksum.status != 1", "frame.number") == []
    # a frame whose header's CRC is wrong is not taken for DNP3 (tests/interop/test_tshark.py sees these filters match)
    assert tshark(path, "tcp.len > 0 && !dnp3", "frame.number") == []
    assert tshark(path, "dnp3.data_chunk.CRC.incorrect", "frame.number") == []
