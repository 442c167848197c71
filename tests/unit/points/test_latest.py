"""Which event of a batch becomes the state: compared with taking them one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vppscada.model.quality import TimeQuality
from vppscada.points.latest import has_duplicates, last_of_each, newest_of_each, run_of

ROWS = 4
item = st.tuples(st.integers(0, ROWS - 1), st.integers(0, 6), st.sampled_from(list(TimeQuality)))
state = st.tuples(st.integers(0, 6), st.sampled_from(list(TimeQuality)))


def one_by_one(items: list[tuple[int, int, int]], states: list[tuple[int, int]]) -> list[int]:
    now = list(states)
    winner: dict[int, int] = {}
    for position, (row, time, quality) in enumerate(items):
        state_time, state_quality = now[row]
        late = quality == state_quality and quality != TimeQuality.NONE and time < state_time
        if not late:
            now[row] = (time, quality)
            winner[row] = position
    return sorted(winner.values())


@given(st.lists(item, min_size=1, max_size=30), st.lists(state, min_size=ROWS, max_size=ROWS))
def test_the_newest_of_many_is_what_taking_them_in_order_would_leave(
    items: list[tuple[int, int, int]], states: list[tuple[int, int]]
) -> None:
    rows, times, qualities = (np.array(column) for column in zip(*items, strict=True))
    state_ms, state_quality = (np.array(column) for column in zip(*states, strict=True))
    found = newest_of_each(
        rows.astype(np.intp), times, qualities.astype(np.uint8), state_ms, state_quality.astype(np.uint8)
    )
    assert found.tolist() == one_by_one(items, states)


@given(st.lists(st.integers(0, ROWS - 1), max_size=12))
def test_duplicates_are_seen_in_any_order(rows: list[int]) -> None:
    column = np.array(rows, dtype=np.intp)
    assert has_duplicates(column, np.zeros(ROWS, dtype=np.intp)) == (len(set(rows)) < len(rows))


def test_the_last_of_each_row_keeps_the_order_received() -> None:
    assert last_of_each(np.array([3, 1, 3, 0, 1])).tolist() == [2, 3, 4]


@given(st.lists(st.integers(min_value=-2, max_value=12), max_size=8), st.integers(min_value=0, max_value=10))
def test_a_run_is_the_rows_it_stands_for_and_all_of_them_exist(rows: list[int], size: int) -> None:
    run = run_of(np.array(rows, dtype=np.intp), size)
    consecutive = bool(rows) and rows == list(range(rows[0], rows[0] + len(rows)))
    if consecutive and rows[0] >= 0 and rows[-1] < size:
        assert run is not None
        assert list(range(size))[run] == rows
    else:
        assert run is None
