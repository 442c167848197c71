"""Registers to values and back, without I/O: whole scans by columns, writes one by one."""

import math
import struct
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.modbus.config import ModbusAddress
from protocols.modbus.layout import FlagGroup, Layout, NumberGroup, Words
from vppscada.model.batch import Values
from vppscada.model.quality import Quality, QualityColumn

#: SunSpec: a scale factor is an exponent of ten from -10 to 10.
SCALE_FACTOR_LIMIT = 10

_ONLINE = np.uint16(Quality.ONLINE)
_NO_REFERENCE = np.uint16(Quality.REFERENCE_ERR)
_NO_VALUE = np.uint16(Quality.NONE)


class Reading(NamedTuple):
    """A decoded scan, one entry per point of the layout, device units; text where the point is one."""

    value: Values
    quality: QualityColumn
    texts: dict[int, str]


@dataclass(frozen=True, slots=True, eq=False)
class Buffers:
    """What the reads of a scan brought. A fault is the quality of what could not be read, 0 where it could."""

    registers: Words
    register_faults: QualityColumn
    bits: NDArray[np.bool_]
    bit_faults: QualityColumn

    @classmethod
    def empty(cls, registers: int, bits: int) -> "Buffers":
        """Buffers of a plan before its first scan: nothing read."""
        lost = Quality.COMM_LOST
        return cls(
            np.zeros(registers, dtype="<u2"),
            np.full(registers, lost, dtype=np.uint16),
            np.zeros(bits, dtype=np.bool_),
            np.full(bits, lost, dtype=np.uint16),
        )


def decode(layout: Layout, buffers: Buffers, faulty: bool = True) -> Reading:
    """The values of all points of a layout. What could not be read keeps what the buffer held, marked bad.

    ``faulty``: False where it is known that everything could be read. A signalling NaN among the floats makes NumPy
    warn of an invalid value unless it is told not to.
    """
    if layout.is_plain and not faulty:
        return Reading(*_decode_numbers(layout.numbers[0], buffers.registers), {})
    value = np.full(layout.n, np.nan)
    quality = np.full(layout.n, _ONLINE, dtype=np.uint16)
    value[layout.bits] = buffers.bits[layout.first[layout.bits]]
    for numbers in layout.numbers:
        value[numbers.where], quality[numbers.where] = _decode_numbers(numbers, buffers.registers)
    for flags in layout.flags:
        value[flags.where], quality[flags.where] = _decode_flags(flags, buffers.registers)
    _scale(layout, value, quality)
    if faulty:
        _spread_faults(layout, buffers, quality)
    texts = {i: _text(buffers.registers[place], swapped) for i, place, swapped in layout.strings}
    return Reading(value, quality, texts)


def gather(words: NDArray[np.intp], registers: Words, dtype: str, swapped: bool = False) -> NDArray[np.generic]:
    """Raw values of one type from rows of word indexes."""
    found = registers[words]
    return np.ascontiguousarray(found.byteswap() if swapped else found).view(dtype)[:, 0]


def _decode_numbers(group: NumberGroup, registers: Words) -> tuple[Values, QualityColumn]:
    raw = gather(group.words, registers, group.type.dtype, group.swapped)
    if group.type.is_bcd:
        value, bad = _from_bcd(raw.astype(np.uint64), 4 * group.type.registers)
        return value, np.where(bad, _NO_REFERENCE, _ONLINE)
    value = raw.astype(np.float64)
    if group.type.is_float:
        finite = np.isfinite(value)
        if np.count_nonzero(finite) == len(value):
            return value, group.online
        bad = ~finite
    elif not group.has_sentinels:
        return value, group.online
    else:
        bad = group.sentinel & (raw == np.asarray(group.type.sentinel, dtype=group.type.dtype))
        value[bad] = np.nan  # a 'not implemented' value is no number
    return value, np.where(bad, _NO_REFERENCE, _ONLINE) if np.count_nonzero(bad) else group.online


def _from_bcd(raw: NDArray[np.uint64], digits: int) -> tuple[Values, NDArray[np.bool_]]:
    """Numbers of decimal digits, and which of them are none: a digit above 9 (all ones: 'not implemented')."""
    places = np.arange(digits, dtype=np.uint64)
    digit = (raw[:, np.newaxis] >> (places * np.uint64(4))) & np.uint64(0xF)
    bad: NDArray[np.bool_] = np.any(digit > 9, axis=1)
    value = (digit * np.uint64(10) ** places).sum(axis=1).astype(np.float64)
    value[bad] = np.nan
    return value, bad


def to_bcd(numbers: NDArray[np.generic], registers: int) -> NDArray[np.uint64]:
    """Raw values that show whole numbers in decimal digits; the numbers fit the type."""
    places = np.arange(4 * registers, dtype=np.uint64)
    digit = numbers.astype(np.uint64)[:, np.newaxis] // np.uint64(10) ** places % np.uint64(10)
    shown: NDArray[np.uint64] = (digit << (places * np.uint64(4))).sum(axis=1, dtype=np.uint64)
    return shown


def _decode_flags(group: FlagGroup, registers: Words) -> tuple[Values, QualityColumn]:
    raw = gather(group.words, registers, "<u2" if group.width == 1 else "<u4", group.swapped).astype(np.uint32)
    part = (raw >> group.shift) & group.mask
    is_state = (group.states == part[:, np.newaxis]).any(axis=1)
    on = np.where(group.by_state, is_state, np.where(group.whole, part != 0, part))
    return on.astype(np.float64), np.where(raw == group.sentinel, _NO_REFERENCE, _ONLINE)


