"""Requests that change an outstation's state without touching the field: writes and classes. No I/O, no clock."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.application import Indication
from protocols.dnp3.objects import ATTRIBUTE_GROUP, ObjectHeader, Qualifier
from protocols.dnp3.outstation.categories import ASSIGNABLE
from protocols.dnp3.outstation.clock import Moment, OutstationClock
from protocols.dnp3.outstation.device import Device
from protocols.dnp3.outstation.points import KindColumns, PointTable
from protocols.dnp3.outstation.read import chosen_points
from vppscada.model.points import PointKind

_CLASS_GROUP = 60
_DEADBAND_GROUP = 34
_RESTART_INDEX = 7


def classes_named(headers: Sequence[ObjectHeader]) -> tuple[frozenset[int], Indication]:
    """Event classes that enable or disable unsolicited names (g60v2 to v4, qualifier 06)."""
    named: set[int] = set()
    indications = Indication.NONE
    for header in headers:
        if header.group != _CLASS_GROUP or not 2 <= header.variation <= 4:
            indications |= Indication.OBJECT_UNKNOWN
        elif header.qualifier is not Qualifier.ALL:
            indications |= Indication.PARAMETER_ERROR
        else:
            named.add(header.variation - 1)
    return frozenset(named), indications


def write(header: ObjectHeader, device: Device, now: Moment) -> Indication:
    """A write of anything but the internal indications, which belong to the association."""
    if header.group == ATTRIBUTE_GROUP:
        return device.attributes.write(header)
    if header.group == _DEADBAND_GROUP:
        return write_deadbands(header, device.table)
    return write_time(header, device.clock, now)


def write_deadbands(header: ObjectHeader, table: PointTable) -> Indication:
    """g34: deadbands of analog inputs in device units, all of a header or none. They hold until our restart.

    From then on the next value is compared with the last one that was reported, as before.
    """
    if header.records is None or not (header.is_range or header.is_indexed):
        return Indication.PARAMETER_ERROR
    rows = [table.row_of.get((PointKind.ANALOG_INPUT, index)) for index in header.indexes().tolist()]
    values = header.values()
    if None in rows or not np.isfinite(values).all() or (values < 0).any():
        return Indication.PARAMETER_ERROR
    table.deadband[np.array(rows, dtype=np.intp)] = values
    return Indication.NONE


def write_time(header: ObjectHeader, clock: OutstationClock, now: Moment) -> Indication:
    """g50v1 (the time now) or g50v3 (the time when record current time came)."""
    if header.group != 50 or header.variation not in (1, 3):
        return Indication.OBJECT_UNKNOWN
    if header.qualifier not in (Qualifier.COUNT_8, Qualifier.COUNT_16) or header.count != 1:
        return Indication.PARAMETER_ERROR
    time_ms = int(header.times_ms()[0])
    if header.variation == 1:
        clock.write(time_ms, now)
        return Indication.NONE
    return Indication.NONE if clock.write_recorded(time_ms, now) else Indication.PARAMETER_ERROR


def clears_restart(header: ObjectHeader) -> bool:
    """g80v1: is this the one write that is allowed, 0 to index 7?"""
    return header.is_range and header.start == header.stop == _RESTART_INDEX and not header.values().any()


def assign_classes(headers: Sequence[ObjectHeader], table: PointTable, classes: NDArray[np.uint8]) -> Indication:
    """Each class header (g60v1 to v4) governs the point headers after it; ``classes`` (by slot) is changed.

    Commands have a class too: it is assigned by naming what commands the point (g12, g41).
    """
    indications = Indication.NONE
    event_class: int | None = None
    for header in headers:
        if header.group == _CLASS_GROUP and 1 <= header.variation <= 4:
            event_class = header.variation - 1
        elif event_class is None:
            indications |= Indication.PARAMETER_ERROR
        elif header.group not in ASSIGNABLE:
            indications |= Indication.OBJECT_UNKNOWN
        else:
            category = ASSIGNABLE[header.group]
            rows, missing = rows_named(header, table.by_kind[category.kind])
            slots = table.slots(rows, category.aspect)
            classes[slots] = event_class
            table.reported[slots] |= event_class > 0
            indications |= missing
    return indications


def rows_named(header: ObjectHeader, columns: KindColumns) -> tuple[NDArray[np.intp], Indication]:
    """Rows of the points that a header names one by one, by range, or all; a count names nobody."""
    if header.qualifier in (Qualifier.COUNT_8, Qualifier.COUNT_16):
        return columns.rows[:0], Indication.PARAMETER_ERROR
    chosen, indications = chosen_points(header, columns)
    rows: NDArray[np.intp] = columns.rows[chosen]
    return rows, indications
