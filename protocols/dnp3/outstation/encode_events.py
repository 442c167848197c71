"""Buffered events → object octets of a response, in the order in which they occurred. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.objects import (
    FORMS,
    FlagColumn,
    ObjectColumns,
    ObjectForm,
    Qualifier,
    build_time,
    encode_records,
    flags_of,
    index_header,
    octets_of_text,
)
from protocols.dnp3.outstation.categories import CATEGORIES, NUMBER, Aspect
from protocols.dnp3.outstation.events import EventArray
from vppscada.model.points import PointKind
from vppscada.model.quality import TimeQuality

_COMMON_TIME = 10  # octets of a g51 object with its header
_LARGEST_DELTA_MS = 0xFFFF
_MOST_IN_A_HEADER = 0xFF  # of the narrow kind
_KEYS = 16  # more than any event group has variations
_STRING_KEY = NUMBER[PointKind.STRING, Aspect.VALUE] * _KEYS
_STRING_GROUP = 111

_FORM_OF_KEY: dict[int, ObjectForm] = {
    number * _KEYS + variation: form
    for number, category in enumerate(CATEGORIES)
    for (group, variation), form in FORMS.items()
    if group == category.event_group
}
#: By key (number of the category × 16 + variation): octets without the index, and whether the time is relative.
_SIZES = np.zeros(len(CATEGORIES) * _KEYS, dtype=np.int64)
_IS_RELATIVE = np.zeros(len(_SIZES), dtype=np.bool_)
for _key, _form in _FORM_OF_KEY.items():
    _SIZES[_key] = _form.size
    _IS_RELATIVE[_key] = _form.has_relative_time


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """Where each event of a fragment goes. Columns of equal length, one entry per event."""

    keys: NDArray[np.int64]
    widths: NDArray[np.int64]  # octets of the index
    starts: NDArray[np.bool_]  # an object header goes before it
    bases: NDArray[np.int64]  # position of the event whose time its relative time counts from; -1 = none
    ends: NDArray[np.int64]  # octets up to and with it

    def part(self, count: int) -> "_Layout":
        """The layout of the first events only."""
        return _Layout(
            self.keys[:count], self.widths[:count], self.starts[:count], self.bases[:count], self.ends[:count]
        )


def encode_events(
    events: EventArray, variation: int, room: int, widths: Sequence[int], texts: Mapping[int, str]
) -> tuple[bytes, int]:
    """Octets of as many of the oldest events as fit into ``room``, and how many they are.

    The objects stand in the order of the events, whatever their kinds: a new header begins wherever the kind
    or the variation changes, and a new common time wherever relative times need another one. ``variation`` 0
    means each event's own. ``widths``: octets of an index, by number of the category. ``texts``: those of
    events of strings, by id.
    """
    events = events[: room // 3]
    if not len(events):
        return b"", 0
    alike = _one_header(events, variation, room, widths)
    if alike is not None:
        return alike
    layout = _layout(events, variation, widths, texts)
    used = int(np.searchsorted(layout.ends, room, side="right"))
    if not used:
        return b"", 0
    return _many_runs(events[:used], layout.part(used), texts), used


def _one_header(events: EventArray, variation: int, room: int, widths: Sequence[int]) -> tuple[bytes, int] | None:
    """The usual case, events that are all alike; None where it takes more than one header."""
    kind, own = int(events["kind"][0]), int(events["variation"][0])
    key = kind * _KEYS + (variation or own)
    if key == _STRING_KEY or _IS_RELATIVE[key] or (events["kind"] != kind).any():
        return None
    if not variation and (events["variation"] != own).any():
        return None
    form = _FORM_OF_KEY[key]
    width = 2 if int(events["index"].max()) > 0xFF else widths[kind]
    count = min(len(events), max(room - 3 - width, 0) // (form.size + width))
    if width == 1 and count > _MOST_IN_A_HEADER:
        return None
    events = events[:count]
    if not count:
        return b"", 0
    head = index_header(form.group, form.variation, count, width)
    return head + encode_records(form, _columns(events, key, events["time_ms"]), width).tobytes(), count


def _layout(events: EventArray, variation: int, widths: Sequence[int], texts: Mapping[int, str]) -> _Layout:
    kinds = events["kind"].astype(np.int64)
    keys = kinds * _KEYS + (variation or events["variation"])
    width = np.array(widths, dtype=np.int64)[kinds]
    # events of points that a former map had
    beyond = (events["index"] > 0xFF) & (width == 1)
    if beyond.any():
        width[np.isin(kinds, kinds[beyond])] = 2
    starts = np.empty(len(keys), dtype=np.bool_)
    starts[0] = True
    np.not_equal(keys[1:], keys[:-1], out=starts[1:])
    sizes = _SIZES[keys]
    strings = np.flatnonzero(keys == _STRING_KEY)
    if len(strings):
        starts[strings] = True  # the variation of each is its own length
        lengths = [len(octets_of_text(texts.get(number, ""))) for number in events["id"][strings].tolist()]
        sizes[strings] = lengths
    bases = _bases(events, _IS_RELATIVE[keys])
    new_base = bases == np.arange(len(keys))
    starts |= new_base
    _bound_counts(starts, width)
    ends = np.cumsum(sizes + width + starts * (3 + width) + new_base * _COMMON_TIME)
    return _Layout(keys, width, starts, bases, ends)


def _bound_counts(starts: NDArray[np.bool_], width: NDArray[np.int64]) -> None:
    """A header with an octet for its count has no more objects than that counts."""
    if len(starts) <= _MOST_IN_A_HEADER:
        return
    first = np.maximum.accumulate(np.where(starts, np.arange(len(starts)), 0))
    starts |= (width == 1) & ((np.arange(len(starts)) - first) % _MOST_IN_A_HEADER == 0)


def _bases(events: EventArray, relative: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The event that each relative time counts from: up to 65.535 s before it, and with the same quality of time."""
    bases = np.full(len(events), -1, dtype=np.int64)
    at = np.flatnonzero(relative)
    times = events["time_ms"][at]
    synchronised = events["time_quality"][at] == TimeQuality.SYNCHRONISED
    first = 0
    while first < len(at):
        delta = times[first:] - times[first]
        apart = (delta < 0) | (delta > _LARGEST_DELTA_MS) | (synchronised[first:] != synchronised[first])
        outside = np.flatnonzero(apart)
        end = first + int(outside[0]) if len(outside) else len(at)
        bases[at[first:end]] = at[first]
        first = end
    return bases


