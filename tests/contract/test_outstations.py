"""What every Outstation must do, whatever protocol it speaks. See `vppscada.model.outstations.Outstation`."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import pytest

from tests.contract.cases import LEVEL, POWER, RUNNING, SESSION_ROW, SETPOINT, START, Case
from tests.contract.conftest import FIRST_VALUES, Device
from tests.contract.recorders import PATIENCE_S, Handler, Recorder, readings
from tests.contract.test_sessions import command, loss_of
from vppscada.model.commands import Accepted, AnalogValue, CommandStatus, Crob, CrobOperation
from vppscada.model.outstations import Outstation
from vppscada.model.quality import Quality
from vppscada.model.sessions import Session


@contextlib.asynccontextmanager
async def online(session: Session) -> AsyncIterator[Recorder]:
    """A session that has started; it is cancelled at the end, whatever became of it."""
    recorder = Recorder()
    task = asyncio.create_task(session.run(recorder))
    task.add_done_callback(lambda _: recorder.changed())
    try:
        await recorder.until(lambda: recorder.starts() > 0 or task.done())
        if task.done():
            task.result()
        yield recorder
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE_S)


@contextlib.asynccontextmanager
async def started(outstation: Outstation) -> AsyncIterator[Outstation]:
    await outstation.start()
    try:
        yield outstation
    finally:
        await outstation.stop()


# --- binding


async def test_it_is_bound_from_start_to_stop(case: Case) -> None:
    outstation = case.outstation(Handler())
    assert outstation.port == 0
    async with started(outstation):
        assert outstation.port > 0
        _, writer = await asyncio.open_connection("127.0.0.1", outstation.port)
        writer.transport.abort()
    assert outstation.port == 0


async def test_what_it_was_told_is_settled_with_or_without_a_client(device: Device) -> None:
    device.outstation.update(readings([LEVEL], [3.0]))
    await device.outstation.settled()
    await device.online(device.session())
    device.outstation.update(readings([LEVEL], [4.0]))
    await device.outstation.settled()


async def test_stopping_frees_the_port_even_with_a_client_on_it(device: Device) -> None:
    port = device.outstation.port
    _, task = await device.online(device.session())
    await device.outstation.stop()
    await loss_of(task, device.case.notices_s)
    async with started(device.case.outstation(Handler(), port)) as second:
        assert second.port == port


async def test_stopping_twice_and_stopping_what_never_started_is_no_fault(case: Case) -> None:
    outstation = case.outstation(Handler())
    await outstation.stop()
    await outstation.start()
    await outstation.stop()
    await outstation.stop()


async def test_an_address_that_is_taken_is_an_os_error(case: Case) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        outstation = case.outstation(Handler(), taken.getsockname()[1])
        with pytest.raises(OSError):
            await outstation.start()
    await outstation.stop()


async def test_it_starts_again_after_a_stop_with_what_it_knew(case: Case) -> None:
    outstation = case.outstation(Handler())
    outstation.update(readings([POWER], [6.5]))
    async with started(outstation):
        pass
    outstation.update(readings([LEVEL], [4.0]))
    async with started(outstation), online(case.session(outstation.port)) as recorder:
        await recorder.until(lambda: recorder.shows(SESSION_ROW[POWER], 6.5))
        await recorder.until(lambda: recorder.shows(SESSION_ROW[LEVEL], 4.0))


# --- values


async def test_an_update_before_the_start_is_served(device: Device) -> None:
    async with online(device.session()) as recorder:
        assert recorder.shows(SESSION_ROW[POWER], FIRST_VALUES[POWER])


async def test_a_point_without_a_value_yet_is_not_good(case: Case) -> None:
    outstation = case.outstation(Handler())
    outstation.update(readings([LEVEL], [1.0]))
    async with started(outstation), online(case.session(outstation.port)) as recorder:
        await recorder.until(lambda: recorder.is_good(SESSION_ROW[LEVEL]))
        assert not recorder.is_good(SESSION_ROW[POWER])


async def test_updates_are_seen_in_their_order(device: Device) -> None:
    async with online(device.session()) as recorder:
        for value in range(50):
            device.outstation.update(readings([POWER, RUNNING], [float(value), float(value % 2)]))
        await recorder.until(lambda: recorder.shows(SESSION_ROW[POWER], 49.0))
        await recorder.until(lambda: recorder.shows(SESSION_ROW[RUNNING], 1.0))
        seen = [
            float(value)
            for batch in recorder.batches
            for row, value in zip(batch.rows, batch.value, strict=True)
            if row == SESSION_ROW[POWER]
        ]
        changes = [value for value in seen if value != FIRST_VALUES[POWER]]
        assert changes == sorted(changes)


async def test_a_flood_of_updates_leaves_the_last_value(device: Device) -> None:
    async with online(device.session()) as recorder:
        for value in range(5_000):
            device.outstation.update(readings([LEVEL], [float(value)]))
        await recorder.until(lambda: recorder.shows(SESSION_ROW[LEVEL], 4_999.0))


async def test_quality_gets_worse_and_better_with_its_source(device: Device) -> None:
    async with online(device.session()) as recorder:
        device.outstation.update(readings([POWER], [12.5], Quality.RESTART))
        await recorder.until(lambda: not recorder.is_good(SESSION_ROW[POWER]))
        device.outstation.update(readings([POWER], [12.5]))
        await recorder.until(lambda: recorder.shows(SESSION_ROW[POWER], 12.5))


# --- commands


async def test_a_handler_that_raises_refuses_and_the_outstation_goes_on(device: Device) -> None:
    session = device.session()
    async with online(session):
        device.handler.fault = RuntimeError("a fault of the handler")
        assert await session.operate(command(SETPOINT, AnalogValue(1.0))) != Accepted()
        device.handler.fault = None
        assert await session.operate(command(SETPOINT, AnalogValue(2.0))) == Accepted()
    assert [each.body for each in device.handler.operated] == [AnalogValue(1.0), AnalogValue(2.0)]


async def test_a_command_expires_in_the_future_and_knows_its_row(device: Device) -> None:
    session = device.session()
    async with online(session):
        before = time.monotonic()
        assert await session.operate(command(START, Crob(CrobOperation.LATCH_ON))) == Accepted()
        (operated,) = device.handler.operated
        assert operated.row == START
        assert before <= operated.issued_at <= time.monotonic() < operated.expires_at


async def test_commands_have_ids_of_their_own(device: Device) -> None:
    session = device.session()
    async with online(session):
        for value in (1.0, 2.0, 3.0):
            assert await session.operate(command(SETPOINT, AnalogValue(value))) == Accepted()
    assert len({each.id for each in device.handler.operated}) == 3


async def test_a_refused_write_does_not_show(device: Device) -> None:
    session = device.session()
    async with online(session):
        device.handler.answer = CommandStatus.BLOCKED
        assert await session.operate(command(SETPOINT, AnalogValue(9.0))) != Accepted()
    async with online(device.session()) as recorder:
        assert recorder.value.get(SESSION_ROW[SETPOINT]) != 9.0


# --- clients


async def test_a_second_client_is_served_beside_the_first_or_in_its_place(device: Device) -> None:
    """Where the protocol has one master, the new one takes the place of the old."""
    first, first_task = await device.online(device.session())
    second, second_task = await device.online(device.session())
    device.outstation.update(readings([LEVEL], [3.0]))
    await second.until(lambda: second.shows(SESSION_ROW[LEVEL], 3.0))
    assert not second_task.done()
    if device.case.serves_many:
        await first.until(lambda: first.shows(SESSION_ROW[LEVEL], 3.0))
        assert not first_task.done()
    else:
        await loss_of(first_task, device.case.notices_s)


@pytest.mark.parametrize("noise", [b"\xff" * 512, b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 8])
async def test_a_client_that_talks_nonsense_disturbs_nobody(device: Device, noise: bytes) -> None:
    session = device.session()
    async with online(session) as recorder:
        _, writer = await asyncio.open_connection("127.0.0.1", device.outstation.port)
        writer.write(noise)
        await writer.drain()
        device.outstation.update(readings([LEVEL], [2.0]))
        await recorder.until(lambda: recorder.shows(SESSION_ROW[LEVEL], 2.0))
        assert await session.operate(command(SETPOINT, AnalogValue(1.0))) == Accepted()
        writer.transport.abort()


async def test_clients_that_connect_and_say_nothing_disturb_nobody(device: Device) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", device.outstation.port) for _ in range(10)]
    async with online(device.session()) as recorder:
        device.outstation.update(readings([LEVEL], [2.0]))
        await recorder.until(lambda: recorder.shows(SESSION_ROW[LEVEL], 2.0))
    for _, writer in silent:
        writer.transport.abort()


async def test_statistics_count_commands(device: Device) -> None:
    session = device.session()
    async with online(session):
        before = device.outstation.statistics.copy()
        assert await session.operate(command(SETPOINT, AnalogValue(1.0))) == Accepted()
        assert device.outstation.statistics != before
    assert all(name.replace("_", "").isalnum() and name == name.lower() for name in device.outstation.statistics)
