"""Present, frozen and configured values → object octets of responses, by precomputed runs."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.objects import (
    ONLINE_FLAG,
    STATIC_GROUP,
    ObjectColumns,
    ObjectForm,
    build_octet_strings,
    build_static,
    fits,
    flags_of,
    form_of,
    index_width,
    octets_of_text,
)
from protocols.dnp3.outstation.image import StaticImage
from protocols.dnp3.outstation.points import KindColumns, PointTable, Values
from vppscada.model.points import PointKind
from vppscada.model.quality import QualityColumn

_STRING_GROUP = 110
_DEADBAND_GROUP = 34
_PRESENT_GROUPS = frozenset(STATIC_GROUP.values())
_FROZEN_GROUPS = frozenset({21, 31})
#: Kind of the points that a group tells something of.
KIND_OF_GROUP: dict[int, PointKind] = {group: kind for kind, group in STATIC_GROUP.items()} | {
    21: PointKind.COUNTER,
    31: PointKind.ANALOG_INPUT,
    _DEADBAND_GROUP: PointKind.ANALOG_INPUT,
}
#: Variations without flags, and those of the same type that have them.
_WITH_FLAGS = {
    **{(group, 1): 2 for group in (1, 3, 10)},
    **{(20, 5): 1, (20, 6): 2, (21, 9): 1, (21, 10): 2},
    **{(30, 3): 1, (30, 4): 2, (31, 5): 1, (31, 6): 2},
}
#: Variation of g34 by that of g30: in the type of the value.
_DEADBAND_VARIATION = np.array([0, 2, 1, 2, 1, 3, 3], dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class StaticRun:
    """Points of one kind told in one variation, by rising index. ``form`` is None for strings."""

    form: ObjectForm | None
    kind: PointKind
    index: NDArray[np.uint32]
    rows: NDArray[np.intp]
    width: int  # octets of an index: one width for all that a header of the request chose
    image: StaticImage | None = None  # where the octets of all points of the group are kept
    first: int = 0  # position in the image

    @property
    def group(self) -> int:
        """The object group."""
        return _STRING_GROUP if self.form is None else self.form.group

    def part_from(self, first: int) -> "StaticRun":
        """What is left after the first objects have been told."""
        return replace(self, index=self.index[first:], rows=self.rows[first:], first=self.first + first)

    def __len__(self) -> int:
        return len(self.rows)


def static_runs(
    table: PointTable, group: int, chosen: slice | NDArray[np.intp] = slice(None), variation: int = 0
) -> list[StaticRun]:
    """Runs that tell the chosen points of a group, in the variation asked for (0 = each point's own)."""
    if not isinstance(chosen, slice) or chosen != slice(None):
        return _runs(table, group, chosen, variation)
    key = group, variation
    if key not in table.runs:
        table.runs[key] = [_with_image(run) for run in _runs(table, group, chosen, variation)]
    return table.runs[key]


def _with_image(run: StaticRun) -> StaticRun:
    """The run with kept octets, where it tells present values with flags that stand one after another."""
    form = run.form
    if form is None or not form.has_flags or form.group not in _PRESENT_GROUPS:
        return run
    if int(run.index[-1]) - int(run.index[0]) + 1 != len(run):
        return run
    return replace(run, image=StaticImage(form, run.kind, run.index, run.rows, run.width))


def _runs(table: PointTable, group: int, chosen: slice | NDArray[np.intp], variation: int) -> list[StaticRun]:
    columns = table.by_kind[KIND_OF_GROUP[group]]
    index, rows = columns.index[chosen], columns.rows[chosen]
    if not len(rows):
        return []
    if group == _STRING_GROUP:
        return [StaticRun(None, columns.kind, index, rows, 2)]
    width = index_width(index)
    if variation:
        return [StaticRun(form_of(group, variation), columns.kind, index, rows, width)]
    own = _own_variation(columns, group)[chosen]
    edges = [0, *(np.flatnonzero(np.diff(own)) + 1).tolist(), len(own)]
    return [
        StaticRun(form_of(group, int(own[a])), columns.kind, index[a:b], rows[a:b], width) for a, b in pairwise(edges)
    ]


def _own_variation(columns: KindColumns, group: int) -> NDArray[np.uint8]:
    if group in _FROZEN_GROUPS:
        return columns.frozen_variation
    return _DEADBAND_VARIATION[columns.static_variation] if group == _DEADBAND_GROUP else columns.static_variation


def encode_static(table: PointTable, run: StaticRun, room: int) -> tuple[bytes, int]:
    """Octets of as many points of the run as fit into ``room``, and how many they are."""
    if run.form is None:
        texts = zip(run.index.tolist(), run.rows.tolist(), strict=True)
        return build_octet_strings(
            _STRING_GROUP, ((index, octets_of_text(table.texts.get(row, ""))) for index, row in texts), room
        )
    if run.image is not None:
        return run.image.encode(table, run.first, len(run), room)
    # no more than can fit: a poll of thousands of points must not touch them all for every fragment
    most = room * 8 // run.form.bits if run.form.bits else room // run.form.size
    rows = run.rows[:most]
    value, quality = _held(table, run.group)
    columns = ObjectColumns(
        run.index[:most], value[rows], flags_of(quality[rows], run.kind), table.frozen_time_ms[rows]
    )
    flagged = _WITH_FLAGS.get((run.form.group, run.form.variation))
    if flagged is None:
        return build_static(run.form, columns, room, run.width)
    return _build_plain(run.form, form_of(run.form.group, flagged), columns, room, run.width)


def _build_plain(
    form: ObjectForm, flagged: ObjectForm, columns: ObjectColumns, room: int, width: int
) -> tuple[bytes, int]:
    """Static objects without flags, but with them wherever there is something to say.

    What carries no flags is good by definition: a point that is not online, or whose value the variation
    cannot hold, must not be told so.
    """
    plain = (columns.flags == ONLINE_FLAG) & fits(form, columns.value)
    edges = [0, *(np.flatnonzero(np.diff(plain)) + 1).tolist(), len(plain)]
    pieces: list[bytes] = []
    used = 0
    for first, end in pairwise(edges):
        octets, count = build_static(form if plain[first] else flagged, columns.part(first, end), room, width)
        pieces.append(octets)
        room -= len(octets)
        used += count
        if count < end - first:
            break
    return b"".join(pieces), used


def _held(table: PointTable, group: int) -> tuple[Values, QualityColumn]:
    if group in _FROZEN_GROUPS:
        return table.frozen_value, table.frozen_quality
    return (table.deadband if group == _DEADBAND_GROUP else table.value), table.quality
