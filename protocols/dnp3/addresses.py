"""Addresses of points in DNP3: what a map's line turns into."""

from collections.abc import Mapping
from dataclasses import dataclass

from protocols.dnp3.objects import ANALOG_OUTPUT_VARIATION, EVENT_GROUP, FORMS, STATIC_GROUP
from vppscada.model.errors import CellFault, CellFaults
from vppscada.model.points import Point, PointKind

OPTIONAL_COLUMNS = ("frozen_variation", "frozen_event_variation", "frozen_class", "command_class", "source")
ADDRESS_COLUMNS = ("index", "static_variation", "event_variation", *OPTIONAL_COLUMNS)
#: Words of the column ``source``: a point fed by the frozen value, or by the last command, of the point at its index.
FROZEN, COMMAND = "frozen", "command"
_SOURCES = {
    PointKind.COUNTER: FROZEN,
    PointKind.ANALOG_INPUT: f"{FROZEN} {COMMAND}",
    PointKind.BINARY_INPUT: COMMAND,
}
COLUMN_WORDS = {
    "frozen_class": ("0", "1", "2", "3"),
    "command_class": ("0", "1", "2", "3"),
    "source": (FROZEN, COMMAND),
}
DATA_TYPES = ("int16", "int32", "float32", "float64", "uint16", "uint32")
MAX_INDEX = 0xFFFF

_TYPES_OF: dict[PointKind, tuple[str, ...]] = {
    PointKind.ANALOG_INPUT: ("float32", "float64", "int16", "int32"),
    PointKind.ANALOG_OUTPUT: ("float32", "float64", "int16", "int32"),
    PointKind.COUNTER: ("uint32", "uint16"),
}
#: (static, event) variation by kind and data type: always flags, events always with time. "" is the default type.
_VARIATIONS: dict[PointKind, dict[str, tuple[int, int]]] = {
    PointKind.BINARY_INPUT: {"": (2, 2)},
    PointKind.DOUBLE_BIT_INPUT: {"": (2, 2)},
    PointKind.BINARY_OUTPUT: {"": (2, 2)},
    PointKind.COUNTER: {"": (1, 5), "uint32": (1, 5), "uint16": (2, 6)},
    PointKind.ANALOG_INPUT: {"": (5, 7), "int32": (1, 3), "int16": (2, 4), "float32": (5, 7), "float64": (6, 8)},
    PointKind.ANALOG_OUTPUT: {"": (3, 7), "int32": (1, 3), "int16": (2, 4), "float32": (3, 7), "float64": (4, 8)},
}
#: Variation of the frozen value where the map names none: that of the running one, flags and type kept.
_FROZEN_VARIATION: dict[PointKind, dict[int, int]] = {
    PointKind.COUNTER: {1: 1, 2: 2, 5: 9, 6: 10},
    PointKind.ANALOG_INPUT: {1: 1, 2: 2, 3: 5, 4: 6, 5: 7, 6: 8},
}
_FROZEN_GROUPS = {PointKind.COUNTER: (21, 23), PointKind.ANALOG_INPUT: (31, 33)}


@dataclass(frozen=True, slots=True)
class Dnp3Address:
    """Index of a point within its kind; variations only where the map names them (they bind an outstation).

    ``frozen_class`` and ``command_class`` are the event classes (0 = none) of freezes of a counter or analog
    input and of commands to an output. ``source`` is empty for the point itself; FROZEN is what a freeze kept of
    a counter or analog input; COMMAND, of a binary or analog input, what the output at that index was last told.
    """

    index: int
    static_variation: int | None = None
    event_variation: int | None = None
    frozen_variation: int | None = None
    frozen_event_variation: int | None = None
    frozen_class: int = 0
    command_class: int = 0
    source: str = ""


def address_of(point: Point) -> Dnp3Address:
    """The address of one of our points.

    Raises:
        TypeError: the point was read by another protocol; a programming error.
    """
    if not isinstance(point.address, Dnp3Address):
        raise TypeError(f"{point.id} has no DNP3 address")
    return point.address


