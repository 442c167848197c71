"""The nodes of a server: an object for each asset, with the variables of its points as components."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import cast

import structlog
from asyncua import ua
from asyncua.server.server import Server
from asyncua.ua.object_ids import ObjectIds

from protocols.opcua.config import STANDARD_NAMESPACE, OpcUaAddress, address_of, identifier_text
from protocols.opcua.library import node_id
from protocols.opcua.nodes import HAS_COMPONENT, HAS_PROPERTY, ORGANIZES, NodeMaker, Place
from protocols.opcua.presentation import Properties, properties_of, type_of
from vppscada.model.points import Point, RowPoint

log = structlog.get_logger()

#: Of the objects and properties, whose ids are texts: ours are stable, whatever the order of points and assets.
OWN_NAMESPACE = "urn:vppscada:assets"
#: Variables made before other work gets its turn.
_AT_ONCE = 500
_DATA_TYPES = {
    "EngineeringUnits": ObjectIds.EUInformation,
    "EURange": ObjectIds.Range,
    "TrueState": ObjectIds.LocalizedText,
    "FalseState": ObjectIds.LocalizedText,
    "EnumStrings": ObjectIds.LocalizedText,
}


async def build_nodes(server: Server, points: Sequence[RowPoint]) -> dict[int, ua.NodeId]:
    """Add the variables of all points; the node of each row. Points of one address share one node."""
    uris = dict.fromkeys(address_of(each.point).namespace_uri for each in points)
    for uri in (*uris, OWN_NAMESPACE):  # ours last: those of the map have the indexes that they would have without
        if uri != STANDARD_NAMESPACE:
            await server.register_namespace(uri)
    return await _Tree(server, await server.get_namespace_array()).build(points)


class _Tree:
    """The objects, variables and properties of one server while they are made."""

    def __init__(self, server: Server, namespaces: Sequence[str]) -> None:
        self._aspace = server.iserver.aspace
        self._maker = NodeMaker(self._aspace)
        self._namespaces = namespaces
        self._own = namespaces.index(OWN_NAMESPACE)
        self._assets: dict[str, ua.NodeId] = {}
        self._values: dict[tuple[str, str], ua.DataValue] = {}

    async def build(self, points: Sequence[RowPoint]) -> dict[int, ua.NodeId]:
        nodes: dict[int, ua.NodeId] = {}
        sharing: dict[ua.NodeId, list[Point]] = {}
        for row, point in points:
            node = node_id(address_of(point), self._namespaces)
            assert node is not None  # its namespace was registered
            nodes[row] = node
            sharing.setdefault(node, []).append(point)
        for count, (node, some) in enumerate(sharing.items()):
            self._add(node, some)
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return nodes

    def _add(self, node: ua.NodeId, points: Sequence[Point]) -> None:
        """One variable; where several points have a say, the first that has something to say."""
        point, address = points[0], address_of(points[0])
        if self._aspace.get(node) is not None:
            log.warning("opcua_node_exists", point=point.id, node=node.to_string())
            return
        properties: Properties = {}
        for each in reversed(points):
            properties |= properties_of(each)
        name = point.id.partition(".")[2] or point.id
        start = "" if address.data_type.is_string else address.data_type.encode(0.0)
        self._maker.add_variable(
            Place(node, ua.QualifiedName(name, node.NamespaceIndex), self._object(point.asset), HAS_COMPONENT),
            ua.Variant(start, ua.VariantType(address.data_type.number)),
            ua.NodeId(ua.Int32(type_of(point, properties))),
            point.description,
            writable=any(each.kind.is_output for each in points),
        )
        for word, value in properties.items():
            self._add_property(node, address, word, value)

    def _object(self, asset: str) -> ua.NodeId:
        known = self._assets.get(asset)
        if known is None:
            known = self._assets[asset] = self._own_id(asset)
            name = ua.QualifiedName(asset, ua.UInt16(self._own))
            objects = ua.NodeId(ua.Int32(ObjectIds.ObjectsFolder))
            self._maker.add_object(Place(known, name, objects, ORGANIZES))
        return known

    def _add_property(self, node: ua.NodeId, address: OpcUaAddress, word: str, value: object) -> None:
        made = self._own_id(f"{address.namespace_uri};{identifier_text(address.identifier)}/{word}")
        place = Place(made, ua.QualifiedName(word), node, HAS_PROPERTY)
        data_type = ua.NodeId(ua.Int32(_DATA_TYPES[word]))
        is_array = isinstance(value, list)
        self._maker.add_property(place, self._data_value(word, value), data_type, is_array)

    def _data_value(self, word: str, value: object) -> ua.DataValue:
        """The same object for the same content: thousands of points have the units of others."""
        return self._values.setdefault((word, repr(value)), ua.DataValue(_variant(value)))

    def _own_id(self, text: str) -> ua.NodeId:
        return ua.NodeId(ua.String(text), ua.Int16(self._own))


def _variant(value: object) -> ua.Variant:
    if isinstance(value, list):
        return ua.Variant(cast(Iterable[object], value), ua.VariantType.LocalizedText, is_array=True)
    is_text = isinstance(value, ua.LocalizedText)
    return ua.Variant(value, ua.VariantType.LocalizedText if is_text else ua.VariantType.ExtensionObject)
