"""An OPC UA server of points: an asyncua server whose values come in batches and whose writes are commands."""

import asyncio
import contextlib
import gc
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import structlog
from asyncua import ua
from asyncua.server.internal_server import InternalServer
from asyncua.ua.uaerrors import UaError

from protocols.opcua.address_space import build_nodes
from protocols.opcua.config import address_of
from protocols.opcua.library import keep_quiet, secure_server
from protocols.opcua.listening import BoundedServer, BoundedSessions
from protocols.opcua.logins import Logins
from protocols.opcua.served import Served
from protocols.opcua.settings import OpcUaOutstationSettings
from protocols.opcua.writes import CommandedAttributes, WriteDecider
from vppscada.model.batch import Batch
from vppscada.model.outstations import CommandHandler
from vppscada.model.points import RowPoint

log = structlog.get_logger()

#: Values written to nodes before other work gets its turn.
_AT_ONCE = 500
#: Batches that may wait; beyond, only the last value of each point is kept.
_WAITING = 256


class OpcUaOutstation:
    """Serves points at their identifiers, under their namespace URIs. Values are device units.

    An output takes writes: the handler is awaited before the write is answered, and only an accepted write
    changes the node. OPC UA has no events in the sense of IEEE 1815; each subscription keeps its own queues.
    """

    def __init__(
        self, name: str, settings: OpcUaOutstationSettings, points: Sequence[RowPoint], handler: CommandHandler
    ) -> None:
        self.name = name
        self.statistics: Counter[str] = Counter()
        self._settings = settings
        # in a simulation there may be points that are commanded by methods only: those are not served
        self._points = [each for each in points if each.point.enabled and address_of(each.point).is_read]
        self._handler = handler
        self._served = Served(self._points)
        self._nodes: dict[int, ua.NodeId] = {}
        self._server: BoundedServer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: deque[Batch] = deque()
        self._new = asyncio.Event()

    @property
    def port(self) -> int:
        """The TCP port it is bound to; 0 while not bound."""
        bound = self._server.bserver if self._server is not None else None
        return int(bound.port) if bound is not None else 0

    async def start(self) -> None:
        """Build the address space, bind and listen; see `vppscada.model.outstations.Outstation`."""
        if self._server is not None:
            return
        keep_quiet()
        logins = Logins(self.name, self._settings, self.statistics)
        iserver = BoundedSessions(self._settings.maximum_connections, logins)
        server = BoundedServer(iserver, self.statistics)
        server.disable_clock()  # asyncua's clock takes a second to stop; ours is below
        server.set_endpoint(self._settings.url)
        server.set_server_name("vppscada")
        with _garbage_left_alone():
            await server.init()
        await server.set_application_uri(self._settings.application_uri)
        await secure_server(server, self._settings)
        logins.certificate, logins.private_key = iserver.certificate, iserver.private_key
        with _garbage_left_alone():
            self._nodes = await build_nodes(server, self._points)
        self._waiting.clear()
        for row in self._nodes:
            await self._write(server, row)
        decider = WriteDecider(self.name, self._settings.command_timeout_s, self._handler, self.statistics)
        outputs = {self._nodes[each.row]: each for each in self._points if each.point.kind.is_output}
        iserver.attribute_service = CommandedAttributes(iserver.aspace, outputs, decider, self._show, logins.denied)
        await server.start()
        self._server = server
        self.update(self._served.everything())  # what came while the nodes were being built
        self._tasks = [asyncio.create_task(self._serve(server)), asyncio.create_task(_tell_time(iserver))]
        log.info("opcua_outstation_started", outstation=self.name, port=self.port, points=len(self._points))

    async def stop(self) -> None:
        """Close every connection and the listener; see `vppscada.model.outstations.Outstation`."""
        server, self._server = self._server, None
        if server is None:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for transport in list(server.iserver.asyncio_transports):
            transport.abort()  # a peer that does not read must not hold us
        for session in list(server.sessions.open_sessions):
            with contextlib.suppress(Exception):
                await session.close_session(True)
        await server.stop()
        server.sessions.logins.stop()
        log.info("opcua_outstation_stopped", outstation=self.name)

    def update(self, batch: Batch) -> None:
        """Take new values; subscribers are told as soon as the loop comes round."""
        self.statistics["updates_received"] += 1
        self._served.take(batch)
        if self._server is None:
            return
        if len(self._waiting) >= _WAITING:
            self.statistics["updates_merged"] += len(self._waiting)
            self._waiting.clear()
            self._waiting.append(self._served.everything())
        else:
            self._waiting.append(batch)
        self._new.set()

    async def settled(self) -> None:
        """Nothing here outlives the process, so there is nothing to wait for."""

    async def _serve(self, server: BoundedServer) -> None:
        written = 0
        while True:
            await self._new.wait()
            self._new.clear()
            while self._waiting:
                batch = self._waiting.popleft()
                for row, value in self._served.data_values(batch):
                    node = self._nodes.get(row)
                    if node is None:
                        continue
                    await server.write_attribute_value(node, value)
                    written += 1
                    if written % _AT_ONCE == 0:
                        await asyncio.sleep(0)

    async def _write(self, server: BoundedServer, row: int) -> None:
        await server.write_attribute_value(self._nodes[row], self._served.now(row))

    async def _show(self, point: RowPoint, value: float) -> None:
        """An accepted write becomes the value of its node, and of every point on that node."""
        server = self._server
        if server is None:
            return
        self._served.put(point.row, value, time.time_ns() // 1_000_000)
        await self._write(server, point.row)


@contextlib.contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """The standard's nodes are half a million objects, and ours as many, none of them garbage: twice as quick so."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


async def _tell_time(iserver: InternalServer) -> None:
    while True:
        with contextlib.suppress(UaError):
            await iserver.current_time_node.write_value(datetime.now(UTC))
        await asyncio.sleep(1.0)
