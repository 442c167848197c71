"""Categories of what an outstation reports of a point: its value, its frozen value, the commands to it.

Each has its own groups, its own event class and its own number in the event buffer and on disk.
"""

from dataclasses import dataclass
from enum import IntEnum

from protocols.dnp3.objects import EVENT_GROUP, STATIC_GROUP
from vppscada.model.outstations import EVENT_KIND_ORDER, POINT_KIND_ORDER
from vppscada.model.points import PointKind


class Aspect(IntEnum):
    """What of a point an event tells."""

    VALUE = 0
    FROZEN = 1
    COMMAND = 2


@dataclass(frozen=True, slots=True)
class Category:
    """Events of one aspect of one kind of point.

    ``static_group`` is the group that holds the present value, or for commands the group that commands
    the point; class assignments name it either way.
    """

    kind: PointKind
    aspect: Aspect
    static_group: int
    event_group: int


_FURTHER = {
    "frozen_counter": Category(PointKind.COUNTER, Aspect.FROZEN, 21, 23),
    "frozen_analog_input": Category(PointKind.ANALOG_INPUT, Aspect.FROZEN, 31, 33),
    "binary_output_command": Category(PointKind.BINARY_OUTPUT, Aspect.COMMAND, 12, 13),
    "analog_output_command": Category(PointKind.ANALOG_OUTPUT, Aspect.COMMAND, 41, 43),
}


def _category(word: str) -> Category:
    if word in _FURTHER:
        return _FURTHER[word]
    kind = PointKind(word)
    return Category(kind, Aspect.VALUE, STATIC_GROUP[kind], EVENT_GROUP[kind])


#: By the number of `vppscada.model.outstations.Events.kind`. Values come first: their number is that of their kind.
CATEGORIES = tuple(_category(word) for word in EVENT_KIND_ORDER)
KINDS = tuple(PointKind(word) for word in POINT_KIND_ORDER)
KIND_NUMBER = {kind: number for number, kind in enumerate(KINDS)}
NUMBER = {(category.kind, category.aspect): number for number, category in enumerate(CATEGORIES)}
STATIC = {c.static_group: c for c in CATEGORIES if c.aspect is not Aspect.COMMAND}
EVENT = {c.event_group: number for number, c in enumerate(CATEGORIES)}
ASSIGNABLE = {c.static_group: c for c in CATEGORIES}
