"""Mask writes, writes of many, and reading back what was written."""

import asyncio
from dataclasses import replace

import pytest

from protocols.modbus.server import ModbusOutstation
from protocols.modbus.session import ModbusSession
from protocols.modbus.settings import ModbusSessionSettings
from tests.unit.protocols.modbus.making import (
    FIRST_ROW,
    FakeDevice,
    Handler,
    command,
    own_rows,
    point,
    rows,
    running,
    server_settings,
    session_settings,
    zeros,
)
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    CommandBody,
    CommandResult,
    Crob,
    CrobOperation,
    Unanswered,
)
from vppscada.model.points import Point

ON, OFF = Crob(CrobOperation.LATCH_ON), Crob(CrobOperation.LATCH_OFF)
HIGH_BIT = point("b", "binary_output", "bitfield32", table="holding_register", register="4", bit="20")
COIL = point("c", "binary_output", table="coil", register="7")
LEVEL = point("l", "analog_output", "uint32", table="holding_register", register="8", word_order="little")
CHECKED = point("k", "analog_output", "int16", table="holding_register", register="8", read_back="yes")


class Registers:
    """A device that keeps what is written, or ``stuck`` at what it has; ``late`` reads show the old values first."""

    def __init__(self, stuck: bool = False, late: int = 0) -> None:
        self.words: dict[int, int] = {}
        self.coils: dict[int, int] = {}
        self.writes: list[bytes] = []
        self._stuck, self._late = stuck, late

    def answer(self, pdu: bytes) -> bytes:
        start = int.from_bytes(pdu[1:3], "big")
        if pdu[0] == 3:
            if self.writes and self._late:
                self._late -= 1
                return zeros(pdu)
            count = int.from_bytes(pdu[3:5], "big")
            found = b"".join(self.words.get(start + i, 0).to_bytes(2, "big") for i in range(count))
            return bytes((3, len(found))) + found
        if pdu[0] == 1:
            return bytes((1, 1, self.coils.get(start, 0)))
        self.writes.append(pdu)
        if not self._stuck:
            self._write(pdu, start)
        return pdu if pdu[0] == 22 else pdu[:5]

    def _write(self, pdu: bytes, start: int) -> None:
        if pdu[0] == 5:
            self.coils[start] = pdu[3] // 255
        elif pdu[0] == 15:
            self.coils[start] = pdu[6]
        elif pdu[0] == 22:
            keep, put = int.from_bytes(pdu[3:5], "big"), int.from_bytes(pdu[5:7], "big")
            self.words[start] = self.words.get(start, 0) & keep | put & ~keep
        else:
            data = pdu[3:5] if pdu[0] == 6 else pdu[6:]
            for i in range(len(data) // 2):
                self.words[start + i] = int.from_bytes(data[2 * i : 2 * i + 2], "big")


async def done(
    registers: Registers, one: Point, body: CommandBody, **options: object
) -> tuple[CommandResult, ModbusSession]:
    async with FakeDevice(registers.answer).serving() as device:
        settings: ModbusSessionSettings = replace(session_settings(device.port), **options)  # type: ignore[arg-type]
        session = ModbusSession("s", settings, rows([one]))
        async with running(session):
            return await session.operate(command(FIRST_ROW, body)), session


async def test_a_bit_is_masked_in_the_register_that_has_it() -> None:
    registers = Registers()
    registers.words = {4: 0xF0F1, 5: 0x1234}
    result, _ = await done(registers, HIGH_BIT, ON, mask_write=True)
    assert result == Accepted()
    assert registers.writes == [bytes.fromhex("160004ffef0010")]
    result, _ = await done(registers, HIGH_BIT, OFF, mask_write=True)
    assert registers.words == {4: 0xF0E1, 5: 0x1234}


async def test_a_coil_is_written_with_function_15_where_that_is_wanted() -> None:
    registers = Registers()
    result, _ = await done(registers, COIL, ON, write_multiple=True, read_back=True)
    assert result == Accepted()
    assert registers.writes == [bytes.fromhex("0f000700010101")]


@pytest.mark.parametrize(
    ("one", "body", "options"),
    [
        (LEVEL, AnalogValue(70_000), {}),
        (HIGH_BIT, ON, {}),
        (HIGH_BIT, ON, {"mask_write": True}),
        (COIL, ON, {}),
    ],
)
async def test_what_the_register_shows_is_accepted_and_what_it_does_not_is_unknown(
    one: Point, body: CommandBody, options: dict[str, object]
) -> None:
    result, session = await done(Registers(), one, body, read_back=True, **options)
    assert result == Accepted()
    assert session.statistics["writes_read_back"] == 1
    result, session = await done(Registers(stuck=True), one, body, read_back=True, read_back_s=0.0, **options)
    assert isinstance(result, Unanswered)
    assert "it reads" in result.reason
    assert session.statistics["writes_not_shown"] == 1


async def test_a_register_may_take_its_time_to_show_a_write() -> None:
    result, _ = await done(Registers(late=3), LEVEL, AnalogValue(5), read_back=True, read_back_s=20.0)
    assert result == Accepted()


async def test_a_point_may_ask_for_reading_back_by_itself() -> None:
    result, _ = await done(Registers(stuck=True), CHECKED, AnalogValue(5), read_back_s=0.0)
    assert isinstance(result, Unanswered)
    unchecked = point("k", "analog_output", "int16", table="holding_register", register="8", read_back="no")
    result, _ = await done(Registers(stuck=True), unchecked, AnalogValue(5), read_back=True, read_back_s=0.0)
    assert result == Accepted()


async def test_a_pulse_is_not_read_back_while_it_lasts() -> None:
    result, session = await done(Registers(), COIL, Crob(CrobOperation.PULSE_ON, on_ms=5), read_back=True)
    assert result == Accepted()
    assert session.statistics["writes_read_back"] == 0


async def exchanged(points: list[Point], handler: Handler, *requests: str) -> list[str]:
    outstation = ModbusOutstation("o", server_settings(), own_rows(points), handler)
    await outstation.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", outstation.port)
    answers = []
    try:
        async with asyncio.timeout(10):
            for request in requests:
                pdu = bytes.fromhex(request)
                writer.write(bytes((0, 1, 0, 0, 0, len(pdu) + 1, 1)) + pdu)
                head = await reader.readexactly(7)
                answers.append((await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)).hex())
    finally:
        writer.close()
        await outstation.stop()
    return answers


