"""Where in which file something stands, and reading a file as text with a place for what is wrong with it."""

import re
from dataclasses import dataclass
from pathlib import Path

from vppscada.model.errors import ConfigError, Fault

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
#: Control characters but tab and line ends, and what Unicode reserves: no spreadsheet can hold them either.
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file. Line and column count from 1; columns are characters."""

    file: Path
    line: int = 1
    column: int = 1

    def fault(self, found: str, expected: str) -> Fault:
        """A fault at this place; in a workbook it names the cell as spreadsheet programs do."""
        if self.file.suffix.lower() == ".xlsx":
            found = f"cell {cell_name(self.line, self.column)}: {found}"
        return Fault(self.file, self.line, self.column, _one_line(found), _one_line(expected))


def cell_name(line: int, column: int) -> str:
    """A cell in the words of spreadsheet programs: line 12, column 4 is D12."""
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{line}"


def _one_line(text: str) -> str:
    """What a file holds may be anything; a fault is one line that a terminal can show."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def sorted_faults(faults: list[Fault]) -> list[Fault]:
    """By file, line and column, each only once."""
    return sorted(set(faults), key=lambda fault: (str(fault.file), fault.line, fault.column, fault.found))


def read_text(file: Path, *, keep_mark: bool = False, encoding: str = "utf-8") -> str:
    """The text of a file, without a byte order mark (unless ``keep_mark``).

    Raises:
        ConfigError: it cannot be read, is not in that encoding, or holds characters that are no text.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise ConfigError([Place(file).fault("no such file", "a file that exists")]) from None
    except (OSError, ValueError) as error:
        raise ConfigError([Place(file).fault(f"a file that cannot be read ({error})", "a readable file")]) from None
    if encoding == "utf-8" and data[:2] in _UTF16_MARKS:
        raise ConfigError([Place(file).fault("text in UTF-16", "text in UTF-8 (save it as CSV UTF-8)")])
    try:
        text = data.decode("utf-8-sig" if encoding == "utf-8" and not keep_mark else encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, errors="replace")
        place = place_at(file, before, len(before))
        raise ConfigError([place.fault(f"byte 0x{data[error.start]:02x}", f"text in {encoding.upper()}")]) from None
    odd = _NO_TEXT.search(text)
    if odd:
        found = "a NUL character" if odd[0] == "\0" else f"the control character U+{ord(odd[0]):04X}"
        raise ConfigError([place_at(file, text, odd.start()).fault(found, "text")])
    return text


def place_at(file: Path, text: str, position: int) -> Place:
    """The place of a position (from 0) in a text. Lines end with LF, CR LF or CR."""
    before = text[:position].replace("\r\n", "\n").replace("\r", "\n")
    return Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
