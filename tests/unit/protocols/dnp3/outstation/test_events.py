"""Events on the wire: polls, confirmation, loss and overflow."""

from dataclasses import replace

import pytest

from protocols.dnp3.application import Indication
from tests.unit.protocols.dnp3.outstation.wire import (
    ALL_EVENTS,
    CLASS_1,
    CLEAR_RESTART,
    EPOCH_MS,
    QUIET,
    THREE_POINTS,
    Wire,
    binary_events,
    indications,
    point,
)
from vppscada.model.points import PointKind

TIME = EPOCH_MS.to_bytes(6, "little").hex()


def quiet() -> Wire:
    wire = Wire(THREE_POINTS)
    wire.connect()
    wire.one(CLEAR_RESTART)
    wire.update({0: 0, 1: 0, 2: 0})
    return wire


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


def test_events_of_all_classes_come_in_the_order_in_which_they_occurred() -> None:
    wire = quiet()
    wire.update({0: 1, 1: 5, 2: 7})
    wire.update({0: 0})
    wire.update({0: 1})
    answer = wire.one("C1" + ALL_EVENTS)
    expected = (
        f"02 02 17 01 00 81 {TIME}"
        f"20 07 17 01 01 01 0000A040 {TIME}"
        f"16 05 17 01 02 01 07000000 {TIME}"
        f"02 02 17 02 00 01 {TIME} 00 81 {TIME}"
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
    wire = Wire([point(PointKind.BINARY_INPUT, 0, event_class=1), point(PointKind.BINARY_INPUT, 700, event_class=1)])
    wire.connect()
    wire.one(CLEAR_RESTART)
    wire.update({0: 0, 1: 0})
    wire.update({0: 1}, time_ms=EPOCH_MS)
    wire.update({1: 1}, time_ms=EPOCH_MS + 300)
    wire.update({1: 0}, time_ms=EPOCH_MS + 65_536)
    later = (EPOCH_MS + 65_536).to_bytes(6, "little").hex()
    assert wire.one("C1 01 02 03 06")[4:] == bytes.fromhex(
        f"33 01 07 01 {TIME} 02 03 28 0200 0000 81 0000 BC02 81 2C0133 01 07 01 {later} 02 03 28 0100 BC02 01 0000"
    )
    assert wire.ask("C1 00") == []
    assert wire.one("C2 01 02 03 06") == bytes.fromhex("C2 81 00 00")


def test_events_that_several_headers_ask_for_come_in_the_order_of_occurrence() -> None:
    wire = Wire([point(PointKind.BINARY_INPUT, 0, event_class=1), point(PointKind.COUNTER, 0, event_class=2)])
    wire.connect()
    wire.one(CLEAR_RESTART)
    wire.update({0: 0, 1: 0})
    for n in (1, 2, 3):
        wire.update({0: n % 2})
        wire.update({1: n})
    told = wire.one("C1 01 16 02 07 02 02 01 06 3C 03 06")[4:]
    assert told == bytes.fromhex(
        "02 01 17 01 00 81 16 02 17 01 00 01 0100 02 01 17 01 00 01 16 02 17 01 00 01 0200"
        f"02 01 17 01 00 81 16 05 17 01 00 01 03000000 {TIME}"
    )
    assert wire.ask("C1 00") == []
    assert len(wire.core.buffer) == 0


def test_all_events_of_a_kind_have_indexes_of_one_width() -> None:
    wire = Wire([point(PointKind.BINARY_INPUT, 0, event_class=1), point(PointKind.BINARY_INPUT, 256, event_class=1)])
    wire.connect()
    wire.one(CLEAR_RESTART)
    wire.update({0: 0, 1: 0})
    wire.update({0: 1})
    assert wire.one("C1 01 02 01 06")[4:] == bytes.fromhex("02 01 28 0100 0000 81")


def test_events_over_several_fragments_are_each_confirmed_and_none_is_lost_between() -> None:
    points = [point(PointKind.BINARY_INPUT, n, event_class=1) for n in range(250)]
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
    wire = Wire(THREE_POINTS, replace(QUIET, max_events=2))
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
