"""The start-up order against a scripted wire: every step, its retries, and what its failure means."""

import pytest

from protocols.dnp3.application import Function, Indication
from protocols.dnp3.master.exchange import REPEATABLE, Ask, Lost, Started
from tests.unit.protocols.dnp3.master.wire import ALL_CLASSES, INTEGRITY, Wire, started

CLEAR = bytes.fromhex("500100070700")
CLASS_1 = bytes.fromhex("3c0206")
ALL_TOLD = Indication.DEVICE_RESTART | Indication.NEED_TIME


def test_the_whole_order_of_an_outstation_that_restarted() -> None:
    wire = Wire(unsolicited=(1,), assign_classes=True, write_deadbands=True)
    wire.expect(Function.DISABLE_UNSOLICITED, ALL_CLASSES).answer(indications=ALL_TOLD)
    wire.expect(Function.WRITE, CLEAR).answer(indications=Indication.NEED_TIME)
    wire.expect(Function.ASSIGN_CLASS).answer(indications=Indication.NEED_TIME)
    wire.expect(Function.READ, INTEGRITY).answer(indications=Indication.NEED_TIME)
    wire.expect(Function.RECORD_CURRENT_TIME).answer(indications=Indication.NEED_TIME)
    wire.expect(Function.WRITE).answer()
    wire.expect(Function.ENABLE_UNSOLICITED, CLASS_1).answer(indications=Indication.CLASS_2_EVENTS)
    wire.expect(Function.READ, bytes.fromhex("3c0306")).answer()
    assert wire.wants() == [Started()]
    assert wire.notes == []


@pytest.mark.parametrize(
    ("function", "before", "after"),
    [
        (Function.DISABLE_UNSOLICITED, 0, Function.READ),
        (Function.WRITE, 1, Function.READ),  # clear restart
        (Function.ENABLE_UNSOLICITED, 3, None),
    ],
)
def test_a_step_without_answer_is_repeated_and_then_passed_over_with_a_word(
    function: Function, before: int, after: Function | None
) -> None:
    wire = Wire(step_retries=2, response_timeout_s=2.0)
    for _ in range(before):
        wire.request()
        restarted = wire.sequence == 0
        wire.answer(indications=Indication.DEVICE_RESTART if restarted else Indication.NONE)
    for _ in range(3):
        wire.expect(function)
        wire.wait(2.0)
    assert wire.statistics["requests_repeated"] == 2
    assert wire.statistics["procedures_failed"] == 1
    if after is None:
        assert wire.wants() == [Started()]
    else:
        wire.expect(after)
    assert wire.notes == ["response_timed_out"] * 3 + ["procedures_failed"]


def test_a_repetition_has_a_sequence_of_its_own_and_a_late_answer_is_no_answer() -> None:
    wire = Wire(step_retries=1, response_timeout_s=2.0)
    wire.expect(Function.DISABLE_UNSOLICITED)
    first = wire.sequence
    wire.wait(2.0)
    wire.expect(Function.DISABLE_UNSOLICITED)
    assert wire.sequence == (first + 1) % 16
    second, wire.sequence = wire.sequence, first
    wire.answer()
    assert wire.wants() == []
    wire.sequence = second
    wire.answer()
    wire.expect(Function.READ, INTEGRITY)


def test_without_the_poll_there_is_no_association() -> None:
    wire = Wire(read_retries=2, response_timeout_s=2.0)
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    for _ in range(3):
        wire.expect(Function.READ, INTEGRITY)
        wire.wait(2.0)
    assert isinstance(wire.wants()[0], Lost)


def test_a_poll_that_is_refused_is_said() -> None:
    wire = Wire()
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ).answer(indications=Indication.OBJECT_UNKNOWN)
    wire.expect(Function.ENABLE_UNSOLICITED).answer()
    assert wire.wants() == [Started()]
    assert wire.notes == ["procedures_failed"]


@pytest.mark.parametrize("function", set(Function) - REPEATABLE)
def test_nothing_that_does_more_when_done_twice_can_be_given_retries(function: Function) -> None:
    with pytest.raises(ValueError, match="must not be repeated"):
        Ask(function, retries=1)


def test_classes_that_an_outstation_will_not_send_are_polled() -> None:
    wire = Wire(unsolicited=(1,))
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ, INTEGRITY).answer()
    wire.expect(Function.ENABLE_UNSOLICITED, CLASS_1).answer(indications=Indication.FUNCTION_NOT_SUPPORTED)
    assert wire.wants() == [Started()]
    wire.wait(10.1)
    wire.expect(Function.READ, CLASS_1)


