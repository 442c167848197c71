"""The session against our own server and against devices that misbehave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest

from protocols.modbus.server import ModbusOutstation
from protocols.modbus.session import ModbusSession
from protocols.modbus.settings import Framing
from tests.unit.protocols.modbus.making import (
    FIRST_ROW,
    FakeDevice,
    Handler,
    Listener,
    command,
    constant,
    eventually,
    mbap,
    own_rows,
    point,
    rows,
    running,
    server_settings,
    session_settings,
    zeros,
)
from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    CommandResult,
    CommandStatus,
    Crob,
    CrobOperation,
    NotSent,
    Rejected,
    Unanswered,
)
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionLost

POINTS = [
    point("power", "analog_input", "float32", table="input_register", register="10"),
    point("voltage", "analog_input", "int16", table="input_register", register="12", scale_factor="sf"),
    point("running", "binary_input", "enum16", table="input_register", register="20", bit="=4|5"),
    point("breaker", "binary_input", table="discrete_input", register="3"),
    constant(point("sf", "analog_input", "int16", table="holding_register", register="30", sentinel="yes"), -1),
    point("setpoint", "analog_output", "int32", table="holding_register", register="5", scale_factor="sf"),
    point("echo", "analog_input", "int32", table="holding_register", register="5", scale_factor="sf"),
    point("go", "binary_output", table="coil", register="0"),
    point("reset", "binary_output", table="holding_register", register="9", bit="3"),
    point("start", "binary_output", table="holding_register", register="9", bit="0"),
    point("narrow", "analog_output", "int16", table="holding_register", register="11"),
    point("name", "string", "string4", table="holding_register", register="40"),
]
ROW = {one.id.removeprefix("a."): FIRST_ROW + i for i, one in enumerate(POINTS)}
OWN = {one.id.removeprefix("a."): i for i, one in enumerate(POINTS)}
FRAMINGS = [Framing.TCP, Framing.RTU_OVER_TCP]


@asynccontextmanager
async def device(handler: Handler, framing: Framing = Framing.TCP) -> AsyncIterator[ModbusOutstation]:
    outstation = ModbusOutstation("device", server_settings(framing), own_rows(POINTS), handler)
    await outstation.start()
    try:
        yield outstation
    finally:
        await outstation.stop()


def value_of(listener: Listener, name: str) -> float:
    batch = listener.batches[-1]
    return float(batch.value[batch.rows.tolist().index(ROW[name])])


def quality_of(listener: Listener, name: str) -> int:
    batch = listener.batches[-1]
    return int(batch.quality[batch.rows.tolist().index(ROW[name])])


@pytest.mark.parametrize("framing", FRAMINGS)
async def test_values_come_over_the_wire_at_the_databases_rows(framing: Framing) -> None:
    async with device(Handler(), framing) as outstation:
        feed = {"power": 3.75, "voltage": -12.3, "running": 1, "breaker": 1}
        batch = untimed_batch([OWN[n] for n in feed], list(feed.values()), Quality.ONLINE, 0, Cause.CYCLIC)
        outstation.update(batch)
        async with running(ModbusSession("s", session_settings(outstation.port, framing), rows(POINTS))) as run:
            assert {name: value_of(run.listener, name) for name in feed} == feed
            assert all(quality_of(run.listener, name) == Quality.ONLINE for name in feed)
            assert run.listener.connected == 1
            assert run.listener.batches[0].cause is Cause.INTEGRITY
            assert (await run.listener.next()).cause is Cause.CYCLIC


async def test_texts_and_bad_values_arrive_as_such() -> None:
    async with device(Handler()) as outstation:
        batch = untimed_batch([OWN["power"], OWN["name"]], [1.0, np.nan], [Quality.COMM_LOST, 1], 0, Cause.CYCLIC)
        batch.texts[OWN["name"]] = "unit 7"
        outstation.update(batch)
        async with running(ModbusSession("s", session_settings(outstation.port), rows(POINTS))) as run:
            assert run.listener.batches[-1].texts == {ROW["name"]: "unit 7"}
            assert not quality_of(run.listener, "power") & Quality.ONLINE


@pytest.mark.parametrize("framing", FRAMINGS)
async def test_a_setpoint_is_scaled_written_accepted_and_echoed(framing: Framing) -> None:
    handler = Handler()
    async with device(handler, framing) as outstation:
        session = ModbusSession("s", session_settings(outstation.port, framing), rows(POINTS))
        async with running(session) as run:
            assert await session.operate(command(ROW["setpoint"], AnalogValue(-55.5))) == Accepted()
            assert [one.body for one in handler.commands] == [AnalogValue(-55.5)]
            assert [one.row for one in handler.commands] == [OWN["setpoint"]]
            await run.listener.next()
            assert value_of(run.listener, "echo") == -55.5


async def test_a_device_that_wants_function_16_gets_it_for_one_register_too() -> None:
    handler = Handler()
    async with device(handler) as outstation:
        settings = session_settings(outstation.port, write_multiple=True)
        session = ModbusSession("s", settings, rows(POINTS))
        async with running(session):
            assert await session.operate(command(ROW["narrow"], AnalogValue(7))) == Accepted()
    assert [one.body for one in handler.commands] == [AnalogValue(7)]


@pytest.mark.parametrize("framing", FRAMINGS)
async def test_a_pulse_is_ended_and_bits_beside_it_stay(framing: Framing) -> None:
    handler = Handler()
    async with device(handler, framing) as outstation:
        session = ModbusSession("s", session_settings(outstation.port, framing), rows(POINTS))
        async with running(session) as run:
            assert await session.operate(command(ROW["start"], Crob(CrobOperation.LATCH_ON))) == Accepted()
            assert await session.operate(command(ROW["reset"], Crob(CrobOperation.PULSE_ON, on_ms=20))) == Accepted()
            wants = [(one.row, isinstance(one.body, Crob) and one.body.wants_on) for one in handler.commands]
            assert wants == [(OWN["start"], True), (OWN["reset"], True), (OWN["reset"], False)]
            await run.listener.next()
            assert (value_of(run.listener, "start"), value_of(run.listener, "reset")) == (1, 0)


async def test_a_pulse_is_ended_even_if_nobody_waits_for_it() -> None:
    handler = Handler()
    async with device(handler) as outstation:
        session = ModbusSession("s", session_settings(outstation.port), rows(POINTS))
        async with running(session):
            waiting = asyncio.create_task(session.operate(command(ROW["go"], Crob(CrobOperation.PULSE_ON, on_ms=50))))
            await eventually(lambda: session.statistics["writes_accepted"])
            waiting.cancel()
            await eventually(lambda: len(handler.commands) == 2)
    last = handler.commands[-1].body
    assert isinstance(last, Crob)
    assert not last.wants_on


async def test_a_pulse_is_ended_even_if_the_answer_to_its_beginning_is_not_awaited() -> None:
    commands: list[asyncio.Task[CommandResult]] = []

    def gives_up_when_the_write_arrives(pdu: bytes) -> bytes:
        if pdu == b"\x05\0\0\xff\0":
            commands[0].cancel()
        return zeros(pdu)

    fake = FakeDevice(gives_up_when_the_write_arrives)
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port), rows(POINTS))
        async with running(session):
            body = Crob(CrobOperation.PULSE_ON, on_ms=20)
            commands.append(asyncio.create_task(session.operate(command(ROW["go"], body))))
            await eventually(lambda: b"\x05\0\0\0\0" in fake.requests)
    assert commands[0].cancelled()


async def test_a_pulse_whose_beginning_was_not_answered_is_ended_all_the_same() -> None:
    fake = FakeDevice(lambda pdu: None if pdu == b"\x05\0\0\xff\0" else zeros(pdu))
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port, timeout_s=0.05), rows(POINTS))
        async with running(session):
            result = await session.operate(command(ROW["go"], Crob(CrobOperation.PULSE_ON, on_ms=10)))
    assert isinstance(result, Unanswered)
    assert [pdu[3] for pdu in fake.requests if pdu[0] == 5] == [0xFF, 0]


async def test_a_pulse_cut_off_by_a_lost_connection_has_an_unknown_outcome() -> None:
    fake = FakeDevice(zeros)
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port), rows(POINTS))
        async with running(session):
            body = Crob(CrobOperation.PULSE_ON, on_ms=50_000)
            pulse = asyncio.create_task(session.operate(command(ROW["go"], body, life_s=60)))
            await eventually(lambda: session.statistics["writes_accepted"])
            fake.drop()
            assert isinstance(await pulse, Unanswered)
    assert session.statistics["pulses_not_ended"] == 1


async def test_a_command_that_expires_while_its_register_is_read_is_not_sent() -> None:
    fake = FakeDevice(zeros, delay_s=0.1)
    async with fake.serving():
        seldom = replace(session_settings(fake.port), period_s=60.0)
        session = ModbusSession("s", seldom, rows([POINTS[OWN["reset"]]]))
        async with running(session):
            result = await session.operate(command(FIRST_ROW, Crob(CrobOperation.LATCH_ON), life_s=0.05))
    assert isinstance(result, NotSent)
    assert [pdu[0] for pdu in fake.requests] == [3, 3]


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (CommandStatus.OUT_OF_RANGE, CommandStatus.OUT_OF_RANGE),
        (CommandStatus.LOCAL, CommandStatus.HARDWARE_ERROR),
        (CommandStatus.NOT_SUPPORTED, CommandStatus.NOT_SUPPORTED),
    ],
)
async def test_a_refused_command_is_rejected_with_the_status_of_its_exception(
    refusal: CommandStatus, status: CommandStatus
) -> None:
    async with device(Handler(refusal)) as outstation:
        session = ModbusSession("s", session_settings(outstation.port), rows(POINTS))
        async with running(session) as run:
            result = await session.operate(command(ROW["setpoint"], AnalogValue(5)))
            assert isinstance(result, Rejected)
            assert result.status is status
            await run.listener.next()
            assert value_of(run.listener, "echo") == 0


async def test_what_cannot_be_encoded_or_is_too_late_is_not_sent() -> None:
    handler = Handler()
    async with device(handler) as outstation:
        session = ModbusSession("s", session_settings(outstation.port), rows(POINTS))
        assert isinstance(await session.operate(command(ROW["go"], Crob(CrobOperation.LATCH_ON))), NotSent)
        async with running(session):
            for late in (
                command(ROW["narrow"], AnalogValue(40_000)),
                command(ROW["narrow"], AnalogValue(float("nan"))),
                command(ROW["narrow"], Crob(CrobOperation.LATCH_ON)),
                command(ROW["go"], AnalogValue(1)),
                command(ROW["power"], Crob(CrobOperation.LATCH_ON)),
                command(ROW["go"], Crob(CrobOperation.LATCH_ON), life_s=-0.1),
                command(7, AnalogValue(1)),
            ):
                assert isinstance(await session.operate(late), NotSent)
        assert isinstance(await session.operate(command(ROW["go"], Crob(CrobOperation.LATCH_ON))), NotSent)
    assert handler.commands == []


async def test_a_setpoint_without_a_known_scale_factor_is_not_sent() -> None:
    handler = Handler()
    async with device(handler) as outstation:
        outstation.update(untimed_batch([OWN["sf"]], [0], Quality.NONE, 0, Cause.CYCLIC))
        session = ModbusSession("s", session_settings(outstation.port), rows(POINTS))
        async with running(session):
            result = await session.operate(command(ROW["setpoint"], AnalogValue(5)))
    assert isinstance(result, NotSent)
    assert "scale factor" in result.reason
    assert handler.commands == []


async def test_a_scale_factor_of_an_earlier_connection_is_forgotten() -> None:
    fake = FakeDevice(zeros)
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port), rows(POINTS))
        async with running(session):
            assert await session.operate(command(ROW["setpoint"], AnalogValue(5))) == Accepted()
        fake.delay_s = 0.1
        async with running(session, until_started=False) as run:
            await eventually(lambda: run.listener.connected)
            result = await session.operate(command(ROW["setpoint"], AnalogValue(5)))
    assert isinstance(result, NotSent)
    assert "scale factor" in result.reason


async def test_a_write_that_is_not_answered_has_an_unknown_outcome_and_is_not_repeated() -> None:
    handler = Handler(delay_s=0.5)
    async with device(handler) as outstation:
        session = ModbusSession("s", session_settings(outstation.port, timeout_s=0.1), rows(POINTS))
        async with running(session):
            assert isinstance(await session.operate(command(ROW["narrow"], AnalogValue(5))), Unanswered)
            await asyncio.sleep(0.6)
    assert len(handler.commands) == 1


async def test_a_command_goes_between_the_reads_of_a_scan() -> None:
    many = [point(f"p{i}", "analog_input", "int16", table="holding_register", register=str(i * 10)) for i in range(40)]
    output = point("set", "analog_output", "int16", table="holding_register", register="1000")
    commands: list[asyncio.Task[CommandResult]] = []

    def commanded_at_the_read_of_register_100(pdu: bytes) -> bytes:
        if pdu[:3] == b"\x03\0\x64" and not commands:
            commands.append(asyncio.create_task(session.operate(command(FIRST_ROW + 40, AnalogValue(5)))))
        return zeros(pdu)

    fake = FakeDevice(commanded_at_the_read_of_register_100)
    async with fake.serving():
        session = ModbusSession("s", session_settings(fake.port, max_gap=0), rows([*many, output]))
        async with running(session):
            assert await commands[0] == Accepted()
            read = next(i for i, pdu in enumerate(fake.requests) if pdu[:3] == b"\x03\0\x64")
            written = next(i for i, pdu in enumerate(fake.requests) if pdu[0] == 6)
            assert 1 <= written - read <= 2


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
        await eventually(lambda: not outstation._connections)
