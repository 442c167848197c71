"""TLS with mutual certificates, on asyncio: pyOpenSSL, which Twisted needs, breaks systemd's MemoryDenyWriteExecute."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog

from protocols.dnp3.channels.certificates import refusal_of, tls_context
from protocols.dnp3.channels.channel import Channel, Listener
from protocols.dnp3.channels.medium import Medium, TlsSettings
from protocols.dnp3.channels.tcp import probe_early

log = structlog.get_logger()

#: Connections that have not finished their handshake; the ones that come on top of them are closed unheard.
_MAX_HANDSHAKES = 32
_SHUTDOWN_S = 1.0
_ACCEPT_AGAIN_S = 1.0
_BACKLOG = 64


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
        self._socket = _bound(medium)
        self._handshakes: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.ensure_future(self._accept())

    @property
    def port(self) -> int:
        """The number it is bound to."""
        number: int = self._socket.getsockname()[1]
        return number

    async def close(self) -> None:
        """Stop listening; connections already open stay."""
        tasks = [self._accepting, *self._handshakes]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(self._socket)
            except OSError as error:
                # as a rule too many files are open
                self._statistics["accepts_failed"] += 1
                log.warning("accept_failed", medium=str(self._medium), reason=str(error))
                await asyncio.sleep(_ACCEPT_AGAIN_S)
                continue
            if len(self._handshakes) >= _MAX_HANDSHAKES:
                self._statistics["tls_handshakes_dropped"] += 1
                connection.close()
                continue
            task = asyncio.ensure_future(self._open(connection, str(peer)))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _open(self, connection: socket.socket, peer: str) -> None:
        connection.setblocking(False)
        channel = TlsChannel(self._statistics)  # uvloop returns another protocol than the one that it was given
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: channel,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=self._medium.connect_timeout_s,
                ssl_shutdown_timeout=_SHUTDOWN_S,
            )
        except Exception as error:  # whatever a stranger's octets lead to, it costs that stranger's connection
            self._statistics["tls_handshakes_failed"] += 1
            log.debug("tls_handshake_failed", peer=peer, reason=str(error))
            return
        refusal = _refusal(channel, self._tls, self._tls.peer_name)
        if refusal:
            self._statistics["tls_peers_refused"] += 1
            log.debug("tls_peer_refused", peer=peer, reason=refusal)
            channel.abort(refusal)
            return
        self._on_channel(channel)


def _bound(medium: Medium) -> socket.socket:
    """A socket that listens. Raises OSError."""
    family = socket.AF_INET6 if ":" in medium.host else socket.AF_INET
    try:
        made = socket.create_server((medium.host, medium.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise OSError(error.errno, f"{medium}: {error}") from error
    made.setblocking(False)
    return made


async def listen_tls(medium: Medium, on_channel: Callable[[Channel], None], statistics: Counter[str]) -> TlsListener:
    """Listen, and call ``on_channel`` with every connection whose certificate is good.

    Raises:
        OSError: the address is taken or not ours, or a file cannot be used.
    """
    return TlsListener(medium, on_channel, statistics)


def _tls_of(medium: Medium) -> TlsSettings:
    tls = medium.transport.tls
    assert tls is not None  # a medium of this kind has them
    return tls


def _refusal(channel: TlsChannel, tls: TlsSettings, expected_name: str) -> str:
    return refusal_of(channel._transport.get_extra_info("ssl_object"), tls, expected_name)
