"""libmodbus' unit test server and client, as their authors wrote them, and mbpoll, which is made of it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from protocols.modbus.media import Framing, Parity, SerialSettings
from protocols.modbus.server import ModbusOutstation
from protocols.modbus.session import ModbusSession
from protocols.modbus.settings import ModbusOutstationSettings, ModbusSessionSettings
from tests.interop.libmodbus import (
    BITS,
    INPUT_BITS,
    INPUT_REGISTERS,
    REGISTERS,
    SERVER_ID,
    TOO_FEW_OF,
    build,
    is_there,
    started,
)
from tests.interop.peer_processes import free_port
from tests.unit.protocols.modbus.making import (
    FIRST_ROW,
    Handler,
    Listener,
    command,
    own_rows,
    point,
    rows,
    running,
    session_settings,
)
from tests.unit.protocols.modbus.null_modem import null_modem
from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.commands import Accepted, AnalogValue, Crob, CrobOperation
from vppscada.model.points import Point
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionLost

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(not is_there(), reason="needs gcc and Debian's libmodbus-dev"),
]

INPUT_BIT_OCTETS = bytes((0xAC, 0xDB, 0x35))
POINTS = [
    *(point(f"d{i}", "binary_input", table="discrete_input", register=str(INPUT_BITS + i)) for i in range(0x16)),
    point("input", "analog_input", "uint16", table="input_register", register=str(INPUT_REGISTERS)),
    point("coil", "binary_output", table="coil", register=str(BITS)),
    point("level", "analog_output", "float32", table="holding_register", register=str(REGISTERS), word_order="little"),
    point("bit", "binary_output", "bitfield16", table="holding_register", register=str(REGISTERS + 2), bit="9"),
]
ROW = {one.id.removeprefix("a."): FIRST_ROW + i for i, one in enumerate(POINTS)}


@asynccontextmanager
async def libmodbus_server(folder: Path, framing: Framing) -> AsyncIterator[ModbusSessionSettings]:
    """Their server, and settings of a session with it."""
    if framing is Framing.TCP:
        port = free_port()
        async with started(build("unit-test-server", folder, port)):
            yield replace(session_settings(port, timeout_s=5.0), max_gap=0, mask_write=True)
        return
    async with null_modem() as (near, far), started(build("unit-test-server", folder, 1, far), "rtu"):
        line = SerialSettings(near, 115_200, Parity.NONE)
        yield ModbusSessionSettings(
            "", 0, SERVER_ID, Framing.RTU, 5.0, period_s=0.05, max_gap=0, mask_write=True, serial=line
        )


@asynccontextmanager
async def connected(
    settings: ModbusSessionSettings, points: list[Point]
) -> AsyncIterator[tuple[ModbusSession, Listener]]:
    """A session that is online; the server may need a moment to listen."""
    for left in range(100, -1, -1):
        session = ModbusSession("s", settings, rows(points))
        try:
            async with running(session) as run:
                yield session, run.listener
                return
        except SessionLost as lost:
            if not left or "cannot connect" not in str(lost):
                raise
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("framing", [Framing.TCP, Framing.RTU])
async def test_our_session_reads_and_commands_their_server(tmp_path: Path, framing: Framing) -> None:
    async with (
        libmodbus_server(tmp_path, framing) as settings,
        connected(settings, POINTS) as (session, listener),
    ):
        values = listener.batches[0].value
        bits = [INPUT_BIT_OCTETS[i // 8] >> i % 8 & 1 for i in range(0x16)]
        assert values[:0x16].tolist() == bits
        assert values[0x16] == 0x0A
        assert await session.operate(command(ROW["coil"], Crob(CrobOperation.LATCH_ON))) == Accepted()
        assert await session.operate(command(ROW["level"], AnalogValue(-123.5))) == Accepted()
        assert await session.operate(command(ROW["bit"], Crob(CrobOperation.LATCH_ON))) == Accepted()
        assert (await listener.next()).value[0x17:].tolist() == [1, -123.5, 1]


async def test_an_answer_with_too_few_registers_is_refused(tmp_path: Path) -> None:
    wide = [point("wide", "analog_input", "uint32", table="holding_register", register=str(REGISTERS))]
    assert wide[0].address.registers == TOO_FEW_OF  # type: ignore[attr-defined]
    async with libmodbus_server(tmp_path, Framing.TCP) as settings:
        listener = Listener()
        session = ModbusSession("s", settings, rows(wide))
        for _ in range(100):
            with pytest.raises(SessionLost) as lost:
                await session.run(listener)
            if "cannot connect" not in str(lost.value):
                break
            await asyncio.sleep(0.05)
        assert session.statistics["replies_invalid"] == 1
        assert listener.batches
        assert not any(batch.quality[0] & Quality.ONLINE for batch in listener.batches)


def served_points() -> list[Point]:
    """What their client expects of a server; the tables begin where its own do."""
    return [
        *(point(f"c{i}", "binary_output", table="coil", register=str(BITS + i)) for i in range(0x25)),
        *(point(f"d{i}", "binary_input", table="discrete_input", register=str(INPUT_BITS + i)) for i in range(0x16)),
        *(
            point(f"h{i}", "analog_output", "uint16", table="holding_register", register=str(REGISTERS + i))
            for i in range(0x20)
        ),
        point("input", "analog_input", "uint16", table="input_register", register=str(INPUT_REGISTERS)),
    ]


def fed(settings: ModbusOutstationSettings, handler: Handler) -> ModbusOutstation:
    points = served_points()
    outstation = ModbusOutstation("o", settings, own_rows(points), handler)
    first = 0x25
    bits = [float(INPUT_BIT_OCTETS[i // 8] >> i % 8 & 1) for i in range(0x16)]
    outstation.update(untimed_batch(range(first, first + 0x16), bits, Quality.ONLINE, 0, Cause.CYCLIC))
    outstation.update(untimed_batch([len(points) - 1], [10.0], Quality.ONLINE, 0, Cause.CYCLIC))
    return outstation


async def said_by(program: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode("utf-8", "replace")


async def test_their_client_is_content_with_our_server_up_to_what_no_server_but_theirs_does(tmp_path: Path) -> None:
    port = free_port()
    outstation = fed(ModbusOutstationSettings("127.0.0.1", port), Handler())
    await outstation.start()
    try:
        told = await said_by(build("unit-test-client", tmp_path, port), "tcp")
    finally:
        await outstation.stop()
    assert told.count("OK\n") >= 60
    # the first of its tests of replies that only its own server spoils
    assert re.search(r"modbus_write_bit \(triggers invalid reply\):\s+Line \d+: assertion error", told)
    assert told.count("assertion error") == 1
