"""The registers and bits that a server shows: values of many points put at their addresses, without I/O."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from protocols.modbus.codec import (
    Buffers,
    Reading,
    decode,
    flag_word,
    integer_words,
    times_power_of_ten,
    to_bcd,
    words_integer,
)
from protocols.modbus.config import Table
from protocols.modbus.data_types import DataType
from protocols.modbus.layout import Index, Layout, Words, address_of, layout_of
from protocols.modbus.plan import Limits, plan_reads
from vppscada.model.batch import Values
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import GOOD, Quality, QualityColumn, is_fit
from vppscada.model.scaling import to_device

_EVERYTHING = Limits(registers=65_536, bits=65_536, gap=65_536)
_FLAGS = -1  # group number of binary points in registers
_BITS = -2
_STRINGS = -3


class Image:
    """Every table from its first point to its last; registers without a point read as 0.

    A value that is bad goes out as its type's 'not implemented' value if the point has one (floats: NaN);
    where the wire has no word for it, the last value stands.
    """

    def __init__(self, points: Sequence[Point]) -> None:
        """Lay out the points. A point whose minimum is its maximum is a constant and shows it at once."""
        self.points = tuple(points)
        self._addresses = [address_of(point) for point in self.points]
        plan = plan_reads(self._addresses, _EVERYTHING)
        self.layout = layout_of(self.points, plan.positions)
        self.buffers = Buffers.empty(plan.registers, plan.bits)
        self.buffers.register_faults[:] = 0
        self.buffers.bit_faults[:] = 0
        self._blocks = {block.table: block for block in plan.blocks}
        self._group, self._slot = _groups(self.layout)
        self._group[self.layout.bits] = _BITS
        self._group[[i for i, *_ in self.layout.strings]] = _STRINGS
        self._text_place = {i: (place, swapped) for i, place, swapped in self.layout.strings}
        self._exponent = np.zeros(len(self.points))
        self._initialise()

    def _initialise(self) -> None:
        everything = np.arange(len(self.points), dtype=np.intp)
        constants = [p.minimum if p.minimum == p.maximum else None for p in self.points]
        value = np.array(
            [np.nan if c is None else to_device(p, c) for p, c in zip(self.points, constants, strict=True)],
            dtype=np.float64,
        )
        self.put(everything, value, np.where(np.isnan(value), Quality.NONE, GOOD).astype(np.uint16), {})
        for group in self.layout.flags:
            self.buffers.registers[group.words] = 0

    # --- what clients read

    def words(self, table: Table, start: int, count: int) -> Words | None:
        """Registers as they stand; None if some are outside the table."""
        place = self._place(table, start, count)
        return None if place is None else self.buffers.registers[place]

    def bits(self, table: Table, start: int, count: int) -> NDArray[np.bool_] | None:
        """Bits as they stand; None if some are outside the table."""
        place = self._place(table, start, count)
        return None if place is None else self.buffers.bits[place]

    def _place(self, table: Table, start: int, count: int) -> slice | None:
        block = self._blocks.get(table)
        if block is None or start < block.start or start + count > block.start + block.count:
            return None
        first = block.offset + start - block.start
        return slice(first, first + count)

    def reading_with(self, start: int, words: Sequence[int]) -> Reading | None:
        """What the points would read if holding registers from ``start`` held ``words``; None if outside."""
        place = self._place(Table.HOLDING_REGISTER, start, len(words))
        if place is None:
            return None
        registers = self.buffers.registers.copy()
        registers[place] = words
        buffers = Buffers(registers, self.buffers.register_faults, self.buffers.bits, self.buffers.bit_faults)
        return decode(self.layout, buffers)

    def masked(self, register: int, and_mask: int, or_mask: int) -> int | None:
        """What a mask write (function 22) makes of a holding register; None if it is outside."""
        words = self.words(Table.HOLDING_REGISTER, register, 1)
        return None if words is None else int(words[0]) & and_mask | or_mask & ~and_mask & 0xFFFF

    def word_of_bit(self, i: int, register: int) -> int:
        """The bit of a point that is one, as it lies in one of its registers."""
        address = self._addresses[i]
        return integer_words(address, 1 << (address.bit or 0))[register - address.register]

    def reading(self) -> Reading:
        """What a client that reads everything would see."""
        return decode(self.layout, self.buffers)

    # --- what the owner puts

    def put(self, where: Index, value: Values, quality: QualityColumn, texts: Mapping[int, str]) -> None:
        """Show values in device units at the points ``where``. Later entries of the same point win."""
        holders = np.isin(where, self.layout.scale_factor)
        if holders.any():
            self._put_numbers(where[holders], value[holders], is_fit(quality[holders]))
            self._refresh_exponents()
            where, value, quality = where[~holders], value[~holders], quality[~holders]
        fit = is_fit(quality) & np.isfinite(value)
        self._put_numbers(where, value, fit)
        in_bits = (self._group[where] == _BITS) & fit
        self.buffers.bits[self.layout.first[where[in_bits]]] = value[in_bits] != 0
        self._put_flags(where, value, fit)
        for i, text in texts.items():
            self._put_text(i, text)

    def _put_numbers(self, where: Index, value: Values, fit: NDArray[np.bool_]) -> None:
        group_of = self._group[where]
        scaled = times_power_of_ten(value, -self._exponent[where])
        for number, group in enumerate(self.layout.numbers):
            mine = group_of == number
            if mine.any():
                slots = self._slot[where[mine]]
                raw, shown = _encode(group.type, scaled[mine], fit[mine], group.sentinel[slots])
                words = raw.view("<u2").reshape(-1, group.type.registers)
                words = words.byteswap() if group.swapped else words
                self.buffers.registers[group.words[slots][shown]] = words[shown]

    def _refresh_exponents(self) -> None:
        reading = self.reading()
        exponent = reading.value[self.layout.scale_factor]
        self._exponent[self.layout.scaled] = np.where(np.isfinite(exponent), exponent, 0)

    def _put_flags(self, where: Index, value: Values, fit: NDArray[np.bool_]) -> None:
        """Zeros before ones, so that of several states of one register the one that is entered stands."""
        mine = (self._group[where] == _FLAGS) & fit
        latest = dict(zip(where[mine].tolist(), value[mine].astype(np.intp).tolist(), strict=True))
        for i, flag in sorted(latest.items(), key=lambda item: bool(item[1])):
            self._put_flag(i, flag)

    def _put_flag(self, i: int, value: int) -> None:
        address = self._addresses[i]
        first = int(self.layout.first[i])
        place = slice(first, first + address.registers)
        before = words_integer(address, tuple(self.buffers.registers[place].tolist()))
        if address.bit is not None and self.points[i].kind is PointKind.DOUBLE_BIT_INPUT:
            raw = before & ~(3 << address.bit) | (value & 3) << address.bit
        else:
            raw = flag_word(address, bool(value), before)
        self.buffers.registers[place] = integer_words(address, raw)

    def _put_text(self, i: int, text: str) -> None:
        if i in self._text_place:
            place, swapped = self._text_place[i]
            size = 2 * (place.stop - place.start)
            packed = text.encode("utf-8")[:size].ljust(size, b"\0")
            self.buffers.registers[place] = np.frombuffer(packed, dtype="<u2" if swapped else ">u2")


def _groups(layout: Layout) -> tuple[Index, Index]:
    """For each point: the number of its group (or what else it is), and its slot there."""
    group_of = np.full(layout.n, _FLAGS, dtype=np.intp)
    slot_of = np.zeros(layout.n, dtype=np.intp)
    for number, group in enumerate(layout.numbers):
        group_of[group.where] = number
    for where in (*(group.where for group in layout.numbers), *(group.where for group in layout.flags)):
        slot_of[where] = np.arange(len(where))
    return group_of, slot_of


def _encode(
    kind: DataType, value: Values, fit: NDArray[np.bool_], sentinel: NDArray[np.bool_]
) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """Raw values and whether each can be shown at all. What is out of range shows the nearest that is in it."""
    if kind.is_float:
        limit = np.finfo(kind.dtype).max
        return np.where(fit, np.clip(value, -limit, limit), np.nan).astype(kind.dtype), np.ones(len(value), np.bool_)
    lowest, highest = (float(limit) for limit in kind.limits)
    if kind.registers == 4:
        highest = np.nextafter(highest, 0)  # 2^63 and 2^64 round up as floats
    raw = np.clip(np.rint(np.where(fit, value, 0)), lowest, highest).astype(kind.dtype)
    if kind.is_bcd:
        raw = to_bcd(raw, kind.registers).astype(kind.dtype)
    if kind.sentinel is not None:
        word = np.array(kind.sentinel, dtype=kind.dtype)
        beside = np.array(kind.sentinel + (1 if kind.sentinel < 0 else -1) if kind.sentinel else 0, dtype=kind.dtype)
        raw = np.where(sentinel & (raw == word), beside, raw)
        raw = np.where(sentinel & ~fit, word, raw)
    return np.ascontiguousarray(raw), fit | sentinel
