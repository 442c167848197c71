"""Unsolicited responses on the wire: when they come, that they are confirmed, repeated and held back."""

from dataclasses import replace

from protocols.dnp3.application import Indication
from tests.unit.protocols.dnp3.outstation.wire import (
    CLASS_1,
    CLEAR_RESTART,
    QUIET,
    THREE_POINTS,
    Wire,
    binary_events,
    indications,
)

TALKATIVE = replace(QUIET, unsolicited=True, confirm_timeout_s=5.0, unsolicited_retries=2)
ENABLE_ALL = "C1 14 3C 02 06 3C 03 06 3C 04 06"


def talkative(**settings: object) -> Wire:
    """An outstation whose first unsolicited response was confirmed and whose classes are enabled."""
    wire = Wire(THREE_POINTS, replace(TALKATIVE, **settings))  # type: ignore[arg-type]
    [null] = wire.connect()
    assert null == bytes.fromhex("F0 82 80 00")
    assert wire.ask("D0 00") == []
    wire.one(CLEAR_RESTART)
    wire.one(ENABLE_ALL)
    wire.update({0: 0, 1: 0, 2: 0})
    return wire


def test_the_first_unsolicited_response_is_empty_and_comes_anew_until_it_is_confirmed() -> None:
    wire = Wire(THREE_POINTS, TALKATIVE)
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
    wire = Wire(THREE_POINTS, TALKATIVE)
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


def test_a_read_does_not_wait_while_the_first_response_is_unconfirmed_as_in_procedure_8_11_2_1() -> None:
    wire = Wire(THREE_POINTS, TALKATIVE)
    assert wire.connect() == [bytes.fromhex("F0 82 80 00")]
    wire.update({0: 0})
    assert wire.ask("C1 01 01 02 06") == [bytes.fromhex("C1 81 80 00 01 02 00 00 00 01"), bytes.fromhex("F1 82 80 00")]
    assert wire.ask("D0 00") == []
    assert not wire.core.state.unsolicited.announced
    assert wire.ask("D1 00") == []
    assert wire.core.state.unsolicited.announced


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


def test_a_broadcast_that_wants_no_confirmation_is_told_of_once_even_if_events_want_one() -> None:
    for destination, told_again in ((0xFFFD, False), (0xFFFF, False), (0xFFFE, True)):
        wire = Wire(THREE_POINTS, QUIET)
        wire.connect()
        wire.update({0: 0})
        wire.update({0: 1})
        assert wire.ask(CLEAR_RESTART, broadcast=destination) == []
        assert Indication.BROADCAST in indications(wire.one("C4" + CLASS_1))
        assert (Indication.BROADCAST in indications(wire.one("C5" + CLASS_1))) is told_again


def test_a_confirmation_of_what_was_said_before_a_broadcast_does_not_confirm_the_broadcast() -> None:
    wire = Wire(THREE_POINTS, QUIET)
    wire.connect()
    wire.update({0: 0})
    wire.update({0: 1})
    assert wire.one("C4" + CLASS_1)[0] == 0xE4
    assert wire.ask(CLEAR_RESTART, broadcast=0xFFFE) == []
    assert wire.ask("C4 00") == []
    assert len(wire.core.buffer) == 0
    answer = wire.one("C5" + CLASS_1)
    assert answer[0] == 0xE5
    assert Indication.BROADCAST in indications(answer)
    assert wire.ask("C5 00") == []
    assert Indication.BROADCAST not in indications(wire.one("C6" + CLASS_1))


def test_an_unsolicited_response_tells_of_a_broadcast_too() -> None:
    for destination, told_again in ((0xFFFD, False), (0xFFFE, True)):
        wire = talkative()
        assert wire.ask(CLEAR_RESTART, broadcast=destination) == []
        [told] = wire.update({0: 1})
        assert Indication.BROADCAST in indications(told)
        answer = wire.one("C4 17")
        assert (Indication.BROADCAST in indications(answer)) is told_again
        assert wire.ask(bytes((0xD0 | (told[0] & 0x0F), 0))) == []
        assert Indication.BROADCAST not in indications(wire.one("C5 17"))


def test_a_read_that_was_waited_for_leaves_no_pause_behind_it() -> None:
    wire = talkative()
    wire.update({0: 1})
    wire.ask("C4" + CLASS_1)
    assert len(wire.tick(5.0)) == 1
    wire.update({0: 0})
    [told] = wire.ask("C4 00")
    assert told[0] == 0xF2
    assert binary_events(told) == [0]


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
