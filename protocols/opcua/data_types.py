"""The scalar types of OPC UA that a point may have: their words in a map and what goes into them."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vppscada.model.points import PointKind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_S = 253_402_300_799.0  # end of the year 9999
_LARGEST_FLOAT32 = 3.4028234663852886e38


class CannotEncode(ValueError):
    """A value that does not go into a type. The text says why."""


@dataclass(frozen=True, slots=True)
class DataType:
    """A built-in type. ``number`` is its identifier in OPC UA part 6, table 1."""

    word: str
    number: int
    lowest: float = -math.inf
    highest: float = math.inf
    is_integer: bool = False

    @property
    def is_boolean(self) -> bool:
        """True for Boolean."""
        return self.word == "boolean"

    @property
    def is_string(self) -> bool:
        """True for String."""
        return self.word == "string"

    @property
    def is_number(self) -> bool:
        """True for integers and floats."""
        return self.is_integer or self.word in ("float", "double")

    def encode(self, value: float) -> bool | int | float | datetime:
        """The Python value of this type for a device value; a date is seconds since 1970, UTC.

        Raises:
            CannotEncode: not a finite number, out of the type's range, or the type is a string.
        """
        if self.is_string:
            raise CannotEncode("a number is no string")
        if not math.isfinite(value):
            raise CannotEncode(f"{value} is not finite")
        if self.is_boolean:
            return value != 0.0
        whole = round(value) if self.is_integer else value
        if not self.lowest <= whole <= self.highest:
            raise CannotEncode(f"{value:g} does not go into {self.word}")
        return _EPOCH + timedelta(seconds=value) if self.word == "datetime" else whole


def _integer(word: str, number: int, bits: int, signed: bool) -> DataType:
    lowest = -(1 << bits - 1) if signed else 0
    return DataType(word, number, lowest, lowest + (1 << bits) - 1, is_integer=True)


BOOLEAN = DataType("boolean", 1)
STRING = DataType("string", 12)
DOUBLE = DataType("double", 11)

DATA_TYPES: dict[str, DataType] = {
    kind.word: kind
    for kind in (
        BOOLEAN,
        _integer("sbyte", 2, 8, signed=True),
        _integer("byte", 3, 8, signed=False),
        _integer("int16", 4, 16, signed=True),
        _integer("uint16", 5, 16, signed=False),
        _integer("int32", 6, 32, signed=True),
        _integer("uint32", 7, 32, signed=False),
        _integer("int64", 8, 64, signed=True),
        _integer("uint64", 9, 64, signed=False),
        DataType("float", 10, -_LARGEST_FLOAT32, _LARGEST_FLOAT32),
        DOUBLE,
        STRING,
        DataType("datetime", 13, 0.0, _LATEST_S),
    )
}

DEFAULT_TYPE = {
    PointKind.BINARY_INPUT: BOOLEAN,
    PointKind.BINARY_OUTPUT: BOOLEAN,
    PointKind.DOUBLE_BIT_INPUT: DATA_TYPES["byte"],
    PointKind.ANALOG_INPUT: DOUBLE,
    PointKind.ANALOG_OUTPUT: DOUBLE,
    PointKind.COUNTER: DATA_TYPES["uint32"],
    PointKind.STRING: STRING,
}


def fits(kind: PointKind, data_type: DataType) -> bool:
    """May a point of this kind have this type? A binary input may be an integer: 0 is 0, all else is 1."""
    match kind:
        case PointKind.STRING:
            return data_type.is_string
        case PointKind.BINARY_OUTPUT:
            return data_type.is_boolean
        case PointKind.BINARY_INPUT:
            return data_type.is_boolean or data_type.is_integer
        case PointKind.DOUBLE_BIT_INPUT | PointKind.COUNTER:
            return data_type.is_integer
        case PointKind.ANALOG_INPUT:
            return data_type.is_number or data_type.word == "datetime"
        case PointKind.ANALOG_OUTPUT:
            return data_type.is_number
