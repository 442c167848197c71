"""Loads, prices and forecasts are read again when their files are written anew; what cannot be read changes nothing."""

import asyncio
import csv
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from vppscada.model.errors import ConfigError
from vppscada.model.site import DataSource
from vppscada.plant.series import Mark, Series, mark_of, read_series
from vppscada.station.plant_service import PlantService
from vppscada.station.runtime import apart

log = structlog.get_logger()

_LOOK_EVERY_S = 5.0


def fetched_file(folder: Path, source: DataSource) -> Path:
    """Where what comes from a series' server is kept."""
    return folder / f"{source.name}.csv"


class SeriesWatch:
    """Of the data sources of one site."""

    def __init__(self, sources: Sequence[DataSource], plant: PlantService, fetched: Path) -> None:
        self._sources = sources
        self._plant = plant
        self._fetched = fetched
        self._stale: set[str] = set()
        self._refused: dict[str, Mark | None] = {}  # by series: what was told to be no good

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            for source in self._sources:
                await self.look(source)

    async def look(self, source: DataSource) -> None:
        """Read one again if its file is another one now."""
        known = self._plant.expectations.series[source.name].mark
        try:
            mark, file = await asyncio.to_thread(self._newest, source)
        except OSError as error:
            self._refuse(source, None, str(error))
            return
        self._note_age(source, time.time() - mark[0] / 1e9)
        if mark == known or mark == self._refused.get(source.name, known):
            return
        try:
            series = await apart(read_series, replace(source, file=file))
        except (ConfigError, OSError, UnicodeError, csv.Error) as error:
            self._refuse(source, mark, str(error))
            return
        self._take(series)

    def _newest(self, source: DataSource) -> tuple[Mark, Path]:
        """The file of the site, or what was fetched since.

        Raises:
            OSError: there is neither.
        """
        fetched = fetched_file(self._fetched, source)
        if source.url and fetched.exists():
            mark = mark_of(fetched.stat())
            if not source.file.exists() or mark > mark_of(source.file.stat()):
                return mark, fetched
        return mark_of(source.file.stat()), source.file

    def _note_age(self, source: DataSource, age_s: float) -> None:
        """What the days before tell takes the place of values that are old; where they tell nothing, these stand."""
        stale = age_s > source.stale_after_s
        if stale is (source.name in self._stale):
            return
        self._plant.expectations = self._plant.expectations.with_staleness(source.name, stale)
        self._plant.statistics["series_changes"] += 1  # a reason to plan anew
        if stale:
            self._stale.add(source.name)
            self._plant.statistics["series_gone_stale"] += 1
            log.warning("series_went_stale", series=source.name, age_s=round(age_s), allowed_s=source.stale_after_s)
        else:
            self._stale.discard(source.name)
            log.info("series_recovered", series=source.name)

    def _take(self, series: Series) -> None:
        self._refused.pop(series.name, None)
        self._plant.expect(series)
        self._plant.statistics["series_read_again"] += 1
        log.info("series_read_again", series=series.name, rows=len(series.value), until_ms=int(series.time_ms[-1]))

    def _refuse(self, source: DataSource, mark: Mark | None, reason: str) -> None:
        """What was read before stands. Told once for each file."""
        if source.name in self._refused and self._refused[source.name] == mark:
            return
        self._refused[source.name] = mark
        self._plant.statistics["series_refused"] += 1
        log.warning("series_not_read", series=source.name, file=str(source.file), reason=reason[:500])
