"""opendnp3 on the other side of TLS, and of user data that link layers confirm; both roles of ours."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from protocols.dnp3.channels import TCP_SERVER, MediumKind, TlsSettings, Transport
from protocols.dnp3.link_sending import LinkSettings
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from tests.interop.peer_processes import peer_process
from tests.interop.test_dnp3_outstation import opendnp3_master, until
from tests.unit.protocols.dnp3.association import Field, command, outstation, running, serving, session, show
from tests.unit.protocols.dnp3.channels.authority import Authority
from vppscada.model.commands import Accepted

pytest.importorskip("opendnp3")
pytestmark = pytest.mark.interop
CONFIRMED = LinkSettings("always", retries=2, timeout_s=0.5)


@pytest.fixture
def port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    yield number


def files(tls: TlsSettings) -> list[str]:
    return [str(tls.ca), str(tls.certificate), str(tls.key)]


async def test_our_master_reads_and_commands_an_outstation_over_tls(port: int, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    peer_files = files(authority.settings("outstation", "127.0.0.1"))
    arguments = ("tests.interop.opendnp3_outstation_peer", str(port), "10", "loud", *peer_files)
    transport = Transport(MediumKind.TLS, tls=authority.settings("master"))
    link = session(Dnp3SessionSettings("127.0.0.1", port, transport=transport))
    async with peer_process(port, *arguments) as peer, running(link) as [listener]:
        await peer.said("ready")
        await listener.has_started(1)
        assert listener.states[-1] == 0.0
        assert await link.operate(command()) == Accepted()
        assert await peer.said("crob") == "crob 0 LATCH_ON SelectBeforeOperate"
        peer.tell("analog 0 7")
        await listener.has_heard(7.0)


async def test_our_outstation_answers_and_reports_over_tls(port: int, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    transport = Transport(MediumKind.TLS, TCP_SERVER.role, tls=authority.settings("outstation", "127.0.0.1"))
    station = outstation(Dnp3OutstationSettings(port=port, transport=transport))
    async with serving(station):
        show(station, 1.5)
        async with opendnp3_master(port, "lan", *files(authority.settings("master"))) as master:
            await until(lambda: master.values.get((30, 0)) == 1.5)
            show(station, 2.5)
            await until(lambda: [event[3] for event in master.events][-1:] == [2.5])
            assert (await master.command("crob select 0 LATCH_ON"))[0][-1] == "SUCCESS"


async def test_our_outstation_refuses_a_master_of_another_authority(port: int, tmp_path: Path) -> None:
    authority, elsewhere = Authority(tmp_path), Authority(tmp_path, "elsewhere")
    transport = Transport(MediumKind.TLS, TCP_SERVER.role, tls=authority.settings("outstation", "127.0.0.1"))
    station = outstation(Dnp3OutstationSettings(port=port, transport=transport))
    stranger = replace(elsewhere.settings("master"), ca=authority.file)
    async with serving(station), opendnp3_master(port, "lan", *files(stranger)) as master:
        await until(lambda: station.statistics["tls_handshakes_failed"] > 0)
        assert station.statistics["connections_accepted"] == 0
        assert not master.values


async def test_our_master_sends_user_data_that_their_link_layer_confirms(port: int) -> None:
    link = session(Dnp3SessionSettings("127.0.0.1", port, link=CONFIRMED, keepalive_s=0.3))
    arguments = ("tests.interop.opendnp3_outstation_peer", str(port), "10")
    async with peer_process(port, *arguments) as peer, running(link) as [listener]:
        await peer.said("ready")
        await listener.has_started(1)
        assert await link.operate(command()) == Accepted()
        assert await peer.said("crob") == "crob 0 LATCH_ON SelectBeforeOperate"
        await listener.until(lambda: listener.started == 1)
        await until(lambda: link.statistics["keepalives_sent"] > 1)
        assert link.statistics["link_answers_received"] > 5
        assert link.statistics["link_confirms_missed"] == 0
        assert listener.connected == 1


async def test_our_outstation_sends_user_data_that_their_link_layer_confirms() -> None:
    field = Field()
    station = outstation(Dnp3OutstationSettings(port=0, link=CONFIRMED, keepalive_s=0.3), field)
    async with serving(station):
        show(station, 1.5)
        async with opendnp3_master(station.port) as master:
            await until(lambda: master.values.get((30, 0)) == 1.5)
            for value in range(10):
                show(station, float(value))
                await until(lambda value=value: [event[3] for event in master.events][-1:] == [value])  # type: ignore[misc]
            assert (await master.command("crob select 0 LATCH_ON"))[0][-1] == "SUCCESS"
            assert field.told == ["select", "operate"]
            await until(lambda: station.statistics["keepalives_sent"] > 1)
            assert station.statistics["link_confirms_missed"] == 0
            assert station.statistics["link_answers_received"] > 10
