"""What one asset does at given prices is exactly the optimum of the monolith that sells at those prices."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.property.test_schedule_properties import some_engine, some_storage
from tests.unit.scheduling.decomposition.fleets import optimum, parts_of
from tests.unit.scheduling.requests import MIDNIGHT_MS, request
from vppscada.model.assets import Asset, AssetFamily
from vppscada.model.schedule import ScheduleRequest

STEPS = 16


def alone(asset: Asset, rng: np.random.Generator, lowest: float = 5.0) -> ScheduleRequest:
    """One asset that buys and sells as much as it likes."""
    on = bool(rng.random() < 0.5) and asset.kind.family is AssetFamily.THERMAL
    initial: dict[str, Any] = {
        "on": on,
        "power_mw": asset.minimum_mw if on else 0.0,
        "hours_in_state": float(rng.integers(0, 5)),
        "stored_mwh": asset.capacity_mwh * rng.uniform(asset.soc_minimum, asset.soc_maximum),
    }
    return request(
        [asset],
        [0.0] * STEPS,
        price=rng.uniform(lowest, 120.0, STEPS).tolist(),
        initial={asset.name: initial},
        import_limit_mw=1000.0,
        export_limit_mw=1000.0,
        start_ms=MIDNIGHT_MS,
    )


def profit_and_worth(asked: ScheduleRequest) -> tuple[float, float]:
    """The bound of the asset's profit at the market's prices, and what its plan brings."""
    parts, price = parts_of(asked), asked.price_per_mwh
    hours = asked.step_s / 3600.0
    if len(parts.units.data):
        profit, made = parts.units.answer(price, np.zeros(STEPS))
        return float(profit.sum()), float((hours * made.power @ price - made.cost).sum())
    profit, flow = parts.stores.answer(price, np.zeros(STEPS))
    return float(profit.sum()), float((hours * flow.power @ price - flow.cost).sum())


@pytest.mark.parametrize("seed", range(40))
def test_storage_is_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = alone(replace(some_storage(rng, "one"), cycles_per_day=np.inf), rng)
    best = -optimum(asked).objective_value
    assert profit_and_worth(asked) == pytest.approx((best, best), rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("seed", range(40))
def test_below_zero_a_store_is_bounded_from_above(seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = alone(replace(some_storage(rng, "one"), cycles_per_day=np.inf), rng, lowest=-120.0)
    best = -optimum(asked).objective_value
    profit, worth = profit_and_worth(asked)
    assert profit >= best - 1e-6 * max(abs(best), 1.0) - 1e-6
    assert worth <= profit + 1e-6 * max(abs(profit), 1.0)


@pytest.mark.parametrize("seed", range(40))
def test_a_unit_without_ramps_is_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = some_engine(rng, "one")
    asset = replace(made, ramp_up_mw_per_min=np.inf, ramp_down_mw_per_min=np.inf, permitted_hours_per_day=24.0)
    asked = alone(asset, rng)
    best = -optimum(asked).objective_value
    assert profit_and_worth(asked) == pytest.approx((best, best), rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("seed", range(30))
def test_cycles_are_kept_and_bounded(seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = alone(replace(some_storage(rng, "one"), cycles_per_day=0.7), rng)
    best = -optimum(asked).objective_value
    profit, worth = profit_and_worth(asked)
    scale = max(abs(best), 1.0)
    assert best - 1e-6 * scale <= profit <= best + 0.02 * scale
    assert best - 0.02 * scale <= worth <= best + 1e-6 * scale
