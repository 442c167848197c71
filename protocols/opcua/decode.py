"""Publish responses from bytes into columns, without an object per value. Pure.

OPC UA part 6, 5.2 (binary encoding). Values of one type with one set of fields have one length, so a run of
them is one NumPy record array; items are subscribed in the order of their types to make the runs long.
"""

import struct
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: 1970 in 100 ns since 1601, the zero of OPC UA times.
EPOCH_1601 = 116_444_736_000_000_000
_DATA_CHANGE = 811  # DataChangeNotification_Encoding_DefaultBinary
_STATUS_CHANGE = 820  # StatusChangeNotification_Encoding_DefaultBinary
_HAS_VALUE, _HAS_STATUS, _HAS_SOURCE_TIME, _HAS_SERVER_TIME = 0x01, 0x02, 0x04, 0x08
_HAS_SOURCE_PICO, _HAS_SERVER_PICO = 0x10, 0x20
_STRING, _DATE_TIME = 12, 13
_FORMATS = {
    1: "?",
    2: "i1",
    3: "u1",
    4: "<i2",
    5: "<u2",
    6: "<i4",
    7: "<u4",
    8: "<i8",
    9: "<u8",
    10: "<f4",
    11: "<f8",
    13: "<i8",
    19: "<u4",
}
_FIRST_LOOK = 16  # records tried as a run before the run is known to be long


class Malformed(ValueError):
    """The peer broke the encoding."""


class Unusual(ValueError):
    """Correct, but not of the kinds that are decoded here (arrays, structures, …)."""


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """Monitored items' values in columns of equal length. ``source_time`` is 100 ns since 1601, 0 = none.

    ``value`` is NaN where there is none or it is a text; ``texts`` maps positions to texts; dates are seconds
    since 1970.
    """

    handle: NDArray[np.uint32]
    value: NDArray[np.float64]
    status: NDArray[np.uint32]
    source_time: NDArray[np.int64]
    texts: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.handle)

    def where(self, mask: NDArray[np.bool_]) -> "Items":
        """The items under a mask of equal length, order kept."""
        if mask.all():
            return self
        place = np.cumsum(mask) - 1
        texts = {int(place[at]): text for at, text in self.texts.items() if mask[at]}
        return Items(self.handle[mask], self.value[mask], self.status[mask], self.source_time[mask], texts)


@dataclass(frozen=True, slots=True, eq=False)
class Publication:
    """One publish response. ``unusual`` are the bodies of data changes that have to be decoded otherwise."""

    service_result: int
    subscription_id: int
    sequence_number: int
    is_keep_alive: bool
    items: tuple[Items, ...]
    unusual: tuple[bytes, ...] = ()
    status_change: int | None = None


