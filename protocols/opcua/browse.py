"""A live OPC UA server asked what it has: its objects walked, and a proposal of a map made of its variables.

Only browsed and read, and bounded: in nodes, in depth and in time.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError

from protocols.opcua.config import identifier_text
from protocols.opcua.data_types import DATA_TYPES
from protocols.opcua.library import keep_quiet
from vppscada.model.points import PointKind, Role
from vppscada.model.proposals import MapProposal, SurveyError
from vppscada.model.scaling import normalising_factor

_MOST_NODES = 50_000
_MOST_DEEP = 24
_TIME_S = 120.0
_ANSWER_S = 10.0
_AT_ONCE = 500
_WORD_BY_NUMBER = {kind.number: word for word, kind in DATA_TYPES.items()}
#: Common codes that people see in a server, in the words of a map.
_UNITS = {"°C": "degC", "kVAr": "kvar", "kVar": "kvar", "VAr": "var", "Var": "var", "MVAr": "Mvar", "MVar": "Mvar"}
_OUTPUTS = {PointKind.ANALOG_INPUT: PointKind.ANALOG_OUTPUT, PointKind.BINARY_INPUT: PointKind.BINARY_OUTPUT}
_STATES = (Role.RUNNING, Role.BREAKER, Role.FAULT, Role.ALARM, Role.REMOTE)
_ORDERS = (Role.START_STOP, Role.BREAKER_COMMAND, Role.FAULT_RESET, Role.SETPOINT_ENABLE)
_SETPOINTS = (Role.SETPOINT, Role.REACTIVE_SETPOINT)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[^A-Za-z0-9]+")


@dataclass(slots=True)
class Variable:
    """A variable as the server tells it. ``path``: browse names from below Objects."""

    path: tuple[str, ...]
    namespace_uri: str
    identifier: str
    description: str = ""
    data_type: str = ""  # empty where it is none that a point can have
    writable: bool = False
    units: str = ""
    lowest: float | None = None
    highest: float | None = None
    states: tuple[str, ...] = field(default=())


async def survey(url: str, username: str = "", password: str = "") -> MapProposal:
    """Walk a server's objects.

    Raises:
        SurveyError: it cannot be reached, does not let us in, or does not answer in time.
    """
    keep_quiet()
    client = Client(url, timeout=_ANSWER_S)
    if username:
        client.set_user(username)
        client.set_password(password)
    try:
        async with asyncio.timeout(_TIME_S):
            await client.connect()
            try:
                variables, whole = await _Walk(client).variables()
            finally:
                await client.disconnect()
    except TimeoutError:
        raise SurveyError(f"{url}: not walked within {_TIME_S:g} s") from None
    except (OSError, UaError, ConnectionError, ValueError) as error:
        raise SurveyError(f"{url}: {error or type(error).__name__}") from error
    return proposal(url, variables, whole)


class _Walk:
    """One walk over one connection."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._namespaces: Sequence[str] = ()

    async def variables(self) -> tuple[list[Variable], bool]:
        """Every variable outside the standard's namespace, and whether all of the server was seen."""
        self._namespaces = await self._client.get_namespace_array()
        nodes, whole = await self._collect()
        found = [Variable(path, self._uri(node), identifier_text(node.nodeid.Identifier)) for node, path in nodes]
        for at in range(0, len(nodes), _AT_ONCE):
            some = slice(at, at + _AT_ONCE)
            await self._describe([node for node, _ in nodes[some]], found[some])
        return found, whole

    def _uri(self, node: Node) -> str:
        index = int(node.nodeid.NamespaceIndex)
        return self._namespaces[index] if index < len(self._namespaces) else ""

    async def _collect(self) -> tuple[list[tuple[Node, tuple[str, ...]]], bool]:
        """Variables with their paths, the broad way: each node once."""
        found: list[tuple[Node, tuple[str, ...]]] = []
        waiting: list[tuple[Node, tuple[str, ...]]] = [(self._client.nodes.objects, ())]
        seen = {self._client.nodes.objects.nodeid}
        for node, path in waiting:
            for child in await node.get_children_descriptions():
                if child.NodeId in seen or child.NodeId.NamespaceIndex == 0:
                    continue
                if len(seen) > _MOST_NODES or len(path) >= _MOST_DEEP:
                    return found, False
                seen.add(child.NodeId)
                one = (self._client.get_node(child.NodeId), (*path, str(child.BrowseName.Name)))
                if (
                    child.NodeClass == ua.NodeClass.Variable
                    and child.ReferenceTypeId.Identifier != ObjectIds.HasProperty
                ):
                    found.append(one)
                elif child.NodeClass == ua.NodeClass.Object:
                    waiting.append(one)
        return found, True

    async def _describe(self, nodes: Sequence[Node], variables: Sequence[Variable]) -> None:
        attributes = AttributeIds
        values = await self._client.read_attributes(nodes, attributes.Value)
        types = await self._client.read_attributes(nodes, attributes.DataType)
        access = await self._client.read_attributes(nodes, attributes.UserAccessLevel)
        descriptions = await self._client.read_attributes(nodes, attributes.Description)
        for variable, value, kind, level, text in zip(variables, values, types, access, descriptions, strict=True):
            variable.data_type = _word(value, kind)
            may = _content(level)
            variable.writable = isinstance(may, int) and bool(may & ua.AccessLevel.CurrentWrite.mask)
            variable.description = str(getattr(_content(text), "Text", None) or "")
        await self._properties(nodes, variables)

    async def _properties(self, nodes: Sequence[Node], variables: Sequence[Variable]) -> None:
        """Units, ranges and names of states, which are nodes of their own."""
        owners: list[tuple[Variable, str]] = []
        properties: list[Node] = []
        for (_, result), variable in zip(await self._client.browse_nodes(nodes), variables, strict=True):
            for reference in result.References or ():
                name = str(reference.BrowseName.Name)
                if name in _PROPERTIES:
                    owners.append((variable, name))
                    properties.append(self._client.get_node(reference.NodeId))
        for at in range(0, len(properties), _AT_ONCE):
            read = await self._client.read_attributes(properties[at : at + _AT_ONCE], AttributeIds.Value)
            for (variable, name), value in zip(owners[at : at + _AT_ONCE], read, strict=True):
                _PROPERTIES[name](variable, _content(value))


