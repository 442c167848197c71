"""Data types of register maps: their width, limits and SunSpec's 'not implemented' values."""

import re
from dataclasses import dataclass

import numpy as np

#: Longest string, in registers: more than any read can carry.
LONGEST_STRING = 123

_STRING = re.compile(r"string([1-9]\d{0,2})")


@dataclass(frozen=True, slots=True)
class DataType:
    """How a value lies in registers. ``dtype`` is NumPy's, of words put least significant first."""

    name: str
    registers: int
    dtype: str = ""
    sentinel: int | None = None  # SunSpec Device Information Model Specification, 'unimplemented' values
    is_bcd: bool = False  # a decimal digit in each four bits

    @property
    def is_float(self) -> bool:
        """True for IEEE 754 types, whose 'not implemented' value is NaN."""
        return self.dtype.startswith("<f")

    @property
    def is_integer(self) -> bool:
        """True for whole numbers, bit fields and enumerations."""
        return bool(self.dtype) and not self.is_float

    @property
    def is_string(self) -> bool:
        """True for text, two characters a register."""
        return self.name.startswith("string")

    @property
    def limits(self) -> tuple[int, int]:
        """Least and greatest number that an integer type carries, both included."""
        if self.is_bcd:
            return 0, 10 ** (4 * self.registers) - 1
        limits = np.iinfo(self.dtype)
        return int(limits.min), int(limits.max)


#: A coil, a discrete input.
BOOL = DataType("bool", 1)

_NUMBERS = (
    DataType("uint16", 1, "<u2", 0xFFFF),
    DataType("int16", 1, "<i2", -0x8000),
    DataType("enum16", 1, "<u2", 0xFFFF),
    DataType("bitfield16", 1, "<u2", 0xFFFF),
    DataType("uint32", 2, "<u4", 0xFFFF_FFFF),
    DataType("int32", 2, "<i4", -0x8000_0000),
    DataType("bitfield32", 2, "<u4", 0xFFFF_FFFF),
    DataType("acc32", 2, "<u4", 0),
    DataType("uint64", 4, "<u8", 0xFFFF_FFFF_FFFF_FFFF),
    DataType("int64", 4, "<i8", -0x8000_0000_0000_0000),
    DataType("acc64", 4, "<u8", 0),
    DataType("bitfield64", 4, "<u8", 0xFFFF_FFFF_FFFF_FFFF),
    DataType("bcd16", 1, "<u2", 0xFFFF, is_bcd=True),
    DataType("bcd32", 2, "<u4", 0xFFFF_FFFF, is_bcd=True),
    DataType("bcd64", 4, "<u8", 0xFFFF_FFFF_FFFF_FFFF, is_bcd=True),
    DataType("float32", 2, "<f4"),
    DataType("float64", 4, "<f8"),
)
NUMBERS: dict[str, DataType] = {kind.name: kind for kind in _NUMBERS}


def data_type(word: str) -> DataType | None:
    """The type that a word of a map names; None if there is no such type. ``string8`` is eight registers of text."""
    if word == BOOL.name:
        return BOOL
    if match := _STRING.fullmatch(word):
        registers = int(match[1])
        return DataType(word, registers) if registers <= LONGEST_STRING else None
    return NUMBERS.get(word)


#: Every word that a map may use.
WORDS: tuple[str, ...] = (BOOL.name, *NUMBERS, *(f"string{n}" for n in range(1, LONGEST_STRING + 1)))
