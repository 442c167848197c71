"""Points per second from wire to database: our session beside raw pymodbus, each polling the same server.

Client and server are a process each. 2,000 floats in holding registers, read in blocks of 124 registers back to back
over one loopback connection, one question at a time. Ours checks every answer, decodes, scales, checks limits and
deadbands and keeps value, quality and times of every point in the points database; pymodbus fills a Python dict, once
by its own ``convert_from_registers`` per point and once by ``struct`` over each block. Much of the time of a question
is the server's and the network's, so the points per second of the client's own processor time stand beside it: they
say how many devices a station can hold.

``python -m tests.benchmarks.modbus ours|convert|struct PORT SECONDS`` is one client's process,
``python -m tests.benchmarks.modbus serve ours|pymodbus`` a server's.
"""

import asyncio
import contextlib
import struct
import subprocess
import sys
import time
from collections.abc import Iterator

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from protocols.modbus.config import ModbusAddress, Table
from protocols.modbus.data_types import NUMBERS
from protocols.modbus.server import ModbusOutstation
from protocols.modbus.session import ModbusSession
from protocols.modbus.settings import ModbusOutstationSettings, ModbusSessionSettings
from tests.benchmarks.row import Row
from vppscada.model.batch import Batch, Cause, untimed_batch
from vppscada.model.commands import Command, CommandStatus
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality
from vppscada.points.database import Database

POINTS = 2_000
REGISTERS_A_READ = 124
SECONDS = 4.0
WARM_UP_S = 0.5


def run() -> list[Row]:
    """Measure, each client against pymodbus' server and against ours."""
    rows: list[Row] = []
    for server in ("pymodbus", "ours"):
        with _server(server) as port:
            ours, convert, by_struct = (_measured(client, port) for client in ("ours", "convert", "struct"))
        name = f"modbus_points_from_{server}_server"
        for i, (suffix, unit) in enumerate((("", "points/s"), ("_cpu", "points/CPU s"))):
            rows += [
                Row(f"{name}{suffix}", ours[i], convert[i], "pymodbus: convert_from_registers a point", unit),
                Row(f"{name}_struct{suffix}", ours[i], by_struct[i], "pymodbus: struct over the block", unit),
            ]
    return rows


@contextlib.contextmanager
def _server(which: str) -> Iterator[int]:
    """A server in a process of its own, and its port."""
    arguments = [sys.executable, "-m", __name__, "serve", which]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().split()
        while line[:1] != ["port"]:
            assert process.poll() is None, "the server did not start"
            line = process.stdout.readline().split()
        yield int(line[1])
    finally:
        process.kill()
        process.wait()


def _measured(client: str, port: int) -> tuple[float, float]:
    """Points per second, and per second of the client's processor time."""
    arguments = [sys.executable, "-m", __name__, client, str(port), str(SECONDS)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True)
    rate, by_processor = done.stdout.split()[-2:]
    return float(rate), float(by_processor)


# --- a server's process


def _points() -> list[RowPoint]:
    kind = NUMBERS["float32"]
    return [
        RowPoint(
            i,
            Point(
                f"bench.p{i}",
                PointKind.ANALOG_INPUT,
                scale=0.001,
                minimum=-1e9,
                maximum=1e9,
                deadband=0.5,
                address=ModbusAddress(Table.HOLDING_REGISTER, 2 * i, kind),
            ),
        )
        for i in range(POINTS)
    ]


def _values() -> list[float]:
    return [i / 4 for i in range(POINTS)]


class _Nobody:
    async def select(self, command: Command) -> CommandStatus:
        return CommandStatus.NOT_SUPPORTED

    async def operate(self, command: Command) -> CommandStatus:
        return CommandStatus.NOT_SUPPORTED


