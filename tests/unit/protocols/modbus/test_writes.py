"""What a command becomes on the wire, and what an answer to it means."""

import pytest

from protocols.modbus.codec import CannotEncode
from protocols.modbus.layout import address_of
from protocols.modbus.replies import ReplyInvalid, check_echo, exception_code, read_bits, read_words, write_result
from protocols.modbus.writes import Step, steps_of, write_analog, write_binary
from tests.unit.protocols.modbus.making import point
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    CommandStatus,
    Crob,
    CrobOperation,
    Rejected,
    TripClose,
    Unanswered,
)

COIL = point("go", "binary_output", table="coil", register="7")
REGISTER = point("set", "analog_output", "int16", table="holding_register", register="9")
WIDE = point("wide", "analog_output", "float32", table="holding_register", register="9")


def test_a_latch_is_one_state() -> None:
    assert steps_of(COIL, Crob(CrobOperation.LATCH_ON)) == (Step(True),)
    assert steps_of(COIL, Crob(CrobOperation.LATCH_OFF)) == (Step(False),)


def test_a_pulse_goes_back_after_its_time() -> None:
    assert steps_of(COIL, Crob(CrobOperation.PULSE_ON, on_ms=500)) == (Step(True, 0.5), Step(False))
    assert steps_of(COIL, Crob(CrobOperation.PULSE_OFF, off_ms=250)) == (Step(False, 0.25), Step(True))


def test_a_pulse_without_a_time_is_the_devices_own() -> None:
    assert steps_of(COIL, Crob(CrobOperation.PULSE_ON)) == (Step(True),)


def test_close_and_trip_are_one_and_zero() -> None:
    assert steps_of(COIL, Crob(CrobOperation.PULSE_ON, TripClose.CLOSE, on_ms=100)) == (Step(True),)
    assert steps_of(COIL, Crob(CrobOperation.PULSE_ON, TripClose.TRIP, on_ms=100)) == (Step(False),)


@pytest.mark.parametrize(
    "body",
    [
        AnalogValue(1.0),
        Crob(CrobOperation.NUL),
        Crob(CrobOperation.LATCH_ON, count=2),
        Crob(CrobOperation.PULSE_ON, on_ms=60_001),
    ],
)
def test_what_a_coil_cannot_do_is_not_sent(body: Crob | AnalogValue) -> None:
    with pytest.raises(CannotEncode):
        steps_of(COIL, body)


def test_a_control_block_is_no_value() -> None:
    with pytest.raises(CannotEncode):
        write_analog(REGISTER, Crob(CrobOperation.LATCH_ON), None, False)


def test_one_register_goes_with_function_6_unless_the_device_wants_16() -> None:
    single = write_analog(REGISTER, AnalogValue(-1), None, False)
    assert (single.function_code, single.body, single.echo) == (6, bytes.fromhex("0009ffff"), bytes.fromhex("0009ffff"))
    multiple = write_analog(REGISTER, AnalogValue(-1), None, True)
    assert (multiple.function_code, multiple.body) == (16, bytes.fromhex("0009000102ffff"))
    assert multiple.echo == bytes.fromhex("00090001")


def test_two_registers_go_with_function_16() -> None:
    assert write_analog(WIDE, AnalogValue(1.0), None, False).function_code == 16


def test_a_coil_goes_with_function_5() -> None:
    on = write_binary(address_of(COIL), True, 0, False)
    assert (on.function_code, on.body) == (5, bytes.fromhex("0007ff00"))
    assert write_binary(address_of(COIL), False, 0, False).body == bytes.fromhex("00070000")


def test_a_bit_is_written_into_what_the_register_held() -> None:
    bit = point("b", "binary_output", table="holding_register", register="9", bit="15")
    assert write_binary(address_of(bit), True, 0x0102, False).body == bytes.fromhex("00098102")


def test_an_echo_that_differs_is_no_confirmation() -> None:
    check_echo(b"\0\1", b"\0\1")
    with pytest.raises(ReplyInvalid):
        check_echo(b"\0\2", b"\0\1")


@pytest.mark.parametrize("payload", [b"", b"\x04\0\0", b"\x02\0\0\0\0", b"\x04\0\0\0", b"\x04\0\0\0\0\0"])
def test_a_read_answer_of_the_wrong_length_is_refused(payload: bytes) -> None:
    with pytest.raises(ReplyInvalid):
        read_words(payload, 2)


def test_bits_of_an_answer_come_lowest_first() -> None:
    assert read_bits(b"\x02\x05\x01", 9).tolist() == [True, False, True, False, False, False, False, False, True]
    with pytest.raises(ReplyInvalid):
        read_bits(b"\x01\x05", 9)


def test_exceptions_to_a_write_mean_what_the_specification_says() -> None:
    assert write_result(5) == Accepted()
    assert isinstance(write_result(11), Unanswered)
    for code, status in (
        (1, CommandStatus.NOT_SUPPORTED),
        (3, CommandStatus.OUT_OF_RANGE),
        (99, CommandStatus.UNDEFINED),
    ):
        result = write_result(code)
        assert isinstance(result, Rejected)
        assert result.status is status


@pytest.mark.parametrize("status", [status for status in CommandStatus if status is not CommandStatus.SUCCESS])
def test_every_refusal_has_an_exception_that_reads_as_a_refusal(status: CommandStatus) -> None:
    assert isinstance(write_result(exception_code(status)), Rejected)
