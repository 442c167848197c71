"""Double-bit inputs and their changes: procedures 8.21.2.1 to 8.22.2.15."""

from tests.conformance import events
from tests.conformance.events import of_kind
from tests.conformance.tester import RANGE_QUALIFIERS, Tester
from vppscada.model.points import PointKind

_KIND = PointKind.DOUBLE_BIT_INPUT
_ANY = of_kind(_KIND, 4, 1, 0, (1, 2, 3))
_WITHOUT_TIME, _WITH_TIME, _RELATIVE = (of_kind(_KIND, 4, 1, variation) for variation in (1, 2, 3))


def test_8_21_2_1_device_has_double_bit_inputs(tester: Tester) -> None:
    for _ in range(2):
        tester.generate(_KIND, 3)
        for variation in (0, 1, 2):
            answer = tester.read(f"03 {variation:02X} 06")
            assert answer.values(3) == tester.state(_KIND)
            assert answer.qualifiers(3) <= RANGE_QUALIFIERS
            assert set(answer.flags(3)) == {0x01}
            assert {v for _, v in answer.names()} <= ({variation} if variation else {1, 2})


def test_8_21_2_2_device_supports_double_bit_inputs_configurable_device(tester: Tester) -> None:
    tester.power_cycle(_KIND)
    assert tester.read("03 00 06").is_null


def test_8_22_2_1_device_does_not_support_double_bit_input_changes(tester: Tester) -> None:
    tester.power_cycle(_KIND)
    for variation in range(4):
        assert tester.read(f"04 {variation:02X} 06").is_null


def test_8_22_2_2_double_bit_input_change_0x06(tester: Tester) -> None:
    events.read_all(tester, _ANY)


def test_8_22_2_3_double_bit_input_change_0x07(tester: Tester) -> None:
    events.read_counted(tester, _ANY, 0x07)


def test_8_22_2_4_double_bit_input_change_0x08(tester: Tester) -> None:
    events.read_counted(tester, _ANY, 0x08)


def test_8_22_2_5_double_bit_input_change_without_confirm(tester: Tester) -> None:
    events.read_unconfirmed(tester, _ANY)


def test_8_22_2_6_double_bit_input_change_without_time_0x06(tester: Tester) -> None:
    events.read_all(tester, _WITHOUT_TIME)


def test_8_22_2_7_double_bit_input_change_without_time_0x07(tester: Tester) -> None:
    events.read_counted(tester, _WITHOUT_TIME, 0x07)


def test_8_22_2_8_double_bit_input_change_without_time_0x08(tester: Tester) -> None:
    events.read_counted(tester, _WITHOUT_TIME, 0x08)


def test_8_22_2_9_double_bit_input_change_with_time_0x06(tester: Tester) -> None:
    events.read_all(tester, _WITH_TIME)


def test_8_22_2_10_double_bit_input_change_with_time_0x07(tester: Tester) -> None:
    events.read_counted(tester, _WITH_TIME, 0x07)


def test_8_22_2_11_double_bit_input_change_with_time_0x08(tester: Tester) -> None:
    events.read_counted(tester, _WITH_TIME, 0x08)


def test_8_22_2_12_double_bit_input_change_with_relative_time_0x06(tester: Tester) -> None:
    events.read_all(tester, _RELATIVE)


def test_8_22_2_13_double_bit_input_change_with_relative_time_0x07(tester: Tester) -> None:
    events.read_counted(tester, _RELATIVE, 0x07)


def test_8_22_2_14_double_bit_input_change_with_relative_time_0x08(tester: Tester) -> None:
    events.read_counted(tester, _RELATIVE, 0x08)


def test_8_22_2_15_double_bit_input_change_with_relative_time_long_interval(tester: Tester) -> None:
    events.read_long_interval(tester, _RELATIVE)
