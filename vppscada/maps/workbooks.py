"""Point maps in Excel workbooks: the first sheet, a row for each line, a cell for each cell.

What a spreadsheet program makes of a text is told as a fault, never guessed at: dates, TRUE and FALSE, formulas
without a result, error values. Numbers are taken as the shortest text that means the same number.
"""

import datetime
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell.read_only import EmptyCell

from vppscada.maps.cells import Cell, Line
from vppscada.maps.places import Place, cell_name
from vppscada.maps.words import one_of, quoted
from vppscada.model.errors import ConfigError, Fault

WORKBOOK_SUFFIX = ".xlsx"
_LINE_END = re.compile(r"[\r\n]")
#: A workbook of a hundred thousand points unpacks to a tenth of this.
_LARGEST_UNPACKED = 512 << 20
_DATES = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)


def workbook_lines(file: Path, faults: list[Fault]) -> Iterator[Line]:
    """The rows of the first sheet that are neither blank nor comments, with faults of single cells in ``faults``.

    Such a cell is blank in its row.

    Raises:
        ConfigError: there is no such file, or it is no workbook.
    """
    for line in workbook_rows(file, faults):
        if not line.cells[0].text.startswith("#"):
            yield line


def workbook_rows(file: Path, faults: list[Fault], sheet: str = "") -> Iterator[Line]:
    """The rows that are not blank, comments among them. Trailing blank cells beyond the header's width are left out.

    ``sheet`` is its name; without one it is the first.

    Raises:
        ConfigError: as above.
    """
    results, formulas = _sheet(file, sheet, data_only=True), _sheet(file, sheet, data_only=False)
    width = 0
    for number, (row, written) in enumerate(zip(results, formulas, strict=True), start=1):
        cells = [
            Cell(_text(Place(file, number, column), cell, formula, faults), column)
            for column, (cell, formula) in enumerate(zip(row, written, strict=True), start=1)
        ]
        filled = max((cell.column for cell in cells if cell.text), default=0)
        if not filled:
            continue
        if not width and not cells[0].text.startswith("#"):
            width = filled  # the header's
        blank = (Cell("", column) for column in range(len(cells) + 1, width + 1))
        yield Line(file, number, (*cells[: max(filled, width)], *blank))


def _sheet(file: Path, name: str, *, data_only: bool) -> Iterator[tuple[Any, ...]]:
    """The rows of a sheet as cells, with formulas or with their results."""
    try:
        with zipfile.ZipFile(file) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
        if unpacked > _LARGEST_UNPACKED:
            found = f"a workbook that unpacks to {unpacked >> 20} MB"
            raise ConfigError([Fault(file, 1, 1, found, f"at most {_LARGEST_UNPACKED >> 20} MB")])
        book = openpyxl.load_workbook(file, read_only=True, data_only=data_only)
        names = [one.title for one in book.worksheets]
        if name and name not in names:
            raise ConfigError([Fault(file, 1, 1, f"no sheet {quoted(name)}", one_of(name, names))])
        sheet = book.worksheets[names.index(name) if name else 0]
        sheet.reset_dimensions()  # some programs write none, or wrong ones
        rows = list(sheet.iter_rows())
        book.close()
    except FileNotFoundError:
        raise ConfigError([Fault(file, 1, 1, "no such file", "a file that exists")]) from None
    except ConfigError:
        raise
    except Exception as error:  # openpyxl lets through whatever its parts raise at a broken file
        found = f"a workbook that cannot be read ({type(error).__name__}: {error})"
        raise ConfigError([Fault(file, 1, 1, found, "an Excel workbook (.xlsx)")]) from None
    widest = max(map(len, rows), default=0)
    return ((*row, *(EmptyCell(),) * (widest - len(row))) for row in rows)


def _text(place: Place, cell: Any, written: Any, faults: list[Fault]) -> str:
    value = cell.value
    fault: tuple[str, str] | None = None
    if written.data_type == "f" and value is None:
        fault = ("a formula without a result", "a workbook saved by a spreadsheet program, or a value")
    elif isinstance(value, _DATES):
        fault = (f"a date ({value})", "the text itself: format the column as text and type it again")
    elif cell.data_type == "e":
        fault = (f"the error value {value}", "a value")
    elif isinstance(value, bool):
        fault = (f"the truth value {str(value).upper()}", "a text or a number: yes or no are words here")
    elif isinstance(value, str) and _LINE_END.search(value.strip()):
        fault = (f"text of several lines, {quoted(value)}", "one line")
    if fault is not None:
        faults.append(place.fault(*fault))
        return ""
    return "" if value is None else value.strip() if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    """A number as somebody would have typed it: no .0 behind a whole one."""
    whole = isinstance(value, int) or (value.is_integer() and abs(value) < 1e15)
    return str(int(value)) if whole else repr(value)


__all__ = ["WORKBOOK_SUFFIX", "cell_name", "workbook_lines", "workbook_rows"]
