"""The master against a scripted wire: start-up, polls, unsolicited responses, the link."""

from protocols.dnp3.application import Control, Function, Indication
from protocols.dnp3.master.exchange import AskLinkStatus, Confirm, Lost, Started
from tests.unit.protocols.dnp3.master.wire import ALL_CLASSES, INTEGRITY, WALL_MS, Wire, analogs, batches, started
from vppscada.model.batch import Cause
from vppscada.model.quality import TimeQuality


def test_start_up_is_quiet_then_everything_then_unsolicited() -> None:
    wire = Wire()
    wire.expect(Function.DISABLE_UNSOLICITED, ALL_CLASSES).answer()
    effects = wire.expect(Function.READ, INTEGRITY).answer(analogs(30, 5, 7, 3.5))
    (batch,) = batches(effects)
    assert (batch.rows.tolist(), batch.value.tolist(), batch.cause) == ([10], [3.5], Cause.INTEGRITY)
    wire.expect(Function.ENABLE_UNSOLICITED, ALL_CLASSES).answer()
    assert wire.wants() == [Started()]


def test_a_restarted_outstation_is_told_before_the_poll_and_set_before_the_end() -> None:
    wire = Wire()
    told = Indication.DEVICE_RESTART | Indication.NEED_TIME
    wire.expect(Function.DISABLE_UNSOLICITED).answer(indications=told)
    wire.expect(Function.WRITE, bytes.fromhex("500100070700")).answer(indications=Indication.NEED_TIME)
    wire.expect(Function.READ, INTEGRITY).answer(indications=Indication.NEED_TIME)
    sent_ms = wire.wall_ms
    wire.expect(Function.RECORD_CURRENT_TIME).answer(after_s=0.5)
    wire.expect(Function.WRITE, b"\x32\x03\x07\x01" + sent_ms.to_bytes(6, "little")).answer()
    wire.expect(Function.ENABLE_UNSOLICITED).answer()
    assert wire.wants() == [Started()]


def test_without_a_lan_half_the_measured_delay_is_added() -> None:
    wire = started(time_sync="nonlan")
    wire.unsolicited(0, indications=Indication.NEED_TIME)
    wire.expect(Function.DELAY_MEASURE).answer(b"\x34\x02\x07\x01\x14\x00", after_s=0.120)  # 20 ms of 120 inside
    wire.expect(Function.WRITE, b"\x32\x01\x07\x01" + (wire.wall_ms + 50).to_bytes(6, "little"))


def test_an_outstation_that_always_needs_time_is_set_once_a_minute_and_not_more() -> None:
    wire = started()
    wire.unsolicited(0, indications=Indication.NEED_TIME)
    wire.expect(Function.RECORD_CURRENT_TIME).answer(indications=Indication.NEED_TIME)
    wire.expect(Function.WRITE).answer(indications=Indication.NEED_TIME)
    assert wire.wants() == []
    wire.wait(59.0)
    assert wire.wants() == []
    wire.wait(1.1)
    wire.expect(Function.RECORD_CURRENT_TIME)


def test_a_restart_while_online_begins_the_start_up_order_again() -> None:
    wire = started()
    wire.wait(20.0)
    wire.unsolicited(0, indications=Indication.DEVICE_RESTART)
    wire.expect(Function.WRITE, bytes.fromhex("500100070700")).answer()
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ, INTEGRITY).answer()
    wire.expect(Function.ENABLE_UNSOLICITED).answer()
    assert wire.wants() == []


def test_a_restart_bit_that_never_clears_makes_no_loop() -> None:
    wire = started()
    wire.wait(20.0)
    wire.unsolicited(0, indications=Indication.DEVICE_RESTART)
    for _ in range(5):
        wire.request()
        wire.answer(indications=Indication.DEVICE_RESTART)
    assert wire.wants() == []


