"""A site file as parsed TOML with the place of every key, and with settings overridden from outside."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vppscada.maps.places import Place, place_at, read_text
from vppscada.maps.toml_positions import KeyPath, key_positions
from vppscada.maps.words import one_of, quoted
from vppscada.model.errors import ConfigError, Fault

_AT = re.compile(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)
#: Top-level tables that stand once, and those that are arrays with a name in each.
SINGLE = ("plant", "schedule")
NAMED = ("data", "session", "asset", "limit", "product", "ems")


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the site file."""

    document: "Document"
    path: KeyPath
    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name, as far as it has one."""
        name = self.content.get("name", "")
        return name if isinstance(name, str) else ""

    def place(self, *keys: str | int) -> Place:
        """Where a key stands, or the nearest thing around it that stands anywhere."""
        return self.document.place((*self.path, *keys))

    def fault(self, key: str, found: str, expected: str) -> Fault:
        """A fault at a key; at the table's header where the key is not there."""
        overridden = (*self.path, key) in self.document.overridden
        return self.place(key).fault(f"{found} (overridden)" if overridden else found, expected)


@dataclass(frozen=True, slots=True)
class Document:
    """The whole file."""

    file: Path
    text: str
    content: Mapping[str, Any]
    positions: Mapping[KeyPath, int]
    overridden: frozenset[KeyPath]

    def place(self, path: KeyPath) -> Place:
        """Where something stands, or the nearest thing around it."""
        while path:
            if path in self.positions:
                return place_at(self.file, self.text, self.positions[path])
            path = path[:-1]
        return Place(self.file)

    def single(self, name: str) -> Table:
        """A table that stands once; empty if it does not stand."""
        content = self.content.get(name)
        return Table(self, (name,), content if isinstance(content, dict) else {})

    def named(self, name: str) -> list[Table]:
        """The tables of an array, in their order."""
        array = self.content.get(name)
        tables = array if isinstance(array, list) else []
        return [Table(self, (name, i), table) for i, table in enumerate(tables) if isinstance(table, dict)]

    def shape_faults(self) -> list[Fault]:
        """Top-level keys that are unknown, or not of the shape that they must have."""
        faults = []
        for key, value in self.content.items():
            place = self.place((key,))
            if key in SINGLE:
                if not isinstance(value, dict):
                    faults.append(place.fault(f"{key} that is not one table", f"a table [{key}]"))
            elif key in NAMED:
                if not (isinstance(value, list) and all(isinstance(one, dict) for one in value)):
                    faults.append(place.fault(f"{key} that is not an array of tables", f"tables [[{key}]]"))
            else:
                faults.append(place.fault(f"unknown table or key {quoted(key)}", one_of(key, (*SINGLE, *NAMED))))
        return faults


def read_document(file: Path, overrides: Mapping[str, object]) -> Document:
    """Read and parse a site file, then put overrides in (``session.battery1.port``, ``plant.enabled``).

    Raises:
        ConfigError: the file cannot be read or is not TOML, or an override fits nothing in it.
    """
    text = read_text(file)
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise ConfigError([Place(file).fault("values nested too deep", "TOML of reasonable depth")]) from None
    except ValueError as error:
        raise ConfigError([syntax_fault(file, text, str(error))]) from None
    overridden: set[KeyPath] = set()
    faults = [
        fault
        for key, value in overrides.items()
        if (fault := _override(file, content, key, value, overridden)) is not None
    ]
    if faults:
        raise ConfigError(faults)
    return Document(file, text, content, key_positions(text), frozenset(overridden))


def syntax_fault(file: Path, text: str, message: str) -> Fault:
    """What the parser of TOML says of a text, at the place that it means."""
    match = _AT.match(message)
    if match is None:
        return Place(file).fault(f"TOML that cannot be read: {message}", "valid TOML")
    place = Place(file, int(match[2]), int(match[3])) if match[2] else place_at(file, text, len(text.rstrip()))
    return place.fault(f"TOML that cannot be read: {match[1][:1].lower()}{match[1][1:]}", "valid TOML")


def _override(file: Path, content: dict[str, Any], key: str, value: object, overridden: set[KeyPath]) -> Fault | None:
    """Put one override in. Tables are found by their name."""
    parts = key.split(".")
    if len(parts) == 2 and parts[0] in SINGLE:
        table = content.setdefault(parts[0], {})
        if isinstance(table, dict):
            table[parts[1]] = value
            overridden.add((parts[0], parts[1]))
        return None
    shapes = "KEY=VALUE with a KEY like plant.enabled or session.NAME.port"
    if len(parts) != 3 or parts[0] not in NAMED:
        return Place(file).fault(f"override {quoted(key)}", shapes)
    array = content.get(parts[0])
    tables = [one for one in array if isinstance(one, dict)] if isinstance(array, list) else []
    for number, table in enumerate(tables):
        if table.get("name") == parts[1]:
            table[parts[2]] = value
            overridden.add((parts[0], number, parts[2]))
            return None
    names = [str(table.get("name")) for table in tables]
    return Place(file).fault(
        f"override {quoted(key)} of no {parts[0]} in this site", f"{parts[0]} {one_of(parts[1], names)}"
    )
