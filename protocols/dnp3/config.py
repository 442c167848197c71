"""Addresses and settings of DNP3: what a map's line and a site file's table turn into."""

from collections.abc import Mapping
from dataclasses import dataclass

from protocols.dnp3.objects import ANALOG_OUTPUT_VARIATION, EVENT_GROUP, FORMS, STATIC_GROUP
from protocols.dnp3.settings import SettingsReader
from vppscada.model.errors import CellFault, CellFaults
from vppscada.model.points import Point, PointKind

ADDRESS_COLUMNS = ("index", "static_variation", "event_variation")
DATA_TYPES = ("int16", "int32", "float32", "float64", "uint16", "uint32")
MAX_INDEX = 0xFFFF
#: Addresses 0xFFF0 and up are reserved (IEEE 1815, 9.2.4.1.3).
MAX_LINK_ADDRESS = 0xFFEF
DEFAULT_PORT = 20000

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


@dataclass(frozen=True, slots=True)
class Dnp3Address:
    """Index of a point within its kind; variations only where the map names them (they bind an outstation)."""

    index: int
    static_variation: int | None = None
    event_variation: int | None = None


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
    allowed = _TYPES_OF.get(kind, ())
    if data_type and data_type not in allowed:
        expected = " | ".join(allowed) if allowed else "a blank cell"
        faults.append(CellFault("data_type", repr(data_type), f"{expected} for {kind.value}"))
    if faults:
        raise CellFaults(faults)
    return Dnp3Address(index, static, event)


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


@dataclass(frozen=True, slots=True)
class Dnp3SessionSettings:
    """One association with an outstation over TCP. Periods of 0 mean never."""

    host: str
    port: int = DEFAULT_PORT
    local_address: int = 1  # ours, the master's
    remote_address: int = 10  # the outstation's
    connect_timeout_s: float = 5.0
    response_timeout_s: float = 3.0
    read_retries: int = 1
    integrity_period_s: float = 300.0
    class1_period_s: float = 0.0
    class2_period_s: float = 0.0
    class3_period_s: float = 0.0
    unsolicited: tuple[int, ...] = (1, 2, 3)  # classes that we let the outstation send by itself
    time_sync: str = "lan"  # lan | nonlan | none
    keepalive_s: float = 15.0  # silence after which the link is asked for its status

    def class_period_s(self, event_class: int) -> float:
        """Poll period of an event class 1..3."""
        return (self.class1_period_s, self.class2_period_s, self.class3_period_s)[event_class - 1]


def read_session(table: Mapping[str, object]) -> Dnp3SessionSettings:
    """Turn a ``[[session]]`` table into settings.

    Raises:
        SettingFaults: every fault at once.
    """
    read = SettingsReader(table)
    day = 86400.0
    settings = Dnp3SessionSettings(
        host=read.text("host", None),
        port=read.integer("port", DEFAULT_PORT, 1, 65535),
        local_address=read.integer("local_address", 1, 0, MAX_LINK_ADDRESS),
        remote_address=read.integer("remote_address", 10, 0, MAX_LINK_ADDRESS),
        connect_timeout_s=read.seconds("connect_timeout_s", 5.0, 0.1, 120.0),
        response_timeout_s=read.seconds("response_timeout_s", 3.0, 0.1, 120.0),
        read_retries=read.integer("read_retries", 1, 0, 10),
        integrity_period_s=read.seconds("integrity_period_s", 300.0, 0.0, day),
        class1_period_s=read.seconds("class1_period_s", 0.0, 0.0, day),
        class2_period_s=read.seconds("class2_period_s", 0.0, 0.0, day),
        class3_period_s=read.seconds("class3_period_s", 0.0, 0.0, day),
        unsolicited=read.classes("unsolicited", (1, 2, 3)),
        time_sync=read.choice("time_sync", "lan", ("lan", "nonlan", "none")),
        keepalive_s=read.seconds("keepalive_s", 15.0, 0.0, day),
    )
    if settings.local_address == settings.remote_address:
        read.fault("remote_address", str(settings.remote_address), "another address than local_address")
    read.finish()
    return settings
