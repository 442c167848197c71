"""An OPC UA point's address as data, read from the cells of a point map. Settings are in `settings`."""

import base64
import binascii
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from protocols.opcua.data_types import DATA_TYPES, DEFAULT_TYPE, DataType, fits
from vppscada.model.errors import CellFault, CellFaults
from vppscada.model.points import Point, PointKind

#: What a session asks of the server for one node, and the methods that are commands; they may be left out.
SESSION_COLUMNS = ("node_deadband", "sampling_ms", "method", "method_off", "method_object")
ADDRESS_COLUMNS = ("namespace_uri", "identifier", *SESSION_COLUMNS)
LONGEST_SAMPLING_MS = 3_600_000.0
#: The namespace of the standard itself; its index is 0 in every server.
STANDARD_NAMESPACE = "http://opcfoundation.org/UA/"

Identifier = int | str | uuid.UUID | bytes


@dataclass(frozen=True, slots=True)
class NodeName:
    """A node by namespace URI and identifier."""

    namespace_uri: str
    identifier: Identifier

    def __str__(self) -> str:
        return f"nsu={self.namespace_uri};{identifier_text(self.identifier)}"


@dataclass(frozen=True, slots=True)
class Methods:
    """The methods of an object that are the commands of a point: one for all, or one for on and one for off."""

    on: NodeName
    off: NodeName | None
    object: NodeName


@dataclass(frozen=True, slots=True)
class OpcUaAddress:
    """A node by namespace URI (indexes differ from server to server) and identifier, and its value's type.

    ``deadband`` is what the node's value, in its own units, must move by before the server reports it (0: any change);
    ``sampling_ms`` how often the server looks at it (None: as the session has it, 0: as fast as the server can).
    With ``methods`` a command calls one of them, instead of writing the node.
    """

    namespace_uri: str
    identifier: Identifier
    data_type: DataType
    deadband: float = 0.0
    sampling_ms: float | None = None
    methods: Methods | None = None

    @property
    def is_read(self) -> bool:
        """False where the node is the object of the methods: it has no value."""
        here = NodeName(self.namespace_uri, self.identifier)
        return self.methods is None or self.methods.object != here

    def __str__(self) -> str:
        asked = f" deadband {self.deadband:g}" if self.deadband else ""
        asked += "" if self.sampling_ms is None else f" sampled every {self.sampling_ms:g} ms"
        if self.methods is not None:
            asked += f" commanded by {self.methods.on}"
            asked += f" and {self.methods.off}" if self.methods.off else ""
            asked += f" of {self.methods.object}" if self.is_read else ""
        return f"nsu={self.namespace_uri};{identifier_text(self.identifier)}{asked}"


def identifier_text(identifier: Identifier) -> str:
    """An identifier as part 6, 5.3.1.10 writes it: ``i=``, ``s=``, ``g=`` or ``b=``."""
    match identifier:
        case int():
            return f"i={identifier}"
        case str():
            return f"s={identifier}"
        case uuid.UUID():
            return f"g={identifier}"
        case bytes():
            return f"b={base64.b64encode(identifier).decode()}"


def parse_identifier(text: str) -> Identifier | None:
    """Read ``i=2258``, ``s=WTG01.WTUR.W``, ``g=<uuid>`` or ``b=<base64>``; None if it is none of them."""
    letter, separator, rest = text.partition("=")
    if not separator or not rest:
        return None
    try:
        match letter:
            case "i":
                number = int(rest) if rest.isascii() and rest.isdigit() else -1
                return number if 0 <= number < 1 << 32 else None
            case "s":
                return rest if len(rest) <= 4096 else None
            case "g":
                return uuid.UUID(rest)
            case "b":
                return base64.b64decode(rest, validate=True)
    except (ValueError, binascii.Error):
        return None
    return None


