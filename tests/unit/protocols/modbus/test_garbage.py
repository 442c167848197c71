"""Whatever bytes come: an answer or silence, never an exception that escapes, never memory that grows."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.modbus.image import Image
from protocols.modbus.inbound import Outputs, Refused
from protocols.modbus.line import Line
from protocols.modbus.media import Framing
from protocols.modbus.server import ModbusOutstation
from protocols.modbus.serving import answer_read, parse_write
from tests.unit.protocols.modbus.making import Handler, own_rows, point, server_settings, session_settings

POINTS = [
    point("a", "analog_output", "float32", table="holding_register", register="0"),
    point("b", "binary_output", "bitfield16", table="holding_register", register="2", bit="1"),
    point("c", "binary_output", table="coil", register="0"),
    point("d", "analog_input", "int16", table="input_register", register="0"),
]
FRAMINGS = list(Framing)
bytes_of_requests = st.one_of(
    st.binary(min_size=1, max_size=260),
    st.builds(
        lambda code, body: bytes((code,)) + body, st.sampled_from([1, 2, 3, 4, 5, 6, 15, 16]), st.binary(max_size=20)
    ),
)


@given(bytes_of_requests)
def test_every_request_is_answered_or_refused(pdu: bytes) -> None:
    image = Image(POINTS)
    try:
        writing = parse_write(pdu)
        if writing is None:
            answer = answer_read(image, pdu)
            assert len(answer.pdu) == 2 + answer.pdu[1]
        elif writing.states:
            Outputs(image).coils(writing.start, writing.states)
        else:
            Outputs(image).registers(writing.start, writing.words)
    except Refused as refused:
        assert refused.code in (1, 2, 3)


@pytest.mark.parametrize("framing", FRAMINGS)
@settings(max_examples=60, deadline=None)
@given(chunks=st.lists(st.binary(min_size=1, max_size=600), max_size=6))
def test_a_client_outlives_any_bytes(framing: Framing, chunks: list[bytes]) -> None:
    async def talk() -> None:
        statistics: Counter[str] = Counter()
        line = Line(session_settings(1, framing).medium)
        line.connection_made(_Nowhere())
        question = asyncio.ensure_future(_asked(line, statistics))
        await asyncio.sleep(0)
        for chunk in chunks:
            line.data_received(chunk)
            assert line.held <= 600
        line.shut("the end")
        await question

    asyncio.run(talk())


class _Nowhere(asyncio.Transport):
    def write(self, data: object) -> None:
        pass

    def close(self) -> None:
        pass


async def _asked(line: Line, statistics: Counter[str]) -> None:
    try:
        await line.ask(1, b"\x03\0\0\0\x01", 1.0, statistics)
    except Exception as fault:
        assert type(fault).__name__ in ("ReplyInvalid", "ConnectionError")


@pytest.mark.parametrize("framing", FRAMINGS)
async def test_a_server_goes_on_after_any_bytes(framing: Framing) -> None:
    outstation = ModbusOutstation("o", server_settings(framing), own_rows(POINTS), Handler())
    await outstation.start()
    escaped: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: escaped.append(context))
    try:
        for seed in range(60):
            garbage = bytes((seed * 31 + i * i * 7) % 256 for i in range(5 * seed + 1))
            _, writer = await asyncio.open_connection("127.0.0.1", outstation.port)
            writer.write(garbage + bytes((1, 1 + seed % 50)) + garbage)
            await writer.drain()
            writer.close()
        request = "000100000006010400000001" if framing is Framing.TCP else "01040000000131ca"
        reader, writer = await asyncio.open_connection("127.0.0.1", outstation.port)
        writer.write(bytes.fromhex(request))
        async with asyncio.timeout(10):
            assert (await reader.readexactly(7))[-1] == (1 if framing is Framing.TCP else 0x30)
        writer.close()
    finally:
        loop.set_exception_handler(None)
        await outstation.stop()
    assert escaped == []
