"""Fleets of any size to plan for: four tenths storage, a quarter sun and wind, the rest engines that start and stop."""

from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset, AssetKind, column
from vppscada.model.schedule import InitialStates, Schedule, ScheduleRequest

STEPS = 96
STEP_S = 900.0
_MIDNIGHT_MS = 1_719_792_000_000


def fleet_day(n: int, seed: int = 0, reserve_share: float = 0.03) -> ScheduleRequest:
    """A day of 96 quarters of an hour for ``n`` assets; reserve as a share of the peak load."""
    rng = np.random.default_rng([seed, n])
    storages, suns = round(0.4 * n), round(0.25 * n)
    assets = [_storage(rng, i) for i in range(storages)] + [_sun(rng, i) for i in range(suns)]
    assets += [_engine(rng, i) for i in range(n - storages - suns)]
    hour = np.asarray((np.arange(STEPS) + 0.5) * STEP_S / 3600.0, dtype=np.float64)
    forecast = np.full((n, STEPS), np.inf)
    for i in range(storages, storages + suns):
        forecast[i] = _weather(rng, assets[i], hour)
    thermal = np.array([asset.minimum_mw > 0.0 for asset in assets])
    firm = float(sum(asset.rating_mw for asset in assets if asset.minimum_mw > 0.0))
    shape = 0.62 + 0.12 * np.sin((hour - 9.0) / 12.0 * np.pi) + 0.16 * np.exp(-(((hour - 19.0) / 2.5) ** 2))
    load = firm * 0.85 * shape + 0.5 * forecast[storages : storages + suns].sum(axis=0).mean()
    load = load + rng.normal(0.0, 0.01, STEPS) * firm
    price = 55.0 + 30.0 * np.sin((hour - 10.0) / 6.0 * np.pi) - np.where((hour > 11.0) & (hour < 15.0), 45.0, 0.0)
    on = thermal & (rng.random(n) < 0.5)
    capacity = column(assets, "capacity_mwh")
    return ScheduleRequest(
        start_ms=_MIDNIGHT_MS,
        step_s=STEP_S,
        assets=tuple(assets),
        initial=InitialStates(
            power_mw=np.where(on, column(assets, "minimum_mw"), 0.0),
            on=on,
            hours_in_state=rng.uniform(0.5, 12.0, n).round(2),
            stored_mwh=capacity * rng.uniform(0.3, 0.7, n),
            usable=np.ones(n, dtype=np.bool_),
            permitted=np.ones(n, dtype=np.bool_),
            run_hours_left_today=np.full(n, 24.0),
            run_hours_left_year=np.full(n, 8784.0),
        ),
        requirement_mw=load,
        price_per_mwh=price + rng.normal(0.0, 3.0, STEPS),
        forecast_mw=forecast,
        reserve_mw=np.full(STEPS, reserve_share * load.max()),
        import_limit_mw=np.full(STEPS, 0.03 * firm),
        export_limit_mw=np.full(STEPS, 0.03 * firm),
        ambient_degc=18.0 + 7.0 * np.sin((hour - 9.0) / 12.0 * np.pi),
    )


def a_step_later(request: ScheduleRequest, schedule: Schedule) -> ScheduleRequest:
    """The same plant after the first step went as planned; what is owed and there moves on, its last step repeated."""
    hours, initial = request.step_s / 3600.0, request.initial
    on, power = schedule.on[:, 0], schedule.power_mw[:, 0]
    kept = on == initial.on
    states = {field.name: getattr(initial, field.name) for field in fields(initial)}
    states |= {"on": on, "power_mw": power, "stored_mwh": schedule.stored_mwh[:, 0]}
    states["hours_in_state"] = np.where(kept, initial.hours_in_state + hours, hours)
    moved = np.minimum(np.arange(request.steps) + 1, request.steps - 1)
    columns = ("requirement_mw", "price_per_mwh", "reserve_mw", "import_limit_mw", "export_limit_mw", "ambient_degc")
    return replace(
        request,
        start_ms=request.start_ms + round(1000.0 * request.step_s),
        initial=type(initial)(**states),
        forecast_mw=request.forecast_mw[:, moved],
        **{name: getattr(request, name)[moved] for name in columns},
    )


