"""TLS with mutual certificates, on asyncio: pyOpenSSL, which Twisted needs, breaks systemd's MemoryDenyWriteExecute."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import structlog

from protocols.dnp3.channels.certificates import refusal_of, tls_context
from protocols.dnp3.channels.channel import Channel, Listener
from protocols.dnp3.channels.medium import Medium, TlsSettings
from protocols.dnp3.channels.tcp import probe_early

log = structlog.get_logger()

#: Connections that have not finished their handshake; the ones that come on top of them are closed unheard.
_MAX_HANDSHAKES = 32
_SHUTDOWN_S = 1.0


class TlsChannel(Channel, asyncio.Protocol):
    """One TLS connection, on an asyncio transport."""

    _transport: Any = None

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the handshake is done."""
        self._transport = transport
        host, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        self.peer = f"{host}:{port}"
        here, port = (transport.get_extra_info("sockname") or ("", 0))[:2]
        self.local = f"{here}:{port}"
        connection = transport.get_extra_info("socket")
        if connection is not None:
            probe_early(connection)

    def data_received(self, data: bytes) -> None:
        """asyncio: octets came."""
        self._arrived(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone."""
        self._ended("connection closed by the peer" if exc is None else str(exc) or repr(exc))

    def pause_writing(self) -> None:
        """asyncio: the peer does not take octets now."""
        self._may_write(False)

    def resume_writing(self) -> None:
        """asyncio: the peer takes octets again."""
        self._may_write(True)

    # what `Channel` asks for

    def _transmit(self, data: bytes) -> None:
        self._transport.write(data)

    def _hold_reading(self, hold: bool) -> None:
        if hold:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _shut(self, at_once: bool) -> None:
        if at_once:
            self._transport.abort()
        else:
            self._transport.close()


async def connect_tls(medium: Medium, statistics: Counter[str]) -> Channel:
    """Open a connection. A TLS 1.3 server refuses our certificate only afterwards: the first read tells.

    Raises:
        ConnectionError: refused, unreachable, no answer in time, a certificate that we refuse, or a file of ours
            that cannot be used.
    """
    tls = _tls_of(medium)
    try:
        context = tls_context(tls, server=False)
        async with asyncio.timeout(medium.connect_timeout_s):
            _, channel = await asyncio.get_running_loop().create_connection(
                lambda: TlsChannel(statistics),
                medium.host,
                medium.port,
                ssl=context,
                server_hostname=medium.host,
                ssl_shutdown_timeout=_SHUTDOWN_S,
            )
    except TimeoutError as error:
        raise ConnectionError(f"{medium}: no answer within {medium.connect_timeout_s:g} s") from error
    except (OSError, ValueError) as error:
        if isinstance(error, ssl.SSLError):
            statistics["tls_handshakes_failed"] += 1
        raise ConnectionError(f"{medium}: {error}") from error
    refusal = _refusal(channel, tls, tls.peer_name or medium.host)
    if refusal:
        statistics["tls_peers_refused"] += 1
        channel.abort(refusal)
        raise ConnectionError(f"{medium}: {refusal}")
    return channel


class TlsListener(Listener):
    """A bound port; made by `listen_tls`. Connections count only once their handshake is done."""

    def __init__(self, medium: Medium, on_channel: Callable[[Channel], None], statistics: Counter[str]) -> None:
        self._medium = medium
        self._tls = _tls_of(medium)
        self._on_channel = on_channel
        self._statistics = statistics
        self._context = tls_context(self._tls, server=True)
        self._server: asyncio.Server | None = None
        self._handshakes: set[asyncio.Task[None]] = set()

    async def bind(self) -> None:
        """Bind. Raises OSError."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Arrival(self._shake_hands), self._medium.host, self._medium.port
        )

    @property
    def port(self) -> int:
        """The number it is bound to."""
        if self._server is None or not self._server.sockets:
            return 0
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    async def close(self) -> None:
        """Stop listening; connections already open stay."""
        if self._server is not None:
            self._server.close()
        for task in list(self._handshakes):
            task.cancel()
        await asyncio.gather(*self._handshakes, return_exceptions=True)

    def _shake_hands(self, arrival: "_Arrival") -> None:
        if len(self._handshakes) >= _MAX_HANDSHAKES:
            self._statistics["tls_handshakes_dropped"] += 1
            arrival.transport.abort()
            return
        task = asyncio.ensure_future(self._open(arrival))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    async def _open(self, arrival: "_Arrival") -> None:
        channel = TlsChannel(self._statistics)
        try:
            transport = await asyncio.get_running_loop().start_tls(
                arrival.transport,
                channel,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self._medium.connect_timeout_s,
                ssl_shutdown_timeout=_SHUTDOWN_S,
            )
        except OSError as error:
            self._statistics["tls_handshakes_failed"] += 1
            log.debug("tls_handshake_failed", peer=arrival.peer, reason=str(error))
            arrival.transport.abort()
            return
        except BaseException:
            arrival.transport.abort()
            raise
        if transport is None or transport.is_closing():
            return
        channel.connection_made(transport)
        refusal = _refusal(channel, self._tls, self._tls.peer_name)
        if refusal:
            self._statistics["tls_peers_refused"] += 1
            log.debug("tls_peer_refused", peer=arrival.peer, reason=refusal)
            channel.abort(refusal)
            return
        self._on_channel(channel)


class _Arrival(asyncio.Protocol):
    """A TCP connection before its handshake: nothing is read from it until TLS does."""

    transport: asyncio.Transport
    peer = ""

    def __init__(self, arrived: Callable[["_Arrival"], None]) -> None:
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.pause_reading()
        self.peer = str(transport.get_extra_info("peername"))
        self._arrived(self)


async def listen_tls(medium: Medium, on_channel: Callable[[Channel], None], statistics: Counter[str]) -> TlsListener:
    """Listen, and call ``on_channel`` with every connection whose certificate is good.

    Raises:
        OSError: the address is taken or not ours, or a file cannot be used.
    """
    listener = TlsListener(medium, on_channel, statistics)
    await listener.bind()
    return listener


def _tls_of(medium: Medium) -> TlsSettings:
    tls = medium.transport.tls
    assert tls is not None  # a medium of this kind has them
    return tls


def _refusal(channel: TlsChannel, tls: TlsSettings, expected_name: str) -> str:
    return refusal_of(channel._transport.get_extra_info("ssl_object"), tls, expected_name)
