"""Reading a table of a site file: every fault at once, unknown keys among them."""

from collections.abc import Mapping, Sequence

from vppscada.model.errors import SettingFault, SettingFaults


class SettingsReader:
    """The keys of one table and the faults found in them so far. A faulty key gives its default, or an empty text."""

    def __init__(self, table: Mapping[str, object]) -> None:
        self._table = dict(table)
        self._known: list[str] = []
        self.faults: list[SettingFault] = []

    def fault(self, key: str, found: object, expected: str) -> None:
        """Add a fault."""
        self.faults.append(SettingFault(key, repr(found), expected))

    def take(self, key: str, default: object = None) -> object:
        """The value of a key as it stands."""
        self._known.append(key)
        return self._table.pop(key, default)

    def text(self, key: str, expected: str, default: str | None = None) -> str:
        """A text that is not empty; without a default the key must be there. ``expected`` says what it is."""
        value = self.take(key, default)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value is None:
            self.faults.append(SettingFault(key, "nothing", expected))
        else:
            self.fault(key, value, "a text that is not empty")
        return ""

    def optional_text(self, key: str) -> str:
        """A text; empty where the key is not there."""
        value = self.take(key, "")
        if isinstance(value, str):
            return value.strip()
        self.fault(key, value, "a text")
        return ""

    def whole(self, key: str, default: int, lowest: int, highest: int) -> int:
        """A whole number, limits included."""
        value = self.take(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        self.fault(key, value, f"a whole number from {lowest} to {highest}")
        return default

    def seconds(self, key: str, default: float, lowest: float, highest: float) -> float:
        """A number of seconds, limits included."""
        value = self.take(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest:
            return float(value)
        self.fault(key, value, f"seconds from {lowest:g} to {highest:g}")
        return default

    def yes_no(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self.take(key, default)
        if isinstance(value, bool):
            return value
        self.fault(key, value, "true or false")
        return default

    def word(self, key: str, default: str, words: Sequence[str]) -> str:
        """One of some words."""
        value = self.take(key, default)
        if isinstance(value, str) and value in words:
            return value
        self.fault(key, value, "one of " + ", ".join(words))
        return default

    def texts(self, key: str, expected: str) -> list[str]:
        """A list of texts; empty where the key is not there."""
        value = self.take(key, [])
        if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
            return [str(one) for one in value]
        self.fault(key, value, expected)
        return []

    def table(self, key: str, expected: str) -> Mapping[str, object]:
        """A table within the table; empty where the key is not there."""
        value = self.take(key, {})
        if isinstance(value, Mapping):
            return value
        self.fault(key, value, expected)
        return {}

    def absorb(self, key: str, inner: "SettingsReader") -> None:
        """Make the faults of a table at ``key``, unknown keys among them, faults of that key."""
        try:
            inner.finish()
        except SettingFaults as error:
            self.faults += [SettingFault(key, f"{fault.key}: {fault.found}", fault.expected) for fault in error.faults]

    def finish(self) -> None:
        """Refuse what nobody asked for.

        Raises:
            SettingFaults: if there was any fault.
        """
        for key in self._table:
            self.faults.append(SettingFault(key, "a key that is not known", "one of " + ", ".join(self._known)))
        if self.faults:
            raise SettingFaults(self.faults)
