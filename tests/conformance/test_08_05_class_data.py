"""Class data: procedures 8.5.1.2 to 8.5.6.2."""

from tests.conformance import events
from tests.conformance.events import Events, of_class, tells
from tests.conformance.tester import INDEX_QUALIFIERS, RANGE_QUALIFIERS, Answer, Made, Tester, as_told
from vppscada.model.points import PointKind

_CLASSES = "3C 02 06 3C 03 06 3C 04 06"
_STATIC = {1: {1, 2}, 30: {1, 2, 3, 4, 5}, 20: {1, 2, 5, 6}, 21: {1, 2, 9, 10}, 10: {1, 2}, 40: {1, 2, 3}}
#: Objects that class 0 may bring.
_CLASS_0 = {(group, variation) for group, variations in _STATIC.items() for variation in variations}


def generate_all(tester: Tester) -> list[tuple[Events, list[Made]]]:
    """Three events of each class."""
    return [(one, tester.generate(one.kind, 3)[0]) for one in map(of_class, (1, 2, 3))]


def has_just(answer: Answer, made: list[tuple[Events, list[Made]]]) -> None:
    """The events of all classes are in a response, each kind's in order."""
    for one, expected in made:
        assert answer.values(one.group) == as_told(expected)
        assert answer.qualifiers(one.group) <= INDEX_QUALIFIERS
        assert set(answer.flags(one.group)) == {0x01}


def tells_present_state(tester: Tester, answer: Answer) -> None:
    """Every static object of a response has the value that the input has."""
    for kind, group in ((PointKind.BINARY_INPUT, 1), (PointKind.COUNTER, 20), (PointKind.ANALOG_INPUT, 30)):
        assert answer.values(group) == tester.state(kind)
        assert answer.qualifiers(group) <= RANGE_QUALIFIERS
        assert set(answer.flags(group)) == {0x01}


def test_8_5_1_2_class_0(tester: Tester) -> None:
    tester.put(PointKind.BINARY_INPUT, 41, 1.0)
    tester.put(PointKind.ANALOG_INPUT, 65535, -7.0)
    answer = tester.read("3C 01 06")
    assert set(answer.names()) <= _CLASS_0
    assert not answer.control.confirm
    tells_present_state(tester, answer)
    assert answer.values(10) == answer.values(40) == [(index, 0.0) for index in range(20)]


def test_8_5_2_2_1_class_1_data_0x06(tester: Tester) -> None:
    events.read_all(tester, of_class(1))


def test_8_5_2_2_2_class_1_data_0x07(tester: Tester) -> None:
    events.read_counted(tester, of_class(1), 0x07)


def test_8_5_2_2_3_class_1_data_0x08(tester: Tester) -> None:
    events.read_counted(tester, of_class(1), 0x08)


def test_8_5_2_2_4_class_1_data_without_confirm(tester: Tester) -> None:
    events.read_unconfirmed(tester, of_class(1))


def test_8_5_3_2_1_class_2_data_0x06(tester: Tester) -> None:
    events.read_all(tester, of_class(2))


def test_8_5_3_2_2_class_2_data_0x07(tester: Tester) -> None:
    events.read_counted(tester, of_class(2), 0x07)


def test_8_5_3_2_3_class_2_data_0x08(tester: Tester) -> None:
    events.read_counted(tester, of_class(2), 0x08)


def test_8_5_3_2_4_class_2_data_without_confirm(tester: Tester) -> None:
    events.read_unconfirmed(tester, of_class(2))


def test_8_5_4_2_1_class_3_data_0x06(tester: Tester) -> None:
    events.read_all(tester, of_class(3))


def test_8_5_4_2_2_class_3_data_0x07(tester: Tester) -> None:
    events.read_counted(tester, of_class(3), 0x07)


def test_8_5_4_2_3_class_3_data_0x08(tester: Tester) -> None:
    events.read_counted(tester, of_class(3), 0x08)


def test_8_5_4_2_4_class_3_data_without_confirm(tester: Tester) -> None:
    events.read_unconfirmed(tester, of_class(3))


def test_8_5_5_2_1_multiple_object_request_class_1_2_and_3(tester: Tester) -> None:
    tester.drain(_CLASSES)
    made = generate_all(tester)
    answer = tester.read(_CLASSES)
    assert answer.control.confirm
    assert {group for group, _ in answer.names()} == {2, 22, 32}
    has_just(answer, made)
    tester.confirm(answer)
    assert tester.read(_CLASSES).is_null


def test_8_5_5_2_2_multiple_object_request_class_1_2_3_and_0(tester: Tester) -> None:
    tester.drain(_CLASSES)
    made = generate_all(tester)
    answer = tester.read(_CLASSES + "3C 01 06")
    assert answer.control.confirm
    has_just(answer, made)
    groups = [group for group, _ in answer.names()]
    assert groups[:3] == [2, 22, 32], "events come before static values"
    assert set(answer.names()[3:]) <= _CLASS_0
    tells_present_state(tester, answer)
    tester.confirm(answer)
    assert tester.read(_CLASSES).is_null


def test_8_5_6_2_class_assignment_verification(tester: Tester) -> None:
    tester.drain(_CLASSES)
    made = generate_all(tester)
    for one, expected in made:
        answer = tester.read(one.all)
        tells(answer, one, expected)
        tester.confirm(answer)
        assert tester.read(one.all).is_null
    assert tester.read(_CLASSES).is_null
