"""The nodes of a server: one variable per point, in folders that stay small."""

from collections.abc import Sequence

import structlog
from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds

from protocols.opcua.config import STANDARD_NAMESPACE, address_of
from protocols.opcua.library import node_id
from vppscada.model.points import RowPoint

log = structlog.get_logger()

#: asyncua looks through all children of a folder for each one that is added.
PER_FOLDER = 200


async def build_nodes(server: Server, points: Sequence[RowPoint]) -> dict[int, ua.NodeId]:
    """Add the variables of all points; the node of each row. Points of one address share one node."""
    for uri in dict.fromkeys(address_of(each.point).namespace_uri for each in points):
        if uri != STANDARD_NAMESPACE:
            await server.register_namespace(uri)
    namespaces = await server.get_namespace_array()
    nodes: dict[int, ua.NodeId] = {}
    known: set[ua.NodeId] = set()
    folder: Node | None = None
    for each in points:
        node = node_id(address_of(each.point), namespaces)
        assert node is not None  # its namespace was registered above
        nodes[each.row] = node
        if node in known:
            continue
        if folder is None or len(known) % PER_FOLDER == 0:
            folder = await server.nodes.objects.add_folder(1, f"Points{len(known) // PER_FOLDER}")
        known.add(node)
        await _add(server, folder, node, each)
    await _let_write(server, points, nodes)
    return nodes


async def _add(server: Server, folder: Node, node: ua.NodeId, each: RowPoint) -> None:
    point, data_type = each.point, address_of(each.point).data_type
    if server.iserver.aspace.get(node) is not None:
        log.warning("opcua_node_exists", point=point.id, node=node.to_string())
        return
    name = point.id.partition(".")[2] or point.id
    start = "" if data_type.is_string else data_type.encode(0.0)
    browse_name = ua.QualifiedName(name, node.NamespaceIndex)
    variable = await folder.add_variable(node, browse_name, start, ua.VariantType(data_type.number))
    if point.description:
        text = ua.LocalizedText(point.description)
        await variable.write_attribute(AttributeIds.Description, ua.DataValue(ua.Variant(text)))


async def _let_write(server: Server, points: Sequence[RowPoint], nodes: dict[int, ua.NodeId]) -> None:
    for each in points:
        if each.point.kind.is_output:
            await server.get_node(nodes[each.row]).set_writable()
