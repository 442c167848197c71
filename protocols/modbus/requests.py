"""Requests as bytes, and what each answer must repeat. Modbus Application Protocol V1.1b3, section 6."""

import struct
from collections.abc import Sequence

from protocols.modbus.config import Table

READ_FUNCTION = {
    Table.COIL: 1,
    Table.DISCRETE_INPUT: 2,
    Table.HOLDING_REGISTER: 3,
    Table.INPUT_REGISTER: 4,
}
WRITE_COIL = 5
WRITE_REGISTER = 6
WRITE_COILS = 15
WRITE_REGISTERS = 16
MASK_WRITE = 22
READ_WRITE = 23

_HEAD = struct.Struct(">HH")
_READ = struct.Struct(">BHH")


def read_request(table: Table, start: int, count: int) -> bytes:
    """The PDU of a read of so many registers (or bits) from one on."""
    return _READ.pack(READ_FUNCTION[table], start, count)


def coil_write(register: int, on: bool, write_multiple: bool) -> tuple[int, bytes, bytes]:
    """Function code and body of a write of one coil, and the body its answer must have."""
    if write_multiple:
        head = _HEAD.pack(register, 1)
        return WRITE_COILS, head + bytes((1, on)), head
    body = _HEAD.pack(register, 0xFF00 if on else 0)
    return WRITE_COIL, body, body


def mask_write(register: int, bit: int, on: bool) -> tuple[int, bytes, bytes]:
    """Function code and body of a change of one bit of a register, and the body its answer must have.

    The device sets its register to (register AND and-mask) OR (or-mask AND NOT and-mask).
    """
    mask = 1 << bit
    body = struct.pack(">HHH", register, 0xFFFF & ~mask, mask if on else 0)
    return MASK_WRITE, body, body


def register_write(register: int, words: Sequence[int], write_multiple: bool) -> tuple[int, bytes, bytes]:
    """Function code and body of a write of registers, and the body its answer must have.

    One register goes with function 6 unless the device wants 16 for all.
    """
    if len(words) == 1 and not write_multiple:
        body = _HEAD.pack(register, words[0])
        return WRITE_REGISTER, body, body
    head = _HEAD.pack(register, len(words))
    return WRITE_REGISTERS, head + struct.pack(f">B{len(words)}H", 2 * len(words), *words), head


def reply_length(pdu: bytes) -> int:
    """Bytes that the PDU of the answer to a request has, if the answer is no exception."""
    count = int.from_bytes(pdu[3:5], "big")
    if pdu[0] in (1, 2):
        return 2 + (count + 7) // 8
    if pdu[0] in (3, 4):
        return 2 + 2 * count
    return len(pdu) if pdu[0] == MASK_WRITE else 5
