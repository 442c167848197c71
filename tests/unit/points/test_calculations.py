"""Calculated points in the database: in the order of their dependence, only when something changed, woken by timers."""

from graphlib import CycleError

import numpy as np
import pytest

from tests.unit.points.build import batch
from vppscada.model.calculations import Calculation
from vppscada.model.expressions import parse
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality
from vppscada.points.calculations import Calculations
from vppscada.points.database import Database


def measured(name: str) -> Point:
    return Point(f"a.{name}", PointKind.ANALOG_INPUT)


def calculated(name: str, text: str, kind: PointKind = PointKind.ANALOG_INPUT, maximum: float | None = None) -> Point:
    expression = parse(text)
    inputs = tuple(f"a.{one}" for one in expression.names)
    return Point(f"a.{name}", kind, maximum=maximum, calculation=Calculation(expression, inputs))


def started(*points: Point) -> tuple[Database, Calculations]:
    database = Database(points)
    calculations = Calculations(database, points)
    database.subscribe(calculations.on_changes)
    calculations.start(1)
    return database, calculations


def wake(calculations: Calculations) -> int | None:
    return calculations.wake_ms


def test_until_its_inputs_are_known_a_calculated_point_is_not_online() -> None:
    database, _ = started(measured("x"), calculated("y", "x + 1"))
    assert np.isnan(database.value[1])
    assert not database.quality[1] & Quality.ONLINE


def test_one_change_has_everything_that_depends_on_it_worked_out_once_and_in_order() -> None:
    database, _ = started(
        calculated("sum", "twice + more"), calculated("twice", "2 * x"), calculated("more", "twice + 1"), measured("x")
    )
    told: list[int] = []
    database.subscribe(lambda changes: told.extend(changes.rows.tolist()))
    database.apply(batch([3], [5.0], times=[700]))
    assert database.value.tolist() == [21.0, 10.0, 11.0, 5.0]
    assert sorted(told) == [0, 1, 2, 3]
    assert database.source_time_ms.tolist() == [700] * 4


def test_what_does_not_depend_on_a_change_is_left_alone() -> None:
    database, _ = started(measured("x"), measured("z"), calculated("y", "x + 1"), calculated("w", "z + 1"))
    told: list[int] = []
    database.subscribe(lambda changes: told.extend(changes.rows.tolist()))
    database.apply(batch([0], [1.0]))
    assert set(told) == {0, 2}


def test_a_limit_passed_on_the_way_is_carried_to_the_end() -> None:
    database, _ = started(measured("x"), calculated("y", "2 * x", maximum=10.0), calculated("z", "y - 100"))
    database.apply(batch([0], [6.0]))
    assert database.quality[2] == Quality.ONLINE | Quality.OVER_RANGE


def test_a_lost_input_makes_the_result_lost() -> None:
    database, _ = started(measured("x"), calculated("y", "x + 1"))
    database.apply(batch([0], [1.0]))
    database.comm_lost([0], 2_000)
    assert database.quality[1] == Quality.COMM_LOST
    assert database.value[1] == 2.0


def test_a_binary_result_is_0_or_1() -> None:
    database, _ = started(measured("x"), calculated("y", "x", PointKind.BINARY_INPUT))
    database.apply(batch([0], [7.0]))
    assert database.value[1] == 1.0


def test_a_timer_ends_when_it_is_told_the_time() -> None:
    database, calculations = started(measured("x"), calculated("y", "on_delay(x > 1, 5 s)"))
    database.apply(batch([0], [0.0], times=[1_000], received_ms=1_000))
    assert wake(calculations) is None
    database.apply(batch([0], [2.0], times=[2_000], received_ms=2_000))
    assert wake(calculations) == 7_000
    calculations.advance(6_999)
    assert database.value[1] == 0.0
    calculations.advance(7_000)
    assert (database.value[1], database.quality[1]) == (1.0, Quality.ONLINE)
    assert database.source_time_ms[1] == 7_000
    assert wake(calculations) is None


def test_another_subscriber_may_write_an_input_meanwhile() -> None:
    database, _ = started(measured("x"), measured("z"), calculated("y", "x + z"))
    database.apply(batch([0, 1], [1.0, 1.0]))

    def echo(changes: object) -> None:
        if database.value[1] != database.value[2] and database.value[2] < 10.0:
            database.set_values([1], [database.value[2]], Quality.ONLINE, 3_000)

    database.subscribe(echo)
    database.apply(batch([0], [3.0]))
    assert database.value[2] == database.value[0] + database.value[1]
    assert database.value[2] >= 10.0


def test_points_that_read_each_other_are_refused() -> None:
    with pytest.raises(CycleError):
        started(calculated("y", "z"), calculated("z", "y"))


def test_a_timer_goes_on_where_its_point_is_calculated_by_another_database() -> None:
    points = (measured("x"), calculated("late", "on_delay(x > 1, 10 s)", PointKind.BINARY_INPUT))
    database, calculations = started(*points)
    database.apply(batch([0], [5.0], received_ms=1_000))
    due = wake(calculations)
    assert due is not None

    moved = (points[1], points[0])
    other = Database(moved)
    other.take_over(database, np.array([0, 1]), np.array([1, 0]))
    again = Calculations(other, moved)
    again.take_over(calculations)
    other.subscribe(again.on_changes)
    again.start(5_000)
    assert wake(again) == due and other.value[0] == 0.0
    again.advance(due)
    assert other.value[0] == 1.0
