"""Whatever the fleet and the day: the schedule keeps every limit, and its money adds up."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.scheduling.requests import (
    MIDNIGHT_MS,
    battery,
    engine,
    planned,
    request,
    solar,
    with_doubt,
    with_other_hours,
)
from vppscada.model.assets import Asset, AssetKind
from vppscada.model.limits import Limit, LimitTree, limit_tree
from vppscada.model.schedule import Schedule, ScheduleRequest
from vppscada.scheduling.books import planned_cost

PLANT_SLACKS = {"requirement", "surplus above the requirement", "reserve requirement"}
STEPS = 6


def some_engine(rng: np.random.Generator, name: str) -> Asset:
    kinds = (AssetKind.RECIPROCATING_ENGINE, AssetKind.FUEL_CELL, AssetKind.MICROTURBINE, AssetKind.EMERGENCY_GENERATOR)
    rating = rng.uniform(3.0, 10.0)
    minimum = rng.uniform(0.0, 0.6) * rating
    middle = (minimum + rating) / 2
    slope = rng.uniform(1.5, 2.5)
    first = (minimum, slope * minimum + rng.uniform(0.0, 3.0))
    second = (middle, first[1] + slope * (middle - minimum))
    third = (rating, second[1] + slope * rng.uniform(1.0, 1.4) * (rating - middle))
    return engine(
        name,
        kind=kinds[rng.integers(len(kinds))],
        rating_mw=rating,
        minimum_mw=minimum,
        heat_rate=(first, second, third) if rng.random() < 0.6 else (first, third),
        fuel_price_per_mwh=rng.uniform(5.0, 40.0),
        running_cost_per_h=rng.uniform(0.0, 20.0),
        ramp_up_mw_per_min=rng.choice([np.inf, rng.uniform(0.01, 0.2)]),
        ramp_down_mw_per_min=rng.choice([np.inf, rng.uniform(0.01, 0.2)]),
        minimum_up_s=3600.0 * rng.integers(0, 4),
        minimum_down_s=3600.0 * rng.integers(0, 4),
        start_time_s=float(rng.choice([0.0, 60.0, 4000.0])),
        start_costs=((0.0, 10.0), (2.0, 40.0), (4.0, 90.0)) if rng.random() < 0.7 else ((0.0, 25.0),),
        derating_per_degc=rng.choice([0.0, 0.01]),
        permitted_hours_per_day=rng.choice([24.0, 2.0]),
    )


def some_storage(rng: np.random.Generator, name: str) -> Asset:
    kinds = (AssetKind.BATTERY, AssetKind.BATTERY, AssetKind.FLYWHEEL, AssetKind.SUPERCONDUCTING_STORAGE)
    return battery(
        name,
        kind=kinds[rng.integers(len(kinds))],
        capacity_mwh=rng.uniform(0.1, 10.0),
        charge_efficiency=rng.uniform(0.6, 1.0),
        discharge_efficiency=rng.uniform(0.6, 1.0),
        self_discharge_per_h=rng.choice([0.0, rng.uniform(0.0, 0.3)]),
        standby_loss_mw=rng.choice([0.0, rng.uniform(0.0, 0.2)]),
        soc_minimum=rng.choice([0.0, 0.2]),
        soc_maximum=rng.choice([1.0, 0.8]),
        soc_final_minimum=0.5 if rng.random() < 0.5 else None,
        cycles_per_day=rng.choice([np.inf, 0.7]),
        variable_cost_per_mwh=rng.choice([0.0, 5.0]),
    )


def some_request(seed: int) -> ScheduleRequest:
    """A small fleet in whatever state it may be found, sensible or not."""
    rng = np.random.default_rng(seed)
    make: list[Callable[[np.random.Generator, str], Asset]] = [some_engine, some_storage]
    assets = [make[int(rng.integers(2))](rng, f"asset{i}") for i in range(rng.integers(1, 4))]
    assets.append(solar(curtailment_cost_per_mwh=float(rng.choice([0.0, 15.0]))))
    initial: dict[str, dict[str, Any]] = {}
    for asset in assets:
        on = bool(rng.random() < 0.5) and asset.capacity_mwh == 0.0
        initial[asset.name] = {
            "on": on,
            "power_mw": rng.choice([np.nan, 0.0, asset.rating_mw * rng.uniform(0.0, 1.1)]) if on else 0.0,
            "hours_in_state": rng.choice([0.0, 1.0, 2.5, 100.0, np.nan]),
            "stored_mwh": asset.capacity_mwh * rng.uniform(0.0, 1.0),
            "usable": rng.random() < 0.85,
            "permitted": asset.kind is not AssetKind.EMERGENCY_GENERATOR or rng.random() < 0.6,
            "run_hours_left_today": rng.choice([24.0, 1.0]),
        }
    trades = rng.random() < 0.5
    asked = request(
        assets,
        rng.uniform(-2.0, 14.0, STEPS).tolist(),
        price=rng.uniform(-120.0, 150.0, STEPS).tolist(),
        step_s=float(rng.choice([3600.0, 900.0])),
        forecast={"pv1": rng.uniform(0.0, 8.0, STEPS).tolist()},
        initial=initial,
        reserve_mw=float(rng.choice([0.0, 2.0])),
        import_limit_mw=5.0 if trades else 0.0,
        export_limit_mw=5.0 if trades else 0.0,
        ambient_degc=rng.uniform(0.0, 40.0, STEPS).tolist(),
        start_ms=MIDNIGHT_MS - 3 * 3_600_000,
        time_limit_s=30.0,
        relative_gap=float(rng.choice([0.0, 0.01])),
    )
    asked = replace(asked, limits=some_limits(rng, asked.assets)) if rng.random() < 0.4 else asked
    return with_doubt(with_other_hours(asked, seed), seed)


def some_limits(rng: np.random.Generator, assets: Sequence[Asset]) -> LimitTree:
    """One limit inside another, possible to keep or not; some assets in neither."""
    where = rng.integers(0, 3, len(assets))

    def limit(name: str, parent: str, place: int) -> Limit:
        inside = tuple(asset.name for asset, here in zip(assets, where, strict=True) if here == place)
        return Limit(name, parent, inside, rng.uniform(0.0, 12.0), rng.uniform(-4.0, 0.0))

    return limit_tree([limit("inner", "outer", 0), limit("outer", "", 1)], [asset.name for asset in assets])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_schedule_keeps_every_limit_and_its_money_adds_up(seed: int) -> None:
    asked = some_request(seed)
    schedule = planned(asked)  # which asserts that nothing is violated
    assert schedule.bound <= schedule.objective_value + 1e-6
    assert schedule.gap <= asked.relative_gap + 1e-5
    if {slack.limit for slack in schedule.slacks} <= PLANT_SLACKS:
        assert schedule.objective_value == pytest.approx(money(asked, schedule), rel=1e-6, abs=1e-3)


def money(asked: ScheduleRequest, schedule: Schedule) -> float:
    """The objective from the schedule's powers alone."""
    hours = asked.step_s / 3600.0
    sun = [
        i for i, asset in enumerate(asked.assets) if asset.kind is AssetKind.PHOTOVOLTAIC and asked.initial.usable[i]
    ]
    left = sum(
        asked.assets[i].curtailment_cost_per_mwh
        * (np.minimum(asked.forecast_mw[i], asked.assets[i].rating_mw) - schedule.power_mw[i]).sum()
        for i in sun
    )
    short = sum(slack.amount for slack in schedule.slacks if slack.limit == "reserve requirement")
    dump_price = np.maximum(asked.dump_penalty_per_mwh, 1.0 - asked.price_per_mwh)
    by_energy = (
        asked.value_of_lost_load_per_mwh * schedule.unserved_mw.sum()
        + (dump_price * schedule.dump_mw).sum()
        + asked.reserve_penalty_per_mwh * short
        + (asked.price_per_mwh * (schedule.import_mw - schedule.export_mw)).sum()
        + left
    )
    return planned_cost(asked, schedule.power_mw, schedule.on) + hours * float(by_energy)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_tiny_commitment_is_the_best_of_all_that_there_are(seed: int) -> None:
    asked = tiny_commitment(np.random.default_rng(seed))
    schedule = planned(asked)
    patterns = list(product([False, True], repeat=asked.steps))
    best = min(
        total_cost(asked, np.array(pair))
        for pair in product(patterns, repeat=2)
        if all(lasts_long_enough(asked, i, run) for i, run in enumerate(pair))
    )
    assert schedule.objective_value == pytest.approx(best, rel=1e-6)


