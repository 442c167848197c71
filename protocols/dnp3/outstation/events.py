"""The event buffer of an outstation: bounded per class, confirmed by fragment, nothing reported before it is on disk.

An event is unsaved, then waiting, then written (in a fragment that is not confirmed yet), then gone.
One fragment at a time can be unconfirmed, so "written" needs no name.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from vppscada.model.outstations import Events

#: ``text`` is the key of an octet string's text among the texts that travel with new events; 0 = none.
EVENT = np.dtype(
    [
        ("id", np.int64),
        ("time_ms", np.int64),
        ("value", np.float64),
        ("index", np.uint32),
        ("quality", np.uint16),
        ("kind", np.uint8),
        ("event_class", np.uint8),
        ("time_quality", np.uint8),
        ("variation", np.uint8),
        ("state", np.uint8),
        ("text", np.uint32),
    ]
)
EventArray = NDArray[np.void]
Positions = NDArray[np.intp]
Ids = NDArray[np.int64]
_FIRST_CAPACITY = 256
_FIRST_LOOK = 512  # events that a search looks at first; each further look takes four times as many
_NO_IDS: Ids = np.empty(0, dtype=np.int64)


class State(IntEnum):
    """Where an event stands."""

    GONE = 0
    UNSAVED = 1
    WAITING = 2
    WRITTEN = 3


# plain numbers for the inner loops: an enumeration's attribute costs as much as a small array operation
_GONE, _UNSAVED, _WAITING, _WRITTEN = (int(state) for state in State)


class EventBuffer:
    """Events in order of their occurrence. ``max_per_class`` bounds each class; the newest are kept.

    With ``durable`` set events become reportable by `saved`; without it, at once.
    """

    def __init__(self, max_per_class: int, *, durable: bool = False) -> None:
        self._max = max_per_class
        self._durable = durable
        self._events: EventArray = np.zeros(_FIRST_CAPACITY, dtype=EVENT)
        self._head = 0
        self._tail = 0
        self._next_id = 1
        # by state and class; plain numbers, as they are asked for many times for each message
        self._counts = [[0, 0, 0, 0] for _ in State]
        self._overflowed: set[int] = set()
        self._discards: list[Ids] = []
        #: Texts of octet string events by their ids.
        self.texts: dict[int, str] = {}

    def __len__(self) -> int:
        return sum(map(sum, self._counts[_UNSAVED:]))

    @property
    def overflowed(self) -> bool:
        """True from the loss of an event until a confirmation makes room in its class again."""
        return bool(self._overflowed)

    def count(self, event_class: int) -> int:
        """Events of a class that wait to be reported and are not in an unconfirmed fragment."""
        return self._counts[_WAITING][event_class]

    def classes_waiting(self) -> tuple[int, ...]:
        """Classes 1 to 3 with events to report."""
        waiting = self._counts[_WAITING]
        return tuple(event_class for event_class in (1, 2, 3) if waiting[event_class])

    @property
    def last_id(self) -> int:
        """The id of the newest event; 0 before the first."""
        return self._next_id - 1

    @property
    def has_unsaved(self) -> bool:
        """True while the store has events to take."""
        return any(self._counts[_UNSAVED])

    @property
    def is_nearly_full(self) -> bool:
        """True while a class is filled to nine tenths."""
        return 10 * max(self._held()) >= 9 * self._max

    @property
    def owes_store(self) -> bool:
        """True while the store has events to take or to forget."""
        return bool(self._discards) or self.has_unsaved

    def restore(self, events: Events, variations: NDArray[np.uint8]) -> None:
        """Take back what a store held, all of it on disk; ids go on from the largest."""
        fresh = np.zeros(len(events), dtype=EVENT)
        for name in ("id", "time_ms", "value", "index", "quality", "kind", "event_class", "time_quality"):
            fresh[name] = getattr(events, name)
        fresh["variation"] = variations
        fresh["text"] = np.isin(fresh["id"], list(events.texts)) if events.texts else 0
        self.texts.update(events.texts)
        self._insert(fresh, _WAITING)
        if len(fresh):
            self._next_id = max(self._next_id, int(fresh["id"].max()) + 1)

    def add(self, fresh: EventArray, texts: Mapping[int, str] | None = None) -> None:
        """Take new events (their ids and states are set here), oldest first, and texts by the key in ``text``."""
        fresh["id"] = np.arange(self._next_id, self._next_id + len(fresh))
        self._next_id += len(fresh)
        if texts:
            keyed = zip(fresh["id"].tolist(), fresh["text"].tolist(), strict=True)
            self.texts.update((number, texts[key]) for number, key in keyed if key)
        self._insert(fresh, _UNSAVED if self._durable else _WAITING)

    def unsaved(self) -> Events:
        """The events that a store has to take now."""
        part = self._live()
        return as_events(part[part["state"] == _UNSAVED], self.texts)

    def saved(self, ids: Ids) -> None:
        """These are on disk: they may be reported from now on."""
        part = self._live()
        at = self._head + np.flatnonzero((part["state"] == _UNSAVED) & np.isin(part["id"], ids))
        self._move(at, _WAITING)

    def take_discards(self) -> Ids:
        """Ids that the store shall forget: confirmed or overflowed since the last call."""
        discards, self._discards = self._discards, []
        return np.concatenate(discards) if discards else _NO_IDS

    def owe_discards(self, ids: Ids) -> None:
        """The store did not take these: they come back with the next `take_discards`."""
        self._discards.append(ids)

    def waiting(self, classes: frozenset[int] | None, kind: int | None, limit: int) -> Positions:
        """Positions of reportable events of these classes or this kind, oldest first; valid until the next change."""
        count = sum(self._counts[_WAITING] if classes is None else map(self._counts[_WAITING].__getitem__, classes))
        limit = min(limit, count)
        if kind is None and count == self._tail - self._head:
            return np.arange(self._head, self._head + limit)  # the ordinary case: all that is there
        asked = np.zeros(4, dtype=np.bool_)
        asked[list(classes) if classes is not None else slice(None)] = True

        def wanted(part: EventArray) -> NDArray[np.bool_]:
            chosen: NDArray[np.bool_] = (part["state"] == _WAITING) & asked[part["event_class"]]
            return chosen if kind is None else chosen & (part["kind"] == kind)

        return self._find(wanted, limit)

    def at(self, positions: Positions) -> EventArray:
        """The events at these positions (a copy)."""
        events: EventArray = self._events[positions]
        return events

    def write(self, positions: Positions) -> None:
        """These are in the fragment that goes out now."""
        self._move(positions, _WRITTEN)

    def confirm(self) -> int:
        """The master has the fragment: its events are gone. Returns how many."""
        at = self._written()
        self._overflowed -= set(self._events["event_class"][at].tolist())
        self._remove(at)
        return len(at)

    def unwrite(self) -> int:
        """No confirmation came: the events of the fragment wait again. Returns how many."""
        at = self._written()
        self._move(at, _WAITING)
        return len(at)

    def _live(self) -> EventArray:
        return self._events[self._head : self._tail]

    def _find(self, wanted: Callable[[EventArray], NDArray[np.bool_]], limit: int) -> Positions:
        """The first positions of wanted events. Looks no further than it must: a backlog must not slow its own end."""
        found: list[Positions] = []
        begin, size = self._head, _FIRST_LOOK
        while limit > 0 and begin < self._tail:
            end = min(begin + size, self._tail)
            here = begin + np.flatnonzero(wanted(self._events[begin:end]))[:limit]
            found.append(here)
            limit -= len(here)
            begin, size = end, 4 * size
        if len(found) == 1:
            return found[0]
        return np.concatenate(found) if found else np.empty(0, dtype=np.intp)

    def _written(self) -> Positions:
        count = sum(self._counts[_WRITTEN])
        if count == self._tail - self._head:
            return np.arange(self._head, self._tail)
        return self._find(lambda part: part["state"] == _WRITTEN, count)

    def _insert(self, fresh: EventArray, state: int) -> None:
        self._make_room(len(fresh))
        end = self._tail + len(fresh)
        self._events[self._tail : end] = fresh
        self._events["state"][self._tail : end] = state
        _count(self._counts[state], fresh["event_class"])
        self._tail = end
        for event_class, held in enumerate(self._held()):
            if held > self._max:
                self._overflow(event_class, held - self._max)

    def _held(self) -> list[int]:
        """Events of each class that are not gone."""
        return [sum(held) for held in zip(*self._counts[_UNSAVED:], strict=True)]

    def _overflow(self, event_class: int, excess: int) -> None:
        """The newest are kept."""
        oldest = self._find(
            lambda part: (part["state"] != _GONE) & (part["event_class"] == event_class),
            excess,
        )
        self._overflowed.add(event_class)
        self._remove(oldest)

    def _remove(self, at: Positions) -> None:
        # unsaved ones too: the store may be writing them this moment, and forgetting what is not there costs nothing
        if self._durable:
            self._discards.append(self._events["id"][at])
        if self.texts:
            for number in self._events["id"][at[self._events["text"][at] > 0]].tolist():
                self.texts.pop(number, None)
        self._move(at, _GONE)
        first = self._find(lambda part: part["state"] != _GONE, min(len(self), 1))
        self._head = int(first[0]) if len(first) else self._tail

    def _move(self, at: Positions, state: int) -> None:
        states, classes = self._events["state"], self._events["event_class"][at]
        before = states[at]
        for former in (_UNSAVED, _WAITING, _WRITTEN):
            if any(self._counts[former]):
                _count(self._counts[former], classes[before == former], -1)
        _count(self._counts[state], classes)
        states[at] = state

    def _make_room(self, count: int) -> None:
        if self._tail + count <= len(self._events):
            return
        live = self._live()
        kept = live[live["state"] != _GONE]
        size = max(len(self._events), _FIRST_CAPACITY)
        while size < 2 * (len(kept) + count):
            size *= 2
        self._events = np.zeros(size, dtype=EVENT)
        self._events[: len(kept)] = kept
        self._head, self._tail = 0, len(kept)


def as_events(part: EventArray, texts: Mapping[int, str]) -> Events:
    """The columns that a store keeps, and the texts among ``texts`` that are theirs."""
    names = ("id", "kind", "index", "event_class", "value", "quality", "time_ms", "time_quality")
    own = {number: texts[number] for number in part["id"][part["text"] > 0].tolist()}
    return Events(**{name: part[name].copy() for name in names}, texts=own)


def _count(counts: list[int], classes: NDArray[np.uint8], sign: int = 1) -> None:
    """Add so many of each class, or take them away."""
    if len(classes) == 1:
        counts[int(classes[0])] += sign
    else:
        for event_class, number in enumerate(np.bincount(classes, minlength=4).tolist()):
            counts[event_class] += sign * number
