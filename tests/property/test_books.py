"""Whatever the fleet does: parts sum to the whole, a time cut anywhere gives the same books."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plant.fleets import FLEET
from vppscada.plant.books import DAY_MS, Account, Facts, Yardstick, add_starts, advance, cut

YARD = Yardstick.of(FLEET)
N = len(FLEET)
MW = st.floats(-10.0, 10.0) | st.just(float("nan"))
FLAGS = st.lists(st.booleans(), min_size=N, max_size=N).map(lambda flags: np.array(flags, dtype=np.bool_))
COLUMN = st.lists(MW, min_size=N, max_size=N).map(np.array)
HOURS = st.floats(0.0, 30.0)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    power = draw(COLUMN)
    return Facts(
        known=draw(FLAGS) & ~np.isnan(power),
        power_mw=power,
        on=draw(FLAGS),
        available_mw=draw(COLUMN),
        told_mw=draw(COLUMN),
        target_mw=draw(MW),
        follows=draw(st.booleans()),
        price=draw(st.floats(-100.0, 300.0) | st.just(float("nan"))),
    )


def same(one: Account, other: Account) -> None:
    assert one.assets == pytest.approx(other.assets, rel=1e-9, abs=1e-9)
    assert one.plant == pytest.approx(other.plant, rel=1e-9, abs=1e-9)


@given(facts(), HOURS, HOURS)
def test_a_time_in_two_parts_gives_the_same_books(now: Facts, first_h: float, then_h: float) -> None:
    parts = advance(advance(Account.blank(N), first_h, now, YARD), then_h, now, YARD)
    same(parts, advance(Account.blank(N), first_h + then_h, now, YARD))


@given(st.lists(st.tuples(facts(), HOURS), max_size=5))
def test_the_parts_sum_to_the_whole(times: list[tuple[Facts, float]]) -> None:
    account = Account.blank(N)
    for now, hours in times:
        account = advance(account, hours, now, YARD)
    hours = sum(one for _, one in times)
    assert account.of("known_h") + account.of("unknown_h") == pytest.approx(np.full(N, hours))
    assert account.whole("hours") == pytest.approx(hours)
    net = sum(h * np.where(now.known, np.nan_to_num(now.power_mw), 0.0).sum() for now, h in times)
    assert (account.of("out_mwh") - account.of("in_mwh")).sum() == pytest.approx(net, abs=1e-9)
    whole = sum(h * np.nansum(now.power_mw) for now, h in times if now.known.all())
    assert account.whole("net_mwh") == pytest.approx(whole, abs=1e-9)
    assert (account.of("error_abs_mwh") >= np.abs(account.of("error_mwh")) - 1e-9).all()
    tracked = np.maximum(account.of("tracked_h"), 1e-12)
    assert (account.of("error_max_mw") >= account.of("error_abs_mwh") / tracked - 1e-9).all()
    parts = sum(account.of(f"{part}_cost") for part in ("fuel", "running", "variable", "start"))
    assert account.cost == pytest.approx(parts)


@given(facts(), HOURS, FLAGS, st.floats(0.0, 500.0))
def test_the_order_of_a_start_and_a_time_does_not_matter(
    now: Facts, hours: float, on: np.ndarray, off_h: float
) -> None:
    off = np.full(N, off_h)
    before = advance(add_starts(Account.blank(N), on, off, YARD), hours, now, YARD)
    same(before, add_starts(advance(Account.blank(N), hours, now, YARD), on, off, YARD))


@given(st.integers(0, 4 * DAY_MS), st.integers(0, 3 * DAY_MS), st.integers(60_000, DAY_MS))
def test_cut_parts_are_the_time_itself_each_within_one_day_and_interval(begin: int, length: int, step: int) -> None:
    parts = list(cut(begin, begin + length, step))
    assert sum(end - at for at, end in parts) == length
    assert all(one[1] == after[0] for one, after in pairwise(parts))
    for at, end in parts:
        assert at < end <= at + step
        assert at // DAY_MS == (end - 1) // DAY_MS
        assert at % DAY_MS // step == (end - 1) % DAY_MS // step


@given(facts(), st.integers(0, DAY_MS), st.integers(1, DAY_MS))
def test_midnight_parts_the_books_by_the_time_on_each_side(now: Facts, before_ms: int, after_ms: int) -> None:
    midnight = 20_000 * DAY_MS
    days: dict[int, Account] = {}
    for at, end in cut(midnight - before_ms, midnight + after_ms, 900_000):
        day = at // DAY_MS
        days[day] = advance(days.get(day, Account.blank(N)), (end - at) / 3.6e6, now, YARD)
    blank = Account.blank(N)
    same(days.get(19_999, blank), advance(blank, before_ms / 3.6e6, now, YARD) if before_ms else blank)
    same(days[20_000], advance(blank, after_ms / 3.6e6, now, YARD))
