"""One line of a point map, read: the words of every protocol, and the address of its own."""

from dataclasses import dataclass

from vppscada.maps.map_calculations import read_expression
from vppscada.maps.map_cells import LineReader
from vppscada.maps.map_conditioning import check_conversion, read_conditioning
from vppscada.maps.places import Place
from vppscada.maps.words import one_of
from vppscada.model.commands import CommandMode, Pulse
from vppscada.model.conditioning import Conditioning
from vppscada.model.drivers import Driver
from vppscada.model.errors import CellFaults
from vppscada.model.expressions import Expression
from vppscada.model.points import PointKind, Role

#: Columns of a protocol whose cells name another point of the same map.
REFERENCE_COLUMNS = ("scale_factor",)


@dataclass(frozen=True, slots=True)
class MapLine:
    """A line without faults. None, or an empty text, where the cell was blank. Values in the map's units."""

    reader: LineReader
    point: str
    kind: PointKind
    role: Role | None
    address: object
    description: str
    data_type: str
    scale: float | None
    offset: float | None
    units: str
    minimum: float | None
    maximum: float | None
    deadband: float | None
    event_class: int | None
    writable: bool | None
    command_mode: CommandMode | None
    pulse: Pulse | None
    feedback: str
    state_names: tuple[str, ...] | None
    stale_after_s: float | None
    enabled: bool
    expression: Expression | None = None  # of a calculated point, which has no address
    conditioning: Conditioning | None = None
    inverted: bool = False
    convert_to: str = ""

    def place(self, column: str) -> Place:
        """Where a cell of the line begins."""
        return self.reader.place(column)


def read_line(cells: LineReader, driver: Driver | None) -> MapLine | None:
    """The line, or None if it has faults."""
    kind = _read_kind(cells)
    role = cells.word("role", Role)
    minimum, maximum = _read_range(cells)
    scale, offset = cells.scale("scale"), cells.number("offset")
    stale_after_s = cells.number("stale_after_s", "seconds, more than 0", lowest=1e-3)
    deadband = cells.number("deadband", "a number, 0 or more", lowest=0.0)
    event_class = cells.event_class("event_class")
    writable, enabled = cells.yes_no("writable"), cells.yes_no("enabled")
    command_mode = cells.word("command_mode", CommandMode)
    pulse = cells.pulse("pulse")
    state_names = cells.states("state_names", _state_counts(kind))
    if kind is None:
        return None
    _check_kind(cells, kind, scale or 1.0, offset or 0.0)
    conditioning = read_conditioning(cells, kind)
    check_conversion(cells, kind, role)
    calculated = bool(cells.text("expression"))
    expression = read_expression(cells, kind, role, driver) if calculated else None
    address = None if calculated else _read_address(cells, kind, driver)
    if not cells.good:
        return None
    return MapLine(
        reader=cells,
        point=cells.text("point"),
        kind=kind,
        role=role,
        address=address,
        description=cells.text("description"),
        data_type=cells.text("data_type"),
        scale=scale,
        offset=offset,
        units=cells.text("units"),
        minimum=minimum,
        maximum=maximum,
        deadband=deadband,
        event_class=event_class,
        writable=writable,
        command_mode=command_mode,
        pulse=pulse,
        feedback=cells.text("feedback"),
        state_names=state_names,
        stale_after_s=stale_after_s,
        enabled=enabled is not False,
        expression=expression,
        conditioning=conditioning,
        inverted=cells.text("invert") == "yes",
        convert_to=cells.text("convert_to"),
    )


def _read_range(cells: LineReader) -> tuple[float | None, float | None]:
    minimum, maximum = cells.number("minimum"), cells.number("maximum")
    if minimum is not None and maximum is not None and minimum > maximum:
        cells.fault("minimum", f"at most the maximum, {cells.text('maximum')}")
    return minimum, maximum


def _read_kind(cells: LineReader) -> PointKind | None:
    if not cells.text("kind"):
        cells.fault("kind", one_of("", PointKind))
    return cells.word("kind", PointKind)


def _state_counts(kind: PointKind | None) -> tuple[int, ...]:
    if kind in (PointKind.BINARY_INPUT, PointKind.BINARY_OUTPUT):
        return (2,)
    return (4,) if kind is PointKind.DOUBLE_BIT_INPUT else ()


def _check_kind(cells: LineReader, kind: PointKind, scale: float, offset: float) -> None:
    """Cells that a kind of point cannot have."""
    if not kind.is_output:
        for column in ("command_mode", "pulse", "feedback"):
            if cells.text(column):
                cells.fault(column, f"nothing for a point of kind {kind}")
        if cells.text("writable") == "yes":
            cells.fault("writable", f"no, or nothing, for a point of kind {kind}")
    elif kind is PointKind.ANALOG_OUTPUT and cells.text("pulse"):
        cells.fault("pulse", f"nothing for a point of kind {kind}")
    if not kind.is_analog:
        # An inverted input is the one scaling of a binary that makes sense: 1 on the wire is 0 to us.
        inverted = kind is PointKind.BINARY_INPUT and (scale, offset) == (-1.0, 1.0)
        if (scale, offset) != (1.0, 0.0) and not inverted:
            cells.fault("scale", f"nothing for a point of kind {kind} (scale -1 and offset 1 invert a binary input)")
        for column in ("minimum", "maximum", "deadband"):
            if cells.text(column):
                cells.fault(column, f"nothing for a point of kind {kind}")


def _read_address(cells: LineReader, kind: PointKind, driver: Driver | None) -> object:
    data_type = cells.text("data_type")
    if driver is None:
        if data_type:
            cells.fault("data_type", "nothing for a point without an address")
        return None
    unknown_type = bool(data_type) and data_type not in driver.data_types
    if unknown_type:
        cells.fault("data_type", one_of(data_type, driver.data_types))
    try:
        return driver.read_address({c: cells.text(c) for c in driver.address_columns}, kind, data_type)
    except CellFaults as error:
        for fault in error.faults:
            if not (unknown_type and fault.column == "data_type"):
                cells.fault(fault.column, fault.expected, f"{fault.column} {fault.found}")
        return None
