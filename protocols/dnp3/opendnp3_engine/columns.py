"""opendnp3's measurements as the object headers that the mapping takes: one object per point comes in, columns go out.

They are put into each kind's widest variation with flags and time, in which nothing is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from protocols.dnp3.objects import ObjectColumns, ObjectHeader, Qualifier, encode_records, find_form, form_of
from protocols.dnp3.objects.table import octet_string_form
from vppscada.model.points import PointKind

#: (static, event) form that holds every reading of a kind.
_FORMS = {
    PointKind.BINARY_INPUT: ((1, 2), (2, 2)),
    PointKind.DOUBLE_BIT_INPUT: ((3, 2), (4, 2)),
    PointKind.BINARY_OUTPUT: ((10, 2), (11, 2)),
    PointKind.COUNTER: ((20, 1), (22, 5)),
    PointKind.ANALOG_INPUT: ((30, 6), (32, 8)),
    PointKind.ANALOG_OUTPUT: ((40, 4), (42, 8)),
}


@dataclass(frozen=True, slots=True)
class Received:
    """Readings of one object header. ``trusted``: their times are not relative to a clock that was not set."""

    header: ObjectHeader
    trusted: bool


def group_of(name: str) -> tuple[int, int]:
    """(group, variation) of a ``GroupVariation``'s name, as in ``Group30Var5``."""
    group, _, variation = name.removeprefix("Group").partition("Var")
    return int(group), int(variation)


def received_from(info: Any, values: Sequence[Any]) -> list[Received]:
    """The readings of one ``Process`` callback; none where the objects are no readings of points."""
    group, variation = group_of(info.gv.name)
    if group in (110, 111):
        return [Received(_octets(group, item), True) for item in values]
    form = find_form(group, variation)
    if form is None or form.kind not in _FORMS or not values:
        return []
    static, event = _FORMS[form.kind]
    trusted = info.tsquality.name != "UNSYNCHRONIZED"
    return [Received(_readings(*(event if form.is_event else static), form.kind, values), trusted)]


def _readings(group: int, variation: int, kind: PointKind, values: Sequence[Any]) -> ObjectHeader:
    readings = [item.value for item in values]
    if kind is PointKind.DOUBLE_BIT_INPUT:
        numbers = [one.value.value for one in readings]
    else:
        numbers = [one.value for one in readings]
    columns = ObjectColumns(
        index=np.array([item.index for item in values], dtype=np.uint32),
        value=np.array(numbers, dtype=np.float64),
        flags=np.array([one.flags.value for one in readings], dtype=np.uint8),
        time_ms=np.array([one.time.value for one in readings], dtype=np.uint64).astype(np.int64),
    )
    form = form_of(group, variation)
    records = encode_records(form, columns, prefix_width=2)
    return ObjectHeader(group, variation, Qualifier.INDEX_16, len(values), 0, form, None, records)


def _octets(group: int, item: Any) -> ObjectHeader:
    octets = item.value.ToBytes()
    form = octet_string_form(group, max(len(octets), 1))
    records = np.zeros(1, dtype=form.prefixed[2])
    records["index"] = item.index
    records["octets"] = octets
    return ObjectHeader(group, len(octets), Qualifier.INDEX_16, 1, 0, form, None, records)
