"""Forced values: they stand whatever is reported, end by order or by themselves, and give way to what came last."""

import math

import pytest

from tests.unit.points.build import analog, batch
from vppscada.model.batch import Cause
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality
from vppscada.points.database import Database

GOOD = int(Quality.ONLINE)
FORCED = int(Quality.ONLINE | Quality.LOCAL_FORCED)


@pytest.fixture
def database() -> Database:
    made = Database([analog("x", stale_after_s=5.0), analog("y")])
    made.apply(batch([0, 1], [1.0, 2.0], times=[100, 100], received_ms=1_000))
    made.force(0, 9.0, "sensor under repair", "mh", 60_000, 2_000)
    return made


def test_a_forced_value_is_told_as_such(database: Database) -> None:
    assert (database.value[0], database.quality[0]) == (9.0, FORCED)
    assert database.forces[0].reason == "sensor under repair"
    assert database.forces[0].by == "mh"


def test_reports_do_not_touch_it_and_the_last_of_them_stands_after_the_release(database: Database) -> None:
    told: list[int] = []
    database.subscribe(lambda changes: told.extend(changes.rows.tolist()))
    database.apply(batch([0, 1], [5.0, 6.0], times=[200, 200], received_ms=3_000))
    database.apply(batch([0, 0], [6.0, 7.0], times=[300, 400], cause=Cause.EVENT, received_ms=4_000))
    assert told == [1]
    assert (database.value[0], database.quality[0]) == (9.0, FORCED)
    database.release(0)
    assert (database.value[0], database.quality[0], database.source_time_ms[0]) == (7.0, GOOD, 400)
    assert told == [1, 0]


def test_a_lost_session_does_not_touch_it_and_is_told_after_the_release(database: Database) -> None:
    database.comm_lost([0, 1], 3_000)
    assert database.quality.tolist() == [FORCED, Quality.COMM_LOST]
    database.release(0)
    assert (database.value[0], database.quality[0]) == (1.0, Quality.COMM_LOST)


def test_a_point_that_went_stale_meanwhile_is_found_stale_after_the_release(database: Database) -> None:
    database.mark_stale(20_000)
    assert database.quality[0] == FORCED
    database.release(0)
    database.mark_stale(20_500)
    assert database.quality[0] == Quality.ONLINE | Quality.STALE


def test_calculated_values_give_way_as_well(database: Database) -> None:
    database.set_values([0], [3.0], Quality.ONLINE, 3_000)
    assert database.value[0] == 9.0
    database.release(0)
    assert database.value[0] == 3.0


def test_it_ends_by_itself(database: Database) -> None:
    assert database.release_expired(59_999) == []
    assert database.release_expired(60_000) == [0]
    assert (database.value[0], database.quality[0]) == (1.0, GOOD)
    assert not database.forces


def test_a_further_force_keeps_what_was_beneath_the_first(database: Database) -> None:
    database.force(0, 8.0, "another value", "mh", None, 3_000)
    assert database.value[0] == 8.0
    assert database.release_expired(10**12) == []
    database.release(0)
    assert database.value[0] == 1.0


def test_what_cannot_be_forced_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="nan"):
        database.force(1, math.nan, "", "", None, 1)
    with pytest.raises(IndexError):
        database.force(2, 1.0, "", "", None, 1)
    with pytest.raises(KeyError):
        database.release(1)
    with pytest.raises(ValueError, match=r"a\.t"):
        Database([Point("a.t", PointKind.STRING)]).force(0, 1.0, "", "", None, 1)
