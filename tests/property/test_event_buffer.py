"""Whatever is done to an event buffer, what it says of itself is what stands in it, and its order is kept."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.dnp3.outstation.events import EVENT, EventBuffer

MOST = 6
STEPS = st.one_of(
    st.tuples(st.just("add"), st.lists(st.integers(1, 3), min_size=1, max_size=5)),
    st.tuples(st.just("save"), st.integers(0, 5)),
    st.tuples(st.just("write"), st.integers(0, 6)),
    st.tuples(st.just("confirm"), st.none()),
    st.tuples(st.just("unwrite"), st.none()),
)


def events(classes: list[int]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    fresh = np.zeros(len(classes), dtype=EVENT)
    fresh["event_class"], fresh["kind"] = classes, 1
    return fresh


class Model:
    """The buffer as a list of (id, class, state)."""

    def __init__(self, durable: bool) -> None:
        self.durable = durable
        self.held: list[list[int | str]] = []
        self.next_id = 1

    def add(self, classes: list[int]) -> None:
        for event_class in classes:
            self.held.append([self.next_id, event_class, "unsaved" if self.durable else "waiting"])
            self.next_id += 1
        for event_class in (1, 2, 3):
            while sum(one[1] == event_class for one in self.held) > MOST:
                self.held.remove(next(one for one in self.held if one[1] == event_class))

    def of(self, state: str) -> list[list[int | str]]:
        return [one for one in self.held if one[2] == state]


def check(buffer: EventBuffer, model: Model) -> None:
    assert len(buffer) == len(model.held)
    assert buffer.has_unsaved == bool(model.of("unsaved"))
    waiting = model.of("waiting")
    assert buffer.classes_waiting() == tuple(sorted({int(one[1]) for one in waiting}))
    for event_class in (1, 2, 3):
        assert buffer.count(event_class) == sum(one[1] == event_class for one in waiting)
    found = buffer.at(buffer.waiting(None, None, 100))["id"].tolist()
    assert found == [one[0] for one in waiting]
    for asked in (frozenset({1}), frozenset({2, 3})):
        some = buffer.at(buffer.waiting(asked, None, 3))["id"].tolist()
        assert some == [one[0] for one in waiting if one[1] in asked][:3]
    fullest = max(sum(one[1] == event_class for one in model.held) for event_class in (1, 2, 3))
    assert buffer.is_nearly_full == (10 * fullest >= 9 * MOST)


@given(durable=st.booleans(), steps=st.lists(STEPS, max_size=40))
@settings(max_examples=200, deadline=None)
def test_the_buffer_is_what_a_plain_list_would_be(durable: bool, steps: list[tuple[str, object]]) -> None:
    buffer, model = EventBuffer(MOST, durable=durable), Model(durable)
    for word, argument in steps:
        if word == "add":
            assert isinstance(argument, list)
            buffer.add(events(argument))
            model.add(argument)
        elif word == "save":
            assert isinstance(argument, int)
            ids = [int(one[0]) for one in model.of("unsaved")][:argument]
            buffer.saved(np.array(ids, dtype=np.int64))
            for one in model.held:
                one[2] = "waiting" if one[0] in ids else one[2]
        elif word == "write" and not model.of("written"):
            assert isinstance(argument, int)
            buffer.write(buffer.waiting(None, None, argument))
            for one in model.of("waiting")[:argument]:
                one[2] = "written"
        elif word == "confirm":
            assert buffer.confirm() == len(model.of("written"))
            model.held = [one for one in model.held if one[2] != "written"]
        elif word == "unwrite":
            assert buffer.unwrite() == len(model.of("written"))
            for one in model.of("written"):
                one[2] = "waiting"
        check(buffer, model)
