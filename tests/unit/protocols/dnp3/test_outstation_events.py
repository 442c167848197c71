"""Events on the wire: polls, confirmation, loss, overflow, unsolicited responses, and a station that was killed."""

from dataclasses import replace

import numpy as np
import pytest

from protocols.dnp3.application import Indication
from tests.unit.protocols.dnp3.outstation_wire import EPOCH_MS, QUIET, Wire, point
from vppscada.model.outstations import Events
from vppscada.model.points import PointKind

BI, DI, AI, CT = (
    PointKind.BINARY_INPUT,
    PointKind.DOUBLE_BIT_INPUT,
    PointKind.ANALOG_INPUT,
    PointKind.COUNTER,
)
POINTS = [point(BI, 0, event_class=1), point(AI, 1, event_class=2), point(CT, 2, event_class=3)]
TALKATIVE = replace(QUIET, unsolicited=True, confirm_timeout_s=5.0, unsolicited_retries=2)
CLEAR_RESTART = "C0 02 50 01 00 07 07 00"
CLASS_1, CLASS_2, ALL_EVENTS = "01 3C 02 06", "01 3C 03 06", "01 3C 02 06 3C 03 06 3C 04 06"
ENABLE_ALL = "C1 14 3C 02 06 3C 03 06 3C 04 06"
TIME = EPOCH_MS.to_bytes(6, "little").hex()


def quiet() -> Wire:
    wire = Wire(POINTS)
    wire.connect()
    wire.one(CLEAR_RESTART)
    wire.update({0: 0, 1: 0, 2: 0})
    return wire


def talkative(**settings: object) -> Wire:
    """An outstation whose first unsolicited response was confirmed and whose classes are enabled."""
    wire = Wire(POINTS, replace(TALKATIVE, **settings))  # type: ignore[arg-type]
    [null] = wire.connect()
    assert null == bytes.fromhex("F0 82 80 00")
    assert wire.ask("D0 00") == []
    wire.one(CLEAR_RESTART)
    wire.one(ENABLE_ALL)
    wire.update({0: 0, 1: 0, 2: 0})
    return wire


def indications(fragment: bytes) -> Indication:
    return Indication(int.from_bytes(fragment[2:4], "little"))


def binary_events(fragment: bytes) -> list[int]:
    """States of g2v2 events with one-octet indexes."""
    assert fragment[4:7] == bytes.fromhex("02 02 17")
    return [fragment[8 + 8 * n + 1] >> 7 for n in range(fragment[7])]


def test_class_bits_are_true_and_an_answer_does_not_count_what_it_carries() -> None:
    wire = quiet()
    wire.update({0: 1, 1: 5})
    both = Indication.CLASS_1_EVENTS | Indication.CLASS_2_EVENTS
    assert indications(wire.one("C1 17")) == both
    answer = wire.one("C2" + CLASS_1)
    assert answer[0] == 0xE2
    assert indications(answer) == Indication.CLASS_2_EVENTS
    wire.ask("C2 00")
    assert indications(wire.one("C3 17")) == Indication.CLASS_2_EVENTS


def test_events_of_all_classes_come_under_one_header_per_kind() -> None:
    wire = quiet()
    wire.update({0: 1, 1: 5, 2: 7})
    wire.update({0: 0})
    answer = wire.one("C1" + ALL_EVENTS)
    expected = (
        f"02 02 17 02 00 81 {TIME} 00 01 {TIME}"
        f"20 07 17 01 01 01 0000A040 {TIME}"
        f"16 05 17 01 02 01 07000000 {TIME}"
    )  # fmt: skip
    assert answer == bytes.fromhex("E1 81 00 00" + expected)


def test_a_confirmed_event_is_gone_and_an_unconfirmed_one_comes_again() -> None:
    wire = quiet()
    wire.update({0: 1})
    first = wire.one("C1" + CLASS_1)
    again = wire.one("C2" + CLASS_1)
    assert again[4:] == first[4:]
    assert wire.ask("C1 00") == []
    wire.ask("C2 00")
    assert wire.one("C3" + CLASS_1) == bytes.fromhex("C3 81 00 00")


