"""UDP: whole frames in datagrams, who counts as a peer, and floods."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from protocols.dnp3.channels import READ_HIGH_WATER, Channel, ChannelClosed, Medium, MediumKind, Transport, connect
from protocols.dnp3.channels.frame_lengths import begins_a_frame, frame_octets, in_whole_frames
from protocols.dnp3.channels.medium import MediumRole
from protocols.dnp3.channels.udp import MAX_DATAGRAM, MAX_PEERS, UdpServer, listen_udp
from protocols.dnp3.link import MAX_FRAME_OCTETS, build_frame
from tests.unit.protocols.dnp3.channels.media import FRAME, PATIENCE_S, joined


class Bound:
    def __init__(self, server: UdpServer, channels: asyncio.Queue[Channel], statistics: Counter[str]) -> None:
        self.server, self.channels, self.statistics = server, channels, statistics

    async def next(self) -> Channel:
        async with asyncio.timeout(PATIENCE_S):
            return await self.channels.get()


@asynccontextmanager
async def bound(peer_host: str = "") -> AsyncIterator[Bound]:
    channels: asyncio.Queue[Channel] = asyncio.Queue()
    statistics: Counter[str] = Counter()
    medium = Medium(Transport(MediumKind.UDP, MediumRole.SERVER, peer_host=peer_host), "127.0.0.1", 0)
    server = await listen_udp(medium, channels.put_nowait, statistics)
    try:
        yield Bound(server, channels, statistics)
    finally:
        for channel in server.channels():
            channel.abort("over")
        await server.close()


async def dial(port: int, local_port: int = 0) -> Channel:
    return await connect(Medium(Transport(MediumKind.UDP, local_port=local_port), "127.0.0.1", port), Counter())


@pytest.mark.parametrize("octets", [0, 1, 16, 17, 249, 250])
def test_the_length_octet_gives_the_octets_of_a_frame(octets: int) -> None:
    frame = build_frame(0x44, 1, 10, bytes(octets))
    assert frame_octets(frame[2]) == len(frame)
    assert begins_a_frame(frame + b"rest")
    assert not begins_a_frame(frame[:9])
    assert not begins_a_frame(b"\x00" + frame)
    assert not begins_a_frame(frame[:8] + b"\x00\x00" + frame[10:])


def test_frames_are_never_cut_and_fill_their_datagrams() -> None:
    frames = [build_frame(0x44, 1, 10, bytes(size % 251)) for size in range(0, 4000, 37)]
    pieces = in_whole_frames(b"".join(frames), MAX_DATAGRAM)
    assert b"".join(pieces) == b"".join(frames)
    assert all(len(piece) <= MAX_DATAGRAM and begins_a_frame(piece) for piece in pieces)
    assert all(len(piece) > MAX_DATAGRAM - MAX_FRAME_OCTETS for piece in pieces[:-1])
    assert in_whole_frames(b"x" * 5000, MAX_DATAGRAM) == [b"x" * 5000]


async def test_a_long_fragment_leaves_in_datagrams_of_whole_frames() -> None:
    receiver = socket.socket(type=socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.setblocking(False)
    channel = await dial(receiver.getsockname()[1])
    frame = build_frame(0x44, 1, 10, bytes(250))
    channel.write(frame * 9)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE_S):
        datagrams = [await loop.sock_recv(receiver, 65536) for _ in range(3)]
    assert datagrams == [frame * 4, frame * 4, frame]
    await channel.close()
    receiver.close()


async def test_each_peer_has_its_channel_and_its_own_answers() -> None:
    async with bound() as here:
        clients = [await dial(here.server.port) for _ in range(3)]
        for at, client in enumerate(clients):
            client.write(build_frame(0xC4, 10, at, b"ask"))
        for _ in clients:
            channel = await here.next()
            channel.write(await channel.read())
        async with asyncio.timeout(PATIENCE_S):
            for at, client in enumerate(clients):
                assert await client.read() == build_frame(0xC4, 10, at, b"ask")
        for client in clients:
            await client.close()


async def test_a_stranger_is_who_sends_no_frame_or_has_another_address() -> None:
    async with bound() as here:
        client = await dial(here.server.port)
        client.write(b"hello")
        client.write(FRAME)
        await here.next()
        assert here.statistics["datagrams_of_strangers"] == 1
        await client.close()
    async with bound(peer_host="127.0.0.2") as here:
        client = await dial(here.server.port)
        client.write(FRAME)
        other = socket.socket(type=socket.SOCK_DGRAM)
        other.bind(("127.0.0.2", 0))
        other.sendto(FRAME, ("127.0.0.1", here.server.port))
        assert (await here.next()).peer.startswith("127.0.0.2:")
        assert here.statistics["datagrams_of_strangers"] == 1
        other.close()
        await client.close()


async def test_the_peer_silent_for_the_longest_makes_room() -> None:
    async with bound() as here:
        clients = [await dial(here.server.port) for _ in range(MAX_PEERS + 1)]
        channels = []
        for client in clients[:MAX_PEERS]:
            client.write(FRAME)
            channels.append(await here.next())
        clients[0].write(FRAME)  # the first speaks again: now the second is the most silent
        read = 0
        async with asyncio.timeout(PATIENCE_S):
            while read < 2 * len(FRAME):
                read += len(await channels[0].read())
        clients[-1].write(FRAME)
        await here.next()
        assert [channel.is_open for channel in channels[:3]] == [True, False, True]
        assert here.statistics["peers_evicted"] == 1
        assert len(here.server.channels()) == MAX_PEERS
        for client in clients:
            await client.close()


async def test_a_flood_is_dropped_and_not_kept(tmp_path: Path) -> None:
    async with joined(MediumKind.UDP, tmp_path) as ends:
        flood = FRAME * 8
        for _ in range(4 * READ_HIGH_WATER // len(flood)):
            ends.client.write(flood)
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE_S):
            held = await ends.server.read()
        assert len(held) <= READ_HIGH_WATER + len(flood)
        assert ends.server_statistics["datagrams_dropped"] > 0


async def test_a_port_where_nobody_listens_ends_the_channel() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    client = await dial(port)
    client.write(FRAME)
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ChannelClosed, match="refused"):
            await client.read()


async def test_a_taken_port_is_a_connection_error() -> None:
    async with bound() as here:
        with pytest.raises(ConnectionError):
            await dial(here.server.port, local_port=here.server.port)
        with pytest.raises(OSError, match=str(here.server.port)):
            await listen_udp(Medium(Transport(MediumKind.UDP), "127.0.0.1", here.server.port), print, Counter())


async def test_a_closed_server_gives_its_port_back_with_its_last_peer() -> None:
    async with bound() as here:
        client = await dial(here.server.port)
        client.write(FRAME)
        channel = await here.next()
        await here.server.close()
        channel.write(FRAME)  # the channel goes on
        async with asyncio.timeout(PATIENCE_S):
            assert await client.read() == FRAME
        await client.close()
