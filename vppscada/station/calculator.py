"""Calculated points while the station runs: fed by the change sets, woken by their timers."""

import asyncio

from vppscada.points.calculations import Calculations
from vppscada.points.database import Database
from vppscada.station.supervisor import wall_ms

_LONGEST_SLEEP_S = 60.0


class Calculator:
    """Keeps the calculated points of a database; costs nothing where there are none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._woken = asyncio.Event()
        self._calculations = Calculations(database, database.points, self._woken.set)

    def take_over(self, before: "Calculator") -> None:
        """Go on from the timers of another one."""
        self._calculations.take_over(before._calculations)

    def start(self, now_ms: int) -> None:
        """Work out all of them, and follow the database from now on."""
        if len(self._calculations):
            self._database.subscribe(self._calculations.on_changes)
            self._calculations.start(now_ms)

    async def run(self) -> None:
        """Let timers end in time, until cancelled."""
        while True:
            self._woken.clear()
            wake_ms = self._calculations.wake_ms
            if wake_ms is None:
                await self._woken.wait()
                continue
            pause_s = min(max(wake_ms - wall_ms(), 0) / 1000.0, _LONGEST_SLEEP_S)
            try:
                async with asyncio.timeout(max(pause_s, 0.001)):
                    await self._woken.wait()
            except TimeoutError:
                self._calculations.advance(wall_ms())
