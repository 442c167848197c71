"""One connection of a session to a server: asyncua's client, with every fault of peer or network a `SessionLost`."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClientState
from asyncua.common.utils import Buffer
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import struct_from_binary
from asyncua.ua.uaerrors import UaStatusCodeError

from protocols.opcua.library import keep_quiet, secure_client
from protocols.opcua.settings import OpcUaSessionSettings
from vppscada.model.sessions import SessionLost

log = structlog.get_logger()

#: Nodes in one request, where the server states no limit of its own.
MOST_NODES = 1000
#: A server may not make us wait longer than this for a polite goodbye.
_GOODBYE_S = 1.0


@contextlib.contextmanager
def lost_if_it_fails(doing: str) -> Iterator[None]:
    """Whatever asyncua raises over a peer's answer or its absence ends the connection.

    It raises far more than its own errors when bytes do not mean what they should (ValueError, struct.error,
    AttributeError, …), hence the width of the net.
    """
    try:
        yield
    except SessionLost:
        raise
    except TimeoutError as error:
        raise SessionLost(f"{doing}: no answer in time") from error
    except Exception as error:
        raise SessionLost(f"{doing}: {str(error) or type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class Monitored:
    """A node to be monitored, its client handle and what is asked of the server; see `OpcUaAddress`."""

    handle: int
    node: ua.NodeId
    deadband: float
    sampling_ms: float


class Connection:
    """Made by `open_connection`; `close` must be called."""

    def __init__(self, client: Client, settings: OpcUaSessionSettings) -> None:
        self._client = client
        self._settings = settings
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.most_nodes_per_read = MOST_NODES
        self.most_items_per_call = MOST_NODES
        client.connection_lost_callback = self._on_lost

    async def _on_lost(self, error: Exception) -> None:
        if not self.lost.done():
            self.lost.set_result(str(error) or "the server stopped answering")

    @property
    def is_usable(self) -> bool:
        """True while a request would leave at once."""
        protocol = self._client.uaclient.protocol
        connected = self._client.state is UaClientState.CONNECTED and not self.lost.done()
        return connected and protocol is not None and protocol.transport is not None

    @property
    def peer_certificate(self) -> bytes | None:
        """The server's certificate as DER; None without security."""
        certificate = getattr(self._client.security_policy, "peer_certificate", None)
        return certificate if isinstance(certificate, bytes) else None

    async def namespaces(self) -> list[str]:
        """The server's namespace array."""
        with lost_if_it_fails("reading the namespace array"):
            found = await self._client.get_namespace_array()
            return [str(uri) for uri in found]

    async def learn_limits(self) -> None:
        """Ask how much goes into one request; a server that does not say gets `MOST_NODES`."""
        limits = (
            ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
            ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
        )
        read, items = await self.read([ua.NodeId(ua.Int32(limit)) for limit in limits])
        self.most_nodes_per_read = _limit(read)
        self.most_items_per_call = _limit(items)

    async def read(self, nodes: Sequence[ua.NodeId]) -> list[ua.DataValue]:
        """The values of nodes, with their status and time, in as many requests as the server wants."""
        values: list[ua.DataValue] = []
        for start in range(0, len(nodes), self.most_nodes_per_read):
            part = list(nodes[start : start + self.most_nodes_per_read])
            with lost_if_it_fails("reading"):
                found = await self._client.uaclient.read_attributes(part, AttributeIds.Value)
            if len(found) != len(part):
                raise SessionLost(f"reading: {len(found)} values for {len(part)} nodes")
            values += found
        return values

    async def write(self, node: ua.NodeId, value: ua.Variant) -> int:
        """Write a value without times, which many servers refuse; the status code of the answer.

        While `is_usable`, the request leaves before the first wait.

        Raises:
            SessionLost: no answer came; whether the write was done is not known.
        """
        written = ua.WriteValue()
        written.NodeId = node
        written.AttributeId = AttributeIds.Value
        written.Value = ua.DataValue(value)
        request = ua.WriteRequest()
        request.Parameters.NodesToWrite = [written]
        with lost_if_it_fails("writing"):
            return await self._result(request, ua.WriteResponse, lambda answer: answer.Results[0])

    async def call(self, target: ua.NodeId, method: ua.NodeId, arguments: Sequence[ua.Variant]) -> int:
        """Call a method of an object; the status code of the answer. What it returns is of no interest.

        While `is_usable`, the request leaves before the first wait.

        Raises:
            SessionLost: no answer came; whether the method was carried out is not known.
        """
        request = ua.CallRequest()
        request.Parameters.MethodsToCall = [ua.CallMethodRequest(target, method, list(arguments))]
        with lost_if_it_fails("calling a method"):
            return await self._result(request, ua.CallResponse, lambda answer: answer.Results[0].StatusCode)

    async def _result(self, request: object, answer: type[Any], result: Callable[[Any], ua.StatusCode]) -> int:
        """The status code of the whole request, or else of its one result."""
        try:
            response = struct_from_binary(answer, Buffer(await self._send(request)))
        except UaStatusCodeError as fault:
            if self.is_usable:  # the server answered, with a fault in the place of a result
                return int(fault.code)
            raise
        return int(response.ResponseHeader.ServiceResult.value) or int(result(response).value)

    async def create_subscription(self) -> ua.CreateSubscriptionResult:
        """Create a subscription that this side publishes for by itself (see `publish`)."""
        request = ua.CreateSubscriptionRequest()
        request.Parameters.RequestedPublishingInterval = self._settings.publishing_interval_ms
        request.Parameters.RequestedMaxKeepAliveCount = self._settings.keepalive_count
        request.Parameters.RequestedLifetimeCount = max(10 * self._settings.keepalive_count, 100)
        request.Parameters.MaxNotificationsPerPublish = 0
        request.Parameters.PublishingEnabled = True
        with lost_if_it_fails("creating the subscription"):
            response = struct_from_binary(ua.CreateSubscriptionResponse, Buffer(await self._send(request)))
            response.ResponseHeader.ServiceResult.check()
            parameters: ua.CreateSubscriptionResult = response.Parameters
            return parameters

    async def monitor(self, subscription: int, wanted: Sequence[Monitored]) -> list[int]:
        """Monitor nodes; a status code for each."""
        codes: list[int] = []
        for start in range(0, len(wanted), self.most_items_per_call):
            part = [self._item(each) for each in wanted[start : start + self.most_items_per_call]]
            parameters = ua.CreateMonitoredItemsParameters()
            parameters.SubscriptionId = ua.IntegerId(subscription)
            parameters.TimestampsToReturn = ua.TimestampsToReturn.Source
            parameters.ItemsToCreate = part
            with lost_if_it_fails("creating monitored items"):
                found = await self._client.uaclient.session.create_monitored_items(parameters)
            if len(found) != len(part):
                raise SessionLost(f"creating monitored items: {len(found)} results for {len(part)} items")
            codes += [int(each.StatusCode.value) for each in found]
        return codes

    def _item(self, wanted: Monitored) -> ua.MonitoredItemCreateRequest:
        item = ua.MonitoredItemCreateRequest()
        item.ItemToMonitor.NodeId = wanted.node
        item.ItemToMonitor.AttributeId = AttributeIds.Value
        item.MonitoringMode = ua.MonitoringMode.Reporting
        item.RequestedParameters.ClientHandle = ua.IntegerId(wanted.handle)
        item.RequestedParameters.SamplingInterval = wanted.sampling_ms
        if wanted.deadband:
            item.RequestedParameters.Filter = _deadband(wanted.deadband)
        item.RequestedParameters.QueueSize = self._settings.queue_size
        item.RequestedParameters.DiscardOldest = True
        return item

    async def publish(self, subscription: int, acknowledged: Sequence[int]) -> bytes:
        """Ask for the next notification, acknowledging earlier ones; the body of the response, undecoded."""
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = [
            ua.SubscriptionAcknowledgement(ua.IntegerId(subscription), ua.Counter(number)) for number in acknowledged
        ]
        with lost_if_it_fails("publishing"):
            return await self._send(request, timeout_s=0.0)

    async def _send(self, request: object, timeout_s: float | None = None) -> bytes:
        protocol = self._client.uaclient.protocol
        if protocol is None:
            raise SessionLost("the connection is closed")
        buffer = await protocol.send_request(request, timeout_s)
        return buffer.read(len(buffer))

    async def close(self, politely: bool) -> None:
        """End session and connection. Without politeness nothing more is sent, not even what waits to be."""
        protocol = self._client.uaclient.protocol
        transport = protocol.transport if protocol is not None else None
        if transport is not None and not politely:
            transport.abort()
        with contextlib.suppress(Exception):  # whatever goes wrong with a goodbye, the socket is shut below
            async with asyncio.timeout(_GOODBYE_S):
                await self._client.disconnect()
        self._client.disconnect_socket()
        if transport is not None:
            transport.abort()


