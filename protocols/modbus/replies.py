"""What an answer must look like, checked on bytes: a device's word is taken only where it fits the question."""

import numpy as np
from numpy.typing import NDArray

from protocols.modbus.layout import Words
from vppscada.model.commands import Accepted, CommandResult, CommandStatus, Rejected, Unanswered

# Modbus Application Protocol V1.1b3, section 7
ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
DEVICE_FAILURE = 4
ACKNOWLEDGE = 5
DEVICE_BUSY = 6
MEMORY_PARITY = 8
GATEWAY_NO_PATH = 10
GATEWAY_NO_RESPONSE = 11

_STATUS = {
    ILLEGAL_FUNCTION: CommandStatus.NOT_SUPPORTED,
    ILLEGAL_ADDRESS: CommandStatus.NOT_SUPPORTED,
    ILLEGAL_VALUE: CommandStatus.OUT_OF_RANGE,
    DEVICE_FAILURE: CommandStatus.HARDWARE_ERROR,
    DEVICE_BUSY: CommandStatus.PROCESSING_LIMITED,
    MEMORY_PARITY: CommandStatus.HARDWARE_ERROR,
    GATEWAY_NO_PATH: CommandStatus.DOWNSTREAM_FAIL,
}
_CODE = {
    CommandStatus.FORMAT_ERROR: ILLEGAL_VALUE,
    CommandStatus.OUT_OF_RANGE: ILLEGAL_VALUE,
    CommandStatus.NOT_SUPPORTED: ILLEGAL_ADDRESS,
    CommandStatus.ALREADY_ACTIVE: DEVICE_BUSY,
    CommandStatus.PROCESSING_LIMITED: DEVICE_BUSY,
    CommandStatus.TOO_MANY_OPS: DEVICE_BUSY,
}


class ReplyInvalid(Exception):
    """An answer that does not fit its question. The text says how."""


def write_result(exception_code: int) -> CommandResult:
    """What an exception answer to a write means.

    Code 5 says that the device works on it. Code 11 comes from a gateway whose device did not answer: it
    may have acted.
    """
    if exception_code == ACKNOWLEDGE:
        return Accepted()
    if exception_code == GATEWAY_NO_RESPONSE:
        return Unanswered("the gateway got no answer from the device")
    return Rejected(_STATUS.get(exception_code, CommandStatus.UNDEFINED), f"exception {exception_code}")


def exception_code(status: CommandStatus) -> int:
    """The exception that tells a client that its write was refused."""
    return _CODE.get(status, DEVICE_FAILURE)


def read_words(payload: bytes, count: int) -> Words:
    """Registers of an answer to function 3 or 4: byte count and data.

    Raises:
        ReplyInvalid: the answer does not carry exactly ``count`` registers.
    """
    _check_length(payload, 2 * count)
    words: Words = np.frombuffer(payload, dtype=">u2", offset=1)
    return words


def read_bits(payload: bytes, count: int) -> NDArray[np.bool_]:
    """Bits of an answer to function 1 or 2.

    Raises:
        ReplyInvalid: the answer does not carry exactly as many bytes as ``count`` bits need.
    """
    _check_length(payload, (count + 7) // 8)
    return np.unpackbits(np.frombuffer(payload, dtype=np.uint8, offset=1), count=count, bitorder="little").view(
        np.bool_
    )


def _check_length(payload: bytes, expected: int) -> None:
    if len(payload) != expected + 1 or payload[0] != expected:
        said = payload[0] if payload else None
        raise ReplyInvalid(f"{len(payload) - 1} bytes of data, {said} announced, {expected} asked for")


def check_echo(payload: bytes, expected: bytes) -> None:
    """An answer to a write repeats the first four bytes of its request.

    Raises:
        ReplyInvalid: it does not.
    """
    if payload != expected:
        raise ReplyInvalid(f"the write was echoed as {payload.hex()}, not {expected.hex()}")
