"""Value, age and reach of a series as points, with a quality of its own."""

from pathlib import Path

import numpy as np

from vppscada.maps.site_points import series_points
from vppscada.model.assets import Fleet
from vppscada.model.quality import Quality
from vppscada.model.site import DataSource, PlantSpec, ScheduleSpec, Site
from vppscada.plant.expectations import Expectations
from vppscada.plant.series import Series
from vppscada.points.database import Database
from vppscada.station.series_points import SeriesPoints

HOUR = 3_600_000


def told(expectations: Expectations, plant_ms: int, now_ms: int = 10_000) -> dict[str, tuple[float, Quality]]:
    sources = tuple(DataSource(name, Path(f"{name}.csv"), ("v",), 3600.0, units="MW") for name in expectations.series)
    points = tuple(point for source in sources for point in series_points(source.name, source.units))
    row_of = {point.id: row for row, point in enumerate(points)}
    site = Site(Path("s"), PlantSpec("p"), ScheduleSpec(), Fleet(()), (), (), sources, points, row_of)
    database = Database(points)
    SeriesPoints(site, database).feed(expectations, plant_ms, now_ms)
    return {name: (float(database.value[row]), Quality(int(database.quality[row]))) for name, row in row_of.items()}


def series(name: str, *values: float, written_ms: int = 4_000) -> Series:
    time_ms = np.arange(len(values), dtype=np.int64) * HOUR
    return Series(name, time_ms, np.array(values), HOUR, False, mark=(written_ms * 1_000_000, 5))


def test_a_series_tells_its_value_its_age_and_how_far_it_reaches() -> None:
    found = told(Expectations({"load": series("load", 3.0, 4.0), "price": series("price", 9.0)}), HOUR // 2)
    assert found["load.value"] == (3.0, Quality.ONLINE)
    assert found["load.age"] == (6.0, Quality.ONLINE)
    assert found["load.ahead"] == (1.5, Quality.ONLINE)
    assert found["price.ahead"] == (0.5, Quality.ONLINE)


def test_a_stale_series_says_so_in_its_quality() -> None:
    found = told(Expectations({"load": series("load", 3.0)}).with_staleness("load", True), 0)
    assert found["load.value"] == (3.0, Quality.ONLINE | Quality.STALE)
    assert found["load.age"][1] == Quality.ONLINE


def test_beyond_its_end_a_series_has_no_value() -> None:
    found = told(Expectations({"load": series("load", 3.0)}), 2 * HOUR)
    assert found["load.value"][1] == Quality.NONE
    assert found["load.ahead"] == (-1.0, Quality.ONLINE)