def test_classes_that_it_will_not_send_any_more_after_a_restart_are_polled() -> None:
    wire = started()
    wire.wait(20.0)
    wire.unsolicited(0, indications=Indication.DEVICE_RESTART)
    wire.expect(Function.WRITE, CLEAR).answer()
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ, INTEGRITY).answer()
    wire.expect(Function.ENABLE_UNSOLICITED).answer(indications=Indication.FUNCTION_NOT_SUPPORTED)
    wire.wait(10.1)
    wire.expect(Function.READ, ALL_CLASSES)


def test_a_restart_that_is_known_is_cleared_before_anything_else() -> None:
    wire = started()
    wire.wait(20.0)
    wire.unsolicited(0, indications=Indication.DEVICE_RESTART)
    wire.expect(Function.WRITE, CLEAR)


def test_what_the_outstation_is_in_is_noted_once() -> None:
    wire = started()
    bad = Indication.LOCAL_CONTROL | Indication.DEVICE_TROUBLE | Indication.CONFIGURATION_CORRUPT
    for sequence, told in enumerate((bad, bad, Indication.NONE, bad)):
        wire.unsolicited(sequence, indications=told)
    assert wire.wants() == []
    assert wire.notes == [
        "local_control_indicated",
        "device_trouble_indicated",
        "configuration_corrupt_indicated",
    ]
    assert wire.statistics["device_trouble_indicated"] == 2
    assert wire.statistics["indications"] == bad


def test_the_indications_of_the_last_response_are_told_also_after_a_new_connection() -> None:
    wire = Wire()
    wire.statistics["indications"] = 0x80  # of the connection before
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    assert wire.statistics["indications"] == 0


def test_an_overflow_is_told_each_time_that_it_begins_and_polled_for() -> None:
    wire = started()
    wire.unsolicited(0, indications=Indication.EVENT_BUFFER_OVERFLOW)
    wire.expect(Function.READ, INTEGRITY).answer()
    wire.wait(11.0)
    wire.unsolicited(1, indications=Indication.EVENT_BUFFER_OVERFLOW)
    wire.expect(Function.READ, INTEGRITY).answer()
    assert wire.statistics["event_buffer_overflowed"] == 2


def test_the_clock_is_set_now_and_then_if_the_site_wants_that() -> None:
    wire = Wire(time_sync_period_s=60.0)
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ, INTEGRITY).answer()
    wire.expect(Function.RECORD_CURRENT_TIME).answer()
    wire.expect(Function.WRITE).answer()
    wire.expect(Function.ENABLE_UNSOLICITED).answer()
    assert wire.wants() == [Started()]
    wire.wait(20.5)  # slots at 120, 180, …
    wire.expect(Function.RECORD_CURRENT_TIME).answer()
    wire.expect(Function.WRITE).answer()
    assert wire.wants() == []
    assert wire.master.next_deadline() == pytest.approx(180.0)


def test_a_site_without_time_synchronisation_sets_no_clock_whatever_is_asked() -> None:
    wire = started(time_sync="none", time_sync_period_s=60.0)
    wire.unsolicited(0, indications=Indication.NEED_TIME)
    wire.wait(120.0)
    assert wire.wants() == []


@pytest.mark.parametrize(("time_sync", "asked"), [("lan", "RECORD_CURRENT_TIME"), ("nonlan", "DELAY_MEASURE")])
def test_a_time_that_is_not_acknowledged_is_measured_and_written_anew(time_sync: str, asked: str) -> None:
    wire = started(time_sync=time_sync, step_retries=1, response_timeout_s=2.0)
    wire.unsolicited(0, indications=Indication.NEED_TIME)
    wire.expect(Function[asked]).answer(indications=Indication.NEED_TIME)
    written = wire.request()
    wire.wait(2.0)
    wire.wants()
    wire.sequence = (wire.sequence + 1) % 16
    wire.answer(indications=Indication.NEED_TIME)
    again = wire.request()
    assert (written.function, again.function) == (Function.WRITE, Function.WRITE)
    early, late = (int.from_bytes(one.body[-6:], "little") for one in (written, again))
    assert late - early >= 2000
    wire.answer()
    assert wire.wants() == []
    assert "procedures_failed" not in wire.notes


def test_a_clock_that_was_set_and_still_needs_time_is_told_once_and_makes_no_loop() -> None:
    wire = started()
    wire.unsolicited(0, indications=Indication.NEED_TIME)
    for _ in range(3):
        wire.expect(Function.RECORD_CURRENT_TIME).answer(indications=Indication.NEED_TIME)
        wire.expect(Function.WRITE).answer(indications=Indication.NEED_TIME)
        assert wire.wants() == []
        wire.wait(60.1)
    assert wire.notes == ["time_not_taken"]
    assert wire.statistics["time_not_taken"] == 3
