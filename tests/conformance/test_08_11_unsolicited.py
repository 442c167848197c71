"""Unsolicited responses and collision avoidance: procedures 8.11.2.1 to 8.12.2."""

import pytest

from protocols.dnp3.application import Function, Indication
from tests.conformance import events
from tests.conformance.events import Events, of_class
from tests.conformance.tester import Answer, Tester
from vppscada.model.points import PointKind

_CLASSES = "3C 02 06 3C 03 06 3C 04 06"
_TIMEOUT_S = 5.0


def null(answers: list[Answer]) -> Answer:
    """One unsolicited response without objects."""
    answer = unsolicited(answers)
    assert answer.is_null
    return answer


def unsolicited(answers: list[Answer]) -> Answer:
    """One unsolicited response, which wants to be confirmed."""
    [answer] = answers
    assert answer.response.is_unsolicited
    control = answer.control
    assert (control.first, control.final, control.confirm, control.unsolicited) == (True, True, True, True)
    return answer


def ready(tester: Tester, **settings: object) -> None:
    """A device that may speak unasked, its first response confirmed, with all classes disabled."""
    tester.confirm(null(tester.power_cycle(unsolicited=True, confirm_timeout_s=_TIMEOUT_S, **settings)))
    assert tester.ask(Function.DISABLE_UNSOLICITED, _CLASSES).is_null


def test_8_11_2_1_unsolicited_response_configuration_startup(tester: Tester) -> None:
    settings = {"unsolicited": True, "confirm_timeout_s": _TIMEOUT_S}
    assert null(tester.power_cycle(master_address=2, **settings)).sequence == 0
    assert {frame.destination for frame in tester.heard} == {2}
    first = null(tester.power_cycle(**settings))
    assert first.has(Indication.DEVICE_RESTART)
    for sequence in (1, 2):
        again = null(tester.wait(_TIMEOUT_S))
        assert again.has(Indication.DEVICE_RESTART)
        assert again.sequence == sequence
    answer = tester.ask(Function.WRITE, "50 01 00 07 07 00")
    assert answer.is_null
    assert not answer.has(Indication.DEVICE_RESTART)
    assert not null(tester.wait(_TIMEOUT_S)).has(Indication.DEVICE_RESTART)
    answer, anew = tester.send(Function.READ, "3C 01 06")
    assert not answer.response.is_unsolicited
    assert not answer.is_null
    assert null([anew]).sequence == 4
    wrong = bytes((0xD5, Function.CONFIRM))
    assert tester.fragment(wrong) == []
    last = null(tester.wait(_TIMEOUT_S))
    assert last.sequence == 5
    assert tester.confirm(last) == []
    for kind in (PointKind.BINARY_INPUT, PointKind.COUNTER, PointKind.ANALOG_INPUT):
        assert tester.generate(kind, 1)[1] == [], "no class is enabled"
    assert tester.wait(2 * _TIMEOUT_S) == []


def tells_its_class_only(tester: Tester, event_class: int) -> None:
    """Procedures of one class: nothing while disabled, retries until confirmed, and silence about the others."""
    ready(tester)
    chosen = of_class(event_class)
    made, heard = tester.generate(chosen.kind, 3)
    assert heard == tester.wait(_TIMEOUT_S) == []
    answer, first = tester.send(Function.ENABLE_UNSOLICITED, chosen.all)
    assert answer.is_null
    assert not answer.response.is_unsolicited
    first = unsolicited([first])
    events.tells(first, chosen, made)
    again = unsolicited(tester.wait(_TIMEOUT_S))
    assert again.fragment == first.fragment
    assert tester.fragment(bytes((0xD0 | (first.sequence + 1), Function.CONFIRM))) == [], "not its number"
    again = unsolicited(tester.wait(_TIMEOUT_S))
    events.tells(again, chosen, made)
    assert tester.confirm(again) == []
    for other in (of_class(n) for n in (1, 2, 3) if n != event_class):
        assert tester.generate(other.kind, 3)[1] == []
    assert tester.wait(2 * _TIMEOUT_S) == []
    assert tester.read(chosen.all).is_null, "what was confirmed is gone"


def test_8_11_2_2_unsolicited_response_class_1_data(tester: Tester) -> None:
    tells_its_class_only(tester, 1)


def test_8_11_2_3_unsolicited_response_class_2_data(tester: Tester) -> None:
    tells_its_class_only(tester, 2)


def test_8_11_2_4_unsolicited_response_class_3_data(tester: Tester) -> None:
    tells_its_class_only(tester, 3)


def test_8_11_2_5_unsolicited_and_polled_responses(tester: Tester) -> None:
    one: Events = of_class(1)
    ready(tester)
    assert tester.ask(Function.ENABLE_UNSOLICITED, _CLASSES).is_null
    # a poll while an unsolicited response is unconfirmed waits for the confirmation
    made, heard = tester.generate(one.kind, 1)
    first = unsolicited(heard)
    events.tells(first, one, made)
    assert tester.send(Function.READ, one.all) == []
    [polled] = tester.confirm(first)
    assert not polled.response.is_unsolicited
    assert polled.sequence == tester.sequence
    assert polled.is_null, "told once already"
    # or for the time-out, and then it brings what was not confirmed
    made, heard = tester.generate(one.kind, 1)
    second = unsolicited(heard)
    assert second.sequence == first.sequence + 1
    assert tester.send(Function.READ, one.all) == []
    [polled] = tester.wait(_TIMEOUT_S)
    assert not polled.response.is_unsolicited
    events.tells(polled, one, made)
    # nothing is said unasked while a polled response is unconfirmed
    more, heard = tester.generate(one.kind, 1)
    assert heard == []
    third = unsolicited(tester.confirm(polled))
    events.tells(third, one, more)
    # other requests do not wait
    answer = tester.ask(Function.DELAY_MEASURE)
    assert not answer.response.is_unsolicited
    assert tester.confirm(third) == []
    assert tester.read(_CLASSES).is_null


def test_8_11_2_6_unsolicited_responses_off(tester: Tester) -> None:
    assert tester.power_cycle(unsolicited=False) == []
    assert tester.wait(_TIMEOUT_S) == []
    assert not tester.ask(Function.WRITE, "50 01 00 07 07 00").has(Indication.DEVICE_RESTART)
    tester.drain(_CLASSES)
    made, heard = tester.generate(PointKind.BINARY_INPUT, 1)
    assert heard == tester.wait(_TIMEOUT_S) == []
    for function in (Function.ENABLE_UNSOLICITED, Function.DISABLE_UNSOLICITED):
        answer = tester.ask(function, _CLASSES)
        assert answer.is_null
        assert answer.has(Indication.FUNCTION_NOT_SUPPORTED)
        assert tester.wait(_TIMEOUT_S) == []
    events.tells(tester.read(of_class(1).all), of_class(1), made)


def test_8_12_2_collision_avoidance(tester: Tester) -> None:
    pytest.skip(
        "optional, for lines that several outstations share and speak on unasked: "
        "ours has unsolicited responses off there (8.11.2.6), and on TCP, TLS and UDP nothing collides"
    )
