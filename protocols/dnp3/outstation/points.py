"""The points of an outstation in columns: current values, and which updates are events. No I/O, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.addresses import address_of, frozen_variations_of, variations_of
from protocols.dnp3.objects import index_width
from protocols.dnp3.outstation.categories import CATEGORIES, KIND_NUMBER, KINDS, NUMBER, Aspect
from protocols.dnp3.outstation.events import EVENT, EventArray
from vppscada.model.batch import Batch
from vppscada.model.outstations import Events
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality, QualityColumn, TimeQuality

if TYPE_CHECKING:
    from protocols.dnp3.outstation.encode import StaticRun

#: Event variations of points that are no longer in the map but whose events a store still holds.
_USUAL_VARIATION = np.array([2, 2, 7, 5, 2, 7, 0, 5, 7, 2, 7], dtype=np.uint8)
_COUNTER = KIND_NUMBER[PointKind.COUNTER]
_STRING = KIND_NUMBER[PointKind.STRING]

Rows = NDArray[np.intp]
Values = NDArray[np.float64]


class NewEvents(NamedTuple):
    """Events that arose, the slots (`PointTable.slots`) that decide their classes, and texts by the key in ``text``."""

    events: EventArray
    slots: Rows
    texts: Mapping[int, str] = {}


NO_EVENTS = NewEvents(np.zeros(0, dtype=EVENT), np.empty(0, dtype=np.intp))


@dataclass(frozen=True, slots=True, eq=False)
class KindColumns:
    """The points of one kind, by rising index."""

    kind: PointKind
    index: NDArray[np.uint32]
    rows: Rows
    static_variation: NDArray[np.uint8]
    frozen_variation: NDArray[np.uint8]


class PointTable:
    """Values and qualities by row; everything else about the points is fixed, deadbands excepted.

    Event classes stand by slot: a point has one slot for each `Aspect`. ``event_class`` is the map's; each
    association starts with it and may be assigned other classes by its master. ``reported`` marks the slots
    that have a class in any association: only they make events.

    A counter that was cleared is told from then on as what the device counted since. The offset lives as long
    as this table: after a restart the device's own count is told again, as IIN1.7 warns. A device whose count
    falls below the offset has begun anew; it is told with DISCONTINUITY once and counts from its own zero.
    """

    def __init__(self, points: Sequence[RowPoint], *, freeze_events_on_change: bool = False) -> None:
        self._freeze_events_on_change = freeze_events_on_change
        # what freezes and commands make of other points has no place of its own
        served = [p for p in points if p.point.enabled and not address_of(p.point).source]
        size = max((p.row for p in points), default=-1) + 1
        self._size = size
        self.points = {p.row: p.point for p in served}
        self.row_of = {(p.point.kind, address_of(p.point).index): p.row for p in served}
        self.value = np.zeros(size)
        self.quality = np.full(size, Quality.RESTART, dtype=np.uint16)
        self.version = 0  # rises with every update
        self.updated_at = np.zeros(size, dtype=np.int64)  # version of each row's last update
        #: How all points of a group are told, by group and variation: made at the first request for them.
        self.runs: dict[tuple[int, int], list[StaticRun]] = {}
        self.texts: dict[int, str] = {}
        self.frozen_value = np.zeros(size)
        self.frozen_quality = np.full(size, Quality.RESTART, dtype=np.uint16)
        self.frozen_time_ms = np.zeros(size, dtype=np.int64)  # of the device's clock; 0 = never frozen
        self.deadband = np.zeros(size)  # device units
        self.event_class = np.zeros(size * len(Aspect), dtype=np.uint8)
        self._event_variation = np.zeros(size * len(Aspect), dtype=np.uint8)
        self._kind = np.zeros(size, dtype=np.uint8)
        self._index = np.zeros(size, dtype=np.uint32)
        self._baseline = np.zeros(size)
        self._baseline_quality = np.zeros(size, dtype=np.uint16)
        self._baseline_text: dict[int, str] = {}
        self._has_baseline = np.zeros(size, dtype=np.bool_)
        self._has_strings = any(point.kind is PointKind.STRING for _, point in served)
        self._cleared_at = np.zeros(size)  # what the device had counted when its counter was cleared
        self._any_cleared = False
        self._first = np.zeros(size, dtype=np.intp)
        static, frozen = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
        for row, point in served:
            static[row], frozen[row] = self._place(row, point)
        self.reported = self.event_class > 0
        self.by_kind = {kind: self._columns(kind, served, static, frozen) for kind in KINDS}
        outputs = (PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT)
        self._outputs = np.concatenate([self.by_kind[kind].rows for kind in outputs])
        self._is_local, self._local_at = False, 0  # as of this version
        #: Octets of an event's index by number of its category: one width for all events of a kind.
        self.index_width = [index_width(self.by_kind[category.kind].index) for category in CATEGORIES]

    def _place(self, row: int, point: Point) -> tuple[int, int]:
        """Enter a point; its static and frozen variations."""
        address = address_of(point)
        static, event = variations_of(point)
        frozen, frozen_event = frozen_variations_of(point)
        slots = self.slots(np.full(len(Aspect), row), np.array(Aspect))
        self._event_variation[slots] = event, frozen_event, event
        self.event_class[slots] = point.event_class, address.frozen_class, address.command_class
        self._kind[row] = KIND_NUMBER[point.kind]
        self._index[row] = address.index
        self.deadband[row] = point.deadband / abs(point.scale) if point.kind.is_analog and point.scale else 0.0
        return static, frozen

    def _columns(
        self, kind: PointKind, served: Sequence[RowPoint], static: NDArray[np.uint8], frozen: NDArray[np.uint8]
    ) -> KindColumns:
        rows = np.array([p.row for p in served if p.point.kind is kind], dtype=np.intp)
        rows = rows[np.argsort(self._index[rows], kind="stable")]
        return KindColumns(kind, self._index[rows], rows, static[rows], frozen[rows])

    def slots(self, rows: Rows, aspect: Aspect | NDArray[np.int64]) -> Rows:
        """Where the class of an aspect of these points stands."""
        slots: Rows = rows + self._size * np.asarray(aspect)
        return slots

    @property
    def reports_commands(self) -> bool:
        """True if commands to any of the outputs are events for anybody."""
        return bool(self.reported[self._size * Aspect.COMMAND :].any())

    def recall(self, events: Events) -> NDArray[np.uint8]:
        """Take the last stored event of each point as what the master was told; their event variations come back."""
        variations = _USUAL_VARIATION[events.kind]
        columns = zip(
            events.id.tolist(), events.kind.tolist(), events.index.tolist(), events.value, events.quality, strict=True
        )
        for position, (number, kind, index, value, quality) in enumerate(columns):
            category = CATEGORIES[kind]
            row = self.row_of.get((category.kind, index))
            if row is None:
                continue
            variations[position] = self._event_variation[row + self._size * category.aspect]
            if category.aspect is Aspect.VALUE:
                self._baseline[row], self._baseline_quality[row], self._has_baseline[row] = value, quality, True
                if number in events.texts:
                    self._baseline_text[row] = events.texts[number]
        return variations

    def update(
        self, batch: Batch, own_time_quality: TimeQuality, *, with_events: bool, offset_ms: int = 0
    ) -> NewEvents:
        """Take values, and give the events that they make in the order of the batch.

        ``offset_ms`` leads from our wall clock to the device's: an event's time is fixed when it occurs,
        whatever a master writes to the clock before it is told (procedure 8.15.2 of the conformance tests).
        A point whose last reported value is unknown makes none: its static value covers it.
        """
        self.texts.update(batch.texts)
        rows = batch.rows
        value, quality = self._counted(batch) if self._any_cleared else (batch.value, batch.quality)
        positions = np.arange(len(rows))
        found: list[Rows] = []
        while len(positions):
            now, positions = self._first_of_each_row(rows, positions)
            eventful = self._take(rows[now], value[now], quality[now], batch.texts)
            found.append(now[eventful])
        if not with_events or not found:
            return NO_EVENTS
        at = np.sort(np.concatenate(found))
        timed = batch.time_quality[at] != TimeQuality.NONE
        events = self._events(rows[at], Aspect.VALUE, value[at], quality[at])
        events["time_ms"] = np.where(timed, batch.source_time_ms[at], batch.received_time_ms) + offset_ms
        events["time_quality"] = np.where(timed, batch.time_quality[at], own_time_quality)
        texts = self._told_texts(events, rows[at]) if batch.texts else {}
        return NewEvents(events, rows[at], texts)

    def _first_of_each_row(self, rows: Rows, positions: Rows) -> tuple[Rows, Rows]:
        """Split positions: the first of each row, and the rest (empty as a rule: one value per point)."""
        taken = rows[positions]
        self._first[taken[::-1]] = positions[::-1]
        first = self._first[taken] == positions
        return positions[first], positions[~first]

    def _take(
        self, rows: Rows, value: Values, quality: QualityColumn, texts: Mapping[int, str] = {}
    ) -> NDArray[np.bool_]:
        """Store one value per row; True where the change is worth an event."""
        self.value[rows] = value
        self.quality[rows] = quality
        self.version += 1
        self.updated_at[rows] = self.version
        with np.errstate(invalid="ignore"):  # inf - inf
            moved = np.abs(value - self._baseline[rows]) > self.deadband[rows]
        # a value that becomes no number, or one again, is a change; both no numbers is none
        moved |= np.isnan(value) != np.isnan(self._baseline[rows])
        known = self._has_baseline[rows]
        changed = moved | (quality != self._baseline_quality[rows])
        if self._has_strings:
            changed = np.where(self._kind[rows] == _STRING, self._said_anew(rows, texts), changed)
        told = changed | ~known
        self._baseline[rows[told]] = value[told]
        self._baseline_quality[rows[told]] = quality[told]
        self._has_baseline[rows[told]] = True
        eventful: NDArray[np.bool_] = changed & known & self.reported[rows]
        return eventful

    def _said_anew(self, rows: Rows, texts: Mapping[int, str]) -> NDArray[np.bool_]:
        """True where a string has another text than was reported last; strings have no flags that could change."""
        if not texts:
            return np.zeros(len(rows), dtype=np.bool_)
        anew = np.array([row in texts and texts[row] != self._baseline_text.get(row) for row in rows.tolist()])
        self._baseline_text.update(texts)
        return anew

    def _told_texts(self, events: EventArray, rows: Rows) -> dict[int, str]:
        """Mark the events that have a text with its key; one row's text is the same throughout a batch."""
        texts = {row + 1: self.texts[row] for row in set(rows.tolist()) if row in self.texts}
        if texts:
            events["text"] = np.where(np.isin(rows, np.array(list(texts)) - 1), rows + 1, 0)
        return texts

    def _events(self, rows: Rows, aspect: Aspect, value: Values, quality: QualityColumn) -> EventArray:
        """Events of one aspect, their times still to be set."""
        events = np.zeros(len(rows), dtype=EVENT)
        events["value"] = value
        events["quality"] = quality
        events["index"] = self._index[rows]
        events["kind"] = _NUMBERS[aspect][self._kind[rows]]
        events["variation"] = self._event_variation[self.slots(rows, aspect)]
        return events

    def _timed(
        self, rows: Rows, aspect: Aspect, value: Values, quality: QualityColumn, time: tuple[int, TimeQuality]
    ) -> NewEvents:
        """Events that all happened at one time, of those of the rows that anybody wants to hear of."""
        slots = self.slots(rows, aspect)
        wanted = self.reported[slots]
        events = self._events(rows[wanted], aspect, value[wanted], quality[wanted])
        events["time_ms"], events["time_quality"] = time
        return NewEvents(events, slots[wanted])

    @property
    def has_local_output(self) -> bool:
        """True if an output is under local control: masters cannot move it (IIN1.5)."""
        if self._local_at != self.version:
            self._local_at = self.version
            self._is_local = bool((self.quality[self._outputs] & Quality.LOCAL_FORCED).any())
        return self._is_local

    # freezes

    def freeze(self, rows: Rows, time_ms: int, time_quality: TimeQuality) -> NewEvents:
        """Keep the present values of these points as their frozen ones: an event of each, or of what moved."""
        told = rows
        if self._freeze_events_on_change:
            moved = self.frozen_value[rows] != self.value[rows]
            told = rows[moved | (self.frozen_quality[rows] != self.quality[rows])]
        self.frozen_value[rows] = self.value[rows]
        self.frozen_quality[rows] = self.quality[rows]
        self.frozen_time_ms[rows] = time_ms
        return self._timed(told, Aspect.FROZEN, self.value[told], self.quality[told], (time_ms, time_quality))

    def clear(self, rows: Rows, time_ms: int, time_quality: TimeQuality) -> NewEvents:
        """Let these counters count from 0; a counter that nothing was ever heard of is left as it is."""
        known = self._has_baseline[rows] & np.isfinite(self.value[rows])
        rows = rows[known & (self._kind[rows] == _COUNTER)]
        self._cleared_at[rows] += self.value[rows]
        self._any_cleared = True
        quality = self.quality[rows]
        rows = rows[self._take(rows, np.zeros(len(rows)), quality)]
        return self._timed(rows, Aspect.VALUE, self.value[rows], self.quality[rows], (time_ms, time_quality))

    def _counted(self, batch: Batch) -> tuple[Values, QualityColumn]:
        """Values less what was cleared."""
        value = batch.value - self._cleared_at[batch.rows]
        anew = (value < 0) & (self._cleared_at[batch.rows] != 0)
        if not anew.any():
            return value, batch.quality
        self._cleared_at[batch.rows[anew]] = 0.0
        quality = batch.quality.copy()
        quality[anew] |= np.uint16(Quality.DISCONTINUITY)
        return np.where(anew, batch.value, value), quality

    # commands

    def commanded(
        self, rows: Rows, value: Values, statuses: NDArray[np.uint8], time_ms: int, time_quality: TimeQuality
    ) -> NewEvents:
        """Commands were operated at these outputs, with these statuses."""
        return self._timed(rows, Aspect.COMMAND, value, statuses.astype(np.uint16), (time_ms, time_quality))


def _numbers(aspect: Aspect) -> NDArray[np.uint8]:
    """Numbers of the categories of an aspect, by number of the kind (0 where there is no such category)."""
    return np.array([NUMBER.get((kind, aspect), 0) for kind in KINDS], dtype=np.uint8)


_NUMBERS = {aspect: _numbers(aspect) for aspect in Aspect}