def tiny_commitment(rng: np.random.Generator) -> ScheduleRequest:
    """Two engines with straight curves and no ramps, four hours."""
    fleet, initial = [], {}
    for i in range(2):
        minimum, rating = rng.uniform(0.5, 4.0), rng.uniform(5.0, 10.0)
        slope = rng.uniform(1.5, 3.0)
        fleet.append(
            engine(
                f"engine{i}",
                rating_mw=rating,
                minimum_mw=minimum,
                heat_rate=((minimum, slope * minimum + 1.0), (rating, slope * rating + 1.0)),
                running_cost_per_h=rng.uniform(0.0, 80.0),
                minimum_up_s=3600.0 * rng.integers(0, 4),
                minimum_down_s=3600.0 * rng.integers(0, 4),
                start_costs=((0.0, rng.uniform(0.0, 50.0)), (2.0, 60.0), (3.0, rng.uniform(60.0, 200.0))),
            )
        )
        initial[f"engine{i}"] = {
            "on": rng.random() < 0.5,
            "power_mw": rating,
            "hours_in_state": float(rng.integers(0, 4)),
        }
    return request(fleet, rng.uniform(0.0, 15.0, 4).tolist(), initial=initial)


def lasts_long_enough(asked: ScheduleRequest, i: int, run: tuple[bool, ...]) -> bool:
    asset, was_on, lasted = asked.assets[i], bool(asked.initial.on[i]), float(asked.initial.hours_in_state[i])
    for on in run:
        if on != was_on and lasted < (asset.minimum_up_s if was_on else asset.minimum_down_s) / 3600.0:
            return False
        lasted, was_on = (lasted + 1.0 if on == was_on else 1.0), on
    return True


