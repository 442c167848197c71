"""The master against a scripted wire: commands and their four results."""

import pytest

from protocols.dnp3.application import Function, Indication
from protocols.dnp3.master.exchange import Finished, Send, Started
from protocols.dnp3.objects import build_command
from tests.unit.protocols.dnp3.master.wire import CLOSE, Wire, result_of, started
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    Command,
    CommandMode,
    CommandStatus,
    NotSent,
    Origin,
    Rejected,
    Unanswered,
)


def test_select_before_operate_selects_then_operates_the_same_octets() -> None:
    wire = started()
    body = build_command(7, CLOSE)
    wire.operate(mode=CommandMode.SBO)
    wire.expect(Function.SELECT, body).answer(body)
    wire.expect(Function.OPERATE, body)
    assert result_of(wire.answer(body)) == Accepted()


def test_a_select_alone_is_answered_and_nothing_follows() -> None:
    wire = started(response_timeout_s=3.0)
    body = build_command(7, CLOSE)
    wire.operate(mode=CommandMode.SBO, select_only=True)
    assert result_of(wire.expect(Function.SELECT, body).answer(body)) == Accepted()
    assert wire.wants() == []
    wire.operate(mode=CommandMode.SBO, select_only=True)
    refused = body[:-1] + bytes((CommandStatus.LOCAL,))
    result = result_of(wire.expect(Function.SELECT, body).answer(refused))
    assert isinstance(result, Rejected)
    assert result.status is CommandStatus.LOCAL
    wire.operate(mode=CommandMode.SBO, select_only=True)
    wire.expect(Function.SELECT, body)
    wire.wait(3.0)
    assert isinstance(result_of(wire.wants()), NotSent)


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
