"""The keys of one table of a site file: taken one by one, with the faults found on the way."""

import contextlib
import stat
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from vppscada.model.errors import SettingFault, SettingFaults

T = TypeVar("T", bound=StrEnum)
#: Bits of a file's mode that let others of the machine in.
_OTHERS = 0o077


class Keys:
    """The keys of one table and the faults found in them so far."""

    def __init__(self, table: Mapping[str, object]) -> None:
        self._table = dict(table)
        self.faults: list[SettingFault] = []

    def fault(self, key: str, found: object, expected: str) -> None:
        """Note a fault; ``found`` None is nothing."""
        self.faults.append(SettingFault(key, "nothing" if found is None else repr(found), expected))

    def has(self, key: str) -> bool:
        """True if the table has the key, and it was not taken yet."""
        return key in self._table

    def text(self, key: str, default: str | None, expected: str = "a text") -> str:
        """A text; one that is not blank, unless the default is."""
        value = self._table.pop(key, default)
        if isinstance(value, str) and (value.strip() or default == ""):
            return value.strip()
        self.fault(key, value, expected)
        return default or ""

    def number(self, key: str, default: float, lowest: float, highest: float) -> float:
        """A number between bounds."""
        value = self._table.pop(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest:
            return float(value)
        self.fault(key, value, f"a number from {lowest:g} to {highest:g}")
        return default

    def whole(self, key: str, default: int, lowest: int, highest: int) -> int:
        """A whole number between bounds."""
        value = self._table.pop(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        self.fault(key, value, f"a whole number from {lowest} to {highest}")
        return default

    def word(self, key: str, words: type[T], default: T) -> T:
        """One of a few words."""
        value = self._table.pop(key, default)
        if isinstance(value, str) and value in tuple(words):
            return words(value)
        self.fault(key, value, "one of " + ", ".join(words))
        return default

    def path(self, key: str) -> Path | None:
        """The path of a file or folder, which need not be there."""
        text = self.text(key, "", "the path of a file")
        return Path(text) if text else None

    def secret(self, key: str) -> Path | None:
        """The path of a file that nobody but its owner may read, if it is there."""
        path = self.path(key)
        with contextlib.suppress(OSError):  # what cannot be looked at is told of when it is to be read
            mode = path.stat().st_mode if path is not None else 0
            if mode & _OTHERS:
                found = f"{path}, which others can read or write (mode {stat.S_IMODE(mode):o})"
                self.faults.append(SettingFault(key, found, "a file for its owner only: chmod 600"))
        return path

    def paths(self, key: str) -> tuple[Path, ...]:
        """A list of paths."""
        value = self._table.pop(key, ())
        if isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(each, str) for each in value):
            return tuple(Path(each) for each in value)
        self.fault(key, value, "a list of paths of files")
        return ()

    def url_path(self, default: str) -> str:
        """The path of a URL, with its leading slash."""
        path = self.text("path", default)
        if path and not path.startswith("/"):
            self.fault("path", path, "a path that begins with /")
        return path

    def finish(self, known: Sequence[str]) -> None:
        """Raise SettingFaults if there are faults, or keys that nobody took."""
        for key in self._table:
            self.faults.append(SettingFault(key, "a key that is not known", "one of " + ", ".join(known)))
        if self.faults:
            raise SettingFaults(self.faults)
