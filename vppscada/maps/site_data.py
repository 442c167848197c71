"""``[[data]]``: series over time from CSV files. The files are looked into, so that nothing is left for later."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vppscada.maps.cells import Line, table_lines
from vppscada.maps.document import Document, Table
from vppscada.maps.fields import Fields, moment, number, optional_text, read_fields, text, texts, web_address, word
from vppscada.maps.names import name, unique_names
from vppscada.maps.places import Place, read_text
from vppscada.maps.words import one_of, quoted
from vppscada.model.errors import ConfigError, Fault
from vppscada.model.site import DataSource

READERS = {
    "name": name,
    "file": text,
    "value_columns": texts,
    "p10_columns": texts,
    "p90_columns": texts,
    "step_s": number(above=0.0, highest=366 * 86_400.0, units="s"),
    "scale": number(),
    "units": optional_text,
    "time_column": text,
    "start": moment,
    "interpolation": word(("step", "linear")),
    "url": web_address,
    "every_s": number(above=0.0, highest=86_400.0, units="s"),
    "stale_after_s": number(above=0.0, highest=366 * 86_400.0, units="s"),
}
#: Faults told of one data file; a file of the wrong kind would have one in every line.
_MOST = 20


def read_data(document: Document, faults: list[Fault]) -> list[DataSource]:
    """The data sources that could be read."""
    tables = document.named("data")
    unique_names(tables, faults)
    found = [_read_source(table, faults) for table in tables]
    return [source for source in found if source is not None]


def _read_source(table: Table, faults: list[Fault]) -> DataSource | None:
    fields = read_fields(table, READERS, ("name", "file", "value_columns", "step_s"), faults)
    if ("time_column" in table.content) == ("start" in table.content):
        found = "both time_column and start" if "start" in table.content else "neither time_column nor start"
        faults.append(table.fault("start", found, "one of them, to place the rows in time"))
        return None
    file = _find_file(fields, faults)
    if file is not None and fields.has("value_columns"):
        faults.extend(_file_faults(fields, file))
    if file is None or not fields.good:
        return None
    values: dict[str, Any] = {**fields.values, "file": file, "start_ms": fields.values.get("start")}
    values.pop("start", None)
    return DataSource(**values)


def _find_file(fields: Fields, faults: list[Fault]) -> Path | None:
    wanted = fields.values.get("file")
    if wanted is None:
        return None
    file: Path = fields.table.document.file.parent / wanted
    try:
        if file.is_file():
            return file
    except (OSError, ValueError):
        pass
    found = f"file {quoted(wanted)}, which does not exist"
    faults.append(fields.table.fault("file", found, "a file that exists, its path relative to the site file"))
    return None


def _file_faults(fields: Fields, file: Path) -> list[Fault]:
    """What is wrong with the file, and with the columns that the table names."""
    try:
        # The reader of series takes the file as it is: a byte order mark would be part of the first column's name.
        content = read_text(file, keep_mark=True)
    except ConfigError as error:
        return list(error.faults)
    faults: list[Fault] = []
    lines = table_lines(file, content, faults, comments="")
    header = next(lines, None)
    if header is None:
        return [Place(file).fault("no header", "a line with the names of the columns")]
    columns = [cell.text for cell in header.cells]
    time_column = fields.values.get("time_column")
    groups = {key: fields.values.get(key, ()) for key in ("p10_columns", "value_columns", "p90_columns")}
    wanted = [(key, name) for key, names in groups.items() for name in names]
    wanted += [("time_column", time_column)] if time_column else []
    for key, column in wanted:
        if column not in columns:
            found = f"column {quoted(column)}, which {file.name} has not"
            faults.append(fields.table.fault(key, found, one_of(column, columns)))
    if not faults:
        numbers = [[columns.index(column) for column in group] for group in groups.values() if group]
        scale, time = fields.values.get("scale", 1.0), columns.index(time_column) if time_column else None
        faults.extend(_row_faults(lines, file, numbers, scale, time))
    return faults


def _row_faults(
    lines: Iterator[Line], file: Path, groups: list[list[int]], scale: float, time: int | None
) -> list[Fault]:
    """Of the columns that add up to a value, group by group: their sums rise."""
    numbers = [number for group in groups for number in group]
    faults: list[Fault] = []
    rows = 0
    last = -math.inf
    for line in lines:
        rows += 1
        short = len(line.cells) <= max([*numbers, time or 0])
        if short:
            faults.append(line.place(len(line.cells)).fault(f"{len(line.cells)} cells", "as many as the header has"))
            continue
        wrong = [i for i in numbers if not _is_number(line.cells[i].text)]
        faults.extend(line.place(i).fault(f"{quoted(line.cells[i].text)}", "a number") for i in wrong)
        if not wrong and len(groups) > 1:
            sums = [scale * sum(float(line.cells[i].text) for i in group) for group in groups]
            if sums != sorted(sums):
                found = " then ".join(f"{value:g}" for value in sums)
                faults.append(line.place(groups[0][0]).fault(found, "P10, value and P90 that rise"))
        if time is not None:
            moment_s = _seconds(line.cells[time].text)
            if not moment_s > last:
                expected = "an ISO 8601 time" if math.isnan(moment_s) else "a time after that of the line before"
                faults.append(line.place(time).fault(quoted(line.cells[time].text), expected))
            last = last if math.isnan(moment_s) else moment_s
        if len(faults) >= _MOST:
            faults.append(line.place(0).fault(f"{_MOST} faults so far", "a file with fewer; the rest was not read"))
            return faults
    if rows == 0:
        faults.append(Place(file).fault("no rows", "at least one"))
    return faults


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _seconds(cell: str) -> float:
    try:
        found = datetime.fromisoformat(cell)
    except ValueError:
        return math.nan
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
