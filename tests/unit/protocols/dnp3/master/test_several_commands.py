"""Several commands in one request: what shares one, and what becomes of each."""

import pytest

from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.application import Function, Indication
from protocols.dnp3.master.exchange import Effect, Finished, Send
from protocols.dnp3.objects import build_command
from tests.unit.protocols.dnp3.master.wire import CLOSE, Wire, started
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    Command,
    CommandBody,
    CommandMode,
    CommandResult,
    CommandStatus,
    Crob,
    NotSent,
    Origin,
    Rejected,
    Unanswered,
)
from vppscada.model.points import Point, PointKind, RowPoint

DIRECT, SBO = CommandMode.DIRECT, CommandMode.SBO
BLOCKS = [RowPoint(n, Point(f"a.b{n}", PointKind.BINARY_OUTPUT, address=Dnp3Address(n))) for n in range(5)]
VALUES = [RowPoint(10, Point("a.v", PointKind.ANALOG_OUTPUT, address=Dnp3Address(300)))]
#: Object of a block in a request: index, code, count, two times, status.
_OBJECT = len(build_command(0, CLOSE)) - 4


def ready(most: int = 10, **settings: object) -> Wire:
    """A wire that waits for an answer to a first command, so that what comes next waits together."""
    wire = started([*BLOCKS, *VALUES], commands_per_request=most, **settings)
    give(wire, 4)
    wire.expect(Function.DIRECT_OPERATE)
    return wire


def give(wire: Wire, row: int, mode: CommandMode = DIRECT, ttl_s: float = 60.0, body: CommandBody | None = None) -> int:
    body = body or (AnalogValue(2.5) if row == 10 else CLOSE)
    ticket = wire.master.submit(Command(row, row, body, mode, Origin.EMS, wire.now, wire.now + ttl_s))
    wire.advance()
    return ticket


def go_on(wire: Wire) -> None:
    """The first command is answered: what waits begins."""
    wire.answer(build_command(4, CLOSE))


def results(effects: list[Effect]) -> dict[int, CommandResult]:
    return {effect.ticket: effect.result for effect in effects if isinstance(effect, Finished)}


def blocks(*indexes: int, statuses: tuple[int, ...] = ()) -> bytes:
    """One header with a closing block for each index."""
    objects = [build_command(index, CLOSE)[4:] for index in indexes]
    told = statuses or (0,) * len(indexes)
    body = b"".join(one[:-1] + bytes((status,)) for one, status in zip(objects, told, strict=True))
    return build_command(indexes[0], CLOSE)[:3] + bytes((len(indexes),)) + body


@pytest.mark.parametrize("mode", [DIRECT, SBO])
def test_commands_that_wait_together_share_a_request(mode: CommandMode) -> None:
    wire = ready()
    tickets = [give(wire, row, mode) for row in (0, 1, 10)]
    go_on(wire)
    body = blocks(0, 1) + build_command(300, AnalogValue(2.5), 3)
    if mode is SBO:
        wire.expect(Function.SELECT, body).answer(body)
        wire.expect(Function.OPERATE, body)
    else:
        wire.expect(Function.DIRECT_OPERATE, body)
    assert results(wire.answer(body)) == dict.fromkeys(tickets, Accepted())
    assert wire.wants() == []


def test_no_more_than_the_site_allows_share_a_request() -> None:
    wire = ready(most=2)
    tickets = [give(wire, row) for row in (0, 1, 2)]
    go_on(wire)
    wire.expect(Function.DIRECT_OPERATE, blocks(0, 1))
    assert results(wire.answer(blocks(0, 1))) == dict.fromkeys(tickets[:2], Accepted())
    wire.expect(Function.DIRECT_OPERATE, blocks(2))


def test_other_modes_and_the_same_point_again_wait_for_a_request_of_their_own() -> None:
    wire = ready()
    for row, mode in ((0, DIRECT), (1, SBO), (2, SBO), (1, SBO)):
        give(wire, row, mode)
    go_on(wire)
    wire.expect(Function.DIRECT_OPERATE, blocks(0)).answer(blocks(0))
    wire.expect(Function.SELECT, blocks(1, 2)).answer(blocks(1, 2))
    wire.expect(Function.OPERATE, blocks(1, 2)).answer(blocks(1, 2))
    wire.expect(Function.SELECT, blocks(1))


def test_each_point_keeps_its_own_status() -> None:
    wire = ready()
    first, second, third = (give(wire, row) for row in (0, 1, 2))
    go_on(wire)
    wire.expect(Function.DIRECT_OPERATE)
    found = results(wire.answer(blocks(0, 1, 2, statuses=(0, CommandStatus.LOCAL, 0))))
    assert found[first] == found[third] == Accepted()
    assert found[second] == Rejected(CommandStatus.LOCAL, "status LOCAL")


