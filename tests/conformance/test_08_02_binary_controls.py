"""Binary output status and controls: procedures 8.1.2 and 8.2.1.2.1 to 8.2.5.2.2."""

from protocols.dnp3.application import Function
from tests.conformance import controls
from tests.conformance.controls import BINARY, crob
from tests.conformance.tester import RANGE_QUALIFIERS, Tester
from vppscada.model.commands import CommandStatus as Status
from vppscada.model.commands import Crob, CrobOperation, TripClose
from vppscada.model.points import PointKind

_PULSE_ON, _LATCH_ON, _LATCH_OFF, _CLOSE, _TRIP = 0x01, 0x03, 0x04, 0x41, 0x81
_MEANING = {
    _PULSE_ON: (CrobOperation.PULSE_ON, TripClose.NUL),
    _LATCH_ON: (CrobOperation.LATCH_ON, TripClose.NUL),
    _LATCH_OFF: (CrobOperation.LATCH_OFF, TripClose.NUL),
    _CLOSE: (CrobOperation.PULSE_ON, TripClose.CLOSE),
    _TRIP: (CrobOperation.PULSE_ON, TripClose.TRIP),
}


def drive(tester: Tester, index: int, code: int) -> None:
    """Direct operate with a code, its times and count of the point's own; the point does just that."""
    count, on_ms, off_ms = 5 * index, 100 + 200 * index, 200 + 200 * index
    objects = BINARY.objects(index, crob(code, count, on_ms, off_ms))
    controls.echoed(tester, Function.DIRECT_OPERATE, objects, sequence=tester.sequence + 1)
    tester.sequence += 1
    expected = Crob(*_MEANING[code], count, on_ms, off_ms)
    assert tester.operated(PointKind.BINARY_OUTPUT) == [(index, expected)]


def test_8_1_2_binary_output_status(tester: Tester) -> None:
    for index, (code, state) in enumerate(((_LATCH_ON, 1.0), (_LATCH_OFF, 0.0))):
        body = crob(code)
        controls.echoed(tester, Function.DIRECT_OPERATE, BINARY.objects(0, body, wide=True), sequence=2 * index)
        tester.sequence = 2 * index
        answer = tester.read("0A 00 06")
        assert {group for group, _ in answer.names()} == {10}
        assert answer.names()[0][1] in (1, 2)
        assert answer.qualifiers(10) <= RANGE_QUALIFIERS
        assert answer.values(10) == [(0, state), *[(n, 0.0) for n in range(1, 20)]]
        assert set(answer.flags(10)) == {0x01}


def test_8_2_1_2_1_binary_output_sbo_0x28(tester: Tester) -> None:
    controls.sbo(tester, BINARY, wide=True)


def test_8_2_1_2_2_binary_output_sbo_0x17(tester: Tester) -> None:
    controls.sbo(tester, BINARY, wide=False)


def test_8_2_1_2_3_binary_output_sbo_to_uninstalled_point(tester: Tester) -> None:
    controls.sbo_uninstalled(tester, BINARY)


def test_8_2_1_2_4_binary_output_sbo_execute_issued_after_timeout(tester: Tester) -> None:
    controls.sbo_too_late(tester, BINARY)


def test_8_2_1_2_5_binary_output_sbo_execute_to_different_point_than_select(tester: Tester) -> None:
    controls.sbo_other(tester, BINARY, BINARY.objects(0), BINARY.objects(1))


def test_8_2_1_2_6_binary_output_sbo_execute_on_time_does_not_match_select_on_time(tester: Tester) -> None:
    controls.sbo_other(tester, BINARY, BINARY.objects(), BINARY.objects(body=crob(on_ms=101)))


def test_8_2_1_2_7_binary_output_sbo_execute_off_time_does_not_match_select_off_time(tester: Tester) -> None:
    controls.sbo_other(tester, BINARY, BINARY.objects(), BINARY.objects(body=crob(off_ms=201)))


def test_8_2_1_2_8_binary_output_sbo_execute_with_different_code(tester: Tester) -> None:
    controls.sbo_other(tester, BINARY, BINARY.objects(), BINARY.objects(body=BINARY.other))


def test_8_2_1_2_9_binary_output_sbo_select_0x28_execute_0x17(tester: Tester) -> None:
    controls.sbo_other(tester, BINARY, BINARY.objects(wide=True), BINARY.objects(wide=False))


def test_8_2_1_2_10_binary_output_sbo_configurable_device(tester: Tester) -> None:
    controls.refused_without_points(tester, BINARY, Function.SELECT)


def test_8_2_1_2_11_binary_output_sbo_same_sequence_number_select_retries(tester: Tester) -> None:
    controls.select_again(tester, BINARY, sequences=(0, 0, 1))


def test_8_2_1_2_12_binary_output_sbo_incrementing_sequence_number_select_retries(tester: Tester) -> None:
    controls.select_again(tester, BINARY, sequences=(0, 1, 2))


def test_8_2_1_2_13_binary_output_sbo_same_sequence_number_operate_retries(tester: Tester) -> None:
    controls.operate_again(tester, BINARY, 1, Status.SUCCESS)


def test_8_2_1_2_14_binary_output_sbo_incrementing_sequence_number_operate_retries(tester: Tester) -> None:
    controls.operate_again(tester, BINARY, 2, Status.NO_SELECT)


def test_8_2_1_2_15_binary_output_sbo_sequence_number_checking(tester: Tester) -> None:
    controls.sequence_is_checked(tester, BINARY)


def test_8_2_2_2_1_binary_output_direct_operate(tester: Tester) -> None:
    controls.direct(tester, BINARY)


def test_8_2_2_2_2_binary_output_direct_operate_to_uninstalled_point(tester: Tester) -> None:
    controls.direct_uninstalled(tester, BINARY)


def test_8_2_2_2_3_binary_output_direct_operate_configurable_device(tester: Tester) -> None:
    controls.refused_without_points(tester, BINARY, Function.DIRECT_OPERATE)


def test_8_2_3_2_1_binary_output_direct_operate_no_acknowledge(tester: Tester) -> None:
    controls.direct_unanswered(tester, BINARY)


def test_8_2_3_2_2_binary_output_direct_operate_no_acknowledge_to_an_uninstalled_point(tester: Tester) -> None:
    controls.direct_unanswered_uninstalled(tester, BINARY)


def test_8_2_3_2_3_binary_output_direct_operate_no_acknowledge_configurable_device(tester: Tester) -> None:
    controls.direct_unanswered_without_points(tester, BINARY)


def test_8_2_4_2_multiple_object_requests(tester: Tester) -> None:
    controls.multiple(tester, BINARY)


def test_8_2_5_2_1_binary_output_complementary_function_support(tester: Tester) -> None:
    for index, codes in ((2, (_LATCH_ON, _LATCH_OFF)), (3, (_CLOSE, _TRIP)), (4, tuple(_MEANING)[1:])):
        for code in codes:
            drive(tester, index, code)


def test_8_2_5_2_2_binary_output_single_function_support(tester: Tester) -> None:
    for index, code in zip(range(5, 10), _MEANING, strict=True):
        drive(tester, index, code)
