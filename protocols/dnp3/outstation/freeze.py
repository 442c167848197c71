"""Freezes of counters and analog inputs: at once, at a time, or again and again. No I/O, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protocols.dnp3.application import Indication
from protocols.dnp3.objects import ObjectHeader, Qualifier
from protocols.dnp3.outstation.clock import Moment
from protocols.dnp3.outstation.device import Device
from protocols.dnp3.outstation.points import PointTable, Rows
from protocols.dnp3.outstation.requests import rows_named
from vppscada.model.points import PointKind

_FREEZABLE = {20: PointKind.COUNTER, 30: PointKind.ANALOG_INPUT}
_TIME_AND_INTERVAL = (50, 2)
_HOUR_MS = 3_600_000
#: A freeze makes an event of every point: more often than this it would be a flood.
SHORTEST_INTERVAL_MS = 1000


@dataclass(frozen=True, slots=True)
class _When:
    """The g50v2 of a freeze at time. UTC ms and ms; zeros as IEEE 1815 gives them a meaning (see `first_due`)."""

    time_ms: int
    interval_ms: int

    def first_due(self, now_ms: int) -> int | None:
        """When to freeze first: at the time; without one, at the next interval counted from the full hour.

        None if that time has passed and there is no interval; `now_ms` if neither is given: at once.
        """
        if not self.interval_ms:
            return (self.time_ms if self.time_ms >= now_ms else None) if self.time_ms else now_ms
        start = self.time_ms or now_ms - now_ms % _HOUR_MS
        if start > now_ms:
            return start
        return start + ((now_ms - start) // self.interval_ms + 1) * self.interval_ms


def freeze(headers: Sequence[ObjectHeader], device: Device, now: Moment, *, clear: bool = False) -> Indication:
    """Immediate freeze, and clear: counters (g20) and, without clearing, analog inputs (g30)."""
    indications = Indication.NONE if headers else Indication.PARAMETER_ERROR
    for header in headers:
        rows, refused = _freezable(header, device.table, clear=clear)
        device.freeze(rows, now, clear=clear)
        indications |= refused
    return indications


def freeze_at_time(headers: Sequence[ObjectHeader], device: Device, now: Moment) -> Indication:
    """Each g50v2 governs the points named after it; a point keeps only what it was told last.

    A time that has passed, or intervals shorter than a second, are refused.
    """
    indications = Indication.NONE if headers else Indication.PARAMETER_ERROR
    now_ms = device.clock.time_ms(now)
    when: _When | None = None
    for header in headers:
        if (header.group, header.variation) == _TIME_AND_INTERVAL:
            when = _read_when(header)
            indications |= Indication.NONE if when else Indication.PARAMETER_ERROR
            continue
        due = when.first_due(now_ms) if when is not None else None
        if when is None or due is None:
            indications |= Indication.PARAMETER_ERROR
            continue
        rows, refused = _freezable(header, device.table, clear=False)
        indications |= refused
        device.schedule.put(rows, due, when.interval_ms)
    device.tick(now)
    return indications


def _freezable(header: ObjectHeader, table: PointTable, *, clear: bool) -> tuple[Rows, Indication]:
    kind = _FREEZABLE.get(header.group)
    if kind is None or (clear and kind is not PointKind.COUNTER):
        return np.empty(0, dtype=np.intp), Indication.OBJECT_UNKNOWN
    return rows_named(header, table.by_kind[kind])


def _read_when(header: ObjectHeader) -> _When | None:
    if header.qualifier not in (Qualifier.COUNT_8, Qualifier.COUNT_16) or header.count != 1:
        return None
    assert header.records is not None
    interval_ms = int(header.records["interval"][0])
    if 0 < interval_ms < SHORTEST_INTERVAL_MS:
        return None
    return _When(int(header.times_ms()[0]), interval_ms)
