"""Points per second from wire to database: our session beside raw asyncua, each subscribed to the same server.

Client and server are a process each. 10,000 floats change in every publication. Ours decodes into columns, scales,
checks limits and deadbands and keeps value, quality and times of every point in the points database; asyncua fills a
Python dict, once by a handler and once by its iterator, which is quicker.

asyncua's server cannot make notifications as quickly as a client can take them, so there are two of them: one as it is,
and one that answers every publish request at once with what it had encoded before (two publications with other
values, in turn). The first sets the pace of every client (a publication each 0.6 s, so five seconds hold eight or
nine of them: its rates are coarse). The points per second of the client's own processor time stand beside both.

``python -m tests.benchmarks.opcua ours|handler|iterator PORT SECONDS`` is one client's process,
``python -m tests.benchmarks.opcua serve live|recorded`` a server's.
"""

import asyncio
import contextlib
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.subscription import DataChangeEvent
from asyncua.server.internal_subscription import InternalSubscription
from asyncua.server.server import Server
from asyncua.server.uaprocessor import PublishRequestData, UaProcessor
from asyncua.ua.ua_binary import struct_to_binary

from protocols.opcua.config import OpcUaAddress
from protocols.opcua.data_types import DATA_TYPES
from protocols.opcua.decode import decode_publish
from protocols.opcua.library import keep_quiet
from protocols.opcua.session import OpcUaSession
from protocols.opcua.settings import OpcUaSessionSettings
from tests.benchmarks.row import Row
from vppscada.model.batch import Batch
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality
from vppscada.points.database import Database

POINTS = 10_000
SECONDS = 5.0
WARM_UP_S = 1.0
PUBLISHING_MS = 500.0
_URI = "urn:benchmark"
_SWING = 1000.0  # between the values of one publication and the next: beyond every deadband


