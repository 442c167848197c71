"""What the points database remembers over a restart beside its values: forced values, and how far counters had come."""

import asyncio
import json
from dataclasses import asdict
from typing import Any

import structlog

from vppscada.model.errors import JournalError
from vppscada.points.database import Database
from vppscada.points.forcing import Force
from vppscada.points.journal import Journal
from vppscada.station.supervisor import wall_ms

log = structlog.get_logger()

FORCES_KEY, COUNTS_KEY = "forces", "counts"
_LOOK_S = 0.5
_COUNTS_EVERY = 20  # looks


class Normalising:
    """Forces points by their ids, durably; lifts what has expired; keeps the counts of counters that roll over."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal
        self._row_of = {point.id: row for row, point in enumerate(database.points)}
        self._counts_kept = ""

    def start(self, now_ms: int) -> None:
        """Bring back what stood before a restart. What expired meanwhile, or is no point any more, is left out."""
        for name, kept in _read(self._journal.get(FORCES_KEY)).items():
            try:
                force = Force(float(kept["value"]), str(kept["reason"]), str(kept["by"]), kept["until_ms"])
                row = self._row_of[name]
                if force.until_ms is None or force.until_ms > now_ms:
                    self._database.force(row, force.value, force.reason, force.by, force.until_ms, now_ms)
                else:
                    log.warning("force_expired", point=name)
            except (KeyError, TypeError, ValueError) as error:
                log.error("force_not_restored", point=name, error=repr(error))
        if self._database.conditioner is not None:
            for name, kept in _read(self._journal.get(COUNTS_KEY)).items():
                if name in self._row_of:  # what was taken over from the site before is newer
                    count = float(kept[0]), float(kept[1])
                    self._database.conditioner.counts.setdefault(self._row_of[name], count)

    async def force(self, point: str, value: float, reason: str, by: str, until_ms: int | None) -> None:
        """Force a point to a value in engineering units; return when that would survive a restart.

        Raises:
            KeyError: no such point.
            ValueError: it cannot be forced to that, or no reason or nobody is named.
            JournalError: it is forced, but a restart would lift it.
        """
        if not reason.strip() or not by.strip():
            raise ValueError("a force needs a reason and somebody who takes it on")
        self._database.force(self._row_of[point], value, reason, by, until_ms, wall_ms())
        await self._keep_forces()

    async def release(self, point: str) -> None:
        """Let a point say again what is reported.

        Raises:
            KeyError: no such point, or it is not forced.
            JournalError: it is released, but a restart would force it again.
        """
        self._database.release(self._row_of[point])
        await self._keep_forces()

    async def run(self) -> None:
        """Until cancelled."""
        looks = 0
        while True:
            await asyncio.sleep(_LOOK_S)
            looks += 1
            try:
                if self._database.release_expired(wall_ms()):
                    await self._keep_forces()
                if looks % _COUNTS_EVERY == 0:
                    await self.keep_counts()
            except JournalError as error:
                log.error("normalising_not_kept", error=str(error))

    async def keep_counts(self) -> None:
        """Have the counts on disk, if they changed.

        Raises:
            JournalError: they are not.
        """
        if self._database.conditioner is None:
            return
        points = self._database.points
        text = json.dumps({points[row].id: count for row, count in self._database.conditioner.counts.items()})
        if text != self._counts_kept:
            await self._journal.put(COUNTS_KEY, text)
            self._counts_kept = text

    async def _keep_forces(self) -> None:
        points = self._database.points
        forces = {points[row].id: asdict(force) for row, force in self._database.forces.items()}
        await self._journal.put(FORCES_KEY, json.dumps(forces))


def _read(text: str | None) -> dict[str, Any]:
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}
