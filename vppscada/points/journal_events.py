"""An outstation's unconfirmed events on disk."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vppscada.model.errors import JournalError
from vppscada.model.outstations import Events
from vppscada.points.journal_schema import connect_reading
from vppscada.points.journal_writer import Writer

_APPEND = "INSERT OR REPLACE INTO outstation_events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_DISCARD = "DELETE FROM outstation_events WHERE store = ? AND id = ?"
_LOAD = """SELECT id, kind, point, event_class, value, quality, time_ms, time_quality, text
    FROM outstation_events WHERE store = ? ORDER BY id"""


class JournalEventStore:
    """The `EventStore` of one outstation, by its name."""

    def __init__(self, name: str, file: Path, writer: Writer) -> None:
        self._name = name
        self._file = file
        self._writer = writer

    def load(self) -> Events:
        """Every event that was appended and not discarded, oldest first.

        Raises:
            JournalError: the journal cannot be read.
        """
        try:
            connection = connect_reading(self._file)
            try:
                rows = connection.execute(_LOAD, (self._name,)).fetchall()
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise JournalError(f"{self._file}: {error}") from error
        columns = list(zip(*rows, strict=True)) if rows else [()] * 9
        return Events(
            id=np.array(columns[0], dtype=np.int64),
            kind=np.array(columns[1], dtype=np.uint8),
            index=np.array(columns[2], dtype=np.uint32),
            event_class=np.array(columns[3], dtype=np.uint8),
            value=np.array(columns[4], dtype=np.float64),  # NULL is read as NaN
            quality=np.array(columns[5], dtype=np.uint16),
            time_ms=np.array(columns[6], dtype=np.int64),
            time_quality=np.array(columns[7], dtype=np.uint8),
            texts={row[0]: row[8] for row in rows if row[8] is not None},
        )

    async def append(self, events: Events) -> None:
        """Return when the events are on disk.

        Raises:
            JournalError: they are not.
        """
        if not len(events):
            return
        columns: tuple[Callable[[], list[object]], ...] = (
            events.id.tolist,
            events.kind.tolist,
            events.index.tolist,
            events.event_class.tolist,
            events.value.tolist,
            events.quality.tolist,
            events.time_ms.tolist,
            events.time_quality.tolist,
        )
        names = [self._name] * len(events)
        texts = [events.texts.get(one) for one in events.id.tolist()]
        rows = list(zip(names, *(column() for column in columns), texts, strict=True))
        await self._writer.execute((_APPEND, rows))

    async def discard(self, ids: NDArray[np.int64]) -> None:
        """Return when the events are gone from the disk: they never come back.

        Raises:
            JournalError: they are still there.
        """
        if len(ids):
            await self._writer.execute((_DISCARD, [(self._name, one) for one in ids.tolist()]))
