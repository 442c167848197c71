"""On no path through the points database does quality become better than what it was made from."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vppscada.model.batch import Batch, Cause
from vppscada.model.changes import ChangeSet, LastValues
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality, TimeQuality, is_fit
from vppscada.points.database import Database

ROWS = 4
MAXIMUM = 1e6
EVERY_BIT = 0x7FF

qualities = st.integers(0, EVERY_BIT)
rows = st.integers(-1, ROWS)  # one before and one behind are no rows
item = st.tuples(
    rows,
    st.sampled_from(["good", "beyond", "nan", "inf"]),
    qualities,
    st.integers(0, 5),
    st.sampled_from(list(TimeQuality)),
)
received = st.integers(1, 20_000)
step = st.one_of(
    st.tuples(st.just("apply"), st.lists(item, max_size=8), st.sampled_from(list(Cause)), received),
    st.tuples(st.just("set_values"), st.lists(item, max_size=4), st.none(), received),
    st.tuples(st.just("comm_lost"), st.lists(st.integers(0, ROWS - 1), max_size=4), st.none(), received),
    st.tuples(st.just("mark_stale"), st.none(), st.none(), received),
    st.tuples(st.just("restart"), st.none(), st.none(), received),
)


def not_better(quality: int, source: int) -> bool:
    """Online only if the source was, and every other bit of the source still there."""
    fault_bits = source & ~Quality.ONLINE
    return (quality & Quality.ONLINE) <= (source & Quality.ONLINE) and (quality & fault_bits) == fault_bits


def points() -> list[Point]:
    return [
        Point(f"a.p{i}", PointKind.ANALOG_INPUT, maximum=MAXIMUM, deadband=0.5 * i, stale_after_s=5.0)
        for i in range(ROWS)
    ]


class Witness:
    """Remembers with which quality each value came in: every value is a number of its own."""

    def __init__(self) -> None:
        self.database = Database(points())
        self.came_with: dict[float, int] = {}
        self.changes: list[ChangeSet] = []
        self.database.subscribe(self.changes.append)
        self._next = 0.0

    def value(self, kind: str, quality: int) -> float:
        if kind in ("nan", "inf"):
            return float(kind)
        self._next += 1.0
        number = self._next + (2.0 * MAXIMUM if kind == "beyond" else 0.0)
        self.came_with[number] = quality
        return number

    def take(self, step: tuple) -> None:  # type: ignore[type-arg]
        what, argument, cause, now_ms = step
        before = self.database.quality.copy()
        match what:
            case "apply":
                self.database.apply(self.batch(argument, cause, now_ms))
            case "set_values":
                own = [one for one in argument if 0 <= one[0] < ROWS]
                batch = self.batch(own, Cause.CALCULATED, now_ms)
                self.database.set_values(batch.rows, batch.value, batch.quality, now_ms)
            case "comm_lost":
                self.database.comm_lost(argument, now_ms)
                assert not is_fit(self.database.quality[argument]).any()
                self.no_row_is_better_than(before)
            case "mark_stale":
                self.database.mark_stale(now_ms)
                self.no_row_is_better_than(before)
            case "restart":
                self.restart()
                self.no_row_is_better_than(before)
                assert not is_fit(self.database.quality).any()

    def batch(self, items: list[tuple[int, str, int, int, TimeQuality]], cause: Cause, now_ms: int) -> Batch:
        return Batch(
            np.array([one[0] for one in items], dtype=np.intp),
            np.array([self.value(one[1], one[2]) for one in items], dtype=np.float64),
            np.array([one[2] for one in items], dtype=np.uint16),
            np.array([one[3] for one in items], dtype=np.int64),
            np.array([one[4] for one in items], dtype=np.uint8),
            now_ms,
            cause,
        )

    def restart(self) -> None:
        old = self.database
        self.database = Database(points())
        self.database.subscribe(self.changes.append)
        self.database.restore(
            LastValues(
                np.arange(ROWS),
                old.value,
                old.quality,
                old.source_time_ms,
                old.time_quality,
                old.received_time_ms,
            )
        )

    def no_row_is_better_than(self, before: np.ndarray) -> None:
        for now, then in zip(self.database.quality.tolist(), before.tolist(), strict=True):
            assert not_better(now, then)

    def check(self) -> None:
        seen = [(self.database.value.tolist(), self.database.quality.tolist())]
        seen += [(one.value.tolist(), one.quality.tolist()) for one in self.changes]
        self.changes.clear()
        for values, found in seen:
            for value, quality in zip(values, found, strict=True):
                self.check_one(value, quality)

    def check_one(self, value: float, quality: int) -> None:
        if value in self.came_with:
            assert not_better(quality, self.came_with[value])
        if not value <= MAXIMUM:
            assert quality & (Quality.OVER_RANGE | Quality.RESTART)
            assert not is_fit(np.array([quality], dtype=np.uint16))[0]


@settings(max_examples=300, deadline=None)
@given(st.lists(step, max_size=12))
def test_quality_is_never_better_than_what_it_was_made_from(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    witness = Witness()
    for one in steps:
        witness.take(one)
        witness.check()
