"""The session against our own server: values, commands, pulses."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from protocols.modbus.media import Framing
from protocols.modbus.session import ModbusSession
from tests.unit.protocols.modbus.making import (
    FIRST_ROW,
    FakeDevice,
    Handler,
    command,
    eventually,
    point,
    rows,
    running,
    session_settings,
    zeros,
)
from tests.unit.protocols.modbus.session_device import FRAMINGS, OWN, POINTS, ROW, device, quality_of, value_of
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
