"""Which item of a batch becomes the state of its point, as if the items were taken one after another."""

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import Batch, Rows, TimeQualityColumn, TimesMs
from vppscada.model.quality import TimeQuality

Positions = NDArray[np.intp]
#: Rows of a column: one by one, or a run of them, which is read and written without looking each up.
Where = Rows | slice


def run_of(rows: Rows, size: int) -> slice | None:
    """The rows as a slice of columns of this size if they rise one by one and all exist; None if not."""
    if not len(rows):
        return None
    first, end = int(rows[0]), int(rows[-1]) + 1
    n = len(rows)
    if first < 0 or end > size or end - first != n or np.count_nonzero(rows[1:] > rows[:-1]) != n - 1:
        return None
    return slice(first, end)


class Runs:
    """`run_of`, worked out once for rows that cannot be written to: they are the same in every batch."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Rows, slice | None]] = {}

    def of(self, rows: Rows, size: int) -> slice | None:
        """As `run_of`; ``size`` is always the same."""
        if rows.flags.writeable:
            return run_of(rows, size)
        known = self._known.get(id(rows))
        if known is None or known[0] is not rows:
            known = self._known[id(rows)] = rows, run_of(rows, size)
        return known[1]


def has_duplicates(rows: Rows, scratch: Positions) -> bool:
    """True if a row occurs more than once. ``scratch`` is written to; it must cover every row."""
    if len(rows) < 2 or bool((rows[1:] > rows[:-1]).all()):
        return False
    order = np.arange(len(rows))
    scratch[rows] = order
    return not bool((scratch[rows] == order).all())


def last_of_each(rows: Rows) -> Positions:
    """Positions of the last item of every row, in the order received."""
    _, first_reversed = np.unique(rows[::-1], return_index=True)
    return np.sort(len(rows) - 1 - first_reversed)


def not_late(
    time_ms: TimesMs, time_quality: TimeQualityColumn, state_ms: TimesMs, state_quality: TimeQualityColumn
) -> NDArray[np.bool_]:
    """True where an event may become the state.

    Two times compare only if they come with the same quality: then they are of one clock. An event without
    time, or of a clock that was set meanwhile, is taken as it comes.
    """
    comparable = (time_quality == state_quality) & (time_quality != TimeQuality.NONE)
    newer: NDArray[np.bool_] = ~comparable | (time_ms >= state_ms)
    return newer


def newest_of_each(
    rows: Rows,
    time_ms: TimesMs,
    time_quality: TimeQualityColumn,
    state_ms: TimesMs,
    state_quality: TimeQualityColumn,
) -> Positions:
    """Positions of the events that are their points' state after all were taken in order.

    ``state_ms`` and ``state_quality`` are columns by row, as they were before. A point whose events are all
    late has no position here.
    """
    order = np.argsort(rows, kind="stable")
    row, time, quality = rows[order], time_ms[order], time_quality[order]
    first = np.ones(len(row), dtype=np.bool_)
    first[1:] = row[1:] != row[:-1]
    group = np.cumsum(first) - 1

    # From a break on, what went before can no longer be compared: the item at the break is taken unseen.
    before = np.empty_like(quality)
    before[1:] = quality[:-1]
    before[first] = state_quality[row[first]]
    breaks = (quality == TimeQuality.NONE) | (quality != before)
    position = np.arange(len(row))
    start = np.full(int(group[-1]) + 1, -1, dtype=np.intp)
    np.maximum.at(start, group[breaks], position[breaks])

    unbroken = start[group] < 0
    run = (position >= start[group]) & (~unbroken | (time >= state_ms[row]))
    kept = position[run]
    ranked = kept[np.lexsort((kept, time[kept], group[kept]))]
    last = np.ones(len(ranked), dtype=np.bool_)
    last[:-1] = group[ranked[1:]] != group[ranked[:-1]]
    return np.sort(order[ranked[last]])


def items_at(batch: Batch, at: Positions) -> Batch:
    """The items of a batch at some positions."""
    rows = batch.rows[at]
    texts = batch.texts
    if texts:
        kept = set(rows.tolist())
        texts = {row: text for row, text in texts.items() if row in kept}
    return Batch(
        rows,
        batch.value[at],
        batch.quality[at],
        batch.source_time_ms[at],
        batch.time_quality[at],
        batch.received_time_ms,
        batch.cause,
        texts,
    )
