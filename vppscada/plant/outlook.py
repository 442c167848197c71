"""What sun, wind and the EMS will do over a horizon: by the series where they hold, by the built-in forecast elsewhere.

Pure. A series holds where it has values and is not stale.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetFamily, AssetStates, Fleet
from vppscada.plant.expectations import Expectations, Horizon
from vppscada.plant.forecasting import Bands, Past, forecast

Column = NDArray[np.float64]

#: Name of the EMS target among the forecasts.
TARGET = "target"
#: Of a past shorter than this, the last value of a series is the better guess.
_LEAST_DAYS = 1.0


def renewables(fleet: Fleet) -> list[int]:
    """Positions of sun and wind."""
    return [i for i, asset in enumerate(fleet.assets) if asset.kind.family is AssetFamily.RENEWABLE]


def forecast_names(fleet: Fleet) -> list[str]:
    """What the built-in forecast tells of: sun and wind by name, then the target."""
    return [*(fleet.assets[i].name for i in renewables(fleet)), TARGET]


@dataclass(frozen=True, slots=True, eq=False)
class BuiltIn:
    """The built-in forecast of all in `forecast_names` (k)."""

    bands: Bands
    days: Column  # (k,) of the past that it comes from
    is_asked: bool  # somebody asks for a target now

    @property
    def knows(self) -> NDArray[np.bool_]:
        """Of which (k,) it is more than persistence."""
        return self.days >= _LEAST_DAYS

    @property
    def knows_target(self) -> bool:
        """It can tell what will be asked. A plant at rest, or one that chooses for itself, is asked for nothing."""
        return self.is_asked and bool(self.knows[-1])


def built_in(fleet: Fleet, past: Past, now: Column, horizon: Horizon) -> BuiltIn:
    """From what was measured before, and ``now`` (k,); the target is within what the fleet can reach."""
    members = [fleet.assets[i] for i in renewables(fleet)]
    lowest = np.array([0.0 for _ in members] + [sum(asset.lowest_mw for asset in fleet.assets)])
    highest = np.array([asset.rating_mw for asset in members] + [fleet.rating_mw])
    steps = horizon.start_ms, horizon.step_ms, horizon.steps
    bands = forecast(past, horizon.plant_ms, now, lowest, highest, *steps)
    return BuiltIn(bands, past.days(horizon.plant_ms), not np.isnan(now[-1]))


def expected_renewables(
    fleet: Fleet, states: AssetStates, expectations: Expectations, horizon: Horizon, own: BuiltIn | None
) -> Bands:
    """Of sun and wind (n, T), P50 in every step; ∞ for others. P10 and P90 are NaN where nothing tells them.

    A series is moved by what is available now, which fades. Where none holds, the built-in forecast is taken. Without
    it (``own`` None), the last value of a series stands, or now persists.
    """
    shape = len(fleet), horizon.steps
    found = Bands(np.full(shape, np.nan), np.full(shape, np.inf), np.full(shape, np.nan))
    members = renewables(fleet)
    place = {position: i for i, position in enumerate(members)}
    for name, positions in _by_series(fleet, members).items():
        now = np.nan_to_num(states.available_mw[positions], nan=0.0)[:, None]
        rating = np.array([fleet.assets[i].rating_mw for i in positions])[:, None]
        told = _by_one_series(expectations, name, horizon, now, rating)
        if own is not None:
            rows = [place[i] for i in positions]
            unknown = ~own.knows[rows, None] & (name in expectations.series)  # its last value is the better guess
            told = told.where(expectations.holds(name, horizon)[None, :] | unknown, own.bands.rows(rows))
        found.p10[positions], found.p50[positions], found.p90[positions] = told.p10, told.p50, told.p90
    return found


def _by_one_series(expectations: Expectations, name: str, horizon: Horizon, now: Column, rating: Column) -> Bands:
    """Of some assets (g, T) with one series, looked up once for all of them: many must not hold up the loop."""
    expected_now = expectations.now(name, horizon.plant_ms)
    moved_by = np.zeros((len(now), horizon.steps))
    if not np.isnan(expected_now):
        moved_by = (now - expected_now) * horizon.fading
    steps = horizon.start_ms, horizon.step_ms, horizon.steps
    series = expectations.series.get(name)
    nothing = np.full((len(now), horizon.steps), np.nan)
    p50 = nothing if series is None else expectations.mean(name, *steps, missing=np.nan) + moved_by
    bands = [
        nothing if quantile is None else np.clip(quantile.mean(*steps) + moved_by, 0.0, rating)
        for quantile in ((None, None) if series is None else (series.p10, series.p90))
    ]
    return Bands(bands[0], np.clip(np.where(np.isnan(p50), now, p50), 0.0, rating), bands[1])


def _by_series(fleet: Fleet, members: Sequence[int]) -> dict[str, list[int]]:
    positions: dict[str, list[int]] = {}
    for i in members:
        positions.setdefault(fleet.assets[i].forecast, []).append(i)
    return positions


def measured_renewables(
    fleet: Fleet, states: AssetStates, told_mw: Column, tells_available: NDArray[np.bool_]
) -> Column:
    """What was there to be had of sun and wind (g,) now; NaN where that cannot be told.

    One that does not tell it (``tells_available``, n) shows it by its power, as long as no setpoint (``told_mw``, n,
    NaN = none) holds it back.
    """
    members = renewables(fleet)
    power, told = states.power_mw[members], told_mw[members]
    near = 0.02 * np.array([fleet.assets[i].rating_mw for i in members])
    free = np.isnan(told) | (power < told - near)
    seen = np.where(tells_available[members], states.available_mw[members], np.where(free, power, np.nan))
    return np.where(states.online[members], seen, np.nan)


def requirement(expected_mw: Column, target_mw: float | None, expected_now_mw: float, fading: Column) -> Column:
    """The EMS target over the horizon: what is expected, moved by today's difference, which fades.

    ``target_mw`` None (no EMS target) leaves what is expected. Without any expectation the target holds.
    """
    if target_mw is None:
        return expected_mw
    if np.isnan(expected_now_mw):
        return np.full(len(expected_mw), target_mw)
    moved: Column = expected_mw + (target_mw - expected_now_mw) * fading
    return moved


def expected_target(
    expectations: Expectations, load: str, target_mw: float, horizon: Horizon, own: BuiltIn | None
) -> Column:
    """What the EMS will want (T,): its series ``load`` where that holds, else as on the days before, else as now."""
    expected = expectations.mean(load, horizon.start_ms, horizon.step_ms, horizon.steps, missing=0.0)
    by_series = requirement(expected, target_mw, expectations.now(load, horizon.plant_ms), horizon.fading)
    if own is None or not own.knows_target:
        return by_series
    return np.where(expectations.holds(load, horizon), by_series, own.bands.p50[-1])


def target_bands(
    expectations: Expectations, load: str, expected_mw: Column, horizon: Horizon, own: BuiltIn | None
) -> Bands:
    """The target that a plan is made with (1, T), and its quantiles where the built-in forecast tells it."""
    nothing = np.full(horizon.steps, np.nan)
    if own is None or not own.knows_target:
        return Bands(nothing[None], expected_mw[None], nothing[None])
    holds = expectations.holds(load, horizon)
    p10, p90 = (np.where(holds, nothing, one[-1]) for one in (own.bands.p10, own.bands.p90))
    return Bands(p10[None], expected_mw[None], p90[None])
