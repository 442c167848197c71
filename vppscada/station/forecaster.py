"""Learns what sun, wind and the EMS do at each time of day, forecasts by it, and keeps score of all forecasts."""

import asyncio
import time
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from vppscada.model.points import Role
from vppscada.model.schedule import ScheduleRequest
from vppscada.model.site import Site
from vppscada.plant.expectations import Horizon
from vppscada.plant.fleet_view import fleet_rows
from vppscada.plant.forecasting import Bands, Past
from vppscada.plant.memory import PlantMode
from vppscada.plant.outlook import (
    BuiltIn,
    built_in,
    expected_renewables,
    forecast_names,
    measured_renewables,
    renewables,
    target_bands,
)
from vppscada.plant.scorecard import Card, Scorecard
from vppscada.station.forecast_file import read_forecasts, write_forecasts
from vppscada.station.plant_service import PlantService
from vppscada.station.runtime import apart
from vppscada.station.supervisor import wall_ms

log = structlog.get_logger()

_LOOK_EVERY_S = 0.5
_KEEP_EVERY_S = 60.0  # wall seconds between writes to disk


class Forecaster:
    """Of the plant of one site."""

    def __init__(self, site: Site, plant: PlantService, directory: Path) -> None:
        self._site, self._plant, self._directory = site, plant, directory
        self._members = renewables(site.fleet)
        self._tells = fleet_rows(site.fleet, site.points).has(Role.AVAILABLE_POWER)
        self._past, self._card = self._kept()
        self._kept_at = -np.inf  # monotonic
        self._kept_well = True

    def take_over(self, before: "Forecaster") -> None:
        """Go on from what was learnt with another site, by the names of the assets."""
        names = forecast_names(self._site.fleet)
        self._past, self._card = before._past.renamed(names), before._card.renamed(names)

    async def run(self) -> None:
        """Until cancelled."""
        await self._plant.cycled.wait()
        while True:
            try:
                if self.note() and time.monotonic() - self._kept_at >= _KEEP_EVERY_S:
                    await self.keep()
            except Exception:  # the plant does without a forecast; it must not end for one
                self._plant.statistics["forecasts_failed"] += 1
                log.exception("forecasts_not_noted")
            await asyncio.sleep(_LOOK_EVERY_S)

    def note(self) -> bool:
        """Take what is measured now. True if it closed a quarter of an hour, whose forecasts were judged then."""
        closed = self._past.note(self._plant_ms(), self._measured())
        if closed is None:
            return False
        self._card.came(closed, self._past.at(np.array([closed], dtype=np.int64))[0])
        return True

    async def forecast(self, horizon: Horizon) -> BuiltIn:
        """The built-in forecast from now on, made in a thread."""
        return await asyncio.to_thread(built_in, self._site.fleet, self._past, self._measured(), horizon)

    def issued(self, request: ScheduleRequest, horizon: Horizon, own: BuiltIn) -> None:
        """The forecasts that a plan is made with, to be judged by what comes."""
        plant = self._plant
        seen = expected_renewables(self._site.fleet, plant.states, plant.expectations, horizon, own)
        told = seen.rows(self._members)
        owed = target_bands(plant.expectations, self._site.schedule.load, request.requirement_mw, horizon, own)
        both = Bands(*(np.vstack([one, other]) for one, other in zip(told.all, owed.all, strict=True)))
        self._card.issued(horizon.plant_ms, both, self._measured(), horizon.start_ms, horizon.step_ms)

    def cards(self) -> list[Card]:
        """How good forecasts were, by name and lead."""
        return self._card.cards()

    @property
    def days(self) -> float:
        """How much is remembered of the last week: of what is known best."""
        return float(self._past.days(self._plant_ms()).max(initial=0.0))

    async def keep(self) -> None:
        """Write down what was learnt. What cannot be written is learnt again after a restart."""
        self._kept_at = time.monotonic()
        names = self._past.names
        try:
            await apart(write_forecasts, self._directory, self._past.renamed(names), self._card.renamed(names))
        except OSError as error:
            if self._kept_well:
                log.error("forecasts_not_kept", error=str(error))
            self._kept_well = False
        else:
            self._kept_well = True

    def _plant_ms(self) -> int:
        return self._plant.clock.plant_ms(wall_ms())

    def _measured(self) -> NDArray[np.float64]:
        """What of each forecast has come now (k,), NaN where that cannot be told."""
        orders = self._plant.orders
        asked = orders.mode is PlantMode.FOLLOW and orders.running
        told = self._plant.memory.setpoint_mw[0]
        seen = measured_renewables(self._site.fleet, self._plant.states, told, self._tells)
        return np.append(seen, orders.target_mw if asked else np.nan)

    def _kept(self) -> tuple[Past, Scorecard]:
        names = forecast_names(self._site.fleet)
        try:
            kept = read_forecasts(self._directory, names)
        except (OSError, ValueError) as error:
            log.warning("kept_forecasts_unreadable", error=str(error))
            kept = None
        return (Past(names), Scorecard(names)) if kept is None else kept
