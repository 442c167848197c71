"""What the plant owes, now and over the horizon, and the request that the optimiser gets. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetFamily, AssetStates, Fleet
from vppscada.model.limits import LimitTree
from vppscada.model.schedule import InitialStates, Product, ScheduleRequest
from vppscada.model.site import ProductSpec, ScheduleSpec
from vppscada.plant.permits import RunHours, used_hours
from vppscada.plant.series import Series

Column = NDArray[np.float64]

#: How long a difference between the EMS target and the expected load is believed to last (hours, e-fold).
_PERSISTENCE_H = 1.0


@dataclass(frozen=True, slots=True)
class Expectations:
    """The series of a site by name, as far as they are given."""

    series: Mapping[str, Series] = field(default_factory=dict)

    def mean(self, name: str, start_ms: int, step_ms: int, steps: int, missing: float) -> Column:
        """Means of a series over steps. Outside it the last known value holds; ``missing`` where there is none."""
        if name not in self.series:
            return np.full(steps, missing)
        return _fill_forward(self.series[name].mean(start_ms, step_ms, steps), missing)

    def with_series(self, series: Series) -> "Expectations":
        """With another course of one of them."""
        return Expectations({**self.series, series.name: series})

    def now(self, name: str, plant_ms: int) -> float:
        """Value at a moment; NaN where it is not known."""
        if name not in self.series:
            return float("nan")
        return float(self.series[name].at(np.array([plant_ms], dtype=np.int64))[0])


def _fill_forward(values: Column, missing: float) -> Column:
    known = ~np.isnan(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return np.where(last >= 0, values[np.maximum(last, 0)], missing)


def requirement(expected_mw: Column, target_mw: float | None, expected_now_mw: float, step_h: float) -> Column:
    """The EMS target over the horizon: what is expected, moved by today's difference, which fades.

    ``target_mw`` None (no EMS target) leaves what is expected. Without any expectation the target holds.
    """
    if target_mw is None:
        return expected_mw
    if np.isnan(expected_now_mw):
        return np.full(len(expected_mw), target_mw)
    fading = np.exp(-np.arange(len(expected_mw)) * step_h / _PERSISTENCE_H)
    moved: Column = expected_mw + (target_mw - expected_now_mw) * fading
    return moved


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What the plant remembers of each asset for the optimiser, columns of length n (plant time)."""

    hours_in_state: Column
    run_hours_today: Column  # of any kind
    run_hours_year: Column
    non_emergency_today: Column  # of these, of emergency generators without an emergency; 0 for others
    non_emergency_year: Column
    permitted: NDArray[np.bool_]  # emergency generators: there is an emergency; True for others


def build_request(
    fleet: Fleet,
    states: AssetStates,
    history: History,
    spec: ScheduleSpec,
    expectations: Expectations,
    plant_ms: int,
    target_mw: float | None,
    products: Sequence[ProductSpec] = (),
    limits: LimitTree | None = None,
) -> ScheduleRequest:
    """Everything the optimiser needs from this moment on.

    The first step begins at the step boundary at or before ``plant_ms``. ``target_mw`` None = the plant
    chooses its own output within the trade limits (mode 'schedule'). ``limits`` as they hold now are taken to last.
    """
    step_ms = round(spec.step_s * 1000)
    steps = round(spec.horizon_s / spec.step_s)
    start_ms = plant_ms // step_ms * step_ms
    expected = expectations.mean(spec.load, start_ms, step_ms, steps, missing=0.0)
    owed = (
        np.zeros(steps)
        if target_mw is None
        else requirement(expected, target_mw, expectations.now(spec.load, plant_ms), spec.step_s / 3600.0)
    )
    export = max(spec.export_limit_mw, fleet.rating_mw) if target_mw is None else spec.export_limit_mw
    return ScheduleRequest(
        start_ms=start_ms,
        step_s=spec.step_s,
        assets=fleet.assets,
        initial=_initial(fleet, states, history),
        requirement_mw=owed,
        price_per_mwh=expectations.mean(spec.price, start_ms, step_ms, steps, missing=0.0),
        forecast_mw=_forecasts(fleet, states, expectations, plant_ms, start_ms, step_ms, steps),
        reserve_mw=np.full(steps, spec.reserve_mw),
        import_limit_mw=np.full(steps, spec.import_limit_mw),
        export_limit_mw=np.full(steps, export),
        ambient_degc=expectations.mean(spec.ambient, start_ms, step_ms, steps, missing=15.0),
        objective=spec.objective,
        value_of_lost_load_per_mwh=spec.value_of_lost_load_per_mwh,
        relative_gap=spec.relative_gap,
        time_limit_s=spec.time_limit_s,
        products=tuple(_product(one, fleet, expectations, start_ms, step_ms, steps) for one in products),
        n_minus_1=spec.n_minus_1,
        limits=LimitTree.empty() if limits is None else limits,
    )