class _Reader:
    """A cursor over the bytes; every step is checked against their end."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position

    def take(self, layout: struct.Struct) -> int:
        try:
            (value,) = layout.unpack_from(self.data, self.position)
        except struct.error as fault:
            raise Malformed("the message ends too early") from fault
        self.position += layout.size
        return int(value)

    def skip(self, size: int) -> None:
        if size < 0 or self.position + size > len(self.data):
            raise Malformed("a length reaches past the end")
        self.position += size

    def node_id(self) -> int:
        """A node id; its numeric identifier in namespace 0, else −1."""
        match self.take(_BYTE):
            case 0:
                return self.take(_BYTE)
            case 1:
                namespace = self.take(_BYTE)
                identifier = self.take(_UINT16)
            case 2:
                namespace = self.take(_UINT16)
                identifier = self.take(_UINT32)
            case _:
                raise Unusual("a node id that is not numeric")
        return identifier if namespace == 0 else -1

    def skip_array(self, size: int) -> None:
        self.skip(max(self.take(_INT32), 0) * size)

    def skip_strings(self) -> None:
        for _ in range(self.take(_INT32)):
            self.skip(max(self.take(_INT32), 0))


_BYTE, _UINT16, _UINT32 = struct.Struct("<B"), struct.Struct("<H"), struct.Struct("<I")
_INT32, _INT64 = struct.Struct("<i"), struct.Struct("<q")


def decode_publish(data: bytes) -> Publication:
    """Decode the body of a publish response, from its type id on.

    Raises:
        Malformed: it breaks the encoding.
        Unusual: its header is of a kind that is not decoded here.
    """
    reader = _Reader(data)
    reader.node_id()
    result = _service_result(reader)
    subscription = reader.take(_UINT32)
    reader.skip_array(4)  # available sequence numbers
    reader.skip(1)  # more notifications
    sequence = reader.take(_UINT32)
    reader.skip(8)  # publish time
    items: list[Items] = []
    unusual: list[bytes] = []
    status_change: int | None = None
    count = reader.take(_INT32)
    for _ in range(count):
        kind, body = _extension_object(reader)
        if kind == _DATA_CHANGE:
            try:
                items.append(decode_data_change(body))
            except Unusual:
                unusual.append(body)
        elif kind == _STATUS_CHANGE:
            status_change = _Reader(body).take(_UINT32)
    return Publication(result, subscription, sequence, count <= 0, tuple(items), tuple(unusual), status_change)


def _service_result(reader: _Reader) -> int:
    reader.skip(12)  # timestamp, request handle
    result = reader.take(_UINT32)
    if reader.take(_BYTE):
        raise Unusual("diagnostics")
    reader.skip_strings()
    _extension_object(reader)  # additional header
    return result


def _extension_object(reader: _Reader) -> tuple[int, bytes]:
    kind = reader.node_id()
    if not reader.take(_BYTE):
        return kind, b""
    length = reader.take(_INT32)
    start = reader.position
    reader.skip(length)
    return kind, reader.data[start : reader.position]


def decode_data_change(data: bytes) -> Items:
    """Decode the body of a DataChangeNotification.

    Raises:
        Malformed: it breaks the encoding.
        Unusual: a value is an array or of a type without a number or text.
    """
    reader = _Reader(data)
    count = max(reader.take(_INT32), 0)
    if count * 5 > len(data):  # an item has five bytes at least; nothing is allocated for a lie
        raise Malformed(f"{count} items in {len(data)} bytes")
    items = Items(
        handle=np.zeros(count, dtype=np.uint32),
        value=np.full(count, np.nan),
        status=np.zeros(count, dtype=np.uint32),
        source_time=np.zeros(count, dtype=np.int64),
    )
    position, done, look = reader.position, 0, _FIRST_LOOK
    while done < count:
        record = _record_at(data, position)
        if record is None:
            position = _take_text(data, position, items, done)
            done += 1
            continue
        most = min(count - done, (len(data) - position) // record.itemsize, look)
        if most == 0:
            raise Malformed("an item reaches past the end")
        run = _take_run(np.frombuffer(data, record, most, position), items, done)
        look = look * 4 if run == most else _FIRST_LOOK
        position += run * record.itemsize
        done += run
    return items


def _record_at(data: bytes, position: int) -> np.dtype[np.void] | None:
    head = data[position + 4 : position + 6]  # fields, and the value's type where there is a value
    if not head or (head[0] & _HAS_VALUE and len(head) < 2):
        raise Malformed("an item reaches past the end")
    return _record(head[0], head[1] if head[0] & _HAS_VALUE else 0)


@lru_cache(maxsize=256)
def _record(fields: int, kind: int) -> np.dtype[np.void] | None:
    """The layout of an item with these fields and this type of value; None for a text."""
    if fields & _HAS_VALUE and kind not in (0, _STRING) and kind not in _FORMATS:
        raise Unusual(f"a value of type {kind}")
    if kind == _STRING:
        return None
    layout: list[tuple[str, str]] = [("handle", "<u4"), ("fields", "u1")]
    if fields & _HAS_VALUE:
        layout.append(("kind", "u1"))
        if kind:
            layout.append(("value", _FORMATS[kind]))
    for bit, name, width in _TAIL:
        if fields & bit:
            layout.append((name, width))
    return np.dtype(layout)


_TAIL = (
    (_HAS_STATUS, "status", "<u4"),
    (_HAS_SOURCE_TIME, "source_time", "<i8"),
    (_HAS_SOURCE_PICO, "source_pico", "<u2"),
    (_HAS_SERVER_TIME, "server_time", "<i8"),
    (_HAS_SERVER_PICO, "server_pico", "<u2"),
)


def _take_run(records: NDArray[np.void], items: Items, start: int) -> int:
    """Store the records that are laid out as the first one is; how many they were."""
    names = records.dtype.names or ()
    same = records["fields"] == records["fields"][0]
    if "kind" in names:
        same &= records["kind"] == records["kind"][0]
    run = len(records) if same.all() else int(same.argmin())
    end = start + run
    items.handle[start:end] = records["handle"][:run]
    if "value" in names:
        items.value[start:end] = records["value"][:run]
        if records["kind"][0] == _DATE_TIME:
            items.value[start:end] = (items.value[start:end] - EPOCH_1601) / 1e7
    for name in ("status", "source_time"):
        if name in names:
            getattr(items, name)[start:end] = records[name][:run]
    return run


def _take_text(data: bytes, position: int, items: Items, at: int) -> int:
    reader = _Reader(data, position)
    items.handle[at] = reader.take(_UINT32)
    fields = reader.take(_BYTE)
    reader.skip(1)
    length = reader.take(_INT32)
    start = reader.position
    reader.skip(max(length, 0))
    items.texts[at] = data[start : reader.position].decode("utf-8", "replace")
    if fields & _HAS_STATUS:
        items.status[at] = reader.take(_UINT32)
    if fields & _HAS_SOURCE_TIME:
        items.source_time[at] = reader.take(_INT64)
    for bit, size in ((_HAS_SOURCE_PICO, 2), (_HAS_SERVER_TIME, 8), (_HAS_SERVER_PICO, 2)):
        if fields & bit:
            reader.skip(size)
    return reader.position
