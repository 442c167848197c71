"""Events that an outstation reports again because our confirmation may not have reached it. Pure.

What was delivered is remembered until it is known that its confirmation arrived: on media that keep the order, when
a request that left after it is answered. Until then the same events in the same order (same row, value, flags and
time) are repeats and are not delivered twice. After a new connection the outstation may cut or choose them
otherwise, so events with a time are then recognised wherever they stand. Events without a time could as well be new
ones that look the same: they count as repeats only right after a new connection, and only if everything that was
left unconfirmed comes again.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import Batch, Cause, Rows, TimesMs
from vppscada.model.quality import QualityColumn

_EVENTS = (Cause.EVENT, Cause.UNSOLICITED)
#: Events remembered at most; more than the largest fragments hold that can be unconfirmed at once.
MOST = 1 << 16
#: Fragments of a new connection in which repeats are looked for one by one: classes may be asked for one by one too.
_FRAGMENTS = 16


class _Events(NamedTuple):
    """What makes an event that event, in columns."""

    rows: Rows
    value: NDArray[np.int64]  # bits of the value, or of a string's hash: NaN must equal itself
    quality: QualityColumn
    time_ms: TimesMs

    @property
    def size(self) -> int:
        return len(self.rows)

    def part(self, start: int, stop: int) -> "_Events":
        part = slice(start, stop)
        return _Events(self.rows[part], self.value[part], self.quality[part], self.time_ms[part])

    def same_as(self, other: "_Events") -> bool:
        # the first one tells, as a rule
        if not (self.rows[0] == other.rows[0] and self.time_ms[0] == other.time_ms[0]):
            return False
        return (
            np.array_equal(self.time_ms, other.time_ms)
            and np.array_equal(self.rows, other.rows)
            and np.array_equal(self.value, other.value)
            and np.array_equal(self.quality, other.quality)
        )

    def each(self) -> "zip[tuple[int, int, int, int]]":
        """Row, value, flags and time of each."""
        columns = self.rows.tolist(), self.value.tolist(), self.quality.tolist(), self.time_ms.tolist()
        return zip(*columns, strict=True)


_NONE = _Events(
    np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint16), np.zeros(0, dtype=np.int64)
)


class Repeats:
    """The memory of one session; it outlives connections."""

    def __init__(self, statistics: Counter[str]) -> None:
        self._statistics = statistics
        self._unconfirmed = _NONE  # the last fragment's, or several fragments' that are being repeated in pieces
        self._repeated = 0  # how many of them came again already
        self._older = _NONE  # what was unconfirmed before; only while ``_anew``
        self._anew = 0  # fragments of a new connection in which repeats may stand anywhere
        self._only_repeats = False  # nothing else came since the connection is new
        self._asked: int | None = None  # sequence of the last request, if it left after the last confirmation
        self._keeps_order = True
        self._withheld = False  # the last fragment was not confirmed: it will come again

    def connected(self, *, keeps_order: bool) -> None:
        """A new connection begins; with ``keeps_order`` nothing that arrives on it overtakes or is lost alone."""
        self._keeps_order = keeps_order
        self._asked = None
        self._repeated = 0
        self._only_repeats = self._unconfirmed.size > 0
        self._anew = _FRAGMENTS if self._unconfirmed.size else 0

    def confirmation_left(self) -> None:
        """A confirmation was sent."""
        self._asked = None
        self._withheld = False

    def confirmation_withheld(self) -> None:
        """A fragment is not going to be confirmed: its events are reported again, whatever is asked meanwhile."""
        self._asked = None
        self._withheld = True

    def request_left(self, sequence: int) -> None:
        """A request was sent, after whatever confirmation came before."""
        self._asked = None if self._withheld else sequence

    def response_arrived(self, sequence: int) -> None:
        """A solicited response arrived and is about to be taken."""
        if self._keeps_order and not self._anew and sequence == self._asked:
            self._unconfirmed = _NONE
            self._repeated = 0

    def fresh(self, batches: Sequence[Batch]) -> list[Batch]:
        """The batches of one fragment (its events, if any, come first) without what was delivered before."""
        if not batches or batches[0].cause not in _EVENTS or not len(batches[0]):
            return list(batches)
        first = self._sift(batches[0])
        return [first, *batches[1:]] if len(first) else list(batches[1:])

    def _sift(self, batch: Batch) -> Batch:
        events = _events(batch)
        if self._anew:
            self._older = _joined(self._older, self._unconfirmed)
        count = self._repeated_first(events)
        if not count and not self._anew:
            self._unconfirmed, self._repeated, self._older = events, 0, _NONE
            return batch
        known = np.arange(events.size) < count
        if self._anew and not known.all():
            known |= self._recognised(events)
            self._anew -= 1
        if not count:
            self._unconfirmed, self._repeated = events, 0
        self._only_repeats = self._only_repeats and bool(known.all())
        self._statistics["events_repeated"] += int(np.count_nonzero(known))
        return _without(batch, known)

    def _repeated_first(self, events: _Events) -> int:
        """How many of the events, from the first, are the unconfirmed ones, from their first or where we were."""
        for start in {self._repeated, 0}:
            count = min(events.size, self._unconfirmed.size - start)
            if count <= 0 or not self._is_repeat(events.part(0, count), start):
                continue
            if start + count < self._unconfirmed.size:
                self._unconfirmed, self._repeated = self._unconfirmed.part(start, self._unconfirmed.size), count
            else:
                self._unconfirmed, self._repeated = events, 0
            return count
        return 0

    def _is_repeat(self, events: _Events, start: int) -> bool:
        if not events.same_as(self._unconfirmed.part(start, start + events.size)):
            return False
        all_come_again = start + events.size == self._unconfirmed.size
        return bool(events.time_ms.all()) or ((self._only_repeats or self._withheld) and all_come_again)

    def _recognised(self, events: _Events) -> NDArray[np.bool_]:
        """Events with a time that are among the unconfirmed, each of those once."""
        left = Counter(self._older.each())
        known = np.zeros(events.size, dtype=np.bool_)
        for at, event in enumerate(events.each()):
            if event[3] and left[event] > 0:
                left[event] -= 1
                known[at] = True
        return known


def _events(batch: Batch) -> _Events:
    value = np.ascontiguousarray(batch.value).view(np.int64)
    if batch.texts:
        hashes = {row: hash(text) for row, text in batch.texts.items()}
        value = np.array([hashes.get(row, bits) for row, bits in zip(batch.rows.tolist(), value.tolist(), strict=True)])
    return _Events(batch.rows, value, batch.quality, batch.source_time_ms)


def _joined(before: _Events, events: _Events) -> _Events:
    return _Events(
        np.concatenate([before.rows, events.rows])[-MOST:],
        np.concatenate([before.value, events.value])[-MOST:],
        np.concatenate([before.quality, events.quality])[-MOST:],
        np.concatenate([before.time_ms, events.time_ms])[-MOST:],
    )


def _without(batch: Batch, known: NDArray[np.bool_]) -> Batch:
    if not known.any():
        return batch
    kept = ~known
    rows = batch.rows[kept]
    present = set(rows.tolist())
    return replace(
        batch,
        rows=rows,
        value=batch.value[kept],
        quality=batch.quality[kept],
        source_time_ms=batch.source_time_ms[kept],
        time_quality=batch.time_quality[kept],
        texts={row: text for row, text in batch.texts.items() if row in present},
    )