def _product(
    spec: ProductSpec, fleet: Fleet, expectations: Expectations, start_ms: int, step_ms: int, steps: int
) -> Product:
    def series(name: str) -> Column:
        return expectations.mean(name, start_ms, step_ms, steps, missing=0.0)

    return Product(
        name=spec.name,
        up=spec.direction == "up",
        response_min=spec.response_min,
        sustain_h=spec.sustain_h,
        required_mw=spec.required_mw + series(spec.required),
        offered_mw=np.full(steps, spec.offered_mw),
        price_per_mw_h=spec.price_per_mw_h + series(spec.price),
        holders=np.array([not spec.assets or asset.name in spec.assets for asset in fleet.assets], dtype=np.bool_),
        off_line=spec.off_line,
    )


def _initial(fleet: Fleet, states: AssetStates, history: History) -> InitialStates:
    left = RunHours.of(fleet).less(used_hours(history))
    return InitialStates(
        power_mw=np.nan_to_num(states.power_mw),
        on=states.on,
        hours_in_state=history.hours_in_state,
        stored_mwh=np.nan_to_num(states.stored_mwh),
        usable=states.usable,
        permitted=history.permitted,
        run_hours_left_today=left.today,
        run_hours_left_year=left.year,
        non_emergency_left_today=left.non_emergency_today,
        non_emergency_left_year=left.non_emergency_year,
    )


def _forecasts(
    fleet: Fleet,
    states: AssetStates,
    expectations: Expectations,
    plant_ms: int,
    start_ms: int,
    step_ms: int,
    steps: int,
) -> NDArray[np.float64]:
    """Forecast of sun and wind (n, steps), moved by what is available now, which fades. Without one, now persists.

    Each series is looked up once for all its assets, so that many assets do not hold up the loop.
    """
    forecast = np.full((len(fleet), steps), np.inf)
    fading = np.exp(-np.arange(steps) * step_ms / 3.6e6 / _PERSISTENCE_H)
    for name, positions in _by_series(fleet).items():
        now = np.nan_to_num(states.available_mw[positions], nan=0.0)[:, None]
        rating = np.array([fleet.assets[i].rating_mw for i in positions])[:, None]
        expected_now = expectations.now(name, plant_ms)
        expected = expectations.mean(name, start_ms, step_ms, steps, missing=np.nan)[None, :]
        moved = np.where(np.isnan(expected), now, expected) + (now - expected_now) * fading
        forecast[positions] = np.clip(now if np.isnan(expected_now) else moved, 0.0, rating)
    return forecast


def _by_series(fleet: Fleet) -> dict[str, list[int]]:
    """Positions of the renewable assets by the name of their forecast series."""
    positions: dict[str, list[int]] = {}
    for i, asset in enumerate(fleet.assets):
        if asset.kind.family is AssetFamily.RENEWABLE:
            positions.setdefault(asset.forecast, []).append(i)
    return positions
