"""Binary inputs, their changes, and the common time of occurrence: procedures 8.13.2.1 to 8.15.2."""

from protocols.dnp3.application import Function, Indication
from tests.conformance import events
from tests.conformance.events import of_kind, tells
from tests.conformance.tester import RANGE_QUALIFIERS, Tester
from vppscada.model.points import PointKind

_KIND = PointKind.BINARY_INPUT
_ANY = of_kind(_KIND, 2, 1, 0, (1, 2, 3))
_WITHOUT_TIME, _WITH_TIME, _RELATIVE = (of_kind(_KIND, 2, 1, variation) for variation in (1, 2, 3))


def test_8_13_2_1_device_does_not_have_binary_inputs(tester: Tester) -> None:
    tester.power_cycle(_KIND)
    assert tester.read("01 00 06").is_null
    assert not tester.read("3C 01 06").values(1)


def test_8_13_2_2_device_has_binary_inputs(tester: Tester) -> None:
    for _ in range(2):
        tester.generate(_KIND, 3)
        for variation in (0, 1, 2):
            answer = tester.read(f"01 {variation:02X} 06")
            assert answer.values(1) == tester.state(_KIND)
            assert answer.qualifiers(1) <= RANGE_QUALIFIERS
            assert set(answer.flags(1)) == {0x01}
            assert {v for _, v in answer.names()} <= ({variation} if variation else {1, 2})


def test_8_13_2_3_device_supports_binary_inputs_configurable_device(tester: Tester) -> None:
    tester.power_cycle(_KIND)
    answer = tester.read("01 00 06")
    assert answer.is_null
    assert not answer.has(Indication.FUNCTION_NOT_SUPPORTED)


def test_8_14_2_1_device_does_not_support_binary_input_changes(tester: Tester) -> None:
    tester.power_cycle(_KIND)
    for variation in range(4):
        assert tester.read(f"02 {variation:02X} 06").is_null
    assert tester.read("3C 02 06").is_null


def test_8_14_2_2_binary_input_change_0x06(tester: Tester) -> None:
    events.read_all(tester, _ANY)


def test_8_14_2_3_binary_input_change_0x07(tester: Tester) -> None:
    events.read_counted(tester, _ANY, 0x07)


def test_8_14_2_4_binary_input_change_0x08(tester: Tester) -> None:
    events.read_counted(tester, _ANY, 0x08)


def test_8_14_2_5_binary_input_change_without_confirm(tester: Tester) -> None:
    events.read_unconfirmed(tester, _ANY)


def test_8_14_2_6_binary_input_change_without_time_0x06(tester: Tester) -> None:
    events.read_all(tester, _WITHOUT_TIME)


def test_8_14_2_7_binary_input_change_without_time_0x07(tester: Tester) -> None:
    events.read_counted(tester, _WITHOUT_TIME, 0x07)


def test_8_14_2_8_binary_input_change_without_time_0x08(tester: Tester) -> None:
    events.read_counted(tester, _WITHOUT_TIME, 0x08)


def test_8_14_2_9_binary_input_change_with_time_0x06(tester: Tester) -> None:
    events.read_all(tester, _WITH_TIME)


def test_8_14_2_10_binary_input_change_with_time_0x07(tester: Tester) -> None:
    events.read_counted(tester, _WITH_TIME, 0x07)


def test_8_14_2_11_binary_input_change_with_time_0x08(tester: Tester) -> None:
    events.read_counted(tester, _WITH_TIME, 0x08)


def test_8_14_2_12_binary_input_change_with_relative_time_0x06(tester: Tester) -> None:
    events.read_all(tester, _RELATIVE)


def test_8_14_2_13_binary_input_change_with_relative_time_0x07(tester: Tester) -> None:
    events.read_counted(tester, _RELATIVE, 0x07)


def test_8_14_2_14_binary_input_change_with_relative_time_0x08(tester: Tester) -> None:
    events.read_counted(tester, _RELATIVE, 0x08)


def test_8_14_2_15_binary_input_change_with_relative_time_long_interval(tester: Tester) -> None:
    events.read_long_interval(tester, _RELATIVE)


def test_8_15_2_common_time_of_occurrence(tester: Tester) -> None:
    tester.power_cycle()
    assert not tester.ask(Function.WRITE, "50 01 00 07 07 00").has(Indication.DEVICE_RESTART)
    made, _ = tester.generate(_KIND, 3)
    answer = tester.read(_RELATIVE.all)
    tells(answer, _RELATIVE, made)
    assert answer.names()[0] == (51, 2), "the clock was never set"
    tester.confirm(answer)

    tester.wait(5.0)
    write_time(tester)
    made, _ = tester.generate(_KIND, 3)
    answer = tester.read(_RELATIVE.all)
    tells(answer, _RELATIVE, made)
    assert answer.names()[0] == (51, 1), "the clock is synchronised"
    tester.confirm(answer)

    made, _ = tester.generate(_KIND, 3)
    tester.wait(5.0)
    assert tester.ask(Function.DELAY_MEASURE).has(Indication.NEED_TIME)
    answer = tester.read(_RELATIVE.all)
    tells(answer, _RELATIVE, made)
    assert answer.names()[0] == (51, 1)
    write_time(tester)
    again = tester.read(_RELATIVE.all)
    assert again.body == answer.body, "not confirmed: told again, with the times of then"
    tester.confirm(again)
    assert tester.read(_RELATIVE.all).is_null


def write_time(tester: Tester) -> None:
    """The steps of a time synchronisation, to a time of the tester's."""
    answer = tester.ask(Function.DELAY_MEASURE)
    assert answer.names() == [(52, 2)]
    assert answer.has(Indication.NEED_TIME)
    time_ms = 1_586_534_498_773
    assert not tester.ask(Function.WRITE, b"\x32\x01\x07\x01" + time_ms.to_bytes(6, "little")).has(Indication.NEED_TIME)
