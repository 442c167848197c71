"""asyncua's server with bounds: what a peer sends before it makes sense is limited in size and in time.

And with a door: who a session belongs to is decided before asyncua activates it, see `protocols.opcua.logins`.
"""

import asyncio
from collections import Counter
from typing import Any

from asyncua import ua
from asyncua.common.connection import TransportLimits
from asyncua.common.utils import Buffer, ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession, SessionState
from asyncua.server.server import Server
from asyncua.server.uaprocessor import UaProcessor
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.ua_binary import struct_from_binary

from protocols.opcua.logins import Knock, Logins
from protocols.opcua.server_session import Session

#: Largest chunk that we announce in our Acknowledge.
CHUNK = 65_535
#: Octets of chunks that are not complete yet. More than this is no chunk of ours, or none at all.
MOST_UNREAD = 2 * CHUNK
#: A message may have this many chunks: 16 MiB.
_MOST_CHUNKS = 256
#: Seconds that a connection may take to become a session.
_ACTIVATION_S = 10.0


def _request(number: int) -> ua.NodeId:
    return ua.NodeId(ua.Int32(number))


_CREATE = _request(ObjectIds.CreateSessionRequest_Encoding_DefaultBinary)
_ACTIVATE = _request(ObjectIds.ActivateSessionRequest_Encoding_DefaultBinary)
#: asyncua keeps every server that anybody registers, for ever, and gives anybody the subscriptions of others.
_NOT_SERVED = (
    _request(ObjectIds.TransferSubscriptionsRequest_Encoding_DefaultBinary),
    _request(ObjectIds.RegisterServerRequest_Encoding_DefaultBinary),
    _request(ObjectIds.RegisterServer2Request_Encoding_DefaultBinary),
)


class BoundedSessions(InternalServer):
    """asyncua keeps the sessions of clients that are gone, for their timeout; this knows them, to end them."""

    def __init__(self, maximum_connections: int, logins: Logins) -> None:
        super().__init__()
        self.user_manager = None  # nobody comes in by asyncua's own
        self.logins = logins
        self.max_connections = maximum_connections
        self.max_pending_activation_seconds = _ACTIVATION_S
        self.open_sessions: set[InternalSession] = set()

    def create_session(
        self,
        name: str,
        user: User = User(role=UserRole.Anonymous),  # noqa: B008
        external: bool = False,
    ) -> InternalSession:
        """See `InternalServer`."""
        return Session(self, self.aspace, self.subscription_service, name, user=user, external=external)

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

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, with a processor of ours."""
        super().connection_made(transport)
        if self.processor is not None:
            assert isinstance(self.iserver, BoundedSessions)
            self.processor = _Processor(self.iserver, transport, self.limits)
            self.processor.set_policies(self.policies)  # type: ignore[no-untyped-call]

    def data_received(self, data: bytes) -> None:
        # asyncua keeps what it cannot read, and copies all of it with every packet
        super().data_received(data)
        if len(self._buffer) > MOST_UNREAD and self.transport is not None:
            self.statistics["frames_malformed"] += 1
            self._buffer = b""
            self.transport.abort()


class _Processor(UaProcessor):
    """asyncua's processor of one connection, with a look at the requests that make sessions."""

    def __init__(self, iserver: BoundedSessions, transport: asyncio.BaseTransport, limits: TransportLimits) -> None:
        super().__init__(iserver, transport, limits)
        self._logins = iserver.logins

    async def _process_message(
        self, typeid: ua.NodeId, requesthdr: ua.RequestHeader, seqhdr: ua.SequenceHeader, body: Buffer
    ) -> Any:
        if typeid in _NOT_SERVED:
            raise ServiceError(StatusCodes.BadServiceUnsupported)
        if typeid == _CREATE:
            self._make_room()
        elif typeid == _ACTIVATE:
            await self._admit(struct_from_binary(ua.ActivateSessionParameters, body.copy()))
        return await super()._process_message(typeid, requesthdr, seqhdr, body)  # type: ignore[no-untyped-call]

    def _make_room(self) -> None:
        """One session at a time: asyncua would keep all that a connection makes, each with a task."""
        if self.session is not None and self.session.state is not SessionState.Closed:
            raise ServiceError(StatusCodes.BadTooManySessions)
        if self._session_watchdog_task is not None:
            self._session_watchdog_task.cancel()

    async def _admit(self, params: ua.ActivateSessionParameters) -> None:
        """Find the session's user.

        A session of another connection is not taken over: asyncua numbers its sessions one after another, and would
        let anybody go on in the name of the user before.
        """
        session = self.session
        if not isinstance(session, Session):
            raise ServiceError(StatusCodes.BadSessionIdInvalid)
        mode = self._connection.security_policy.Mode
        knock = Knock(params.UserIdentityToken, params.UserTokenSignature, session.nonce or b"", mode)
        session.admitted = await self._logins.user_of(knock)
