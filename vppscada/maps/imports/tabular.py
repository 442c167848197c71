"""A user's own list, CSV or workbook, as a proposal: his columns and words become ours, faults keep their places."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from vppscada.maps.cells import Cell, Line, table_lines
from vppscada.maps.columns import all_columns
from vppscada.maps.csv_map import read_device_table
from vppscada.maps.imports.mapping import MODICON, ImportMapping, read_mapping
from vppscada.maps.imports.naming import point_name
from vppscada.maps.places import Place, read_text, sorted_faults
from vppscada.maps.words import one_of, quoted
from vppscada.maps.workbooks import WORKBOOK_SUFFIX, workbook_rows
from vppscada.model.drivers import Driver
from vppscada.model.errors import ConfigError, Fault
from vppscada.model.proposals import MapProposal

_NUMBERS = ("scale", "offset", "minimum", "maximum", "deadband", "stale_after_s", "register", "index")
_DELIMITERS = (",", ";", "\t")
#: First digit of a reference of five or six digits (MODBUS data model in the manner of Modicon) and its table.
_MODICON_TABLES = {"0": "coil", "1": "discrete_input", "3": "input_register", "4": "holding_register"}
_REFERENCE = re.compile(r"([0134])(\d{4,5})", re.ASCII)


def tabular_proposal(file: Path, mapping_file: Path, drivers: Mapping[str, Driver]) -> MapProposal:
    """The lines of a user's list under his mapping, checked as a map.

    Names are made valid (letters, digits and _); a line without a name is left out and counted in the notes.

    Raises:
        ConfigError: every fault of the mapping, or every fault of the list, at its own row and column.
    """
    mapping = read_mapping(mapping_file, drivers)
    driver = drivers[mapping.protocol]
    faults: list[Fault] = []
    rows = _rows(file, mapping, faults)
    header, at = _find_header(file, rows, mapping)
    places = _places(file, header, mapping)
    wanted = [column.name for column in all_columns(driver) if _is_used(column.name, column.required, mapping)]
    lines, nameless = [], 0
    for row in rows[at + 1 :]:
        if not _cell(row, places["point"]).text:
            nameless += 1
            continue
        lines.append(_line(row, places, wanted, mapping))
    table = iter([Line(file, header.number, tuple(Cell(name, 1) for name in wanted)), *lines])
    read_device_table(file, table, driver, faults)
    if faults:
        raise ConfigError(sorted_faults(faults))
    notes = [f"Imported from {file.name} by {mapping_file.name}."]
    notes += [f"{nameless} rows without a name were left out."] if nameless else []
    texts = [{name: cell.text for name, cell in zip(wanted, line.cells, strict=True)} for line in lines]
    return MapProposal(mapping.protocol, tuple(texts), tuple(notes))


def _is_used(name: str, required: bool, mapping: ImportMapping) -> bool:
    modicon_table = name == "table" and mapping.register == MODICON
    return required or name in mapping.columns or name in mapping.defaults or modicon_table


def _rows(file: Path, mapping: ImportMapping, faults: list[Fault]) -> list[Line]:
    if file.suffix.lower() == WORKBOOK_SUFFIX:
        return list(workbook_rows(file, faults, mapping.sheet))
    text = read_text(file, encoding=mapping.encoding)
    delimiter = mapping.delimiter or _delimiter(text, mapping)
    return list(table_lines(file, text, faults, comments="", delimiter=delimiter))


def _delimiter(text: str, mapping: ImportMapping) -> str:
    """The one that splits some line into most of the columns that the mapping names."""
    lines = text.splitlines()[:50]
    named = set(mapping.columns.values())
    score = {one: max((len(named & set(_split(line, one))) for line in lines), default=0) for one in _DELIMITERS}
    return max(_DELIMITERS, key=lambda one: score[one])


def _split(line: str, delimiter: str) -> list[str]:
    return [part.strip().strip('"') for part in line.split(delimiter)]


def _find_header(file: Path, rows: Sequence[Line], mapping: ImportMapping) -> tuple[Line, int]:
    """The header's line and its position: the row that is named, else the first with most of the mapped columns."""
    if mapping.header:
        for at, row in enumerate(rows):
            if row.number == mapping.header:
                return row, at
        raise ConfigError([Place(file).fault(f"no row {mapping.header}", "a header in the row that the mapping names")])
    named = set(mapping.columns.values())
    best = max(range(len(rows)), key=lambda at: len(named & _texts(rows[at])), default=-1)
    if best < 0 or not named & _texts(rows[best]):
        columns = ", ".join(sorted(named))
        raise ConfigError([Place(file).fault("no header", f"a row with the columns of the mapping: {columns}")])
    return rows[best], best


def _texts(row: Line) -> set[str]:
    return {cell.text for cell in row.cells}


def _places(file: Path, header: Line, mapping: ImportMapping) -> dict[str, int]:
    """Position of the cell by our column.

    Raises:
        ConfigError: columns of the mapping that the list has not.
    """
    names = [cell.text for cell in header.cells]
    missing = [his for his in mapping.columns.values() if his not in names]
    if missing:
        raise ConfigError(
            [header.place(0).fault(f"no column {quoted(his)}", one_of(his, filter(None, names))) for his in missing]
        )
    return {ours: names.index(his) for ours, his in mapping.columns.items()}


def _line(row: Line, places: Mapping[str, int], wanted: Sequence[str], mapping: ImportMapping) -> Line:
    cells = {ours: _cell(row, place) for ours, place in places.items()}
    texts = {ours: _translated(ours, cell.text, mapping) for ours, cell in cells.items()}
    texts = {**mapping.defaults, **{ours: text for ours, text in texts.items() if text}}
    texts |= _register(texts, mapping)
    texts["point"] = point_name(texts["point"])
    columns = {ours: cell.column for ours, cell in cells.items()}
    near = columns["point"]
    return Line(row.file, row.number, tuple(Cell(texts.get(name, ""), columns.get(name, near)) for name in wanted))


def _cell(row: Line, place: int) -> Cell:
    return row.cells[place] if place < len(row.cells) else Cell("", row.cells[-1].column if row.cells else 1)


def _translated(column: str, text: str, mapping: ImportMapping) -> str:
    words = mapping.words.get(column, {})
    if text in words:
        return words[text]
    if column in _NUMBERS and mapping.decimal == ",":
        return text.replace(".", "").replace(" ", "").replace(",", ".")
    return text


def _register(texts: Mapping[str, str], mapping: ImportMapping) -> dict[str, str]:
    """Register and table in our terms. What is no number stays, and is told as the fault that it is."""
    text = texts.get("register", "")
    if mapping.register == MODICON:
        reference = _REFERENCE.fullmatch(text)
        if reference is None or int(reference[2]) == 0:
            return {}
        return {"table": _MODICON_TABLES[reference[1]], "register": str(int(reference[2]) - 1)}
    if mapping.register_base and text.isascii() and text.isdigit():
        return {"register": str(int(text) - mapping.register_base)}
    return {}