def test_events_are_delivered_before_they_are_confirmed_and_confirmed_after_settling() -> None:
    wire = started(class1_period_s=5.0)
    wire.wait(5.0)
    wire.expect(Function.READ, bytes.fromhex("3c0206"))
    body = analogs(32, 7, 7, 1.5, WALL_MS) + analogs(32, 7, 7, 2.5, WALL_MS + 1)
    effects = wire.fragment(Control(wire.sequence, confirm=True), body)
    (batch,) = batches(effects)
    assert (batch.value.tolist(), batch.cause) == ([1.5, 2.5], Cause.EVENT)
    assert batch.source_time_ms.tolist() == [WALL_MS, WALL_MS + 1]
    assert effects[-1] == Confirm(bytes((0xC0 | wire.sequence, 0)), after_settling=True)


def test_events_and_states_of_one_fragment_are_two_batches_events_first() -> None:
    wire = Wire()
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    effects = wire.expect(Function.READ).answer(analogs(32, 7, 7, 1.0, WALL_MS) + analogs(30, 5, 7, 2.0))
    assert [(b.cause, b.value.tolist()) for b in batches(effects)] == [(Cause.EVENT, [1.0]), (Cause.INTEGRITY, [2.0])]


def test_a_response_of_several_fragments_is_confirmed_one_by_one() -> None:
    wire = Wire()
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ)
    s = wire.sequence
    first = wire.fragment(Control(s, final=False, confirm=True), analogs(30, 5, 7, 1.0))
    assert first[-1] == Confirm(bytes((0xC0 | s, 0)), after_settling=False)
    stray = wire.fragment(Control(s, first=False, final=False), analogs(30, 5, 7, 9.0))
    assert stray == []
    second = wire.fragment(Control(s + 1, first=False), analogs(30, 5, 7, 2.0))
    assert batches(second)[0].value.tolist() == [2.0]
    wire.expect(Function.ENABLE_UNSOLICITED)


def test_a_response_with_another_sequence_is_no_answer() -> None:
    wire = Wire()
    wire.expect(Function.DISABLE_UNSOLICITED)
    assert wire.fragment(Control((wire.sequence + 1) % 16)) == []
    assert wire.statistics["unexpected_responses"] == 1
    assert wire.wants() == []


def test_unsolicited_events_are_confirmed_and_a_repetition_is_not_delivered_again() -> None:
    wire = started()
    body = analogs(32, 7, 7, 1.5, WALL_MS)
    effects = wire.unsolicited(3, body)
    assert [b.cause for b in batches(effects)] == [Cause.UNSOLICITED]
    assert effects[-1] == Confirm(bytes((0xD3, 0)), after_settling=True)
    assert wire.unsolicited(3, body) == [Confirm(bytes((0xD3, 0)), after_settling=True)]
    assert len(batches(wire.unsolicited(4, analogs(32, 7, 7, 1.5, WALL_MS + 1)))) == 1


def test_unsolicited_is_taken_while_a_request_waits() -> None:
    wire = Wire()
    wire.expect(Function.DISABLE_UNSOLICITED)
    effects = wire.unsolicited(0, analogs(32, 7, 7, 1.5))
    assert len(batches(effects)) == 1
    wire.answer()
    wire.expect(Function.READ, INTEGRITY)


def test_an_event_without_a_time_has_no_time_quality_and_an_unset_clock_shows() -> None:
    wire = started()
    (timeless,) = batches(wire.unsolicited(0, analogs(32, 7, 7, 1.0, 0)))
    (unset,) = batches(wire.unsolicited(1, analogs(32, 7, 7, 1.0, WALL_MS), Indication.NEED_TIME))
    assert timeless.time_quality.tolist() == [TimeQuality.NONE]
    assert unset.time_quality.tolist() == [TimeQuality.UNSYNCHRONISED]


def test_an_overflow_brings_an_integrity_poll_once() -> None:
    wire = started()
    wire.unsolicited(0, indications=Indication.EVENT_BUFFER_OVERFLOW)
    wire.expect(Function.READ, INTEGRITY).answer(indications=Indication.EVENT_BUFFER_OVERFLOW)
    assert wire.wants() == []
    wire.wait(10.1)
    wire.expect(Function.READ, INTEGRITY)


