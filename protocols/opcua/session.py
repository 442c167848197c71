"""A client's session with one OPC UA server: reads everything once, then lives on one subscription."""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import replace

import numpy as np
import structlog
from asyncua import ua

from protocols.opcua.config import address_of
from protocols.opcua.connection import Connection, Monitored, open_connection
from protocols.opcua.data_types import CannotEncode
from protocols.opcua.decode import Items
from protocols.opcua.library import node_id
from protocols.opcua.mapping import Layout, MethodCall, bad_batch, batch_of, layout_of, order_of
from protocols.opcua.sending import Sending
from protocols.opcua.settings import OpcUaSessionSettings
from protocols.opcua.status import is_filter_fault, quality_of
from protocols.opcua.subscription import Publishing, items_of
from protocols.opcua.trust import first_expiry_s
from vppscada.model.batch import Cause
from vppscada.model.commands import Accepted, Command, CommandResult, NotSent
from vppscada.model.points import RowPoint
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionListener, SessionLost

log = structlog.get_logger()


class OpcUaSession:
    """One server. Values are device units, as the nodes have them. OPC UA has no select: SBO is a plain write."""

    def __init__(self, name: str, settings: OpcUaSessionSettings, points: Sequence[RowPoint]) -> None:
        self.name = name
        self.statistics: Counter[str] = Counter()
        self._settings = settings
        self._layout: Layout = layout_of(points)
        #: Handles of points with a value; the others are only commanded.
        self._with_values = [h for h, point in enumerate(self._layout.points) if address_of(point).is_read]
        self._handle_of_row = {int(row): handle for handle, row in enumerate(self._layout.rows)}
        self._connection: Connection | None = None
        self._nodes: dict[int, ua.NodeId] = {}  # by handle, as the server of this connection numbers namespaces
        self._notified = np.zeros(len(self._layout), dtype=np.bool_)  # since the read under way was sent
        self._resync = asyncio.Event()
        self._namespaces: Sequence[str] = ()
        self._sending = Sending(name, self.statistics, lambda connection: self._connection is connection)

    async def run(self, listener: SessionListener) -> None:
        """Live through one connection; see `vppscada.model.sessions.Session`."""
        settings = self._settings
        files = (settings.certificate, settings.server_certificate, settings.user_certificate)
        self.statistics["certificate_expires_s"] = first_expiry_s(files)
        connection = await open_connection(self._settings)
        self.statistics["certificate_expires_s"] = first_expiry_s(files, (connection.peer_certificate,))
        self.statistics["connections_opened"] += 1
        politely = False
        try:
            listener.on_connected()
            await self._live(connection, listener)
        except asyncio.CancelledError:
            politely = connection.is_usable
            raise
        except SessionLost as lost:
            self.statistics["connections_lost"] += 1
            if connection.lost.done() and connection.lost.result() not in str(lost):
                raise SessionLost(f"{lost} ({connection.lost.result()})") from lost
            raise
        finally:
            self._connection = None
            self._nodes = {}
            await connection.close(politely)

    async def _live(self, connection: Connection, listener: SessionListener) -> None:
        """The start-up order, top to bottom, and then whatever ends the connection first."""
        await connection.learn_limits()
        self._namespaces = await connection.namespaces()
        self._nodes = self._resolve(self._namespaces)
        self._tell_unresolved(listener)
        await self._read_all(connection, listener)
        subscription = await connection.create_subscription()
        self._resync.clear()
        publishing = Publishing(
            connection,
            subscription,
            self.statistics,
            on_items=lambda items: self._take_notified(items, listener),
            on_gap=self._resync.set,
        )
        await self._monitor(connection, int(subscription.SubscriptionId), listener)
        self._connection = connection
        listener.on_started()
        await first_to_end(
            publishing.run(),
            self._watch(connection, publishing),
            self._keep_in_step(connection, listener),
        )

    # --- reading

    def _resolve(self, namespaces: Sequence[str]) -> dict[int, ua.NodeId]:
        found = ((h, node_id(address_of(self._layout.points[h]), namespaces)) for h in self._with_values)
        return {handle: node for handle, node in found if node is not None}

    def _tell_unresolved(self, listener: SessionListener) -> None:
        missing = [handle for handle in self._with_values if handle not in self._nodes]
        if not missing:
            return
        self.statistics["points_unresolved"] += len(missing)
        uris = sorted({address_of(self._layout.points[handle]).namespace_uri for handle in missing})
        log.warning("opcua_namespaces_unknown", session=self.name, uris=uris, points=len(missing))
        listener.on_batch(bad_batch(self._layout, missing, Quality.REFERENCE_ERR, _now_ms()))

    async def _read_all(self, connection: Connection, listener: SessionListener) -> None:
        if not self._nodes:
            return
        self._notified[:] = False
        values = await connection.read(list(self._nodes.values()))
        self.statistics["reads_completed"] += 1
        # What was notified meanwhile is newer than the read, or the next notification will be.
        items = items_of(list(self._nodes), values)
        self._hand_on(items.where(~self._notified[items.handle]), listener, Cause.INTEGRITY)

    def _take_notified(self, items: Items, listener: SessionListener) -> None:
        self._hand_on(items, listener, Cause.SUBSCRIPTION)
        self._notified[items.handle[items.handle < len(self._layout)]] = True

    def _hand_on(self, items: Items, listener: SessionListener, cause: Cause) -> None:
        if len(items) and int(items.handle.max()) >= len(self._layout):
            self.statistics["notifications_unknown"] += 1
            return
        self.statistics["values_received"] += len(items)
        if len(items):
            listener.on_batch(batch_of(items, self._layout, _now_ms(), cause))

    def _monitored(self, handle: int, node: ua.NodeId) -> Monitored:
        address = address_of(self._layout.points[handle])
        sampling_ms = address.sampling_ms
        if sampling_ms is None:
            sampling_ms = self._settings.sampling_interval_ms
        return Monitored(handle, node, address.deadband, sampling_ms)

    async def _monitor(self, connection: Connection, subscription: int, listener: SessionListener) -> None:
        wanted = [self._monitored(handle, node) for handle, node in self._nodes.items()]
        codes = await connection.monitor(subscription, wanted)
        # A server without deadbands reports more than was asked, which is better than nothing at all.
        plain = [replace(each, deadband=0.0) for each, code in zip(wanted, codes, strict=True) if is_filter_fault(code)]
        if plain:
            self.statistics["deadbands_refused"] += len(plain)
            log.warning("opcua_deadbands_refused", session=self.name, points=len(plain))
            again = iter(await connection.monitor(subscription, plain))
            codes = [next(again) if is_filter_fault(code) else code for code in codes]
        refused: dict[Quality, list[int]] = {}
        for each, code in zip(wanted, codes, strict=True):
            if code >> 30:
                refused.setdefault(quality_of(code) & ~Quality.ONLINE, []).append(each.handle)
        for quality, handles in refused.items():
            self.statistics["items_refused"] += len(handles)
            log.warning("opcua_items_refused", session=self.name, points=len(handles), quality=str(quality))
            listener.on_batch(bad_batch(self._layout, handles, quality, _now_ms()))

    async def _keep_in_step(self, connection: Connection, listener: SessionListener) -> None:
        """Read everything anew from time to time, and at once when notifications were missed."""
        while True:
            try:
                async with asyncio.timeout(self._settings.resync_s or None):
                    await self._resync.wait()
            except TimeoutError:
                pass
            self._resync.clear()
            await self._read_all(connection, listener)

    async def _watch(self, connection: Connection, publishing: Publishing) -> None:
        """Return never; notice a connection that is lost and a subscription that has fallen silent.

        Raises:
            SessionLost: with what was noticed.
        """
        longest = publishing.keep_alive_s + self._settings.timeout_s
        while True:
            silent = time.monotonic() - publishing.heard_at
            if silent >= longest:
                raise SessionLost(f"the subscription has been silent for {silent:.1f} s")
            await asyncio.wait((connection.lost,), timeout=longest - silent)
            if connection.lost.done():
                raise SessionLost(connection.lost.result())

    # --- writing

    async def select(self, command: Command) -> CommandResult:
        """OPC UA has no select: see `Session.select`."""
        usable = self._connection is not None and self._connection.is_usable
        return Accepted() if usable else NotSent("not connected")

    async def operate(self, command: Command) -> CommandResult:
        """Send one command and say what became of it; see `vppscada.model.sessions.Session`.

        A pulse is over when this returns; its end is sent even if the caller gives up waiting.
        """
        handle = self._handle_of_row.get(command.row)
        if handle is None:
            return NotSent(f"row {command.row} is no point of this session")
        point = self._layout.points[handle]
        address = address_of(point)
        try:
            order = order_of(point, command.body)
        except CannotEncode as fault:
            return NotSent(str(fault))
        connection, node = self._connection, self._nodes.get(handle)
        if connection is None or not connection.is_usable:
            return NotSent("not connected")
        if time.monotonic() >= command.expires_at:
            self.statistics["commands_expired"] += 1
            return NotSent("expired before it could be sent")
        if isinstance(order, MethodCall):
            return await self._sending.call(connection, self._namespaces, order, address.data_type)
        if node is None:
            return NotSent(f"the server does not know {address}")
        return await self._sending.write(connection, node, address.data_type, order)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def first_to_end(*coroutines: Coroutine[object, object, None]) -> None:
    """Run coroutines side by side until one ends; the others are cancelled, and its error is raised."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
