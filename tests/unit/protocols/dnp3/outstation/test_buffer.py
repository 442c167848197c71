"""The event buffer: bounds, confirmation by fragment, and nothing reported before it is on disk."""

import numpy as np
import pytest

from protocols.dnp3.outstation.events import EVENT, EventArray, EventBuffer


def events(*classes: int, kind: int = 2, value: float = 0.0) -> EventArray:
    fresh = np.zeros(len(classes), dtype=EVENT)
    fresh["event_class"] = classes
    fresh["kind"] = kind
    fresh["value"] = value
    fresh["variation"] = 7
    return fresh


def ids(buffer: EventBuffer, *classes: int) -> list[int]:
    found: list[int] = buffer.at(buffer.waiting(frozenset(classes), None, 1000))["id"].tolist()
    return found


def test_events_wait_in_order_of_occurrence_by_class() -> None:
    buffer = EventBuffer(10)
    buffer.add(events(1, 2, 1))
    buffer.add(events(3, 1))
    assert ids(buffer, 1) == [1, 3, 5]
    assert ids(buffer, 2, 3) == [2, 4]
    assert buffer.classes_waiting() == (1, 2, 3)
    assert [buffer.count(c) for c in (1, 2, 3)] == [3, 1, 1]


def test_events_can_be_asked_for_by_kind_and_number() -> None:
    buffer = EventBuffer(10)
    buffer.add(events(1, 2, kind=0))
    buffer.add(events(1, 1, kind=2))
    assert buffer.at(buffer.waiting(None, 2, 1))["id"].tolist() == [3]


def test_a_confirmation_covers_exactly_what_was_written() -> None:
    buffer = EventBuffer(10)
    buffer.add(events(1, 1, 2))
    buffer.write(buffer.waiting(frozenset({1}), None, 1))
    assert ids(buffer, 1, 2) == [2, 3]
    buffer.add(events(1))
    assert buffer.confirm() == 1
    assert ids(buffer, 1, 2) == [2, 3, 4]
    assert buffer.confirm() == 0
    assert len(buffer) == 3


def test_without_a_confirmation_the_events_wait_again_in_their_old_places() -> None:
    buffer = EventBuffer(10)
    buffer.add(events(1, 1, 1))
    buffer.write(buffer.waiting(frozenset({1}), None, 2))
    assert ids(buffer, 1) == [3]
    assert buffer.unwrite() == 2
    assert ids(buffer, 1) == [1, 2, 3]


def test_overflow_keeps_the_newest_of_that_class_and_is_told_until_a_confirmation_made_room() -> None:
    buffer = EventBuffer(3)
    buffer.add(events(1, 2, 2))
    buffer.add(events(1, 1, 1, 1))
    assert ids(buffer, 1) == [5, 6, 7]
    assert ids(buffer, 2) == [2, 3]
    assert buffer.overflowed
    buffer.write(buffer.waiting(frozenset({2}), None, 10))
    buffer.confirm()
    assert buffer.overflowed
    buffer.write(buffer.waiting(frozenset({1}), None, 1))
    buffer.confirm()
    assert not buffer.overflowed


def test_more_events_at_once_than_a_class_holds_keep_the_newest() -> None:
    buffer = EventBuffer(3)
    buffer.add(events(*[1] * 1000))
    assert ids(buffer, 1) == [998, 999, 1000]


def test_memory_is_bounded_however_many_events_pass() -> None:
    buffer = EventBuffer(50)
    for _ in range(300):
        buffer.add(events(*[1, 2, 3] * 10))
        buffer.write(buffer.waiting(frozenset({1}), None, 3))
        buffer.confirm()
    assert len(buffer) == 47 + 50 + 50
    assert len(buffer._events) <= 1024


def test_a_written_event_that_overflows_is_not_confirmed_twice() -> None:
    buffer = EventBuffer(2)
    buffer.add(events(1, 1))
    buffer.write(buffer.waiting(frozenset({1}), None, 2))
    buffer.add(events(1))
    assert buffer.confirm() == 1
    assert ids(buffer, 1) == [3]


def test_with_a_store_events_are_reportable_only_once_saved() -> None:
    buffer = EventBuffer(10, durable=True)
    buffer.add(events(1, 1))
    unsaved = buffer.unsaved()
    buffer.add(events(1))
    assert ids(buffer, 1) == []
    assert buffer.classes_waiting() == ()
    assert buffer.owes_store
    buffer.saved(unsaved.id)
    assert ids(buffer, 1) == [1, 2]
    assert buffer.unsaved().id.tolist() == [3]


def test_confirmed_and_overflowed_events_are_discarded_from_the_store() -> None:
    buffer = EventBuffer(2, durable=True)
    buffer.add(events(1, 1, 1))
    buffer.saved(buffer.unsaved().id)
    buffer.write(buffer.waiting(frozenset({1}), None, 1))
    buffer.confirm()
    assert buffer.take_discards().tolist() == [1, 2]
    assert not buffer.owes_store
    buffer.owe_discards(np.array([1, 2]))
    assert buffer.take_discards().tolist() == [1, 2]


def test_without_a_store_nothing_is_owed() -> None:
    buffer = EventBuffer(2)
    buffer.add(events(1, 1, 1))
    assert not buffer.owes_store


def test_restored_events_come_first_and_numbers_go_on() -> None:
    earlier = EventBuffer(10, durable=True)
    earlier.add(events(1, 2, value=7.5))
    stored = earlier.unsaved()
    buffer = EventBuffer(10, durable=True)
    buffer.restore(stored, np.array([7, 7], dtype=np.uint8))
    buffer.add(events(1))
    buffer.saved(buffer.unsaved().id)
    assert ids(buffer, 1, 2) == [1, 2, 3]
    assert buffer.at(buffer.waiting(frozenset({1}), None, 1))["value"].tolist() == [7.5]
    assert not buffer.unsaved().id.tolist()


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 5000])
def test_any_number_of_events_is_taken(count: int) -> None:
    buffer = EventBuffer(10_000)
    buffer.add(events(*[2] * count))
    assert buffer.count(2) == count