BITS = [
    point("b3", "binary_output", "bitfield16", table="holding_register", register="0", bit="3"),
    point("b5", "binary_output", "bitfield16", table="holding_register", register="0", bit="5"),
    point("level", "analog_output", "uint16", table="holding_register", register="1"),
    point("wide", "analog_output", "uint32", table="holding_register", register="2"),
]


async def test_a_mask_write_commands_the_bits_that_it_touches_and_no_others() -> None:
    handler = Handler()
    # set bit 3; clear bit 3; a bit that nobody has; outside
    answers = await exchanged(
        BITS, handler, "160000fff70008", "0300000001", "160000fff70000", "160000feff0100", "160009feff0100"
    )
    assert answers == ["160000fff70008", "03020008", "160000fff70000", "9603", "9602"]
    assert [(one.row, one.body) for one in handler.commands] == [(0, ON), (0, OFF)]


async def test_a_mask_write_of_a_number_is_the_specifications_example() -> None:
    handler = Handler()
    answers = await exchanged(BITS, handler, "0600010012", "16000100f20025", "0300010001", "16000200f20025")
    assert answers == ["0600010012", "16000100f20025", "03020017", "9602"]
    assert [one.body for one in handler.commands] == [AnalogValue(0x12), AnalogValue(0x17)]


async def test_function_23_writes_then_reads_and_does_neither_if_one_cannot_be() -> None:
    handler = Handler()
    good, outside = "17000000020001000102002a", "17000000200001000102002b"
    assert await exchanged(BITS, handler, good, outside, good[:-2]) == ["17040000002a", "9702", "9703"]
    assert [one.body for one in handler.commands] == [AnalogValue(42)]
