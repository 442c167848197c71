"""Places of a session's own list turned into rows of the database, once for places that come again."""

import numpy as np
import pytest

from tests.unit.points.build import batch
from vppscada.points.latest import Runs
from vppscada.points.placement import Placement


def test_readings_and_texts_go_to_their_rows() -> None:
    placed = Placement([7, 3, 9]).placed(batch([2, 0, 2], [1.0, 2.0, 3.0], texts={2: "x"}))
    assert placed.rows.tolist() == [9, 7, 9]
    assert (placed.value.tolist(), placed.texts) == ([1.0, 2.0, 3.0], {9: "x"})


def test_places_that_come_again_are_looked_up_once() -> None:
    placement, again = Placement([7, 3, 9]), batch([0, 1], [1.0, 2.0])
    again.rows.flags.writeable = False
    first, second = placement.placed(again), placement.placed(again)
    assert first.rows is second.rows and first.rows.tolist() == [7, 3]
    assert not first.rows.flags.writeable
    other = batch([1, 0], [1.0, 2.0])
    assert placement.placed(other).rows.tolist() == [3, 7]
    assert placement.placed(other).rows.flags.writeable


def test_a_place_that_the_list_has_not_is_a_fault() -> None:
    with pytest.raises(IndexError):
        Placement([7]).placed(batch([1], [0.0]))


def test_a_run_is_worked_out_once_for_rows_that_cannot_be_written_to() -> None:
    runs, rows = Runs(), np.arange(3, 6)
    assert runs.of(rows, 10) == slice(3, 6)
    rows[0] = 9
    assert runs.of(rows, 10) is None  # these can be: they are looked at each time
    rows.flags.writeable = False
    assert runs.of(rows, 10) is None
    fixed = np.arange(4, 8)
    fixed.flags.writeable = False
    assert runs.of(fixed, 10) == runs.of(fixed, 10) == slice(4, 8)