def _many_runs(events: EventArray, layout: _Layout, texts: Mapping[int, str]) -> bytes:
    """All headers and all objects, each put where it belongs: the work grows with the kinds, not with the runs."""
    octets = np.zeros(int(layout.ends[-1]), dtype=np.uint8)
    for key in dict.fromkeys(layout.keys.tolist()):
        at = np.flatnonzero(layout.keys == key)
        if key == _STRING_KEY:
            _put_strings(octets, events, layout, at, texts)
            continue
        form, width = _FORM_OF_KEY[key], int(layout.widths[at[0]])
        times = events["time_ms"][at]
        if form.has_relative_time:
            times = times - events["time_ms"][layout.bases[at]]
        records = encode_records(form, _columns(events[at], key, times), width)
        size = records.dtype.itemsize
        places = layout.ends[at] - size
        octets[places[:, None] + np.arange(size)] = records.view(np.uint8).reshape(len(at), size)
        _put_headers(octets, form, width, places, at, layout.starts)
    for base in np.flatnonzero(layout.bases == np.arange(len(events))).tolist():
        _put_common_time(octets, events, layout, base)
    return octets.tobytes()


def _put_headers(
    octets: NDArray[np.uint8],
    form: ObjectForm,
    width: int,
    places: NDArray[np.int64],
    at: NDArray[np.intp],
    starts: NDArray[np.bool_],
) -> None:
    """A header before each of the objects ``at`` that begins a run."""
    edges = np.append(np.flatnonzero(starts), len(starts))
    begins = starts[at]
    counts = edges[np.searchsorted(edges, at[begins], side="right")] - at[begins]
    heads = places[begins] - (3 + width)
    octets[heads] = form.group
    octets[heads + 1] = form.variation
    octets[heads + 2] = Qualifier.INDEX_8 if width == 1 else Qualifier.INDEX_16
    octets[heads + 3] = counts & 0xFF
    if width == 2:
        octets[heads + 4] = counts >> 8


def _put_common_time(octets: NDArray[np.uint8], events: EventArray, layout: _Layout, base: int) -> None:
    form, width = _FORM_OF_KEY[int(layout.keys[base])], int(layout.widths[base])
    synchronised = events["time_quality"][base] == TimeQuality.SYNCHRONISED
    time = build_time(51, 1 if synchronised else 2, int(events["time_ms"][base]))
    place = int(layout.ends[base]) - form.size - width - (3 + width) - _COMMON_TIME
    octets[place : place + _COMMON_TIME] = np.frombuffer(time, dtype=np.uint8)


def _put_strings(
    octets: NDArray[np.uint8], events: EventArray, layout: _Layout, at: NDArray[np.intp], texts: Mapping[int, str]
) -> None:
    for position in at.tolist():
        text = octets_of_text(texts.get(int(events["id"][position]), ""))
        width = int(layout.widths[position])
        index = int(events["index"][position]).to_bytes(width, "little")
        piece = index_header(_STRING_GROUP, len(text), 1, width) + index + text
        end = int(layout.ends[position])
        octets[end - len(piece) : end] = np.frombuffer(piece, dtype=np.uint8)


def _columns(events: EventArray, key: int, times: NDArray[np.int64]) -> ObjectColumns:
    category = CATEGORIES[key // _KEYS]
    if category.aspect is Aspect.COMMAND:
        flags = _command_flags(events, category.kind)
    else:
        flags = flags_of(events["quality"], category.kind)
    return ObjectColumns(events["index"], events["value"], flags, times)


def _command_flags(events: EventArray, kind: PointKind) -> FlagColumn:
    """The status of a command, seven bits, and above them the state that was asked of a binary output."""
    status: FlagColumn = events["quality"].astype(np.uint8) & np.uint8(0x7F)
    if kind is PointKind.BINARY_OUTPUT:
        status |= (events["value"] > 0).astype(np.uint8) << np.uint8(7)
    return status
