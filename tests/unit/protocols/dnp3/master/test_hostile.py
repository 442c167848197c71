"""The master against a scripted wire: peers that talk nonsense, and whatever else may come."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.dnp3.application import Control, Function, Indication, build_response, parse_request
from protocols.dnp3.master.exchange import Answered, Confirm, Deliver, Effect, Finished, Lost, Send
from protocols.dnp3.master.maintenance import ColdRestart, Freeze, ReadAttributes, WriteDeadbands
from protocols.dnp3.objects import build_command, text_attribute
from tests.unit.protocols.dnp3.master.wire import CLOSE, WALL_MS, Wire, analogs, batches, started, usual_points
from vppscada.model.commands import (
    CommandMode,
    NotSent,
)
from vppscada.model.points import RowPoint


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


def test_neither_broken_nor_unknown_objects_are_acknowledged() -> None:
    wire = started()
    good = analogs(32, 7, 7, 1.5)
    broken = wire.unsolicited(0, good + b"\x20\x01\x28\xff\xff")
    assert [type(effect) for effect in broken] == [Deliver]
    unknown = wire.unsolicited(1, good + b"\xc8\x01\x07\x01")
    assert [type(effect) for effect in unknown] == []  # the events before it are known already
    assert wire.statistics["confirms_withheld"] == 2
    assert wire.notes == ["objects_malformed", "confirms_withheld"]


def unknown() -> bytes:
    """An object whose length nobody here knows."""
    return b"\xc8\x01\x07\x01"


def test_a_fragment_that_is_not_understood_comes_again_and_its_events_are_delivered_once() -> None:
    wire = started(class1_period_s=5.0)
    events = analogs(32, 7, 7, 1.5, WALL_MS) + analogs(32, 7, 7, 2.5, WALL_MS + 1)
    delivered: list[float] = []
    for sequence in range(5):
        for batch in batches(wire.unsolicited(sequence, events + unknown())):
            delivered += batch.value.tolist()
        wire.wait(5.0)  # whatever is asked and answered meanwhile
        wire.expect(Function.READ).answer()
    more = events + analogs(32, 7, 7, 3.5, WALL_MS + 2)
    effects = wire.unsolicited(9, more)
    delivered += [value for batch in batches(effects) for value in batch.value.tolist()]
    assert delivered == [1.5, 2.5, 3.5]
    assert isinstance(effects[-1], Confirm)


def test_a_poll_whose_events_cannot_be_confirmed_makes_no_loop() -> None:
    wire = started(unsolicited=(1, 2, 3), class1_period_s=5.0)
    wire.wait(5.0)
    wire.expect(Function.READ)
    body = analogs(32, 7, 7, 1.5, WALL_MS) + unknown()
    wire.fragment(Control(wire.sequence, confirm=True), body, Indication.CLASS_1_EVENTS)
    assert wire.wants() == []


def test_behind_the_first_state_of_a_poll_there_is_no_event_to_lose() -> None:
    wire = Wire()
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ)
    first = Control(wire.sequence, final=False, confirm=True)
    effects = wire.fragment(first, analogs(30, 5, 7, 1.0) + unknown())
    assert isinstance(effects[-1], Confirm)
    second = Control((wire.sequence + 1) % 16, first=False, confirm=True)
    assert isinstance(wire.fragment(second, unknown())[0], Confirm)


def test_what_is_broken_is_not_confirmed_wherever_it_stands() -> None:
    wire = Wire()
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ)
    first = Control(wire.sequence, final=False, confirm=True)
    effects = wire.fragment(first, analogs(30, 5, 7, 1.0) + b"\x20\x01\x28\xff\xff")
    assert [type(effect) for effect in effects] == [Deliver]


def test_before_the_first_state_of_a_poll_there_may_be_events() -> None:
    wire = Wire()
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ)
    first = Control(wire.sequence, final=False, confirm=True)
    effects = wire.fragment(first, analogs(32, 7, 7, 1.0, WALL_MS) + unknown())
    assert [type(effect) for effect in effects] == [Deliver]


def test_objects_that_tell_their_size_are_passed_over() -> None:
    wire = started()
    file_status = b"\x46\x05\x5b\x02" + b"\x03\x00abc" + b"\x00\x00"
    terminal = b"\x71\x03\x17\x01\x05xyz"
    effects = wire.unsolicited(0, file_status + analogs(32, 7, 7, 1.5, WALL_MS) + terminal)
    assert [batch.value.tolist() for batch in batches(effects)] == [[1.5]]
    assert isinstance(effects[-1], Confirm)
    for cut in range(1, len(file_status)):
        assert not any(isinstance(e, Confirm) for e in wire.unsolicited(cut % 16, file_status[:cut]))


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


def test_attributes_without_end_are_kept_from_the_first_fragments_only() -> None:
    wire = started()
    wire.master.request(ReadAttributes())
    wire.advance()
    wire.expect(Function.READ)
    body = b"".join(text_attribute(variation, "x" * 200).object() for variation in range(210, 220))
    for i in range(200):
        wire.fragment(Control((wire.sequence + i) % 16, first=i == 0, final=False), body, after_s=0.0)
    exchange = wire.master._exchange
    assert exchange is not None
    assert len(exchange.kept) == 16 * 10


def test_commands_that_wait_behind_a_response_without_end_expire_and_are_told_so() -> None:
    wire = started()
    wire.operate()
    wire.expect(Function.DIRECT_OPERATE)
    waiting = wire.operate(ttl_s=5.0)
    finished: list[Finished] = []
    for i in range(6):
        wire.fragment(Control((wire.sequence + i) % 16, first=i == 0, final=False), after_s=1.0)
        wire.wait(0.0)
        finished += [effect for effect in wire.wants() if isinstance(effect, Finished)]
    assert [(one.ticket, type(one.result)) for one in finished] == [(waiting, NotSent)]


_STEPS = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.floats(0.0, 20.0),
        st.sampled_from([CommandMode.SBO, CommandMode.DIRECT]),
        st.sampled_from([Freeze(), Freeze(acknowledged=False), ColdRestart(), ReadAttributes(), WriteDeadbands()]),
        st.tuples(st.booleans(), st.booleans(), st.integers(0, 0x3FFF), st.binary(max_size=30)),
    ),
    max_size=60,
)


@given(_STEPS, st.sampled_from([1, 4]), st.booleans())
def test_whatever_comes_nothing_is_raised_and_everything_asked_gets_one_result(
    steps: list[object], commands_per_request: int, sets_up: bool
) -> None:
    wire = Wire(
        [RowPoint(row, replace(point, deadband=1.0, event_class=1)) for row, point in usual_points()],
        class1_period_s=3.0,
        keepalive_s=9.0,
        read_retries=1,
        time_sync_period_s=7.0,
        freeze_period_s=11.0,
        commands_per_request=commands_per_request,
        assign_classes=sets_up,
        write_deadbands=sets_up,
    )
    effects: list[Effect] = []
    submitted: list[int] = []
    tasks: list[int] = []
    for step in steps:
        if isinstance(step, bytes):
            wire.master.receive(step, wire.now, wire.wall_ms)
        elif isinstance(step, float):
            wire.wait(step)
        elif isinstance(step, CommandMode):
            submitted.append(wire.operate(mode=step))
        elif isinstance(step, Freeze | ColdRestart | ReadAttributes | WriteDeadbands):
            tasks.append(wire.master.request(step))
            wire.advance()
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
    assert sorted(effect.ticket for effect in effects if isinstance(effect, Answered)) == tasks
    restarts = sum(function is Function.COLD_RESTART for function in functions)
    assert restarts <= sum(isinstance(step, ColdRestart) for step in steps)


def _deadline(check: Callable[[Wire], float], **settings: object) -> float:
    return check(started(**settings))


def test_the_next_deadline_is_the_nearest_of_what_is_waited_for() -> None:
    assert _deadline(lambda w: w.master.next_deadline() - w.now, class3_period_s=4.0) == pytest.approx(4.0, abs=0.05)
    assert _deadline(lambda w: w.master.next_deadline()) == float("inf")