def test_a_lost_connection_and_a_missed_confirmation_lose_no_event() -> None:
    wire = quiet()
    wire.update({0: 1})
    wire.one("C1" + CLASS_1)
    wire.core.disconnected()
    wire.update({0: 0})
    wire.connect()
    assert binary_events(wire.one("C1" + CLASS_1)) == [1, 0]
    wire.tick(5.0)
    assert indications(wire.one("C2 17")) == Indication.CLASS_1_EVENTS
    assert binary_events(wire.one("C3" + CLASS_1)) == [1, 0]


def test_a_confirmation_does_not_cover_events_that_came_after_the_answer() -> None:
    wire = quiet()
    wire.update({0: 1})
    wire.one("C1" + CLASS_1)
    wire.update({0: 0})
    wire.ask("C1 00")
    assert binary_events(wire.one("C2" + CLASS_1)) == [0]


@pytest.mark.parametrize("request_body", ["01 3C 02 07 02", "01 3C 02 08 0200", "01 02 00 07 02", "01 02 02 08 0200"])
def test_a_count_limits_the_events(request_body: str) -> None:
    wire = quiet()
    for state in (1, 0, 1):
        wire.update({0: state})
    answer = wire.one("C1" + request_body)
    assert binary_events(answer) == [1, 0]
    wire.ask("C1 00")
    assert binary_events(wire.one("C2" + CLASS_1)) == [1]


@pytest.mark.parametrize(
    ("variation", "events"),
    [
        (1, "20 01 17 01 01 01 05000000"),
        (2, "20 02 17 01 01 01 0500"),
        (3, f"20 03 17 01 01 01 05000000 {TIME}"),
        (4, f"20 04 17 01 01 01 0500 {TIME}"),
        (5, "20 05 17 01 01 01 0000A040"),
        (6, "20 06 17 01 01 01 0000000000001440"),
        (8, f"20 08 17 01 01 01 0000000000001440 {TIME}"),
    ],
)
def test_events_come_in_the_variation_asked_for(variation: int, events: str) -> None:
    wire = quiet()
    wire.update({1: 5.0})
    assert wire.one(f"C1 01 20 {variation:02X} 06")[4:] == bytes.fromhex(events)


def test_relative_times_come_after_their_common_time_as_in_procedure_8_14_2_15() -> None:
    wire = Wire([point(BI, 0, event_class=1), point(BI, 700, event_class=1)])
    wire.connect()
    wire.one(CLEAR_RESTART)
    wire.update({0: 0, 1: 0})
    wire.update({0: 1}, time_ms=EPOCH_MS)
    wire.update({1: 1}, time_ms=EPOCH_MS + 300)
    wire.update({1: 0}, time_ms=EPOCH_MS + 65_536)
    first = wire.one("C1 01 02 03 06")
    assert first[4:] == bytes.fromhex(f"33 01 07 01 {TIME} 02 03 28 0200 0000 81 0000 BC02 81 2C01")
    later = (EPOCH_MS + 65_536).to_bytes(6, "little").hex()
    second = wire.one("C1 00")
    assert second[4:] == bytes.fromhex(f"33 01 07 01 {later} 02 03 28 0100 BC02 01 0000")


def test_events_over_several_fragments_are_each_confirmed_and_none_is_lost_between() -> None:
    points = [point(BI, n, event_class=1) for n in range(250)]
    wire = Wire(points, replace(QUIET, max_fragment=300))
    wire.connect()
    wire.update(dict.fromkeys(range(250), 0))
    wire.update(dict.fromkeys(range(250), 1))
    seen = 0
    answers = wire.ask("C0" + CLASS_1)
    while answers:
        [fragment] = answers
        assert len(fragment) <= 300
        seen += len(binary_events(fragment))
        answers = wire.ask(bytes([0xC0 | fragment[0] & 15, 0]))
        if fragment[0] & 0x40:
            break
    assert seen == 250
    assert len(wire.core.buffer) == 0


