"""Which reads bring every point: the least number of blocks within the device's limits.

Register tables share one buffer of words and bit tables one of bits; a block says where in it the reply goes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from protocols.modbus.config import ModbusAddress, Table
from protocols.modbus.requests import read_request


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Where one value lies: it is never split over two reads."""

    start: int
    end: int  # excluded


@dataclass(frozen=True, slots=True)
class Block:
    """One read. ``offset`` is the place of its first register (or bit) in the buffer.

    What is the same at each of its scans is worked out once.
    """

    table: Table
    start: int
    count: int
    offset: int
    spans: tuple[Span, ...]  # the values it brings, ascending
    is_bits: bool = field(init=False, repr=False, compare=False)
    place: slice = field(init=False, repr=False, compare=False)  # in the buffer
    request: bytes = field(init=False, repr=False, compare=False)  # the PDU

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_bits", self.table.is_bits)
        object.__setattr__(self, "place", slice(self.offset, self.offset + self.count))
        object.__setattr__(self, "request", read_request(self.table, self.start, self.count))


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The reads of a scan. ``positions[i]`` is where address ``i`` begins in its buffer."""

    blocks: tuple[Block, ...]
    positions: NDArray[np.intp]
    registers: int  # length of the buffer of words
    bits: int  # length of the buffer of bits


@dataclass(frozen=True, slots=True)
class Hole:
    """Registers (or bits) that no read may touch: the device has none there, or reading them does something."""

    table: Table
    start: int
    end: int  # excluded


@dataclass(frozen=True, slots=True)
class Limits:
    """What one read may ask for."""

    registers: int = 125
    bits: int = 2000
    gap: int = 16
    holes: tuple[Hole, ...] = ()

    def holes_of(self, table: Table) -> tuple[Hole, ...]:
        """The holes of a table."""
        return tuple(hole for hole in self.holes if hole.table is table)

    def of(self, table: Table) -> int:
        """Greatest count in a read of a table."""
        return self.bits if table.is_bits else self.registers


def plan_reads(addresses: Sequence[ModbusAddress], limits: Limits) -> Plan:
    """Group addresses into reads. The same addresses give the same plan in whatever order they come.

    Raises:
        ValueError: a single value is longer than a read may be, or lies in a hole.
    """
    blocks: list[Block] = []
    place: dict[tuple[Table, Span], int] = {}
    length = {True: 0, False: 0}
    for table in Table:
        spans = sorted({span_of(address) for address in addresses if address.table is table})
        holes = limits.holes_of(table)
        if lost := next((span for span in spans if _is_between(holes, span.start, span.end)), None):
            raise ValueError(f"{table} {lost.start} lies in a hole")
        for group in _groups(spans, limits.of(table), limits.gap, holes):
            block = _block(table, group, length[table.is_bits])
            length[table.is_bits] += block.count
            blocks.append(block)
            place |= {(table, span): block.offset + span.start - block.start for span in group}
    positions = np.array([place[a.table, span_of(a)] for a in addresses], dtype=np.intp)
    return Plan(tuple(blocks), positions, registers=length[False], bits=length[True])


def span_of(address: ModbusAddress) -> Span:
    """The registers (or the bit) of an address."""
    return Span(address.register, address.register + address.registers)


def _is_between(holes: Iterable[Hole], start: int, end: int) -> bool:
    return any(hole.start < end and start < hole.end for hole in holes)


def _groups(spans: Iterable[Span], limit: int, gap: int, holes: Sequence[Hole] = ()) -> list[list[Span]]:
    """Ascending spans in runs, each as long as it may be: no other grouping has fewer runs."""
    groups: list[list[Span]] = []
    start = end = 0
    for span in spans:
        if span.end - span.start > limit:
            raise ValueError(f"a value of {span.end - span.start} registers is longer than a read may be ({limit})")
        fits = span.start - end <= gap and max(end, span.end) - start <= limit
        if groups and fits and not _is_between(holes, end, span.start):
            groups[-1].append(span)
            end = max(end, span.end)
        else:
            groups.append([span])
            start, end = span.start, span.end
    return groups


def _block(table: Table, spans: Sequence[Span], offset: int) -> Block:
    start = spans[0].start
    return Block(table, start, max(span.end for span in spans) - start, offset, tuple(spans))


def split(block: Block) -> tuple[Block, ...]:
    """Smaller reads for a block that a device refuses: first without its gaps, then in halves.

    A block of one value cannot be split: it gives nothing, and its value stays unread.
    """
    if len(block.spans) == 1:
        return ()
    parts = _groups(block.spans, block.count, 0)
    if len(parts) == 1:
        middle = len(block.spans) // 2
        parts = [list(block.spans[:middle]), list(block.spans[middle:])]
    return tuple(_block(block.table, part, block.offset + part[0].start - block.start) for part in parts)
