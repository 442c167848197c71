"""A station that is killed: what was on disk and not confirmed is told again, and nothing before it is on disk."""

from dataclasses import replace

import numpy as np

from protocols.dnp3.application import Indication
from tests.unit.protocols.dnp3.outstation.wire import (
    ALL_EVENTS,
    CLASS_1,
    CLASS_2,
    CLEAR_RESTART,
    EPOCH_MS,
    QUIET,
    THREE_POINTS,
    Wire,
    binary_events,
    indications,
)
from vppscada.model.outstations import Events

TIME = EPOCH_MS.to_bytes(6, "little").hex()


class Disk:
    """An event store that outlives the outstation, as a disk does."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[float, ...]] = {}
        self.texts: dict[int, str] = {}

    def append(self, events: Events) -> None:
        columns = (events.kind, events.index, events.event_class, events.value, events.quality)
        for id_, *row in zip(events.id.tolist(), *columns, events.time_ms, events.time_quality, strict=True):
            self.rows[id_] = tuple(row)
        self.texts.update(events.texts)

    def discard(self, ids: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> None:
        for id_ in ids.tolist():
            self.rows.pop(id_, None)

    def load(self) -> Events:
        ids = sorted(self.rows)
        columns = list(zip(*(self.rows[i] for i in ids), strict=True)) or [()] * 7
        types = (np.uint8, np.uint32, np.uint8, np.float64, np.uint16, np.int64, np.uint8)
        kind, index, event_class, value, quality, time_ms, time_quality = (
            np.array(column, dtype=dtype) for column, dtype in zip(columns, types, strict=True)
        )
        return Events(
            np.array(ids, dtype=np.int64), kind, index, event_class, value, quality, time_ms, time_quality,
            {id_: self.texts[id_] for id_ in ids if id_ in self.texts},
        )  # fmt: skip

    def serve(self, wire: Wire) -> list[bytes]:
        """What the shell does when its store task runs."""
        buffer = wire.core.buffer
        unsaved = buffer.unsaved()
        self.append(unsaved)
        buffer.saved(unsaved.id)
        self.discard(buffer.take_discards())
        return wire.discarded() + wire.tick(0.0)


def durable(disk: Disk) -> Wire:
    wire = Wire(THREE_POINTS, durable=True, stored=disk.load())
    wire.connect()
    wire.one(CLEAR_RESTART)
    return wire


def test_an_event_is_reported_only_once_it_is_on_disk() -> None:
    disk = Disk()
    wire = durable(disk)
    wire.update({0: 0})
    wire.update({0: 1})
    assert wire.one("C1" + CLASS_1) == bytes.fromhex("C1 81 00 00")
    disk.serve(wire)
    assert binary_events(wire.one("C2" + CLASS_1)) == [1]


def test_after_a_kill_every_event_that_was_not_confirmed_is_told_again() -> None:
    disk = Disk()
    first = durable(disk)
    first.update({0: 0, 1: 0.0})
    for state in (1, 0, 1):
        first.update({0: state})
    first.update({1: 2.5})
    disk.serve(first)
    # the first fragment with two events is confirmed, the next is only sent
    assert binary_events(first.one("C1 01 3C 02 07 02")) == [1, 0]
    first.ask("C1 00")
    disk.serve(first)
    first.one("C2" + ALL_EVENTS)
    del first

    second = durable(disk)
    second.update({0: 1, 1: 2.5})
    disk.serve(second)
    answer = second.one("C1" + ALL_EVENTS)
    assert answer[4:] == bytes.fromhex(f"02 02 17 01 00 81 {TIME} 20 07 17 01 01 01 00002040 {TIME}")
    second.ask("C1 00")
    disk.serve(second)
    assert disk.rows == {}


def test_a_change_that_happened_while_the_station_was_down_is_an_event_of_the_new_life() -> None:
    disk = Disk()
    first = durable(disk)
    first.update({0: 0})
    first.update({0: 1})
    disk.serve(first)
    del first
    second = durable(disk)
    second.update({0: 0})
    disk.serve(second)
    assert binary_events(second.one("C1" + CLASS_1)) == [1, 0]


def with_one_event(disk: Disk) -> Wire:
    wire = durable(disk)
    wire.update({0: 0})
    wire.update({0: 1})
    disk.serve(wire)
    return wire


def test_a_kill_between_confirmation_and_discard_repeats_the_event_whose_confirmation_had_no_sign() -> None:
    disk = Disk()
    first = with_one_event(disk)
    first.one("C1" + CLASS_1)
    # whatever the master asks now, nothing that we say could tell it that its confirmation came
    assert first.ask("C1 00") == first.ask("C2" + CLASS_1) == first.ask("C3 17") == first.tick(60.0) == []
    second = durable(disk)
    assert binary_events(second.one("C1" + CLASS_1)) == [1]


def test_what_was_asked_after_a_confirmation_is_answered_when_the_events_have_left_the_disk() -> None:
    disk = Disk()
    wire = with_one_event(disk)
    wire.one("C1" + CLASS_1)
    wire.ask("C1 00")
    assert wire.ask("C2 17") == []
    [answer] = disk.serve(wire)
    assert (answer[0], disk.rows) == (0xC2, {})


def test_the_next_fragment_leaves_when_the_events_of_the_one_before_have_left_the_disk() -> None:
    disk = Disk()
    wire = Wire(THREE_POINTS, replace(QUIET, max_fragment=300), durable=True, stored=disk.load())
    wire.connect()
    for n in range(40):
        wire.update({0: n % 2})
    disk.serve(wire)
    first = wire.one("C1" + CLASS_1)
    told = len(binary_events(first))
    assert wire.ask("C1 00") == []
    [second] = disk.serve(wire)
    assert (second[0] & 0x8F, len(disk.rows)) == (0x02, 39 - told)


def test_a_request_during_the_discard_ends_the_response_before_it() -> None:
    disk = Disk()
    wire = Wire(THREE_POINTS, replace(QUIET, max_fragment=300), durable=True, stored=disk.load())
    wire.connect()
    for n in range(40):
        wire.update({0: n % 2})
    disk.serve(wire)
    wire.one("C1" + CLASS_1)
    wire.ask("C1 00")
    wire.ask("C5 17")
    assert [answer[0] for answer in disk.serve(wire)] == [0xC5]


def test_an_unsolicited_response_waits_until_the_events_of_the_one_before_have_left_the_disk() -> None:
    disk = Disk()
    wire = Wire(THREE_POINTS, replace(QUIET, unsolicited=True), durable=True, stored=disk.load())
    [first] = wire.connect()
    wire.ask(bytes((0xD0 | first[0] & 0x0F, 0)))
    wire.one("C0 14 3C 02 06")
    wire.update({0: 0})
    wire.update({0: 1})
    [event] = disk.serve(wire)
    wire.update({0: 0})
    assert wire.ask(bytes((0xD0 | event[0] & 0x0F, 0))) == wire.tick(60.0) == []
    [second] = disk.serve(wire)
    assert binary_events(second) == [0]


def test_a_connection_lost_during_the_discard_leaves_nothing_to_go_on_with() -> None:
    disk = Disk()
    wire = with_one_event(disk)
    wire.one("C1" + CLASS_1)
    wire.ask("C1 00")
    wire.ask("C2 17")
    wire.core.disconnected()
    assert wire.connect() == []
    assert disk.serve(wire) == []
    assert wire.one("C3" + CLASS_1)[4:] == b""


def test_events_that_overflowed_leave_the_disk_too() -> None:
    disk = Disk()
    wire = Wire(THREE_POINTS, replace(QUIET, max_events=3), durable=True, stored=disk.load())
    wire.connect()
    wire.update({0: 0})
    for n in range(20):
        wire.update({0: n % 2 == 0})
        disk.serve(wire)
    assert len(disk.rows) == 3


def test_class_bits_are_true_in_every_fragment_and_tell_of_nothing_that_is_not_on_disk() -> None:
    disk = Disk()
    wire = Wire(THREE_POINTS, replace(QUIET, max_fragment=300), durable=True, stored=disk.load())
    wire.connect()
    wire.one(CLEAR_RESTART)
    wire.update({1: 0.0})
    for n in range(40):
        wire.update({0: n % 2})
    disk.serve(wire)
    wire.update({1: 5.0})  # class 2, not on disk yet
    fragments = [wire.one("C1" + CLASS_1)]
    while not fragments[-1][0] & 0x40:
        assert indications(fragments[-1]) == Indication.CLASS_1_EVENTS
        wire.ask(bytes((0xC0 | fragments[-1][0] & 0x0F, 0)))
        buffer = wire.core.buffer
        disk.discard(buffer.take_discards())  # of the confirmed only: the new event is still on its way
        fragments += wire.discarded()
    assert len(fragments) > 1
    assert indications(fragments[-1]) == Indication.NONE
    wire.ask(bytes((0xC0 | fragments[-1][0] & 0x0F, 0)))
    disk.serve(wire)
    assert indications(wire.one("C9 17")) == Indication.CLASS_2_EVENTS


def test_an_overflow_is_told_until_events_of_its_class_have_been_read() -> None:
    disk = Disk()
    wire = Wire(THREE_POINTS, replace(QUIET, max_events=3), durable=True, stored=disk.load())
    wire.connect()
    wire.one(CLEAR_RESTART)
    wire.update({0: 0, 1: 0.0})
    for n in range(1, 6):
        wire.update({0: n % 2})
    wire.update({1: 9.0})
    disk.serve(wire)
    both = Indication.CLASS_1_EVENTS | Indication.CLASS_2_EVENTS
    assert indications(wire.one("C1 17")) == both | Indication.EVENT_BUFFER_OVERFLOW
    wire.one("C2" + CLASS_2)
    wire.ask("C2 00")
    disk.serve(wire)
    assert indications(wire.one("C3 17")) == Indication.CLASS_1_EVENTS | Indication.EVENT_BUFFER_OVERFLOW
    assert binary_events(wire.one("C4" + CLASS_1)) == [1, 0, 1]
    wire.ask("C4 00")
    disk.serve(wire)
    assert indications(wire.one("C5 17")) == Indication.NONE
