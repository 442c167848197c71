"""What is known of a point, in words that a person reads."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from vppscada.model.batch import TimeQualityColumn, TimesMs, Values
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import UNFIT, Quality, QualityColumn, TimeQuality, quality_words


class Columns(Protocol):
    """The points database, as far as it is read here."""

    @property
    def points(self) -> tuple[Point, ...]:
        """By row."""

    value: Values
    quality: QualityColumn
    source_time_ms: TimesMs
    time_quality: TimeQualityColumn
    received_time_ms: TimesMs
    texts: dict[int, str]


@dataclass(frozen=True, slots=True)
class PointValue:
    """The state of one point. ``value`` is in engineering units, NaN until known."""

    point: Point
    value: float
    text: str
    quality: Quality
    time_ms: int  # of the source, else of receipt; UTC; 0 = never
    time_quality: TimeQuality

    @property
    def is_good(self) -> bool:
        """True where it is online and nothing says that it is unfit."""
        return bool(self.quality & Quality.ONLINE) and not self.quality & UNFIT

    def shown(self) -> str:
        """The value as text: a state's name, a string, a number; a dash while nothing is known."""
        if self.point.kind is PointKind.STRING:
            return self.text or "-"
        return shown_value(self.point, self.value)

    def quality_words(self) -> str:
        """The bits by their names."""
        return quality_words(self.quality)

    def time(self) -> str:
        """ISO 8601 in UTC; a dash for never. A question mark behind a time that the source does not vouch for."""
        if not self.time_ms:
            return "-"
        text = datetime.fromtimestamp(self.time_ms / 1000.0, UTC).isoformat(timespec="milliseconds")
        return text.replace("+00:00", "Z") + ("" if self.time_quality is TimeQuality.SYNCHRONISED else "?")


def value_at(columns: Columns, row: int) -> PointValue:
    """The state that stands at a row."""
    time_quality = TimeQuality(int(columns.time_quality[row]))
    source = int(columns.source_time_ms[row])
    return PointValue(
        columns.points[row],
        float(columns.value[row]),
        columns.texts.get(row, ""),
        Quality(int(columns.quality[row])),
        source if time_quality is not TimeQuality.NONE else int(columns.received_time_ms[row]),
        time_quality,
    )


def shown_value(point: Point, value: float) -> str:
    """A value with the name of its state, where it has one."""
    if math.isnan(value):
        return "-"
    number = f"{value:.10g}"
    if point.state_names and value == int(value) and 0 <= int(value) < len(point.state_names):
        return f"{number} ({point.state_names[int(value)]})"
    return number