def _content(value: ua.DataValue) -> object:
    return None if value.Value is None else value.Value.Value


def _word(value: ua.DataValue, data_type: ua.DataValue) -> str:
    """The built-in type by the value that is there, else by the declared one; none of an array."""
    if value.Value is not None and value.Value.VariantType != ua.VariantType.Null:
        return "" if value.Value.is_array else _WORD_BY_NUMBER.get(int(value.Value.VariantType.value), "")
    declared = _content(data_type)
    if isinstance(declared, ua.NodeId) and declared.NamespaceIndex == 0 and isinstance(declared.Identifier, int):
        return _WORD_BY_NUMBER.get(declared.Identifier, "")
    return ""


def _take_units(variable: Variable, value: object) -> None:
    text = str(getattr(getattr(value, "DisplayName", None), "Text", None) or "").strip()
    variable.units = _UNITS.get(text, text)


def _take_range(variable: Variable, value: object) -> None:
    low, high = getattr(value, "Low", None), getattr(value, "High", None)
    if isinstance(low, int | float) and isinstance(high, int | float) and low < high:
        variable.lowest, variable.highest = float(low), float(high)


def _take_states(variable: Variable, value: object) -> None:
    texts = (
        tuple(str(getattr(one, "Text", "") or "").replace("|", "/") for one in value) if isinstance(value, list) else ()
    )
    if len(texts) > 1 and all(texts) and len(set(texts)) == len(texts):
        variable.states = texts


def _take_false(variable: Variable, value: object) -> None:
    variable.states = (str(getattr(value, "Text", "") or ""), *variable.states[1:])


def _take_true(variable: Variable, value: object) -> None:
    variable.states = (*(variable.states[:1] or ("",)), str(getattr(value, "Text", "") or ""))


_PROPERTIES = {
    "EngineeringUnits": _take_units,
    "EURange": _take_range,
    "EnumStrings": _take_states,
    "FalseState": _take_false,
    "TrueState": _take_true,
}


