"""Streams whose peers do not read: the writer waits, memory stays bounded, and in the end the peer is disconnected."""

import asyncio
from pathlib import Path

import pytest

from protocols.dnp3.channels import READ_HIGH_WATER, WRITE_LIMIT, MediumKind
from tests.unit.protocols.dnp3.channels.media import PATIENCE_S, joined

pytestmark = pytest.mark.parametrize("kind", [MediumKind.TCP, MediumKind.TLS])


async def test_a_reader_that_stops_stops_the_writer_and_gets_everything_later(kind: MediumKind, tmp_path: Path) -> None:
    chunk = bytes(64 * 1024)
    total = 200
    received = 0
    async with joined(kind, tmp_path) as ends:

        async def write_all() -> None:
            for _ in range(total):
                ends.client.write(chunk)
                await ends.client.drain()

        writing = asyncio.ensure_future(write_all())
        await asyncio.sleep(0.2)
        assert not writing.done()
        async with asyncio.timeout(PATIENCE_S):
            while received < total * len(chunk):
                data = await ends.server.read()
                assert len(data) <= READ_HIGH_WATER + 2**19  # what the layer below had in hand may come on top
                received += len(data)
            await writing


async def test_a_peer_that_never_reads_is_disconnected(kind: MediumKind, tmp_path: Path) -> None:
    async with joined(kind, tmp_path) as ends:
        for _ in range(400):
            ends.client.write(bytes(WRITE_LIMIT // 16))
            await asyncio.sleep(0)
        assert ends.client.closed_because == "peer does not read"
        assert ends.client_statistics["slow_peers_disconnected"] == 1