def _deadband(width: float) -> ua.DataChangeFilter:
    made = ua.DataChangeFilter()
    made.Trigger = ua.DataChangeTrigger.StatusValue
    made.DeadbandType = ua.UInt32(ua.DeadbandType.Absolute)
    made.DeadbandValue = ua.Double(width)
    return made


def _limit(value: ua.DataValue) -> int:
    found = value.Value.Value if value.Value is not None else None
    return min(found, 10 * MOST_NODES) if isinstance(found, int) and found > 0 else MOST_NODES


async def open_connection(settings: OpcUaSessionSettings) -> Connection:
    """Connect, open the channel, create and activate the session, all within ``timeout_s``.

    Raises:
        SessionLost: with the reason.
    """
    keep_quiet()
    # asyncua looks after the server twice within the time that a silent one is given
    client = Client(settings.url, timeout=settings.timeout_s, watchdog_intervall=settings.timeout_s / 2)
    client.session_timeout = int(settings.session_timeout_s * 1000)
    connection = Connection(client, settings)
    try:
        with lost_if_it_fails(f"connecting to {settings.url}"):
            await secure_client(client, settings)
            async with asyncio.timeout(settings.timeout_s):
                await client.connect(auto_reconnect=False)
    except BaseException:
        await connection.close(politely=False)
        raise
    return connection
