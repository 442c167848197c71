"""A server's side of requests and answers as bytes. Modbus Application Protocol V1.1b3, section 6."""

import struct
from dataclasses import dataclass

import numpy as np

from protocols.modbus.config import Table
from protocols.modbus.image import Image
from protocols.modbus.inbound import Refused
from protocols.modbus.replies import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, exception_code
from protocols.modbus.requests import (
    MASK_WRITE,
    READ_FUNCTION,
    READ_WRITE,
    WRITE_COIL,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
)
from vppscada.model.commands import CommandStatus

_TABLE = {code: table for table, code in READ_FUNCTION.items()}
_MOST_BITS, _MOST_REGISTERS = 2000, 125
_MOST_BITS_WRITTEN, _MOST_REGISTERS_WRITTEN, _MOST_WITH_READ = 1968, 123, 121


@dataclass(frozen=True, slots=True)
class Answer:
    """The PDU of an answer."""

    pdu: bytes

    @property
    def is_refusal(self) -> bool:
        """True for an exception answer."""
        return bool(self.pdu[0] & 0x80)


@dataclass(frozen=True, slots=True)
class Writing:
    """A request to write coils (``states``) or registers (``words``), and what its answer repeats.

    ``masks``: instead of words the and-mask and the or-mask of one register. ``read``: the PDU of a read whose answer
    is that of the whole.
    """

    start: int
    echo: bytes
    states: tuple[bool, ...] = ()
    words: tuple[int, ...] = ()
    masks: tuple[int, int] | None = None
    read: bytes = b""


def refusal(function_code: int, code: int = 0, status: CommandStatus = CommandStatus.UNDEFINED) -> Answer:
    """An exception answer with a code, or with the one that stands for a command's status."""
    return Answer(bytes((function_code | 0x80, code or exception_code(status))))


def answer_read(image: Image, pdu: bytes, function_code: int = 0) -> Answer:
    """Answer functions 1 to 4, in the name of another function if one is given.

    Raises:
        Refused: another function, a wrong length or count, an address outside the tables.
    """
    table = _TABLE.get(pdu[0])
    if table is None:
        raise Refused(ILLEGAL_FUNCTION)
    if len(pdu) != 5:
        raise Refused(ILLEGAL_VALUE)
    start, count = struct.unpack(">HH", pdu[1:])
    if not 1 <= count <= (_MOST_BITS if table.is_bits else _MOST_REGISTERS):
        raise Refused(ILLEGAL_VALUE)
    data = _data(image, table, start, count)
    return Answer(bytes((function_code or pdu[0], len(data))) + data)


def _data(image: Image, table: Table, start: int, count: int) -> bytes:
    if table.is_bits:
        bits = image.bits(table, start, count)
        if bits is None:
            raise Refused(ILLEGAL_ADDRESS)
        return np.packbits(bits, bitorder="little").tobytes()
    words = image.words(table, start, count)
    if words is None:
        raise Refused(ILLEGAL_ADDRESS)
    return words.astype(">u2").tobytes()


def parse_write(pdu: bytes) -> Writing | None:
    """The write that a request asks for; None if it is no write.

    Raises:
        Refused: wrong lengths, counts or values.
    """
    code, body = pdu[0], pdu[1:]
    if code in (WRITE_COIL, WRITE_REGISTER):
        return _single(code, body)
    if code in (WRITE_COILS, WRITE_REGISTERS):
        return _multiple(code, body)
    if code == MASK_WRITE:
        return _masked(body)
    if code == READ_WRITE:
        return _read_write(body)
    return None


def _masked(body: bytes) -> Writing:
    if len(body) != 6:
        raise Refused(ILLEGAL_VALUE)
    start, and_mask, or_mask = struct.unpack(">HHH", body)
    return Writing(start, body, masks=(and_mask, or_mask))


def _read_write(body: bytes) -> Writing:
    if len(body) < 11:
        raise Refused(ILLEGAL_VALUE)
    start, count, size = struct.unpack(">HHB", body[4:9])
    if not 1 <= count <= _MOST_WITH_READ or size != 2 * count or len(body) != 9 + size:
        raise Refused(ILLEGAL_VALUE)
    read = bytes((READ_FUNCTION[Table.HOLDING_REGISTER],)) + body[:4]
    return Writing(start, b"", words=struct.unpack(f">{count}H", body[9:]), read=read)


def _single(code: int, body: bytes) -> Writing:
    if len(body) != 4:
        raise Refused(ILLEGAL_VALUE)
    start, word = struct.unpack(">HH", body)
    if code == WRITE_REGISTER:
        return Writing(start, body, words=(word,))
    if word not in (0, 0xFF00):
        raise Refused(ILLEGAL_VALUE)
    return Writing(start, body, states=(bool(word),))


def _multiple(code: int, body: bytes) -> Writing:
    if len(body) < 6:
        raise Refused(ILLEGAL_VALUE)
    start, count, size = struct.unpack(">HHB", body[:5])
    is_coils = code == WRITE_COILS
    most = _MOST_BITS_WRITTEN if is_coils else _MOST_REGISTERS_WRITTEN
    expected = (count + 7) // 8 if is_coils else 2 * count
    if not 1 <= count <= most or size != expected or len(body) != 5 + size:
        raise Refused(ILLEGAL_VALUE)
    if is_coils:
        bits = np.unpackbits(np.frombuffer(body, dtype=np.uint8, offset=5), count=count, bitorder="little")
        return Writing(start, body[:4], states=tuple(bits.astype(bool).tolist()))
    return Writing(start, body[:4], words=struct.unpack(f">{count}H", body[5:]))
