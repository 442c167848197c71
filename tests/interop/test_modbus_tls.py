"""MODBUS/TCP Security with peers that are not ours: stunnel (OpenSSL's TLS) before mbpoll and a pyModbusTCP server."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyModbusTCP.server import ModbusServer

from protocols.modbus.media import TlsSettings
from protocols.modbus.session import ModbusSession
from tests.interop.peer_processes import PATIENCE_S, free_port
from tests.unit.protocols.modbus.authority import Authority
from tests.unit.protocols.modbus.making import FIRST_ROW, Listener, command, point, rows, running, session_settings
from tests.unit.protocols.modbus.test_tls import serving
from vppscada.model.commands import Accepted, AnalogValue
from vppscada.model.sessions import SessionLost

pytestmark = pytest.mark.interop

POINTS = [
    point("power", "analog_input", "int16", table="input_register", register="0"),
    point("setpoint", "analog_output", "int16", table="holding_register", register="0"),
]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextlib.asynccontextmanager
async def stunnel(
    folder: Path, accept: int, connect: int, shown: TlsSettings, *, is_client: bool, minimum: str = "TLSv1.2"
) -> AsyncIterator[None]:
    """One that speaks plain Modbus on one side and TLS on the other; it demands a certificate of its peer too."""
    program = shutil.which("stunnel4") or shutil.which("stunnel")
    assert program, "no stunnel: .ci/run says which package brings it"
    lines = [
        "foreground = yes", f"pid = {folder / 'stunnel.pid'}", "debug = warning", "[modbus]",
        f"client = {'yes' if is_client else 'no'}", f"accept = 127.0.0.1:{accept}", f"connect = 127.0.0.1:{connect}",
        f"cert = {shown.certificate}", f"key = {shown.key}", f"CAfile = {shown.ca}", "verifyChain = yes",
        f"sslVersionMin = {minimum}",
    ]  # fmt: skip
    file = folder / f"stunnel{accept}.conf"
    file.write_text("\n".join(lines) + "\n")
    process = await asyncio.create_subprocess_exec(program, str(file), stderr=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await _listens(accept):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        yield
    finally:
        process.kill()
        await process.wait()


async def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False


async def mbpoll(port: int, *words: str) -> tuple[int, str]:
    """Status and output of one call."""
    process = await asyncio.create_subprocess_exec(
        "mbpoll", "-m", "tcp", "-p", str(port), "-0", "-1", "-o", "2", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.mark.parametrize("minimum", ["TLSv1.2", "TLSv1.3"])
async def test_a_foreign_client_writes_what_its_role_may(tmp_path: Path, authority: Authority, minimum: str) -> None:
    async with serving(authority.settings("server", "127.0.0.1")) as (outstation, handler):
        for role, may in (("operator", True), ("viewer", False), (None, False)):
            port, shown = free_port(), authority.settings(f"client-{role}", role=role)
            async with stunnel(tmp_path, port, outstation.port, shown, is_client=True, minimum=minimum):
                status, output = await mbpoll(port, "-t", "3", "-r", "0", "127.0.0.1")
                assert status == 0 and "[0]:" in output
                status, output = await mbpoll(port, "-t", "4", "-r", "0", "127.0.0.1", "5")
                assert (status == 0) is may, output
                assert may or "Illegal function" in output
        assert [one.body for one in handler.commands] == [AnalogValue(5)]
        assert outstation.statistics["writes_not_authorised"] == 2


async def test_a_foreign_client_without_a_good_certificate_reads_nothing(tmp_path: Path, authority: Authority) -> None:
    strangers = Authority(tmp_path, "strangers")
    past = authority.settings("past", role="operator", expired=True)
    unknown = replace(strangers.settings("unknown", role="operator"), ca=authority.file)
    async with serving(authority.settings("server", "127.0.0.1")) as (outstation, handler):
        for shown in (past, unknown):
            port = free_port()
            async with stunnel(tmp_path, port, outstation.port, shown, is_client=True):
                status, _ = await mbpoll(port, "-t", "3", "-r", "0", "127.0.0.1")
                assert status != 0
        status, _ = await mbpoll(outstation.port, "-t", "3", "-r", "0", "127.0.0.1")  # no TLS at all
        assert status != 0
        assert handler.commands == [] and outstation.statistics["requests_received"] == 0


async def test_our_session_reads_and_writes_at_a_foreign_server(tmp_path: Path, authority: Authority) -> None:
    plain, port = free_port(), free_port()
    server = ModbusServer("127.0.0.1", plain, no_block=True)
    server.start()
    try:
        server.data_bank.set_input_registers(0, [321])
        shown = authority.settings("device", "127.0.0.1")
        async with stunnel(tmp_path, port, plain, shown, is_client=False):
            ours = authority.settings("station", role="operator")
            session = ModbusSession("s", replace(session_settings(port), tls=ours), rows(POINTS))
            async with running(session) as live:
                await live.listener.until(lambda batch: batch.value[0] == 321.0)
                assert await session.operate(command(FIRST_ROW + 1, AnalogValue(7))) == Accepted()
            assert server.data_bank.get_holding_registers(0, 1) == [7]
            strangers = Authority(tmp_path, "strangers").settings("other", role="operator")
            for refused in (replace(strangers, ca=authority.file), replace(ours, ca=strangers.ca)):
                one = ModbusSession("s", replace(session_settings(port), tls=refused), rows(POINTS))
                listener = Listener()
                with pytest.raises(SessionLost):
                    await asyncio.wait_for(one.run(listener), PATIENCE_S)
                assert listener.batches == []
    finally:
        server.stop()
