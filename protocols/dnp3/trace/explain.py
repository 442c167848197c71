"""Frames and fragments taken apart into plain values (texts, numbers, lists, dicts) that go to lines or JSON. Pure.

Nothing raises for what a peer sent: what cannot be read stands under ``fault``, with the octets.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from protocols.dnp3.application import CARRIES_OBJECTS, Control, Function
from protocols.dnp3.link import DIR, FCB, FCV, PRM, Frame
from protocols.dnp3.objects import ObjectError, ObjectHeader, parse_headers
from protocols.dnp3.trace import words
from protocols.dnp3.transport import FIN, FIR, SEQUENCE_MASK

Explained = dict[str, object]
_FUNCTIONS = {int(function): function.name for function in Function}
_FIRST_RESPONSE = 0x81
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BINARY_GROUPS = frozenset({1, 2, 10, 11})
_DOUBLE_BIT_GROUPS = frozenset({3, 4})
_STATE = 0x80


def link(frame: Frame) -> Explained:
    """The header of a link frame."""
    control = frame.control
    explained: Explained = {
        "direction": "from master" if control & DIR else "from outstation",
        "primary": bool(control & PRM),
    }
    if control & PRM:
        explained |= {"fcb": bool(control & FCB), "fcv": bool(control & FCV)}
    else:
        explained |= {"dfc": bool(control & FCV)}
    return explained | {
        "function": words.link_function(control),
        "code": control & 0x0F,
        "control": control,
        "length": len(frame.data) + 5,
        "destination": frame.destination,
        "source": frame.source,
    }


def transport(header: int) -> Explained:
    """The transport header."""
    return {"fir": bool(header & FIR), "fin": bool(header & FIN), "sequence": header & SEQUENCE_MASK}


def application(fragment: bytes) -> Explained:
    """A whole fragment."""
    if len(fragment) < 2:
        return {"fault": f"a fragment of {len(fragment)} octets", "octets": fragment.hex(" ")}
    control, code = Control.of(fragment[0]), fragment[1]
    explained: Explained = {
        "function": words.function(code, _FUNCTIONS),
        "code": code,
        "fir": control.first,
        "fin": control.final,
        "con": control.confirm,
        "uns": control.unsolicited,
        "sequence": control.sequence,
    }
    body = fragment[2:]
    if code >= _FIRST_RESPONSE:
        if len(fragment) < 4:
            return explained | {"fault": "no internal indications", "octets": fragment.hex(" ")}
        explained["indications"] = words.indications(int.from_bytes(fragment[2:4], "little"))
        body = fragment[4:]
    return explained | _objects(body, objects_follow=code in CARRIES_OBJECTS or code >= _FIRST_RESPONSE)


def _objects(body: bytes, *, objects_follow: bool) -> Explained:
    fault: Explained = {}
    try:
        headers = parse_headers(body, objects_follow=objects_follow)
    except ObjectError as error:
        headers = error.parsed
        fault = {"fault": f"objects: {error}", "octets": body.hex(" ")}
    return {"objects": [_header(header) for header in headers]} | fault


def _header(header: ObjectHeader) -> Explained:
    explained: Explained = {
        "group": header.group,
        "variation": header.variation,
        "name": words.object_name(header.group, header.variation),
        "qualifier": int(header.qualifier),
    }
    if header.is_range:
        explained |= {"start": header.start, "stop": header.stop}
    elif words.QUALIFIERS.get(int(header.qualifier)) != "all objects":
        explained["count"] = header.count
    points = list(_points(header))
    return explained | ({"points": points} if points else {})


def _points(header: ObjectHeader) -> Iterator[Explained]:
    counted = not header.is_range and not header.is_indexed
    if header.prefixes is not None:
        yield from ({"index": index} for index in header.prefixes.tolist())
    elif header.states is not None:
        for index, state in zip(header.indexes().tolist(), header.states.tolist(), strict=True):
            yield {"index": index} | _bit(header.group, index, state)
    elif header.records is not None:
        names = [name for name in header.records.dtype.names or () if name != "index"]
        columns = [header.records[name].tolist() for name in names]
        if "octets" in names:
            columns[names.index("octets")] = header.texts() or columns[names.index("octets")]
        for index, values in zip(header.indexes().tolist(), zip(*columns, strict=True), strict=True):
            record = dict(zip(names, values, strict=True))
            yield ({} if counted else {"index": index}) | _record(header, record)


def _bit(group: int, index: int, state: int) -> Explained:
    if group in _DOUBLE_BIT_GROUPS:
        return {"value": state, "state": words.DOUBLE_BIT_STATES[state]}
    if group == 80:
        return {"value": state, "name": (words.indications(1 << index) or ["RESERVED"])[0]}
    return {"value": state}


def _record(header: ObjectHeader, record: dict[str, object]) -> Explained:
    """One object of any form, by the names of its fields."""
    explained: Explained = {}
    match record:
        case {"code": int(code), "count": int(count), "on_ms": on_ms, "off_ms": off_ms}:
            explained |= _control_code(code) | {"count": count, "on_ms": on_ms, "off_ms": off_ms}
    match record:
        case {"value": float(value)} if not math.isfinite(value):
            explained["value"] = str(value)
        case {"value": value}:
            explained["value"] = value
    match record:
        case {"flags": int(octet)}:
            explained |= _flags(header.group, octet)
    match record:
        case {"status": int(octet)}:
            explained["status"] = words.status(octet)
    match record:
        case {"association": association}:
            explained["association"] = association
    match record:
        case {"octets": bytes(octets)}:
            explained |= {"text": octets.decode("latin-1"), "octets": octets.hex(" ")}
    return explained | _time(header, record)


def _control_code(code: int) -> Explained:
    operation = code & 0x0F
    explained: Explained = {
        "operation": words.OPERATIONS[operation] if operation < len(words.OPERATIONS) else f"RESERVED_{operation}",
        "trip_close": words.TRIP_CLOSE[code >> 6],
    }
    return explained | {name: True for name, bit in (("queue", 0x10), ("clear", 0x20)) if code & bit}


def _flags(group: int, octet: int) -> Explained:
    if group == 13:
        return {"value": octet >> 7, "status": words.status(octet)}
    explained: Explained = {}
    if group in _DOUBLE_BIT_GROUPS:
        explained |= {"value": octet >> 6, "state": words.DOUBLE_BIT_STATES[octet >> 6]}
    elif group in _BINARY_GROUPS:
        explained["value"] = octet >> 7
    return explained | {"flags": words.flags(octet, group)}


def _time(header: ObjectHeader, record: dict[str, object]) -> Explained:
    explained: Explained = {}
    match record:
        case {"time_low": int(low), "time_high": int(high)}:
            explained["time"] = time_text(low | high << 32)
        case {"delta": int(delta)} if header.group == 52:
            explained["delay_ms"] = delta * (1000 if header.variation == 1 else 1)
        case {"delta": int(delta)}:
            explained["relative_ms"] = delta
    match record:
        case {"interval": interval}:
            explained["interval"] = interval
    match record:
        case {"units": int(units)}:
            explained["units"] = words.INTERVAL_UNITS.get(units, f"units {units}")
    return explained


def time_text(ms: int) -> str:
    """UTC milliseconds as a date and time; past the calendar's end, the number."""
    try:
        return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except OverflowError:
        return f"{ms} ms"
