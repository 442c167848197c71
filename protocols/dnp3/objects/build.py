"""Object columns → octets: static ranges, event runs, and the small headers of requests.

Builders take the room that is left in a fragment and answer how many objects they used of it, so
that an outstation fills fragment after fragment without measuring anything itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.objects.flags import ONLINE_FLAG, OVER_RANGE_FLAG, FlagColumn, with_state
from protocols.dnp3.objects.headers import IndexColumn, ObjectHeader, Qualifier
from protocols.dnp3.objects.table import ObjectForm, find_form
from vppscada.model.points import PointKind

_HEADER = 3  # group, variation, qualifier
_COUNT_HEADER_16 = 5
_LONGEST_STRING = 255


@dataclass(frozen=True, slots=True, eq=False)
class ObjectColumns:
    """Objects of one variation, columns of equal length.

    ``flags`` are octets without state bits; for events of commands, what g13 and g43 carry instead of flags.
    """

    index: IndexColumn
    value: NDArray[np.float64]
    flags: FlagColumn
    time_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.index)

    def part(self, first: int, end: int) -> "ObjectColumns":
        """Rows ``first`` up to but without ``end``."""
        cut = slice(first, end)
        return ObjectColumns(self.index[cut], self.value[cut], self.flags[cut], self.time_ms[cut])


def form_of(group: int, variation: int) -> ObjectForm:
    """The form of a variation that we speak.

    Raises:
        KeyError: we do not; the caller chose it, so that is a programming error.
    """
    form = find_form(group, variation)
    if form is None:
        raise KeyError((group, variation))
    return form


def consecutive_runs(index: IndexColumn) -> list[tuple[int, int]]:
    """Positions (first, end) of the runs of consecutive indexes in a rising column."""
    if not len(index):
        return []
    breaks = np.flatnonzero(np.diff(index.astype(np.int64)) != 1) + 1
    edges = [0, *breaks.tolist(), len(index)]
    return list(pairwise(edges))


def index_width(index: IndexColumn) -> int:
    """Octets (1 or 2) that hold every index of a column, none of them included."""
    return 2 if len(index) and int(index.max()) > 0xFF else 1


def build_static(form: ObjectForm, columns: ObjectColumns, room: int, width: int = 0) -> tuple[bytes, int]:
    """Static objects, a range header for each run of consecutive indexes.

    ``width`` (1 or 2) are the octets of an index; 0 means as many as the largest one here needs.
    Returns the octets (at most ``room``) and how many objects they hold.
    """
    pieces: list[bytes] = []
    used = 0
    width = width or index_width(columns.index)
    for first, end in consecutive_runs(columns.index):
        count = min(end - first, _fitting(form, room - _HEADER - 2 * width))
        if count <= 0:
            break
        piece = build_range(form, columns.part(first, first + count), width)
        pieces.append(piece)
        room -= len(piece)
        used += count
        if count < end - first:
            break
    return b"".join(pieces), used


def build_range(form: ObjectForm, columns: ObjectColumns, width: int = 1) -> bytes:
    """One range header (00, or 01 with ``width`` 2) and its objects; indexes must be consecutive and not none."""
    start, stop = int(columns.index[0]), int(columns.index[-1])
    head = range_header(form.group, form.variation, start, stop, width)
    if form.bits:
        return head + _pack_states(columns, form)
    return head + encode_records(form, columns, prefix_width=0).tobytes()


def build_events(form: ObjectForm, columns: ObjectColumns, room: int, width: int = 1) -> tuple[bytes, int]:
    """Events of one variation with index prefixes, 17 where the indexes and the count fit an octet, else 28.

    ``width`` 2 asks for 28 anyway.
    Returns the octets (at most ``room``) and how many events they hold.
    """
    count = min(len(columns), max(0, (room - _COUNT_HEADER_16) // (form.size + 2)), 0xFFFF)
    if count == 0:
        return b"", 0
    part = columns.part(0, count)
    width = width if count <= 0xFF and int(part.index.max()) <= 0xFF else 2
    head = index_header(form.group, form.variation, count, width)
    return head + encode_records(form, part, prefix_width=width).tobytes(), count


def encode_records(form: ObjectForm, columns: ObjectColumns, prefix_width: int) -> NDArray[np.void]:
    """Columns → records. Values beyond an integer variation are clamped and flagged OVER_RANGE."""
    record = form.prefixed[prefix_width] if prefix_width else form.record
    assert record is not None, "packed states and empty objects have no records"
    records = np.zeros(len(columns), dtype=record)
    if prefix_width:
        records["index"] = columns.index
    flags = columns.flags
    if form.has_value:
        values, flags = _representable(form, columns.value, flags)
        records["value"] = values
    if form.has_flags:
        records["flags"] = with_state(flags, columns.value, form.kind) if form.kind is not None else flags
    if form.has_status:
        records["status"] = columns.flags
    if form.has_relative_time:
        records["delta"] = np.clip(columns.time_ms, 0, 0xFFFF)
    elif form.has_time:
        records["time_low"] = columns.time_ms & 0xFFFFFFFF
        records["time_high"] = (columns.time_ms >> 32) & 0xFFFF
    return records


def octets_of_text(text: str) -> bytes:
    """A text as the octets of g110 and g111: UTF-8, at most 255 octets, an empty one as one zero octet."""
    octets = text.encode()
    if len(octets) > _LONGEST_STRING:  # no character is cut in two
        octets = octets[:_LONGEST_STRING].decode(errors="ignore").encode()
    return octets or b"\0"


def build_octet_strings(group: int, texts: Iterable[tuple[int, bytes]], room: int) -> tuple[bytes, int]:
    """Octet strings with ranges (g110), one header each, as many as fit into ``room``, and how many they are."""
    pieces: list[bytes] = []
    for index, octets in texts:
        piece = range_header(group, len(octets), index, index) + octets
        if len(piece) > room:
            break
        room -= len(piece)
        pieces.append(piece)
    return b"".join(pieces), len(pieces)


def all_objects(group: int, variation: int = 0) -> bytes:
    """A header with qualifier 06: every object of a group, or a class (g60)."""
    return bytes((group, variation, Qualifier.ALL))


def range_header(group: int, variation: int, start: int, stop: int, width: int = 1) -> bytes:
    """A header with qualifier 00, or 01 if an index needs it or ``width`` is 2."""
    width = width if stop <= 0xFF else 2
    qualifier = Qualifier.RANGE_8 if width == 1 else Qualifier.RANGE_16
    return bytes((group, variation, qualifier)) + start.to_bytes(width, "little") + stop.to_bytes(width, "little")


def index_header(group: int, variation: int, count: int, width: int) -> bytes:
    """A header with qualifier 17 (width 1) or 28 (width 2)."""
    qualifier = Qualifier.INDEX_8 if width == 1 else Qualifier.INDEX_16
    return bytes((group, variation, qualifier)) + count.to_bytes(width, "little")


def build_time(group: int, variation: int, time_ms: int) -> bytes:
    """One absolute time, g50v1, g50v3 or g51, with qualifier 07. ``time_ms`` is UTC since the epoch."""
    return bytes((group, variation, Qualifier.COUNT_8, 1)) + (time_ms & 0xFFFFFFFFFFFF).to_bytes(6, "little")


def build_delay(variation: int, delay: int) -> bytes:
    """g52: a delay in s (v1) or ms (v2), 0..65535, larger ones clamped."""
    return bytes((52, variation, Qualifier.COUNT_8, 1)) + min(max(delay, 0), 0xFFFF).to_bytes(2, "little")


def build_restart_clear() -> bytes:
    """g80v1: write 0 to internal indication 7 (device restart)."""
    return range_header(80, 1, 7, 7) + b"\0"


def echo_with_status(header: ObjectHeader, statuses: NDArray[np.uint8]) -> bytes:
    """A command header (g12, g41) as received, with each object's status replaced."""
    assert header.records is not None and header.form is not None
    records = header.records.copy()
    records["status"] = statuses
    width = 1 if header.qualifier in (Qualifier.INDEX_8, Qualifier.COUNT_8, Qualifier.RANGE_8) else 2
    if header.is_range:
        return range_header_as(header) + records.tobytes()
    return (
        bytes((header.group, header.variation, header.qualifier))
        + header.count.to_bytes(width, "little")
        + records.tobytes()
    )


