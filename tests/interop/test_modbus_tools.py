"""mbpoll and modbus-tk, over TCP and serial lines: as clients of our server, and modbus-tk as our session's server."""

import asyncio
import shutil
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import modbus_tk.defines as word
import modbus_tk.hooks
import pytest
import serial
from modbus_tk import modbus_rtu, modbus_tcp

from protocols.modbus.media import Framing, Parity, SerialSettings
from protocols.modbus.server import ModbusOutstation
from protocols.modbus.session import ModbusSession
from protocols.modbus.settings import ModbusOutstationSettings, ModbusSessionSettings
from tests.interop.peer_processes import free_port
from tests.unit.protocols.modbus.making import (
    FIRST_ROW,
    Handler,
    Listener,
    command,
    eventually,
    own_rows,
    point,
    rows,
    running,
    session_settings,
)
from tests.unit.protocols.modbus.null_modem import null_modem
from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.commands import Accepted, AnalogValue, Crob, CrobOperation
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionLost

pytestmark = pytest.mark.interop

POINTS = [
    point("power", "analog_input", "float32", table="input_register", register="10"),
    point("swapped", "analog_input", "int32", table="input_register", register="12", word_order="little_swapped"),
    point("digits", "analog_input", "bcd16", table="input_register", register="14"),
    point("breaker", "binary_input", table="discrete_input", register="3"),
    point("setpoint", "analog_output", "int16", table="holding_register", register="300"),
    point("level", "analog_output", "float32", table="holding_register", register="302"),
    point("go", "binary_output", table="coil", register="7"),
]
ROW = {one.id.removeprefix("a."): FIRST_ROW + i for i, one in enumerate(POINTS)}
VALUES = [3.75, -70_000.0, 1234.0, 1.0]
SWAPPED = list(struct.unpack(">2H", struct.pack("<i", -70_000)))
POWER = list(struct.unpack(">2H", struct.pack(">f", 3.75)))
DEVICE_ID = 5


def fed(settings: ModbusOutstationSettings, handler: Handler) -> ModbusOutstation:
    outstation = ModbusOutstation("o", replace(settings, device_id=DEVICE_ID), own_rows(POINTS), handler)
    outstation.update(untimed_batch(range(4), VALUES, Quality.ONLINE, 0, Cause.CYCLIC))
    return outstation


def line(device: str) -> SerialSettings:
    return SerialSettings(device, 115_200, Parity.NONE)


@asynccontextmanager
async def ours(framing: Framing, handler: Handler) -> AsyncIterator[str]:
    """Our server; where a client finds it: a port, or the serial device of its end."""
    async with null_modem() as (near, far):
        serves = ModbusOutstationSettings(port=free_port())
        if framing is Framing.RTU:
            serves = ModbusOutstationSettings(framing=framing, serial=line(far))
        outstation = fed(serves, handler)
        await outstation.start()
        try:
            yield near if framing is Framing.RTU else str(serves.port)
        finally:
            await outstation.stop()