async def _serve(which: str) -> None:
    if which == "ours":
        outstation = ModbusOutstation("bench", ModbusOutstationSettings(port=0), _points(), _Nobody())
        await outstation.start()
        outstation.update(untimed_batch(range(POINTS), _values(), Quality.ONLINE, 0, Cause.CYCLIC))
        port = outstation.port
    else:
        data = SimData(0, values=list(_registers()), datatype=DataType.REGISTERS)
        server = ModbusTcpServer(SimDevice(1, simdata=[data]), address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        assert isinstance(server.transport, asyncio.Server)
        port = server.transport.sockets[0].getsockname()[1]
    sys.stdout.write(f"port {port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def _registers() -> tuple[int, ...]:
    return struct.unpack(f">{2 * POINTS}H", struct.pack(f">{POINTS}f", *_values()))


# --- a client's process


class _Meter:
    """Two clocks: the wall's and this process's."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def rates(self, points: int) -> tuple[float, float]:
        return points / (time.perf_counter() - self._wall), points / (time.process_time() - self._processor)


class _IntoDatabase:
    """Takes batches as the station does."""

    def __init__(self) -> None:
        self.database = Database([row_point.point for row_point in _points()])
        self.applied = 0

    def on_connected(self) -> None:
        pass

    def on_started(self) -> None:
        pass

    def on_batch(self, batch: Batch) -> None:
        self.database.apply(batch)
        self.applied += len(batch)

    async def settled(self) -> None:
        pass


async def _ours(port: int, seconds: float) -> tuple[float, float]:
    settings = ModbusSessionSettings("127.0.0.1", port, period_s=0.0, max_registers=REGISTERS_A_READ)
    listener = _IntoDatabase()
    task = asyncio.create_task(ModbusSession("bench", settings, _points()).run(listener))
    await asyncio.sleep(WARM_UP_S)
    before, meter = listener.applied, _Meter()
    await asyncio.sleep(seconds)
    rates = meter.rates(listener.applied - before)
    task.cancel()
    expected = [value * 0.001 for value in _values()]
    assert listener.database.value.tolist() == expected, "the database does not hold what the server has"
    assert set(listener.database.quality.tolist()) == {Quality.ONLINE}
    return rates


async def _raw(port: int, seconds: float, by_struct: bool) -> tuple[float, float]:
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    assert await client.connect()
    values: dict[int, float] = {}
    await _raw_scans(client, values, by_struct, time.perf_counter() + WARM_UP_S)
    meter = _Meter()
    rates = meter.rates(await _raw_scans(client, values, by_struct, time.perf_counter() + seconds))
    client.close()
    assert list(values.values()) == _values(), "the dict does not hold what the server has"
    return rates


async def _raw_scans(client: AsyncModbusTcpClient, values: dict[int, float], by_struct: bool, until: float) -> int:
    applied = 0
    while time.perf_counter() < until:
        for start in range(0, 2 * POINTS, REGISTERS_A_READ):
            count = min(REGISTERS_A_READ, 2 * POINTS - start)
            registers = (await client.read_holding_registers(start, count=count, device_id=1)).registers
            if by_struct:
                decoded = struct.unpack(f">{count // 2}f", struct.pack(f">{count}H", *registers))
                values.update(zip(range(start // 2, (start + count) // 2), decoded, strict=True))
            else:
                for i in range(0, count, 2):
                    value = client.convert_from_registers(list(registers[i : i + 2]), client.DATATYPE.FLOAT32)
                    assert isinstance(value, float)
                    values[(start + i) // 2] = value
            applied += count // 2
    return applied


def _main(role: str, *arguments: str) -> None:
    if role == "serve":
        asyncio.run(_serve(arguments[0]))
        return
    port, seconds = int(arguments[0]), float(arguments[1])
    rates = asyncio.run(_ours(port, seconds) if role == "ours" else _raw(port, seconds, role == "struct"))
    sys.stdout.write("{} {}\n".format(*rates))


if __name__ == "__main__":
    _main(*sys.argv[1:])
