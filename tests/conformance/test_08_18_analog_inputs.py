"""Analog inputs, their changes, and reads of many objects: procedures 8.18.2.1 to 8.20.2."""

from protocols.dnp3.application import Indication
from tests.conformance import events
from tests.conformance.events import of_kind
from tests.conformance.tester import RANGE_QUALIFIERS, Tester, as_told
from vppscada.model.points import PointKind

_KIND = PointKind.ANALOG_INPUT
_EVENTS = of_kind(_KIND, 32, 3, 0, (1, 2))
_EVENT_GROUPS = (2, 4, 22, 23, 32, 11, 42)
_STATIC_GROUPS = (1, 3, 20, 21, 30, 10, 40)
_FAULTS = (
    Indication.FUNCTION_NOT_SUPPORTED
    | Indication.OBJECT_UNKNOWN
    | Indication.PARAMETER_ERROR
    | Indication.EVENT_BUFFER_OVERFLOW
    | Indication.ALREADY_EXECUTING
    | Indication.CONFIGURATION_CORRUPT
)


def test_8_18_2_1_device_does_not_have_analog_inputs(tester: Tester) -> None:
    tester.power_cycle(_KIND)
    assert tester.read("1E 00 06").is_null
    assert not tester.read("3C 01 06").values(30)


def test_8_18_2_2_device_has_analog_inputs(tester: Tester) -> None:
    for _ in range(2):
        tester.generate(_KIND, 3)
        for variation in (0, 1, 2, 3, 4):
            answer = tester.read(f"1E {variation:02X} 06")
            assert answer.values(30) == tester.state(_KIND)
            assert answer.qualifiers(30) <= RANGE_QUALIFIERS
            assert set(answer.flags(30)) == {0x01}
            assert {v for _, v in answer.names()} <= ({variation} if variation else {1, 2, 3, 4})


def test_8_19_2_1_analog_input_change(tester: Tester) -> None:
    events.read_all(tester, _EVENTS)
    events.read_counted(tester, _EVENTS, 0x07)


def test_8_19_2_2_analog_input_change_without_confirm(tester: Tester) -> None:
    events.read_unconfirmed(tester, _EVENTS)


def test_8_20_2_multiple_read_requests(tester: Tester) -> None:
    request = "".join(f"{group:02X} 00 06" for group in _EVENT_GROUPS + _STATIC_GROUPS)
    answer = tester.read(request)
    assert not answer.has_any(_FAULTS)
    assert {group for group, _ in answer.names()} == set(_STATIC_GROUPS)
    made, _ = tester.generate(PointKind.BINARY_INPUT, 3)
    more, _ = tester.generate(_KIND, 3)
    answer = tester.read(request)
    assert not answer.has_any(_FAULTS)
    groups = [group for group, _ in answer.names()]
    assert groups[:2] == [2, 32], "all events come before the static values"
    assert set(groups[2:]) == set(_STATIC_GROUPS)
    assert answer.values(2) == as_told(made)
    assert answer.values(32) == as_told(more)
    for kind, group in ((PointKind.BINARY_INPUT, 1), (PointKind.DOUBLE_BIT_INPUT, 3), (_KIND, 30)):
        assert answer.values(group) == tester.state(kind)
        assert answer.qualifiers(group) <= RANGE_QUALIFIERS
    assert answer.control.confirm
    tester.confirm(answer)
