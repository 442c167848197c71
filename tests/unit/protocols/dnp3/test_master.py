"""The master against a scripted wire: expect this, answer that, on a clock that only the test moves."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.dnp3.application import Control, Function, Indication, Request, build_response, parse_request
from protocols.dnp3.config import Dnp3Address, Dnp3SessionSettings
from protocols.dnp3.exchange import AskLinkStatus, Confirm, Deliver, Effect, Finished, Lost, Note, Send, Started
from protocols.dnp3.mapping import PointMapping
from protocols.dnp3.master import Master
from protocols.dnp3.objects import ObjectColumns, build_command, build_events, build_static, form_of
from vppscada.model.batch import Batch, Cause
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    Command,
    CommandBody,
    CommandMode,
    CommandStatus,
    Crob,
    CrobOperation,
    NotSent,
    Origin,
    Rejected,
    Unanswered,
)
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import TimeQuality

INTEGRITY = bytes.fromhex("3c02063c03063c04063c0106")
ALL_CLASSES = bytes.fromhex("3c02063c03063c0406")
CLOSE = Crob(CrobOperation.LATCH_ON)
WALL_MS = 1_700_000_000_000


def points() -> list[RowPoint]:
    kinds = (PointKind.ANALOG_INPUT, PointKind.BINARY_INPUT, PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT)
    return [RowPoint(10 + i, Point(f"a.p{i}", kind, address=Dnp3Address(7))) for i, kind in enumerate(kinds)]


def analogs(group: int, variation: int, index: int, value: float, time_ms: int = 0) -> bytes:
    form = form_of(group, variation)
    columns = ObjectColumns(
        np.array([index], dtype=np.uint32),
        np.array([value]),
        np.array([1], dtype=np.uint8),
        np.array([time_ms], dtype=np.int64),
    )
    return (build_events if form.is_event else build_static)(form, columns, 1000)[0]


class Wire:
    """A master, its clock and what it wanted."""

    def __init__(self, **settings: object) -> None:
        self.now = 100.0
        self.statistics: Counter[str] = Counter()
        given: dict[str, object] = {"host": "h", "keepalive_s": 0.0, "integrity_period_s": 0.0, "read_retries": 0}
        chosen = Dnp3SessionSettings(**(given | settings))  # type: ignore[arg-type]
        self.master = Master(chosen, PointMapping(points(), self.statistics), self.statistics, self.now)
        self.sequence = -1
        self.notes: list[str] = []
        self.advance()

    def advance(self) -> None:
        self.master.advance(self.now, self.wall_ms)

    @property
    def wall_ms(self) -> int:
        return WALL_MS + round((self.now - 100.0) * 1000)

    def wants(self) -> list[Effect]:
        """Everything it wants done since the last call; notes for the log are kept apart."""
        wanted: list[Effect] = [effect for effect in self.master.effects if not isinstance(effect, Note)]
        self.notes += [effect.event for effect in self.master.effects if isinstance(effect, Note)]
        self.master.effects.clear()
        return wanted

    def request(self) -> Request:
        """The one thing it wants is this request."""
        (effect,) = self.wants()
        assert isinstance(effect, Send)
        request = parse_request(effect.fragment)
        self.sequence = request.control.sequence
        return request

    def expect(self, function: Function, body: bytes | None = None) -> "Wire":
        request = self.request()
        assert request.function is function
        assert body is None or request.body == body
        return self

    def answer(
        self, body: bytes = b"", indications: Indication = Indication.NONE, after_s: float = 0.01
    ) -> list[Effect]:
        """Answer the request; what it wants at once, without what it asks next (that is for `expect`)."""
        return self.fragment(Control(self.sequence), body, indications, after_s)

    def fragment(
        self, control: Control, body: bytes = b"", indications: Indication = Indication.NONE, after_s: float = 0.01
    ) -> list[Effect]:
        self.now += after_s
        function = Function.UNSOLICITED_RESPONSE if control.unsolicited else Function.RESPONSE
        self.master.receive(build_response(control, function, indications, body), self.now, self.wall_ms)
        wanted = self.wants()
        if wanted and isinstance(wanted[-1], Send):
            self.master.effects.append(wanted.pop())
        self.advance()
        return wanted

    def unsolicited(self, sequence: int, body: bytes = b"", indications: Indication = Indication.NONE) -> list[Effect]:
        return self.fragment(Control(sequence, confirm=True, unsolicited=True), body, indications)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.master.tick(self.now, self.wall_ms)
        self.advance()

    def operate(self, body: CommandBody = CLOSE, mode: CommandMode = CommandMode.DIRECT, ttl_s: float = 10.0) -> int:
        row = 12 if isinstance(body, Crob) else 13
        command = Command(1, row, body, mode, Origin.OPERATOR, self.now, self.now + ttl_s)
        ticket = self.master.submit(command)
        self.advance()
        return ticket


def started(**settings: object) -> Wire:
    """A wire on which the start-up order is done."""
    wire = Wire(**settings)
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ, INTEGRITY).answer()
    wire.expect(Function.ENABLE_UNSOLICITED, ALL_CLASSES).answer()
    assert wire.wants() == [Started()]
    return wire


def batches(effects: list[Effect]) -> list[Batch]:
    return [effect.batch for effect in effects if isinstance(effect, Deliver)]


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
    wire.expect(Function.ENABLE_UNSOLICITED).answer(indications=Indication.NEED_TIME)
    sent_ms = wire.wall_ms
    wire.expect(Function.RECORD_CURRENT_TIME).answer(after_s=0.5)
    wire.expect(Function.WRITE, b"\x32\x03\x07\x01" + sent_ms.to_bytes(6, "little")).answer()
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
    wire.expect(Function.DISABLE_UNSOLICITED).answer(indications=Indication.DEVICE_RESTART)
    wire.expect(Function.WRITE, bytes.fromhex("500100070700")).answer()
    wire.expect(Function.READ, INTEGRITY).answer()
    wire.expect(Function.ENABLE_UNSOLICITED).answer()
    assert wire.wants() == []


def test_a_restart_bit_that_never_clears_makes_no_loop() -> None:
    wire = started()
    wire.wait(20.0)
    wire.unsolicited(0, indications=Indication.DEVICE_RESTART)
    for _ in range(4):
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
    assert len(batches(wire.unsolicited(4, body))) == 1


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
    started_, poll = wire.wants()
    assert started_ == Started()
    assert isinstance(poll, Send)
    assert parse_request(poll.fragment).body == bytes.fromhex("3c0306")


def test_events_announced_and_never_given_are_asked_for_once_a_second() -> None:
    wire = Wire(unsolicited=())
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ, INTEGRITY).answer(indications=Indication.CLASS_1_EVENTS)
    for _ in range(3):
        effects = wire.wants()
        assert isinstance(effects[-1], Send)
        wire.sequence = parse_request(effects[-1].fragment).control.sequence
        wire.answer(indications=Indication.CLASS_1_EVENTS)
        assert wire.wants() == []
        wire.wait(1.01)


def test_polls_that_are_due_together_are_one_request() -> None:
    wire = started(class1_period_s=5.0, class2_period_s=5.0)
    wire.wait(4.9)
    assert wire.wants() == []
    wire.wait(0.2)
    wire.expect(Function.READ, bytes.fromhex("3c02063c0306")).answer()
    wire.wait(5.1)
    wire.expect(Function.READ, bytes.fromhex("3c02063c0306"))


def test_the_integrity_period_counts_from_the_last_poll() -> None:
    wire = started(integrity_period_s=60.0)
    wire.wait(60.1)
    wire.expect(Function.READ, INTEGRITY).answer()
    wire.wait(59.0)
    assert wire.wants() == []


def test_a_read_is_repeated_and_then_the_association_is_lost() -> None:
    wire = Wire(read_retries=1, response_timeout_s=2.0)
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ, INTEGRITY)
    wire.wait(2.0)
    wire.expect(Function.READ, INTEGRITY)
    wire.wait(2.0)
    assert isinstance(wire.wants()[0], Lost)


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


def result_of(effects: list[Effect]) -> object:
    (finished,) = (effect for effect in effects if isinstance(effect, Finished))
    return finished.result


def test_select_before_operate_selects_then_operates_the_same_octets() -> None:
    wire = started()
    body = build_command(7, CLOSE)
    wire.operate(mode=CommandMode.SBO)
    wire.expect(Function.SELECT, body).answer(body)
    wire.expect(Function.OPERATE, body)
    assert result_of(wire.answer(body)) == Accepted()


def test_a_direct_analog_takes_the_variation_of_its_map() -> None:
    wire = started()
    body = build_command(7, AnalogValue(2.5), 3)
    wire.operate(AnalogValue(2.5))
    assert result_of(wire.expect(Function.DIRECT_OPERATE, body).answer(body)) == Accepted()


@pytest.mark.parametrize("mode", list(CommandMode))
def test_the_status_of_a_refused_command_is_told(mode: CommandMode) -> None:
    wire = started()
    wire.operate(mode=mode)
    wire.request()
    refused = build_command(7, CLOSE)[:-1] + bytes((CommandStatus.LOCAL,))
    result = result_of(wire.answer(refused))
    assert isinstance(result, Rejected)
    assert result.status is CommandStatus.LOCAL


@pytest.mark.parametrize(
    ("indication", "status"),
    [
        (Indication.FUNCTION_NOT_SUPPORTED, CommandStatus.NOT_SUPPORTED),
        (Indication.OBJECT_UNKNOWN, CommandStatus.NOT_SUPPORTED),
        (Indication.PARAMETER_ERROR, CommandStatus.FORMAT_ERROR),
        (Indication.ALREADY_EXECUTING, CommandStatus.ALREADY_ACTIVE),
    ],
)
def test_an_indication_instead_of_an_echo_is_a_rejection(indication: Indication, status: CommandStatus) -> None:
    wire = started()
    wire.operate()
    wire.request()
    result = result_of(wire.answer(indications=indication))
    assert isinstance(result, Rejected)
    assert result.status is status


def test_an_echo_of_something_else_is_no_acceptance() -> None:
    wire = started()
    wire.operate()
    wire.request()
    other = build_command(8, CLOSE)
    assert isinstance(result_of(wire.answer(other)), Unanswered)
    wire.operate(mode=CommandMode.SBO)
    wire.request()
    assert isinstance(result_of(wire.answer(other)), Rejected)


def test_a_select_without_answer_was_not_sent_and_an_operate_without_answer_is_unanswered() -> None:
    wire = started(response_timeout_s=3.0)
    wire.operate(mode=CommandMode.SBO)
    wire.expect(Function.SELECT)
    wire.wait(3.0)
    assert isinstance(result_of(wire.wants()), NotSent)
    wire.operate()
    wire.expect(Function.DIRECT_OPERATE)
    wire.wait(3.0)
    effects = wire.wants()
    assert isinstance(result_of(effects), Unanswered)
    assert not any(isinstance(effect, Send) for effect in effects)


def test_a_late_answer_changes_nothing() -> None:
    wire = started(response_timeout_s=3.0)
    wire.operate()
    wire.expect(Function.DIRECT_OPERATE)
    wire.wait(3.0)
    wire.wants()
    assert wire.answer(build_command(7, CLOSE)) == []


def test_an_expired_command_never_leaves() -> None:
    wire = started()
    wire.operate(ttl_s=0.0)
    assert [type(effect) for effect in wire.wants()] == [Finished]


def test_a_command_that_waits_for_its_turn_is_told_when_it_expires() -> None:
    wire = started(response_timeout_s=60.0)
    wire.operate()
    wire.expect(Function.DIRECT_OPERATE)
    wire.operate(ttl_s=2.0)
    assert wire.master.next_deadline() == wire.now + 2.0
    wire.wait(2.0)
    assert isinstance(result_of(wire.wants()), NotSent)


def test_a_command_that_expires_between_select_and_operate_never_operates() -> None:
    wire = started()
    wire.operate(mode=CommandMode.SBO, ttl_s=1.0)
    wire.expect(Function.SELECT)
    effects = wire.answer(build_command(7, CLOSE), after_s=1.5)
    assert isinstance(result_of(effects), NotSent)
    assert wire.wants() == []


def test_a_command_goes_before_a_poll_that_is_due() -> None:
    wire = started(class1_period_s=5.0, response_timeout_s=60.0)
    wire.operate()
    wire.expect(Function.DIRECT_OPERATE)
    wire.operate()
    wire.wait(6.0)
    wire.answer(build_command(7, CLOSE))
    wire.expect(Function.DIRECT_OPERATE).answer(build_command(7, CLOSE))
    wire.expect(Function.READ)


def test_commands_wait_for_the_start_up_order() -> None:
    wire = Wire()
    wire.expect(Function.DISABLE_UNSOLICITED)
    wire.operate()
    assert wire.wants() == []
    wire.answer()
    wire.expect(Function.READ).answer()
    wire.expect(Function.ENABLE_UNSOLICITED).answer()
    effects = wire.wants()
    assert [type(effect) for effect in effects] == [Started, Send]


def test_a_command_that_nobody_waits_for_any_more_never_leaves() -> None:
    wire = started()
    wire.operate()
    wire.expect(Function.DIRECT_OPERATE)
    wire.master.withdraw(wire.operate())
    wire.answer(build_command(7, CLOSE))
    assert wire.wants() == []


@pytest.mark.parametrize(("mode", "kind"), [(CommandMode.SBO, NotSent), (CommandMode.DIRECT, Unanswered)])
def test_a_lost_connection_gives_every_command_its_result(mode: CommandMode, kind: type) -> None:
    wire = started()
    first, second = wire.operate(mode=mode), wire.operate()
    wire.request()
    wire.master.abandon("gone")
    outcomes = {e.ticket: type(e.result) for e in wire.wants() if isinstance(e, Finished)}
    assert outcomes == {first: kind, second: NotSent}


def test_a_command_for_a_point_that_takes_none_is_rejected_here() -> None:
    wire = started()
    command = Command(1, 10, CLOSE, CommandMode.DIRECT, Origin.OPERATOR, wire.now, wire.now + 9)
    wire.master.submit(command)
    wire.advance()
    assert isinstance(result_of(wire.wants()), Rejected)


# hostile peers


@pytest.mark.parametrize("fragment", [b"", b"\xc0", b"\xc0\x81\x00", b"\xc0\x01\x3c\x02\x06", b"\xff" * 40])
def test_what_is_no_response_is_counted(fragment: bytes) -> None:
    wire = Wire()
    wire.expect(Function.DISABLE_UNSOLICITED)
    wire.master.receive(fragment, wire.now, wire.wall_ms)
    assert wire.wants() == []
    wire.master.receive(fragment, wire.now, wire.wall_ms)
    assert wire.wants() == []
    assert wire.statistics["fragments_malformed"] == 2
    assert wire.notes == ["fragments_malformed"]


def test_broken_objects_are_not_acknowledged_and_unknown_ones_are() -> None:
    wire = started()
    good = analogs(32, 7, 7, 1.5)
    broken = wire.unsolicited(0, good + b"\x20\x01\x28\xff\xff")
    assert [type(effect) for effect in broken] == [Deliver]
    unknown = wire.unsolicited(1, good + b"\xc8\x01\x07\x01")
    assert [type(effect) for effect in unknown] == [Deliver, Confirm]


def test_indexes_outside_the_map_are_counted_and_dropped() -> None:
    wire = started()
    (batch,) = batches(
        wire.unsolicited(0, analogs(32, 7, 7, 1.0) + analogs(32, 7, 60000, 2.0) + analogs(22, 5, 1, 1.0))
    )
    assert batch.rows.tolist() == [10]
    assert wire.statistics["unknown_indexes"] == 2


def test_a_response_without_end_is_ended() -> None:
    wire = Wire()
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ)
    lost: list[Effect] = []
    for i in range(5000):
        lost += wire.fragment(Control((wire.sequence + i) % 16, first=i == 0, final=False), after_s=0.0)
        if lost:
            break
    assert isinstance(lost[0], Lost)


_STEPS = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.floats(0.0, 20.0),
        st.sampled_from([CommandMode.SBO, CommandMode.DIRECT]),
        st.tuples(st.booleans(), st.booleans(), st.integers(0, 0x3FFF), st.binary(max_size=30)),
    ),
    max_size=60,
)


@given(_STEPS)
def test_whatever_comes_nothing_is_raised_and_every_command_gets_one_result(steps: list[object]) -> None:
    wire = Wire(class1_period_s=3.0, keepalive_s=9.0, read_retries=1)
    effects: list[Effect] = []
    submitted: list[int] = []
    for step in steps:
        if isinstance(step, bytes):
            wire.master.receive(step, wire.now, wire.wall_ms)
        elif isinstance(step, float):
            wire.wait(step)
        elif isinstance(step, CommandMode):
            submitted.append(wire.operate(mode=step))
        elif isinstance(step, tuple):
            final, echo, told, body = step
            control = Control((wire.master._sequence - 1) % 16, final=final, confirm=echo)
            answer = build_command(7, CLOSE) if echo else body
            fragment = build_response(control, Function.RESPONSE, Indication(told), answer)
            wire.master.receive(fragment, wire.now, wire.wall_ms)
        effects += wire.wants()
        wire.advance()
    effects += wire.wants()
    wire.master.abandon("the end")
    effects += wire.wants()
    functions = [parse_request(effect.fragment).function for effect in effects if isinstance(effect, Send)]
    operated = sum(function in (Function.OPERATE, Function.DIRECT_OPERATE) for function in functions)
    assert sorted(effect.ticket for effect in effects if isinstance(effect, Finished)) == submitted
    assert operated <= len(submitted)


def _deadline(check: Callable[[Wire], float], **settings: object) -> float:
    return check(started(**settings))


def test_the_next_deadline_is_the_nearest_of_what_is_waited_for() -> None:
    assert _deadline(lambda w: w.master.next_deadline() - w.now, class3_period_s=4.0) == pytest.approx(4.0)
    assert _deadline(lambda w: w.master.next_deadline()) == float("inf")
