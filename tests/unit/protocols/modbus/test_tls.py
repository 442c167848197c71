"""MODBUS/TCP Security: who gets in, and what a role may write."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from protocols.modbus.certificates import role_of
from protocols.modbus.driver import DRIVER
from protocols.modbus.media import TlsSettings
from protocols.modbus.server import ModbusOutstation
from protocols.modbus.session import ModbusSession
from protocols.modbus.settings import ModbusOutstationSettings, Roles
from tests.unit.protocols.modbus.authority import Authority
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
from vppscada.model.commands import Accepted, AnalogValue, CommandStatus, Rejected
from vppscada.model.errors import SettingFaults
from vppscada.model.sessions import SessionLost

POINTS = [
    point("power", "analog_input", "int16", table="input_register", register="0"),
    point("setpoint", "analog_output", "int16", table="holding_register", register="0"),
    point("limit", "analog_output", "int16", table="holding_register", register="1"),
]
ROLES = Roles((("operator", ("a.set*",)), ("engineer", ("*",)), ("viewer", ())))


@asynccontextmanager
async def serving(tls: TlsSettings, roles: Roles | None = ROLES) -> AsyncIterator[tuple[ModbusOutstation, Handler]]:
    handler = Handler()
    settings = ModbusOutstationSettings(port=0, tls=tls, roles=roles)
    outstation = ModbusOutstation("o", settings, own_rows(POINTS), handler)
    await outstation.start()
    try:
        yield outstation, handler
    finally:
        await outstation.stop()


def session(port: int, tls: TlsSettings) -> ModbusSession:
    return ModbusSession("s", replace(session_settings(port), tls=tls), rows(POINTS))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.mark.parametrize("minimum", ["1.2", "1.3"])
async def test_a_client_with_a_good_certificate_reads_and_writes_what_its_role_may(
    authority: Authority, minimum: str
) -> None:
    async with serving(authority.settings("server", "127.0.0.1", minimum=minimum)) as (outstation, handler):
        client = session(outstation.port, authority.settings("client", role="operator"))
        async with running(client):
            assert await client.operate(command(FIRST_ROW + 1, AnalogValue(5))) == Accepted()
            refused = await client.operate(command(FIRST_ROW + 2, AnalogValue(6)))
        assert isinstance(refused, Rejected)
        assert refused.status is CommandStatus.NOT_SUPPORTED  # exception 1, as the specification has it
        assert [one.body for one in handler.commands] == [AnalogValue(5)]
        assert outstation.statistics["writes_not_authorised"] == 1


@pytest.mark.parametrize("role", ["viewer", "stranger", None])
async def test_a_role_that_is_given_nothing_writes_nothing(authority: Authority, role: str | None) -> None:
    async with serving(authority.settings("server", "127.0.0.1")) as (outstation, handler):
        client = session(outstation.port, authority.settings("client", role=role))
        async with running(client):
            assert isinstance(await client.operate(command(FIRST_ROW + 1, AnalogValue(5))), Rejected)
        assert handler.commands == []


async def test_without_roles_everybody_with_a_good_certificate_writes(authority: Authority) -> None:
    async with serving(authority.settings("server", "127.0.0.1"), roles=None) as (outstation, _):
        client = session(outstation.port, authority.settings("client"))
        async with running(client):
            assert await client.operate(command(FIRST_ROW + 2, AnalogValue(5))) == Accepted()


@pytest.mark.parametrize("expired", [False, True])
async def test_a_client_that_is_not_trusted_or_has_expired_gets_nothing(
    authority: Authority, tmp_path: Path, expired: bool
) -> None:
    strangers = Authority(tmp_path, "strangers")
    bad = authority.settings("client", expired=True) if expired else strangers.settings("client")
    async with serving(authority.settings("server", "127.0.0.1")) as (outstation, _):
        listener = Listener()
        with pytest.raises(SessionLost):
            await session(outstation.port, replace(bad, ca=authority.file)).run(listener)
        assert listener.batches == []
        await eventually(lambda: outstation.statistics["tls_handshakes_failed"] == 1)
        assert outstation.statistics["requests_received"] == 0


@pytest.mark.parametrize(
    ("kind", "reason"), [("stranger", "self-signed|unable to get"), ("expired", "expired"), ("name", "127.0.0.1")]
)
async def test_a_server_that_is_not_trusted_has_expired_or_is_another_is_refused(
    authority: Authority, tmp_path: Path, kind: str, reason: str
) -> None:
    servers = {
        "stranger": lambda: replace(Authority(tmp_path, "strangers").settings("server", "127.0.0.1")),
        "expired": lambda: authority.settings("server", "127.0.0.1", expired=True),
        "name": lambda: authority.settings("server", "10.0.0.1"),
    }
    async with serving(servers[kind]()) as (outstation, _):
        listener = Listener()
        with pytest.raises(SessionLost, match=reason):
            await session(outstation.port, authority.settings("client")).run(listener)
        assert listener.connected == 0


async def test_a_name_may_be_asked_for_or_not_matter(authority: Authority) -> None:
    async with serving(authority.settings("server", "plant.example")) as (outstation, _):
        for name in ("plant.example", "*"):
            async with running(session(outstation.port, authority.settings("client", peer_name=name))) as run:
                assert run.listener.batches


async def test_octets_without_a_handshake_cost_their_connection_only(authority: Authority) -> None:
    async with serving(authority.settings("server", "127.0.0.1")) as (outstation, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", outstation.port)
        writer.write(bytes.fromhex("000100000006010400000001"))
        answer = await reader.read(100)
        assert b"\x01\x04" not in answer[:8]  # an alert at most
        writer.close()
        await eventually(lambda: outstation.statistics["tls_handshakes_failed"] == 1)
        async with running(session(outstation.port, authority.settings("client"))) as run:
            assert run.listener.batches


async def test_a_certificate_that_cannot_be_used_is_said_so(authority: Authority, tmp_path: Path) -> None:
    settings = replace(authority.settings("client"), key=tmp_path / "none.key")
    with pytest.raises(SessionLost, match=r"none\.key"):
        await session(1, settings).run(Listener())
    with pytest.raises(OSError, match=r"none\.key"):
        async with serving(settings):
            pass


def _der(settings: TlsSettings) -> bytes:
    return ssl.PEM_cert_to_DER_cert(settings.certificate.read_text())


def test_the_role_is_the_text_of_the_extension(authority: Authority) -> None:
    assert role_of(_der(authority.settings("a", role="Betriebsführer"))) == "Betriebsführer"
    assert role_of(_der(authority.settings("b"))) == ""


@pytest.mark.parametrize("octets", [b"\x0c", b"\x0c\x05abc", b"\x13\x03abc", b"\x0c\x02\xff\xfe", b"\x0c\x81\x01a"])
def test_an_extension_that_is_no_text_gives_no_role(authority: Authority, octets: bytes) -> None:
    assert role_of(_der(authority.settings("a", octets=octets))) == ""


def test_octets_that_are_no_certificate_have_no_role() -> None:
    assert role_of(b"") == ""
    assert role_of(b"\x30\x03abc") == ""


FILES = {"certificate": "c.pem", "key": "c.key", "ca": "ca.pem"}


def test_tls_has_its_own_port_and_needs_its_files() -> None:
    settings = DRIVER.read_session({"host": "h", "medium": "tls", **FILES})
    assert settings.port == 802
    assert settings.tls == TlsSettings(Path("c.pem"), Path("c.key"), Path("ca.pem"))
    with pytest.raises(SettingFaults) as caught:
        DRIVER.read_session({"host": "h", "medium": "tls", "framing": "rtu_over_tcp", "tls_minimum": "1.1"})
    assert {fault.key for fault in caught.value.faults} == {*FILES, "framing", "tls_minimum"}


def test_roles_are_read_from_the_table_of_a_server() -> None:
    table = {"medium": "tls", **FILES, "roles": {"operator": ["a.*"], "": []}}
    roles = DRIVER.read_outstation(table).roles
    assert roles is not None
    assert roles.may_write("operator", "a.setpoint")
    assert not roles.may_write("operator", "b.setpoint")
    assert not roles.may_write("", "a.setpoint")
    nobody = DRIVER.read_outstation({**table, "roles": {}}).roles
    assert nobody is not None
    assert not nobody.may_write("operator", "a.setpoint")
    with pytest.raises(SettingFaults, match="roles"):
        DRIVER.read_outstation({**table, "roles": {"operator": "a.*"}})
    with pytest.raises(SettingFaults, match="roles"):
        DRIVER.read_outstation({"roles": {"operator": ["*"]}})