async def mbpoll(framing: Framing, where: str, *arguments: str) -> str:
    """What mbpoll says; device id and protocol addresses as they are on the wire."""
    rtu = ["-m", "rtu", "-b", "115200", "-P", "none", "-1", "-0", "-a", str(DEVICE_ID), where]
    tcp = ["-m", "tcp", "-p", where, "-1", "-0", "-a", str(DEVICE_ID), "127.0.0.1"]
    common = rtu if framing is Framing.RTU else tcp
    at = arguments.index("--") if "--" in arguments else len(arguments)  # what is to be written comes last
    process = await asyncio.create_subprocess_exec(
        "mbpoll",
        *arguments[:at],
        *common,
        *arguments[at:],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output.decode("utf-8", "replace")


@pytest.mark.skipif(shutil.which("mbpoll") is None, reason="needs Debian's mbpoll")
@pytest.mark.parametrize("framing", [Framing.TCP, Framing.RTU])
async def test_mbpoll_reads_and_writes_our_server(framing: Framing) -> None:
    handler = Handler()
    async with asyncio.timeout(60), ours(framing, handler) as where:
        assert "[10]: \t3.75" in await mbpoll(framing, where, "-t", "3:float", "-B", "-r", "10")
        assert "[3]: \t1" in await mbpoll(framing, where, "-t", "1", "-r", "3")
        assert "Written 1" in await mbpoll(framing, where, "-t", "4", "-r", "300", "--", "65531")
        assert "Written 1" in await mbpoll(framing, where, "-t", "4:float", "-B", "-r", "302", "--", "-55.5")
        assert "Written 1" in await mbpoll(framing, where, "-t", "0", "-r", "7", "--", "1")
        assert "Illegal data address" in await mbpoll(framing, where, "-t", "4", "-r", "900")
    assert [one.body for one in handler.commands] == [
        AnalogValue(-5),
        AnalogValue(-55.5),
        Crob(CrobOperation.LATCH_ON),
    ]


@pytest.mark.parametrize("framing", [Framing.TCP, Framing.RTU])
async def test_modbus_tks_client_reads_and_writes_our_server(framing: Framing) -> None:
    handler = Handler()

    def foreign(where: str) -> list[object]:
        if framing is Framing.RTU:
            master: Any = modbus_rtu.RtuMaster(serial.Serial(where, 115_200))
        else:
            master = modbus_tcp.TcpMaster("127.0.0.1", int(where))
        master.set_timeout(5.0)
        try:
            return [
                list(master.execute(DEVICE_ID, word.READ_INPUT_REGISTERS, 10, 5)),
                list(master.execute(DEVICE_ID, word.READ_DISCRETE_INPUTS, 3, 1)),
                master.execute(DEVICE_ID, word.WRITE_SINGLE_REGISTER, 300, output_value=0xFFFB),
                master.execute(DEVICE_ID, word.WRITE_MULTIPLE_REGISTERS, 302, output_value=POWER),
                master.execute(DEVICE_ID, word.WRITE_SINGLE_COIL, 7, output_value=1),
                list(master.execute(DEVICE_ID, word.READ_HOLDING_REGISTERS, 300, 4)),
            ]
        finally:
            master.close()

    async with asyncio.timeout(60), ours(framing, handler) as where:
        answers = await asyncio.to_thread(foreign, where)
    assert answers[0] == [*POWER, *SWAPPED, 0x1234]
    assert answers[1] == [1]
    assert answers[5] == [0xFFFB, 0, *POWER]
    assert [one.body for one in handler.commands] == [
        AnalogValue(-5),
        AnalogValue(3.75),
        Crob(CrobOperation.LATCH_ON),
    ]


async def _listening(port: int) -> None:
    """Return once a connection can be made."""
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise AssertionError("it never listened")


@asynccontextmanager
async def modbus_tk_server(framing: Framing) -> AsyncIterator[tuple[ModbusSessionSettings, Any]]:
    """Their server with our points' values, settings of a session with it, and the server's tables."""
    async with null_modem() as (near, far):
        if framing is Framing.RTU:
            server: Any = modbus_rtu.RtuServer(serial.Serial(far, 115_200))
            settings = ModbusSessionSettings("", 0, framing=framing, serial=line(near), timeout_s=5.0, period_s=0.05)
        else:
            port = free_port()
            server = modbus_tcp.TcpServer(port=port, address="127.0.0.1")
            settings = session_settings(port, timeout_s=5.0)
        slave = server.add_slave(DEVICE_ID)
        for name, kind, size in (
            ("coils", word.COILS, 100),
            ("discrete", word.DISCRETE_INPUTS, 100),
            ("holding", word.HOLDING_REGISTERS, 400),
            ("input", word.ANALOG_INPUTS, 100),
        ):
            slave.add_block(name, kind, 0, size)
        slave.set_values("input", 10, [*POWER, *SWAPPED, 0x1234])
        slave.set_values("discrete", 3, [1])
        await asyncio.to_thread(server.start)
        try:
            if framing is Framing.TCP:
                await _listening(settings.port)
            yield replace(settings, device_id=DEVICE_ID, max_gap=2), slave
        finally:
            await asyncio.to_thread(server.stop)


@pytest.mark.parametrize("framing", [Framing.TCP, Framing.RTU])
async def test_our_session_reads_and_commands_modbus_tks_server(framing: Framing) -> None:
    async with modbus_tk_server(framing) as (settings, slave):
        session = ModbusSession("s", replace(settings, read_back=True), rows(POINTS))
        async with running(session) as run:
            assert run.listener.batches[0].value[:4].tolist() == VALUES
            assert await session.operate(command(ROW["setpoint"], AnalogValue(-5))) == Accepted()
            assert await session.operate(command(ROW["level"], AnalogValue(3.75))) == Accepted()
            assert await session.operate(command(ROW["go"], Crob(CrobOperation.LATCH_ON))) == Accepted()
            assert (await run.listener.next()).value[4:].tolist() == [-5, 3.75, 1]
        assert list(slave.get_values("holding", 300, 4)) == [0xFFFB, 0, *POWER]
        assert session.statistics["writes_read_back"] == 3


@pytest.fixture
def spoiled() -> Iterator[Callable[[Callable[[bytes], bytes]], None]]:
    """Have modbus-tk spoil the PDU of every answer."""
    installed: list[Callable[..., object]] = []

    def spoil(change: Callable[[bytes], bytes]) -> None:
        def hook(arguments: tuple[object, bytes]) -> bytes:
            frame = arguments[1]
            pdu = change(frame[7:])
            return frame[:4] + (len(pdu) + 1).to_bytes(2, "big") + frame[6:7] + pdu

        installed.append(hook)
        modbus_tk.hooks.install_hook(HOOK, hook)

    yield spoil
    for hook in installed:
        modbus_tk.hooks.uninstall_hook(HOOK, hook)


HOOK = "modbus.Server.after_handle_request"


@pytest.mark.parametrize(
    "change",
    [lambda pdu: pdu[:1] + bytes((pdu[1] - 2,)) + pdu[2:-2], lambda pdu: bytes((pdu[0] ^ 7,)) + pdu[1:]],
    ids=["too few registers", "another function code"],
)
async def test_a_spoiled_answer_is_refused(change: object, spoiled: object) -> None:
    assert callable(change)
    assert callable(spoiled)
    async with modbus_tk_server(Framing.TCP) as (settings, _):
        spoiled(change)
        listener = Listener()
        session = ModbusSession("s", settings, rows(POINTS[:3]))
        with pytest.raises(SessionLost):
            await session.run(listener)
        assert session.statistics["replies_invalid"] >= 1
        assert not any((batch.quality & Quality.ONLINE).any() for batch in listener.batches)


async def test_both_ends_are_found_again_after_the_line_was_free() -> None:
    """The line is let go when a session ends: a foreign client can have it then."""
    handler = Handler()
    async with asyncio.timeout(60), null_modem() as (near, far):
        outstation = fed(ModbusOutstationSettings(framing=Framing.RTU, serial=line(far)), handler)
        await outstation.start()
        settings = ModbusSessionSettings("", 0, DEVICE_ID, Framing.RTU, 5.0, serial=line(near))
        try:
            async with running(ModbusSession("s", settings, rows(POINTS))) as run:
                assert run.listener.batches[0].value[:4].tolist() == VALUES
            await eventually(run.task.done)
            if shutil.which("mbpoll"):
                assert "[3]: \t1" in await mbpoll(Framing.RTU, near, "-t", "1", "-r", "3")
        finally:
            await outstation.stop()
