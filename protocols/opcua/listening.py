"""asyncua's server with bounds: what a peer sends before it makes sense is limited in size and in time."""

from collections import Counter

from asyncua.common.connection import TransportLimits
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession
from asyncua.server.server import Server

#: Largest chunk that we announce in our Acknowledge.
CHUNK = 65_535
#: Octets of chunks that are not complete yet. More than this is no chunk of ours, or none at all.
MOST_UNREAD = 2 * CHUNK
#: A message may have this many chunks: 16 MiB.
_MOST_CHUNKS = 256
#: Seconds that a connection may take to become a session.
_ACTIVATION_S = 10.0


class BoundedSessions(InternalServer):
    """asyncua keeps the sessions of clients that are gone, for their timeout; this knows them, to end them."""

    def __init__(self, maximum_connections: int) -> None:
        super().__init__()
        self.max_connections = maximum_connections
        self.max_pending_activation_seconds = _ACTIVATION_S
        self.open_sessions: set[InternalSession] = set()

    def register_external_session(self, session: InternalSession) -> None:
        """See `InternalServer`."""
        super().register_external_session(session)
        self.open_sessions.add(session)

    def unregister_external_session(self, session: InternalSession) -> None:
        """See `InternalServer`."""
        super().unregister_external_session(session)
        self.open_sessions.discard(session)


class BoundedServer(Server):
    """A server on `BoundedSessions` whose connections end when they send what cannot be a chunk."""

    def __init__(self, sessions: BoundedSessions, statistics: Counter[str]) -> None:
        super().__init__(sessions)
        self.sessions = sessions
        self._statistics = statistics
        self.limits = TransportLimits(
            max_recv_buffer=CHUNK,
            max_send_buffer=CHUNK,
            max_chunk_count=_MOST_CHUNKS,
            max_message_size=_MOST_CHUNKS * CHUNK,
        )

    async def start(self) -> None:
        """Bind and listen, as asyncua does, with connections that are bounded."""
        await self._setup_server_nodes()
        await self.iserver.start()
        listener = _Listener(self.iserver, str(self.endpoint.hostname), int(self.endpoint.port or 0), self.limits)
        listener.statistics = self._statistics
        listener.set_policies(self._policies)
        try:
            await listener.start()
        except BaseException:
            await self.iserver.stop()
            raise
        self.bserver = listener


class _Listener(BinaryServer):
    statistics: Counter[str]

    def _make_protocol(self) -> OPCUAProtocol:
        protocol = _Connection(self.iserver, self._policies, self.clients, self.closing_tasks, self.limits)
        protocol.statistics = self.statistics
        return protocol


class _Connection(OPCUAProtocol):
    statistics: Counter[str]

    def data_received(self, data: bytes) -> None:
        # asyncua keeps what it cannot read, and copies all of it with every packet
        super().data_received(data)
        if len(self._buffer) > MOST_UNREAD and self.transport is not None:
            self.statistics["frames_malformed"] += 1
            self._buffer = b""
            self.transport.abort()
