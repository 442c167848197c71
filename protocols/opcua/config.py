"""An OPC UA point's address as data, read from the cells of a point map. Settings are in `settings`."""

import base64
import binascii
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from protocols.opcua.data_types import DATA_TYPES, DEFAULT_TYPE, DataType, fits
from vppscada.model.errors import CellFault, CellFaults
from vppscada.model.points import Point, PointKind

ADDRESS_COLUMNS = ("namespace_uri", "identifier")
#: The namespace of the standard itself; its index is 0 in every server.
STANDARD_NAMESPACE = "http://opcfoundation.org/UA/"

Identifier = int | str | uuid.UUID | bytes


@dataclass(frozen=True, slots=True)
class OpcUaAddress:
    """A node by namespace URI (indexes differ from server to server) and identifier, and its value's type."""

    namespace_uri: str
    identifier: Identifier
    data_type: DataType

    def __str__(self) -> str:
        return f"nsu={self.namespace_uri};{identifier_text(self.identifier)}"


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
    if faults or identifier is None:
        raise CellFaults(faults)
    return OpcUaAddress(uri, identifier, wire)


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
    """What must be unique in a session. An output may share its node with the input that shows it."""
    return (kind.is_output, address.namespace_uri, identifier_text(address.identifier))


def address_of(point: Point) -> OpcUaAddress:
    """The address of one of our points.

    Raises:
        TypeError: the point was not read by this driver.
    """
    if not isinstance(point.address, OpcUaAddress):
        raise TypeError(f"{point.id} has no OPC UA address: {point.address!r}")
    return point.address
