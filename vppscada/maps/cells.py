"""Comma-separated text as lines of cells that know their column. A cell never spans lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vppscada.maps.places import Place
from vppscada.model.errors import Fault

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text without quotes and surrounding blanks, and the column where it begins (from 1)."""

    text: str
    column: int
    quoted: bool = False

    @property
    def text_column(self) -> int:
        """Where the text itself begins."""
        return self.column + self.quoted


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table."""

    file: Path
    number: int
    cells: tuple[Cell, ...]

    def place(self, position: int) -> Place:
        """Place of the cell at a position (from 0); past the end, of the last one."""
        if not self.cells:
            return Place(self.file, self.number, 1)
        return Place(self.file, self.number, self.cells[min(position, len(self.cells) - 1)].column)


def table_lines(
    file: Path, text: str, faults: list[Fault], comments: str = "#", delimiter: str = ","
) -> Iterator[Line]:
    """The lines that are neither blank nor comments. Broken quotes become faults, and their lines are left out."""
    for number, line in enumerate(_LINE_END.split(text), start=1):
        if not line.strip() or (comments and line.lstrip().startswith(comments)):
            continue
        if '"' in line:
            cells, broken = _split_quoted(line, delimiter)
            if broken:
                faults.append(
                    Place(file, number, broken).fault("a quote", 'a cell quoted as a whole: "…", with "" inside')
                )
                continue
            yield Line(file, number, cells)
        else:
            yield Line(file, number, _split_plain(line, delimiter))


def _split_plain(line: str, delimiter: str) -> tuple[Cell, ...]:
    cells = []
    start = 0
    for part in line.split(delimiter):
        cells.append(_cell(part, start))
        start += len(part) + 1
    return tuple(cells)


def _cell(part: str, start: int) -> Cell:
    stripped = part.strip()
    blanks = len(part) - len(part.lstrip()) if stripped else 0
    return Cell(stripped, start + blanks + 1)


def _split_quoted(line: str, delimiter: str) -> tuple[tuple[Cell, ...], int]:
    """The cells, and the column of a quote that is out of place (0 = none)."""
    cells: list[Cell] = []
    at = 0
    while True:
        begin = at
        while begin < len(line) and line[begin] in " \t" and line[begin] != delimiter:
            begin += 1
        if begin < len(line) and line[begin] == '"':
            text, at = _quoted(line, begin)
            end = line.find(delimiter, at) if at >= 0 else -1
            end = len(line) if end < 0 else end
            if at < 0 or line[at:end].strip():
                return (), begin + 1
            cells.append(Cell(text.strip(), begin + 1, True))
        else:
            end = line.find(delimiter, at)
            end = len(line) if end < 0 else end
            if '"' in line[at:end]:
                return (), line.index('"', at) + 1
            cells.append(_cell(line[at:end], at))
        if end >= len(line):
            return tuple(cells), 0
        at = end + 1


def _quoted(line: str, begin: int) -> tuple[str, int]:
    """Text of a quoted cell that begins at a quote, and where it ends; -1 if it does not."""
    at = begin + 1
    parts: list[str] = []
    while True:
        quote = line.find('"', at)
        if quote < 0:
            return "", -1
        parts.append(line[at:quote])
        if line[quote + 1 : quote + 2] != '"':
            return "".join(parts), quote + 1
        parts.append('"')
        at = quote + 2
