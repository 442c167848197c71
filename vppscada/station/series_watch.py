"""Loads, prices and forecasts are read again when their files are written anew; what cannot be read changes nothing."""

import asyncio
import csv
from collections.abc import Sequence

import structlog

from vppscada.model.errors import ConfigError
from vppscada.model.site import DataSource
from vppscada.plant.series import Mark, Series, mark_of, read_series
from vppscada.station.plant_service import PlantService
from vppscada.station.runtime import apart

log = structlog.get_logger()

_LOOK_EVERY_S = 5.0


class SeriesWatch:
    """Of the data sources of one site."""

    def __init__(self, sources: Sequence[DataSource], plant: PlantService) -> None:
        self._sources = sources
        self._plant = plant
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
            mark: Mark | None = mark_of(await asyncio.to_thread(source.file.stat))
        except OSError as error:
            self._refuse(source, None, str(error))
            return
        if mark == known or mark == self._refused.get(source.name, known):
            return
        try:
            series = await apart(read_series, source)
        except (ConfigError, OSError, UnicodeError, csv.Error) as error:
            self._refuse(source, mark, str(error))
            return
        self._take(series)

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
