"""Series over plant time: load, price, forecasts. Read once from CSV, then looked up in columns."""

import csv
import itertools
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from vppscada.model.errors import ConfigError, Fault
from vppscada.model.site import DataSource

#: When a file was last written (ns), and its size: what tells that it is another one now.
Mark = tuple[int, int]
Cells = list[str]
#: A year of minutes has some 20 MB.
MOST_OCTETS = 64 * 1024 * 1024


def mark_of(status: os.stat_result) -> Mark:
    """Of a file."""
    return status.st_mtime_ns, status.st_size


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Values at rising times (UTC milliseconds of plant time). ``mark``: of the file that it was read from."""

    name: str
    time_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    step_ms: int
    linear: bool
    mark: Mark | None = None
    p10: "Series | None" = None  # at the same times, where given
    p90: "Series | None" = None

    def says_as(self, other: "Series") -> bool:
        """The same values at the same times, in the same way."""
        same = (self.step_ms, self.linear) == (other.step_ms, other.linear)
        same &= np.array_equal(self.time_ms, other.time_ms) and np.array_equal(self.value, other.value)
        return same and _say_the_same(self.p10, other.p10) and _say_the_same(self.p90, other.p90)

    def at(self, time_ms: NDArray[np.int64]) -> NDArray[np.float64]:
        """Values at those times; NaN outside the series (its last value holds for one step)."""
        end = self.time_ms[-1] + self.step_ms
        outside = (time_ms < self.time_ms[0]) | (time_ms >= end)
        if self.linear:
            found = np.interp(time_ms, self.time_ms, self.value)
        else:
            found = self.value[np.searchsorted(self.time_ms, time_ms, side="right") - 1]
        return np.where(outside, np.nan, found)

    def mean(self, start_ms: int, step_ms: int, steps: int) -> NDArray[np.float64]:
        """Means over consecutive steps, from samples a fifteenth of a step apart; NaN where it is not known."""
        offsets = (np.arange(15, dtype=np.float64) + 0.5) / 15 * step_ms
        starts = start_ms + np.arange(steps, dtype=np.int64) * step_ms
        samples = self.at((starts[:, None] + offsets[None, :]).astype(np.int64))
        means: NDArray[np.float64] = samples.mean(axis=1)
        return means


def _say_the_same(one: Series | None, other: Series | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.says_as(other)


def read_series(source: DataSource) -> Series:
    """Read a data source.

    Raises:
        ConfigError: every fault of the file at once (missing columns, cells that are not numbers or times, a P10 above
            the value or a P90 below it).
    """
    faults: list[Fault] = []
    with source.file.open(newline="", encoding="utf-8") as file:
        mark = mark_of(os.fstat(file.fileno()))
        if mark[1] > MOST_OCTETS:
            raise ConfigError([Fault(source.file, 1, 1, f"{mark[1]} octets", f"at most {MOST_OCTETS}")])
        times, values = _rows(source, csv.reader(file), faults)
    if not faults and not times:
        faults.append(Fault(source.file, 2, 1, "no rows", "at least one"))
    if not faults and any(b <= a for a, b in itertools.pairwise(times)):
        faults.append(Fault(source.file, 2, 1, "times that do not rise", "rising times"))
    if faults:
        raise ConfigError(faults)
    table = np.array(values, dtype=np.float64)
    time_ms = np.array(times, dtype=np.int64)

    def course(column: int) -> Series:
        step_ms, linear = round(source.step_s * 1000), source.interpolation == "linear"
        return Series(source.name, time_ms, table[:, column].copy(), step_ms, linear)

    p10, p90 = (course(i) if columns else None for i, columns in ((1, source.p10_columns), (2, source.p90_columns)))
    return replace(course(0), mark=mark, p10=p10, p90=p90)


def _rows(
    source: DataSource, reader: Iterator[Cells], faults: list[Fault]
) -> tuple[list[int], list[tuple[float, float, float]]]:
    """Times, and values with their P10 and P90 (the value itself where they are not given), line by line."""
    header = next(reader, [])
    groups = [source.value_columns, source.p10_columns, source.p90_columns]
    time_columns = (source.time_column,) if source.start_ms is None else ()
    missing = [name for name in itertools.chain(*groups, time_columns) if name not in header]
    faults.extend(Fault(source.file, 1, 1, f"no column {name!r}", f"one of {', '.join(header)}") for name in missing)
    times: list[int] = []
    values: list[tuple[float, float, float]] = []
    if missing:
        return times, values
    places = [[header.index(name) for name in group] for group in groups]
    for line, cells in enumerate(reader, start=2):
        try:
            value, p10, p90 = (_value(source, at or places[0], cells) for at in places)
            values.append((value, p10, p90))
            times.append(_time_ms(source, header, cells, len(times)))
            if not p10 <= value <= p90:
                raise ValueError(f"P10 {p10:g}, value {value:g}, P90 {p90:g}")
        except (ValueError, IndexError, OverflowError) as error:
            expected = "rising quantiles" if str(error).startswith("P10") else "numbers and an ISO 8601 time"
            faults.append(Fault(source.file, line, 1, str(error), expected))
    return times, values


def _value(source: DataSource, places: list[int], cells: Cells) -> float:
    value = source.scale * sum(float(cells[at]) for at in places)
    if not math.isfinite(value):
        raise ValueError(f"{value}")
    return value


def _time_ms(source: DataSource, header: Cells, cells: Cells, position: int) -> int:
    if source.start_ms is not None:
        return source.start_ms + round(position * source.step_s * 1000)
    moment = datetime.fromisoformat(cells[header.index(source.time_column)])
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
