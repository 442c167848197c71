"""The tree of objects that a client of our server finds."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.ua.object_ids import ObjectIds

from protocols.opcua import DRIVER
from protocols.opcua.address_space import OWN_NAMESPACE
from protocols.opcua.config import STANDARD_NAMESPACE, OpcUaAddress
from protocols.opcua.data_types import DATA_TYPES
from protocols.opcua.settings import OpcUaOutstationSettings
from tests.unit.protocols.opcua.device import URI, Handler, point
from vppscada.model.points import Point, PointKind, RowPoint


def named(name: str, of: Point) -> Point:
    return replace(of, id=name)


POWER = replace(point("p", PointKind.ANALOG_INPUT, "double"), wire_units="kW", scale=0.001, minimum=0.0, maximum=2.0)
BREAKER = replace(point("b", PointKind.BINARY_INPUT, "boolean"), state_names=("open", "closed"))
MODE = replace(point("m", PointKind.ANALOG_INPUT, "uint16"), state_names=("off", "auto"))
SETPOINT = replace(point("sp", PointKind.ANALOG_OUTPUT, "double"), wire_units="kW")
SHOWN = replace(point("sp", PointKind.ANALOG_INPUT, "double"), scale=0.001, minimum=0.0, maximum=2.0)
POINTS = (
    named("wtg1.power", POWER),
    named("engine.breaker", BREAKER),
    named("wtg1.mode", MODE),
    named("wtg1.shown", SHOWN),
    named("wtg1.setpoint", SETPOINT),
)


@asynccontextmanager
async def browsing(points: Sequence[Point]) -> AsyncIterator[Client]:
    rows = tuple(RowPoint(row, each) for row, each in enumerate(points))
    outstation = DRIVER.outstation("ems", OpcUaOutstationSettings(port=0), rows, Handler(), None)
    await outstation.start()
    try:
        async with Client(f"opc.tcp://127.0.0.1:{outstation.port}", watchdog_intervall=30.0) as client:
            yield client
    finally:
        await outstation.stop()


async def tree(client: Client) -> dict[str, list[tuple[str, str]]]:
    """Names and ids of components by the id of their object."""
    found: dict[str, list[tuple[str, str]]] = {}
    for asset in await client.nodes.objects.get_children(refs=ObjectIds.Organizes):
        if asset.nodeid.NamespaceIndex:
            components = await asset.get_children(refs=ObjectIds.HasComponent)
            named = [((await one.read_browse_name()).Name, str(one.nodeid.Identifier)) for one in components]
            found[str(asset.nodeid.Identifier)] = [(str(name), text) for name, text in named]
    return found


async def node(client: Client, identifier: str, uri: str = URI) -> Node:
    return client.get_node(ua.NodeId(ua.String(identifier), ua.Int16(await client.get_namespace_index(uri))))


async def test_each_asset_is_an_object_with_its_points_as_components() -> None:
    async with browsing(POINTS) as client:
        assert await tree(client) == {
            "wtg1": [("power", "p"), ("mode", "m"), ("shown", "sp")],
            "engine": [("breaker", "b")],
        }
        asset = await node(client, "wtg1", OWN_NAMESPACE)
        assert await asset.read_type_definition() == ua.NodeId(ua.Int32(ObjectIds.BaseObjectType))
        child = await client.nodes.objects.get_child([await asset.read_browse_name(), f"{await index(client)}:power"])
        assert child.nodeid.Identifier == "p"


async def index(client: Client) -> int:
    return int(await client.get_namespace_index(URI))


async def test_ids_are_the_same_whatever_the_order_of_points() -> None:
    async def ids(points: Sequence[Point]) -> set[str]:
        async with browsing(points) as client:
            power = await node(client, "p")
            properties = [str(one.nodeid.Identifier) for one in await power.get_properties()]
            return {*await tree(client), *properties}

    assert await ids(POINTS) == await ids(POINTS[::-1])


async def test_namespaces_of_the_map_have_the_indexes_that_they_had_before_there_were_objects() -> None:
    async with browsing(
        (
            *POINTS,
            named("x.y", replace(POWER, address=point("q", PointKind.ANALOG_INPUT, "double", "urn:other").address)),
        )
    ) as client:
        namespaces = await client.get_namespace_array()
        assert namespaces[2:] == [URI, "urn:other", OWN_NAMESPACE]


async def test_an_analog_tells_its_units_and_range() -> None:
    async with browsing(POINTS) as client:
        power = await node(client, "p")
        assert await power.read_type_definition() == ua.NodeId(ua.Int32(ObjectIds.AnalogItemType))
        units = await (await power.get_child("0:EngineeringUnits")).read_value()
        assert units.DisplayName.Text == "kW"
        span = await power.get_child("0:EURange")
        assert await span.read_value() == ua.Range(0.0, 2000.0)
        assert await span.read_type_definition() == ua.NodeId(ua.Int32(ObjectIds.PropertyType))
        parent = await span.get_parent()
        assert parent is not None
        assert parent.nodeid == power.nodeid


async def test_points_of_one_node_tell_together_what_is_known_of_it() -> None:
    async with browsing(POINTS) as client:
        shared = await node(client, "sp")
        assert (await (await shared.get_child("0:EngineeringUnits")).read_value()).DisplayName.Text == "kW"
        assert await (await shared.get_child("0:EURange")).read_value() == ua.Range(0.0, 2000.0)
        assert ua.AccessLevel.CurrentWrite in await shared.get_access_level()


async def test_states_have_their_names() -> None:
    async with browsing(POINTS) as client:
        breaker, mode = await node(client, "b"), await node(client, "m")
        assert (await (await breaker.get_child("0:TrueState")).read_value()).Text == "closed"
        assert (await (await breaker.get_child("0:FalseState")).read_value()).Text == "open"
        strings = await (await mode.get_child("0:EnumStrings")).read_value()
        assert [one.Text for one in strings] == ["off", "auto"]


async def test_a_property_cannot_be_written() -> None:
    async with browsing(POINTS) as client:
        span = await (await node(client, "p")).get_child("0:EURange")
        (found,) = await client.uaclient.write_attributes([span.nodeid], [ua.DataValue(ua.Variant(ua.Range(0.0, 1.0)))])
        assert found.name == "BadUserAccessDenied"


async def test_a_node_of_the_standard_is_not_overwritten() -> None:
    clock = OpcUaAddress(STANDARD_NAMESPACE, 2258, DATA_TYPES["double"])
    async with browsing((named("wtg1.clock", replace(POWER, address=clock)),)) as client:
        assert await tree(client) == {}