def _scale(layout: Layout, value: Values, quality: QualityColumn) -> None:
    if not len(layout.scaled):
        return
    exponent = value[layout.scale_factor]
    known = (np.abs(exponent) <= SCALE_FACTOR_LIMIT) & (quality[layout.scale_factor] == _ONLINE)
    value[layout.scaled] = times_power_of_ten(value[layout.scaled], np.where(known, exponent, np.nan))
    unknown = layout.scaled[~known]
    quality[unknown] = _NO_REFERENCE


def times_power_of_ten(value: Values, exponent: Values) -> Values:
    """value × 10^exponent; divides for negative exponents, so that 123 × 10^-1 is the float nearest to 12.3."""
    power = 10.0 ** np.abs(exponent)
    return np.where(exponent < 0, value / power, value * power)


def _spread_faults(layout: Layout, buffers: Buffers, quality: QualityColumn) -> None:
    """A value whose registers were not read is as bad as the read was; so is what it scales."""
    if not (buffers.register_faults.any() or buffers.bit_faults.any()):
        return
    fault = np.zeros(layout.n, dtype=np.uint16)
    in_registers = np.flatnonzero(~layout.in_bits)
    fault[in_registers] = (
        buffers.register_faults[layout.first[in_registers]] | buffers.register_faults[layout.last[in_registers]]
    )
    fault[layout.bits] = buffers.bit_faults[layout.first[layout.bits]]
    fault[layout.scaled] |= fault[layout.scale_factor]
    bad = fault != _NO_VALUE
    quality[bad] = (quality[bad] & ~_ONLINE) | fault[bad]


def _text(registers: Words, swapped: bool) -> str:
    raw = registers.astype("<u2" if swapped else ">u2").tobytes().partition(b"\0")[0]
    return raw.decode("utf-8", "replace").strip()


class CannotEncode(Exception):
    """A value that the wire type cannot carry. The text says why."""


def encode_number(address: ModbusAddress, value: float, exponent: float | None = None) -> tuple[int, ...]:
    """The registers that carry a value in device units, in the order they are written.

    Args:
        address: where and how it is written.
        value: device units.
        exponent: the scale factor's value now; needed where the address names one.

    Raises:
        CannotEncode: not finite, outside the type's range, the type's 'not implemented' value, or no scale factor.
    """
    if not math.isfinite(value):
        raise CannotEncode("the value is not a finite number")
    if address.scale_factor:
        if exponent is None or not abs(exponent) <= SCALE_FACTOR_LIMIT:
            raise CannotEncode(f"the scale factor {address.scale_factor} is not known")
        value = value / 10**exponent if exponent >= 0 else value * 10**-exponent
    kind = address.data_type
    if kind.is_float:
        return _float_words(address, value)
    raw = check_integer(address, round(value))
    return integer_words(address, int(str(raw), 16) if kind.is_bcd else raw)


def check_integer(address: ModbusAddress, raw: int) -> int:
    """The raw value itself if its type can carry it and it means a number.

    Raises:
        CannotEncode: it is out of range, or the 'not implemented' value of a point that has one.
    """
    lowest, highest = address.data_type.limits
    if not lowest <= raw <= highest:
        raise CannotEncode(f"{raw} is outside {address.data_type.name} ({lowest}..{highest})")
    if address.sentinel and raw == address.data_type.sentinel and raw != 0:
        raise CannotEncode(f"{raw} means 'not implemented' in {address.data_type.name}")
    return raw


def integer_words(address: ModbusAddress, raw: int) -> tuple[int, ...]:
    """Registers of a raw integer in the order they are written."""
    width = address.registers
    words = tuple(_in_order((raw >> 16 * place) & 0xFFFF, address) for place in range(width))
    return words if address.word_order.is_little else words[::-1]


def words_integer(address: ModbusAddress, words: tuple[int, ...]) -> int:
    """The unsigned raw integer in registers as they lie on the wire."""
    ordered = words if address.word_order.is_little else words[::-1]
    return sum(_in_order(word, address) << 16 * place for place, word in enumerate(ordered))


def _in_order(word: int, address: ModbusAddress) -> int:
    return word >> 8 | (word & 0xFF) << 8 if address.word_order.is_swapped else word


def _float_words(address: ModbusAddress, value: float) -> tuple[int, ...]:
    try:
        packed = struct.pack("<f" if address.registers == 2 else "<d", value)
    except OverflowError:
        raise CannotEncode(f"{value} is outside {address.data_type.name}") from None
    return integer_words(address, int.from_bytes(packed, "little"))


def flag_word(address: ModbusAddress, on: bool, before: int) -> int:
    """The raw register value that shows a binary point as ``on``, changed as little as can be.

    ``before`` is the raw value now; it matters where the point is one bit, or one state, of many.
    """
    if address.bit is not None:
        mask = 1 << address.bit
        return before | mask if on else before & ~mask
    if not address.states:
        return 1 if on else 0
    if on:
        return before if before in address.states else address.states[0]
    return before if before not in address.states else next(n for n in range(257) if n not in address.states)
