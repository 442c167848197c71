"""A point map as a file: its header, its lines, and what lines must have in common. Every fault at once."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vppscada.maps.cells import Line
from vppscada.maps.columns import COLUMNS, all_columns
from vppscada.maps.map_cells import LineReader
from vppscada.maps.map_line import MapLine, read_line
from vppscada.maps.map_ranges import check_wire_range
from vppscada.maps.map_rules import check_feedback, check_references, check_role
from vppscada.maps.places import Place
from vppscada.maps.tables import read_table
from vppscada.maps.words import one_of, quoted
from vppscada.model.drivers import Driver
from vppscada.model.errors import ConfigError, Fault

POINT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
FULL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\.[A-Za-z][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class PointMap:
    """What could be read of a point map; whole if it left no faults."""

    file: Path
    lines: tuple[MapLine, ...]
    names: frozenset[str]  # also of lines with faults

    @property
    def enabled(self) -> list[MapLine]:
        """The lines that are in use."""
        return [line for line in self.lines if line.enabled]


def read_device_map(file: Path, driver: Driver | None, faults: list[Fault]) -> PointMap | None:
    """Read the map of a device type; faults go to ``faults``. None if there is no table to speak of.

    ``driver`` None reads a map without addresses: the plant's own points.
    """
    try:
        table = read_table(file, faults)
    except ConfigError as error:
        faults.extend(error.faults)
        return None
    return read_device_table(file, table, driver, faults)


def read_device_table(file: Path, table: Iterator[Line], driver: Driver | None, faults: list[Fault]) -> PointMap | None:
    """As `read_device_map`, of lines that have been read already; the first of them is the header."""
    found = _read(file, table, driver, faults, POINT_NAME, "a name of letters, digits and _ that begins with a letter")
    if found is None:
        return None
    named = {line.point: line for line in found.lines}
    for line in found.lines:
        check_role(line, faults)
        check_feedback(line, named, found.names, faults)
        check_references(line, named, found.names, driver, faults)
        check_wire_range(line, line.minimum, line.maximum, line.scale or 1.0, line.offset or 0.0, faults)
    check_addresses(found, driver, faults)
    return found


def read_export_map(file: Path, driver: Driver, faults: list[Fault]) -> PointMap | None:
    """Read the map of an EMS outstation, whose points are full ids (``asset.point``). A point may occur twice."""
    try:
        table = read_table(file, faults)
    except ConfigError as error:
        faults.extend(error.faults)
        return None
    found = _read(file, table, driver, faults, FULL_NAME, "a point's full id, as in plant.active_power", unique=False)
    if found is not None:
        check_addresses(found, driver, faults)
    return found


def read_calculation_map(file: Path, faults: list[Fault]) -> PointMap | None:
    """Read a map of calculated points of the whole site, whose points are full ids (``asset.point``)."""
    try:
        table = read_table(file, faults)
    except ConfigError as error:
        faults.extend(error.faults)
        return None
    found = _read(file, table, None, faults, FULL_NAME, "the full id of a new point, as in plant.total_power")
    for line in found.lines if found else ():
        check_role(line, faults)
        if line.expression is None:
            faults.append(line.place("expression").fault("no expression", "what the point is worked out from"))
    return found


def check_addresses(found: PointMap, driver: Driver | None, faults: list[Fault]) -> None:
    """No two enabled points at one address."""
    if driver is None:
        return
    first: dict[object, MapLine] = {}
    for line in found.enabled:
        if line.expression is not None:
            continue
        key = driver.address_key(line.address, line.kind)
        other = first.setdefault(key, line)
        if other is not line:
            column = _telling_column(line, driver)
            text = line.reader.text(column)
            faults.append(
                line.place(column).fault(
                    f"{column} {quoted(text)}, which {other.point} has already (line {other.place('point').line})",
                    f"an address of its own for this {line.kind}",
                )
            )


def _telling_column(line: MapLine, driver: Driver) -> str:
    """The column that a reader would look at: the first address column that holds a number, else the last filled."""
    filled = [column for column in driver.address_columns if line.reader.text(column)]
    numbers = [column for column in filled if line.reader.text(column).isdigit()]
    return (numbers or filled[::-1] or list(driver.address_columns))[0]


def _read(
    file: Path,
    table: Iterator[Line],
    driver: Driver | None,
    faults: list[Fault],
    grammar: re.Pattern[str],
    expected: str,
    unique: bool = True,
) -> PointMap | None:
    header = next(table, None)
    known = all_columns(driver)
    wanted = tuple(column.name for column in known)
    if header is None:
        usual = [column.name for column in known if column.required or column.name not in COLUMNS]
        faults.append(Place(file).fault("no header", "a line with the columns " + ",".join(usual)))
        return None
    columns = _read_header(header, wanted, [column.name for column in known if not column.required], faults)
    if columns is None:
        return None
    lines: list[MapLine] = []
    first: dict[str, int] = {}
    for line in table:
        cells = LineReader(line, columns, faults)
        if not _check_width(line, header, faults):
            first.setdefault(cells.text("point"), line.number)
            continue
        if _check_name(cells, line, first, _fits(grammar), expected, unique):
            found = read_line(cells, driver)
            if found is not None:
                lines.append(found)
    if not first and not any(fault.file == file for fault in faults):
        faults.append(header.place(0).fault("no points", "at least one line below the header"))
    return PointMap(file, tuple(lines), frozenset(first))


def _fits(grammar: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda name: grammar.fullmatch(name) is not None


def _read_header(
    header: Line, wanted: Sequence[str], optional: Sequence[str], faults: list[Fault]
) -> dict[str, int] | None:
    """Column → position. None if it cannot be told what the cells of the lines mean."""
    if (fault := _wrong_separator(header)) is not None:
        faults.append(fault)
        return None
    columns: dict[str, int] = {}
    before = len(faults)
    names = [cell.text for cell in header.cells]
    missing = [column for column in wanted if column not in (*names, *optional)]
    for position, name in enumerate(names):
        if name not in wanted:
            faults.append(
                header.place(position).fault(f"unknown column {quoted(name)}", one_of(name, missing or wanted))
            )
        elif name in columns:
            faults.append(header.place(position).fault(f"column {quoted(name)} a second time", "each column once"))
        columns.setdefault(name, position)
    faults.extend(header.place(0).fault(f"no column {name!r}", f"a column {name!r}") for name in missing)
    return columns if len(faults) == before else None


def _wrong_separator(header: Line) -> Fault | None:
    """One fault for a table in another form, instead of one for each column."""
    if len(header.cells) > 1:
        return None
    for mark, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if mark in header.cells[0].text:
            expected = "commas between cells (vppscada map import csv reads other forms)"
            return header.place(0).fault(f"cells between {word}", expected)
    return None


def _check_width(line: Line, header: Line, faults: list[Fault]) -> bool:
    if len(line.cells) == len(header.cells):
        return True
    found, wanted = len(line.cells), len(header.cells)
    faults.append(
        line.place(wanted if found > wanted else found - 1).fault(f"{found} cells", f"{wanted}, as in the header")
    )
    return False


def _check_name(
    cells: LineReader,
    line: Line,
    first: dict[str, int],
    fits: Callable[[str], bool],
    expected: str,
    unique: bool,
) -> bool:
    name = cells.text("point")
    if not fits(name):
        cells.fault("point", expected)
        return bool(name)
    if unique and name in first:
        cells.fault("point", f"a name of its own (line {first[name]} has this one)")
    first.setdefault(name, line.number)
    return True
