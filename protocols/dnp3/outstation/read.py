"""What a read asks for, and the fragments that answer it. No I/O, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.application import Indication
from protocols.dnp3.objects import GROUPS, ObjectHeader, Qualifier, build_time
from protocols.dnp3.outstation.categories import EVENT
from protocols.dnp3.outstation.encode import KIND_OF_GROUP, StaticRun, encode_static, static_runs
from protocols.dnp3.outstation.encode_events import encode_events
from protocols.dnp3.outstation.events import EventBuffer
from protocols.dnp3.outstation.points import KindColumns, PointTable

_CLASS_GROUP = 60
_TIME_GROUP = 50
_STRING_GROUPS = frozenset({110, 111})
#: A fragment can ask for everything hundreds of times; no master needs that, and each costs a walk over all points.
_MOST_HEADERS = 200
_UNLIMITED = 1 << 30
#: Static groups in the order in which they are told, whatever the order in which they were asked for.
_TOLD_ORDER = {group: place for place, group in enumerate((1, 3, 30, 31, 34, 20, 21, 10, 40, 110))}


@dataclass(slots=True)
class EventRequest:
    """Events of a class or of a kind, at most ``limit``, in a variation (0 = each event's own)."""

    classes: frozenset[int] | None
    kind: int | None
    variation: int
    limit: int


@dataclass(slots=True)
class ReadPlan:
    """What is left to be told of a read. Events go before static values, so that states end up newest."""

    events: list[EventRequest] = field(default_factory=list)
    statics: list[StaticRun] = field(default_factory=list)
    wants_time: bool = False
    indications: Indication = Indication.NONE


def plan_read(headers: Sequence[ObjectHeader], table: PointTable, class_0: Sequence[int]) -> ReadPlan:
    """Look up what the headers name; what does not exist becomes an indication, the rest is told all the same.

    ``class_0`` are the static groups that a read of class 0 means.
    """
    if len(headers) > _MOST_HEADERS:
        return ReadPlan(indications=Indication.PARAMETER_ERROR)
    plan = ReadPlan()
    for header in headers:
        plan.indications |= _plan_header(plan, header, table, class_0)
    plan.statics.sort(key=lambda run: _TOLD_ORDER[run.group])
    return plan


def bound_events(plan: ReadPlan, buffered: int) -> None:
    """Tell no more events than there are now: a busy plant must not make a response endless."""
    if not buffered:
        plan.events.clear()
    for request in plan.events:
        request.limit = min(request.limit, buffered)


def _plan_header(plan: ReadPlan, header: ObjectHeader, table: PointTable, class_0: Sequence[int]) -> Indication:
    if header.group == _CLASS_GROUP:
        return _plan_class(plan, header, table, class_0)
    if header.group not in GROUPS or (header.variation and header.form is None):
        return Indication.OBJECT_UNKNOWN
    if header.group in EVENT:
        return _plan_events(plan, header, None, EVENT[header.group])
    if header.group in KIND_OF_GROUP:
        return _plan_static(plan, header, table)
    if header.group == _TIME_GROUP and header.variation == 1:
        plan.wants_time = True
        return Indication.NONE
    return Indication.OBJECT_UNKNOWN


def _plan_class(plan: ReadPlan, header: ObjectHeader, table: PointTable, class_0: Sequence[int]) -> Indication:
    if header.variation == 1 and header.qualifier is Qualifier.ALL:
        for group in class_0:
            plan.statics += static_runs(table, group)
        return Indication.NONE
    if 2 <= header.variation <= 4:
        return _plan_events(plan, header, frozenset({header.variation - 1}), None)
    return Indication.PARAMETER_ERROR if header.variation == 1 else Indication.OBJECT_UNKNOWN


def _plan_events(plan: ReadPlan, header: ObjectHeader, classes: frozenset[int] | None, kind: int | None) -> Indication:
    if header.qualifier not in (Qualifier.ALL, Qualifier.COUNT_8, Qualifier.COUNT_16):
        return Indication.PARAMETER_ERROR
    limit = _UNLIMITED if header.qualifier is Qualifier.ALL else header.count
    variation = 0 if classes is not None or header.group in _STRING_GROUPS else header.variation
    previous = plan.events[-1] if plan.events else None
    if (
        classes is not None
        and previous is not None
        and previous.classes is not None
        and previous.limit == _UNLIMITED == limit
    ):
        # several classes at once are one list, so that their events come in order of time
        previous.classes |= classes
    else:
        plan.events.append(EventRequest(classes, kind, variation, limit))
    return Indication.NONE


def _plan_static(plan: ReadPlan, header: ObjectHeader, table: PointTable) -> Indication:
    chosen, indications = chosen_points(header, table.by_kind[KIND_OF_GROUP[header.group]])
    variation = 0 if header.group in _STRING_GROUPS else header.variation
    plan.statics += static_runs(table, header.group, chosen, variation)
    return indications


def chosen_points(header: ObjectHeader, columns: KindColumns) -> tuple[slice | NDArray[np.intp], Indication]:
    """Positions in a kind's columns that a header names; PARAMETER_ERROR if a point it names does not exist."""
    if header.qualifier is Qualifier.ALL:
        return slice(None), Indication.NONE
    if header.is_range:
        first, end = np.searchsorted(columns.index, [header.start, header.stop + 1])
        whole = end > first and columns.index[first] == header.start and columns.index[end - 1] == header.stop
        return slice(int(first), int(end)), Indication.NONE if whole else Indication.PARAMETER_ERROR
    if header.is_indexed:
        asked = np.unique(header.indexes())
        at = np.searchsorted(columns.index, asked)
        exists = at < len(columns.index)
        exists[exists] = columns.index[at[exists]] == asked[exists]
        return at[exists], Indication.NONE if exists.all() else Indication.PARAMETER_ERROR
    return slice(0, min(header.count, len(columns.index))), Indication.NONE


@dataclass(frozen=True, slots=True)
class Part:
    """Objects of one fragment: whether events are among them (now written), and whether it was the last."""

    body: bytes
    has_events: bool
    final: bool


def next_part(plan: ReadPlan, table: PointTable, buffer: EventBuffer, room: int, time_ms: int) -> Part:
    """Fill one fragment from what is left of the plan; its events become written."""
    pieces: list[bytes] = []
    if plan.wants_time:
        plan.wants_time = False
        pieces.append(build_time(_TIME_GROUP, 1, time_ms))
        room -= len(pieces[-1])
    octets, count = _fill_events(plan, buffer, room, table.index_width)
    if not plan.events:
        pieces += [octets, _fill_static(plan, table, room - len(octets))]
    else:
        pieces.append(octets)
    return Part(b"".join(pieces), count > 0, not plan.events and not plan.statics)


def _fill_events(plan: ReadPlan, buffer: EventBuffer, room: int, widths: Sequence[int]) -> tuple[bytes, int]:
    pieces: list[bytes] = []
    total = 0
    while plan.events:
        request = plan.events[0]
        positions = buffer.waiting(request.classes, request.kind, min(request.limit, room // 3 + 1))
        octets, count = encode_events(buffer.at(positions), request.variation, room, widths, buffer.texts)
        buffer.write(positions[:count])
        pieces.append(octets)
        room -= len(octets)
        total += count
        request.limit -= count
        if count < len(positions):
            break  # the fragment is full
        plan.events.pop(0)
    return b"".join(pieces), total


def _fill_static(plan: ReadPlan, table: PointTable, room: int) -> bytes:
    pieces: list[bytes] = []
    while plan.statics:
        run = plan.statics[0]
        octets, count = encode_static(table, run, room)
        pieces.append(octets)
        room -= len(octets)
        if count < len(run):
            plan.statics[0] = run.part_from(count)
            break
        plan.statics.pop(0)
    return b"".join(pieces)
