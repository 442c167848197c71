"""The points of an outstation in columns: current values, and which updates are events. No I/O, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.addresses import address_of, variations_of
from protocols.dnp3.objects import index_width
from protocols.dnp3.outstation.events import EVENT, EventArray
from vppscada.model.batch import Batch
from vppscada.model.outstations import POINT_KIND_ORDER, Events
from vppscada.model.points import PointKind, RowPoint
from vppscada.model.quality import Quality, TimeQuality

KINDS = tuple(PointKind(word) for word in POINT_KIND_ORDER)
KIND_NUMBER = {kind: number for number, kind in enumerate(KINDS)}
#: Event variations of points that are no longer in the map but whose events a store still holds.
_USUAL_VARIATION = np.array([2, 2, 7, 5, 2, 7, 0], dtype=np.uint8)
_STRING = KIND_NUMBER[PointKind.STRING]


@dataclass(frozen=True, slots=True, eq=False)
class KindColumns:
    """The points of one kind, by rising index."""

    kind: PointKind
    index: NDArray[np.uint32]
    rows: NDArray[np.intp]
    static_variation: NDArray[np.uint8]


class PointTable:
    """Values and qualities by row; everything else about the points is fixed.

    ``event_class`` is the map's; each association starts with it and may be assigned other classes by its
    master. ``reported`` marks the points that have a class in any association: only they make events.
    """

    def __init__(self, points: Sequence[RowPoint]) -> None:
        served = [p for p in points if p.point.enabled]
        size = max((p.row for p in points), default=-1) + 1
        self.points = {p.row: p.point for p in served}
        self.row_of = {(p.point.kind, address_of(p.point).index): p.row for p in served}
        self.value = np.zeros(size)
        self.quality = np.full(size, Quality.RESTART, dtype=np.uint16)
        self.texts: dict[int, str] = {}
        self.event_class = np.zeros(size, dtype=np.uint8)
        self.frozen_value = np.zeros(size)
        self.frozen_quality = np.full(size, Quality.RESTART, dtype=np.uint16)
        self._kind = np.zeros(size, dtype=np.uint8)
        self._index = np.zeros(size, dtype=np.uint32)
        self._event_variation = np.zeros(size, dtype=np.uint8)
        self._deadband = np.zeros(size)
        self._baseline = np.zeros(size)
        self._baseline_quality = np.zeros(size, dtype=np.uint16)
        self._has_baseline = np.zeros(size, dtype=np.bool_)
        self._first = np.zeros(size, dtype=np.intp)
        static = np.zeros(size, dtype=np.uint8)
        for row, point in served:
            static[row], self._event_variation[row] = variations_of(point)
            self._kind[row] = KIND_NUMBER[point.kind]
            self._index[row] = address_of(point).index
            # strings have no column in the event buffer: their static value covers them
            self.event_class[row] = 0 if point.kind is PointKind.STRING else point.event_class
            self._deadband[row] = point.deadband / abs(point.scale) if point.kind.is_analog and point.scale else 0.0
        self.reported = self.event_class > 0
        self.by_kind = {kind: self._columns(kind, served, static) for kind in KINDS}
        outputs = (PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT)
        self._outputs = np.concatenate([self.by_kind[kind].rows for kind in outputs])
        #: Octets of an event's index by kind number: one width for all events of a kind.
        self.index_width = [index_width(self.by_kind[kind].index) for kind in KINDS]

    def _columns(self, kind: PointKind, served: Sequence[RowPoint], static: NDArray[np.uint8]) -> KindColumns:
        rows = np.array([p.row for p in served if p.point.kind is kind], dtype=np.intp)
        rows = rows[np.argsort(self._index[rows], kind="stable")]
        return KindColumns(kind, self._index[rows], rows, static[rows])

    def recall(self, events: Events) -> NDArray[np.uint8]:
        """Take the last stored event of each point as what the master was told; their event variations come back."""
        variations = _USUAL_VARIATION[events.kind]
        columns = zip(events.kind.tolist(), events.index.tolist(), events.value, events.quality, strict=True)
        for position, (kind, index, value, quality) in enumerate(columns):
            row = self.row_of.get((KINDS[kind], index))
            if row is not None:
                self._baseline[row], self._baseline_quality[row], self._has_baseline[row] = value, quality, True
                variations[position] = self._event_variation[row]
        return variations

    def update(
        self, batch: Batch, own_time_quality: TimeQuality, *, with_events: bool, offset_ms: int = 0
    ) -> tuple[EventArray, NDArray[np.intp]]:
        """Take values, and give the events that they make in the order of the batch, with their points' rows.

        ``offset_ms`` leads from our wall clock to the device's: an event's time is fixed when it occurs,
        whatever a master writes to the clock before it is told (procedure 8.15.2 of the conformance tests).
        A point whose last reported value is unknown makes none: its static value covers it.
        """
        self.texts.update(batch.texts)
        rows = batch.rows
        positions = np.arange(len(rows))
        found: list[NDArray[np.intp]] = []
        while len(positions):
            now, positions = self._first_of_each_row(rows, positions)
            found.append(self._take(rows[now], batch, now))
        if not with_events or not found:
            return np.zeros(0, dtype=EVENT), np.empty(0, dtype=np.intp)
        return self._events(batch, np.sort(np.concatenate(found)), own_time_quality, offset_ms)

    def _first_of_each_row(
        self, rows: NDArray[np.intp], positions: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Split positions: the first of each row, and the rest (empty as a rule: one value per point)."""
        taken = rows[positions]
        self._first[taken[::-1]] = positions[::-1]
        first = self._first[taken] == positions
        return positions[first], positions[~first]

    def _take(self, rows: NDArray[np.intp], batch: Batch, positions: NDArray[np.intp]) -> NDArray[np.intp]:
        """Store one value per row; the positions whose change is worth an event."""
        value, quality = batch.value[positions], batch.quality[positions]
        self.value[rows] = value
        self.quality[rows] = quality
        with np.errstate(invalid="ignore"):  # inf - inf
            moved = np.abs(value - self._baseline[rows]) > self._deadband[rows]
        # a value that becomes no number, or one again, is a change; both no numbers is none
        moved |= np.isnan(value) != np.isnan(self._baseline[rows])
        known = self._has_baseline[rows]
        changed = moved | (quality != self._baseline_quality[rows])
        told = changed | ~known
        self._baseline[rows[told]] = value[told]
        self._baseline_quality[rows[told]] = quality[told]
        self._has_baseline[rows[told]] = True
        eventful: NDArray[np.intp] = positions[changed & known & self.reported[rows]]
        return eventful

    def _events(
        self, batch: Batch, at: NDArray[np.intp], own_time_quality: TimeQuality, offset_ms: int
    ) -> tuple[EventArray, NDArray[np.intp]]:
        rows = batch.rows[at]
        events = np.zeros(len(at), dtype=EVENT)
        timed = batch.time_quality[at] != TimeQuality.NONE
        events["time_ms"] = np.where(timed, batch.source_time_ms[at], batch.received_time_ms) + offset_ms
        events["time_quality"] = np.where(timed, batch.time_quality[at], own_time_quality)
        events["value"] = batch.value[at]
        events["quality"] = batch.quality[at]
        events["index"] = self._index[rows]
        events["kind"] = self._kind[rows]
        events["variation"] = self._event_variation[rows]
        return events, rows

    @property
    def has_local_output(self) -> bool:
        """True if an output is under local control: masters cannot move it (IIN1.5)."""
        return bool((self.quality[self._outputs] & Quality.LOCAL_FORCED).any())

    def freeze(self, rows: NDArray[np.intp]) -> None:
        """Keep the present values of these counters as their frozen ones."""
        self.frozen_value[rows] = self.value[rows]
        self.frozen_quality[rows] = self.quality[rows]

    def can_report(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of the rows whose points can have events at all."""
        able: NDArray[np.intp] = rows[self._kind[rows] != _STRING]
        return able
