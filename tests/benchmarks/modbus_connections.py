"""Requests per second of one process with 100 connections: our sessions into the points database, beside bare pymodbus.

A server process answers every read of 124 holding registers with the same bytes, at little cost. The client processes
take turns, `ROUNDS` each, and the medians count:

- ours: 100 sessions; every answer checked, decoded into 62 floats, scaled, held to limits and deadbands, with quality
  and times into the points database;
- pymodbus: 100 of its clients; the answer is a list of whole numbers that nobody looks at. Decoded: 62 floats by one
  ``struct`` over it; converted: by its own ``convert_from_registers``, which takes them all at once;
- bytes: no library at all: 100 asyncio connections that send the request's bytes and await as many as the answer has,
  with or without ``struct`` over them. What a client of our own in pymodbus' place could gain at most is the
  difference to this; a server that is asked that quickly never sleeps, which makes sending cheaper besides.

``python -m tests.benchmarks.modbus_connections CLIENT PORT SECONDS`` is one client's process, ``… serve`` the server's.
"""

import asyncio
import contextlib
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterator

from pymodbus.client import AsyncModbusTcpClient

from protocols.modbus.config import ModbusAddress, Table
from protocols.modbus.data_types import NUMBERS
from protocols.modbus.session import ModbusSession
from protocols.modbus.settings import ModbusSessionSettings
from tests.benchmarks.row import Row
from vppscada.model.batch import Batch
from vppscada.model.points import Point, PointKind, RowPoint, placed
from vppscada.model.quality import Quality
from vppscada.points.database import Database
from vppscada.points.placement import Placement

CONNECTIONS = 100
FLOATS = 62
REGISTERS = 2 * FLOATS
ROUNDS = 3
SECONDS = 4.0
WARM_UP_S = 1.0
VALUES = [i / 4 for i in range(FLOATS)]
_ANSWER = bytes((3, 2 * REGISTERS)) + struct.pack(f">{FLOATS}f", *VALUES)
_TAIL = struct.pack(">HHB", 0, len(_ANSWER) + 1, 1) + _ANSWER
_REQUEST = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 0, REGISTERS)


def run() -> list[Row]:
    """Measure."""
    clients = ("ours", "pymodbus", "decoded", "converted", "bytes", "bytes_decoded")
    found: dict[str, list[tuple[float, float]]] = {client: [] for client in clients}
    with _server() as port:
        for _ in range(ROUNDS):
            for client in clients:
                found[client].append(_measured(client, port))
    rate = {client: statistics.median(one for one, _ in runs) for client, runs in found.items()}
    cost_us = {client: statistics.median(1e6 / one for _, one in runs) for client, runs in found.items()}
    name = "modbus_connections"
    return [
        Row(f"{name}_requests", rate["ours"], rate["pymodbus"], "pymodbus: answers unread", "requests/s"),
        Row(f"{name}_requests_decoded", rate["ours"], rate["decoded"], "pymodbus: struct over the block", "requests/s"),
        Row(
            f"{name}_requests_converted",
            rate["ours"],
            rate["converted"],
            "pymodbus: convert_from_registers",
            "requests/s",
        ),
        Row(
            f"{name}_requests_bytes",
            rate["ours"],
            rate["bytes_decoded"],
            "asyncio alone: struct, unchecked",
            "requests/s",
        ),
        Row(f"{name}_cost", cost_us["ours"], cost_us["pymodbus"], "pymodbus: answers unread", "CPU us/request"),
        Row(
            f"{name}_cost_decoded",
            cost_us["ours"],
            cost_us["decoded"],
            "pymodbus: struct over the block",
            "CPU us/request",
        ),
        Row(f"{name}_cost_bytes", cost_us["ours"], cost_us["bytes"], "asyncio alone: bytes unread", "CPU us/request"),
    ]


@contextlib.contextmanager
def _server() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-m", __name__, "serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def _measured(client: str, port: int) -> tuple[float, float]:
    """Requests per second, and per second of the client's processor time."""
    arguments = [sys.executable, "-m", __name__, client, str(port), str(SECONDS)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True)
    rate, by_processor = done.stdout.split()[-2:]
    return float(rate), float(by_processor)