def proposal(url: str, variables: Sequence[Variable], whole: bool) -> MapProposal:
    """Lines for the variables: an input for each, and an output beside it where it can be written."""
    mapped = [variable for variable in variables if variable.data_type and variable.namespace_uri]
    names = _names(mapped)
    roles: set[Role] = set()
    lines: list[Mapping[str, str]] = []
    for variable, name in zip(mapped, names, strict=True):
        lines += _lines(variable, name, roles)
    notes = [f"OPC UA server at {url}: {len(mapped)} variables; those that can be written are here as outputs, too."]
    if len(mapped) < len(variables):
        notes.append(
            f"{len(variables) - len(mapped)} variables were left out: arrays, structures, types without a word."
        )
    if not whole:
        notes.append(f"Not all of it is here: the walk ended after {_MOST_NODES} nodes or {_MOST_DEEP} levels.")
    return MapProposal("opcua", tuple(lines), tuple(notes))


def _names(variables: Sequence[Variable]) -> list[str]:
    """By path below what all have in common, each once."""
    paths = [variable.path for variable in variables]
    shared = 0
    while paths and all(len(path) > shared + 1 and path[shared] == paths[0][shared] for path in paths):
        shared += 1
    taken: dict[str, int] = {}
    names = []
    for path in paths:
        name = _snake("_".join(path[shared:])) or "point"
        name = name if name[0].isalpha() else f"point_{name}"
        taken[name] = taken.get(name, 0) + 1
        names.append(name if taken[name] == 1 else f"{name}_{taken[name]}")
    return names


def _snake(text: str) -> str:
    return _OTHER.sub("_", _HUMP.sub("_", text)).strip("_").lower()


def _lines(variable: Variable, name: str, roles: set[Role]) -> Iterator[dict[str, str]]:
    kind = _input_kind(variable.data_type)
    common = {
        "description": " ".join(variable.description.split()) or ".".join(variable.path),
        "namespace_uri": variable.namespace_uri,
        "identifier": variable.identifier,
        "data_type": variable.data_type,
    }
    if kind.is_analog:
        common |= {"units": variable.units}
    if kind.is_analog and variable.lowest is not None and variable.highest is not None:
        common |= {"minimum": f"{variable.lowest:.12g}", "maximum": f"{variable.highest:.12g}"}
    states = _state_names(variable, kind)
    role = _role(variable, kind, roles)
    yield {"point": name, "kind": kind.value, "role": role, "state_names": states, **common}
    output = {PointKind.ANALOG_INPUT: PointKind.ANALOG_OUTPUT, PointKind.BINARY_INPUT: PointKind.BINARY_OUTPUT}.get(
        kind
    )
    if variable.writable and output is not None and variable.data_type != "datetime":
        order = {"writable": "yes", "feedback": name, "role": _role(variable, output, roles)}
        yield {"point": f"{name}_command", "kind": output.value, "state_names": states, **common, **order}


def _input_kind(word: str) -> PointKind:
    if word == "boolean":
        return PointKind.BINARY_INPUT
    return PointKind.STRING if word == "string" else PointKind.ANALOG_INPUT


def _state_names(variable: Variable, kind: PointKind) -> str:
    names = variable.states
    good = len(names) > 1 and all(names) and len(set(names)) == len(names)
    return "|".join(names) if good and (kind is not PointKind.BINARY_INPUT or len(names) == 2) else ""


def _role(variable: Variable, kind: PointKind, taken: set[Role]) -> str:
    """The role whose word the variable's name is, where kind and units fit it; each role once."""
    word = _snake(variable.path[-1])
    if word not in tuple(Role):
        return ""
    role = Role(word)
    fits = {
        PointKind.BINARY_INPUT: role in _STATES,
        PointKind.BINARY_OUTPUT: role in _ORDERS,
        PointKind.ANALOG_OUTPUT: role in _SETPOINTS,
        PointKind.ANALOG_INPUT: role not in (*_STATES, *_ORDERS, *_SETPOINTS) and _is_quantity(role),
    }.get(kind, False)
    percent = role in (Role.STATE_OF_CHARGE, Role.FUEL_LEVEL) and variable.units != "%"
    if not fits or percent or role in taken or normalising_factor(role, variable.units, 1.0) is None:
        return ""
    taken.add(role)
    return role.value


def _is_quantity(role: Role) -> bool:
    texts = (Role.MANUFACTURER, Role.DEVICE_MODEL, Role.SERIAL_NUMBER)
    return role not in (*texts, Role.COMM_ONLINE, Role.MODE, Role.MODE_COMMAND, Role.HEARTBEAT)