def total_cost(asked: ScheduleRequest, on: np.ndarray) -> float:
    """Merit order in each hour, starts by the hours off, lost load and surplus at their price."""
    total = 0.0
    for t, load in enumerate(asked.requirement_mw):
        left = float(load)
        running = sorted((a for i, a in enumerate(asked.assets) if on[i, t]), key=slope_of)
        for asset in running:
            total += asset.fuel_price_per_mwh * asset.heat_rate[0][1] + asset.running_cost_per_h
            left -= asset.minimum_mw
        for asset in running:
            more = float(np.clip(left, 0.0, asset.rating_mw - asset.minimum_mw))
            total += asset.fuel_price_per_mwh * slope_of(asset) * more
            left -= more
        total += max(left, 0.0) * asked.value_of_lost_load_per_mwh + max(-left, 0.0) * asked.dump_penalty_per_mwh
    return total + sum(starts_cost(asked, i, on[i]) for i in range(len(asked.assets)))


def slope_of(asset: Asset) -> float:
    (low_mw, low_fuel), (high_mw, high_fuel) = asset.heat_rate
    return (high_fuel - low_fuel) / (high_mw - low_mw)


def starts_cost(asked: ScheduleRequest, i: int, run: np.ndarray) -> float:
    was_on, total = bool(asked.initial.on[i]), 0.0
    off = 0.0 if was_on else float(asked.initial.hours_in_state[i])
    for on in run:
        if on and not was_on:
            total += next(cost for hours, cost in reversed(asked.assets[i].start_costs) if off >= hours)
        off, was_on = (0.0 if on else off + 1.0), bool(on)
    return total
