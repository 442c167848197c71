"""The device attributes of an outstation (g0): read one by one, all, or as a list, and three of them written."""

from collections.abc import Iterator, Mapping

from protocols.dnp3.application import MAX_FRAGMENT, Indication
from protocols.dnp3.objects import (
    ALL_ATTRIBUTES,
    LIST_OF_ATTRIBUTES,
    STANDARD_SET,
    AttributeType,
    DeviceAttribute,
    ObjectHeader,
    Qualifier,
    flag_attribute,
    float_attribute,
    list_attribute,
    text_attribute,
    unsigned_attribute,
)
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.nameplate import Nameplate
from protocols.dnp3.outstation.points import PointTable
from vppscada.model.points import PointKind

#: Variations of the user's own texts: location, id, name.
WRITABLE = frozenset({245, 246, 247})
#: Controls in a request, and the largest fragments that we send and take.
_LIMITS = (216, 240, 241)
#: Of each kind: variations of how many, of the largest index, and of whether it makes events.
_COUNTED: dict[PointKind, tuple[int, int, int]] = {
    PointKind.BINARY_INPUT: (239, 238, 237),
    PointKind.DOUBLE_BIT_INPUT: (236, 235, 234),
    PointKind.ANALOG_INPUT: (233, 232, 231),
    PointKind.COUNTER: (229, 228, 227),
    PointKind.BINARY_OUTPUT: (224, 223, 222),
    PointKind.ANALOG_OUTPUT: (221, 220, 219),
}


class DeviceAttributes:
    """The standard set. What we cannot know (accuracy of our clock) or do not have (data sets) is not in it."""

    def __init__(self, nameplate: Nameplate, table: PointTable) -> None:
        self._held = {attribute.variation: attribute for attribute in (*_points(table), *_nameplate(nameplate))}

    def read(self, header: ObjectHeader, settings: Dnp3OutstationSettings) -> tuple[list[bytes], Indication]:
        """The objects that a header of g0 asks for (procedures 8.23.2.1 to 8.23.2.3).

        ``settings`` are the association's: how much one fragment and one request hold is told to each master.
        """
        if header.qualifier in (Qualifier.COUNT_8, Qualifier.COUNT_16):
            return [], Indication.PARAMETER_ERROR
        if header.qualifier is not Qualifier.ALL and header.indexes().tolist() != [STANDARD_SET]:
            return [], Indication.PARAMETER_ERROR
        held = self._held | {attribute.variation: attribute for attribute in _limits(settings)}
        if header.variation == ALL_ATTRIBUTES:
            return [held[variation].object() for variation in sorted(held)], Indication.NONE
        if header.variation == LIST_OF_ATTRIBUTES:
            entries = tuple((variation, variation in WRITABLE) for variation in sorted(held))
            return [list_attribute(entries).object()], Indication.NONE
        asked = held.get(header.variation)
        return ([asked.object()], Indication.NONE) if asked else ([], Indication.OBJECT_UNKNOWN)

    def write(self, header: ObjectHeader) -> Indication:
        """Take a new text for one of the user's attributes (procedure 8.23.2.4); all others are refused.

        It must be visible: printable characters, no control characters.
        """
        if header.variation not in self._held and header.variation not in _LIMITS:
            return Indication.OBJECT_UNKNOWN
        if header.variation not in WRITABLE or len(header.attributes) != 1:
            return Indication.PARAMETER_ERROR
        [attribute] = header.attributes
        text = attribute.value
        sound = attribute.set == STANDARD_SET and attribute.type == AttributeType.VSTR and isinstance(text, str)
        if not sound or not str(text).isprintable() or "\ufffd" in str(text):
            return Indication.PARAMETER_ERROR
        self._held[attribute.variation] = attribute
        return Indication.NONE

    @property
    def values(self) -> Mapping[int, DeviceAttribute]:
        """By variation."""
        return self._held


def _limits(settings: Dnp3OutstationSettings) -> Iterator[DeviceAttribute]:
    told = (settings.max_controls, settings.max_fragment, MAX_FRAGMENT)
    for variation, limit in zip(_LIMITS, told, strict=True):
        yield unsigned_attribute(variation, limit)


def _points(table: PointTable) -> Iterator[DeviceAttribute]:
    for kind, (number, largest, events) in _COUNTED.items():
        index = table.by_kind[kind].index
        yield unsigned_attribute(number, len(index))
        yield flag_attribute(events, len(index) > 0)
        if len(index):
            yield unsigned_attribute(largest, int(index[-1]))
    counters = len(table.by_kind[PointKind.COUNTER].index) > 0
    yield flag_attribute(225, counters)
    yield flag_attribute(226, counters)
    yield flag_attribute(230, len(table.by_kind[PointKind.ANALOG_INPUT].index) > 0)


def _nameplate(plate: Nameplate) -> Iterator[DeviceAttribute]:
    users = {245: plate.location, 246: plate.id, 247: plate.name}
    told = {242: plate.software, 243: plate.hardware, 244: plate.owner, 248: plate.serial}
    told |= {250: plate.product, 252: plate.manufacturer}
    texts = users | {variation: text for variation, text in told.items() if text}
    yield from (text_attribute(variation, text) for variation, text in texts.items())
    places = {203: plate.altitude_m, 204: plate.longitude, 205: plate.latitude}
    yield from (float_attribute(variation, place) for variation, place in places.items() if place is not None)