@pytest.mark.parametrize(
    "answer",
    [
        blocks(0),  # fewer
        blocks(0)[:3] + b"\x03" + blocks(0)[4:],  # as many are promised, fewer come
        blocks(0, 3, 2),  # another point
        blocks(0, 1)[:-_OBJECT] + build_command(1, Crob(CLOSE.operation, count=9))[4:] + blocks(2)[4:],
    ],
)
def test_what_an_answer_does_not_repeat_is_unanswered_and_never_accepted(answer: bytes) -> None:
    wire = ready()
    first, second, third = (give(wire, row) for row in (0, 1, 2))
    go_on(wire)
    wire.expect(Function.DIRECT_OPERATE)
    found = results(wire.answer(answer))
    assert found[first] == Accepted()
    assert isinstance(found[second], Unanswered) and isinstance(found[third], Unanswered)


def test_an_answer_with_more_than_was_asked_accepts_nothing() -> None:
    wire = ready()
    ticket = give(wire, 0)
    go_on(wire)
    wire.expect(Function.DIRECT_OPERATE)
    assert isinstance(results(wire.answer(blocks(0) + blocks(1)))[ticket], Unanswered)


def test_success_beside_a_refusal_is_not_believed() -> None:
    wire = ready()
    ticket = give(wire, 0)
    go_on(wire)
    wire.expect(Function.DIRECT_OPERATE)
    found = results(wire.answer(blocks(0), indications=Indication.PARAMETER_ERROR))
    assert isinstance(found[ticket], Unanswered)


def test_those_that_the_select_refuses_are_left_out_and_the_others_selected_anew() -> None:
    wire = ready()
    first, second, third = (give(wire, row, SBO) for row in (0, 1, 2))
    go_on(wire)
    wire.expect(Function.SELECT, blocks(0, 1, 2)).answer(blocks(0, 1, 2, statuses=(0, CommandStatus.BLOCKED, 0)))
    wire.expect(Function.SELECT, blocks(0, 2)).answer(blocks(0, 2))
    wire.expect(Function.OPERATE, blocks(0, 2))
    found = results(wire.answer(blocks(0, 2)))
    assert found == {
        first: Accepted(),
        second: Rejected(CommandStatus.BLOCKED, "status BLOCKED"),
        third: Accepted(),
    }


def test_one_that_expires_at_the_select_is_left_out() -> None:
    wire = ready()
    brief, lasting = give(wire, 0, SBO, ttl_s=1.0), give(wire, 1, SBO)
    go_on(wire)
    wire.expect(Function.SELECT, blocks(0, 1)).answer(blocks(0, 1), after_s=2.0)
    wire.expect(Function.SELECT, blocks(1)).answer(blocks(1))
    wire.expect(Function.OPERATE, blocks(1))
    found = results(wire.answer(blocks(1)))
    assert isinstance(found[brief], NotSent)
    assert found[lasting] == Accepted()


def test_a_select_that_is_not_repeated_whole_operates_nothing() -> None:
    wire = ready()
    first, second = give(wire, 0, SBO), give(wire, 1, SBO)
    go_on(wire)
    wire.expect(Function.SELECT)
    effects = wire.answer(blocks(0))
    found = results(effects)
    assert isinstance(found[first], NotSent)
    assert isinstance(found[second], Rejected)
    assert not [effect for effect in (*effects, *wire.wants()) if isinstance(effect, Send)]


@pytest.mark.parametrize(("mode", "kind"), [(DIRECT, Unanswered), (SBO, NotSent)])
def test_silence_is_everybodys_silence(mode: CommandMode, kind: type) -> None:
    wire = ready(response_timeout_s=2.0)
    tickets = [give(wire, row, mode) for row in (0, 1)]
    go_on(wire)
    wire.request()
    wire.wait(2.0)
    effects = wire.wants()
    assert {ticket: type(result) for ticket, result in results(effects).items()} == dict.fromkeys(tickets, kind)
    assert not any(isinstance(effect, Send) for effect in effects)


def test_those_that_cannot_be_sent_do_not_keep_the_others() -> None:
    wire = ready()
    unfit, good = give(wire, 0, body=AnalogValue(1.0)), give(wire, 1)
    go_on(wire)
    finished, sent = wire.wants()
    assert isinstance(results([finished])[unfit], Rejected)
    assert isinstance(sent, Send) and sent.fragment[2:] == blocks(1)
    wire.sequence = sent.fragment[0] & 0x0F
    assert results(wire.answer(blocks(1))) == {good: Accepted()}


def test_direct_operate_without_acknowledgement_stays_unknown() -> None:
    wire = started([*BLOCKS, *VALUES], acknowledge_direct=False)
    ticket = give(wire, 0)
    sent, finished = wire.wants()
    assert isinstance(sent, Send) and sent.fragment[1] == Function.DIRECT_OPERATE_NO_RESPONSE
    assert isinstance(finished, Finished) and finished.ticket == ticket
    assert isinstance(finished.result, Unanswered)
    assert not wire.master.is_waiting
