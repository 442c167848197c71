"""A point map as a sheet of texts: taken from a file of either form and written as the other, without loss.

Comments, blank lines and the order of lines and columns stay; a cell's text stays letter by letter. What does not stay
is how it was written: quotes that no cell needs, and the line ends of another system.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell import Cell as SheetCell
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from vppscada.maps.cells import Line, table_lines
from vppscada.maps.columns import Column
from vppscada.maps.places import Place, read_text
from vppscada.maps.workbooks import WORKBOOK_SUFFIX, workbook_rows
from vppscada.model.errors import ConfigError, Fault

#: Rows below the last one that still offer the words of their columns.
_SPARE_ROWS = 1000
_AS_TEXT = "@"
_WIDEST, _NARROWEST = 60, 8
_WORDS_SHEET, _COLUMNS_SHEET = "words", "columns"
_LONGEST_TEXT = 32_767  # of a cell, by the specification of Excel
_NEEDS_QUOTES = re.compile(r'[,"]')


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows by line number less one: a comment as one text that begins with #, a blank row as none."""

    rows: tuple[tuple[str, ...], ...]

    @property
    def header(self) -> tuple[int, tuple[str, ...]]:
        """Position and cells of the first row that is neither blank nor a comment; (0, ()) if there is none."""
        found = ((at, row) for at, row in enumerate(self.rows) if row and not row[0].startswith("#"))
        return next(found, (0, ()))


def read_sheet(file: Path) -> Sheet:
    """Every row of a CSV file or workbook.

    Raises:
        ConfigError: it cannot be read, or cells of it cannot be told.
    """
    faults: list[Fault] = []
    if file.suffix.lower() == WORKBOOK_SUFFIX:
        sheet = _placed(workbook_rows(file, faults), {})
    else:
        text = read_text(file)
        lines = re.split(r"\r\n|\n|\r", text)
        comments = {at: line.strip() for at, line in enumerate(lines, start=1) if line.lstrip().startswith("#")}
        sheet = _placed(table_lines(file, text, faults), comments)
    if faults:
        raise ConfigError(faults)
    return sheet


def _placed(lines: Iterable[Line], comments: dict[int, str]) -> Sheet:
    rows = {line.number: tuple(cell.text for cell in line.cells) for line in lines}
    rows = {number: row[:1] if row[0].startswith("#") else row for number, row in rows.items()}
    rows |= {number: (comment,) for number, comment in comments.items()}
    return Sheet(tuple(rows.get(number, ()) for number in range(1, max(rows, default=0) + 1)))


def csv_text(sheet: Sheet) -> str:
    """The sheet as comma-separated text."""
    return "".join(_csv_line(row) + "\n" for row in sheet.rows)


def _csv_line(row: Sequence[str]) -> str:
    if len(row) == 1 and row[0].startswith("#"):
        return row[0]
    return ",".join(f'"{text.replace(chr(34), chr(34) * 2)}"' if _NEEDS_QUOTES.search(text) else text for text in row)


def write_workbook(sheet: Sheet, columns: Sequence[Column], file: Path) -> None:
    """Write the sheet as a workbook whose every cell is text, with drop-downs where a column has its words.

    A second sheet says what the columns mean. Spreadsheet programs leave cells that are formatted as text alone:
    ``007``, ``1-2`` and ``=4|5`` stay what they are.

    Raises:
        ConfigError: a cell is longer than a workbook can hold.
        OSError: the file cannot be written.
    """
    _check_lengths(sheet, file)
    book = Workbook(write_only=True)
    points = book.create_sheet("points")
    at, header = sheet.header
    points.freeze_panes = f"B{at + 2}"
    for number, width in enumerate(_widths(sheet, header), start=1):
        points.column_dimensions[get_column_letter(number)].width = width
    known = {column.name: column for column in columns}
    lists = {name: known[name] for name in header if name in known and known[name].words}
    for validation in _validations(header, lists, first=at + 2, last=len(sheet.rows) + _SPARE_ROWS):
        points.data_validations.append(validation)
    for row, texts in enumerate(sheet.rows):
        points.append([_cell(points, text, bold=row == at, is_comment=len(texts) == 1) for text in texts])
    _describe(book.create_sheet(_COLUMNS_SHEET), [known[name] for name in header if name in known])
    _list_words(book.create_sheet(_WORDS_SHEET), lists)
    book.save(file)


def _check_lengths(sheet: Sheet, file: Path) -> None:
    faults = [
        Place(file, number, column).fault("a text too long for a workbook", f"at most {_LONGEST_TEXT} characters")
        for number, row in enumerate(sheet.rows, start=1)
        for column, text in enumerate(row, start=1)
        if len(text) > _LONGEST_TEXT
    ]
    if faults:
        raise ConfigError(faults)


def _cell(sheet: object, text: str, *, bold: bool = False, is_comment: bool = False) -> SheetCell:
    cell = WriteOnlyCell(sheet, value=text)  # type: ignore[arg-type]  # openpyxl's stubs know no write-only sheet here
    cell.data_type = "s"  # also of a text that looks like a formula
    cell.number_format = _AS_TEXT
    cell.quotePrefix = True
    if bold:
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="DDDDDD")
    elif is_comment and text.startswith("#"):
        cell.font = Font(italic=True, color="666666")
    return cell


def _widths(sheet: Sheet, header: Sequence[str]) -> list[int]:
    table = [row for row in sheet.rows if len(row) == len(header)]
    longest = (max(len(row[at]) for row in table) for at in range(len(header)))
    return [min(max(length + 2, _NARROWEST), _WIDEST) for length in longest]


def _validations(header: Sequence[str], lists: dict[str, Column], first: int, last: int) -> Iterable[DataValidation]:
    for place, (name, column) in enumerate(lists.items(), start=1):
        words = get_column_letter(place)
        validation = DataValidation(
            type="list",
            formula1=f"{_WORDS_SHEET}!${words}$2:${words}${len(column.words) + 1}",
            allow_blank=True,
            showErrorMessage=True,
            errorTitle=name,
            error=f"One of the words of {name}, or nothing.",
        )
        letter = get_column_letter(header.index(name) + 1)
        validation.add(f"{letter}{first}:{letter}{last}")
        yield validation


def _describe(sheet: object, columns: Sequence[Column]) -> None:
    rows = [("column", "meaning"), *((column.name, column.meaning) for column in columns)]
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 24, 100  # type: ignore[attr-defined]
    for row in rows:
        sheet.append([_cell(sheet, text, bold=row is rows[0]) for text in row])  # type: ignore[attr-defined]


def _list_words(sheet: object, lists: dict[str, Column]) -> None:
    columns = [(name, *column.words) for name, column in lists.items()]
    for row in range(max(map(len, columns), default=0)):
        sheet.append([_cell(sheet, one[row] if row < len(one) else "") for one in columns])  # type: ignore[attr-defined]
