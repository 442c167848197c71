"""Over random graphs of calculated points: what is fit depends on no value that is not, and nothing gets better.

Two databases get the same readings, but for the values of the unfit ones. Whatever is fit must be the same in both.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.calculations import Calculation
from vppscada.model.expressions import parse
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality, is_fit, worst
from vppscada.points.calculations import Calculations
from vppscada.points.database import Database

MEASURED = 4
GOOD = int(Quality.ONLINE)
#: Forms of expressions; those of the first list use every part of theirs.
STRICT = (
    "{0} + {1}",
    "{0} * {1} - {2}",
    "{0} > {1}",
    "{0} and not {1}",
    "avg({0}, {1}, {2})",
    "max({0}, {1})",
    "1 / {0}",
)
CHOOSING = (
    "select({0}, {1}, {2})",
    "first_good({0}, {1}, {2})",
    "good({0}) + {1}",
    "select(good({0}), {0}, {1} + 1)",
)
TIMED = ("on_delay({0} > 0, 5 s)", "off_delay({0} > 0, 5 s)", "pulse({0} > 0, 5 s)", "elapsed({0} > 0)")
qualities = st.sampled_from([GOOD, GOOD, GOOD, GOOD | 0x10, GOOD | 0x200, 0x04, 0x02, GOOD | 0x20, 0])
reading = st.tuples(st.integers(0, MEASURED - 1), st.integers(-2, 2), st.integers(-2, 2), qualities)
readings = st.lists(st.tuples(reading, st.integers(0, 4_000)), min_size=1, max_size=25)
part = st.integers(0, 1_000)


def graphs(forms: tuple[str, ...]) -> st.SearchStrategy[list[tuple[str, tuple[int, int, int]]]]:
    return st.lists(st.tuples(st.sampled_from(forms), st.tuples(part, part, part)), min_size=1, max_size=10)


def points_of(graph: list[tuple[str, tuple[int, int, int]]]) -> list[Point]:
    """Measured points, and calculated ones that each read some that stand before them."""
    points = [Point(f"a.p{i}", PointKind.ANALOG_INPUT) for i in range(MEASURED)]
    for form, parts in graph:
        names = [f"p{one % len(points)}" for one in parts]
        expression = parse(form.format(*names))
        made = Calculation(expression, tuple(f"a.{name}" for name in expression.names))
        points.append(Point(f"a.p{len(points)}", PointKind.ANALOG_INPUT, calculation=made))
    return points


class World:
    def __init__(self, points: list[Point]) -> None:
        self.database = Database(points)
        self.calculations = Calculations(self.database, points)
        self.database.subscribe(self.calculations.on_changes)
        self.calculations.start(1)

    def take(self, row: int, value: float, quality: int, now_ms: int) -> None:
        self.calculations.advance(now_ms)
        self.database.apply(untimed_batch([row], [value], quality, now_ms, Cause.CYCLIC))


@settings(max_examples=300, deadline=None)
@given(graphs(STRICT + CHOOSING + TIMED), readings)
def test_what_is_fit_does_not_depend_on_values_that_are_not(
    graph: list[tuple[str, tuple[int, int, int]]], steps: list[tuple[tuple[int, int, int, int], int]]
) -> None:
    points = points_of(graph)
    one, other = World(points), World(points)
    now_ms = 1
    for (row, value, elsewhere, quality), pause_ms in steps:
        now_ms += pause_ms
        fit = bool(is_fit(np.array([quality], dtype=np.uint16))[0])
        one.take(row, value, quality, now_ms)
        other.take(row, value if fit else elsewhere, quality, now_ms)
        both = is_fit(one.database.quality)
        assert both.tolist() == is_fit(other.database.quality).tolist()
        assert one.database.value[both].tolist() == other.database.value[both].tolist()


@settings(max_examples=200, deadline=None)
@given(graphs(STRICT), readings)
def test_what_uses_all_of_its_inputs_is_no_better_than_any_of_them(
    graph: list[tuple[str, tuple[int, int, int]]], steps: list[tuple[tuple[int, int, int, int], int]]
) -> None:
    points = points_of(graph)
    world = World(points)
    row_of = {point.id: row for row, point in enumerate(points)}
    for (row, value, _, quality), pause_ms in steps:
        world.take(row, value, quality, 1 + pause_ms)
        for at, point in enumerate(points):
            for name in point.calculation.inputs if point.calculation else ():
                ours, theirs = world.database.quality[[at]], world.database.quality[[row_of[name]]]
                assert worst(ours, theirs).tolist() == ours.tolist()