def read_address(cells: Mapping[str, str], kind: PointKind, data_type: str) -> OpcUaAddress:
    """Turn the address cells of a line into an address. An empty ``data_type`` is the usual one of the kind.

    Raises:
        CellFaults: every fault of the line, each with its column.
    """
    faults: list[CellFault] = []
    uri = (cells.get("namespace_uri") or "").strip()
    if not uri:
        faults.append(CellFault("namespace_uri", "nothing", "the URI of the node's namespace"))
    text = (cells.get("identifier") or "").strip()
    identifier = parse_identifier(text)
    if identifier is None:
        found = repr(text) if text else "nothing"
        faults.append(CellFault("identifier", found, "i=<number>, s=<text>, g=<uuid> or b=<base64>"))
    wire = _read_type(data_type.strip(), kind, faults)
    deadband = _read_number(cells, "node_deadband", math.inf, faults)
    if deadband and not wire.is_number:
        faults.append(CellFault("node_deadband", f"a deadband of a {wire.word}", "nothing: only numbers have one"))
    sampling_ms = _read_number(cells, "sampling_ms", LONGEST_SAMPLING_MS, faults)
    methods = _read_methods(cells, kind, NodeName(uri, 0 if identifier is None else identifier), faults)
    if faults or identifier is None:
        raise CellFaults(faults)
    return OpcUaAddress(uri, identifier, wire, deadband or 0.0, sampling_ms, methods)


def _read_methods(cells: Mapping[str, str], kind: PointKind, node: NodeName, faults: list[CellFault]) -> Methods | None:
    """The methods of a point; of the node itself, unless another object is named."""
    columns = ("method", "method_off", "method_object")
    told = {column: text for column in columns if (text := (cells.get(column) or "").strip())}
    if not told:
        return None
    if not kind.is_output:
        of_kind = f"of a point of kind {kind}"
        faults += [CellFault(each, f"{told[each]!r} {of_kind}", "nothing: it is no output") for each in told]
        return None
    if "method" not in told:
        faults.append(CellFault("method", "nothing", f"a method beside {', '.join(told)}"))
    if "method_off" in told and kind is not PointKind.BINARY_OUTPUT:
        faults.append(
            CellFault("method_off", f"{told['method_off']!r} of a point of kind {kind}", "nothing: it has no off")
        )
    on, off, of = (_read_node(cells, column, node, faults) for column in columns)
    return None if on is None else Methods(on, off, of or node)


def _read_node(cells: Mapping[str, str], column: str, near: NodeName, faults: list[CellFault]) -> NodeName | None:
    """``s=Start`` in the namespace of the line, or ``nsu=URI;s=Start``; None if the cell is blank or faulty."""
    text = (cells.get(column) or "").strip()
    if not text:
        return None
    uri, rest = near.namespace_uri, text
    if text.startswith("nsu="):
        uri, _, rest = text.removeprefix("nsu=").partition(";")
    identifier = parse_identifier(rest)
    if identifier is None or not uri:
        faults.append(CellFault(column, repr(text), "i=<number>, s=<text>, g=<uuid> or b=<base64>, or nsu=<URI>;…"))
        return None
    return NodeName(uri, identifier)


def _read_number(cells: Mapping[str, str], column: str, most: float, faults: list[CellFault]) -> float | None:
    """A number from 0 to the most; None if the cell is blank or faulty."""
    text = (cells.get(column) or "").strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number) and 0.0 <= number <= most:
        return number
    upper = f" to {most:g}" if math.isfinite(most) else " or more"
    faults.append(CellFault(column, repr(text), f"a number, 0{upper}"))
    return None


def _read_type(word: str, kind: PointKind, faults: list[CellFault]) -> DataType:
    if not word:
        return DEFAULT_TYPE[kind]
    wire = DATA_TYPES.get(word)
    if wire is None or not fits(kind, wire):
        allowed = ", ".join(each.word for each in DATA_TYPES.values() if fits(kind, each))
        faults.append(CellFault("data_type", repr(word), f"{allowed} for a point of kind {kind}"))
        return DEFAULT_TYPE[kind]
    return wire


def address_key(address: OpcUaAddress, kind: PointKind) -> tuple[object, ...]:
    """What must be unique in a session. An output may share its node with the input that shows it.

    Outputs that are commanded by different methods may share their object.
    """
    return (kind.is_output, address.namespace_uri, identifier_text(address.identifier), address.methods)


def address_of(point: Point) -> OpcUaAddress:
    """The address of one of our points.

    Raises:
        TypeError: the point was not read by this driver.
    """
    if not isinstance(point.address, OpcUaAddress):
        raise TypeError(f"{point.id} has no OPC UA address: {point.address!r}")
    return point.address
