"""One scan: the reads of a plan, what each brought, and how the plan gives way to a device that refuses part of it."""

from dataclasses import dataclass, field

import numpy as np

from protocols.modbus.codec import Buffers
from protocols.modbus.plan import Block, Plan, split
from protocols.modbus.replies import ILLEGAL_ADDRESS, ILLEGAL_VALUE, read_bits, read_words
from vppscada.model.quality import Quality

#: A refused value is asked for again after this many seconds.
RETRY_REFUSED_S = 60.0


@dataclass(slots=True)
class Reads:
    """The blocks in force. A refused block is split; a refused value rests until its time comes."""

    plan: Plan
    buffers: Buffers = field(init=False)
    blocks: tuple[Block, ...] = field(init=False)
    refused_at: float | None = None
    faulty: bool = True  # something of the plan may not have been read

    def __post_init__(self) -> None:
        self.blocks = self.plan.blocks
        self.buffers = Buffers.empty(self.plan.registers, self.plan.bits)

    def accept(self, block: Block, payload: bytes) -> None:
        """Keep what a read brought.

        Raises:
            ReplyInvalid: the answer's length does not fit the question.
        """
        if block.is_bits:
            self.buffers.bits[block.place] = read_bits(payload, block.count)
        else:
            self.buffers.registers[block.place] = read_words(payload, block.count)
        if self.faulty:
            self._mark(block, Quality.NONE)

    def complete(self) -> None:
        """All reads of a scan are done."""
        if self.faulty:
            self.faulty = bool(self.buffers.register_faults.any() or self.buffers.bit_faults.any())

    def fail(self, block: Block, quality: Quality) -> None:
        """A read brought nothing: its values are as bad as ``quality`` says."""
        self._mark(block, quality)

    def refuse(self, block: Block, code: int, now: float) -> tuple[Block, ...]:
        """The device answered with an exception. Returns the smaller reads that take the block's place, if any."""
        if code not in (ILLEGAL_ADDRESS, ILLEGAL_VALUE):
            self._mark(block, Quality.COMM_LOST)
            return ()
        parts = split(block)
        self._mark(block, Quality.REFERENCE_ERR)
        if self.refused_at is None:
            self.refused_at = now
        at = self.blocks.index(block)
        self.blocks = (*self.blocks[:at], *parts, *self.blocks[at + 1 :])
        return parts

    def begin(self, now: float) -> tuple[Block, ...]:
        """The reads of the scan that begins now; after a while the whole plan is tried once more."""
        if self.refused_at is not None and now - self.refused_at >= RETRY_REFUSED_S:
            self.blocks, self.refused_at = self.plan.blocks, None
        return self.blocks

    def brought_something(self) -> bool:
        """True if at least one value was read in the last scan."""
        registers, bits = self.buffers.register_faults, self.buffers.bit_faults
        return bool(np.any(registers == 0) or np.any(bits == 0))

    def _mark(self, block: Block, quality: Quality) -> None:
        column = self.buffers.bit_faults if block.is_bits else self.buffers.register_faults
        column[block.place] = quality
        self.faulty = True
