"""Readings → object octets of responses: static values by precomputed runs, events grouped by kind in a fragment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.objects import (
    EVENT_GROUP,
    FORMS,
    STATIC_GROUP,
    ObjectColumns,
    ObjectForm,
    build_events,
    build_octet_strings,
    build_static,
    build_time,
    flags_of,
    form_of,
    index_width,
)
from protocols.dnp3.outstation.events import EventArray
from protocols.dnp3.outstation.points import KINDS, KindColumns, PointTable
from vppscada.model.points import PointKind
from vppscada.model.quality import TimeQuality

_FROZEN_GROUP = 21
_STRING_GROUP = 110
_EVENT_HEADER = 5
_PREFIX = 2
_COMMON_TIME = 10  # octets of a g51 object with its header
_LARGEST_DELTA_MS = 0xFFFF
_UNLIMITED = 1 << 30
_KEYS = 16  # more than any event group has variations


_FORM_OF_KEY: dict[int, ObjectForm] = {
    number * _KEYS + variation: form
    for number, kind in enumerate(KINDS)
    for (group, variation), form in FORMS.items()
    if group == EVENT_GROUP[kind]
}
#: Octets of an event with a wide prefix, and whether its time is relative, by key (kind number × 16 + variation).
_SIZES = np.zeros(len(KINDS) * _KEYS, dtype=np.int64)
_IS_RELATIVE = np.zeros(len(_SIZES), dtype=np.bool_)
for _key, _form in _FORM_OF_KEY.items():
    _SIZES[_key] = _form.size + _PREFIX
    _IS_RELATIVE[_key] = _form.has_relative_time


@dataclass(frozen=True, slots=True, eq=False)
class StaticRun:
    """Points of one kind told in one variation, by rising index. ``form`` is None for strings."""

    form: ObjectForm | None
    kind: PointKind
    frozen: bool
    index: NDArray[np.uint32]
    rows: NDArray[np.intp]
    width: int  # octets of an index: one width for all that a header of the request chose

    @property
    def group(self) -> int:
        """The object group."""
        return _STRING_GROUP if self.form is None else self.form.group

    def part_from(self, first: int) -> "StaticRun":
        """What is left after the first objects have been told."""
        return replace(self, index=self.index[first:], rows=self.rows[first:])

    def __len__(self) -> int:
        return len(self.rows)


def static_runs(
    columns: KindColumns, chosen: slice | NDArray[np.intp], variation: int, *, frozen: bool
) -> list[StaticRun]:
    """Runs that tell the chosen points of a kind, in the variation asked for (0 = each point's own)."""
    index, rows = columns.index[chosen], columns.rows[chosen]
    if not len(rows):
        return []
    if columns.kind is PointKind.STRING:
        return [StaticRun(None, columns.kind, False, index, rows, 2)]
    width = index_width(index)
    group = _FROZEN_GROUP if frozen else STATIC_GROUP[columns.kind]
    if variation:
        return [StaticRun(form_of(group, variation), columns.kind, frozen, index, rows, width)]
    own = columns.static_variation[chosen]
    edges = [0, *(np.flatnonzero(np.diff(own)) + 1).tolist(), len(own)]
    return [
        StaticRun(
            form_of(group, _frozen_variation(int(own[a])) if frozen else int(own[a])),
            columns.kind,
            frozen,
            index[a:b],
            rows[a:b],
            width,
        )
        for a, b in pairwise(edges)
    ]


def _frozen_variation(counter_variation: int) -> int:
    """g21 has no flagless variations 5 and 6 as g20 has them: they are 9 and 10 there."""
    return counter_variation + 4 if counter_variation in (5, 6) else counter_variation


def encode_static(table: PointTable, run: StaticRun, room: int) -> tuple[bytes, int]:
    """Octets of as many points of the run as fit into ``room``, and how many they are."""
    if run.form is None:
        texts = [(int(i), table.texts.get(int(r), "").encode()[:255]) for i, r in zip(run.index, run.rows, strict=True)]
        return build_octet_strings(_STRING_GROUP, texts, room)
    # no more than can fit: a poll of thousands of points must not touch them all for every fragment
    most = room * 8 // run.form.bits if run.form.bits else room // run.form.size
    rows = run.rows[:most]
    value = table.frozen_value if run.frozen else table.value
    quality = table.frozen_quality if run.frozen else table.quality
    columns = ObjectColumns(
        run.index[:most], value[rows], flags_of(quality[rows], run.kind), np.zeros(len(rows), dtype=np.int64)
    )
    return build_static(run.form, columns, room, run.width)


def encode_events(events: EventArray, variation: int, room: int, widths: Sequence[int]) -> tuple[bytes, int]:
    """Octets of as many of the oldest events as fit into ``room``, and how many they are.

    Events of one kind and variation stand under one header, each header's in order of time; where relative
    times need another common time, it and what belongs to it follow. ``variation`` 0 means each event's own.
    ``widths``: octets of an index, by kind number.
    """
    events = events[: room // (1 + _PREFIX)]
    keys = events["kind"].astype(np.int64) * _KEYS + (variation or events["variation"])
    pieces: list[bytes] = []
    told = 0
    while used := _fitting(events[told:], keys[told:], room):
        end = told + used
        part, part_keys = events[told:end], keys[told:end]
        distinct = dict.fromkeys(part_keys.tolist())  # in order of first appearance
        piece = b"".join([_encode_group(part, part_keys, key, widths) for key in distinct])
        pieces.append(piece)
        room -= len(piece)
        told = end
        if not _IS_RELATIVE[part_keys].any():
            break  # the fragment is full
    return b"".join(pieces), told


def _fitting(events: EventArray, keys: NDArray[np.int64], room: int) -> int:
    """How many events fit: their sizes, a header for each new key, and a common time before relative ones."""
    if not len(keys):
        return 0
    cost = _SIZES[keys]
    relative = _IS_RELATIVE[keys]
    if not relative.any() and int(cost.sum()) + _EVENT_HEADER * min(len(keys), len(_FORM_OF_KEY)) <= room:
        return len(keys)
    first = np.zeros(len(keys), dtype=np.bool_)
    first[np.unique(keys, return_index=True)[1]] = True
    cost = cost + first * (_EVENT_HEADER + relative * _COMMON_TIME)
    used = int(np.searchsorted(np.cumsum(cost), room, side="right"))
    if relative.any():
        used = min(used, _within_common_time(events, relative))
    return used


def _within_common_time(events: EventArray, relative: NDArray[np.bool_]) -> int:
    """How many events can share the first relative one's common time: 65 s, and one quality of time."""
    base = events[relative][0]
    delta = events["time_ms"] - base["time_ms"]
    synchronised = events["time_quality"] == TimeQuality.SYNCHRONISED
    apart = (
        (delta < 0) | (delta > _LARGEST_DELTA_MS) | (synchronised != (base["time_quality"] == TimeQuality.SYNCHRONISED))
    )
    outside = np.flatnonzero(relative & apart)
    return int(outside[0]) if len(outside) else len(events)


def _encode_group(events: EventArray, keys: NDArray[np.int64], key: int, widths: Sequence[int]) -> bytes:
    group = events if len(events) == 1 else events[keys == key]
    kind, form = KINDS[key // _KEYS], _FORM_OF_KEY[key]
    times = group["time_ms"]
    common = b""
    if form.has_relative_time:
        base = events[_IS_RELATIVE[keys]][0]
        base_ms = int(base["time_ms"])
        times = times - base_ms
        common = build_time(51, 1 if base["time_quality"] == TimeQuality.SYNCHRONISED else 2, base_ms)
    columns = ObjectColumns(group["index"], group["value"], flags_of(group["quality"], kind), times)
    octets, count = build_events(form, columns, _UNLIMITED, widths[key // _KEYS])
    assert count == len(group), "the room was measured before"
    return common + octets
