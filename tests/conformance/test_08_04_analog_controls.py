"""Analog output status and controls: procedures 8.3.2 and 8.4.1.2.1 to 8.4.4.2."""

from protocols.dnp3.application import Function
from tests.conformance import controls
from tests.conformance.controls import ANALOG
from tests.conformance.tester import RANGE_QUALIFIERS, Tester
from vppscada.model.commands import CommandStatus as Status


def test_8_3_2_analog_output_status(tester: Tester) -> None:
    controls.echoed(tester, Function.DIRECT_OPERATE, ANALOG.objects(wide=True), sequence=0)
    tester.sequence = 0
    answer = tester.read("28 00 06")
    assert {group for group, _ in answer.names()} == {40}
    assert answer.qualifiers(40) <= RANGE_QUALIFIERS
    assert answer.values(40) == [(0, 10.0), *[(n, 0.0) for n in range(1, 20)]]
    assert set(answer.flags(40)) == {0x01}


def test_8_4_1_2_1_analog_output_sbo_0x28(tester: Tester) -> None:
    controls.sbo(tester, ANALOG, wide=True)


def test_8_4_1_2_2_analog_output_sbo_0x17(tester: Tester) -> None:
    controls.sbo(tester, ANALOG, wide=False)


def test_8_4_1_2_3_analog_output_sbo_to_uninstalled_point(tester: Tester) -> None:
    controls.sbo_uninstalled(tester, ANALOG)


def test_8_4_1_2_4_analog_output_sbo_execute_issued_after_time_out(tester: Tester) -> None:
    controls.sbo_too_late(tester, ANALOG)


def test_8_4_1_2_5_analog_output_sbo_execute_value_does_not_match_select_value(tester: Tester) -> None:
    controls.sbo_other(tester, ANALOG, ANALOG.objects(), ANALOG.objects(body=ANALOG.other))


def test_8_4_1_2_6_analog_output_sbo_select_0x28_execute_0x17(tester: Tester) -> None:
    controls.sbo_other(tester, ANALOG, ANALOG.objects(wide=True), ANALOG.objects(wide=False))


def test_8_4_1_2_7_analog_output_sbo_configurable_device(tester: Tester) -> None:
    controls.refused_without_points(tester, ANALOG, Function.SELECT)


def test_8_4_1_2_8_analog_output_sbo_same_sequence_number_select_retries(tester: Tester) -> None:
    controls.select_again(tester, ANALOG, sequences=(0, 0, 1))


def test_8_4_1_2_9_analog_output_sbo_incrementing_sequence_number_select_retries(tester: Tester) -> None:
    controls.select_again(tester, ANALOG, sequences=(0, 1, 2))


def test_8_4_1_2_10_analog_output_sbo_same_sequence_number_operate_retries(tester: Tester) -> None:
    controls.operate_again(tester, ANALOG, 1, Status.SUCCESS)


def test_8_4_1_2_11_analog_output_sbo_incrementing_sequence_number_operate_retries(tester: Tester) -> None:
    controls.operate_again(tester, ANALOG, 2, Status.NO_SELECT)


def test_8_4_1_2_12_analog_output_sbo_sequence_number_checking(tester: Tester) -> None:
    controls.sequence_is_checked(tester, ANALOG)


def test_8_4_2_2_1_analog_output_direct_operate(tester: Tester) -> None:
    controls.direct(tester, ANALOG)


def test_8_4_2_2_2_analog_output_direct_operate_to_uninstalled_point(tester: Tester) -> None:
    controls.direct_uninstalled(tester, ANALOG)


def test_8_4_2_2_3_analog_output_direct_operate_configurable_device(tester: Tester) -> None:
    controls.refused_without_points(tester, ANALOG, Function.DIRECT_OPERATE)


def test_8_4_3_2_1_analog_output_direct_operate_no_acknowledge(tester: Tester) -> None:
    controls.direct_unanswered(tester, ANALOG)


def test_8_4_3_2_2_analog_output_direct_operate_no_acknowledge_to_an_uninstalled_point(tester: Tester) -> None:
    controls.direct_unanswered_uninstalled(tester, ANALOG)


def test_8_4_3_2_3_analog_output_direct_operate_no_acknowledge_configurable_device(tester: Tester) -> None:
    controls.direct_unanswered_without_points(tester, ANALOG)


def test_8_4_4_2_multiple_objects(tester: Tester) -> None:
    controls.multiple(tester, ANALOG)