def test_announced_events_are_polled_at_once_where_they_do_not_come_by_themselves() -> None:
    wire = Wire(unsolicited=())
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ, INTEGRITY).answer(indications=Indication.CLASS_2_EVENTS)
    wire.expect(Function.READ, bytes.fromhex("3c0306")).answer()
    assert wire.wants() == [Started()]


def test_events_announced_and_never_given_are_asked_for_once_a_second() -> None:
    wire = Wire(unsolicited=())
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ, INTEGRITY).answer(indications=Indication.CLASS_1_EVENTS)
    wire.expect(Function.READ, bytes.fromhex("3c0206")).answer(indications=Indication.CLASS_1_EVENTS)
    assert wire.wants() == [Started()]
    for _ in range(3):
        wire.wait(1.01)
        wire.expect(Function.READ, bytes.fromhex("3c0206")).answer(indications=Indication.CLASS_1_EVENTS)
        assert wire.wants() == []


def test_frequent_polls_of_one_class_do_not_put_off_announced_events_of_another() -> None:
    wire = started(class2_period_s=0.5)
    asked = []
    for _ in range(15):
        wire.wait(0.5)
        asked.append(wire.request().body)
        wire.answer(indications=Indication.CLASS_1_EVENTS)
    assert any(bytes.fromhex("3c0206") in body for body in asked)


def test_polls_that_are_due_together_are_one_request() -> None:
    wire = started(class1_period_s=5.0, class2_period_s=5.0)
    wire.wait(4.9)
    assert wire.wants() == []
    wire.wait(0.2)
    wire.expect(Function.READ, bytes.fromhex("3c02063c0306")).answer()
    wire.wait(5.1)
    wire.expect(Function.READ, bytes.fromhex("3c02063c0306"))


def test_integrity_polls_stand_on_the_clock() -> None:
    wire = started(integrity_period_s=60.0)  # slots at 120, 180, …; it is a little after 100
    wire.wait(25.0)
    wire.expect(Function.READ, INTEGRITY).answer()
    wire.wait(54.0)
    assert wire.wants() == []
    wire.wait(1.1)
    wire.expect(Function.READ, INTEGRITY)


def test_a_read_is_repeated_and_then_the_association_is_lost() -> None:
    wire = Wire(read_retries=1, response_timeout_s=2.0)
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ, INTEGRITY)
    wire.wait(2.0)
    wire.expect(Function.READ, INTEGRITY)
    wire.wait(2.0)
    assert isinstance(wire.wants()[0], Lost)


def test_a_repetition_leaves_the_line_to_others_first() -> None:
    wire = Wire(step_retries=1, response_timeout_s=2.0)
    wire.expect(Function.DISABLE_UNSOLICITED)
    wire.now += 2.0
    wire.master.tick(wire.now, wire.wall_ms)
    assert (wire.wants(), wire.master.is_waiting) == ([], False)
    wire.advance()
    wire.expect(Function.DISABLE_UNSOLICITED)


def test_an_outstation_that_refuses_unsolicited_is_polled() -> None:
    wire = Wire()
    wire.expect(Function.DISABLE_UNSOLICITED).answer(indications=Indication.FUNCTION_NOT_SUPPORTED)
    wire.expect(Function.READ, INTEGRITY).answer()
    wire.expect(Function.ENABLE_UNSOLICITED).answer(indications=Indication.FUNCTION_NOT_SUPPORTED)
    assert wire.wants() == [Started()]
    assert wire.master.association.unsolicited == ()


def test_a_silent_link_is_asked_and_then_lost() -> None:
    wire = started(keepalive_s=15.0, response_timeout_s=3.0)
    wire.master.heard(wire.now)
    wire.wait(15.1)
    assert wire.wants() == [AskLinkStatus()]
    wire.wait(3.1)
    assert isinstance(wire.wants()[0], Lost)


def test_a_link_that_answers_is_kept() -> None:
    wire = started(keepalive_s=15.0, response_timeout_s=3.0)
    wire.wait(15.1)
    assert wire.wants() == [AskLinkStatus()]
    wire.master.heard(wire.now)
    wire.wait(3.1)
    assert wire.wants() == []


# commands