def run() -> list[Row]:
    """Measure each client against both servers."""
    rows: list[Row] = []
    for server in ("live", "recorded"):
        with _server(server) as port:
            ours, handler, iterator = (_measured(client, port) for client in ("ours", "handler", "iterator"))
        for i, (suffix, unit) in enumerate((("", "points/s"), ("_cpu", "points/CPU s"))):
            name = f"opcua_points_{server}"
            rows += [
                Row(f"{name}{suffix}", ours[i], handler[i], "asyncua: handler into a dict", unit),
                Row(f"{name}_iterator{suffix}", ours[i], iterator[i], "asyncua: iterator into a dict", unit),
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
        assert line[:1] == ["port"], "the server did not start"
        yield int(line[1])
    finally:
        process.kill()
        process.wait()


def _measured(client: str, port: int) -> tuple[float, float]:
    """Points per second, and per second of the client's processor time."""
    arguments = [sys.executable, "-m", __name__, client, str(port), str(SECONDS)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"the client {client} failed:\n{done.stderr[-2000:]}")
    rate, by_processor = done.stdout.split()[-2:]
    return float(rate), float(by_processor)


# --- a server's process


async def _serve(which: str) -> None:
    keep_quiet()
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace(_URI)
    nodes = []
    for i in range(POINTS):
        if i % 200 == 0:
            folder = await server.nodes.objects.add_folder(index, f"Folder{i}")
        node = ua.NodeId(ua.String(f"p{i}"), ua.Int16(index))
        await folder.add_variable(node, f"p{i}", 0.0, ua.VariantType.Float)
        nodes.append(node)
    if which == "recorded":
        _replay()
    await server.start()
    assert server.bserver is not None
    sys.stdout.write(f"port {server.bserver.port}\n")
    sys.stdout.flush()
    for count in range(1_000_000):
        when = time.monotonic()
        if not _recorded or any(len(recordings) < 2 for recordings in _recorded.values()):
            await _change(server, nodes, count % 2)
        await asyncio.sleep(max(PUBLISHING_MS / 1000 - (time.monotonic() - when), 0.05))


async def _change(server: Server, nodes: list[ua.NodeId], turn: int) -> None:
    """Give every point another value; nothing is published before all have it."""
    for i, node in enumerate(nodes):
        value = ua.Variant(i + turn * _SWING, ua.VariantType.Float)
        await server.write_attribute_value(node, ua.DataValue(value, SourceTimestamp=_now()))


def _now() -> Any:
    return datetime.now(UTC)


_HANDLE_AT, _SEQUENCE_AT = 12, 37  # in the body of a publish response without available sequence numbers
_recorded: dict[UaProcessor, list[bytearray]] = {}
_sequence: dict[UaProcessor, int] = {}


def _replay() -> None:
    """Have the server of this process answer with recordings once it has two whole publications of a client."""
    encode = UaProcessor.forward_publish_response

    async def forward(self: UaProcessor, result: ua.PublishResult, data: PublishRequestData) -> None:
        recordings = _recorded.setdefault(self, [])
        if len(recordings) < 2:
            message = result.NotificationMessage
            _sequence[self] = int(message.SequenceNumber) + bool(message.NotificationData)
            _record(recordings, result)
            await encode(self, result, data)
            return
        body = recordings[_sequence[self] % 2]
        struct.pack_into("<I", body, _HANDLE_AT, data.requesthdr.RequestHandle)
        struct.pack_into("<I", body, _SEQUENCE_AT, _sequence[self])
        _sequence[self] += 1
        message = self._connection.message_to_binary(
            bytes(body),
            message_type=ua.MessageType.SecureMessage,  # type: ignore[arg-type]
            request_id=data.seqhdr.RequestId,
        )
        self._transport.write(message)
        self._publish_results_subs[result.SubscriptionId] = True  # the next publish request is answered at once

    UaProcessor.forward_publish_response = forward  # type: ignore[assignment,method-assign]
    InternalSubscription.has_published_results = lambda self: True  # type: ignore[method-assign]


def _record(recordings: list[bytearray], result: ua.PublishResult) -> None:
    changes = result.NotificationMessage.NotificationData
    if not changes or len(changes[0].MonitoredItems) != POINTS:
        return
    response = ua.PublishResponse()
    response.Parameters.SubscriptionId = result.SubscriptionId
    response.Parameters.NotificationMessage = result.NotificationMessage
    body = bytearray(struct_to_binary(response))
    struct.pack_into("<I", body, _SEQUENCE_AT, 4711)
    assert decode_publish(bytes(body)).sequence_number == 4711
    recordings.append(body)


# --- a client's process


def _points() -> list[RowPoint]:
    kind = DATA_TYPES["float"]
    return [
        RowPoint(
            i,
            Point(
                f"bench.p{i}",
                PointKind.ANALOG_INPUT,
                scale=0.001,
                minimum=-1e9,
                maximum=1e9,
                deadband=0.1,
                address=OpcUaAddress(_URI, f"p{i}", kind),
            ),
        )
        for i in range(POINTS)
    ]


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
        self.started = asyncio.Event()

    def on_connected(self) -> None:
        pass

    def on_started(self) -> None:
        self.started.set()

    def on_batch(self, batch: Batch) -> None:
        self.database.apply(batch)
        self.applied += len(batch)

    async def settled(self) -> None:
        pass


async def _ours(port: int, seconds: float) -> tuple[float, float]:
    settings = OpcUaSessionSettings(
        "127.0.0.1", port, publishing_interval_ms=PUBLISHING_MS, queue_size=1, resync_s=0.0, timeout_s=30.0
    )
    listener = _IntoDatabase()
    task = asyncio.create_task(OpcUaSession("bench", settings, _points()).run(listener))
    await listener.started.wait()
    await asyncio.sleep(WARM_UP_S + 4 * PUBLISHING_MS / 1000)
    before, meter = listener.applied, _Meter()
    await asyncio.sleep(seconds)
    rates = meter.rates(listener.applied - before)
    assert not task.done()
    task.cancel()
    assert all(_is_right(i, 1000.0 * value) for i, value in enumerate(listener.database.value.tolist()))
    assert set(listener.database.quality.tolist()) == {Quality.ONLINE}
    return rates


def _is_right(i: int, value: float) -> bool:
    return min(abs(value - i), abs(value - i - _SWING)) < 0.01


class _IntoDict:
    """asyncua's handler: called once per value."""

    def __init__(self) -> None:
        self.values: dict[Any, float] = {}
        self.taken = 0

    def datachange_notification(self, node: Any, val: Any, data: Any) -> None:
        self.values[node.nodeid] = val
        self.taken += 1


async def _raw(port: int, seconds: float, by_iterator: bool) -> tuple[float, float]:
    into = _IntoDict()
    async with Client(f"opc.tcp://127.0.0.1:{port}", timeout=30, watchdog_intervall=30.0) as client:
        index = await client.get_namespace_index(_URI)
        nodes = [client.get_node(ua.NodeId(ua.String(f"p{i}"), ua.Int16(index))) for i in range(POINTS)]
        parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=PUBLISHING_MS, RequestedLifetimeCount=ua.UInt32(1000)
        )
        parameters.RequestedMaxKeepAliveCount = ua.UInt32(20)
        parameters.PublishingEnabled = True
        subscription = await client.create_subscription(
            parameters, None if by_iterator else into, queue_maxsize=20 * POINTS
        )
        for start in range(0, POINTS, 1000):
            await subscription.subscribe_data_change(nodes[start : start + 1000], queuesize=1)
        taking = asyncio.create_task(_iterate(subscription, into)) if by_iterator else None
        await asyncio.sleep(WARM_UP_S + 4 * PUBLISHING_MS / 1000)
        before, meter = into.taken, _Meter()
        await asyncio.sleep(seconds)
        rates = meter.rates(into.taken - before)
        assert len(into.values) == POINTS
        assert all(_is_right(int(node.Identifier[1:]), value) for node, value in into.values.items())
        if taking is not None:
            taking.cancel()
        sys.stdout.write(f"{rates[0]} {rates[1]}\n")
        sys.stdout.flush()
        os._exit(0)  # a goodbye would wait for what is still under way


async def _iterate(subscription: Any, into: _IntoDict) -> None:
    async for event in subscription:
        if isinstance(event, DataChangeEvent):
            into.values[event.node.nodeid] = event.value
            into.taken += 1


def main(arguments: list[str]) -> None:
    """One process of the benchmark."""
    if arguments[0] == "serve":
        asyncio.run(_serve(arguments[1]))
        return
    keep_quiet()
    port, seconds = int(arguments[1]), float(arguments[2])
    client = _ours(port, seconds) if arguments[0] == "ours" else _raw(port, seconds, arguments[0] == "iterator")
    rate, by_processor = asyncio.run(client)
    sys.stdout.write(f"{rate} {by_processor}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
