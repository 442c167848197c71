"""Any order of happenings: the event buffer agrees with a plain list, and no event is lost that did not overflow."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from protocols.dnp3.outstation.events import EVENT, EventBuffer

MOST = 5


@dataclass
class Entry:
    id: int
    event_class: int
    state: str = "unsaved"


@dataclass
class Model:
    """The buffer as a list."""

    entries: list[Entry] = field(default_factory=list)
    made: int = 0
    disk: set[int] = field(default_factory=set)

    def of(self, state: str, classes: frozenset[int] = frozenset({1, 2, 3})) -> list[Entry]:
        return [e for e in self.entries if e.state == state and e.event_class in classes]


class BufferMachine(RuleBasedStateMachine):
    """Events come, are saved, told, confirmed or not, and the station is killed at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.buffer = EventBuffer(MOST, durable=True)

    @rule(classes=st.lists(st.integers(1, 3), min_size=1, max_size=12))
    def happen(self, classes: list[int]) -> None:
        fresh = np.zeros(len(classes), dtype=EVENT)
        fresh["event_class"] = classes
        self.buffer.add(fresh)
        for event_class in classes:
            self.model.made += 1
            self.model.entries.append(Entry(self.model.made, event_class))
        for event_class in (1, 2, 3):
            of_class = [e for e in self.model.entries if e.event_class == event_class]
            for lost in of_class[: max(0, len(of_class) - MOST)]:
                self.model.entries.remove(lost)

    @rule()
    def save(self) -> None:
        unsaved = self.buffer.unsaved()
        assert unsaved.id.tolist() == [e.id for e in self.model.of("unsaved")]
        self.model.disk.update(unsaved.id.tolist())
        self.buffer.saved(unsaved.id)
        for entry in self.model.of("unsaved"):
            entry.state = "waiting"
        self.model.disk -= set(self.buffer.take_discards().tolist())

    @rule(classes=st.frozensets(st.integers(1, 3), min_size=1), limit=st.integers(0, 8))
    def tell(self, classes: frozenset[int], limit: int) -> None:
        positions = self.buffer.waiting(classes, None, limit)
        expected = self.model.of("waiting", classes)[:limit]
        assert self.buffer.at(positions)["id"].tolist() == [e.id for e in expected]
        self.buffer.write(positions)
        for entry in expected:
            entry.state = "written"

    @rule()
    def confirm(self) -> None:
        written = self.model.of("written")
        assert self.buffer.confirm() == len(written)
        for entry in written:
            self.model.entries.remove(entry)

    @rule()
    def lose_connection(self) -> None:
        assert self.buffer.unwrite() == len(self.model.of("written"))
        for entry in self.model.of("written"):
            entry.state = "waiting"

    @invariant()
    def counts_agree(self) -> None:
        assert len(self.buffer) == len(self.model.entries)
        for event_class in (1, 2, 3):
            waiting = self.model.of("waiting", frozenset({event_class}))
            assert self.buffer.count(event_class) == len(waiting)
            assert (event_class in self.buffer.classes_waiting()) == bool(waiting)

    @invariant()
    def what_was_told_and_not_confirmed_is_on_disk(self) -> None:
        told = {e.id for e in self.model.entries if e.state != "unsaved"}
        assert told <= self.model.disk


BufferMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
test_the_event_buffer_agrees_with_a_plain_list = BufferMachine.TestCase
