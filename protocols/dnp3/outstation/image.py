"""Octets of static objects kept from poll to poll: only what was updated since is encoded again. No I/O, no clock."""

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.objects import IndexColumn, ObjectColumns, ObjectForm, encode_records, flags_of, range_header
from protocols.dnp3.outstation.points import PointTable
from vppscada.model.points import PointKind

_RANGE_HEADER = 7  # group, variation, qualifier, two 16-bit indexes


class StaticImage:
    """Points of one kind with consecutive indexes, in one variation that is no packed one.

    ``width``: octets of an index in a header.
    """

    def __init__(
        self, form: ObjectForm, kind: PointKind, index: IndexColumn, rows: NDArray[np.intp], width: int
    ) -> None:
        self._form = form
        self._kind = kind
        self._index = index
        self._rows = rows
        self._width = width
        self._start = int(index[0])
        self._records: NDArray[np.void] = np.zeros(len(rows), dtype=form.record)
        self._version = -1  # of the table's values, when the records were last looked at

    def encode(self, table: PointTable, first: int, count: int, room: int) -> tuple[bytes, int]:
        """Octets of as many of ``count`` points from position ``first`` on as fit into ``room``, and how many."""
        count = min(count, max(room - _RANGE_HEADER, 0) // self._form.size)
        if count == 0:
            return b"", 0
        self._renew(table)
        start = self._start + first
        head = range_header(self._form.group, self._form.variation, start, start + count - 1, self._width)
        return head + self._records[first : first + count].tobytes(), count

    def _renew(self, table: PointTable) -> None:
        if self._version == table.version:
            return
        at = np.flatnonzero(table.updated_at[self._rows] > self._version)
        self._version = table.version
        if not len(at):
            return
        rows = self._rows[at]
        no_times = np.zeros(len(at), dtype=np.int64)
        columns = ObjectColumns(self._index[at], table.value[rows], flags_of(table.quality[rows], self._kind), no_times)
        self._records[at] = encode_records(self._form, columns, prefix_width=0)