def test_overflow_is_indicated_and_the_newest_events_are_kept() -> None:
    wire = Wire(POINTS, replace(QUIET, max_events=2))
    wire.connect()
    wire.one(CLEAR_RESTART)
    wire.update({0: 0})
    for state in (1, 0, 1, 0):
        wire.update({0: state})
    answer = wire.one("C1" + CLASS_1)
    assert binary_events(answer) == [1, 0]
    assert indications(answer) == Indication.EVENT_BUFFER_OVERFLOW
    wire.ask("C1 00")
    assert indications(wire.one("C2" + CLASS_1)) == Indication.NONE


def test_events_stand_before_static_values() -> None:
    wire = quiet()
    wire.update({0: 1})
    answer = wire.one("C1 01 3C 01 06 3C 02 06 3C 03 06 3C 04 06")
    assert answer[4:6] == bytes.fromhex("02 02")
    assert bytes.fromhex("01 02 00 00 00 81") in answer


# unsolicited


def test_the_first_unsolicited_response_is_empty_and_comes_anew_until_it_is_confirmed() -> None:
    wire = Wire(POINTS, TALKATIVE)
    assert wire.connect() == [bytes.fromhex("F0 82 80 00")]
    assert wire.tick(4.9) == []
    assert wire.tick(0.1) == [bytes.fromhex("F1 82 80 00")]
    wire.one(CLEAR_RESTART)
    assert wire.tick(5.0) == [bytes.fromhex("F2 82 00 00")], "procedure 8.11.2.1: its indications are true"
    assert wire.tick(5.0) == []
    assert wire.core.deadline() == wire.now + 5.0
    assert wire.tick(5.0) == [bytes.fromhex("F3 82 00 00")]
    assert wire.ask("D0 00") == []
    assert wire.statistics["unexpected_confirms"] == 1
    assert wire.ask("D3 00") == []
    assert wire.tick(100.0) == []


def test_nothing_but_the_first_response_goes_out_before_the_master_enabled_it() -> None:
    wire = Wire(POINTS, TALKATIVE)
    wire.connect()
    wire.ask("D0 00")
    wire.update({0: 0})
    assert wire.update({0: 1}) == []
    [response, event] = wire.ask(ENABLE_ALL)
    assert Indication.CLASS_1_EVENTS in indications(response)
    assert event[:2] == bytes.fromhex("F1 82")
    assert binary_events(event) == [1]


def test_an_event_is_told_at_once_and_the_next_one_after_its_confirmation() -> None:
    wire = talkative()
    [first] = wire.update({0: 1})
    assert binary_events(first) == [1]
    assert wire.update({0: 0}) == []
    [second] = wire.ask("D1 00")
    assert (second[0], binary_events(second)) == (0xF2, [0])
    assert wire.ask("D2 00") == []
    assert len(wire.core.buffer) == 0


def test_an_unconfirmed_response_is_repeated_octet_for_octet_then_told_anew_later_and_later() -> None:
    wire = talkative()
    [first] = wire.update({0: 1})
    assert wire.tick(5.0) == [first]
    assert wire.tick(5.0) == [first]
    assert wire.tick(5.0) == []
    assert wire.core.deadline() == wire.now + 5.0
    [second] = wire.tick(5.0)
    assert (second[0], second[4:]) == (0xF2, first[4:])
    wire.tick(5.0)
    wire.tick(5.0)
    wire.tick(5.0)
    assert wire.core.deadline() == wire.now + 10.0


def test_a_read_waits_for_the_unsolicited_confirmation() -> None:
    wire = talkative()
    wire.update({0: 1})
    assert wire.ask("C4" + CLASS_1) == []
    assert wire.ask("D1 00") == [bytes.fromhex("C4 81 00 00")]


def test_a_read_is_served_with_the_events_when_the_unsolicited_confirmation_does_not_come() -> None:
    wire = talkative()
    wire.update({0: 1})
    assert wire.ask("C4" + CLASS_1) == []
    [answer] = wire.tick(5.0)
    assert answer[0] == 0xE4
    assert binary_events(answer) == [1]
    assert wire.ask("C4 00") == []
    assert len(wire.core.buffer) == 0


def test_other_requests_do_not_wait_for_the_unsolicited_confirmation() -> None:
    wire = talkative()
    wire.update({0: 1})
    assert wire.one("C4 17")[4:] == bytes.fromhex("34 02 07 01 00 00")
    wire.ask("D1 00")
    assert len(wire.core.buffer) == 0


