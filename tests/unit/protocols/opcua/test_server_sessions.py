"""What sessions of our server may not do to each other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.uaerrors import UaError

from protocols.opcua.server import OpcUaOutstation
from protocols.opcua.settings import OpcUaOutstationSettings
from protocols.opcua.users import Anonymous
from tests.unit.protocols.opcua.device import SETPOINT, URI
from tests.unit.protocols.opcua.test_logins import serving
from tests.unit.protocols.opcua.test_session import batch


@asynccontextmanager
async def bare(outstation: OpcUaOutstation) -> AsyncIterator[tuple[Client, ua.NodeId]]:
    async with Client(f"opc.tcp://127.0.0.1:{outstation.port}", watchdog_intervall=30.0) as client:
        yield client, ua.NodeId(ua.String("sp"), ua.Int16(await client.get_namespace_index(URI)))


async def written(client: Client, node: ua.NodeId) -> str:
    value = ua.DataValue(ua.Variant(2.5, ua.VariantType.Float))
    (found,) = await client.uaclient.write_attributes([node], [value])
    return str(found.name)


async def test_an_anonymous_client_that_may_read_reads_and_writes_nothing() -> None:
    async with (
        serving(OpcUaOutstationSettings(port=0, anonymous=Anonymous.READ)) as (outstation, handler),
        bare(outstation) as (client, node),
    ):
        assert await client.get_node(node).read_value() == 0.0
        assert await written(client, node) == "BadUserAccessDenied"
        assert (handler.operated, outstation.statistics["writes_denied"]) == ([], 1)


async def test_a_session_is_not_taken_over_by_another_connection() -> None:
    async with (
        serving(OpcUaOutstationSettings(port=0)) as (outstation, handler),
        bare(outstation) as (client, node),
    ):
        thief = Client(f"opc.tcp://127.0.0.1:{outstation.port}")
        await thief.connect_socket()
        try:
            await thief.send_hello()
            await thief.open_secure_channel()
            assert client.uaclient.protocol is not None
            assert thief.uaclient.protocol is not None
            thief.uaclient.protocol.authentication_token = client.uaclient.protocol.authentication_token
            with pytest.raises(UaError, match="BadSessionIdInvalid"):
                await thief.activate_session()
            with pytest.raises(UaError):
                await written(thief, node)
        finally:
            thief.disconnect_socket()
        assert await written(client, node) == "Good"
        assert len(handler.operated) == 1


async def test_a_connection_makes_one_session_at_a_time_and_registers_no_servers() -> None:
    async with serving(OpcUaOutstationSettings(port=0)) as (outstation, _), bare(outstation) as (client, _):
        server = outstation._server
        assert server is not None
        for _ in range(3):
            with pytest.raises(UaError, match="BadTooManySessions"):
                await client.uaclient.create_session(ua.CreateSessionParameters())
        assert len(server.sessions.open_sessions) == 1
        known = dict(server.iserver._known_servers)
        with pytest.raises(UaError, match="BadServiceUnsupported"):
            await client.uaclient.register_server(ua.RegisteredServer(ServerUri="urn:mine"))
        assert server.iserver._known_servers == known


async def test_a_session_cannot_touch_the_subscriptions_of_another() -> None:
    seen: asyncio.Queue[float] = asyncio.Queue()

    class Changes:
        def datachange_notification(self, node: object, val: float, data: object) -> None:
            seen.put_nowait(val)

    async with (
        serving(OpcUaOutstationSettings(port=0)) as (outstation, _),
        bare(outstation) as (victim, node),
        bare(outstation) as (other, _),
    ):
        subscription = await victim.create_subscription(20, Changes())
        await subscription.subscribe_data_change(victim.get_node(node))
        number = subscription.subscription_id
        assert number is not None
        own = (await other.create_subscription(1000, Changes())).subscription_id
        invalid = "BadSubscriptionIdInvalid"
        peer = other.uaclient
        found = await peer.delete_subscriptions([number])
        assert [each.name for each in found] == [invalid]
        found = await peer.set_publishing_mode(ua.SetPublishingModeParameters(False, [number, own]))
        assert [each.name for each in found] == [invalid, "Good"]
        for request in (
            peer.create_monitored_items(ua.CreateMonitoredItemsParameters(number)),
            peer.modify_monitored_items(ua.ModifyMonitoredItemsParameters(number)),
            peer.delete_monitored_items(ua.DeleteMonitoredItemsParameters(number, [1])),
            peer.set_monitoring_mode(ua.SetMonitoringModeParameters(number, MonitoredItemIds=[1])),
            peer.modify_subscription(ua.ModifySubscriptionParameters(number)),
        ):
            with pytest.raises(UaError, match=invalid):
                await request
        with pytest.raises(UaError, match="BadServiceUnsupported"):
            await peer.transfer_subscriptions(ua.TransferSubscriptionsParameters([number], True))
        outstation.update(batch([SETPOINT], [9.0]))
        async with asyncio.timeout(20.0):
            while await seen.get() != 9.0:
                pass


# --- tokens one by one
