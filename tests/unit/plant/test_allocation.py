import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vppscada.plant.allocation import allocate, cost_order, tier_order


def test_raising_fills_the_cheapest_first() -> None:
    power = allocate(np.zeros(3), 5.0, np.zeros(3), np.array([4.0, 4.0, 4.0]), np.array([2, 0, 1]))
    assert power.tolist() == [1.0, 0.0, 4.0]


def test_lowering_uses_the_room_below() -> None:
    power = allocate(np.array([4.0, 4.0]), -5.0, np.array([1.0, 0.0]), np.full(2, 4.0), np.array([0, 1]))
    assert power.tolist() == [1.0, 2.0]


def test_what_does_not_fit_is_left() -> None:
    assert allocate(np.zeros(2), 9.0, np.zeros(2), np.ones(2), np.array([0, 1])).sum() == 2.0


def test_assets_that_are_not_in_the_order_stay() -> None:
    assert allocate(np.zeros(2), 3.0, np.zeros(2), np.full(2, 5.0), np.array([1])).tolist() == [0.0, 3.0]


def test_orders_by_cost_and_by_tier() -> None:
    cost = np.array([3.0, 1.0, 2.0])
    everybody = np.ones(3, dtype=np.bool_)
    assert cost_order(cost, True, everybody).tolist() == [1, 2, 0]
    assert cost_order(cost, False, everybody).tolist() == [0, 2, 1]
    assert tier_order(np.array([2, 2, 0], dtype=np.int8), cost, True, everybody).tolist() == [2, 1, 0]
    assert tier_order(np.array([2, 2, 0], dtype=np.int8), cost, False, everybody).tolist() == [2, 0, 1]


@given(
    st.integers(1, 12).flatmap(lambda n: st.tuples(*(st.lists(st.floats(0, 10), min_size=n, max_size=n),) * 3)),
    st.floats(-60, 60),
)
def test_stays_in_the_box_and_meets_the_residual_as_far_as_there_is_room(
    columns: tuple[list[float], list[float], list[float]], residual: float
) -> None:
    low, width, share = (np.array(column) for column in columns)
    high = low + width
    power = low + width * share / 10.0
    moved = allocate(power, residual, low, high, np.arange(len(low)))
    assert (moved >= low - 1e-9).all() and (moved <= high + 1e-9).all()
    room = (high - power).sum() if residual > 0 else (power - low).sum()
    assert abs(abs((moved - power).sum()) - min(abs(residual), room)) < 1e-6
