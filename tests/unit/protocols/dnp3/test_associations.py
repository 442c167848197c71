"""Integrity, commands and events between our master and our outstation: each medium, each role, both kinds of link."""

import contextlib
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from protocols.dnp3.channels import Medium, MediumKind, MediumRole, facing
from protocols.dnp3.link_sending import LinkSettings
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from tests.unit.protocols.dnp3.association import Field, command, outstation, running, serving, session, show
from tests.unit.protocols.dnp3.channels.media import media, null_modem
from vppscada.model.commands import Accepted

KINDS = tuple(MediumKind)


def free_port(kind: MediumKind) -> int:
    with socket.socket(type=socket.SOCK_DGRAM if kind is MediumKind.UDP else socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def settings(
    client: Medium, server: Medium, dialling: str, link: LinkSettings
) -> tuple[Dnp3SessionSettings, Dnp3OutstationSettings]:
    """Those of both stations, where ``dialling`` is the client."""
    masters, outstations = (client, server) if dialling == "master" else (server, client)
    return (
        Dnp3SessionSettings(masters.host, masters.port, transport=masters.transport, link=link),
        # an outstation that dials must make itself heard where a peer is known by what it sends
        Dnp3OutstationSettings(
            outstations.host, outstations.port, transport=outstations.transport, link=link, keepalive_s=0.2
        ),
    )


@pytest.mark.parametrize("confirm", ["never", "always"])
@pytest.mark.parametrize("dialling", ["master", "outstation"])
@pytest.mark.parametrize("kind", KINDS)
async def test_integrity_commands_and_events(kind: MediumKind, dialling: str, confirm: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        devices = stack.enter_context(null_modem()) if kind is MediumKind.SERIAL else ("", "")
        port = free_port(kind)
        client, server = media(kind, tmp_path, port, devices)
        master, other = settings(client, server, dialling, LinkSettings(confirm))
        field = Field()
        station, link = outstation(other, field), session(master)
        async with serving(station):
            show(station, 1.25)
            async with running(link) as [listener]:
                await listener.until(lambda: listener.started > 0)
                assert listener.states[-1] == 1.25
                assert await link.operate(command()) == Accepted()
                assert field.told == ["select", "operate"]
                show(station, 2.5)
                show(station, 5.0)
                await listener.until(lambda: listener.events[-2:] == [2.5, 5.0])
        assert link.statistics["path"] == 0
        confirmed = [counts["link_answers_received"] > 3 for counts in (link.statistics, station.statistics)]
        assert confirmed == [confirm == "always"] * 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", list(MediumRole))
def test_the_outstation_of_a_session_stands_at_the_other_end(
    kind: MediumKind, role: MediumRole, tmp_path: Path
) -> None:
    medium, _ = media(kind, tmp_path, 20000, ("/dev/near", "/dev/near"))
    ours = replace(medium.transport, role=role)
    if ours.serial is not None:
        ours = replace(ours, serial=replace(ours.serial, far_device="/dev/far"))
    theirs = facing(ours)
    assert theirs.role is not ours.role
    assert theirs.kind is ours.kind
    if theirs.serial is not None:
        assert (theirs.serial.device, theirs.serial.far_device) == ("/dev/far", "/dev/near")
