"""Small requests with answers that can be worked out by hand."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset, AssetKind
from vppscada.model.schedule import InitialStates, Schedule, ScheduleRequest, SlackUsed
from vppscada.scheduling.solve import solve
from vppscada.scheduling.violations import violations

#: 2023-11-14 00:00 UTC.
MIDNIGHT_MS = 1_699_920_000_000


def engine(name: str = "engine1", **changes: Any) -> Asset:
    """10 MW, minimum 4 MW, 20 per MWh all along, no times, ramps or start costs."""
    settings: dict[str, Any] = {
        "rating_mw": 10.0,
        "minimum_mw": 4.0,
        "fuel_price_per_mwh": 10.0,
        "heat_rate": ((4.0, 8.0), (10.0, 20.0)),
        **changes,
    }
    return Asset(name=name, kind=settings.pop("kind", AssetKind.RECIPROCATING_ENGINE), session=name, **settings)


def battery(name: str = "battery1", **changes: Any) -> Asset:
    """4 MW, 8 MWh, no losses, no limits of its state of charge, no wear."""
    settings: dict[str, Any] = {"rating_mw": 4.0, "charge_rating_mw": 4.0, "capacity_mwh": 8.0, **changes}
    return Asset(name=name, kind=settings.pop("kind", AssetKind.BATTERY), session=name, **settings)


def solar(name: str = "pv1", **changes: Any) -> Asset:
    """8 MW."""
    settings: dict[str, Any] = {"rating_mw": 8.0, **changes}
    return Asset(name=name, kind=settings.pop("kind", AssetKind.PHOTOVOLTAIC), session=name, **settings)


def with_other_hours(asked: ScheduleRequest, seed: int) -> ScheduleRequest:
    """The request; in half of the cases emergency generators may also run some hours without an emergency."""
    rng = np.random.default_rng([seed, 1])
    if rng.random() < 0.5:
        return asked
    day, year = rng.choice([2.0, 24.0]), rng.choice([3.0, 8784.0])
    assets = tuple(
        replace(one, non_emergency_hours_per_day=day, non_emergency_hours_per_year=year)
        if one.kind is AssetKind.EMERGENCY_GENERATOR
        else one
        for one in asked.assets
    )
    today, left = np.full(len(assets), rng.choice([0.0, 1.0, day])), np.full(len(assets), rng.choice([1.0, year]))
    initial = replace(asked.initial, non_emergency_left_today=today, non_emergency_left_year=left)
    return replace(asked, assets=assets, initial=initial)


def with_doubt(asked: ScheduleRequest, seed: int) -> ScheduleRequest:
    """The request; in half of the cases not all of the forecast of sun and wind is firm, and at times none of it."""
    rng = np.random.default_rng([seed, 2])
    if rng.random() < 0.5:
        return asked
    share = rng.uniform(0.0, 1.2, asked.forecast_mw.shape) * (rng.random(asked.forecast_mw.shape) < 0.8)
    known = np.isfinite(asked.forecast_mw)
    return replace(asked, firm_mw=np.where(known, np.where(known, asked.forecast_mw, 0.0) * share, asked.forecast_mw))


def request(
    assets: Sequence[Asset],
    requirement_mw: Sequence[float],
    price: Sequence[float] | float = 50.0,
    step_s: float = 3600.0,
    forecast: dict[str, Sequence[float]] | None = None,
    initial: dict[str, dict[str, Any]] | None = None,
    **columns: Any,
) -> ScheduleRequest:
    """A request of hourly steps from midnight; assets are off for long, stores empty, unless ``initial`` says so.

    ``initial`` maps asset names to fields of InitialStates.
    """
    n, steps = len(assets), len(requirement_mw)
    states: dict[str, NDArray[Any]] = {
        "power_mw": np.zeros(n),
        "on": np.zeros(n, dtype=np.bool_),
        "hours_in_state": np.full(n, 100.0),
        "stored_mwh": np.zeros(n),
        "usable": np.ones(n, dtype=np.bool_),
        "permitted": np.ones(n, dtype=np.bool_),
        "run_hours_left_today": np.array([asset.permitted_hours_per_day for asset in assets]),
        "run_hours_left_year": np.array([asset.permitted_hours_per_year for asset in assets]),
        "non_emergency_left_today": np.array([asset.non_emergency_hours_per_day for asset in assets]),
        "non_emergency_left_year": np.array([asset.non_emergency_hours_per_year for asset in assets]),
    }
    expected = np.full((n, steps), np.inf)
    for i, asset in enumerate(assets):
        for name, value in (initial or {}).get(asset.name, {}).items():
            states[name][i] = value
        expected[i] = (forecast or {}).get(asset.name, [np.inf] * steps)

    def over_time(values: Sequence[float] | float) -> NDArray[np.float64]:
        return np.broadcast_to(np.asarray(values, dtype=np.float64), (steps,)).copy()

    return ScheduleRequest(
        start_ms=columns.pop("start_ms", MIDNIGHT_MS),
        step_s=step_s,
        assets=tuple(assets),
        initial=InitialStates(**states),
        requirement_mw=over_time(requirement_mw),
        price_per_mwh=over_time(price),
        forecast_mw=expected,
        reserve_mw=over_time(columns.pop("reserve_mw", 0.0)),
        import_limit_mw=over_time(columns.pop("import_limit_mw", 0.0)),
        export_limit_mw=over_time(columns.pop("export_limit_mw", 0.0)),
        ambient_degc=over_time(columns.pop("ambient_degc", 15.0)),
        relative_gap=columns.pop("relative_gap", 0.0),
        **columns,
    )


def planned(asked: ScheduleRequest) -> Schedule:
    """The schedule, which must break nothing."""
    schedule = solve(asked)
    assert isinstance(schedule, Schedule), schedule
    assert violations(asked, schedule) == []
    return schedule


def limits(schedule: Schedule) -> set[str]:
    """Names of the limits that gave."""
    return {slack.limit for slack in schedule.slacks}


def amount(schedule: Schedule, limit: str) -> float:
    """Sum over the steps of what a limit gave."""
    found: list[SlackUsed] = [slack for slack in schedule.slacks if slack.limit == limit]
    return sum(slack.amount for slack in found)
