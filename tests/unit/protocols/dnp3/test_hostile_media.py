"""Peers that mean no good, on each medium: garbage, half frames, silence. Good ones are served beside them."""

import asyncio
import contextlib
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from protocols.dnp3.channels import Channel, Medium, MediumKind, connect, listen
from protocols.dnp3.link import DIR, PRM, Primary, build_frame
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from tests.unit.protocols.dnp3.association import PATIENCE_S, Listener, outstation, running, serving, session, show
from tests.unit.protocols.dnp3.channels.media import media, null_modem
from tests.unit.protocols.dnp3.test_associations import free_port
from vppscada.model.sessions import SessionLost

KINDS = (MediumKind.TCP, MediumKind.TLS, MediumKind.UDP)


def noise(seed: int) -> list[bytes]:
    """Octets of every sort of wrong: none of it a request."""
    chance = random.Random(seed)
    frame = build_frame(DIR | PRM | Primary.UNCONFIRMED_USER_DATA, 10, 1, chance.randbytes(100))
    broken = bytearray(frame)
    broken[chance.randrange(len(frame))] ^= 1 << chance.randrange(8)
    return [
        chance.randbytes(2000),
        b"\x05\x64" * 500,
        bytes(broken),
        frame[: chance.randrange(1, len(frame))],
        build_frame(DIR | PRM | Primary.UNCONFIRMED_USER_DATA, 99, 1, chance.randbytes(50)),
        build_frame(PRM | Primary.UNCONFIRMED_USER_DATA, 10, 1, chance.randbytes(50)),
        b"GET / HTTP/1.1\r\n\r\n",
    ]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_outstation_serves_its_master_beside_peers_that_talk_nonsense(
    kind: MediumKind, tmp_path: Path
) -> None:
    port = free_port(kind)
    client, server = media(kind, tmp_path, port)
    station = outstation(Dnp3OutstationSettings(port=port, transport=server.transport))
    link = session(Dnp3SessionSettings("127.0.0.1", port, transport=client.transport))
    async with serving(station), contextlib.AsyncExitStack() as stack:
        show(station, 0.0)
        async with running(link) as [listener]:
            await listener.has_started(1)
            for round_ in range(6):
                hostile = await connect(client, Counter())
                stack.push_async_callback(hostile.close)
                for octets in noise(round_):
                    hostile.write(octets)
                show(station, float(round_ + 1))
                await listener.has_heard(float(round_ + 1))
            assert listener.connected == 1
        assert station.statistics["connections_failed"] == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_session_gives_up_an_outstation_that_talks_nonsense(kind: MediumKind, tmp_path: Path) -> None:
    client, server = media(kind, tmp_path)
    talks: list[asyncio.Task[None]] = []

    async def talk(channel: Channel) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await channel.read()
                for octets in noise(len(talks)):
                    channel.write(octets)
                await channel.drain()

    def accept(channel: Channel) -> None:
        talks.append(asyncio.ensure_future(talk(channel)))

    listener = await listen(server, accept, Counter())
    settings = Dnp3SessionSettings("127.0.0.1", listener.port, transport=client.transport, read_retries=0)
    link = session(replace(settings, response_timeout_s=0.2))
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(SessionLost):
            await link.run(Listener())
    assert link.statistics["octets_skipped"] > 0
    for task in talks:
        task.cancel()
    await asyncio.gather(*talks, return_exceptions=True)
    await listener.close()


async def test_noise_on_a_serial_line_costs_time_and_nothing_else(tmp_path: Path) -> None:
    with null_modem() as devices:
        near, far = media(MediumKind.SERIAL, tmp_path, 0, devices)
        station = outstation(Dnp3OutstationSettings(transport=far.transport))
        settings = Dnp3SessionSettings("", transport=near.transport, response_timeout_s=0.3, class1_period_s=0.05)
        link = session(settings)
        async with serving(station), running(link) as [listener]:
            show(station, 0.0)
            await listener.has_started(1)
            # what a line that is being plugged in does to both stations
            path = Path(devices[1])
            for round_ in range(5):
                with path.open("wb", buffering=0) as line:  # noqa: ASYNC230  # a pseudo terminal takes it at once
                    for octets in noise(round_):
                        line.write(octets)
                show(station, float(round_ + 1))
                await listener.until(lambda wanted=float(round_ + 1): wanted in listener.events + listener.states)  # type: ignore[misc]
        assert link.statistics["octets_skipped"] > 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_silent_outstation_is_lost_within_its_timeouts(kind: MediumKind, tmp_path: Path) -> None:
    client, server = media(kind, tmp_path)
    held: list[Channel] = []
    listener = await listen(server, held.append, Counter())
    medium = Medium(client.transport, "127.0.0.1", listener.port)
    settings = Dnp3SessionSettings(medium.host, medium.port, transport=medium.transport, read_retries=0)
    link = session(replace(settings, response_timeout_s=0.1))
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(SessionLost, match="no "):
            await link.run(Listener())
    for channel in held:
        channel.abort("over")
    await listener.close()
