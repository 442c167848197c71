"""Channels: TCP connections on Twisted's reactor, awaited by asyncio code. The only bridge of this package.

Both directions are bounded: reading from the socket pauses while nobody takes what came, and a
peer that does not read what we write is disconnected before our memory grows with it.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.error import CannotListenError, ConnectError
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]

log = structlog.get_logger()

#: Octets that may wait to be read before the socket is paused.
READ_HIGH_WATER = 64 * 1024
#: Octets that may wait to be sent to a peer that does not read before it is disconnected.
WRITE_LIMIT = 1024 * 1024
_KEEPALIVE_IDLE_S = 30
_KEEPALIVE_INTERVAL_S = 10
_KEEPALIVE_PROBES = 3
#: Twisted's endpoints are typed in part only.
_CLIENT_ENDPOINT: Any = TCP4ClientEndpoint
_SERVER_ENDPOINT: Any = TCP4ServerEndpoint


class ChannelClosed(ConnectionError):
    """The channel is closed; the message says by what."""


@implementer(IPushProducer)
class Channel(Protocol):
    """One connection. Made by `connect_tcp` and `listen_tcp`."""

    def __init__(self, statistics: Counter[str]) -> None:
        self.statistics = statistics
        self.peer = ""
        self.closed_because = ""
        self._on_open: Callable[[Channel], None] | None = None
        self._received = bytearray()
        self._reading_paused = False
        self._reader: asyncio.Future[None] | None = None
        self._unsent = 0
        self._writable = asyncio.Event()
        self._writable.set()
        self._lost = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """False once either side closed it."""
        return not self.closed_because

    async def read(self) -> bytes:
        """The next octets, at least one.

        Raises:
            ChannelClosed: the connection ended and everything it brought has been read.
        """
        while not self._received:
            if not self.is_open:
                raise ChannelClosed(self.closed_because)
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        data = bytes(self._received)
        self._received.clear()
        if self._reading_paused:
            self._reading_paused = False
            self._transport("resumeProducing")
        return data

    def write(self, data: bytes) -> None:
        """Send; does nothing on a closed channel. Await `drain` before producing much more."""
        if not data or not self.is_open:
            return
        if not self._writable.is_set():
            self._unsent += len(data)
            if self._unsent > WRITE_LIMIT:
                self.statistics["slow_peers_disconnected"] += 1
                self.abort("peer does not read")
                return
        self.statistics["octets_sent"] += len(data)
        self._transport("write", data)

    async def drain(self) -> None:
        """Return when the peer takes octets again (at once as a rule), or the channel is closed."""
        await self._writable.wait()

    async def close(self) -> None:
        """Close and wait until it is closed; what was written before is sent if the peer takes it within 1 s."""
        self._mark_closed("closed by us")
        self._transport("loseConnection")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._lost.wait(), 1.0)
        if not self._lost.is_set():
            self._transport("abortConnection")

    def abort(self, reason: str) -> None:
        """Close at once and throw away what was not sent."""
        self._mark_closed(reason)
        self._transport("abortConnection")

    # what Twisted calls

    def connectionMade(self) -> None:  # noqa: N802
        """Twisted: the transport is up."""
        transport: Any = self.transport
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(True)
        _probe_early(transport.getHandle())
        transport.registerProducer(self, True)
        address = transport.getPeer()
        self.peer = f"{address.host}:{address.port}"
        if self._on_open is not None:
            self._on_open(self)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Twisted: octets came."""
        self.statistics["octets_received"] += len(data)
        self._received += data
        if len(self._received) > READ_HIGH_WATER and not self._reading_paused:
            self._reading_paused = True
            self._transport("pauseProducing")
        self._wake()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        """Twisted: the transport is gone."""
        self._mark_closed(reason.getErrorMessage())
        self._lost.set()

    def pauseProducing(self) -> None:  # noqa: N802
        """Twisted: the peer does not take octets now."""
        self._writable.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        """Twisted: the peer takes octets again."""
        self._unsent = 0
        self._writable.set()

    def stopProducing(self) -> None:  # noqa: N802
        """Twisted: no more can be written."""
        self._writable.set()

    def _mark_closed(self, reason: str) -> None:
        if not self.closed_because:
            self.closed_because = reason or "closed"
        self._writable.set()
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _transport(self, method: str, *arguments: object) -> None:
        if self.transport is not None and not self._lost.is_set():
            getattr(self.transport, method)(*arguments)


def _probe_early(handle: socket.socket) -> None:
    """Find a peer that vanished without a word within about a minute instead of two hours."""
    for option, value in (
        (socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S),
        (socket.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL_S),
        (socket.TCP_KEEPCNT, _KEEPALIVE_PROBES),
    ):
        with suppress(OSError):
            handle.setsockopt(socket.IPPROTO_TCP, option, value)


class _Channels(Factory):
    noisy = False

    def __init__(self, statistics: Counter[str], on_open: Callable[[Channel], None] | None = None) -> None:
        self._statistics = statistics
        self._on_open = on_open

    def buildProtocol(self, addr: object) -> Channel:  # noqa: N802
        channel = Channel(self._statistics)
        channel._on_open = self._on_open
        return channel


async def connect_tcp(host: str, port: int, timeout_s: float, statistics: Counter[str] | None = None) -> Channel:
    """Open a connection.

    Raises:
        ConnectionError: refused, unreachable, unknown host or no answer within ``timeout_s``.
    """
    from twisted.internet import reactor

    endpoint = _CLIENT_ENDPOINT(reactor, host, port, timeout=timeout_s)
    factory = _Channels(Counter() if statistics is None else statistics)
    try:
        channel: Channel = await endpoint.connect(factory).asFuture(asyncio.get_running_loop())
    except (ConnectError, OSError) as error:
        raise ConnectionError(f"{host}:{port}: {error}") from error
    return channel


class Listener:
    """A bound port. Made by `listen_tcp`."""

    def __init__(self, port: Any) -> None:
        self._port = port

    @property
    def port(self) -> int:
        """The number it is bound to."""
        number: int = self._port.getHost().port
        return number

    async def close(self) -> None:
        """Stop listening; connections already open stay."""
        stopped = self._port.stopListening()
        if stopped is not None:
            await stopped.asFuture(asyncio.get_running_loop())


async def listen_tcp(
    host: str, port: int, on_channel: Callable[[Channel], None], statistics: Counter[str] | None = None
) -> Listener:
    """Listen, and call ``on_channel`` with every connection that is made.

    Raises:
        OSError: the address is taken or not ours.
    """
    from twisted.internet import reactor

    endpoint = _SERVER_ENDPOINT(reactor, port, interface=host)
    factory = _Channels(Counter() if statistics is None else statistics, on_channel)
    try:
        listening = endpoint.listen(factory)
        bound = await listening.asFuture(asyncio.get_running_loop())
    except CannotListenError as error:
        raise OSError(getattr(error.socketError, "errno", None), f"{host}:{port}: {error.socketError}") from error
    return Listener(bound)
