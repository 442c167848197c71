"""Events reported again: recognised while their confirmation may be lost, and new ones never taken for them."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.dnp3.master.repeats import Repeats
from vppscada.model.batch import Batch, Cause, untimed_batch
from vppscada.model.quality import Quality, TimeQuality

Event = tuple[int, float, int]  # row, value, time (0: none)

A, B, C, D = (1, 5.0, 1000), (2, 0.0, 1001), (1, 6.0, 1002), (3, 1.0, 1003)
ON, OFF = (4, 1.0, 0), (4, 0.0, 0)


def batch(events: Iterable[Event], cause: Cause = Cause.EVENT, texts: dict[int, str] | None = None) -> Batch:
    columns = list(events)
    n = len(columns)
    return Batch(
        rows=np.array([row for row, _, _ in columns], dtype=np.intp),
        value=np.array([value for _, value, _ in columns], dtype=np.float64),
        quality=np.full(n, Quality.ONLINE, dtype=np.uint16),
        source_time_ms=np.array([time for _, _, time in columns], dtype=np.int64),
        time_quality=np.full(n, TimeQuality.SYNCHRONISED, dtype=np.uint8),
        received_time_ms=0,
        cause=cause,
        texts=texts or {},
    )


class Memory:
    def __init__(self, keeps_order: bool = True) -> None:
        self.statistics: Counter[str] = Counter()
        self.repeats = Repeats(self.statistics)
        self.keeps_order = keeps_order
        self.reconnect()

    def reconnect(self) -> None:
        self.repeats.connected(keeps_order=self.keeps_order)

    def take(self, *events: Event, cause: Cause = Cause.EVENT) -> list[Event]:
        """What is delivered of a fragment with these events, which we confirm."""
        fresh = self.repeats.fresh([batch(events, cause)])
        self.repeats.confirmation_left()
        return [
            (int(row), float(value), int(time))
            for one in fresh
            for row, value, time in zip(one.rows, one.value, one.source_time_ms, strict=True)
        ]

    def poll(self, sequence: int = 3) -> None:
        """A request that is answered: whatever we confirmed before has arrived."""
        self.repeats.request_left(sequence)
        self.repeats.response_arrived(sequence)


def test_new_events_are_delivered_as_they_are() -> None:
    memory = Memory()
    assert memory.take(A, B) == [A, B]
    assert memory.take(C, ON) == [C, ON]
    assert not memory.statistics


def test_the_same_fragment_again_on_a_new_connection_is_a_repeat_and_what_follows_is_not() -> None:
    memory = Memory()
    memory.take(A, B, ON)
    memory.reconnect()
    assert memory.take(A, B, ON, C) == [C]
    assert memory.statistics["events_repeated"] == 3
    assert memory.take(D) == [D]


def test_repeats_may_come_several_times() -> None:
    memory = Memory()
    memory.take(A, B)
    for _ in range(3):
        memory.reconnect()
        assert memory.take(A, B) == []
    memory.reconnect()
    assert memory.take(A, B, C) == [C]
    memory.reconnect()
    assert memory.take(A, B, C, D) == [D]


def test_repeats_may_be_cut_otherwise() -> None:
    memory = Memory()
    memory.take(A, B, C)
    memory.reconnect()
    assert memory.take(A) == []
    assert memory.take(B, C, D) == [D]


def test_repeats_that_are_cut_otherwise_may_themselves_be_repeated() -> None:
    memory = Memory()
    memory.take(A, B, C)
    memory.reconnect()
    assert memory.take(A) == []
    memory.reconnect()
    assert memory.take(A, B) == []
    memory.reconnect()
    assert memory.take(A, B, C, D) == [D]


def test_repeats_may_come_by_classes_and_in_another_order_after_a_new_connection() -> None:
    memory = Memory()
    memory.take(A, B, C)
    memory.reconnect()
    assert memory.take(B, D) == [D]
    assert memory.take(A, C) == []


def test_repeats_of_one_class_are_recognised_after_new_events_of_another() -> None:
    memory = Memory()
    memory.take(A, B)
    memory.reconnect()
    assert memory.take(D) == [D]
    assert memory.take(A, B) == []


def test_what_is_known_to_be_confirmed_is_forgotten() -> None:
    memory = Memory()
    memory.take(A, ON)
    memory.poll()
    memory.reconnect()
    assert memory.take(A, ON) == [A, ON]


def test_an_answer_to_a_request_from_before_the_confirmation_proves_nothing() -> None:
    memory = Memory()
    memory.repeats.request_left(3)
    memory.take(A)
    memory.repeats.response_arrived(3)
    memory.reconnect()
    assert memory.take(A) == []


def test_an_answer_to_another_request_proves_nothing() -> None:
    memory = Memory()
    memory.take(A)
    memory.repeats.request_left(4)
    memory.repeats.response_arrived(3)
    memory.reconnect()
    assert memory.take(A) == []


def test_where_a_confirmation_alone_can_be_lost_an_answer_proves_nothing() -> None:
    memory = Memory(keeps_order=False)
    memory.take(A)
    memory.poll()
    assert memory.take(A) == []
    assert memory.take(A, B) == [B]


def test_events_without_time_on_one_connection_are_always_new() -> None:
    memory = Memory(keeps_order=False)
    assert memory.take(ON, OFF) == [ON, OFF]
    assert memory.take(ON, OFF) == [ON, OFF]
    assert memory.take(ON) == [ON]


def test_events_without_time_that_are_only_some_of_the_unconfirmed_are_new() -> None:
    memory = Memory()
    memory.take(ON, OFF)
    memory.reconnect()
    assert memory.take(ON) == [ON]


def test_once_something_new_came_events_without_time_are_new() -> None:
    memory = Memory()
    memory.take(OFF)
    memory.reconnect()
    assert memory.take(A) == [A]
    assert memory.take(OFF) == [OFF]


def test_a_value_flag_or_time_that_differs_makes_another_event() -> None:
    memory = Memory()
    memory.take(A)
    memory.reconnect()
    others = [(1, 5.5, 1000), (1, 5.0, 1001), (9, 5.0, 1000)]
    assert memory.take(*others) == others
    memory.take(A)
    memory.reconnect()
    flagged = batch([A])
    flagged.quality[:] = Quality.COMM_LOST
    assert len(memory.repeats.fresh([flagged])) == 1


def test_a_value_that_is_no_number_equals_itself() -> None:
    memory = Memory()
    bad = (1, float("nan"), 1000)
    memory.take(bad)
    memory.reconnect()
    assert memory.take(bad) == []


def test_texts_tell_strings_apart() -> None:
    memory = Memory()
    nan = (7, float("nan"), 0)
    memory.repeats.fresh([batch([nan], texts={7: "open"})])
    memory.reconnect()
    assert len(memory.repeats.fresh([batch([nan], texts={7: "shut"})])) == 1
    memory.reconnect()
    assert memory.repeats.fresh([batch([nan], texts={7: "shut"})]) == []


def test_states_are_never_repeats_and_pass_beside_events() -> None:
    memory = Memory()
    states = untimed_batch([1, 2], [1.0, 2.0], int(Quality.ONLINE), 0, Cause.INTEGRITY)
    memory.repeats.fresh([batch([A]), states])
    memory.reconnect()
    assert memory.repeats.fresh([batch([A]), states]) == [states]
    assert memory.repeats.fresh([states]) == [states]
    assert memory.repeats.fresh([]) == []


@settings(deadline=None)
@given(st.data())
def test_an_outstation_whose_connection_breaks_anywhere_delivers_each_event_exactly_once(data: st.DataObject) -> None:
    events = [(at % 3, float(at), 1000 + at) for at in range(data.draw(st.integers(1, 40)))]
    memory = Memory(keeps_order=data.draw(st.booleans()))
    delivered: list[Event] = []
    waiting = list(events)
    while waiting:
        size = data.draw(st.integers(1, 12))
        delivered += memory.take(*waiting[:size], cause=data.draw(st.sampled_from([Cause.EVENT, Cause.UNSOLICITED])))
        fate = data.draw(st.sampled_from(["confirmed", "confirmed and lost", "confirmation lost"]))
        if fate != "confirmation lost":
            del waiting[:size]
        if fate == "confirmed" and data.draw(st.booleans()):
            memory.poll()
        if fate != "confirmed":
            memory.reconnect()
    assert delivered == events
