"""opendnp3's measurements as the object headers that the mapping takes: one object per point comes in, columns go out.

They are put into each kind's widest variation with flags and time, in which nothing is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from protocols.dnp3.objects import ObjectColumns, ObjectHeader, Qualifier, encode_records, form_of
from protocols.dnp3.objects.table import octet_string_form

#: Variation of each group that holds every reading of it. Frozen analog inputs (g31, g33) opendnp3 does not know.
_VARIATIONS = {
    1: 2,
    2: 2,
    3: 2,
    4: 2,
    10: 2,
    11: 2,
    13: 2,
    20: 1,
    21: 5,
    22: 5,
    23: 5,
    30: 6,
    32: 8,
    40: 4,
    42: 8,
    43: 8,
}
_DOUBLE_BITS = (3, 4)
_BINARY_COMMANDS, _ANALOG_COMMANDS = 13, 43
_STRINGS = (110, 111)


@dataclass(frozen=True, slots=True)
class Received:
    """Readings of one object header. ``trusted``: their times are not relative to a clock that was not set."""

    header: ObjectHeader
    trusted: bool


def group_of(name: str) -> int:
    """The group in a ``GroupVariation``'s name, as in ``Group30Var5``."""
    return int(name.removeprefix("Group").partition("Var")[0])


def received_from(info: Any, values: Sequence[Any]) -> list[Received]:
    """The readings of one ``Process`` callback; none where the objects are no readings of points."""
    group = group_of(info.gv.name)
    if group in _STRINGS:
        return [Received(_octets(group, item), True) for item in values]
    if group not in _VARIATIONS or not values:
        return []
    trusted = info.tsquality.name != "UNSYNCHRONIZED"
    return [Received(_readings(group, values), trusted)]


def _readings(group: int, values: Sequence[Any]) -> ObjectHeader:
    readings = [item.value for item in values]
    numbers = [one.value.value if group in _DOUBLE_BITS else one.value for one in readings]
    columns = ObjectColumns(
        index=np.array([item.index for item in values], dtype=np.uint32),
        value=np.array(numbers, dtype=np.float64),
        flags=np.array([_flags(group, one) for one in readings], dtype=np.uint8),
        time_ms=np.array([one.time.value for one in readings], dtype=np.uint64).astype(np.int64),
    )
    form = form_of(group, _VARIATIONS[group])
    records = encode_records(form, columns, prefix_width=2)
    if group == _ANALOG_COMMANDS:
        records["status"] = columns.flags
    return ObjectHeader(group, form.variation, Qualifier.INDEX_16, len(values), 0, form, None, records)


def _flags(group: int, reading: Any) -> int:
    """Flags, or the status of a command with the state that a binary one commanded in its highest bit."""
    if group == _BINARY_COMMANDS:
        return int(reading.status.value) | (0x80 if reading.value else 0)
    return int(reading.status.value if group == _ANALOG_COMMANDS else reading.flags.value)


def _octets(group: int, item: Any) -> ObjectHeader:
    octets = item.value.ToBytes()
    form = octet_string_form(group, max(len(octets), 1))
    records = np.zeros(1, dtype=form.prefixed[2])
    records["index"] = item.index
    records["octets"] = octets
    return ObjectHeader(group, len(octets), Qualifier.INDEX_16, 1, 0, form, None, records)