def variations_of(point: Point) -> tuple[int, int]:
    """(static, event) variation in which an outstation tells a point; (0, 0) for strings, whose length decides."""
    address = address_of(point)
    if point.kind is PointKind.STRING:
        return 0, 0
    static, event = _VARIATIONS[point.kind][point.data_type]
    return address.static_variation or static, address.event_variation or event


def frozen_variations_of(point: Point) -> tuple[int, int]:
    """(static, event) variation of the frozen value of a counter or analog input; (0, 0) for other kinds."""
    if point.kind not in _FROZEN_VARIATION:
        return 0, 0
    address = address_of(point)
    static, event = variations_of(point)
    frozen = address.frozen_variation or _FROZEN_VARIATION[point.kind][static]
    return frozen, address.frozen_event_variation or event


def command_variation(point: Point) -> int:
    """Variation of g41 that commands an analog output."""
    return ANALOG_OUTPUT_VARIATION.get(point.data_type, ANALOG_OUTPUT_VARIATION["float32"])


def read_address(cells: Mapping[str, str], kind: PointKind, data_type: str) -> Dnp3Address:
    """Turn the address cells of a map's line into an address.

    Raises:
        CellFaults: every fault of the line.
    """
    faults: list[CellFault] = []
    index = _read_index(cells.get("index", ""), faults)
    static = _read_variation(cells, "static_variation", STATIC_GROUP[kind], faults)
    event = _read_variation(cells, "event_variation", EVENT_GROUP[kind], faults)
    frozen_group, frozen_event_group = _FROZEN_GROUPS.get(kind, (-1, -1))
    frozen = _read_variation(cells, "frozen_variation", frozen_group, faults)
    frozen_event = _read_variation(cells, "frozen_event_variation", frozen_event_group, faults)
    frozen_class = _read_class(cells, "frozen_class", kind in _FROZEN_GROUPS, faults)
    command_class = _read_class(cells, "command_class", kind.is_output, faults)
    source = _read_source(cells, kind, faults)
    allowed = _TYPES_OF.get(kind, ())
    if data_type and data_type not in allowed:
        expected = " | ".join(allowed) if allowed else "a blank cell"
        faults.append(CellFault("data_type", repr(data_type), f"{expected} for {kind.value}"))
    if faults:
        raise CellFaults(faults)
    return Dnp3Address(index, static, event, frozen, frozen_event, frozen_class, command_class, source)


def _read_index(cell: str, faults: list[CellFault]) -> int:
    cell = cell.strip()
    if cell.isascii() and cell.isdigit() and int(cell) <= MAX_INDEX:
        return int(cell)
    faults.append(CellFault("index", repr(cell), f"a whole number 0..{MAX_INDEX}"))
    return 0


def _read_variation(cells: Mapping[str, str], column: str, group: int, faults: list[CellFault]) -> int | None:
    cell = cells.get(column, "").strip()
    if not cell:
        return None
    known = sorted(variation for g, variation in FORMS if g == group)
    if cell.isascii() and cell.isdigit() and int(cell) in known:
        return int(cell)
    words = ", ".join(map(str, known))
    expected = f"blank or a variation of group {group} ({words})" if known else "a blank cell"
    faults.append(CellFault(column, repr(cell), expected))
    return None


def _read_class(cells: Mapping[str, str], column: str, allowed: bool, faults: list[CellFault]) -> int:
    cell = cells.get(column, "").strip()
    if not cell:
        return 0
    if allowed and cell in ("0", "1", "2", "3"):
        return int(cell)
    faults.append(CellFault(column, repr(cell), "blank or an event class 0..3" if allowed else "a blank cell"))
    return 0


def _read_source(cells: Mapping[str, str], kind: PointKind, faults: list[CellFault]) -> str:
    cell = cells.get("source", "").strip()
    words = _SOURCES.get(kind, "").split()
    if cell and cell not in words:
        faults.append(CellFault("source", repr(cell), " | ".join(["blank", *words])))
    return cell
