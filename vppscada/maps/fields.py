"""What may stand in the tables of a site file: one reader per key, ranges and words included."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from vppscada.maps.document import Table
from vppscada.maps.words import one_of, quoted
from vppscada.model.errors import Fault

_GREATEST = 1e30


class Unfit(Exception):
    """A value does not fit; the text says what would."""


Reader = Callable[[object], Any]


def number(
    lowest: float = -_GREATEST, highest: float = _GREATEST, *, above: float | None = None, units: str = ""
) -> Reader:
    """A finite number in a range; ``above`` makes the lower end exclusive."""
    unit = f" {units}" if units else ""
    if above is not None:
        wanted = f"a number above {above:g}{unit}"
    elif lowest > -_GREATEST:
        wanted = f"a number from {lowest:g}{unit}"
    else:
        wanted = f"a number{unit}"
    wanted += f" up to {highest:.10g}" if highest < _GREATEST else ""

    def read(value: object) -> float:
        good = isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest
        if good and (above is None or value > above):  # type: ignore[operator]
            return float(value)  # type: ignore[arg-type]
        raise Unfit(wanted)

    return read


def yes_no(value: object) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    raise Unfit("true or false")


def text(value: object) -> str:
    """A text that is not blank."""
    if isinstance(value, str) and value.strip() and value.isprintable():
        return value.strip()
    raise Unfit("a text that is not blank")


def optional_text(value: object) -> str:
    """A text that may be blank."""
    if isinstance(value, str) and (value.isprintable() or not value):
        return value.strip()
    raise Unfit("a text")


def web_address(value: object) -> str:
    """A URL of http or https with a host, without a user's name or password in it."""
    if isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value:
        try:
            parts = urlsplit(value)
            if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0:
                return value
        except ValueError:  # a port that is none
            pass
    raise Unfit("a URL, as in https://example.org/prices.csv, without name and password")


def word(words: type[StrEnum] | Sequence[str]) -> Reader:
    """One of some words; of an enumeration, its member."""
    known = [str(one) for one in words]

    def read(value: object) -> Any:
        if isinstance(value, str) and value in known:
            return words(value) if isinstance(words, type) else value
        raise Unfit(one_of(value if isinstance(value, str) else "", known))

    return read


def texts(value: object) -> tuple[str, ...]:
    """A list of texts, not empty."""
    if isinstance(value, list) and value and all(isinstance(one, str) and one for one in value):
        return tuple(value)
    raise Unfit('a list of texts, as in ["a", "b"]')


def pairs(value: object) -> tuple[tuple[float, float], ...]:
    """A list of pairs of numbers."""
    read = number(-_GREATEST, _GREATEST)
    if isinstance(value, list) and value and all(isinstance(one, list) and len(one) == 2 for one in value):
        return tuple((read(one[0]), read(one[1])) for one in value)
    raise Unfit("a list of pairs of numbers, as in [[3.0, 8.0], [10.0, 24.0]]")


def moment(value: object) -> int:
    """A TOML date-time, UTC where it names no offset; as milliseconds since the epoch."""
    if isinstance(value, datetime):
        utc = value if value.tzinfo else value.replace(tzinfo=UTC)
        return round(utc.timestamp() * 1000)
    hint = ", with a time" if isinstance(value, date) else ", without quotes" if isinstance(value, str) else ""
    raise Unfit(f"a date-time, as in 2024-07-01T00:00:00Z{hint}")


@dataclass(frozen=True, slots=True)
class Fields:
    """What could be read of a table, and whether all of it could."""

    table: Table
    values: dict[str, Any]
    good: bool

    def has(self, *keys: str) -> bool:
        """True if all of the keys stand there and are good."""
        return all(key in self.values for key in keys)


def read_fields(table: Table, readers: Mapping[str, Reader], required: Sequence[str], faults: list[Fault]) -> Fields:
    """Read every key of a table. Unknown, missing and unfit ones become faults."""
    before = len(faults)
    values: dict[str, Any] = {}
    for key, value in table.content.items():
        if key not in readers:
            near = one_of(key, [known for known in readers if known not in table.content])
            faults.append(table.fault(key, f"unknown key {quoted(key)}", near))
            continue
        try:
            values[key] = readers[key](value)
        except Unfit as unfit:
            faults.append(table.fault(key, f"{key} = {shown(value)}", str(unfit)))
    missing = [key for key in required if key not in table.content]
    faults.extend(table.fault(key, f"no {key}", f"{key} = …") for key in missing)
    return Fields(table, values, len(faults) == before)


def shown(value: object) -> str:
    """A value of the file, near to how it stands there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    content = str(value)
    return content if len(content) <= 60 else content[:57] + "…"
