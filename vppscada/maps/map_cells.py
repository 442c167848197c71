"""Reading the cells of one line of a point map: words, numbers and pulses, each fault at its cell."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from vppscada.maps.cells import Line
from vppscada.maps.places import Place
from vppscada.maps.words import one_of, quoted
from vppscada.model.commands import Pulse, PulseStyle
from vppscada.model.errors import Fault

_Word = TypeVar("_Word", bound=StrEnum)

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
#: Numbers beyond this would not survive a change of unit.
GREATEST = 1e30
_LONGEST_PULSE_MS = 0xFFFF_FFFF


class LineReader:
    """The cells of one line by column. Every reader returns None for a blank or faulty cell."""

    def __init__(self, line: Line, columns: Mapping[str, int], faults: list[Fault]) -> None:
        self._line = line
        self._columns = columns
        self._faults = faults
        self._before = len(faults)

    @property
    def good(self) -> bool:
        """True while no fault was found in this line."""
        return len(self._faults) == self._before

    def text(self, column: str) -> str:
        """A cell as it stands; empty if it is blank or not there."""
        position = self._columns.get(column)
        if position is None or position >= len(self._line.cells):
            return ""
        return self._line.cells[position].text

    def place(self, column: str) -> Place:
        """Where a cell begins; the first cell for a column that the map has not."""
        return self._line.place(self._columns.get(column, 0))

    def place_within(self, column: str, position: int) -> Place:
        """Where a character of a cell stands (from 0); in a workbook, the cell."""
        at = self._columns.get(column)
        place = self.place(column)
        if at is None or at >= len(self._line.cells) or place.file.suffix.lower() == ".xlsx":
            return place
        return replace(place, column=self._line.cells[at].text_column + position)

    def fault_within(self, column: str, position: int, found: str, expected: str) -> None:
        """Add a fault at a character of a cell."""
        self._faults.append(self.place_within(column, position).fault(found, expected))

    def fault(self, column: str, expected: str, found: str | None = None) -> None:
        """Add a fault at a cell."""
        shown = f"{column} {quoted(self.text(column))}" if self.text(column) else f"no {column}"
        self._faults.append(self.place(column).fault(shown if found is None else found, expected))

    def word(self, column: str, words: type[_Word]) -> _Word | None:
        """One of the words of an enumeration."""
        text = self.text(column)
        if not text:
            return None
        if text in tuple(words):
            return words(text)
        self.fault(column, one_of(text, words))
        return None

    def yes_no(self, column: str) -> bool | None:
        """yes or no."""
        text = self.text(column)
        if text in ("", "yes", "no"):
            return text == "yes" if text else None
        self.fault(column, "yes or no")
        return None

    def number(self, column: str, expected: str = "a number", lowest: float = -GREATEST) -> float | None:
        """A finite number not below ``lowest``."""
        text = self.text(column)
        if not text:
            return None
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if lowest <= value <= GREATEST:
            return value
        comma = _DECIMAL_COMMA.fullmatch(text)
        self.fault(column, expected if comma is None else f"a point instead of the comma: {text.replace(',', '.')}")
        return None

    def scale(self, column: str) -> float | None:
        """A number that can be divided by."""
        value = self.number(column, "a number other than 0")
        if value is not None and not 1e-15 <= abs(value) <= 1e15:
            self.fault(column, "a number other than 0, its size between 1e-15 and 1e15")
            return None
        return value

    def event_class(self, column: str) -> int | None:
        """0 (no events) to 3."""
        text = self.text(column)
        if text in ("", "0", "1", "2", "3"):
            return int(text) if text else None
        self.fault(column, "an event class from 0 (no events) to 3")
        return None

    def pulse(self, column: str) -> Pulse | None:
        """``latch``, or ``pulse`` or ``trip_close`` with the time on and, if wanted, the time off in ms."""
        words = self.text(column).split()
        if not words:
            return None
        times = [int(word) for word in words[1:] if re.fullmatch(r"\d{1,10}", word, re.ASCII)]
        good = words[0] in tuple(PulseStyle) and len(times) == len(words) - 1 and max([*times, 0]) <= _LONGEST_PULSE_MS
        if words == ["latch"]:
            return Pulse()
        if good and words[0] != PulseStyle.LATCH and len(times) in (1, 2) and times[0] > 0:
            return Pulse(PulseStyle(words[0]), *times)
        near = f" (did you mean {found!r}?)" if (found := _near_style(words[0])) else ""
        self.fault(column, f"latch, pulse ON_MS [OFF_MS] or trip_close ON_MS [OFF_MS]{near}")
        return None

    def states(self, column: str, counts: tuple[int, ...]) -> tuple[str, ...] | None:
        """Names between bars, for the states 0, 1, 2 …; ``counts``: how many there may be, empty for any."""
        text = self.text(column)
        if not text:
            return None
        names = tuple(name.strip() for name in text.split("|"))
        if all(names) and len(set(names)) == len(names) and (not counts or len(names) in counts):
            return names
        wanted = "two or more" if not counts else " or ".join(map(str, counts))
        self.fault(column, f"{wanted} different names between bars, as in a|b")
        return None


def _near_style(word: str) -> str | None:
    if word in tuple(PulseStyle):
        return None
    starts = [style for style in PulseStyle if style[:2] == word[:2].lower()]
    return str(starts[0]) if starts else None
