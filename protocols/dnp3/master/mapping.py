"""From the objects of a response to batches: indexes become rows, flags become quality. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.addresses import COMMAND, FROZEN, address_of
from protocols.dnp3.objects import EVENT_GROUP, STATIC_GROUP, ObjectHeader, quality_of, state_of
from vppscada.model.batch import Batch, Cause, Rows, TimesMs, Values
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality, QualityColumn, TimeQuality

_NO_ROW = -1
#: A table of rows by index may waste this many entries beyond four for each point; past that it is searched.
_SPARE_ENTRIES = 1024
_COMMON_TIME_GROUP = 51
#: Objects from which on a run is worth a batch of its own.
_LONG_RUN = 512
_BINARY_COMMANDS, _ANALOG_COMMANDS = 13, 43
_COMMANDS = frozenset({_BINARY_COMMANDS, _ANALOG_COMMANDS})
_STATUS_BITS = np.uint8(0x7F)
#: Groups of points that are not fed by their own value, by kind and source.
_SOURCE_GROUPS: dict[tuple[PointKind, str], tuple[int, ...]] = {
    (PointKind.COUNTER, FROZEN): (21, 23),
    (PointKind.ANALOG_INPUT, FROZEN): (31, 33),
    (PointKind.BINARY_INPUT, COMMAND): (_BINARY_COMMANDS,),
    (PointKind.ANALOG_INPUT, COMMAND): (_ANALOG_COMMANDS,),
}
#: The end of the year 9999, UTC. Octets allow for later; no calendar downstream does.
LAST_TIME_MS = 253_402_300_799_999


class IndexRows:
    """Row of every index of one kind; memory is bounded by the points, not by the largest index."""

    def __init__(self, row_by_index: dict[int, int]) -> None:
        indexes = np.array(sorted(row_by_index), dtype=np.int64)
        rows = np.array([row_by_index[int(i)] for i in indexes], dtype=np.intp)
        self._indexes, self._rows = indexes, rows
        self._table: NDArray[np.intp] | None = None
        if len(indexes) and indexes[-1] < 4 * len(indexes) + _SPARE_ENTRIES:
            self._table = np.full(int(indexes[-1]) + 1, _NO_ROW, dtype=np.intp)
            self._table[indexes] = rows

    def rows_of(self, header: ObjectHeader) -> Rows:
        """Row of each object, -1 where the map has no such point."""
        if header.is_range and self._table is not None and header.stop < len(self._table):
            return self._table[header.start : header.stop + 1]
        indexes = header.indexes().astype(np.int64)
        if self._table is not None:
            known = indexes < len(self._table)
            return np.where(known, self._table[np.where(known, indexes, 0)], _NO_ROW)
        if not len(self._indexes):
            return np.full(len(indexes), _NO_ROW, dtype=np.intp)
        at = np.minimum(np.searchsorted(self._indexes, indexes), len(self._indexes) - 1)
        return np.where(self._indexes[at] == indexes, self._rows[at], _NO_ROW)


class _Part(NamedTuple):
    rows: Rows
    value: Values
    quality: QualityColumn
    time_ms: TimesMs
    time_quality: NDArray[np.uint8]
    texts: dict[int, str]


class _Fed(NamedTuple):
    """What the objects of a group are readings of."""

    kind: PointKind
    rows: IndexRows


class CommonTime(NamedTuple):
    """The common time of occurrence (g51) that relative times count from."""

    time_ms: int
    quality: TimeQuality


class PointMapping:
    """The enabled points of one session by kind and index."""

    def __init__(self, points: Sequence[RowPoint], statistics: Counter[str]) -> None:
        self._point_at = {row: point for row, point in points if point.enabled}
        fed: dict[tuple[PointKind, str], dict[int, int]] = {}
        for row, point in self._point_at.items():
            address = address_of(point)
            fed.setdefault((point.kind, address.source), {})[address.index] = row
        self._fed: dict[int, _Fed] = {}
        for (kind, source), rows in fed.items():
            index_rows = IndexRows(rows)
            self._fed |= dict.fromkeys(_groups(kind, source), _Fed(kind, index_rows))
        self._statistics = statistics

    @property
    def rows(self) -> list[int]:
        """Every row of the session."""
        return list(self._point_at)

    @property
    def points(self) -> tuple[Point, ...]:
        """Every point of the session."""
        return tuple(self._point_at.values())

    def point_at(self, row: int) -> Point | None:
        """The point at a row, None if it is not of this session."""
        return self._point_at.get(row)

    def batches(
        self, headers: Iterable[ObjectHeader], received_ms: int, *, unsolicited: bool, clock_set: bool
    ) -> list[Batch]:
        """Readings of one fragment: one batch, or two where events and static objects come together.

        Static objects in long runs make a batch of each: the database takes a run quicker than a mixture.

        ``clock_set`` is False while the outstation says that it needs time.
        """
        static: list[_Part] = []
        events: list[_Part] = []
        trusted = TimeQuality.SYNCHRONISED if clock_set else TimeQuality.UNSYNCHRONISED
        common: CommonTime | None = None
        for header in headers:
            if header.group == _COMMON_TIME_GROUP:
                common = _common_time(header, trusted)
                continue
            part = self._part(header, trusted, common)
            if part is not None:
                (events if header.form is not None and header.form.is_event else static).append(part)
        static_cause = Cause.UNSOLICITED if unsolicited else Cause.INTEGRITY
        found = [
            (events, Cause.UNSOLICITED if unsolicited else Cause.EVENT),
            (static, static_cause),
        ]
        if len(static) > 1 and all(len(part.rows) >= _LONG_RUN for part in static):
            found[1:] = [([part], static_cause) for part in static]
        return [_join(parts, received_ms, cause) for parts, cause in found if parts]

    def _part(self, header: ObjectHeader, trusted: TimeQuality, common: CommonTime | None) -> _Part | None:
        fed = self._fed.get(header.group)
        if fed is None or not header.count:
            self._statistics["unknown_indexes"] += header.count if header.kind is not None else 0
            return None
        kind, index_rows = fed
        rows = index_rows.rows_of(header)
        times, time_quality = _times(header, trusted, common)
        if header.group in _COMMANDS:
            value, quality = _commanded(header)
        else:
            value, quality = header.values(), quality_of(header.flags(), kind)
        if kind.is_analog:
            quality = self._finite(value, quality)
        part = _Part(rows, value, quality, times, time_quality, _texts(header, rows))
        return self._known(part) if rows.min() < 0 else part

    def _finite(self, value: Values, quality: QualityColumn) -> QualityColumn:
        """What is no number is not online, whatever its flags say."""
        finite = np.isfinite(value)
        if finite.all():
            return quality
        self._statistics["values_not_finite"] += int(len(value) - np.count_nonzero(finite))
        reason = np.where(np.isnan(value), np.uint16(Quality.REFERENCE_ERR), np.uint16(Quality.OVER_RANGE))
        return np.where(finite, quality, (quality & ~np.uint16(Quality.ONLINE)) | reason)

    def _known(self, part: _Part) -> _Part | None:
        known = part.rows >= 0
        self._statistics["unknown_indexes"] += int(len(known) - np.count_nonzero(known))
        if not known.any():
            return None
        return _Part(
            part.rows[known],
            part.value[known],
            part.quality[known],
            part.time_ms[known],
            part.time_quality[known],
            part.texts,
        )


def _groups(kind: PointKind, source: str) -> tuple[int, ...]:
    """Groups that feed a point."""
    return _SOURCE_GROUPS[kind, source] if source else (STATIC_GROUP[kind], EVENT_GROUP[kind])


def _commanded(header: ObjectHeader) -> tuple[Values, QualityColumn]:
    """g13 and g43: what an output was told, online only if it took that (status 0)."""
    assert header.records is not None
    if header.group == _BINARY_COMMANDS:
        flags = header.records["flags"]
        value, status = state_of(flags, PointKind.BINARY_OUTPUT).astype(np.float64), flags & _STATUS_BITS
    else:
        value, status = header.values(), header.records["status"]
    quality: QualityColumn = np.where(status == 0, np.uint16(Quality.ONLINE), np.uint16(0))
    return value, quality


def _texts(header: ObjectHeader, rows: Rows) -> dict[int, str]:
    if header.kind is not PointKind.STRING:
        return {}
    texts = (octets.rstrip(b"\0").decode("utf-8", errors="replace") for octets in header.texts())
    return {row: text for row, text in zip(rows.tolist(), texts, strict=True) if row >= 0}


def _common_time(header: ObjectHeader, trusted: TimeQuality) -> CommonTime | None:
    times = header.times_ms()
    if not len(times):
        return None
    return CommonTime(int(times[-1]), trusted if header.variation == 1 else TimeQuality.UNSYNCHRONISED)


def _times(header: ObjectHeader, trusted: TimeQuality, common: CommonTime | None) -> tuple[TimesMs, NDArray[np.uint8]]:
    """Time of each object. 0, past the calendar's end, or relative without a common time: none of them is a time."""
    form = header.form
    if form is None or not form.has_time or (form.has_relative_time and common is None):
        return np.zeros(header.count, dtype=np.int64), np.zeros(header.count, dtype=np.uint8)  # TimeQuality.NONE
    times = header.times_ms()
    quality = trusted
    if form.has_relative_time and common is not None:
        times, quality = times + common.time_ms, common.quality
    told = (times > 0) & (times <= LAST_TIME_MS)
    return np.where(told, times, 0), np.where(told, np.uint8(quality), np.uint8(TimeQuality.NONE))


def _join(parts: list[_Part], received_ms: int, cause: Cause) -> Batch:
    if len(parts) == 1:
        (part,) = parts
        return Batch(
            part.rows, part.value, part.quality, part.time_ms, part.time_quality, received_ms, cause, part.texts
        )
    return Batch(
        rows=np.concatenate([part.rows for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        quality=np.concatenate([part.quality for part in parts]),
        source_time_ms=np.concatenate([part.time_ms for part in parts]),
        time_quality=np.concatenate([part.time_quality for part in parts]),
        received_time_ms=received_ms,
        cause=cause,
        texts={row: text for part in parts for row, text in part.texts.items()},
    )
