"""Series over plant time: load, price, forecasts. Read once from CSV, then looked up in columns."""

import csv
import itertools
import math
import os
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from vppscada.model.errors import ConfigError, Fault
from vppscada.model.site import DataSource

#: When a file was last written (ns), and its size: what tells that it is another one now.
Mark = tuple[int, int]
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

    def says_as(self, other: "Series") -> bool:
        """The same values at the same times, in the same way."""
        same = (self.step_ms, self.linear) == (other.step_ms, other.linear)
        return same and np.array_equal(self.time_ms, other.time_ms) and np.array_equal(self.value, other.value)

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


def read_series(source: DataSource) -> Series:
    """Read a data source.

    Raises:
        ConfigError: every fault of the file at once (missing columns, cells that are not numbers or times).
    """
    faults: list[Fault] = []
    times: list[int] = []
    values: list[float] = []
    with source.file.open(newline="", encoding="utf-8") as file:
        mark = mark_of(os.fstat(file.fileno()))
        if mark[1] > MOST_OCTETS:
            raise ConfigError([Fault(source.file, 1, 1, f"{mark[1]} octets", f"at most {MOST_OCTETS}")])
        reader = csv.reader(file)
        header = next(reader, [])
        wanted = (*source.value_columns, *((source.time_column,) if source.start_ms is None else ()))
        faults.extend(
            Fault(source.file, 1, 1, f"no column {name!r}", f"one of {', '.join(header)}")
            for name in wanted
            if name not in header
        )
        if faults:
            raise ConfigError(faults)
        for cells in reader:
            try:
                values.append(_value(source, header, cells))
                times.append(_time_ms(source, header, cells, len(times)))
            except (ValueError, IndexError, OverflowError) as error:
                faults.append(Fault(source.file, reader.line_num, 1, str(error), "numbers and an ISO 8601 time"))
    if not faults and not times:
        faults.append(Fault(source.file, 2, 1, "no rows", "at least one"))
    if not faults and any(b <= a for a, b in itertools.pairwise(times)):
        faults.append(Fault(source.file, 2, 1, "times that do not rise", "rising times"))
    if faults:
        raise ConfigError(faults)
    return Series(
        source.name,
        np.array(times, dtype=np.int64),
        np.array(values, dtype=np.float64),
        round(source.step_s * 1000),
        source.interpolation == "linear",
        mark,
    )


def _value(source: DataSource, header: list[str], cells: list[str]) -> float:
    value = source.scale * sum(float(cells[header.index(name)]) for name in source.value_columns)
    if not math.isfinite(value):
        raise ValueError(f"{value}")
    return value


def _time_ms(source: DataSource, header: list[str], cells: list[str], position: int) -> int:
    if source.start_ms is not None:
        return source.start_ms + round(position * source.step_s * 1000)
    moment = datetime.fromisoformat(cells[header.index(source.time_column)])
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
