"""The points database: what becomes state, what becomes a change, and what quality it has."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.points.build import analog, batch
from vppscada.model.batch import Cause
from vppscada.model.changes import ChangeSet, LastValues
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality, TimeQuality
from vppscada.points.database import Database

ONLINE = int(Quality.ONLINE)
NAN = float("nan")


def test_at_start_nothing_is_known() -> None:
    database = Database([analog("p"), analog("q")])
    assert np.isnan(database.value).all()
    assert database.quality.tolist() == [Quality.RESTART] * 2
    assert database.received_time_ms.tolist() == [0, 0]


def test_device_units_become_engineering_units() -> None:
    database = Database([analog("p", scale=0.5, offset=10.0), analog("q")])
    changes = database.apply(batch([0, 1], [4.0, 4.0]))
    assert database.value.tolist() == [12.0, 4.0]
    assert changes.value.tolist() == [12.0, 4.0]


def test_the_first_report_is_a_change_even_within_the_deadband() -> None:
    database = Database([analog("p", deadband=5.0)])
    assert database.apply(batch([0], [1.0])).rows.tolist() == [0]


def test_a_deadband_holds_against_the_last_reported_value_and_not_against_the_last_value() -> None:
    database = Database([analog("p", deadband=1.0)])
    database.apply(batch([0], [10.0]))
    assert len(database.apply(batch([0], [10.7]))) == 0
    assert database.value[0] == 10.7
    assert database.apply(batch([0], [11.4])).value.tolist() == [11.4]  # 0.7 from the last, 1.4 from the reported


def test_a_change_of_quality_is_reported_within_the_deadband() -> None:
    database = Database([analog("p", deadband=1.0)])
    database.apply(batch([0], [10.0]))
    changes = database.apply(batch([0], [10.0], quality=Quality.ONLINE | Quality.LOCAL_FORCED))
    assert changes.quality.tolist() == [Quality.ONLINE | Quality.LOCAL_FORCED]


def test_limits_are_engineering_values_and_mark_over_range() -> None:
    database = Database([analog("p", scale=0.1, maximum=10.0)])
    database.apply(batch([0], [101.0]))
    assert database.quality[0] == Quality.ONLINE | Quality.OVER_RANGE
    database.apply(batch([0], [99.0]))
    assert database.quality[0] == ONLINE


def test_every_event_is_a_change_in_its_order_and_the_last_is_the_state() -> None:
    database = Database([analog("p", deadband=100.0), analog("q")])
    changes = database.apply(batch([0, 1, 0, 0], [1.0, 7.0, 1.0, 2.0], cause=Cause.EVENT, times=[10, 11, 12, 13]))
    assert changes.rows.tolist() == [0, 1, 0, 0]
    assert changes.value.tolist() == [1.0, 7.0, 1.0, 2.0]
    assert changes.current.tolist() == [False, True, False, True]
    assert database.value.tolist() == [2.0, 7.0]


def test_a_late_event_is_told_but_does_not_overwrite_newer_state() -> None:
    database = Database([analog("p")])
    database.apply(batch([0], [5.0], cause=Cause.EVENT, times=[2_000], received_ms=2_001))
    changes = database.apply(batch([0], [4.0], cause=Cause.UNSOLICITED, times=[1_500], received_ms=2_500))
    assert changes.value.tolist() == [4.0]
    assert changes.current.tolist() == [False]
    assert (database.value[0], database.source_time_ms[0], database.received_time_ms[0]) == (5.0, 2_000, 2_001)


def test_events_of_one_batch_out_of_order_leave_the_newest_as_state() -> None:
    database = Database([analog("p")])
    database.apply(batch([0, 0], [2.0, 1.0], cause=Cause.EVENT, times=[20, 10]))
    assert (database.value[0], database.source_time_ms[0]) == (2.0, 20)


def test_a_static_reading_without_time_replaces_state_of_any_time() -> None:
    database = Database([analog("p")])
    database.apply(batch([0], [5.0], cause=Cause.EVENT, times=[2_000]))
    database.apply(batch([0], [6.0], cause=Cause.INTEGRITY))
    assert (database.value[0], database.time_quality[0]) == (6.0, TimeQuality.NONE)


def test_times_of_a_clock_that_was_set_meanwhile_do_not_compare() -> None:
    database = Database([analog("p")])
    database.apply(batch([0], [1.0], cause=Cause.EVENT, times=[9_000], time_quality=TimeQuality.UNSYNCHRONISED))
    database.apply(batch([0], [2.0], cause=Cause.EVENT, times=[5_000], time_quality=TimeQuality.SYNCHRONISED))
    assert database.value[0] == 2.0


def test_a_row_twice_in_a_cyclic_batch_is_one_change_with_the_last_value() -> None:
    database = Database([analog("p"), analog("q")])
    changes = database.apply(batch([1, 0, 1], [1.0, 2.0, 3.0]))
    assert dict(zip(changes.rows.tolist(), changes.value.tolist(), strict=True)) == {0: 2.0, 1: 3.0}
    assert len(changes) == 2


@pytest.mark.parametrize("cause", [Cause.CYCLIC, Cause.EVENT])
def test_rows_that_do_not_exist_are_dropped_and_counted(cause: Cause) -> None:
    database = Database([analog("p")])
    changes = database.apply(batch([-1, 0, 1, 99], [1.0, 2.0, 3.0, 4.0], cause=cause))
    assert changes.rows.tolist() == [0]
    assert database.value.tolist() == [2.0]
    assert database.statistics["rows_unknown"] == 3


@pytest.mark.parametrize("cause", list(Cause))
def test_an_empty_batch_changes_nothing_and_tells_nobody(cause: Cause) -> None:
    database = Database([analog("p")])
    told: list[ChangeSet] = []
    database.subscribe(told.append)
    assert len(database.apply(batch([], [], cause=cause))) == 0
    assert told == []


def test_texts_are_kept_and_reported_when_they_differ() -> None:
    database = Database([Point("a.maker", PointKind.STRING), analog("p")])
    changes = database.apply(batch([0], [NAN], texts={0: "Acme", 7: "stray"}))
    assert changes.texts == {0: "Acme"}
    assert database.quality[0] == ONLINE
    assert len(database.apply(batch([0], [NAN], texts={0: "Acme"}))) == 0
    assert database.apply(batch([0], [NAN], texts={0: "Other"})).texts == {0: "Other"}
    assert database.texts == {0: "Other"}


def test_lost_communication_keeps_the_value_and_marks_it() -> None:
    database = Database([analog("p"), analog("q")])
    database.apply(batch([0, 1], [1.0, 2.0]))
    changes = database.comm_lost([0, 0], now_ms=7_000)
    assert changes.rows.tolist() == [0]
    assert changes.cause is Cause.SESSION
    assert (database.value[0], database.quality[0]) == (1.0, Quality.COMM_LOST)
    assert database.received_time_ms[0] == 1_000
    assert len(database.comm_lost([0], now_ms=8_000)) == 0


def test_the_time_of_lost_communication_is_the_stations_and_not_that_of_the_value() -> None:
    database = Database([analog("p")])
    database.apply(batch([0], [1.0], cause=Cause.EVENT, times=[900]))
    changes = database.comm_lost([0], now_ms=7_000)
    assert changes.source_time_ms.tolist() == [900]
    assert changes.happened()[0].tolist() == [7_000]


def test_a_change_without_source_time_happened_when_it_was_received_and_says_so() -> None:
    database = Database([analog("p"), analog("q")])
    times, quality = database.apply(batch([0], [1.0], received_ms=1_234)).happened()
    assert (times.tolist(), quality.tolist()) == ([1_234], [TimeQuality.UNSYNCHRONISED])
    times, quality = database.apply(batch([1], [1.0], cause=Cause.EVENT, times=[77])).happened()
    assert (times.tolist(), quality.tolist()) == ([77], [TimeQuality.SYNCHRONISED])


def test_a_reading_goes_stale_once_and_an_unchanged_report_refreshes_it() -> None:
    database = Database([analog("p", stale_after_s=5.0), analog("forever")])
    database.apply(batch([0, 1], [1.0, 1.0], received_ms=1_000))
    assert len(database.mark_stale(6_000)) == 0
    assert len(database.apply(batch([0], [1.0], received_ms=5_000))) == 0  # unchanged
    assert len(database.mark_stale(9_000)) == 0
    assert database.mark_stale(10_001).rows.tolist() == [0]
    assert database.quality.tolist() == [Quality.ONLINE | Quality.STALE, ONLINE]
    assert len(database.mark_stale(11_000)) == 0
    assert database.apply(batch([0], [1.0], received_ms=12_000)).quality.tolist() == [ONLINE]


def test_calculated_values_are_engineering_units_with_deadband_and_limits() -> None:
    database = Database([analog("p", scale=10.0, deadband=1.0, maximum=100.0)])
    assert database.set_values([0], [50.0], Quality.ONLINE, 1_000).value.tolist() == [50.0]
    assert len(database.set_values([0], [50.5], Quality.ONLINE, 2_000)) == 0
    assert (database.value[0], database.source_time_ms[0]) == (50.5, 2_000)
    changes = database.set_values([0], [200.0], Quality.ONLINE, 3_000)
    assert changes.quality.tolist() == [Quality.ONLINE | Quality.OVER_RANGE]
    assert changes.cause is Cause.CALCULATED


@pytest.mark.parametrize("row", [-1, 1])
def test_a_calculated_row_that_does_not_exist_is_an_error(row: int) -> None:
    with pytest.raises(IndexError):
        Database([analog("p")]).set_values([row], [1.0], Quality.ONLINE, 1)


def test_a_subscriber_that_raises_stops_nobody_and_is_counted() -> None:
    database = Database([analog("p")])
    told: list[ChangeSet] = []

    def broken(_: ChangeSet) -> None:
        raise RuntimeError("no")

    database.subscribe(broken)
    database.subscribe(told.append)
    changes = database.apply(batch([0], [1.0]))
    assert told == [changes]
    assert database.statistics["subscribers_failed"] == 1


def test_whoever_unsubscribed_is_told_nothing_more() -> None:
    database = Database([analog("p")])
    told: list[ChangeSet] = []
    unsubscribe = database.subscribe(told.append)
    unsubscribe()
    unsubscribe()
    database.apply(batch([0], [1.0]))
    assert told == []


def test_restored_values_are_not_online_until_reported_anew() -> None:
    database = Database([analog("p"), analog("q"), Point("a.maker", PointKind.STRING)])
    told: list[ChangeSet] = []
    database.subscribe(told.append)
    database.restore(
        LastValues(
            rows=np.array([0, 2]),
            value=np.array([3.0, NAN]),
            quality=np.array([Quality.ONLINE | Quality.OVER_RANGE, Quality.ONLINE], dtype=np.uint16),
            source_time_ms=np.array([100, 0]),
            time_quality=np.array([TimeQuality.SYNCHRONISED, TimeQuality.NONE], dtype=np.uint8),
            received_time_ms=np.array([120, 120]),
            texts={2: "Acme"},
        )
    )
    assert told == []
    assert database.value[0] == 3.0
    assert database.quality.tolist() == [Quality.RESTART | Quality.OVER_RANGE, Quality.RESTART, Quality.RESTART]
    assert database.texts == {2: "Acme"}
    assert database.apply(batch([0], [3.0])).quality.tolist() == [ONLINE]


def test_a_snapshot_shows_the_state_of_the_rows_asked_for() -> None:
    database = Database([analog("p"), analog("q")])
    database.apply(batch([0, 1], [1.0, 2.0]))
    snapshot = database.snapshot([1], now_ms=5_000)
    assert (snapshot.rows.tolist(), snapshot.value.tolist(), snapshot.received_time_ms) == ([1], [2.0], 5_000)


def test_what_a_change_set_holds_does_not_change_with_the_database() -> None:
    database = Database([analog("p")])
    first = database.apply(batch([0], [1.0]))
    database.apply(batch([0], [2.0]))
    assert first.value.tolist() == [1.0]


def test_a_batch_is_not_written_to() -> None:
    database = Database([analog("p", maximum=0.5)])
    given = batch([0], [1.0])
    untouched = replace(given, value=given.value.copy())
    database.apply(given)
    assert given.value.tolist() == untouched.value.tolist()
    assert given.quality.tolist() == [ONLINE]


def test_where_keeps_the_masked_changes_and_their_texts() -> None:
    database = Database([Point("a.maker", PointKind.STRING), analog("p")])
    changes = database.apply(batch([0, 1], [NAN, 1.0], texts={0: "Acme"}))
    assert changes.where(np.array([False, True])).texts == {}
    kept = changes.where(np.array([True, False]))
    assert (kept.rows.tolist(), kept.texts) == ([0], {0: "Acme"})


def test_a_run_of_rows_leaves_what_the_same_readings_in_any_order_leave() -> None:
    points = [analog(f"p{i}", scale=2.0, offset=1.0, minimum=-50.0, maximum=50.0, deadband=3.0) for i in range(12)]
    in_a_run, shuffled = Database(points), Database(points)
    random = np.random.default_rng(5)
    for received_ms in range(1, 40):
        count = int(random.integers(1, 10))
        rows = np.arange(count) + int(random.integers(0, 12 - count))
        values = random.choice([0.0, 1.0, 2.0, 30.0, NAN, np.inf], count)
        order = random.permutation(count)
        one = in_a_run.apply(batch(rows.tolist(), values.tolist(), received_ms=received_ms))
        other = shuffled.apply(batch(rows[order].tolist(), values[order].tolist(), received_ms=received_ms))
        assert sorted(one.rows.tolist()) == sorted(other.rows.tolist())
        for column in ("value", "quality", "source_time_ms", "time_quality", "received_time_ms"):
            np.testing.assert_array_equal(getattr(in_a_run, column), getattr(shuffled, column))


def test_another_database_goes_on_where_this_one_stood() -> None:
    points = [analog("x", deadband=1.0), Point("a.t", PointKind.STRING), analog("y"), analog("gone")]
    before = Database(points)
    before.apply(
        batch([0, 1, 2, 3], [1.0, 0.0, 2.0, 3.0], times=[10, 10, 20, 30], received_ms=5_000, texts={1: "Acme"})
    )
    before.force(2, 9.0, "a test", "ann", None, 6_000)
    moved = [points[2], analog("new"), points[1], points[0]]
    after = Database(moved)
    told: list[int] = []
    after.subscribe(lambda changes: told.extend(changes.rows.tolist()))
    after.take_over(before, np.array([0, 2, 3]), np.array([2, 1, 0]))
    assert told == []
    assert after.value[[0, 3]].tolist() == [2.0, 1.0]  # what is forced comes as it is beneath
    assert after.quality.tolist() == [Quality.ONLINE, Quality.RESTART, Quality.ONLINE, Quality.ONLINE]
    assert (after.texts, after.source_time_ms.tolist()) == ({2: "Acme"}, [20, 0, 10, 10])
    assert np.isnan(after.value[1])
    after.apply(batch([3], [1.9], received_ms=7_000))
    assert told == []  # within the deadband of what was told before
    after.apply(batch([3], [2.1], received_ms=8_000))
    assert told == [3]
