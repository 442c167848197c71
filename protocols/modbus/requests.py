"""Requests as bytes, and what each answer must repeat. Modbus Application Protocol V1.1b3, section 6."""

import struct
from collections.abc import Sequence

from protocols.modbus.config import Table
from protocols.modbus.plan import Block

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

_HEAD = struct.Struct(">HH")
_READ = struct.Struct(">BHH")


def read_request(block: Block) -> bytes:
    """The PDU of a read of a block."""
    return _READ.pack(READ_FUNCTION[block.table], block.start, block.count)


def coil_body(register: int, on: bool) -> bytes:
    """Body of a write of one coil; the answer repeats it."""
    return _HEAD.pack(register, 0xFF00 if on else 0)


def register_write(register: int, words: Sequence[int], write_multiple: bool) -> tuple[int, bytes, bytes]:
    """Function code and body of a write of registers, and the body its answer must have.

    One register goes with function 6 unless the device wants 16 for all.
    """
    if len(words) == 1 and not write_multiple:
        body = _HEAD.pack(register, words[0])
        return WRITE_REGISTER, body, body
    head = _HEAD.pack(register, len(words))
    return WRITE_REGISTERS, head + struct.pack(f">B{len(words)}H", 2 * len(words), *words), head
