"""Nodes put into asyncua's address space by hand.

asyncua looks through all that a parent has for each node that is added to it, which makes ten thousand nodes slow; and
gives every node attributes of its own, which makes them large. What is the same everywhere is here shared: nobody
writes those attributes, for no client is an administrator.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from asyncua import ua
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

ORGANIZES = ua.NodeId(ua.Int32(ObjectIds.Organizes))
HAS_COMPONENT = ua.NodeId(ua.Int32(ObjectIds.HasComponent))
HAS_PROPERTY = ua.NodeId(ua.Int32(ObjectIds.HasProperty))
_HAS_TYPE_DEFINITION = ua.NodeId(ua.Int32(ObjectIds.HasTypeDefinition))
_OBJECT_TYPE = ua.NodeId(ua.Int32(ObjectIds.BaseObjectType))
_PROPERTY_TYPE = ua.NodeId(ua.Int32(ObjectIds.PropertyType))
_READ = int(ua.AccessLevel.CurrentRead.mask)
_WRITE = int(ua.AccessLevel.CurrentWrite.mask)
_TYPE = ua.VariantType


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node goes: its id, its name, and what it is to which parent."""

    node: ua.NodeId
    name: ua.QualifiedName
    parent: ua.NodeId
    reference: ua.NodeId


class NodeMaker:
    """Adds nodes to one address space. The ids must be new there, and the parents must be there."""

    def __init__(self, aspace: AddressSpace) -> None:
        self._aspace = aspace
        self._known: dict[tuple[ua.NodeId, ua.NodeId], ua.ReferenceDescription] = {}

    def add_object(self, place: Place) -> None:
        """Add an object without events."""
        self._add(place, ua.NodeClass.Object, _OBJECT_TYPE, dict(_of_objects()))

    def add_variable(
        self,
        place: Place,
        value: ua.Variant,
        type_definition: ua.NodeId,
        description: str = "",
        writable: bool = False,
    ) -> None:
        """Add a variable of a built-in type."""
        attributes = dict(_of_variables(ua.NodeId(ua.Int32(value.VariantType.value)), writable, False))
        if description:
            attributes[AttributeIds.Description] = _held(ua.LocalizedText(description), _TYPE.LocalizedText)
        attributes[AttributeIds.Value] = AttributeValue(ua.DataValue(value))
        self._add(place, ua.NodeClass.Variable, type_definition, attributes)

    def add_property(self, place: Place, value: ua.DataValue, data_type: ua.NodeId, is_array: bool) -> None:
        """Add a property that nobody can write; its value is shared with others of the same ``value``."""
        attributes = dict(_of_variables(data_type, False, is_array))
        attributes[AttributeIds.Value] = AttributeValue(value)
        self._add(place, ua.NodeClass.Variable, _PROPERTY_TYPE, attributes)

    def _add(
        self,
        place: Place,
        node_class: ua.NodeClass,
        type_definition: ua.NodeId,
        attributes: dict[AttributeIds, AttributeValue],
    ) -> None:
        text = ua.LocalizedText(place.name.Name)
        name = _held(text, _TYPE.LocalizedText)
        attributes[AttributeIds.NodeId] = _held(place.node, _TYPE.NodeId)
        attributes[AttributeIds.BrowseName] = _held(place.name, _TYPE.QualifiedName)
        attributes[AttributeIds.DisplayName] = name
        attributes.setdefault(AttributeIds.Description, name)
        made = NodeData(place.node)
        made.attributes = attributes
        parent = self._aspace[place.parent]
        parent.references.append(
            ua.ReferenceDescription(
                place.reference, True, _target(place.node), place.name, text, node_class, _target(type_definition)
            )
        )
        made.references = [
            self._reference(place.reference, place.parent, is_forward=False),
            self._reference(_HAS_TYPE_DEFINITION, type_definition, is_forward=True),
        ]
        self._aspace[place.node] = made

    def _reference(self, reference: ua.NodeId, target: ua.NodeId, is_forward: bool) -> ua.ReferenceDescription:
        """To a parent or a type: the same for all that have it."""
        known = self._known.get((reference, target))
        if known is None:
            known = _described(self._aspace[target], reference, is_forward)
            self._known[reference, target] = known
        return known


def _described(target: NodeData, reference: ua.NodeId, is_forward: bool) -> ua.ReferenceDescription:
    """A reference to a node that is there."""
    types = (each.NodeId for each in target.references if each.ReferenceTypeId == _HAS_TYPE_DEFINITION)
    return ua.ReferenceDescription(
        reference,
        is_forward,
        _target(target.nodeid),
        _content(target, AttributeIds.BrowseName),
        _content(target, AttributeIds.DisplayName),
        ua.NodeClass(_content(target, AttributeIds.NodeClass)),
        next(types, ua.ExpandedNodeId()),
    )


def _target(node: ua.NodeId) -> ua.ExpandedNodeId:
    return node  # type: ignore[return-value]  # asyncua takes a plain id for one of this server


def _content(node: NodeData, attribute: AttributeIds) -> Any:
    held = node.attributes[attribute].value
    assert held is not None and held.Value is not None  # asyncua's own nodes, and those made here, have them
    return held.Value.Value


def _held(value: object, kind: ua.VariantType, is_array: bool = False) -> AttributeValue:
    return AttributeValue(ua.DataValue(ua.Variant(value, kind, is_array=is_array)))


def _of_all(node_class: ua.NodeClass) -> dict[AttributeIds, AttributeValue]:
    return {
        AttributeIds.NodeClass: _held(node_class, _TYPE.Int32),
        AttributeIds.WriteMask: _held(0, _TYPE.UInt32),
        AttributeIds.UserWriteMask: _held(0, _TYPE.UInt32),
    }


@cache
def _of_objects() -> dict[AttributeIds, AttributeValue]:
    return _of_all(ua.NodeClass.Object) | {AttributeIds.EventNotifier: _held(0, _TYPE.Byte)}


@cache
def _of_variables(data_type: ua.NodeId, writable: bool, is_array: bool) -> dict[AttributeIds, AttributeValue]:
    rank = ua.ValueRank.OneDimension if is_array else ua.ValueRank.Scalar
    access = _held(_READ | _WRITE if writable else _READ, _TYPE.Byte)
    return _of_all(ua.NodeClass.Variable) | {
        AttributeIds.AccessLevel: access,
        AttributeIds.UserAccessLevel: access,
        AttributeIds.ArrayDimensions: _held([0] if is_array else None, _TYPE.UInt32, is_array=True),
        AttributeIds.DataType: _held(data_type, _TYPE.NodeId),
        AttributeIds.Historizing: _held(False, _TYPE.Boolean),
        AttributeIds.MinimumSamplingInterval: _held(0.0, _TYPE.Double),
        AttributeIds.ValueRank: _held(rank, _TYPE.Int32),
    }
