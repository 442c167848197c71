"""Files of series that are written anew, badly, not at all: what is good is taken, what was good stands."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from vppscada.model.errors import ConfigError
from vppscada.model.site import DataSource
from vppscada.plant import series as reading
from vppscada.plant.expectations import Expectations
from vppscada.plant.series import Series, read_series
from vppscada.station.plant_service import PlantService
from vppscada.station.series_watch import SeriesWatch


class Plant:
    """What a watch needs of one, with the plant's own way to take a series."""

    def __init__(self, *series: Series) -> None:
        self.expectations = Expectations({one.name: one for one in series})
        self.statistics: Counter[str] = Counter()

    def expect(self, series: Series) -> None:
        PlantService.expect(cast(Any, self), series)


def written(file: Path, *values: object) -> None:
    """Aside and renamed, as a feed should; every file is another one to the watch."""
    aside = file.with_suffix(".new")
    aside.write_text("\n".join(["mw", *map(str, values)]) + "\n")
    last = file.stat().st_mtime_ns if file.exists() else 0
    os.utime(aside, ns=(last + 1_000_000_000, last + 1_000_000_000))
    aside.rename(file)


@pytest.fixture
def source(tmp_path: Path) -> DataSource:
    file = tmp_path / "load.csv"
    written(file, 1.0, 2.0)
    return DataSource("load", file, ("mw",), 3600.0, start_ms=0)


def watched(source: DataSource) -> tuple[Plant, SeriesWatch]:
    plant = Plant(read_series(source))
    return plant, SeriesWatch([source], cast(Any, plant), source.file.parent / "fetched")


async def test_a_file_that_stays_is_not_read_again(source: DataSource) -> None:
    plant, watch = watched(source)
    await watch.look(source)
    assert not plant.statistics


async def test_another_course_is_taken_and_a_reason_to_plan(source: DataSource) -> None:
    plant, watch = watched(source)
    written(source.file, 3.0, 4.0, 5.0)
    await watch.look(source)
    await watch.look(source)
    assert plant.expectations.now("load", 0) == 3.0
    assert plant.statistics == {"series_changes": 1, "series_read_again": 1}


async def test_the_same_course_in_another_file_is_no_reason(source: DataSource) -> None:
    plant, watch = watched(source)
    written(source.file, 1.0, 2.0)
    await watch.look(source)
    await watch.look(source)
    assert plant.statistics == {"series_read_again": 1}


@pytest.mark.parametrize("values", [("what",), ("nan",), ("inf",), (), ("1\0",), ("1,\udcff",)])
async def test_what_cannot_be_read_is_told_once_and_changes_nothing(source: DataSource, values: tuple[str]) -> None:
    plant, watch = watched(source)
    text = "\n".join(["mw", *values])
    source.file.write_bytes(text.encode("utf-8", "surrogateescape"))
    for _ in range(3):
        await watch.look(source)
    assert plant.expectations.now("load", 0) == 1.0
    assert plant.statistics == {"series_refused": 1}
    written(source.file, 7.0)
    await watch.look(source)
    assert plant.expectations.now("load", 0) == 7.0


async def test_a_file_that_is_gone_is_told_once_and_taken_when_it_comes_back(source: DataSource) -> None:
    plant, watch = watched(source)
    source.file.unlink()
    for _ in range(3):
        await watch.look(source)
    assert plant.statistics == {"series_refused": 1}
    written(source.file, 9.0)
    await watch.look(source)
    assert plant.expectations.now("load", 0) == 9.0


def test_a_file_beyond_all_bounds_is_refused(source: DataSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_OCTETS", 5)
    with pytest.raises(ConfigError, match="octets"):
        read_series(source)


async def test_a_series_that_goes_stale_is_a_reason_to_plan(source: DataSource) -> None:
    plant, watch = watched(replace(source, stale_after_s=60.0))
    os.utime(source.file, (0, 0))
    await watch.look(replace(source, stale_after_s=60.0))
    assert plant.expectations.stale == {"load"}
    assert plant.statistics["series_changes"] == 1
    written(source.file, 1.0, 2.0)
    os.utime(source.file)
    await watch.look(replace(source, stale_after_s=60.0))
    assert plant.expectations.stale == frozenset()
