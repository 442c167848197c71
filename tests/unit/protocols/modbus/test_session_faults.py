"""The session against devices that refuse, hang, lie, hang up."""

import asyncio

import numpy as np
import pytest

from protocols.modbus.media import Framing
from protocols.modbus.session import ModbusSession
from tests.unit.protocols.modbus.making import (
    FakeDevice,
    Handler,
    Listener,
    command,
    eventually,
    mbap,
    point,
    rows,
    running,
    session_settings,
    zeros,
)
from tests.unit.protocols.modbus.session_device import POINTS, ROW, device
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    Unanswered,
)
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionLost


async def test_a_block_that_is_refused_is_split_and_only_the_refused_value_is_bad() -> None:
    points = [point(f"p{i}", "analog_input", "int16", table="holding_register", register=str(i)) for i in range(8)]

    def refuses_register_5(pdu: bytes) -> bytes:
        start, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
        return bytes((0x83, 2)) if start <= 5 < start + count else zeros(pdu)

    fake = FakeDevice(refuses_register_5)
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port), rows(points))
        async with running(session) as run:
            quality = run.listener.batches[0].quality.tolist()
            assert quality == [Quality.REFERENCE_ERR if i == 5 else Quality.ONLINE for i in range(8)]
            asked = len(fake.requests)
            later = await run.listener.next()
            assert later.quality.tolist() == quality
            scans = session.statistics["scans_completed"] - 1
            assert (len(fake.requests) - asked) / scans <= 4


async def test_a_block_that_fails_otherwise_is_lost_for_the_scan_and_the_others_go_on() -> None:
    points = [
        point("a", "analog_input", "int16", table="holding_register", register="0"),
        point("b", "analog_input", "int16", table="input_register", register="0"),
    ]
    broken = {4}

    fake = FakeDevice(lambda pdu: bytes((pdu[0] | 0x80, 4)) if pdu[0] in broken else zeros(pdu))
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port), rows(points))
        async with running(session) as run:
            assert run.listener.batches[0].quality.tolist() == [Quality.ONLINE, Quality.COMM_LOST]
            broken.clear()
            await run.listener.until(lambda batch: batch.quality.tolist() == [Quality.ONLINE, Quality.ONLINE])


async def test_a_device_that_refuses_everything_is_not_online() -> None:
    fake = FakeDevice(lambda pdu: bytes((pdu[0] | 0x80, 1)))
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port), rows(POINTS))
        async with running(session, until_started=False) as run:
            assert "refused" in await run.lost()
            assert not run.listener.started.is_set()
            assert not (run.listener.batches[-1].quality & np.uint16(Quality.ONLINE)).any()


async def test_a_silent_device_is_lost_after_two_questions() -> None:
    fake = FakeDevice(lambda pdu: None)
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port, timeout_s=0.05), rows(POINTS))
        async with running(session, until_started=False) as run:
            assert "in a row" in await run.lost()
    assert len(fake.requests) == 2
    assert session.statistics["replies_missed"] == 2


async def test_answers_missed_now_and_then_do_not_end_a_session() -> None:
    asked = 0

    def every_third_is_missed(pdu: bytes) -> bytes | None:
        nonlocal asked
        asked += 1
        return None if asked % 3 == 0 else zeros(pdu)

    fake = FakeDevice(every_third_is_missed)
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port, timeout_s=0.03), rows(POINTS))
        async with running(session) as run:
            await eventually(lambda: session.statistics["replies_missed"] >= 4)
            assert not run.task.done()
            lost = [int(quality) for batch in run.listener.batches for quality in batch.quality]
            assert {Quality.COMM_LOST, Quality.ONLINE} <= set(lost)


async def test_a_gateway_that_cannot_reach_its_device_is_as_good_as_silence() -> None:
    fake = FakeDevice(lambda pdu: bytes((pdu[0] | 0x80, 11)))
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port), rows(POINTS))
        async with running(session, until_started=False) as run:
            assert "in a row" in await run.lost()
    assert session.statistics["replies_missed"] == 2


async def test_a_device_that_hangs_up_is_noticed_at_once() -> None:
    fake = FakeDevice(zeros)
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port, timeout_s=60.0), rows(POINTS))
        async with running(session) as run:
            fake.drop()
            assert "closed" in await run.lost()


async def test_a_device_that_hangs_up_in_the_middle_of_a_question_is_noticed_at_once() -> None:
    fake = FakeDevice(lambda pdu: fake.drop())
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port, timeout_s=60.0), rows(POINTS))
        async with running(session, until_started=False) as run:
            assert "closed" in await run.lost()


