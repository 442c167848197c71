"""What the plant owes, now and over the horizon, and the request that the optimiser gets. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetStates, Fleet
from vppscada.model.limits import LimitTree
from vppscada.model.schedule import InitialStates, Product, ScheduleRequest
from vppscada.model.site import ProductSpec, ScheduleSpec
from vppscada.plant.expectations import Expectations, Horizon
from vppscada.plant.outlook import BuiltIn, expected_renewables, expected_target
from vppscada.plant.permits import RunHours, used_hours

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What the plant remembers of each asset for the optimiser, columns of length n (plant time)."""

    hours_in_state: Column
    run_hours_today: Column  # of any kind
    run_hours_year: Column
    non_emergency_today: Column  # of these, of emergency generators without an emergency; 0 for others
    non_emergency_year: Column
    permitted: NDArray[np.bool_]  # emergency generators: there is an emergency; True for others


def horizon_of(spec: ScheduleSpec, plant_ms: int) -> Horizon:
    """The steps planned at a moment: the first begins at the step boundary at or before it."""
    step_ms = round(spec.step_s * 1000)
    return Horizon(plant_ms, plant_ms // step_ms * step_ms, step_ms, round(spec.horizon_s / spec.step_s))


def build_request(
    fleet: Fleet,
    states: AssetStates,
    history: History,
    spec: ScheduleSpec,
    expectations: Expectations,
    horizon: Horizon,
    target_mw: float | None,
    products: Sequence[ProductSpec] = (),
    limits: LimitTree | None = None,
    own: BuiltIn | None = None,
) -> ScheduleRequest:
    """Everything the optimiser needs from this moment on.

    ``target_mw`` None = the plant chooses its own output within the trade limits (mode 'schedule'). ``limits`` as
    they hold now are taken to last. ``own`` is the built-in forecast, where there is one.
    """
    start_ms, step_ms, steps = horizon.start_ms, horizon.step_ms, horizon.steps
    free = target_mw is None
    export = max(spec.export_limit_mw, fleet.rating_mw) if free else spec.export_limit_mw
    owed = np.zeros(steps) if target_mw is None else expected_target(expectations, spec.load, target_mw, horizon, own)
    renewable = expected_renewables(fleet, states, expectations, horizon, own)
    return ScheduleRequest(
        start_ms=start_ms,
        step_s=spec.step_s,
        assets=fleet.assets,
        initial=_initial(fleet, states, history),
        requirement_mw=owed,
        price_per_mwh=expectations.mean(spec.price, start_ms, step_ms, steps, missing=0.0),
        forecast_mw=renewable.p50,
        firm_mw=np.where(np.isnan(renewable.p10), renewable.p50, renewable.p10),
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
