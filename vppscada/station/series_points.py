"""What the station tells of its series: their value now, how old they are, how far they reach, as points."""

import numpy as np

from vppscada.model.quality import Quality
from vppscada.model.site import SERIES_FIGURES, Site
from vppscada.plant.expectations import Expectations
from vppscada.points.database import Database


class SeriesPoints:
    """The points ``<series>.<figure>`` of a site.

    A value is STALE with its series, and not online where the series has none. Ages are from the moment at which the
    file was written.
    """

    def __init__(self, site: Site, database: Database) -> None:
        self._names = [source.name for source in site.data]
        ids = [f"{name}.{figure}" for name in self._names for figure in SERIES_FIGURES]
        self._rows = np.array([site.row_of[one] for one in ids], dtype=np.intp)
        self._database = database

    def feed(self, expectations: Expectations, plant_ms: int, now_ms: int) -> None:
        """Put all of them into the database. ``plant_ms`` is plant time, ``now_ms`` UTC."""
        if not self._names:
            return
        told = np.array([self._of(expectations, name, plant_ms, now_ms) for name in self._names])
        good = np.where(np.isnan(told), np.uint16(Quality.NONE), np.uint16(Quality.ONLINE)).astype(np.uint16)
        stale = np.array([name in expectations.stale for name in self._names])
        good[:, 0] |= np.where(stale, np.uint16(Quality.STALE), np.uint16(0))
        self._database.set_values(self._rows, np.nan_to_num(told).ravel(), good.ravel(), now_ms)

    @staticmethod
    def _of(expectations: Expectations, name: str, plant_ms: int, now_ms: int) -> tuple[float, float, float]:
        """In the order of `SERIES_FIGURES`; NaN where it is not known."""
        series = expectations.series[name]
        age_s = float("nan") if series.mark is None else max(now_ms / 1000.0 - series.mark[0] / 1e9, 0.0)
        ahead_h = (int(series.time_ms[-1]) + series.step_ms - plant_ms) / 3.6e6
        return expectations.now(name, plant_ms), age_s, ahead_h