def _storage(rng: np.random.Generator, i: int) -> Asset:
    rating = float(rng.uniform(0.2, 3.0))
    return Asset(
        f"storage{i}", AssetKind.BATTERY, f"storage{i}", rating,
        variable_cost_per_mwh=float(rng.uniform(2.0, 10.0)), charge_rating_mw=rating * float(rng.uniform(0.7, 1.0)),
        capacity_mwh=rating * float(rng.uniform(1.0, 4.0)), charge_efficiency=float(rng.uniform(0.9, 0.97)),
        discharge_efficiency=float(rng.uniform(0.9, 0.97)), self_discharge_per_h=0.0002,
        soc_minimum=0.1, soc_maximum=0.95, soc_final_minimum=0.3,
    )  # fmt: skip


def _sun(rng: np.random.Generator, i: int) -> Asset:
    kind = AssetKind.PHOTOVOLTAIC if rng.random() < 0.6 else AssetKind.WIND_TURBINE
    return Asset(f"sun{i}", kind, f"sun{i}", float(rng.uniform(0.3, 4.0)), reserve=False)


def _engine(rng: np.random.Generator, i: int) -> Asset:
    kinds = (AssetKind.RECIPROCATING_ENGINE, AssetKind.MICROTURBINE, AssetKind.FUEL_CELL)
    kind = kinds[int(rng.choice(3, p=[0.6, 0.25, 0.15]))]
    rating = float(rng.uniform(0.3, 5.0))
    minimum = rating * float(rng.uniform(0.25, 0.5))
    slow = kind is AssetKind.FUEL_CELL
    best = float(rng.uniform(0.33, 0.48))
    middle = (minimum + rating) / 2.0
    curve: tuple[tuple[float, float], ...] = (
        (minimum, minimum / (0.82 * best)),
        (middle, middle / (0.95 * best)),
        (rating, rating / best),
    )
    first, second = (curve[1][1] - curve[0][1]) / (middle - minimum), (curve[2][1] - curve[1][1]) / (rating - middle)
    if second < first:  # curves are convex
        curve = (curve[0], (rating, curve[0][1] + first * (rating - minimum)))
    ramp = rating * (0.03 if slow else float(rng.uniform(0.15, 1.0)))
    start = rating * float(rng.uniform(5.0, 25.0))
    return Asset(
        f"engine{i}", kind, f"engine{i}", rating, ramp, ramp, float(rng.uniform(2.0, 9.0)),
        minimum_mw=minimum, start_time_s=60.0,
        minimum_up_s=3600.0 * float(rng.integers(1, 9) if slow else rng.integers(0, 5)),
        minimum_down_s=3600.0 * float(rng.integers(0, 4)), fuel_price_per_mwh=float(rng.uniform(25.0, 45.0)),
        heat_rate=curve, running_cost_per_h=rating * float(rng.uniform(0.5, 3.0)),
        start_costs=((0.0, start), (2.0, 1.6 * start), (8.0, 2.5 * start)),
        derating_per_degc=0.005 if kind is AssetKind.MICROTURBINE else 0.0,
    )  # fmt: skip


def _weather(rng: np.random.Generator, asset: Asset, hour: NDArray[np.float64]) -> NDArray[np.float64]:
    if asset.kind is AssetKind.PHOTOVOLTAIC:
        return asset.rating_mw * rng.uniform(0.5, 0.9) * np.maximum(np.sin((hour - 6.0) / 12.0 * np.pi), 0.0)
    wind = asset.rating_mw * (0.4 + np.cumsum(rng.normal(0.0, 0.04, STEPS)))
    return np.clip(wind, 0.0, asset.rating_mw)
