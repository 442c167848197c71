"""Steps that the procedures of event data share: classes (8.5) and events of one kind (8.14, 8.17, 8.19, 8.22)."""

from collections.abc import Sequence
from dataclasses import dataclass

from protocols.dnp3.application import Indication
from tests.conformance.tester import INDEX_QUALIFIERS, Answer, Made, Tester, as_told
from vppscada.model.points import PointKind

_CLASS_BITS = (
    Indication.NONE,
    Indication.CLASS_1_EVENTS,
    Indication.CLASS_2_EVENTS,
    Indication.CLASS_3_EVENTS,
)
_COMMON_TIME = 51


@dataclass(frozen=True, slots=True)
class Events:
    """Events that a read asks for: kind, group, the variations it may answer in, and its header without qualifier.

    ``every`` is the header that asks for all of them, whatever the variation.
    """

    kind: PointKind
    group: int
    variations: frozenset[int]
    header: str
    every: str
    event_class: int

    @property
    def all(self) -> str:
        """Header with qualifier 06."""
        return f"{self.header} 06"

    def most(self, count: int, qualifier: int) -> str:
        """Header with qualifier 07 or 08 and a count."""
        return f"{self.header} {qualifier:02X} " + count.to_bytes(qualifier - 6, "little").hex()


def of_class(event_class: int) -> Events:
    """Events of a class, made at the kind of input that is in it."""
    kind, group, variations = {
        1: (PointKind.BINARY_INPUT, 2, {1, 2, 3}),
        2: (PointKind.COUNTER, 22, {1, 2, 5, 6}),
        3: (PointKind.ANALOG_INPUT, 32, {1, 2, 3, 4, 5, 7}),
    }[event_class]
    header = f"3C {event_class + 1:02X}"
    return Events(kind, group, frozenset(variations), header, f"{header} 06", event_class)


def of_kind(
    kind: PointKind, group: int, event_class: int, variation: int = 0, variations: Sequence[int] = ()
) -> Events:
    """Events of a kind in a variation (0 = the device's choice out of ``variations``)."""
    allowed = frozenset(variations or (variation,))
    return Events(kind, group, allowed, f"{group:02X} {variation:02X}", f"{group:02X} 00 06", event_class)


def tells(answer: Answer, events: Events, made: Sequence[Made]) -> None:
    """A response has just these events, in this order, with true times and flags, and wants to be confirmed."""
    assert answer.control.confirm
    assert answer.values(events.group) == as_told(made)
    assert set(answer.flags(events.group)) == {0x01}
    assert answer.qualifiers(events.group) <= INDEX_QUALIFIERS
    relative = {3} & {variation for group, variation in answer.names() if group == events.group}
    allowed = {(events.group, variation) for variation in events.variations}
    common = {(_COMMON_TIME, 1), (_COMMON_TIME, 2)} if relative and events.group in (2, 4) else set()
    assert set(answer.names()) <= allowed | common
    if common:
        assert_common_times_come_first(answer, events.group)
    times = answer.times(events.group)
    assert not any(times) or times == [one.time_ms for one in made]


def assert_common_times_come_first(answer: Answer, group: int) -> None:
    """Each header of relative times stands behind a common time."""
    names = answer.names()
    for place, name in enumerate(names):
        if name == (group, 3):
            assert place
            assert names[place - 1][0] == _COMMON_TIME


def read_all(tester: Tester, events: Events) -> None:
    """Procedures with qualifier 06: all events in one response, and nothing after its confirmation."""
    tester.drain(events.every)
    made, _ = tester.generate(events.kind, 3)
    answer = tester.read(events.all)
    tells(answer, events, made)
    assert tester.confirm(answer) == []
    assert tester.read(events.every).is_null


def read_counted(tester: Tester, events: Events, qualifier: int) -> None:
    """Procedures with qualifiers 07 and 08: the first event, then the others, then nothing."""
    tester.drain(events.every)
    made, _ = tester.generate(events.kind, 3)
    first = tester.read(events.most(1, qualifier))
    tells(first, events, made[:1])
    assert first.has(_CLASS_BITS[events.event_class])
    assert tester.confirm(first) == []
    rest = tester.read(events.most(2, qualifier))
    tells(rest, events, made[1:])
    assert not rest.has(_CLASS_BITS[events.event_class])
    assert tester.confirm(rest) == []
    assert tester.read(events.every).is_null


def read_unconfirmed(tester: Tester, events: Events) -> None:
    """Without confirmation: no response comes by itself, and all events come again with the new ones behind them."""
    tester.drain(events.every)
    made, _ = tester.generate(events.kind, 3)
    tells(tester.read(events.all), events, made)
    assert tester.wait(3.0) == []
    assert tester.wait(3.0) == []
    more, _ = tester.generate(events.kind, 3)
    answer = tester.read(events.all)
    tells(answer, events, made + more)
    assert tester.confirm(answer) == []
    assert tester.read(events.every).is_null


def read_long_interval(tester: Tester, events: Events) -> None:
    """Relative times that are more than 65 s apart: each group of events has a common time of its own."""
    tester.drain(events.every)
    made, _ = tester.generate(events.kind, 3)
    tester.wait(65.536)
    later, _ = tester.generate(events.kind, 3)
    answer = tester.read(events.all)
    tells(answer, events, made + later)
    assert [group for group, _ in answer.names()] == [_COMMON_TIME, events.group] * 2
    assert tester.confirm(answer) == []
    assert tester.read(events.every).is_null
