"""Command objects: control relay output blocks (g12v1) and analog outputs (g41)."""

import math
import struct
from collections.abc import Iterator

from protocols.dnp3.objects.build import index_header
from protocols.dnp3.objects.headers import ObjectHeader
from vppscada.model.commands import AnalogValue, CommandBody, Crob, CrobOperation, TripClose

_CLEAR_BIT = 0x20
_CROB = struct.Struct("<BBIIB")
#: g41 variation by the word in a map's ``data_type``, and how its value is packed.
ANALOG_OUTPUT_VARIATION = {"int32": 1, "int16": 2, "float32": 3, "float64": 4}
_ANALOG = {1: struct.Struct("<iB"), 2: struct.Struct("<hB"), 3: struct.Struct("<fB"), 4: struct.Struct("<dB")}
_INTEGER_LIMITS = {1: 0x7FFFFFFF, 2: 0x7FFF}
_LARGEST_FLOAT32 = 3.4028234663852886e38


class ValueBeyondVariation(ValueError):
    """The value of an analog command cannot be told in the variation that its map names."""


def build_command(index: int, body: CommandBody, variation: int = 3) -> bytes:
    """One command object with an index prefix; ``variation`` is g41's and unused for a block.

    Raises:
        ValueBeyondVariation: the analog value does not fit ``variation``.
    """
    if isinstance(body, Crob):
        return _prefixed(12, 1, index) + _pack_crob(body)
    return _prefixed(41, variation, index) + _pack_analog(variation, body.value)


def read_commands(header: ObjectHeader) -> Iterator[tuple[int, CommandBody | None]]:
    """(index, body) of every command in a g12v1 or g41 header; None where the control code is not one of ours."""
    if header.records is None:
        return
    records = header.records.tolist()  # one call for all fields: a control request is small, calls are what it costs
    named = ((r[0], r[1:]) for r in records) if header.is_indexed else zip(header.indexes(), records, strict=True)
    for index, fields in named:
        yield int(index), crob_of(*fields[:4]) if header.group == 12 else AnalogValue(float(fields[0]))


def crob_of(code: int, count: int, on_ms: int, off_ms: int) -> Crob | None:
    """The block with this control code octet, None if its operation or trip-close code is reserved."""
    operation, trip_close = code & 0x0F, code >> 6
    if operation > CrobOperation.LATCH_OFF or trip_close > TripClose.TRIP:
        return None
    return Crob(CrobOperation(operation), TripClose(trip_close), count, on_ms, off_ms, bool(code & _CLEAR_BIT))


def _pack_crob(crob: Crob) -> bytes:
    code = crob.operation | (_CLEAR_BIT if crob.clear else 0) | crob.trip_close << 6
    return _CROB.pack(code, crob.count & 0xFF, crob.on_ms & 0xFFFFFFFF, crob.off_ms & 0xFFFFFFFF, 0)


def _pack_analog(variation: int, value: float) -> bytes:
    if math.isnan(value):
        raise ValueBeyondVariation("not a number")
    limit = _INTEGER_LIMITS.get(variation)
    if limit is not None:
        whole = round(value) if abs(value) <= limit + 1 else limit + 2
        if not -limit - 1 <= whole <= limit:
            raise ValueBeyondVariation(f"{value} does not fit g41v{variation}")
        return _ANALOG[variation].pack(whole, 0)
    if variation == 3 and abs(value) > _LARGEST_FLOAT32:
        raise ValueBeyondVariation(f"{value} does not fit g41v3")
    return _ANALOG[variation].pack(value, 0)


def _prefixed(group: int, variation: int, index: int) -> bytes:
    width = 1 if index <= 0xFF else 2
    return index_header(group, variation, 1, width) + index.to_bytes(width, "little")