def range_header_as(header: ObjectHeader) -> bytes:
    """A range header of the same width as the one received."""
    width = 1 if header.qualifier is Qualifier.RANGE_8 else 2
    limits = header.start.to_bytes(width, "little") + header.stop.to_bytes(width, "little")
    return bytes((header.group, header.variation, header.qualifier)) + limits


def _fitting(form: ObjectForm, room: int) -> int:
    if room <= 0:
        return 0
    return room * 8 // form.bits if form.bits else room // max(form.size, 1)


def _pack_states(columns: ObjectColumns, form: ObjectForm) -> bytes:
    largest = (1 << form.bits) - 1
    states = np.clip(np.nan_to_num(columns.value, nan=0.0), 0, largest).astype(np.uint8)
    if form.bits == 1:
        return np.packbits(states, bitorder="little").tobytes()
    bits = np.empty(2 * len(states), dtype=np.uint8)
    bits[0::2], bits[1::2] = states & 1, states >> 1
    return np.packbits(bits, bitorder="little").tobytes()


def fits(form: ObjectForm, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """True where the variation can tell the value as it is (whole numbers rounded); states always fit."""
    if not form.has_value:
        return np.ones(len(values), dtype=np.bool_)
    assert form.record is not None
    low, high = _limits(form.record["value"])
    inside: NDArray[np.bool_] = (values >= low) & (values <= high)
    return inside


def _limits(dtype: "np.dtype[Any]") -> tuple[float, float]:
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return float(limits.min), float(limits.max)


def _representable(
    form: ObjectForm, values: NDArray[np.float64], flags: FlagColumn
) -> tuple[NDArray[np.float64], FlagColumn]:
    """Clamp to what the variation can hold; what was clamped is over range, what is no number is not online."""
    assert form.record is not None
    dtype = form.record["value"]
    if dtype.kind == "f" and dtype.itemsize == 8:
        return values, flags
    low, high = _limits(dtype)
    beyond = (values < low) | (values > high)
    missing = np.isnan(values)
    clamped = np.clip(values, low, high)
    if dtype.kind != "f":
        clamped = np.rint(np.where(missing, 0.0, clamped))
    if beyond.any() or missing.any():
        flags = _marked(flags, beyond, missing, form.flag_kind)
    return clamped, flags


def _marked(
    flags: FlagColumn, beyond: NDArray[np.bool_], missing: NDArray[np.bool_], kind: PointKind | None
) -> FlagColumn:
    marked = flags.copy()
    if kind in (PointKind.ANALOG_INPUT, PointKind.ANALOG_OUTPUT):
        marked[beyond] |= np.uint8(OVER_RANGE_FLAG)
    else:
        marked[beyond] &= np.uint8(0xFF ^ ONLINE_FLAG)
    marked[missing] &= np.uint8(0xFF ^ ONLINE_FLAG)
    return marked
