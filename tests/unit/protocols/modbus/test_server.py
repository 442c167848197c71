"""The server as clients find it, bytes on the wire."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from protocols.modbus.media import Framing
from protocols.modbus.server import ModbusOutstation
from protocols.modbus.settings import ModbusOutstationSettings
from tests.unit.protocols.modbus.making import Handler, own_rows, point
from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.commands import AnalogValue, Command, CommandStatus
from vppscada.model.points import Point
from vppscada.model.quality import Quality

POINTS = [
    point("a", "analog_input", "int16", table="holding_register", register="0"),
    point("b", "analog_output", "int16", table="holding_register", register="1"),
    point("c", "analog_output", "int16", table="holding_register", register="2"),
    point("d", "binary_output", table="coil", register="0"),
]


@asynccontextmanager
async def serving(
    handler: Handler,
    framing: Framing = Framing.TCP,
    points: Sequence[Point] = POINTS,
    maximum_connections: int = 32,
) -> AsyncIterator[tuple[ModbusOutstation, asyncio.StreamReader, asyncio.StreamWriter]]:
    settings = ModbusOutstationSettings("127.0.0.1", 0, 1, framing, maximum_connections)
    outstation = ModbusOutstation("o", settings, own_rows(points), handler)
    await outstation.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", outstation.port)
    try:
        async with asyncio.timeout(10):
            yield outstation, reader, writer
    finally:
        writer.close()
        await outstation.stop()


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: str) -> str:
    writer.write(bytes.fromhex(request))
    head = await reader.readexactly(6)
    return (head + await reader.readexactly(int.from_bytes(head[4:], "big"))).hex()


async def test_a_read_is_answered_byte_for_byte_as_the_specification_says() -> None:
    async with serving(Handler()) as (outstation, reader, writer):
        outstation.update(untimed_batch([0, 1], [-2, 258], Quality.ONLINE, 0, Cause.CYCLIC))
        assert await ask(reader, writer, "00010000000601 0300000002") == "00010000000701" + "0304fffe0102"
        assert await ask(reader, writer, "00020000000601 0100000001") == "00020000000401" + "010100"


async def test_requests_that_arrive_together_are_all_answered_in_order() -> None:
    async with serving(Handler()) as (_, reader, writer):
        writer.write(b"".join(i.to_bytes(2, "big") + bytes.fromhex("00000006010300000001") for i in range(1, 51)))
        for i in range(1, 51):
            assert (await reader.readexactly(11))[:2] == i.to_bytes(2, "big")


async def test_a_request_may_arrive_in_pieces() -> None:
    async with serving(Handler()) as (_, reader, writer):
        for byte in bytes.fromhex("000100000006010300000001"):
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0.001)
        assert (await reader.readexactly(11)).hex() == "0001000000050103020000"


async def test_a_write_is_answered_when_its_command_was_taken_and_shows_then() -> None:
    handler = Handler(delay_s=0.02)
    async with serving(handler) as (_, reader, writer):
        request = "000100000006010600010007"
        assert await ask(reader, writer, request) == request
        assert [(one.row, one.body) for one in handler.commands] == [(1, AnalogValue(7))]
        assert (await ask(reader, writer, "000200000006010300010001")).endswith("03020007")


async def test_a_refused_write_shows_nothing() -> None:
    async with serving(Handler(CommandStatus.OUT_OF_RANGE)) as (outstation, reader, writer):
        assert (await ask(reader, writer, "000100000006010600010007")).endswith("8603")
        assert (await ask(reader, writer, "000200000006010300010001")).endswith("03020000")
        assert outstation.statistics["writes_refused"] == 1
        assert outstation.statistics["exceptions_sent"] == 1


async def test_a_handler_that_raises_is_a_device_failure_and_the_connection_goes_on() -> None:
    class Broken(Handler):
        async def operate(self, command: Command) -> CommandStatus:
            raise RuntimeError("broken")

    async with serving(Broken()) as (outstation, reader, writer):
        assert (await ask(reader, writer, "000100000006010600010007")).endswith("8604")
        assert (await ask(reader, writer, "000200000006010300010001")).endswith("03020000")
        assert outstation.statistics["handler_failures"] == 1


async def test_what_is_not_served_has_its_exception() -> None:
    async with serving(Handler()) as (_, reader, writer):
        assert (await ask(reader, writer, "0001000000060103ffff0002")).endswith("8302")
        assert (await ask(reader, writer, "000200000006010300000000")).endswith("8303")
        assert (await ask(reader, writer, "00030000000201" + "07")).endswith("8701")
        assert (await ask(reader, writer, "000400000006010600000001")).endswith("8602")


async def test_another_device_id_is_answered_as_a_gateway_would() -> None:
    async with serving(Handler()) as (_, reader, writer):
        assert await ask(reader, writer, "000100000006070300000001") == "000100000003" + "07830b"
        assert (await ask(reader, writer, "000200000006ff0300000001")).endswith("03020000")


async def test_bytes_that_are_not_modbus_end_the_connection_and_no_other() -> None:
    async with serving(Handler()) as (outstation, reader, writer):
        bad_reader, bad_writer = await asyncio.open_connection("127.0.0.1", outstation.port)
        bad_writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await bad_reader.read() == b""
        long_reader, long_writer = await asyncio.open_connection("127.0.0.1", outstation.port)
        long_writer.write(b"\0\1\0\0\xff\xff" + bytes(2000))
        assert await long_reader.read() == b""
        bad_writer.close()
        long_writer.close()
        assert outstation.statistics["frames_malformed"] == 2
        assert (await ask(reader, writer, "000200000006010300010001")).endswith("03020000")


async def test_a_frame_without_a_function_is_counted_and_passed_over() -> None:
    async with serving(Handler()) as (outstation, reader, writer):
        writer.write(bytes.fromhex("00010000000101"))
        assert (await ask(reader, writer, "000200000006010300010001")).endswith("03020000")
        assert outstation.statistics["frames_malformed"] == 1


async def test_more_connections_than_allowed_are_refused() -> None:
    async with serving(Handler(), maximum_connections=1) as (outstation, reader, writer):
        await ask(reader, writer, "000200000006010300010001")
        other, other_writer = await asyncio.open_connection("127.0.0.1", outstation.port)
        assert await other.read() == b""
        other_writer.close()
        assert outstation.statistics["connections_refused"] == 1


async def test_rtu_frames_are_answered_with_their_crc() -> None:
    async with serving(Handler(), Framing.RTU_OVER_TCP) as (_, reader, writer):
        writer.write(bytes.fromhex("010300000001840a"))
        assert (await reader.readexactly(7)).hex() == "0103020000b844"


async def test_rtu_frames_for_others_and_with_a_wrong_crc_are_not_answered() -> None:
    async with serving(Handler(), Framing.RTU_OVER_TCP) as (outstation, reader, writer):
        writer.write(bytes.fromhex("0103000000018400"))
        await asyncio.sleep(0.02)
        writer.write(bytes.fromhex("0203000000018439"))
        await asyncio.sleep(0.02)
        writer.write(bytes.fromhex("010300000001840a"))
        assert (await reader.readexactly(7)).hex() == "0103020000b844"
        assert outstation.statistics["requests_received"] == 2
        assert outstation.statistics["requests_for_others"] == 1


async def test_disabled_points_are_not_served() -> None:
    points = [POINTS[0], replace(POINTS[1], enabled=False)]
    async with serving(Handler(), points=points) as (outstation, reader, writer):
        outstation.update(untimed_batch([1, 0, 9], [5, 6, 7], Quality.ONLINE, 0, Cause.CYCLIC))
        assert (await ask(reader, writer, "000100000006010300000001")).endswith("03020006")
        assert (await ask(reader, writer, "000100000006010300010001")).endswith("8302")


async def test_an_address_that_is_taken_is_an_error() -> None:
    async with serving(Handler()) as (outstation, _, _writer):
        other = ModbusOutstation("p", ModbusOutstationSettings(port=outstation.port), own_rows(POINTS), Handler())
        with pytest.raises(OSError, match="in use"):
            await other.start()


async def test_a_stopped_server_has_no_port_and_no_connections() -> None:
    async with serving(Handler()) as (outstation, reader, _writer):
        await outstation.stop()
        assert outstation.port == 0
        assert await reader.read() == b""


async def test_units_that_start_at_once_are_served_behind_one_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = [ModbusOutstationSettings("127.0.0.1", port, device_id) for device_id in (1, 2)]
    units = [ModbusOutstation(f"o{one.device_id}", one, own_rows(POINTS), Handler()) for one in settings]
    await asyncio.gather(*(unit.start() for unit in units))
    try:
        assert [unit.port for unit in units] == [port, port]
        with pytest.raises(OSError, match="device id 1 is served already"):
            await ModbusOutstation("again", settings[0], own_rows(POINTS), Handler()).start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for device_id in ("01", "02"):
            answer = await ask(reader, writer, f"000100000006{device_id}0300000001")
            assert answer == f"000100000005{device_id}03020000"
        assert await ask(reader, writer, "000100000006030300000001") == "00010000000303830b"
        await units[0].stop()
        assert (await ask(reader, writer, "000100000006020300000001")).startswith("00010000000502")
        writer.close()
    finally:
        for unit in units:
            await unit.stop()


async def test_units_behind_a_port_that_is_taken_all_hear_of_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = [ModbusOutstationSettings("127.0.0.1", port, device_id) for device_id in (1, 2)]
        units = [ModbusOutstation(f"o{one.device_id}", one, own_rows(POINTS), Handler()) for one in settings]
        results = await asyncio.gather(*(unit.start() for unit in units), return_exceptions=True)
        assert all(isinstance(result, OSError) for result in results)
    await units[0].start()  # nothing is left behind
    await units[0].stop()
