"""What a read asks for, and the fragments that answer it. No I/O, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.application import Indication
from protocols.dnp3.objects import ATTRIBUTE_GROUP, GROUPS, ObjectHeader, Qualifier, build_time, range_header
from protocols.dnp3.outstation.categories import EVENT
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.device import Device
from protocols.dnp3.outstation.encode import KIND_OF_GROUP, StaticRun, encode_static, static_runs
from protocols.dnp3.outstation.encode_events import encode_events
from protocols.dnp3.outstation.events import EventBuffer, Positions
from protocols.dnp3.outstation.points import KindColumns, PointTable

_CLASS_GROUP = 60
_TIME_GROUP = 50
_INDICATION_GROUP = 80
_LAST_INDICATION = 15
_ONE = ((Qualifier.COUNT_8, 1), (Qualifier.COUNT_16, 1))
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
    objects: dict[bytes, None] = field(default_factory=dict)  # ready to be told, in order; each once
    indications: Indication = Indication.NONE


class Present(NamedTuple):
    """What an association says of itself now: its time (UTC ms) and its indications."""

    time_ms: int
    indications: Indication


def plan_read(
    headers: Sequence[ObjectHeader], device: Device, settings: Dnp3OutstationSettings, present: Present
) -> ReadPlan:
    """Look up what the headers name; what does not exist becomes an indication, the rest is told all the same.

    ``settings`` are the association's.
    """
    if len(headers) > _MOST_HEADERS:
        return ReadPlan(indications=Indication.PARAMETER_ERROR)
    plan = ReadPlan()
    for header in headers:
        if refused := _plan_header(plan, header, device, settings, present):
            plan.indications |= refused
    plan.statics.sort(key=lambda run: _TOLD_ORDER[run.group])
    return plan


def bound_events(plan: ReadPlan, buffered: int) -> None:
    """Tell no more events than there are now: a busy plant must not make a response endless."""
    if not buffered:
        plan.events.clear()
    for request in plan.events:
        request.limit = min(request.limit, buffered)


def _plan_header(
    plan: ReadPlan, header: ObjectHeader, device: Device, settings: Dnp3OutstationSettings, present: Present
) -> Indication:
    if not header.is_spoken:
        return Indication.PARAMETER_ERROR
    if header.group == _CLASS_GROUP:
        return _plan_class(plan, header, device.table, settings.class_0)
    if header.group == ATTRIBUTE_GROUP:
        objects, refused = device.attributes.read(header, settings)
        plan.objects.update(dict.fromkeys(objects))
        return refused
    if header.group not in GROUPS or (header.variation and header.form is None):
        return Indication.OBJECT_UNKNOWN
    if header.group in EVENT:
        return _plan_events(plan, header, None, EVENT[header.group])
    if header.group in KIND_OF_GROUP:
        return _plan_static(plan, header, device.table)
    if header.group == _INDICATION_GROUP:
        return _plan_indications(plan, header, present.indications)
    if header.group == _TIME_GROUP and header.variation <= 1:
        if header.qualifier is not Qualifier.ALL and (header.qualifier, header.count) not in _ONE:
            return Indication.PARAMETER_ERROR
        plan.objects[build_time(_TIME_GROUP, 1, present.time_ms)] = None
        return Indication.NONE
    return Indication.OBJECT_UNKNOWN


def _plan_indications(plan: ReadPlan, header: ObjectHeader, told: Indication) -> Indication:
    """g80v1: the internal indications as packed states, index 0 to 15."""
    if header.qualifier is Qualifier.ALL:
        start, stop = 0, _LAST_INDICATION
    elif header.is_range:
        start, stop = header.start, min(header.stop, _LAST_INDICATION)
    else:
        return Indication.PARAMETER_ERROR
    if start <= stop:
        bits = (int(told) >> start) & ((1 << (stop - start + 1)) - 1)
        head = range_header(_INDICATION_GROUP, 1, start, stop)
        plan.objects[head + bits.to_bytes((stop - start) // 8 + 1, "little")] = None
    return Indication.PARAMETER_ERROR if header.stop > _LAST_INDICATION else Indication.NONE


def _plan_class(plan: ReadPlan, header: ObjectHeader, table: PointTable, class_0: Sequence[int]) -> Indication:
    if header.variation == 1 and header.qualifier is Qualifier.ALL:
        for group in class_0:
            _add_statics(plan, static_runs(table, group))
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
    _add_statics(plan, static_runs(table, header.group, chosen, variation))
    return indications


def _add_statics(plan: ReadPlan, runs: Sequence[StaticRun]) -> None:
    """Points that several headers name are told once, as the first of them wants it."""
    told = {run.group for run in plan.statics}
    fresh = [run if run.group not in told else _not_told(run, plan.statics) for run in runs]
    plan.statics += [run for run in fresh if len(run)]


def _not_told(run: StaticRun, told: Sequence[StaticRun]) -> StaticRun:
    rows = np.concatenate([earlier.rows for earlier in told if earlier.group == run.group])
    fresh = ~np.isin(run.rows, rows)
    return replace(run, index=run.index[fresh], rows=run.rows[fresh], image=None, first=0)


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


def next_part(plan: ReadPlan, table: PointTable, buffer: EventBuffer, room: int) -> Part:
    """Fill one fragment from what is left of the plan; its events become written."""
    pieces = [_fill_objects(plan, room)]
    count = 0
    if not plan.objects:
        events, count = _fill_events(plan, buffer, room - len(pieces[0]), table.index_width)
        pieces.append(events)
    if not plan.objects and not plan.events:
        pieces.append(_fill_static(plan, table, room - sum(map(len, pieces))))
    return Part(b"".join(pieces), count > 0, not (plan.objects or plan.events or plan.statics))


def _fill_objects(plan: ReadPlan, room: int) -> bytes:
    pieces: list[bytes] = []
    while plan.objects:
        piece = next(iter(plan.objects))
        if len(piece) > room:
            break
        pieces.append(piece)
        room -= len(piece)
        del plan.objects[piece]
    return b"".join(pieces)


def _fill_events(plan: ReadPlan, buffer: EventBuffer, room: int, widths: Sequence[int]) -> tuple[bytes, int]:
    if not plan.events:
        return b"", 0
    positions, owners = _chosen_events(plan.events, buffer, room // 3 + 1)
    events = buffer.at(positions)
    alone = plan.events[0].variation if len(plan.events) == 1 else 0
    for number, request in enumerate(plan.events):
        if request.variation and not alone:
            events["variation"][owners == number] = request.variation
    octets, count = encode_events(events, alone, room, widths, buffer.texts)
    buffer.write(positions[:count])
    for number, request in enumerate(plan.events):
        request.limit -= int(np.count_nonzero(owners[:count] == number))
    if count == len(positions):
        plan.events.clear()  # otherwise the fragment is full
    return octets, count


def _chosen_events(requests: Sequence[EventRequest], buffer: EventBuffer, most: int) -> tuple[Positions, Positions]:
    """Positions of events that requests ask for, in order of occurrence, and the number of each one's request.

    An event that several requests ask for belongs to the first of them. ``most`` are enough of each.
    """
    positions = buffer.waiting(requests[0].classes, requests[0].kind, min(requests[0].limit, most))
    owners = np.zeros(len(positions), dtype=np.intp)
    for number, request in enumerate(requests[1:], start=1):
        found = buffer.waiting(request.classes, request.kind, min(request.limit, most) + len(positions))
        found = found[~np.isin(found, positions)][: min(request.limit, most)]
        positions = np.concatenate([positions, found])
        owners = np.concatenate([owners, np.full(len(found), number)])
    order = np.argsort(positions, kind="stable")
    return positions[order], owners[order]


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
