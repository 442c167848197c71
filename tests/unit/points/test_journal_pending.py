"""What waits for the disk: cells, chunks, and what gives way when too much waits."""

import numpy as np

from tests.unit.points.build import analog, batch
from vppscada.model.batch import Cause
from vppscada.model.changes import ChangeSet
from vppscada.model.points import Point
from vppscada.points.database import Database
from vppscada.points.journal_pending import Pending

NUMBERS = np.arange(100, 104)
POINTS = [analog("p"), analog("q", event_class=1), analog("r"), analog("s")]


class Source:
    """A database whose change sets are collected."""

    def __init__(self, points: list[Point]) -> None:
        self.database = Database(points)

    def cyclic(self, row: int, value: float) -> ChangeSet:
        return self.database.apply(batch([row], [value]))

    def events(self, row: int, values: list[float]) -> ChangeSet:
        return self.database.apply(batch([row] * len(values), values, cause=Cause.EVENT))


def history_values(pending: Pending) -> list[float]:
    return [row[1] for row in pending.take().changes(NUMBERS)]


def test_a_value_that_changed_many_times_waits_once() -> None:
    source, pending = Source(POINTS), Pending(POINTS, 10)
    for value in (1.0, 2.0, 3.0):
        pending.note(source.cyclic(0, value))
    taken = pending.take()
    assert [(row[0], row[1]) for row in taken.last_values(NUMBERS)] == [(100, 3.0)]
    assert list(taken.changes(NUMBERS)) == []


def test_events_and_changes_of_points_with_an_event_class_are_history() -> None:
    source, pending = Source(POINTS), Pending(POINTS, 10)
    pending.note(source.events(0, [1.0, 2.0]))
    pending.note(source.cyclic(1, 5.0))
    pending.note(source.cyclic(2, 9.0))
    rows = list(pending.take().changes(NUMBERS))
    assert [(row[0], row[1], row[6]) for row in rows] == [
        (100, 1.0, "event"),
        (100, 2.0, "event"),
        (101, 5.0, "cyclic"),
    ]


def test_a_late_event_is_history_and_not_the_last_value() -> None:
    source, pending = Source(POINTS), Pending(POINTS, 10)
    pending.note(source.database.apply(batch([0], [2.0], cause=Cause.EVENT, times=[20])))
    pending.note(source.database.apply(batch([0], [1.0], cause=Cause.EVENT, times=[10])))
    taken = pending.take()
    assert [row[1] for row in taken.last_values(NUMBERS)] == [2.0]
    assert [row[1] for row in taken.changes(NUMBERS)] == [2.0, 1.0]


def test_nothing_waits_after_it_was_taken() -> None:
    source, pending = Source(POINTS), Pending(POINTS, 10)
    pending.note(source.events(0, [1.0]))
    assert not pending.take().is_empty
    assert pending.take().is_empty


def test_what_is_put_back_comes_first_and_does_not_overwrite_what_is_newer() -> None:
    source, pending = Source(POINTS), Pending(POINTS, 10)
    pending.note(source.events(0, [1.0]))
    pending.note(source.cyclic(2, 7.0))
    taken = pending.take()
    pending.note(source.events(0, [2.0]))
    assert pending.put_back(taken) == 0
    again = pending.take()
    assert {row[0]: row[1] for row in again.last_values(NUMBERS)} == {100: 2.0, 102: 7.0}
    assert [row[1] for row in again.changes(NUMBERS)] == [1.0, 2.0]


def test_history_that_is_no_event_collapses_first_and_its_last_value_stays() -> None:
    source, pending = Source(POINTS), Pending(POINTS, 4)
    for value in (1.0, 2.0, 3.0):
        pending.note(source.cyclic(1, value))
    assert pending.note(source.events(0, [10.0, 11.0])) == 0
    assert pending.statistics["changes_collapsed"] == 2
    taken = pending.take()
    assert [row[1] for row in taken.changes(NUMBERS)] == [3.0, 10.0, 11.0]
    assert {row[0]: row[1] for row in taken.last_values(NUMBERS)} == {100: 11.0, 101: 3.0}


def test_events_give_way_only_when_they_alone_are_too_many_and_that_is_told() -> None:
    source, pending = Source(POINTS), Pending(POINTS, 3)
    pending.note(source.cyclic(1, 5.0))
    assert pending.note(source.events(0, [1.0, 2.0])) == 0
    assert pending.note(source.events(0, [3.0, 4.0])) == 2
    assert pending.statistics["events_lost"] == 2
    assert history_values(pending) == [3.0, 4.0]


def test_the_bound_holds_for_what_is_put_back_too() -> None:
    source, pending = Source(POINTS), Pending(POINTS, 3)
    pending.note(source.events(0, [1.0, 2.0]))
    taken = pending.take()
    pending.note(source.events(0, [3.0, 4.0]))
    assert pending.put_back(taken) == 2
    assert pending.history_rows == 2
    assert history_values(pending) == [3.0, 4.0]
