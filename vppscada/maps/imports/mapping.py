"""The mapping file of an import: which of a user's columns is which of ours, and how his words are written.

A TOML file::

    protocol = "modbus"
    sheet = "Registers"            # of a workbook; without it the first one
    header = 3                     # the row with the column names; without it the first that fills the mapped columns
    delimiter = ";"                # of a CSV file; without it , ; or tab, whichever the header has
    encoding = "cp1252"            # of a CSV file; without it UTF-8
    decimal = ","                  # of numbers; without it the point
    register = "modicon"           # 40001 means holding register 0; without it registers are 0-based addresses …
    register_base = 1              # … or count from another number

    [columns]                      # ours = his
    point = "Tag"
    register = "Adresse"

    [defaults]                     # for blank cells, and for columns that he has not
    kind = "analog_input"

    [words.writable]               # his = ours
    RW = "yes"
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vppscada.maps.columns import all_columns
from vppscada.maps.document import syntax_fault
from vppscada.maps.places import Place, place_at, read_text
from vppscada.maps.toml_positions import KeyPath, key_positions
from vppscada.maps.words import one_of, quoted
from vppscada.model.drivers import Driver
from vppscada.model.errors import ConfigError, Fault

MODICON = "modicon"
_TEXTS = ("protocol", "sheet", "delimiter", "encoding", "decimal", "register")
_NUMBERS = ("header", "register_base")
_TABLES = ("columns", "defaults", "words")


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """A mapping without faults."""

    protocol: str
    columns: Mapping[str, str]  # ours → his
    defaults: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by our column: his → ours
    sheet: str = ""
    header: int = 0
    delimiter: str = ""
    encoding: str = "utf-8"
    decimal: str = "."
    register: str = ""
    register_base: int = 0


def read_mapping(file: Path, drivers: Mapping[str, Driver]) -> ImportMapping:
    """Read a mapping file.

    Raises:
        ConfigError: every fault of it, each with its place.
    """
    text = read_text(file)
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise ConfigError([Place(file).fault("values nested too deep", "TOML of reasonable depth")]) from None
    except ValueError as error:
        raise ConfigError([syntax_fault(file, text, str(error))]) from None
    reader = _Reader(file, text, content)
    mapping = reader.mapping(drivers)
    if reader.faults:
        raise ConfigError(reader.faults)
    return mapping


class _Reader:
    """The content and the faults found in it so far."""

    def __init__(self, file: Path, text: str, content: Mapping[str, object]) -> None:
        self.faults: list[Fault] = []
        self._file = file
        self._text = text
        self._content = content
        self._positions = key_positions(text)

    def mapping(self, drivers: Mapping[str, Driver]) -> ImportMapping:
        for key in self._content:
            if key not in (*_TEXTS, *_NUMBERS, *_TABLES):
                self._fault((key,), f"unknown key {quoted(key)}", one_of(key, (*_TEXTS, *_NUMBERS, *_TABLES)))
        texts = {key: self._entry(key, str) for key in _TEXTS if key in self._content}
        numbers = {key: self._entry(key, int) for key in _NUMBERS if key in self._content}
        protocol = str(texts.get("protocol", ""))
        if protocol not in drivers:
            self._fault(("protocol",), f"protocol {quoted(protocol)}", one_of(protocol, drivers))
        known = [column.name for column in all_columns(drivers.get(protocol))]
        columns, defaults = self._texts(("columns",), known), self._texts(("defaults",), known)
        if "point" not in columns:
            self._fault(("columns",), "no column for point", "point = the column that names the points")
        self._choice(texts, "decimal", (".", ","))
        self._choice(texts, "delimiter", (",", ";", "\t", "|"))
        self._choice(texts, "register", (MODICON,))
        words = self._words(known)
        return ImportMapping(columns=columns, defaults=defaults, words=words, **texts, **numbers)  # type: ignore[arg-type]

    def _entry(self, key: str, kind: type[str] | type[int]) -> object:
        value = self._content[key]
        if not isinstance(value, kind) or isinstance(value, bool) or (isinstance(value, int) and value < 0):
            self._fault((key,), f"{key} = {value!r}", "a text" if kind is str else "a whole number, 0 or more")
        return value

    def _choice(self, texts: Mapping[str, object], key: str, words: Collection[str]) -> None:
        if texts.get(key, "") not in ("", *words):
            self._fault((key,), f"{key} = {texts[key]!r}", one_of("", [repr(word) for word in words]))

    def _texts(self, path: KeyPath, known: Collection[str]) -> dict[str, str]:
        """A table of texts whose keys are columns of ours (any key, where none are given)."""
        table: object = self._content
        for key in path:
            table = table.get(str(key), {}) if isinstance(table, Mapping) else {}
        if not isinstance(table, dict):
            self._fault(path, f"{path[-1]} = {table!r}", f"a table [{'.'.join(map(str, path))}]")
            return {}
        found = {}
        for key, value in table.items():
            if known and key not in known:
                self._fault((*path, key), f"unknown column {quoted(key)}", one_of(key, known))
            elif not isinstance(value, str):
                self._fault((*path, key), f"{key} = {value!r}", "a text")
            else:
                found[key] = value
        return found

    def _words(self, known: Collection[str]) -> dict[str, dict[str, str]]:
        tables = self._content.get("words", {})
        found = {}
        for column in tables if isinstance(tables, dict) else ():
            if column not in known:
                self._fault(("words", column), f"unknown column {quoted(column)}", one_of(column, known))
            found[column] = self._texts(("words", column), ())
        return found

    def _fault(self, path: KeyPath, found: str, expected: str) -> None:
        while path and path not in self._positions:
            path = path[:-1]
        place = place_at(self._file, self._text, self._positions[path]) if path else Place(self._file)
        self.faults.append(place.fault(found, expected))
