"""What every medium has in common: octets both ways, ends, cancelled reads, readers that pause."""

import asyncio
from pathlib import Path

import pytest

from protocols.dnp3.channels import Channel, ChannelClosed, MediumKind
from tests.unit.protocols.dnp3.channels.media import FRAME, KINDS, PATIENCE_S, joined

pytestmark = pytest.mark.parametrize("kind", KINDS)


async def exactly(channel: Channel, octets: int) -> bytes:
    data = b""
    async with asyncio.timeout(PATIENCE_S):
        while len(data) < octets:
            data += await channel.read()
    return data


async def test_frames_pass_both_ways_and_are_counted(kind: MediumKind, tmp_path: Path) -> None:
    async with joined(kind, tmp_path) as ends:
        ends.client.write(FRAME)
        assert await exactly(ends.server, len(FRAME)) == FRAME
        ends.server.write(FRAME * 3)
        assert await exactly(ends.client, 3 * len(FRAME)) == FRAME * 3
        assert ends.client.peer
        assert ends.server.peer
        assert ends.client_statistics["octets_received"] == 3 * len(FRAME)
        assert ends.server_statistics["octets_sent"] == 3 * len(FRAME)


async def test_closing_ends_a_read_under_way_and_later_writes_do_nothing(kind: MediumKind, tmp_path: Path) -> None:
    async with joined(kind, tmp_path) as ends:
        reading = asyncio.ensure_future(ends.client.read())
        await asyncio.sleep(0)
        await ends.client.close()
        with pytest.raises(ChannelClosed, match="closed by us"):
            await reading
        sent = ends.client_statistics["octets_sent"]
        ends.client.write(FRAME)
        assert not ends.client.is_open
        assert ends.client_statistics["octets_sent"] == sent


async def test_aborting_says_why_and_twice_is_no_harm(kind: MediumKind, tmp_path: Path) -> None:
    async with joined(kind, tmp_path) as ends:
        ends.client.abort("tired")
        ends.client.abort("again")
        with pytest.raises(ChannelClosed, match="tired"):
            await ends.client.read()
        async with asyncio.timeout(PATIENCE_S):
            await ends.client.closed()
            await ends.client.drain()
        await ends.client.close()


async def test_what_an_aborted_channel_brought_and_nobody_read_is_thrown_away(kind: MediumKind, tmp_path: Path) -> None:
    async with joined(kind, tmp_path) as ends:
        ends.server.write(FRAME)
        async with asyncio.timeout(PATIENCE_S):
            while not ends.client_statistics["octets_received"]:  # noqa: ASYNC110  # a count, not an event
                await asyncio.sleep(0.001)
        ends.client.abort("replaced")
        with pytest.raises(ChannelClosed, match="replaced"):
            await ends.client.read()


async def test_a_cancelled_read_loses_nothing(kind: MediumKind, tmp_path: Path) -> None:
    async with joined(kind, tmp_path) as ends:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ends.server.read(), 0.01)
        ends.client.write(FRAME)
        assert await exactly(ends.server, len(FRAME)) == FRAME