class _Answering(asyncio.Protocol):
    """Answers whole requests, one a segment, as the clients here send them."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data[:2] + _TAIL)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


# --- clients


class _IntoDatabase:
    """Takes batches as the station does."""

    def __init__(self, points: list[Point]) -> None:
        self.database = Database(points)
        self.batches = 0

    def listener(self, rows: range) -> "_Listener":
        """Of a session whose points stand at these rows."""
        return _Listener(self, Placement(rows))


class _Listener:
    """Puts the readings of one session where they belong."""

    def __init__(self, all_of_them: _IntoDatabase, placement: Placement) -> None:
        self._all = all_of_them
        self._placement = placement

    def on_connected(self) -> None:
        pass

    def on_started(self) -> None:
        pass

    def on_batch(self, batch: Batch) -> None:
        self._all.database.apply(self._placement.placed(batch))
        self._all.batches += 1

    async def settled(self) -> None:
        pass


def _points() -> list[Point]:
    kind = NUMBERS["float32"]
    return [
        Point(
            f"device{device}.p{i}",
            PointKind.ANALOG_INPUT,
            scale=0.001,
            minimum=-1e9,
            maximum=1e9,
            deadband=0.5,
            address=ModbusAddress(Table.HOLDING_REGISTER, 2 * i, kind),
        )
        for device in range(CONNECTIONS)
        for i in range(FLOATS)
    ]


class _Meter:
    """Counts from when it is begun: requests per second, and per second of processor time."""

    def __init__(self, count: int) -> None:
        self._count, self._wall, self._processor = count, time.perf_counter(), time.process_time()

    def rates(self, count: int) -> tuple[float, float]:
        n = count - self._count
        return n / (time.perf_counter() - self._wall), n / (time.process_time() - self._processor)


async def _ours(port: int, seconds: float) -> tuple[float, float]:
    points = _points()
    listener = _IntoDatabase(points)
    settings = ModbusSessionSettings("127.0.0.1", port, period_s=0.0, max_registers=REGISTERS, timeout_s=10.0)
    tasks = []
    for device in range(CONNECTIONS):
        rows = range(device * FLOATS, (device + 1) * FLOATS)
        session = ModbusSession(f"device{device}", settings, placed(RowPoint(row, points[row]) for row in rows))
        tasks.append(asyncio.create_task(session.run(listener.listener(rows))))
    await asyncio.sleep(WARM_UP_S)
    meter = _Meter(listener.batches)
    await asyncio.sleep(seconds)
    rates = meter.rates(listener.batches)
    for task in tasks:
        task.cancel()
    assert listener.database.value.tolist() == [value * 0.001 for value in VALUES] * CONNECTIONS
    assert set(listener.database.quality.tolist()) == {Quality.ONLINE}
    return rates


async def _rivals(port: int, seconds: float, client: str) -> tuple[float, float]:
    counts = [0] * CONNECTIONS
    ask = _with_bytes if client.startswith("bytes") else _with_pymodbus
    tasks = [asyncio.create_task(ask(port, counts, i, client)) for i in range(CONNECTIONS)]
    await asyncio.sleep(WARM_UP_S)
    meter = _Meter(sum(counts))
    await asyncio.sleep(seconds)
    rates = meter.rates(sum(counts))
    for task in tasks:
        assert not task.done()
        task.cancel()
    return rates


async def _with_pymodbus(port: int, counts: list[int], i: int, how: str) -> None:
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=10.0)
    assert await client.connect()
    values: object = VALUES
    while True:
        registers = (await client.read_holding_registers(0, count=REGISTERS, device_id=1)).registers
        if how == "decoded":
            values = struct.unpack(f">{FLOATS}f", struct.pack(f">{REGISTERS}H", *registers))
        elif how == "converted":
            values = client.convert_from_registers(registers, client.DATATYPE.FLOAT32)
        assert len(registers) == REGISTERS
        assert isinstance(values, list | tuple)
        assert len(values) == FLOATS
        counts[i] += 1


class _Bytes(asyncio.Protocol):
    """As much as is needed to know that an answer is complete."""

    def __init__(self) -> None:
        self.waiting: asyncio.Future[None] | None = None
        self.missing = 0
        self.last = b""

    def data_received(self, data: bytes) -> None:
        self.missing -= len(data)
        self.last = data
        if self.missing <= 0 and self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(None)


async def _with_bytes(port: int, counts: list[int], i: int, how: str) -> None:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(_Bytes, "127.0.0.1", port)
    while True:
        protocol.missing = 2 + len(_TAIL)
        protocol.waiting = loop.create_future()
        transport.write(_REQUEST)
        await protocol.waiting
        if how == "bytes_decoded":
            assert len(struct.unpack_from(f">{FLOATS}f", protocol.last, 9)) == FLOATS
        counts[i] += 1


def _main(role: str, *arguments: str) -> None:
    if role == "serve":
        asyncio.run(_serve())
        return
    port, seconds = int(arguments[0]), float(arguments[1])
    rates = asyncio.run(_ours(port, seconds) if role == "ours" else _rivals(port, seconds, role))
    sys.stdout.write("{} {}\n".format(*rates))


if __name__ == "__main__":
    _main(*sys.argv[1:])
