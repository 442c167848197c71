"""Reading a table of a site file: every fault at once, unknown keys among them."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from vppscada.model.errors import SettingFault, SettingFaults

T = TypeVar("T")


class SettingsReader:
    """Takes keys out of a table one by one and remembers what is wrong with them."""

    def __init__(self, table: Mapping[str, object]) -> None:
        self._table = table
        self.known: set[str] = set()
        self.faults: list[SettingFault] = []

    def integer(self, key: str, default: int | None, low: int, high: int) -> int:
        """A whole number in ``low`` … ``high``; None as default makes the key required."""
        value = self._take(key, default, f"a whole number {low}..{high}")
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        return self._bad(key, value, f"a whole number {low}..{high}", low)

    def seconds(self, key: str, default: float, low: float, high: float) -> float:
        """A number of seconds in ``low`` … ``high``."""
        value = self._take(key, default, "")
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        return self._bad(key, value, f"seconds {low:g}..{high:g}", low)

    def text(self, key: str, default: str | None) -> str:
        """A text that is not empty; None as default makes the key required."""
        value = self._take(key, default, "a text")
        if isinstance(value, str) and value:
            return value
        return self._bad(key, value, "a text", "")

    def optional_text(self, key: str) -> str:
        """A text; empty where the key is missing."""
        value = self._take(key, "", "")
        return value if isinstance(value, str) else self._bad(key, value, "a text", "")

    def text_up_to(self, key: str, default: str, longest: int) -> str:
        """A text of printable characters, empty or of at most ``longest`` octets."""
        value = self._take(key, default, "")
        if isinstance(value, str) and (not value or value.isprintable()) and len(value.encode()) <= longest:
            return value
        return self._bad(key, value, f"a text of up to {longest} octets, printable", default)

    def optional_number(self, key: str, low: float, high: float) -> float | None:
        """A number in ``low`` … ``high``; None where the key is missing."""
        if key not in self._table:
            self.known.add(key)
            return None
        value = self._take(key, None, "")
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        return self._bad(key, value, f"a number {low:g}..{high:g}", low)

    def choice(self, key: str, default: str, words: Sequence[str]) -> str:
        """One of some words."""
        value = self._take(key, default, "")
        if isinstance(value, str) and value in words:
            return value
        return self._bad(key, value, " | ".join(words), default)

    def boolean(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._take(key, default, "")
        return value if isinstance(value, bool) else self._bad(key, value, "true | false", default)

    def classes(self, key: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """Event classes: true for all three, false for none, or a list of 1, 2, 3."""
        value = self._take(key, default, "")
        if isinstance(value, bool):
            return (1, 2, 3) if value else ()
        whole = isinstance(value, list | tuple) and all(
            isinstance(item, int) and not isinstance(item, bool) and item in (1, 2, 3) for item in value
        )
        if isinstance(value, list | tuple) and whole:
            return tuple(sorted(set(value)))
        return self._bad(key, value, "true | false | a list of event classes 1..3", default)

    def table(self, key: str) -> Mapping[str, object] | None:
        """A table within the table; None where the key is missing."""
        value = self._take(key, {}, "")
        if key not in self._table:
            return None
        return value if isinstance(value, Mapping) else self._bad(key, value, "a table", None)

    def take_faults(self, key: str, inner: "SettingsReader") -> None:
        """The faults of the table at ``key``, unknown keys included, as faults of that key."""
        try:
            inner.finish()
        except SettingFaults as error:
            for fault in error.faults:
                self.fault(key, f"{fault.key}: {fault.found}", fault.expected)

    def fault(self, key: str, found: str, expected: str) -> None:
        """Add a fault that concerns several keys."""
        self.faults.append(SettingFault(key, found, expected))

    def finish(self) -> None:
        """Refuse the keys that nobody asked for.

        Raises:
            SettingFaults: if there was any fault.
        """
        for key in self._table:
            if key not in self.known:
                self.fault(key, "an unknown key", "one of " + ", ".join(sorted(self.known)))
        if self.faults:
            raise SettingFaults(self.faults)

    def _take(self, key: str, default: object, expected: str) -> object:
        self.known.add(key)
        if key not in self._table and default is None:
            self.fault(key, "nothing", expected)
        return self._table.get(key, default)

    def _bad(self, key: str, value: object, expected: str, instead: T) -> T:
        if value is not None:
            self.fault(key, repr(value), expected)
        return instead
