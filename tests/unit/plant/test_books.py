"""The books of what really happened: what is counted, what is called unknown, and how pages are kept."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.plant.fleets import BATTERY, EMERGENCY, ENGINE, FLEET, PV
from vppscada.model.assets import Fleet
from vppscada.plant.books import ASSET_SUMS, Account, Facts, Yardstick, add_starts, advance, cut, interval_of
from vppscada.plant.pages import REALISED, Opening, Page, from_bytes, gaps, to_bytes, total

YARD = Yardstick.of(FLEET)
NAN = float("nan")


def facts(**given: Any) -> Facts:
    """An engine at 5 MW, sun at 2 of 3 MW, a battery that takes 1 MW, an idle flywheel; target 6 MW, price 50."""
    plain = Facts(
        known=np.ones(4, dtype=np.bool_),
        power_mw=np.array([5.0, 2.0, -1.0, 0.0]),
        on=np.ones(4, dtype=np.bool_),
        available_mw=np.array([NAN, 3.0, NAN, NAN]),
        told_mw=np.array([5.05, 8.0, -1.0, NAN]),
        target_mw=6.0,
        follows=True,
        price=50.0,
    )
    return replace(plain, **given)


def after(hours: float, *every: Facts) -> Account:
    account = Account.blank(4)
    for one in every:
        account = advance(account, hours, one, YARD)
    return account


def test_an_hour_is_booked_part_by_part() -> None:
    account = after(1.0, facts())
    fuel = 8.5 + 2.0 * (24.0 - 8.5) / 7.0
    assert account.of("fuel_mwh")[0] == pytest.approx(fuel)
    assert account.of("fuel_cost")[0] == pytest.approx(35.0 * fuel)
    assert account.of("emissions_t")[0] == pytest.approx(0.202 * fuel)
    assert account.of("out_mwh").tolist() == [5.0, 2.0, 0.0, 0.0]
    assert account.of("in_mwh").tolist() == [0.0, 0.0, 1.0, 0.0]
    assert account.of("revenue").tolist() == [250.0, 100.0, -50.0, 0.0]
    assert account.of("curtailed_mwh").tolist() == [0.0, 1.0, 0.0, 0.0]
    assert account.of("run_h").tolist() == [1.0, 0.0, 0.0, 0.0]
    assert account.whole("net_mwh") == 6.0 and account.whole("error_abs_mwh") == 0.0
    assert account.whole("on_target_h") == 1.0


def test_hours_of_a_generator_without_an_emergency_are_booked_apart() -> None:
    fleet = Fleet((ENGINE, EMERGENCY))
    both, yard = np.ones(2, dtype=np.bool_), Yardstick.of(fleet)
    run = Facts(both, np.array([5.0, 1.0]), both, np.full(2, NAN), np.full(2, NAN), 6.0, True, 50.0, emergency=True)
    account = advance(advance(Account.blank(2), 2.0, run, yard), 0.5, replace(run, emergency=False), yard)
    assert account.of("run_h").tolist() == [2.5, 2.5]
    assert account.of("non_emergency_h").tolist() == [0.0, 0.5]


def test_discharge_is_cycles_of_what_leaves_the_store() -> None:
    account = after(2.0, facts(power_mw=np.array([5.0, 2.0, 1.0, 0.0])))
    assert account.of("cycles")[2] == pytest.approx(2.0 / 0.95 / 10.0)
    assert account.of("variable_cost")[2] == pytest.approx(16.0)


def test_an_asset_out_of_sight_is_unknown_and_not_zero() -> None:
    account = after(1.0, facts(known=np.array([False, True, True, True])))
    assert account.of("unknown_h").tolist() == [1.0, 0.0, 0.0, 0.0]
    assert account.of("known_h").tolist() == [0.0, 1.0, 1.0, 1.0]
    assert account.cost[0] == 0.0 and account.of("revenue")[0] == 0.0
    # and the plant is not compared with its target while a part of it is not seen
    assert account.whole("tracked_h") == 0.0 and account.whole("unserved_mwh") == 0.0
    assert account.whole("unknown_h") == 1.0 and account.whole("net_mwh") == 0.0


def test_energy_of_a_target_that_was_not_delivered_is_unserved() -> None:
    assert after(0.5, facts(target_mw=8.0)).whole("unserved_mwh") == pytest.approx(1.0)
    assert after(0.5, facts(target_mw=-3.0)).whole("unserved_mwh") == 0.0
    absorbing = facts(power_mw=np.array([0.0, 0.0, -1.0, 0.0]), target_mw=2.0)
    assert after(1.0, absorbing).whole("unserved_mwh") == pytest.approx(2.0)


def test_an_unknown_price_earns_nothing_and_is_told() -> None:
    account = after(1.0, facts(price=NAN))
    assert account.of("revenue").sum() == 0.0 and account.whole("price_h") == 0.0


def test_each_asset_is_judged_by_what_it_was_told_and_sun_by_no_more_than_there_is() -> None:
    account = after(1.0, facts())
    assert account.of("tracked_h").tolist() == [1.0, 1.0, 1.0, 0.0]
    assert account.of("error_mwh") == pytest.approx([-0.05, -1.0, 0.0, 0.0])
    assert account.of("error_max_mw") == pytest.approx([0.05, 1.0, 0.0, 0.0])
    assert account.of("on_target_h").tolist() == [1.0, 0.0, 1.0, 0.0]


def test_the_greatest_error_stays_the_greatest() -> None:
    account = after(1.0, facts(target_mw=9.0), facts(target_mw=6.5), facts())
    assert account.whole("error_max_mw") == 3.0
    assert account.whole("error_square_mw2h") == pytest.approx(9.25)


def test_starts_are_hot_warm_or_cold_by_the_time_off() -> None:
    costs = ((0.0, 10.0), (4.0, 20.0), (12.0, 40.0))
    three = Fleet(tuple(replace(ENGINE, name=f"e{i}", start_costs=costs) for i in range(3)))
    yard = Yardstick.of(three)
    account = add_starts(Account.blank(3), np.ones(3, dtype=np.bool_), np.array([1.0, 5.0, 99.0]), yard)
    assert [account.of(f"{name}_starts").tolist() for name in ("hot", "warm", "cold")] == np.eye(3).tolist()
    assert account.of("start_cost").tolist() == [10.0, 20.0, 40.0]


def test_a_unit_with_one_start_cost_starts_cold_and_what_is_not_thermal_never() -> None:
    fleet = Fleet((replace(ENGINE, start_costs=((0.0, 7.0),)), PV, BATTERY))
    account = add_starts(Account.blank(3), np.ones(3, dtype=np.bool_), np.zeros(3), Yardstick.of(fleet))
    assert account.of("cold_starts").tolist() == [1.0, 0.0, 0.0] and account.of("start_cost")[0] == 7.0


HOUR = 3_600_000
DAY = 24 * HOUR


def test_no_part_of_a_time_spans_an_interval_or_midnight() -> None:
    assert list(cut(DAY - HOUR, DAY + HOUR, HOUR * 7)) == [(DAY - HOUR, DAY), (DAY, DAY + HOUR)]
    assert list(cut(10, HOUR + 10, HOUR // 2)) == [(10, HOUR // 2), (HOUR // 2, HOUR), (HOUR, HOUR + 10)]
    assert list(cut(5, 5, HOUR)) == []
    assert interval_of(DAY - 1, HOUR * 7) == 21 * HOUR and interval_of(DAY, HOUR * 7) == DAY


def page(begin_ms: int, end_ms: int, names: tuple[str, ...], account: Account | None = None) -> Page:
    n = len(names)
    column = np.arange(float(n))
    opening = Opening(column, column, column, np.full(n, NAN), column, column, column, column, column, column)
    return Page(begin_ms, end_ms, HOUR, names, {REALISED: account or Account.blank(n)}, opening, column)


def test_a_page_is_on_disk_what_it_was() -> None:
    before = page(5, HOUR, ("a", "b", "c", "d"), after(0.25, facts()))
    again = from_bytes(to_bytes(before))
    assert (again.begin_ms, again.end_ms, again.step_ms, again.names) == (5, HOUR, HOUR, before.names)
    assert np.array_equal(again.accounts[REALISED].assets, before.accounts[REALISED].assets)
    assert np.array_equal(again.accounts[REALISED].plant, before.accounts[REALISED].plant)
    assert np.array_equal(again.opening.stored_mwh, before.opening.stored_mwh, equal_nan=True)
    assert np.array_equal(again.stored_at_end_mwh, before.stored_at_end_mwh)


@pytest.mark.parametrize("octets", [b"", b"no", to_bytes(page(0, 1, ("a",)))[:-3]])
def test_a_damaged_page_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError, match="page"):
        from_bytes(octets)


def test_pages_of_two_fleets_sum_up_by_name() -> None:
    first, second = Account.blank(2), Account.blank(2)
    first.assets[ASSET_SUMS.index("out_mwh")] = [1.0, 2.0]
    second.assets[ASSET_SUMS.index("out_mwh")] = [10.0, 20.0]
    names, account = total([page(0, 1, ("a", "b"), first), page(1, 2, ("b", "c"), second)], REALISED)
    assert names == ("a", "b", "c") and account.of("out_mwh").tolist() == [1.0, 12.0, 20.0]


def test_what_no_page_covers_is_a_gap() -> None:
    pages = [page(2 * HOUR, 3 * HOUR, ("a",)), page(HOUR, 2 * HOUR - 5, ("a",)), page(5 * HOUR, 6 * HOUR, ("a",))]
    assert gaps(pages, 0, 6 * HOUR) == [(0, HOUR), (3 * HOUR, 5 * HOUR)]
    assert gaps([], 0, 10_000) == [(0, 10_000)]
    assert gaps(pages, HOUR, 3 * HOUR) == []
