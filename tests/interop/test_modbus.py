"""Our session against foreign servers, foreign clients against our server: pyModbusTCP and pymodbus."""

import asyncio
import struct
from collections.abc import Iterator

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from pyModbusTCP.client import ModbusClient
from pyModbusTCP.server import DataBank, ModbusServer

from protocols.modbus.media import Framing
from protocols.modbus.server import ModbusOutstation
from protocols.modbus.session import ModbusSession
from tests.unit.protocols.modbus.making import (
    FIRST_ROW,
    Handler,
    command,
    own_rows,
    point,
    rows,
    running,
    server_settings,
    session_settings,
)
from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.commands import Accepted, AnalogValue, Crob, CrobOperation
from vppscada.model.quality import Quality

pytestmark = pytest.mark.interop

POINTS = [
    point("power", "analog_input", "float32", table="input_register", register="10"),
    point("turned", "analog_input", "int32", table="input_register", register="12", word_order="little"),
    point("word", "analog_input", "uint16", table="holding_register", register="200"),
    point("bit", "binary_input", "bitfield16", table="holding_register", register="201", bit="2"),
    point("breaker", "binary_input", table="discrete_input", register="3"),
    point("setpoint", "analog_output", "float32", table="holding_register", register="300"),
    point("narrow", "analog_output", "int16", table="holding_register", register="302"),
    point("go", "binary_output", table="coil", register="7"),
]
ROW = {one.id.removeprefix("a."): FIRST_ROW + i for i, one in enumerate(POINTS)}
VALUES = [3.75, -70_000.0, 1234.0, 1.0, 1.0]
POWER = list(struct.unpack(">2H", struct.pack(">f", 3.75)))
TURNED = list(struct.unpack(">2H", struct.pack(">i", -70_000)))[::-1]
SETPOINT = list(struct.unpack(">2H", struct.pack(">f", -55.5)))


@pytest.fixture
def foreign_server() -> Iterator[tuple[int, DataBank]]:
    bank = DataBank(coils_size=400, d_inputs_size=400, h_regs_size=400, i_regs_size=400)
    bank.set_input_registers(10, POWER + TURNED)
    bank.set_holding_registers(200, [1234, 4])
    bank.set_discrete_inputs(3, [True])
    server = ModbusServer(host="127.0.0.1", port=0, no_block=True, data_bank=bank)
    server.start()
    yield server._service.server_address[1], bank
    server.stop()


async def check_reads_and_writes(session: ModbusSession) -> None:
    """The session reads what the foreign server holds and has its writes accepted."""
    async with running(session) as run:
        batch = run.listener.batches[0]
        assert batch.value[:5].tolist() == VALUES
        assert set(batch.quality.tolist()) == {Quality.ONLINE}
        assert await session.operate(command(ROW["setpoint"], AnalogValue(-55.5))) == Accepted()
        assert await session.operate(command(ROW["narrow"], AnalogValue(-5))) == Accepted()
        assert await session.operate(command(ROW["go"], Crob(CrobOperation.LATCH_ON))) == Accepted()
        assert (await run.listener.next()).value[5:].tolist() == [-55.5, -5, 1]


async def test_our_session_reads_and_writes_pymodbustcps_server(foreign_server: tuple[int, DataBank]) -> None:
    port, bank = foreign_server
    await check_reads_and_writes(ModbusSession("s", session_settings(port, max_gap=4), rows(POINTS)))
    assert bank.get_holding_registers(300, 3) == [*SETPOINT, 0xFFFB]
    assert bank.get_coils(7, 1) == [True]


@pytest.mark.parametrize("framing", [Framing.TCP, Framing.RTU_OVER_TCP])
async def test_our_session_reads_and_writes_pymodbus_server(framing: Framing) -> None:
    device = SimDevice(
        1,
        simdata=(
            [SimData(0, values=[False] * 16, datatype=DataType.BITS)],
            [SimData(0, values=[False, False, False, True] + [False] * 12, datatype=DataType.BITS)],
            [
                SimData(200, values=[1234, 4], datatype=DataType.REGISTERS),
                SimData(300, values=[0] * 3, datatype=DataType.REGISTERS),
            ],
            [SimData(10, values=POWER + TURNED, datatype=DataType.REGISTERS)],
        ),
    )
    framer = FramerType.SOCKET if framing is Framing.TCP else FramerType.RTU
    server = ModbusTcpServer(device, framer=framer, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    try:
        assert isinstance(server.transport, asyncio.Server)
        port = server.transport.sockets[0].getsockname()[1]
        await check_reads_and_writes(ModbusSession("s", session_settings(port, framing, max_gap=4), rows(POINTS)))
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


async def fed_server(handler: Handler, framing: Framing = Framing.TCP) -> ModbusOutstation:
    outstation = ModbusOutstation("o", server_settings(framing), own_rows(POINTS), handler)
    await outstation.start()
    outstation.update(untimed_batch(range(5), VALUES, Quality.ONLINE, 0, Cause.CYCLIC))
    return outstation


async def test_pymodbustcps_client_reads_and_writes_our_server() -> None:
    handler = Handler()
    outstation = await fed_server(handler)
    client = ModbusClient(host="127.0.0.1", port=outstation.port, unit_id=1, timeout=5)

    def foreign() -> list[object]:
        return [
            client.read_input_registers(10, 4),
            client.read_holding_registers(200, 2),
            client.read_discrete_inputs(3, 1),
            client.write_multiple_registers(300, SETPOINT),
            client.write_single_register(302, 0xFFFB),
            client.write_single_coil(7, True),
            client.write_multiple_coils(7, [False]),
            client.read_holding_registers(300, 3),
            client.write_single_register(200, 1),
            client.last_except,
        ]

    try:
        answers = await asyncio.to_thread(foreign)
    finally:
        client.close()
        await outstation.stop()
    assert answers == [
        POWER + TURNED,
        [1234, 4],
        [True],
        True,
        True,
        True,
        True,
        [*SETPOINT, 0xFFFB],
        False,
        2,
    ]
    assert [one.body for one in handler.commands[:2]] == [AnalogValue(-55.5), AnalogValue(-5)]
    assert len(handler.commands) == 4


@pytest.mark.parametrize("framing", [Framing.TCP, Framing.RTU_OVER_TCP])
async def test_pymodbus_client_reads_and_writes_our_server(framing: Framing) -> None:
    handler = Handler()
    outstation = await fed_server(handler, framing)
    framer = FramerType.SOCKET if framing is Framing.TCP else FramerType.RTU
    client = AsyncModbusTcpClient("127.0.0.1", port=outstation.port, framer=framer)
    try:
        assert await client.connect()
        registers = (await client.read_input_registers(10, count=4, device_id=1)).registers
        assert client.convert_from_registers(registers[:2], client.DATATYPE.FLOAT32) == 3.75
        assert client.convert_from_registers(registers[2:], client.DATATYPE.INT32, word_order="little") == -70_000
        assert (await client.read_discrete_inputs(3, count=1, device_id=1)).bits[0]
        assert not (await client.write_registers(300, SETPOINT, device_id=1)).isError()
        assert not (await client.write_coils(7, [True], device_id=1)).isError()
        assert (await client.write_register(200, 1, device_id=1)).exception_code == 2
    finally:
        client.close()
        await outstation.stop()
    assert handler.commands[0].body == AnalogValue(-55.5)
