"""Device attributes (g0): one value of its own type for each variation of a set. Columns have no place here.

On the wire each is an object of variable length: type, length, octets; the index in its header is the set.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from protocols.dnp3.objects.errors import ObjectError, ObjectFault

ATTRIBUTE_GROUP = 0
#: The set that IEEE 1815 defines; private ones are numbered from 1.
STANDARD_SET = 0
ALL_ATTRIBUTES = 254
LIST_OF_ATTRIBUTES = 255
_LONGEST = 255
_LAST_SET = 255
_WRITABLE = 0x01
_FLOATS = {4: struct.Struct("<f"), 8: struct.Struct("<d")}
_WIDTHS = (1, 2, 4, 8)


class AttributeType(IntEnum):
    """Data type codes of attributes."""

    VSTR = 1
    UINT = 2
    INT = 3
    FLT = 4
    OSTR = 5
    BSTR = 6
    TIME = 7
    LIST = 254
    EXTENDED_LIST = 255


#: What an attribute can be: text, number (a time is ms since the epoch), octets, or (variation, writable) pairs.
AttributeValue = str | int | float | bytes | tuple[tuple[int, bool], ...]


@dataclass(frozen=True, slots=True)
class DeviceAttribute:
    """One attribute as it travels. ``type`` is as received, also where it is none that we know."""

    set: int
    variation: int
    type: int
    octets: bytes

    @property
    def value(self) -> AttributeValue:
        """What the octets mean by their type; the octets themselves where they do not fit it."""
        octets = self.octets
        match self.type:
            case AttributeType.VSTR:
                return octets.decode("utf-8", errors="replace")
            case AttributeType.UINT | AttributeType.TIME:
                return int.from_bytes(octets, "little")
            case AttributeType.INT:
                return int.from_bytes(octets, "little", signed=True)
            case AttributeType.FLT if len(octets) in _FLOATS:
                value: float = _FLOATS[len(octets)].unpack(octets)[0]
                return value
            case AttributeType.LIST | AttributeType.EXTENDED_LIST if len(octets) % 2 == 0:
                return tuple((octets[n], bool(octets[n + 1] & _WRITABLE)) for n in range(0, len(octets), 2))
        return octets

    def object(self) -> bytes:
        """The object with a header of its own (qualifier 00, its set as index)."""
        head = bytes((ATTRIBUTE_GROUP, self.variation, 0x00, self.set, self.set))
        return head + bytes((self.type, len(self.octets))) + self.octets


def text_attribute(variation: int, text: str, of_set: int = STANDARD_SET) -> DeviceAttribute:
    """A visible string, cut to 255 octets."""
    octets = text.encode()[:_LONGEST].decode(errors="ignore").encode()
    return DeviceAttribute(of_set, variation, AttributeType.VSTR, octets)


def unsigned_attribute(variation: int, value: int, of_set: int = STANDARD_SET) -> DeviceAttribute:
    """An unsigned integer 0..2⁶⁴-1 in as few octets (1, 2, 4, 8) as hold it."""
    width = next(width for width in _WIDTHS if value < 1 << 8 * width)
    return DeviceAttribute(of_set, variation, AttributeType.UINT, value.to_bytes(width, "little"))


def flag_attribute(variation: int, value: bool, of_set: int = STANDARD_SET) -> DeviceAttribute:
    """A yes or no: a signed integer 1 or 0."""
    return DeviceAttribute(of_set, variation, AttributeType.INT, bytes((int(value),)))


def float_attribute(variation: int, value: float, of_set: int = STANDARD_SET) -> DeviceAttribute:
    """A number in 64 bits."""
    return DeviceAttribute(of_set, variation, AttributeType.FLT, _FLOATS[8].pack(value))


def list_attribute(entries: tuple[tuple[int, bool], ...], of_set: int = STANDARD_SET) -> DeviceAttribute:
    """g0v255: (variation, writable) of the attributes of a set; at most 127."""
    octets = b"".join(bytes((variation, _WRITABLE if writable else 0)) for variation, writable in entries)
    return DeviceAttribute(of_set, LIST_OF_ATTRIBUTES, AttributeType.LIST, octets)


def _length(kind: int, told: int) -> int:
    """Octets of a value; an extended list has 256 more than its length octet can say."""
    return told + 256 if kind == AttributeType.EXTENDED_LIST else told


def parse_attribute(data: bytes, offset: int, of_set: int, variation: int) -> tuple[DeviceAttribute, int]:
    """The attribute that begins at ``offset``, and where it ends.

    Raises:
        ObjectError: it is not all there, or there is no such set.
    """
    start = offset + 2
    end = start + _length(data[offset], data[offset + 1]) if start <= len(data) else start
    if end > len(data):
        raise ObjectError(ObjectFault.PARAMETER_ERROR, f"g0v{variation} does not fit the fragment")
    if of_set > _LAST_SET:
        raise ObjectError(ObjectFault.PARAMETER_ERROR, f"set {of_set} of attributes")
    return DeviceAttribute(of_set, variation, data[offset], data[start:end]), end
