"""UDP: every datagram carries whole link frames. A peer is an address; a server keeps as many as it can serve."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from protocols.dnp3.channels.channel import READ_HIGH_WATER, Channel, Listener
from protocols.dnp3.channels.frame_lengths import begins_a_frame, in_whole_frames
from protocols.dnp3.channels.medium import Medium

#: Octets of a datagram that no network has to cut.
MAX_DATAGRAM = 1400
#: Peers that a server knows at once; the one silent for the longest makes room for a new one.
MAX_PEERS = 16

_Address = tuple[Any, ...]


class UdpChannel(Channel):
    """One peer. ``send`` takes one datagram, ``release`` is called when the channel closes."""

    def __init__(
        self, statistics: Counter[str], peer: str, send: Callable[[bytes], None], release: Callable[[], None]
    ) -> None:
        super().__init__(statistics, peer)
        self._send = send
        self._release = release

    def take(self, datagram: bytes) -> None:
        """A datagram came; one that finds no room is lost, as datagrams are."""
        if len(self._received) > READ_HIGH_WATER:
            self.statistics["datagrams_dropped"] += 1
            return
        self._arrived(datagram)

    def lose(self, reason: str) -> None:
        """The socket is gone."""
        self._ended(reason)

    def may_write(self, may: bool) -> None:
        """The socket takes datagrams again, or does not."""
        self._may_write(may)

    def _transmit(self, data: bytes) -> None:
        for datagram in in_whole_frames(data, MAX_DATAGRAM):
            self._send(datagram)

    def _hold_reading(self, hold: bool) -> None:
        """Nothing to hold: `take` drops instead."""

    def _shut(self, at_once: bool) -> None:
        self._release()
        self._ended("closed by us")


class _Socket(asyncio.DatagramProtocol):
    """One socket with the channels on it."""

    transport: asyncio.DatagramTransport

    def __init__(self, statistics: Counter[str]) -> None:
        self.statistics = statistics

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def channels(self) -> list[UdpChannel]:
        raise NotImplementedError

    def pause_writing(self) -> None:
        for channel in self.channels():
            channel.may_write(False)

    def resume_writing(self) -> None:
        for channel in self.channels():
            channel.may_write(True)

    def connection_lost(self, exc: Exception | None) -> None:
        for channel in self.channels():
            channel.lose("socket closed" if exc is None else str(exc))


class _Client(_Socket):
    """A connected socket: the system lets datagrams of the peer's pass, and no others."""

    def __init__(self, statistics: Counter[str], medium: Medium) -> None:
        super().__init__(statistics)
        self.channel = UdpChannel(statistics, str(medium), self._send, self._close)

    def channels(self) -> list[UdpChannel]:
        return [self.channel]

    def datagram_received(self, data: bytes, addr: _Address) -> None:
        self.channel.take(data)

    def error_received(self, exc: Exception) -> None:
        self.channel.abort(str(exc))

    def _close(self) -> None:
        self.transport.close()

    def _send(self, datagram: bytes) -> None:
        self.transport.sendto(datagram)


class UdpServer(_Socket, Listener):
    """A bound socket; a channel for each peer that sends it a frame."""

    def __init__(self, statistics: Counter[str], peer_host: str, on_channel: Callable[[Channel], None]) -> None:
        super().__init__(statistics)
        self._peer_host = peer_host
        self._on_channel = on_channel
        self._peers: dict[_Address, UdpChannel] = {}  # the one silent for the longest first
        self._listening = True
        self._gone = asyncio.Event()

    @property
    def port(self) -> int:
        """The number it is bound to."""
        number: int = self.transport.get_extra_info("sockname")[1]
        return number

    async def close(self) -> None:
        """Take no new peer; the socket goes with the last channel."""
        self._listening = False
        self._close_unused()
        if not self._peers:
            await self._gone.wait()

    def channels(self) -> list[UdpChannel]:
        """Those of every peer."""
        return list(self._peers.values())

    def datagram_received(self, data: bytes, addr: _Address) -> None:
        """asyncio: a datagram came."""
        channel = self._peers.pop(addr, None)
        if channel is None:
            channel = self._welcome(data, addr)
            if channel is None:
                return
        self._peers[addr] = channel
        channel.take(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the socket is closed."""
        super().connection_lost(exc)
        self._gone.set()

    def error_received(self, exc: Exception) -> None:
        """asyncio: a peer's system refuses; whose, it does not say."""
        self.statistics["datagrams_refused"] += 1

    def _welcome(self, data: bytes, address: _Address) -> UdpChannel | None:
        wanted = self._peer_host in ("", address[0])
        if not self._listening or not wanted or not begins_a_frame(data):
            self.statistics["datagrams_of_strangers"] += 1
            return None
        if len(self._peers) >= MAX_PEERS:
            self.statistics["peers_evicted"] += 1
            next(iter(self._peers.values())).abort("another peer took its place")

        def send(datagram: bytes) -> None:
            self.transport.sendto(datagram, address)

        def release() -> None:
            self._peers.pop(address, None)
            self._close_unused()

        channel = UdpChannel(self.statistics, f"{address[0]}:{address[1]}", send, release)
        self._peers[address] = channel
        self._on_channel(channel)
        return channel

    def _close_unused(self) -> None:
        if not self._listening and not self._peers:
            self.transport.close()


async def connect_udp(medium: Medium, statistics: Counter[str]) -> Channel:
    """A channel to one peer. That it opens says nothing of the peer: only an answer does.

    Raises:
        ConnectionError: unknown host, or a local port that is taken.
    """
    local = ("0.0.0.0", medium.transport.local_port) if medium.transport.local_port else None
    try:
        _, client = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Client(statistics, medium), local_addr=local, remote_addr=(medium.host, medium.port)
        )
    except OSError as error:
        raise ConnectionError(f"{medium}: {error}") from error
    return client.channel


async def listen_udp(medium: Medium, on_channel: Callable[[Channel], None], statistics: Counter[str]) -> UdpServer:
    """Bind, and call ``on_channel`` with every new peer (its first datagram can be read at once).

    Raises:
        OSError: the address is taken or not ours.
    """
    try:
        _, server = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: UdpServer(statistics, medium.transport.peer_host, on_channel),
            local_addr=(medium.host, medium.port),
        )
    except OSError as error:
        raise OSError(error.errno, f"{medium}: {error}") from error
    return server
