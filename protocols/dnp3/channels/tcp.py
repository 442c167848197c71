"""TCP on Twisted's reactor. With `serial` the only bridge between Twisted and asyncio of this package."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.error import CannotListenError, ConnectError
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]

from protocols.dnp3.channels.channel import Channel, Listener

_KEEPALIVE_IDLE_S = 30
_KEEPALIVE_INTERVAL_S = 10
_KEEPALIVE_PROBES = 3
#: Twisted's endpoints are typed in part only.
_CLIENT_ENDPOINT: Any = TCP4ClientEndpoint
_SERVER_ENDPOINT: Any = TCP4ServerEndpoint


@implementer(IPushProducer)
class StreamChannel(Channel, Protocol):
    """A channel on a stream transport of Twisted's."""

    # what Twisted calls

    def connectionMade(self) -> None:  # noqa: N802
        """Twisted: the transport is up."""
        transport: Any = self.transport
        transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Twisted: octets came."""
        self._arrived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        """Twisted: the transport is gone."""
        self._ended(reason.getErrorMessage())

    def pauseProducing(self) -> None:  # noqa: N802
        """Twisted: the peer does not take octets now."""
        self._may_write(False)

    def resumeProducing(self) -> None:  # noqa: N802
        """Twisted: the peer takes octets again."""
        self._may_write(True)

    def stopProducing(self) -> None:  # noqa: N802
        """Twisted: no more can be written."""
        self._may_write(True)

    # what `Channel` asks for

    def _transmit(self, data: bytes) -> None:
        transport: Any = self.transport
        transport.write(data)

    def _hold_reading(self, hold: bool) -> None:
        transport: Any = self.transport
        if hold:
            transport.pauseProducing()
        else:
            transport.resumeProducing()

    def _shut(self, at_once: bool) -> None:
        transport: Any = self.transport
        if at_once:
            transport.abortConnection()
        else:
            transport.loseConnection()


class TcpChannel(StreamChannel):
    """One TCP connection."""

    def __init__(self, statistics: Counter[str], on_open: Callable[[Channel], None] | None = None) -> None:
        super().__init__(statistics)
        self._on_open = on_open

    def connectionMade(self) -> None:  # noqa: N802
        """Twisted: the connection is up."""
        super().connectionMade()
        transport: Any = self.transport
        transport.setTcpNoDelay(True)
        probe_early(transport.getHandle())
        address = transport.getPeer()
        self.peer = f"{address.host}:{address.port}"
        here = transport.getHost()
        self.local = f"{here.host}:{here.port}"
        if self._on_open is not None:
            self._on_open(self)

    def _transmit(self, data: bytes) -> None:
        """Straight into the socket while nothing waits before it: a turn of the loop costs more than the call."""
        transport: Any = self.transport
        is_idle = not transport.dataBuffer and not transport._tempDataBuffer
        sent = _send_now(transport.getHandle(), data) if is_idle else 0
        if sent < len(data):
            transport.write(data[sent:])


def _send_now(handle: socket.socket, data: bytes) -> int:
    """Octets that the socket took. Whatever is wrong with it, the transport will find and tell."""
    try:
        return handle.send(data)
    except OSError:
        return 0


def probe_early(handle: socket.socket) -> None:
    """Find a peer that vanished without a word within about a minute instead of two hours."""
    with suppress(OSError):
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
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

    def buildProtocol(self, addr: object) -> TcpChannel:  # noqa: N802
        return TcpChannel(self._statistics, self._on_open)


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


class TcpListener(Listener):
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
    return TcpListener(bound)
