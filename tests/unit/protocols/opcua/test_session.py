"""A session against our own server: what the contract suite does not ask."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from asyncua import ua

from protocols.opcua import DRIVER
from protocols.opcua.server import OpcUaOutstation
from protocols.opcua.session import OpcUaSession
from protocols.opcua.settings import OpcUaOutstationSettings, OpcUaSessionSettings, Security
from protocols.opcua.subscription import Publishing
from tests.unit.protocols.opcua.device import (
    NAME,
    PATIENCE_S,
    POINTS,
    POWER,
    RESET,
    ROWS,
    SETPOINT,
    SHOWN,
    START,
    STATE,
    URI,
    Handler,
    Listener,
    point,
)
from tests.unit.protocols.opcua.test_decode import notification, publish_response, value
from vppscada.model.batch import Batch, Cause
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    Command,
    CommandBody,
    CommandMode,
    Crob,
    CrobOperation,
    NotSent,
    Origin,
    Rejected,
    Unanswered,
)
from vppscada.model.points import PointKind, RowPoint
from vppscada.model.quality import Quality, TimeQuality
from vppscada.model.sessions import SessionLost

QUICK = OpcUaSessionSettings("127.0.0.1", timeout_s=1.0, publishing_interval_ms=20.0, keepalive_count=20)


def command(row: int, body: CommandBody, life_s: float = 30.0) -> Command:
    now = time.monotonic()
    return Command(1, row, body, CommandMode.DIRECT, Origin.LOCAL, now, now + life_s)


def batch(
    rows: list[int], values: list[float], quality: int = Quality.ONLINE, texts: dict[int, str] | None = None
) -> Batch:
    n = len(rows)
    return Batch(
        np.array(rows),
        np.array(values),
        np.full(n, quality, dtype=np.uint16),
        np.full(n, 1_700_000_000_123),
        np.full(n, TimeQuality.SYNCHRONISED, dtype=np.uint8),
        0,
        Cause.CYCLIC,
        texts or {},
    )


@asynccontextmanager
async def running(session: OpcUaSession) -> AsyncIterator[tuple[Listener, "asyncio.Task[None]"]]:
    listener = Listener()
    task = asyncio.create_task(session.run(listener))
    task.add_done_callback(lambda _: listener._changed.set())
    try:
        await listener.until(lambda: listener.started or task.done())
        if task.done():
            task.result()
        yield listener, task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, SessionLost):
            await task


@pytest_asyncio.fixture
async def handler() -> Handler:
    return Handler()


@pytest_asyncio.fixture
async def device(handler: Handler) -> AsyncIterator[OpcUaOutstation]:
    outstation = DRIVER.outstation("device", OpcUaOutstationSettings(port=0), ROWS, handler, None)
    outstation.update(batch([POWER, STATE, NAME, SETPOINT], [1.5, 1.0, 0.0, 0.0], texts={NAME: "Türbine"}))
    await outstation.start()
    try:
        yield outstation
    finally:
        await outstation.stop()


def session_on(device: OpcUaOutstation, points: tuple[RowPoint, ...] = ROWS, **changes: object) -> OpcUaSession:
    settings = replace(QUICK, port=device.port, **changes)  # type: ignore[arg-type]
    return DRIVER.session("dev", settings, points)


async def test_texts_times_and_all_readings_come_in_one_batch(device: OpcUaOutstation) -> None:
    async with running(session_on(device)) as (listener, _):
        first = listener.batches[0]
        assert first.cause is Cause.INTEGRITY
        assert len(first) == len(POINTS)
        assert listener.texts == {NAME: "Türbine"}
        at = first.rows.tolist().index(POWER)
        assert first.source_time_ms[at] == 1_700_000_000_123
        assert first.time_quality[at] == TimeQuality.SYNCHRONISED


async def test_many_changes_are_one_batch_per_publication(device: OpcUaOutstation) -> None:
    async with running(session_on(device)) as (listener, _):
        await listener.until(lambda: any(each.cause is Cause.SUBSCRIPTION for each in listener.batches))
        before = len(listener.batches)
        device.update(batch([POWER, STATE], [2.5, 0.0]))
        await listener.until(lambda: listener.value[POWER] == 2.5)
        assert len(listener.batches) == before + 1
        assert sorted(listener.batches[-1].rows.tolist()) == [POWER, STATE]


@pytest.mark.parametrize("quality", [Quality.COMM_LOST, Quality.ONLINE | Quality.STALE, Quality.RESTART])
async def test_quality_comes_through(device: OpcUaOutstation, quality: Quality) -> None:
    async with running(session_on(device)) as (listener, _):
        device.update(batch([POWER], [2.5], quality))
        await listener.until(lambda: listener.quality[POWER] != Quality.ONLINE)
        assert listener.quality[POWER] & quality == quality


async def test_points_of_an_unknown_namespace_are_bad_and_the_others_live(device: OpcUaOutstation) -> None:
    strange = RowPoint(70, point("x", PointKind.ANALOG_OUTPUT, "float", uri="urn:elsewhere"))
    session = session_on(device, (*ROWS, strange))
    async with running(session) as (listener, _):
        assert listener.quality[70] == Quality.REFERENCE_ERR
        assert listener.value[POWER] == 1.5
        assert session.statistics["points_unresolved"] == 1
        assert isinstance(await session.operate(command(70, AnalogValue(1.0))), NotSent)


async def test_a_server_without_any_of_the_points_is_online_with_bad_points(device: OpcUaOutstation) -> None:
    strange = RowPoint(3, point("x", PointKind.ANALOG_INPUT, "float", uri="urn:elsewhere"))
    async with running(session_on(device, (strange,))) as (listener, task):
        assert listener.quality == {3: Quality.REFERENCE_ERR}
        assert not task.done()


async def test_a_node_that_is_missing_is_bad(device: OpcUaOutstation) -> None:
    missing = RowPoint(71, point("nothing_here", PointKind.ANALOG_OUTPUT, "float"))
    session = session_on(device, (*ROWS, missing))
    async with running(session) as (listener, _):
        assert listener.quality[71] & Quality.REFERENCE_ERR
        assert session.statistics["items_refused"] == 1
        result = await session.operate(command(71, AnalogValue(1.0)))
        assert isinstance(result, Rejected)


async def test_the_server_restarts_with_its_namespaces_in_another_order(device: OpcUaOutstation) -> None:
    session = session_on(device)
    async with running(session) as (_, task):
        port = device.port
        await device.stop()
        with pytest.raises(SessionLost):
            await asyncio.wait_for(task, PATIENCE_S)
    before = RowPoint(7, point("other", PointKind.ANALOG_INPUT, "float", uri="urn:first"))
    rows = (before, *ROWS)
    reborn = DRIVER.outstation("device", OpcUaOutstationSettings(port=port), rows, Handler(), None)
    reborn.update(batch([POWER], [8.0]))
    await reborn.start()
    try:
        async with running(session) as (listener, _):
            assert listener.value[POWER] == 8.0
            assert await session.operate(command(SETPOINT, AnalogValue(3.0))) == Accepted()
    finally:
        await reborn.stop()


async def test_a_pulse_is_true_then_false(device: OpcUaOutstation, handler: Handler) -> None:
    session = session_on(device)
    async with running(session):
        began = time.monotonic()
        result = await session.operate(command(START, Crob(CrobOperation.PULSE_ON, on_ms=120)))
        assert result == Accepted()
        assert time.monotonic() - began >= 0.12
        states = [each.body.wants_on for each in handler.operated if isinstance(each.body, Crob)]
        assert states == [True, False]


async def test_a_pulse_that_cannot_be_ended_is_unanswered(device: OpcUaOutstation, handler: Handler) -> None:
    session = session_on(device)
    async with running(session):
        asking = asyncio.create_task(session.operate(command(START, Crob(CrobOperation.PULSE_ON, on_ms=400))))
        async with asyncio.timeout(PATIENCE_S):
            await handler.called.wait()
        await asyncio.sleep(0.05)  # let the answer to the first write come home
        await device.stop()
        assert isinstance(await asking, Unanswered)
        assert session.statistics["pulses_not_ended"] == 1


async def test_a_device_that_thinks_too_long_leaves_the_command_unanswered(
    device: OpcUaOutstation, handler: Handler
) -> None:
    handler.delay_s = 30.0
    session = session_on(device, timeout_s=0.5)
    async with running(session) as (_, task):
        assert isinstance(await session.operate(command(SETPOINT, AnalogValue(1.0))), Unanswered)
        with pytest.raises(SessionLost):
            await asyncio.wait_for(task, PATIENCE_S)


@pytest.mark.parametrize("body", [AnalogValue(1e39), AnalogValue(float("nan")), Crob(CrobOperation.LATCH_ON)])
async def test_what_does_not_go_into_the_node_never_leaves(
    device: OpcUaOutstation, handler: Handler, body: CommandBody
) -> None:
    session = session_on(device)
    async with running(session):
        assert isinstance(await session.operate(command(SETPOINT, body)), NotSent)
        assert handler.operated == []


async def test_a_subscription_that_falls_silent_is_a_lost_session(device: OpcUaOutstation) -> None:
    session = session_on(device, keepalive_count=2, timeout_s=0.5)
    async with running(session) as (_, task):
        assert device._server is not None
        subscriptions = device._server.iserver.subscription_service
        for subscription in subscriptions.subscriptions.values():
            await subscription.stop()  # the server answers reads as ever, and publishes no more
        with pytest.raises(SessionLost, match="silent"):
            await asyncio.wait_for(task, PATIENCE_S)


async def test_everything_is_read_anew_from_time_to_time(device: OpcUaOutstation) -> None:
    session = session_on(device, resync_s=0.1)
    async with running(session) as (listener, _):
        await listener.until(lambda: [each.cause for each in listener.batches].count(Cause.INTEGRITY) >= 3)
        assert session.statistics["reads_completed"] >= 3


async def test_a_read_never_overwrites_what_was_notified_while_it_was_under_way(device: OpcUaOutstation) -> None:
    session = session_on(device)
    async with running(session) as (listener, _):
        await listener.until(lambda: any(each.cause is Cause.SUBSCRIPTION for each in listener.batches))
        assert session._connection is not None
        read = session._connection.read

        async def slow_read(nodes: Sequence[ua.NodeId]) -> list[ua.DataValue]:
            values = await read(nodes)
            device.update(batch([POWER], [99.0]))
            await listener.until(lambda: listener.value[POWER] == 99.0)
            return values

        session._connection.read = slow_read  # type: ignore[method-assign]
        await session._read_all(session._connection, listener)
        assert listener.value[POWER] == 99.0
        last = listener.batches[-1]
        assert last.cause is Cause.INTEGRITY
        assert POWER not in last.rows.tolist()


async def test_a_server_that_faults_the_whole_write_has_answered(device: OpcUaOutstation) -> None:
    session = session_on(device)
    async with running(session) as (_, task):
        assert session._connection is not None
        strange = ua.NodeId(ua.String("nowhere"), ua.Int16(9))
        code = await session._connection.write(strange, ua.Variant(1.0, ua.VariantType.Double))
        assert code >> 31
        assert not task.done()


# --- the order of notifications


def publishing(gaps: list[int]) -> tuple[Publishing, Counter[str]]:
    statistics: Counter[str] = Counter()
    created = ua.CreateSubscriptionResult()
    created.SubscriptionId = 77
    created.RevisedPublishingInterval = 100.0
    created.RevisedMaxKeepAliveCount = 5
    taken: list[int] = []
    found = Publishing(None, created, statistics, lambda items: taken.append(len(items)), lambda: gaps.append(1))  # type: ignore[arg-type]
    return found, statistics


def test_notifications_in_order_leave_no_gap_and_are_acknowledged() -> None:
    gaps: list[int] = []
    found, statistics = publishing(gaps)
    change = notification([value(ua.Variant(1.0, ua.VariantType.Double))])
    for body in (
        publish_response([change], 1),
        publish_response([], 2),
        publish_response([change], 2),
        publish_response([change], 3),
    ):
        found._take(body)
    assert gaps == []
    assert list(found._unacknowledged) == [1, 2, 3]
    assert statistics == {"notifications_received": 3, "keep_alives_received": 1}
    assert found.keep_alive_s == 0.5


def test_a_missing_notification_asks_for_everything_anew() -> None:
    gaps: list[int] = []
    found, statistics = publishing(gaps)
    change = notification([value(ua.Variant(1.0, ua.VariantType.Double))])
    found._take(publish_response([change], 1))
    found._take(publish_response([change], 3))
    found._take(publish_response([], 6))
    assert len(gaps) == 2
    assert statistics["notifications_missed"] == 2


@pytest.mark.parametrize(
    "body",
    [
        publish_response([], result=0x8079_0000),
        publish_response([ua.StatusChangeNotification(Status=ua.StatusCode(ua.UInt32(0x800A_0000)))], 1),
        b"\x01\x00",
    ],
    ids=["bad result", "session ended", "cut off"],
)
def test_a_publication_that_is_bad_or_broken_ends_the_session(body: bytes) -> None:
    found, _ = publishing([])
    with pytest.raises(SessionLost):
        found._take(body)


# --- security


async def test_a_certificate_that_is_missing_is_a_lost_session(device: OpcUaOutstation, tmp_path: Path) -> None:
    nowhere = tmp_path / "none.der"
    session = session_on(
        device, security=Security.AES256, certificate=nowhere, private_key=nowhere, server_certificate=nowhere
    )
    with pytest.raises(SessionLost, match=r"none\.der"):
        async with running(session):
            pytest.fail("connected without a certificate")


def test_the_shared_node_has_two_rows() -> None:
    assert POINTS[SETPOINT].address == POINTS[SHOWN].address
    assert POINTS[RESET].address.namespace_uri == URI  # type: ignore[attr-defined]
