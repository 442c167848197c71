"""The optimum of the product's model is that of the same problem written independently, for fleets of every kind."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.independent_model import optimum
from tests.property.test_schedule_properties import some_engine, some_storage
from tests.unit.scheduling.requests import MIDNIGHT_MS, planned, request, solar, with_doubt, with_other_hours
from vppscada.model.assets import Asset, AssetKind
from vppscada.model.limits import Limit, LimitTree, limit_tree
from vppscada.model.schedule import Product, ScheduleRequest

STEPS = 6


def some_products(rng: np.random.Generator, n: int) -> tuple[Product, ...]:
    def over_time(highest: float) -> Any:
        return rng.uniform(0.0, highest, STEPS)

    made = [
        Product("up", True, 5.0, 0.25, over_time(2.0), over_time(2.0), over_time(40.0), rng.random(n) < 0.8),
        Product("down", False, 5.0, 0.5, over_time(2.0), over_time(1.0), over_time(20.0), rng.random(n) < 0.8),
        Product(
            "cold", True, 20.0, 1.0, over_time(6.0), over_time(0.0), over_time(1.0), rng.random(n) < 0.9, off_line=True
        ),
    ]
    return tuple(made[: int(rng.integers(0, 4))])


def some_limits(rng: np.random.Generator, names: list[str]) -> LimitTree:
    """A connection with a feeder in it; every other fleet has none, and some assets are in neither."""
    if rng.random() < 0.5:
        return LimitTree.empty()
    where = rng.integers(0, 3, len(names))
    held = [tuple(name for name, place in zip(names, where, strict=True) if place == k) for k in range(2)]
    return limit_tree(
        [
            Limit("feeder", "connection", held[0], float(rng.uniform(2.0, 9.0)), float(rng.uniform(-6.0, 0.0))),
            Limit("connection", assets=held[1], maximum_mw=float(rng.uniform(4.0, 12.0))),
        ],
        names,
    )


def sane_request(seed: int) -> ScheduleRequest:
    """A fleet in a state that machines come into by themselves: nothing but the plant's own limits has to give."""
    rng = np.random.default_rng(seed)
    assets: list[Asset] = [
        (some_engine if rng.random() < 0.6 else some_storage)(rng, f"asset{i}") for i in range(rng.integers(1, 4))
    ]
    assets.append(solar(curtailment_cost_per_mwh=float(rng.choice([0.0, 15.0]))))
    initial: dict[str, dict[str, Any]] = {}
    for asset in assets:
        allowed = asset.kind is not AssetKind.EMERGENCY_GENERATOR or rng.random() < 0.6
        on = bool(rng.random() < 0.5) and asset.kind.family == "thermal" and allowed
        initial[asset.name] = {
            "on": on,
            "power_mw": asset.minimum_mw if on else 0.0,
            "hours_in_state": float(rng.choice([0.0, 1.0, 2.5, 100.0])) if not on else 100.0,
            "stored_mwh": asset.capacity_mwh * rng.uniform(0.6, 0.75),
            "permitted": allowed,
            "run_hours_left_today": float(rng.choice([24.0, 2.0])),
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
        start_ms=MIDNIGHT_MS,
        time_limit_s=30.0,
        products=some_products(rng, len(assets)),
        limits=some_limits(rng, [asset.name for asset in assets]),
    )
    return with_doubt(with_other_hours(asked, seed), seed)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_both_models_have_one_optimum(seed: int) -> None:
    asked = sane_request(seed)
    schedule = planned(asked)
    assert schedule.objective_value == pytest.approx(optimum(asked), rel=1e-6, abs=1e-3)