async def test_a_write_cut_off_by_a_hang_up_has_an_unknown_outcome() -> None:
    fake = FakeDevice(lambda pdu: fake.drop() if pdu[0] == 6 else zeros(pdu))
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port, timeout_s=60.0), rows(POINTS))
        async with running(session):
            assert isinstance(await session.operate(command(ROW["narrow"], AnalogValue(5))), Unanswered)


def _short(head: bytes, pdu: bytes) -> bytes:
    return mbap(head, bytes((pdu[0], max(pdu[1] - 2, 0))) + pdu[2:-2])


def _lying_count(head: bytes, pdu: bytes) -> bytes:
    return mbap(head, bytes((pdu[0], pdu[1] + 2)) + pdu[2:])


def _other_function(head: bytes, pdu: bytes) -> bytes:
    return mbap(head, bytes((3 if pdu[0] != 3 else 4,)) + pdu[1:])


def _unknown_function(head: bytes, pdu: bytes) -> bytes:
    return mbap(head, b"\x65" + pdu[1:])


def _other_device(head: bytes, pdu: bytes) -> bytes:
    return mbap(head[:6] + b"\x09", pdu)


def _other_transaction(head: bytes, pdu: bytes) -> bytes:
    return mbap(bytes((head[0] ^ 0x55, head[1])) + head[2:], pdu)


def _no_transaction(head: bytes, pdu: bytes) -> bytes:
    return mbap(b"\0\0" + head[2:], pdu)


def _other_protocol(head: bytes, pdu: bytes) -> bytes:
    return mbap(head[:2] + b"\x12\x34" + head[4:], pdu)


def _exception_without_a_code(head: bytes, pdu: bytes) -> bytes:
    return mbap(head, bytes((pdu[0] | 0x80,)))


def _empty(head: bytes, pdu: bytes) -> bytes:
    return head[:4] + b"\0\1" + head[6:7]


def _noise(head: bytes, pdu: bytes) -> bytes:
    return bytes(range(256)) * 40


@pytest.mark.parametrize(
    "spoil",
    [
        _short,
        _lying_count,
        _other_function,
        _unknown_function,
        _other_device,
        _other_transaction,
        _no_transaction,
        _other_protocol,
        _empty,
        _exception_without_a_code,
        _noise,
    ],
)
async def test_answers_that_do_not_fit_are_never_readings(spoil: object) -> None:
    assert callable(spoil)
    fake = FakeDevice(zeros, frame=spoil)
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port, timeout_s=0.05), rows(POINTS))
        async with running(session, until_started=False) as run:
            assert "in a row" in await run.lost()
            assert run.listener.batches == []
    assert session.statistics["scans_completed"] == 0
    assert session.statistics["replies_missed"] + session.statistics["replies_invalid"] == 2


async def test_a_write_whose_echo_differs_has_an_unknown_outcome() -> None:
    fake = FakeDevice(lambda pdu: pdu[:-1] + b"\x63" if pdu[0] == 6 else zeros(pdu))
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port), rows(POINTS))
        async with running(session):
            assert isinstance(await session.operate(command(ROW["narrow"], AnalogValue(5))), Unanswered)


async def test_an_rtu_connection_ends_with_the_first_question_given_up() -> None:
    """An RTU frame has no transaction id: a late answer must never pass for the next question's."""

    async def hears_and_says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass
        writer.close()

    server = await asyncio.start_server(hears_and_says_nothing, "127.0.0.1", 0)
    settings = session_settings(server.sockets[0].getsockname()[1], Framing.RTU_OVER_TCP, timeout_s=0.05)
    session = ModbusSession("s", settings, rows(POINTS))
    async with running(session, until_started=False) as run:
        await run.lost()
    server.close()
    assert session.statistics["requests_sent"] == 1


async def test_a_port_that_nobody_listens_on_is_a_lost_session() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(SessionLost, match="cannot connect"):
        await ModbusSession("s", session_settings(port), rows(POINTS)).run(Listener())


async def test_a_session_runs_again_after_it_was_lost() -> None:
    async with device(Handler()) as outstation:
        session = ModbusSession("s", session_settings(outstation.port), rows(POINTS))
        for _ in range(2):
            async with running(session):
                assert await session.operate(command(ROW["narrow"], AnalogValue(5))) == Accepted()
        assert session.statistics["connections_opened"] == 2


async def test_cancelling_a_session_closes_its_connection() -> None:
    async with device(Handler()) as outstation:
        session = ModbusSession("s", session_settings(outstation.port), rows(POINTS))
        async with running(session):
            assert outstation.statistics["connections_opened"] == 1
        await eventually(lambda: outstation.connections == 0)