def test_nothing_unsolicited_starts_while_a_solicited_answer_is_unconfirmed() -> None:
    wire = talkative()
    wire.one("C2 15 3C 02 06")
    wire.update({0: 1})
    wire.one("C3" + CLASS_1)
    assert wire.update({1: 9}) == []
    [event] = wire.ask("C3 00")
    assert event[:2] == bytes.fromhex("F1 82")
    assert len(wire.core.buffer) == 1


def test_disabled_classes_are_not_told_nor_repeated() -> None:
    wire = talkative()
    wire.update({0: 1})
    wire.one("C2 15 3C 02 06 3C 03 06 3C 04 06")
    assert wire.tick(5.0) == []
    assert wire.tick(100.0) == []
    assert binary_events(wire.one("C3" + CLASS_1)) == [1]


def test_a_class_that_is_not_enabled_is_not_told() -> None:
    wire = talkative()
    wire.one("C2 15 3C 02 06")
    assert wire.update({0: 1}) == []
    [analog] = wire.update({1: 9})
    assert analog[4:6] == bytes.fromhex("20 07")
    assert indications(analog) == Indication.CLASS_1_EVENTS


def test_events_are_held_for_their_time_or_their_number() -> None:
    wire = talkative(unsolicited_hold_s=(2.0, 2.0, 2.0), unsolicited_hold_events=(3, 100, 100))
    assert wire.update({1: 1}) == []
    assert wire.core.deadline() == wire.now + 2.0
    assert wire.tick(1.9) == []
    [held] = wire.tick(0.1)
    assert held[4:6] == bytes.fromhex("20 07")
    wire.ask("D1 00")
    assert wire.update({0: 1}) == []
    assert wire.update({0: 0}) == []
    [full] = wire.update({0: 1})
    assert binary_events(full) == [1, 0, 1]


def test_a_new_connection_tells_unconfirmed_events_again_without_an_empty_response() -> None:
    wire = talkative()
    wire.update({0: 1})
    [again] = wire.connect()
    assert binary_events(again) == [1]


# a station that was killed


class Disk:
    """An event store that outlives the outstation, as a disk does."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[float, ...]] = {}

    def append(self, events: Events) -> None:
        columns = (events.kind, events.index, events.event_class, events.value, events.quality)
        for id_, *row in zip(events.id.tolist(), *columns, events.time_ms, events.time_quality, strict=True):
            self.rows[id_] = tuple(row)

    def discard(self, ids: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> None:
        for id_ in ids.tolist():
            self.rows.pop(id_, None)

    def load(self) -> Events:
        ids = sorted(self.rows)
        columns = list(zip(*(self.rows[i] for i in ids), strict=True)) or [()] * 7
        types = (np.uint8, np.uint32, np.uint8, np.float64, np.uint16, np.int64, np.uint8)
        made = [np.array(column, dtype=dtype) for column, dtype in zip(columns, types, strict=True)]
        return Events(np.array(ids, dtype=np.int64), *made)

    def serve(self, wire: Wire) -> list[bytes]:
        """What the shell does when its store task runs."""
        buffer = wire.core.buffer
        unsaved = buffer.unsaved()
        self.append(unsaved)
        buffer.saved(unsaved.id)
        self.discard(buffer.take_discards())
        return wire.tick(0.0)


def durable(disk: Disk) -> Wire:
    wire = Wire(POINTS, durable=True, stored=disk.load())
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


def test_a_kill_between_confirmation_and_discard_repeats_the_event_but_loses_none() -> None:
    disk = Disk()
    first = durable(disk)
    first.update({0: 0})
    first.update({0: 1})
    disk.serve(first)
    first.one("C1" + CLASS_1)
    first.ask("C1 00")
    second = durable(disk)
    assert binary_events(second.one("C1" + CLASS_1)) == [1]


def test_events_that_overflowed_leave_the_disk_too() -> None:
    disk = Disk()
    wire = Wire(POINTS, replace(QUIET, max_events=3), durable=True, stored=disk.load())
    wire.connect()
    wire.update({0: 0})
    for n in range(20):
        wire.update({0: n % 2 == 0})
        disk.serve(wire)
    assert len(disk.rows) == 3
