"""Whatever is done to readings, and whatever is forced meanwhile: no quality becomes better than it came."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.points.build import batch
from vppscada.model.batch import Cause
from vppscada.model.conditioning import Conditioning
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality
from vppscada.points.database import Database

ROWS = 3
conditionings = st.builds(
    Conditioning,
    codes=st.sampled_from([(), (0.0, 4.0, 7.0)]),
    rollover=st.sampled_from([None, 10.0]),
    rate_limit_per_s=st.sampled_from([None, 1.0]),
    clamp=st.booleans(),
    substitute=st.sampled_from([None, 3.0]),
    frozen_after_s=st.sampled_from([None, 1.0]),
)
numbers = st.sampled_from([0.0, 4.0, 7.0, 9.0, 50.0, -3.0, float("nan"), float("inf")])
item = st.tuples(st.integers(0, ROWS - 1), numbers, st.integers(0, 0x7FF))
step = st.tuples(
    st.lists(item, min_size=1, max_size=6),
    st.sampled_from([Cause.CYCLIC, Cause.EVENT]),
    st.integers(0, 3_000),
    st.sampled_from(["nothing", "force", "release", "lose", "age"]),
)


def not_better(quality: int, source: int) -> bool:
    """Online only if the source was, and every other bit of the source still there."""
    return not (quality & ~source & Quality.ONLINE) and not (source & ~quality & ~Quality.ONLINE)


@settings(max_examples=300, deadline=None)
@given(st.lists(conditionings, min_size=ROWS, max_size=ROWS), st.lists(step, max_size=12))
def test_no_reading_becomes_better_than_it_came(
    how: list[Conditioning], steps: list[tuple[list[tuple[int, float, int]], Cause, int, str]]
) -> None:
    points = [
        Point(f"a.p{i}", PointKind.ANALOG_INPUT, maximum=8.0, stale_after_s=2.0, conditioning=one)
        for i, one in enumerate(how)
    ]
    database = Database(points)
    came = [int(Quality.RESTART)] * ROWS  # the least that each point's quality must say, were it not forced
    now_ms = 1
    for items, cause, pause_ms, what in steps:
        now_ms += pause_ms
        rows, values, qualities = zip(*items, strict=True)
        database.apply(batch(rows, values, quality=list(qualities), cause=cause, received_ms=now_ms))
        for row, quality in zip(rows, qualities, strict=True):
            came[row] = quality
        if what == "force":
            database.force(0, 1.0, "test", "me", now_ms + 2_000, now_ms)
        elif what == "release" and 0 in database.forces:
            database.release(0)
        elif what == "lose":
            database.comm_lost([0, 1], now_ms)
            came[0], came[1] = (came[i] & ~Quality.ONLINE | Quality.COMM_LOST for i in (0, 1))
        elif what == "age":
            database.mark_stale(now_ms)
        database.release_expired(now_ms)
        for row in range(ROWS):
            if row in database.forces:
                assert database.quality[row] == Quality.ONLINE | Quality.LOCAL_FORCED
                assert database.value[row] == 1.0
            else:
                assert not_better(int(database.quality[row]), came[row])
