"""From the points database to an EMS outstation: which changes go out at which of its points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import Batch, Rows
from vppscada.model.changes import ChangeSet
from vppscada.model.outstations import Outstation
from vppscada.model.scaling import ScalingColumns
from vppscada.model.site import ExportedPoint
from vppscada.points.database import Database


@dataclass(frozen=True, slots=True, eq=False)
class FanOut:
    """Rows of the database → positions of an outstation's points (a row may feed several)."""

    sources: Rows  # sorted
    exports: Rows  # position of the export at each place of `sources`

    @classmethod
    def of(cls, source_rows: Sequence[int]) -> "FanOut":
        """From the source row of each export."""
        sources = np.array(source_rows, dtype=np.intp)
        order = np.argsort(sources, kind="stable")
        return cls(sources[order], order.astype(np.intp))

    def route(self, rows: Rows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Places in ``rows`` that are exported, and the export that each goes to; order of ``rows`` kept."""
        first = np.searchsorted(self.sources, rows, side="left")
        count = np.searchsorted(self.sources, rows, side="right") - first
        places = np.repeat(np.arange(len(rows), dtype=np.intp), count)
        within = np.arange(len(places), dtype=np.intp) - np.repeat(np.cumsum(count) - count, count)
        return places, self.exports[np.repeat(first, count) + within]


class EmsFeed:
    """Hands every change of an exported point to the outstation, in the export's device units."""

    def __init__(self, exports: Sequence[ExportedPoint], outstation: Outstation, database: Database) -> None:
        self._fan_out = FanOut.of([export.source_row for export in exports])
        self._sources = np.array([export.source_row for export in exports], dtype=np.intp)
        self._scaling = ScalingColumns.of([export.point for export in exports])
        self._outstation = outstation
        self._database = database

    def on_changes(self, changes: ChangeSet) -> None:
        """Subscriber of the database."""
        places, exports = self._fan_out.route(changes.rows)
        if len(places) == 0:
            return
        time_ms, time_quality = changes.happened()
        texts = self._texts(changes, places, exports) if changes.texts else {}
        self._outstation.update(
            Batch(
                rows=exports,
                value=self._scaling.to_device(exports, changes.value[places]),
                quality=changes.quality[places],
                source_time_ms=time_ms[places],
                time_quality=time_quality[places],
                received_time_ms=changes.received_time_ms,
                cause=changes.cause,
                texts=texts,
            )
        )
        late = changes.rows[~changes.current]
        if len(late):  # an event that came late is told as an event, but the state is what it was
            self.on_changes(self._database.snapshot(np.unique(late), changes.received_time_ms))

    @staticmethod
    def _texts(changes: ChangeSet, places: NDArray[np.intp], exports: NDArray[np.intp]) -> dict[int, str]:
        fed = zip(exports.tolist(), changes.rows[places].tolist(), strict=True)
        return {export: changes.texts[row] for export, row in fed if row in changes.texts}

    def feed_all(self, now_ms: int) -> None:
        """The state of every export as it stands: once, before the outstation listens."""
        self.on_changes(self._database.snapshot(np.unique(self._sources), now_ms))
