"""Whoever follows the change sets knows the state: so do an EMS, and the journal after a restart."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vppscada.model.batch import Batch, Cause
from vppscada.model.changes import ChangeSet
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import TimeQuality
from vppscada.points.database import Database
from vppscada.points.journal_pending import Pending

ROWS = 2
POINTS = [Point(f"a.p{i}", PointKind.ANALOG_INPUT, deadband=2.0 * i, event_class=i) for i in range(ROWS)]
# Few values of everything, so that the same point is often told the same, a little more, or something older.
item = st.tuples(
    st.integers(0, ROWS - 1),
    st.sampled_from([0.0, 1.5, 3.0, 4.5, float("nan")]),
    st.sampled_from([0x01, 0x01, 0x01, 0x21]),
    st.integers(0, 3),
    st.sampled_from([TimeQuality.NONE, TimeQuality.SYNCHRONISED]),
)
step = st.one_of(
    st.tuples(st.lists(item, max_size=4), st.sampled_from([Cause.CYCLIC, Cause.EVENT, Cause.UNSOLICITED])),
    st.tuples(st.lists(st.integers(0, ROWS - 1), max_size=3), st.none()),
)


class Replica:
    """The state as told by change sets alone."""

    def __init__(self) -> None:
        self.value = np.full(ROWS, np.nan)
        self.quality = np.full(ROWS, 0x02, dtype=np.uint16)
        self.source_time_ms = np.zeros(ROWS, dtype=np.int64)

    def follow(self, changes: ChangeSet) -> None:
        now = changes.where(changes.current)
        self.value[now.rows] = now.value
        self.quality[now.rows] = now.quality
        self.source_time_ms[now.rows] = now.source_time_ms


def batch(items: list[tuple[int, float, int, int, int]], cause: Cause, now_ms: int) -> Batch:
    rows, values, qualities, times, time_qualities = zip(*items, strict=True) if items else ([], [], [], [], [])
    return Batch(
        np.array(rows, dtype=np.intp),
        np.array(values, dtype=np.float64),
        np.array(qualities, dtype=np.uint16),
        np.array(times, dtype=np.int64),
        np.array(time_qualities, dtype=np.uint8),
        now_ms,
        cause,
    )


@settings(max_examples=500, deadline=None)
@given(st.lists(step, max_size=12))
def test_change_sets_tell_every_quality_and_every_value_to_within_its_deadband(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    database, replica, pending = Database(POINTS), Replica(), Pending(POINTS, 10_000)
    database.subscribe(replica.follow)
    database.subscribe(pending.note)
    events: list[float] = []
    for now_ms, (items, cause) in enumerate(steps, start=1):
        if cause is None:
            database.comm_lost(items, now_ms)
        else:
            database.apply(batch(items, cause, now_ms))
            events += [one[1] for one in items if cause in (Cause.EVENT, Cause.UNSOLICITED)]
    assert replica.quality.tolist() == database.quality.tolist()
    off = np.abs(replica.value - database.value)
    deadband = np.array([point.deadband for point in POINTS])
    assert ((off <= deadband) | (np.isnan(replica.value) & np.isnan(database.value))).all()

    taken = pending.take()
    kept = Replica()
    kept.value[taken.last_rows] = taken.value
    kept.quality[taken.last_rows] = taken.quality
    assert np.array_equal(kept.value, replica.value, equal_nan=True)
    assert kept.quality.tolist() == replica.quality.tolist()
    written = [row[1] for row in taken.changes(np.arange(ROWS)) if row[6] in ("event", "unsolicited")]
    assert np.array_equal(written, events, equal_nan=True)  # each event once, in order
