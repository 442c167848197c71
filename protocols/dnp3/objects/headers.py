"""Object headers of a fragment: parsed into columns, one NumPy view per run of objects.

Every length is checked against the octets that are there before anything is allocated, so that a
hostile count costs nothing. Whatever does not parse is an `ObjectError`, never another exception.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.objects.attributes import ATTRIBUTE_GROUP, DeviceAttribute, parse_attribute
from protocols.dnp3.objects.errors import ObjectError, ObjectFault
from protocols.dnp3.objects.flags import ONLINE_FLAG, FlagColumn, state_of
from protocols.dnp3.objects.lengths import past_free_format, past_unspoken
from protocols.dnp3.objects.table import ObjectForm, find_form
from vppscada.model.points import PointKind

IndexColumn = NDArray[np.uint32]


class Qualifier(IntEnum):
    """Prefix and range codes that IEEE 1815 subset level 3 needs."""

    RANGE_8 = 0x00
    RANGE_16 = 0x01
    ALL = 0x06
    COUNT_8 = 0x07
    COUNT_16 = 0x08
    INDEX_8 = 0x17
    INDEX_16 = 0x28


_WIDTH = {
    Qualifier.RANGE_8: 1,
    Qualifier.RANGE_16: 2,
    Qualifier.COUNT_8: 1,
    Qualifier.COUNT_16: 2,
    Qualifier.INDEX_8: 1,
    Qualifier.INDEX_16: 2,
}
_BY_CODE = {int(qualifier): qualifier for qualifier in Qualifier}
_FREE_FORMAT = b"\x5b"
_RANGES = (Qualifier.RANGE_8, Qualifier.RANGE_16)
_INDEXED = (Qualifier.INDEX_8, Qualifier.INDEX_16)


@dataclass(frozen=True, slots=True, eq=False)
class ObjectHeader:
    """One header and its objects.

    ``start`` counts for ranges only. ``records`` is a structured view (fields: index where prefixed, flags,
    value, time_low, time_high, delta, status, …) of the fragment, None where no data came or for packed
    states, which stand in ``states`` (one octet per object). ``form`` is None if we do not speak the variation
    (only in requests without data; variation 0 means the default one).
    """

    group: int
    variation: int
    qualifier: Qualifier
    count: int = 0
    start: int = 0
    form: ObjectForm | None = None
    prefixes: IndexColumn | None = None  # indexes of a request that names points without data
    records: NDArray[np.void] | None = None
    states: NDArray[np.uint8] | None = None
    attributes: tuple[DeviceAttribute, ...] = ()  # of g0, where data came
    is_spoken: bool = True  # False for a header of a read whose qualifier is none of ours: it names nothing

    @property
    def stop(self) -> int:
        """Last index of a range."""
        return self.start + self.count - 1

    @property
    def is_range(self) -> bool:
        """True for qualifiers 00 and 01."""
        return self.qualifier in _RANGES

    @property
    def is_indexed(self) -> bool:
        """True for qualifiers 17 and 28."""
        return self.qualifier in _INDEXED

    @property
    def kind(self) -> PointKind | None:
        """Kind of point that the objects are readings of."""
        return self.form.kind if self.form is not None else None

    def indexes(self) -> IndexColumn:
        """Index of every object; for counts (07, 08) simply 0..count-1."""
        if self.prefixes is not None:
            return self.prefixes
        if self.is_indexed and self.records is not None:
            return self.records["index"].astype(np.uint32)
        return np.arange(self.start, self.start + self.count, dtype=np.uint32)

    def values(self) -> NDArray[np.float64]:
        """Value of every object: number, state 0/1, double-bit 0..3; NaN for strings."""
        if self.states is not None:
            return self.states.astype(np.float64)
        if self.records is None or self.form is None:
            return np.empty(0, dtype=np.float64)
        if self.form.has_value:
            with np.errstate(invalid="ignore"):  # a signalling NaN is a value like another, not a warning
                return self.records["value"].astype(np.float64)
        if self.form.has_flags and self.form.kind is not None:
            return state_of(self.records["flags"], self.form.kind).astype(np.float64)
        return np.full(self.count, np.nan)

    def flags(self) -> FlagColumn:
        """Flag octet of every object; objects that carry none are online by definition."""
        if self.records is not None and self.form is not None and self.form.has_flags:
            flags: FlagColumn = self.records["flags"]
            return flags
        return np.full(self.count, ONLINE_FLAG, dtype=np.uint8)

    def times_ms(self) -> NDArray[np.int64]:
        """Absolute times in UTC ms, or ms after the common time of occurrence; zeros if none travel."""
        names = self.records.dtype.names or () if self.records is not None else ()
        if self.records is not None and "time_low" in names:
            return self.records["time_low"].astype(np.int64) | (self.records["time_high"].astype(np.int64) << 32)
        if self.records is not None and "delta" in names:
            return self.records["delta"].astype(np.int64)
        return np.zeros(self.count, dtype=np.int64)

    def texts(self) -> list[bytes]:
        """The octet strings of g110/g111."""
        if self.records is None or self.form is None or self.form.kind is not PointKind.STRING:
            return []
        return [octets.tobytes() for octets in self.records["octets"]]


def parse_headers(
    data: bytes,
    *,
    objects_follow: bool,
    only_in: frozenset[int] | None = None,
    skip_free_format: bool = False,
    keep_unspoken: bool = False,
) -> tuple[ObjectHeader, ...]:
    """Parse everything after the application header.

    ``objects_follow`` says whether the function carries object data (write, controls, responses) or only
    names objects (read, freeze, enable and disable unsolicited, assign class); ``only_in`` are the groups that
    carry data where not all do (freeze at time). With ``skip_free_format`` objects that tell their own size
    (qualifier 5B: files, data sets, authentication) are left out instead of being a fault. With ``keep_unspoken``
    (reads) a header with a qualifier that we do not speak, but whose length its code tells, is kept as such.

    Raises:
        ObjectError: with the internal indication that fits and the headers before the fault.
    """
    headers: list[ObjectHeader] = []
    offset = 0
    try:
        while offset < len(data):
            if skip_free_format and data[offset + 2 : offset + 3] == _FREE_FORMAT:
                offset = past_free_format(data, offset)
                continue
            if keep_unspoken and len(data) - offset >= 3 and data[offset + 2] not in _BY_CODE:
                header, offset = _unspoken(data, offset)
                headers.append(header)
                continue
            follow = objects_follow and (only_in is None or data[offset] in only_in)
            header, offset = _parse_header(data, offset, follow)
            headers.append(header)
    except ObjectError as error:
        error.parsed = tuple(headers)
        raise
    return tuple(headers)


def _unspoken(data: bytes, offset: int) -> tuple[ObjectHeader, int]:
    """A header without data whose qualifier we do not speak, and where it ends."""
    header = ObjectHeader(data[offset], data[offset + 1], Qualifier.COUNT_8, is_spoken=False)
    return header, past_unspoken(data, offset)


def _parse_header(data: bytes, offset: int, objects_follow: bool) -> tuple[ObjectHeader, int]:
    if len(data) - offset < 3:
        raise ObjectError(ObjectFault.PARAMETER_ERROR, "truncated object header")
    group, variation, code = data[offset], data[offset + 1], data[offset + 2]
    form = find_form(group, variation)
    if objects_follow and group == ATTRIBUTE_GROUP:
        return _with_attributes(data, offset)
    if objects_follow and form is None:
        raise ObjectError(ObjectFault.OBJECT_UNKNOWN, f"g{group}v{variation}")
    qualifier = _BY_CODE.get(code)
    if qualifier is None:
        raise ObjectError(ObjectFault.PARAMETER_ERROR, f"qualifier {code:#04x}")
    start, count, offset = _parse_range(data, offset + 3, qualifier)
    if objects_follow and form is not None and (form.record is not None or form.bits):
        return _with_objects(data, offset, ObjectHeader(group, variation, qualifier, count, start, form))
    prefixes = None
    if qualifier in _INDEXED:
        prefixes, offset = _parse_prefixes(data, offset, _WIDTH[qualifier], count)
    return ObjectHeader(group, variation, qualifier, count, start, form, prefixes), offset


def _with_attributes(data: bytes, offset: int) -> tuple[ObjectHeader, int]:
    """g0: objects that tell their own length. Each set is named by a range or by a prefix."""
    variation, qualifier = data[offset + 1], _BY_CODE.get(data[offset + 2])
    if qualifier is None or not (qualifier in _RANGES or qualifier in _INDEXED):
        raise ObjectError(ObjectFault.PARAMETER_ERROR, f"qualifier {data[offset + 2]:#04x} with attributes")
    start, count, offset = _parse_range(data, offset + 3, qualifier)
    width = _WIDTH[qualifier] if qualifier in _INDEXED else 0
    attributes: list[DeviceAttribute] = []
    for place in range(start, start + count):
        of_set = int.from_bytes(data[offset : offset + width], "little") if width else place
        attribute, offset = parse_attribute(data, offset + width, of_set, variation)
        attributes.append(attribute)
    header = ObjectHeader(ATTRIBUTE_GROUP, variation, qualifier, count, start, attributes=tuple(attributes))
    return header, offset


def _parse_range(data: bytes, offset: int, qualifier: Qualifier) -> tuple[int, int, int]:
    """(start, count, offset after the range field)."""
    if qualifier is Qualifier.ALL:
        return 0, 0, offset
    width = _WIDTH[qualifier]
    fields = 2 if qualifier in _RANGES else 1
    end = offset + fields * width
    if end > len(data):
        raise ObjectError(ObjectFault.PARAMETER_ERROR, "truncated range field")
    first = int.from_bytes(data[offset : offset + width], "little")
    if fields == 1:
        return 0, first, end
    last = int.from_bytes(data[offset + width : end], "little")
    if last < first:
        raise ObjectError(ObjectFault.PARAMETER_ERROR, f"range {first}..{last}")
    return first, last - first + 1, end


def _parse_prefixes(data: bytes, offset: int, width: int, count: int) -> tuple[IndexColumn, int]:
    end = offset + width * count
    if end > len(data):
        raise ObjectError(ObjectFault.PARAMETER_ERROR, f"{count} indexes do not fit the fragment")
    return np.frombuffer(data, dtype=f"<u{width}", count=count, offset=offset).astype(np.uint32), end


def _with_objects(data: bytes, offset: int, header: ObjectHeader) -> tuple[ObjectHeader, int]:
    form, qualifier, count = header.form, header.qualifier, header.count
    assert form is not None
    if qualifier is Qualifier.ALL:
        raise ObjectError(ObjectFault.PARAMETER_ERROR, "objects cannot follow qualifier 06")
    if form.bits:
        return _with_states(data, offset, header, form.bits)
    record = form.prefixed[_WIDTH[qualifier]] if qualifier in _INDEXED else form.record
    assert record is not None
    end = offset + record.itemsize * count
    if end > len(data):
        raise ObjectError(ObjectFault.PARAMETER_ERROR, f"{count} objects do not fit the fragment")
    records = np.frombuffer(data, dtype=record, count=count, offset=offset)
    return (
        ObjectHeader(header.group, header.variation, qualifier, count, header.start, form, None, records),
        end,
    )


def _with_states(data: bytes, offset: int, header: ObjectHeader, bits: int) -> tuple[ObjectHeader, int]:
    if header.qualifier not in _RANGES:
        raise ObjectError(ObjectFault.PARAMETER_ERROR, "packed states need a range")
    end = offset + (header.count * bits + 7) // 8
    if end > len(data):
        raise ObjectError(ObjectFault.PARAMETER_ERROR, f"{header.count} states do not fit the fragment")
    octets = np.frombuffer(data, dtype=np.uint8, count=end - offset, offset=offset)
    unpacked = np.unpackbits(octets, bitorder="little")[: header.count * bits]
    states: NDArray[np.uint8] = unpacked if bits == 1 else unpacked[0::2] | (unpacked[1::2] << np.uint8(1))
    return (
        ObjectHeader(
            header.group,
            header.variation,
            header.qualifier,
            header.count,
            header.start,
            header.form,
            None,
            None,
            states,
        ),
        end,
    )
