import numpy as np
import pytest

from tests.unit.scheduling.requests import amount, battery, engine, limits, planned, request, solar
from vppscada.model.limits import Limit, limit_tree
from vppscada.scheduling.request_check import faults

FEEDER = Limit("feeder", assets=("engine1", "pv1"), maximum_mw=9.0)


def test_sun_behind_a_full_feeder_is_curtailed_and_the_rest_comes_from_elsewhere() -> None:
    fleet = [engine(minimum_mw=0.0, heat_rate=((0.0, 0.0), (10.0, 20.0))), solar(), engine("engine2")]
    tree = limit_tree([FEEDER], ["engine1", "pv1", "engine2"])
    schedule = planned(request(fleet, [15.0], forecast={"pv1": [8.0]}, limits=tree))
    assert schedule.power_mw[:, 0] == pytest.approx([1.0, 8.0, 6.0])
    assert limits(schedule) == set()


def test_a_limit_holds_what_the_limits_inside_it_hold() -> None:
    fleet = [solar("pv1"), solar("pv2"), solar("pv3")]
    tree = limit_tree(
        [
            Limit("inverter", "feeder", ("pv1",), maximum_mw=5.0),
            Limit("feeder", "connection", ("pv2",), maximum_mw=7.0),
            Limit("connection", assets=("pv3",), maximum_mw=10.0),
        ],
        ["pv1", "pv2", "pv3"],
    )
    schedule = planned(request(fleet, [30.0], limits=tree))
    assert schedule.power_mw[:, 0].sum() == pytest.approx(10.0)
    assert schedule.power_mw[:2, 0].sum() <= 7.0 + 1e-6 and schedule.power_mw[0, 0] <= 5.0 + 1e-6
    assert amount(schedule, "requirement") == pytest.approx(20.0)


def test_a_minimum_bounds_what_may_be_absorbed() -> None:
    tree = limit_tree([Limit("cable", assets=("battery1",), minimum_mw=-2.0)], ["battery1"])
    asked = request([battery()], [0.0, 4.0], import_limit_mw=10.0, price=[0.0, 100.0], limits=tree)
    assert planned(asked).power_mw[0] == pytest.approx([-2.0, 2.0])


def test_reserve_is_held_where_it_can_be_delivered() -> None:
    fleet = [engine("engine1"), engine("engine2", running_cost_per_h=1.0)]
    tree = limit_tree([Limit("feeder", assets=("engine1",), maximum_mw=6.0)], ["engine1", "engine2"])
    schedule = planned(request(fleet, [6.0], reserve_mw=2.0, limits=tree))
    assert schedule.power_mw[0, 0] + schedule.reserve_mw[0, 0] <= 6.0 + 1e-6
    assert schedule.reserve_mw[:, 0].sum() == pytest.approx(2.0)


def test_a_limit_that_must_give_is_named_with_what_it_gives() -> None:
    tree = limit_tree([Limit("feeder", assets=("engine1",), minimum_mw=3.0, maximum_mw=5.0)], ["engine1"])
    held_off = {"engine1": {"usable": False}}
    schedule = planned(request([engine()], [0.0, 0.0], initial=held_off, limits=tree))
    assert amount(schedule, "feeder minimum") == pytest.approx(6.0)
    loaded = {"engine1": {"on": True, "power_mw": 10.0, "hours_in_state": 0.0}}
    running = engine(ramp_down_mw_per_min=2.0 / 60.0, minimum_up_s=7200.0)
    schedule = planned(request([running], [8.0, 6.0], initial=loaded, limits=tree))
    assert schedule.power_mw[0] == pytest.approx([8.0, 6.0])
    assert amount(schedule, "feeder maximum") == pytest.approx(4.0)


def test_a_tree_of_another_fleet_is_refused_in_words() -> None:
    tree = limit_tree([FEEDER], ["engine1", "pv1"])
    assert faults(request([engine()], [1.0], limits=tree)) == ["limits that place 2 assets, expected 1"]


def test_a_tree_in_columns_has_parents_first_and_knows_every_level() -> None:
    tree = limit_tree(
        [Limit("inner", "outer", ("b",), 1.0), Limit("outer", "", ("a",), 2.0), Limit("other", "", ("c",), 3.0)],
        ["a", "b", "c", "d"],
    )
    assert tree.names == ("outer", "other", "inner")
    assert tree.parent.tolist() == [-1, -1, 0] and tree.depth.tolist() == [0, 0, 1]
    assert tree.levels().tolist() == [[0, 0, 1, -1], [-1, 2, -1, -1]]
    assert np.isinf(tree.minimum_mw).all() and tree.maximum_mw.tolist() == [2.0, 3.0, 1.0]


@pytest.mark.parametrize(
    "wrong",
    [
        [Limit("a", "b", ("x",), 1.0), Limit("b", "a", ("y",), 1.0)],
        [Limit("a", "nowhere", ("x",), 1.0)],
        [Limit("a", "", ("z",), 1.0)],
        [Limit("a", "", ("x",), 1.0), Limit("b", "", ("x",), 1.0)],
    ],
)
def test_what_is_no_tree_is_refused(wrong: list[Limit]) -> None:
    with pytest.raises(ValueError):
        limit_tree(wrong, ["x", "y"])
