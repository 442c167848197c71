"""What the map says that the outstation itself should hold: event classes and deadbands. Pure."""

from collections.abc import Generator, Iterable, Iterator, Sequence

import numpy as np

from protocols.dnp3.addresses import address_of
from protocols.dnp3.application import REFUSALS, Function, Indication
from protocols.dnp3.master.association import Association
from protocols.dnp3.master.exchange import Ask, MaintenanceProcedure, Procedure, Question, Reply, Silent, Told
from protocols.dnp3.objects import (
    STATIC_GROUP,
    ObjectColumns,
    all_objects,
    build_static,
    consecutive_runs,
    form_of,
    range_header,
)
from vppscada.model.points import Point, PointKind

_CLASS_DATA = 60
_DEADBAND = 34
#: Octets of objects in one request: half of what every outstation can take.
_ROOM = 1024
#: Points of one request for deadbands: their values, and the answer with them, fit into a fragment.
_POINTS = 50
#: Points that one line of the log names.
_NAMED = 20
_DEADBAND_VARIATION = {"int16": 1, "int32": 2}  # any other data type is a floating point number: 3
_LARGEST = {1: 0xFFFF, 2: 0xFFFFFFFF}
_FLOAT = 3
#: Part of a procedure that ends with names of points.
_Names = Generator[Ask, Reply | None, list[str]]


def assign_classes(association: Association) -> Procedure:
    """Write the event class of every point. One that the outstation has not does not keep the others from theirs."""
    why = ""
    for body in class_requests(association.points):
        reply = yield Ask(Function.ASSIGN_CLASS, body, retries=association.settings.step_retries)
        if reply is None:
            why = "no response"
            break
        if reply.response.indications & Indication.FUNCTION_NOT_SUPPORTED:
            why = "not supported"
            break
        if reply.response.indications & REFUSALS:
            why = f"some points of class {body[1] - 1} refused"
    if why:
        association.failed("assign class", why, "the outstation keeps classes of its own")


def class_requests(points: Iterable[Point]) -> Iterator[bytes]:
    """Bodies that name every point of the map under its class: one class after another, ranges of indexes."""
    by_class: dict[int, dict[int, list[int]]] = {}
    for point in points:
        if point.kind is not PointKind.STRING and not address_of(point).source:
            groups = by_class.setdefault(point.event_class, {})
            groups.setdefault(STATIC_GROUP[point.kind], []).append(address_of(point).index)
    for event_class, groups in sorted(by_class.items()):
        head = all_objects(_CLASS_DATA, event_class + 1)
        body = head
        for piece in _ranges(groups):
            if len(body) + len(piece) > _ROOM:
                yield body
                body = head
            body += piece
        yield body


def _ranges(groups: dict[int, list[int]], variation: int = 0) -> Iterator[bytes]:
    for group, indexes in sorted(groups.items()):
        column = np.array(sorted(indexes), dtype=np.uint32)
        for first, end in consecutive_runs(column):
            yield range_header(group, variation, int(column[first]), int(column[end - 1]))


def write_deadbands(association: Association) -> MaintenanceProcedure:
    """Write the deadband of every analog input that has one, and read it back.

    Points that refused, or hold another, are told by name.
    """
    refused: list[str] = []
    indications = Indication.NONE
    wanted = deadband_points(association.points)
    for chunk in _chunks(wanted):
        reply = yield from _write(association, chunk)
        if reply is None:
            association.failed("write deadbands", "no response", "the outstation keeps deadbands of its own")
            return Silent("no response")
        indications = reply.response.indications
        if indications & (Indication.FUNCTION_NOT_SUPPORTED | Indication.OBJECT_UNKNOWN):
            refused += [point.id for point in wanted]
            break
        if indications & Indication.PARAMETER_ERROR:
            refused += yield from _one_by_one(association, chunk)
        refused += yield from _read_back(association, [point for point in chunk if point.id not in refused])
    told = tuple(dict.fromkeys(refused))
    if told:
        more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
        why = f"refused for {', '.join(told[:_NAMED])}{more}"
        association.failed("write deadbands", why, "these keep deadbands of the outstation's own")
    return Told(indications, refused=told)


def deadband_points(points: Iterable[Point]) -> list[Point]:
    """Analog inputs with a deadband, by variation and index."""
    wanted = [
        point
        for point in points
        if point.kind is PointKind.ANALOG_INPUT and point.deadband > 0 and not address_of(point).source
    ]
    return sorted(wanted, key=lambda point: (_variation(point), address_of(point).index))


def deadband_objects(points: Sequence[Point]) -> bytes:
    """g34 with the deadband of each point in device units; points of one variation, indexes rising."""
    variation = _variation(points[0])
    index = np.array([address_of(point).index for point in points], dtype=np.uint32)
    value = np.array([device_deadband(point) for point in points])
    none = np.zeros(len(points), dtype=np.int64)
    columns = ObjectColumns(index, value, none.astype(np.uint8), none)
    body, used = build_static(form_of(_DEADBAND, variation), columns, _ROOM)
    assert used == len(points), "a chunk fits a fragment"
    return body


def device_deadband(point: Point) -> float:
    """In device units as its variation can tell it: whole numbers rounded down, so that no change is lost."""
    value = point.deadband / abs(point.scale)
    largest = _LARGEST.get(_variation(point))
    if largest is not None:
        return float(min(int(value), largest)) if np.isfinite(value) else float(largest)
    return float(np.float32(min(value, float(np.finfo(np.float32).max))))


def _write(association: Association, chunk: Sequence[Point]) -> Question:
    return (yield Ask(Function.WRITE, deadband_objects(chunk), retries=association.settings.step_retries))


def _one_by_one(association: Association, chunk: Sequence[Point]) -> _Names:
    """A request that was refused for one of its points is made for each: the names of those that refuse."""
    bad: list[str] = []
    for point in chunk:
        reply = yield from _write(association, [point])
        if reply is None or reply.response.indications & REFUSALS:
            bad.append(point.id)
    return bad


def _read_back(association: Association, chunk: Sequence[Point]) -> _Names:
    """Names of the points whose deadband is another than was written, or is not told."""
    if not chunk:
        return []
    indexes = {_DEADBAND: [address_of(point).index for point in chunk]}
    body = b"".join(_ranges(indexes, _variation(chunk[0])))
    reply = yield Ask(Function.READ, body, retries=association.settings.read_retries)
    held: dict[int, float] = {}
    for header in reply.headers if reply is not None else ():
        if header.group == _DEADBAND and header.records is not None:
            held.update(zip(header.indexes().tolist(), header.values().tolist(), strict=True))
    return [point.id for point in chunk if held.get(address_of(point).index) != device_deadband(point)]


def _variation(point: Point) -> int:
    return _DEADBAND_VARIATION.get(point.data_type, _FLOAT)


def _chunks(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Points of one variation, few enough for a request."""
    chunk: list[Point] = []
    for point in points:
        if chunk and (len(chunk) == _POINTS or _variation(chunk[0]) != _variation(point)):
            yield chunk
            chunk = []
        chunk.append(point)
    if chunk:
        yield chunk
