"""Errors that have a name. Faults of files come all at once, each with its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class VppscadaError(Exception):
    """Base of the errors that this program raises on purpose."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a file: where, what was found, what would be right. Line and column count from 1."""

    file: Path
    line: int
    column: int
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.found}; expected {self.expected}"


class ConfigError(VppscadaError):
    """A site file or its maps have faults; nothing of them is in force."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True, slots=True)
class CellFault:
    """A fault of one cell of a line: the reader of the file adds file, line and column number."""

    column: str
    found: str
    expected: str


class CellFaults(VppscadaError):
    """Every fault that a driver found in one line of a point map."""

    def __init__(self, faults: Sequence[CellFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{f.column}: {f.found}, expected {f.expected}" for f in self.faults))


@dataclass(frozen=True, slots=True)
class SettingFault:
    """A fault of one key of a table in a site file."""

    key: str
    found: str
    expected: str


class SettingFaults(VppscadaError):
    """Every fault that a reader found in one table."""

    def __init__(self, faults: Sequence[SettingFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{f.key}: {f.found}, expected {f.expected}" for f in self.faults))


class JournalError(VppscadaError):
    """The journal could not be opened, read or written: disk full, locked, corrupt, closed, or of a newer version."""
