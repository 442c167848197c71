"""TCP on loopback: octets both ways, closing, refusal."""

import asyncio
import socket

import pytest

from protocols.dnp3.channels import Channel, ChannelClosed, Listener
from protocols.dnp3.channels.tcp import TcpChannel, connect_tcp, listen_tcp


async def pair() -> tuple[Channel, Channel, Listener]:
    accepted: asyncio.Queue[Channel] = asyncio.Queue()
    listener = await listen_tcp("127.0.0.1", 0, accepted.put_nowait)
    client = await connect_tcp("127.0.0.1", listener.port, 5.0)
    return client, await accepted.get(), listener


async def test_octets_pass_both_ways() -> None:
    client, server, listener = await pair()
    client.write(b"ask")
    assert await server.read() == b"ask"
    server.write(b"answer")
    assert await client.read() == b"answer"
    await client.close()
    with pytest.raises(ChannelClosed):
        await server.read()
    assert not server.is_open
    await listener.close()


async def test_what_came_before_the_end_can_still_be_read() -> None:
    client, server, listener = await pair()
    client.write(b"last words")
    await client.close()
    assert await server.read() == b"last words"
    with pytest.raises(ChannelClosed):
        await server.read()
    await listener.close()


async def test_closing_ends_a_read_under_way() -> None:
    client, server, listener = await pair()
    reading = asyncio.ensure_future(client.read())
    await asyncio.sleep(0)
    await client.close()
    with pytest.raises(ChannelClosed, match="closed by us"):
        await reading
    client.write(b"nothing happens")
    await server.close()
    await listener.close()


async def test_a_cancelled_read_loses_nothing() -> None:
    client, server, listener = await pair()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(server.read(), 0.01)
    client.write(b"late")
    assert await server.read() == b"late"
    await client.close()
    await listener.close()


async def test_a_closed_port_refuses() -> None:
    listener = await listen_tcp("127.0.0.1", 0, lambda _: None)
    port = listener.port
    await listener.close()
    with pytest.raises(ConnectionError):
        await connect_tcp("127.0.0.1", port, 5.0)


async def test_a_taken_port_is_an_os_error() -> None:
    listener = await listen_tcp("127.0.0.1", 0, lambda _: None)
    with pytest.raises(OSError, match=str(listener.port)):
        await listen_tcp("127.0.0.1", listener.port, lambda _: None)
    await listener.close()


async def test_a_peer_that_vanishes_is_probed_for() -> None:
    client, server, listener = await pair()
    for channel in (client, server):
        assert isinstance(channel, TcpChannel)
        handle: socket.socket = channel.transport.getHandle()  # type: ignore[union-attr]
        assert handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 60
    await client.close()
    await server.close()
    await listener.close()


async def test_a_close_that_is_cancelled_just_as_the_connection_ends_stays_cancelled() -> None:
    client, server, listener = await pair()
    closing = asyncio.ensure_future(client.close())
    await asyncio.sleep(0)
    assert isinstance(client, TcpChannel)
    client._lost.set()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await server.close()
    await listener.close()
