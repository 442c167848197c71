"""The day-ahead schedule of a mixed fleet: time to build the program, and to solve it to half a percent.

Rivals in the same run: the same program written through MathOpt's Python expressions (build), and the same
matrices given to SCIP (solve), both to the same gap on one thread.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import parameters_pb2
from ortools.math_opt.python import mathopt as expressions

from tests.benchmarks.row import Row
from vppscada.model.assets import Asset, AssetKind, column
from vppscada.model.schedule import InitialStates, Schedule, ScheduleRequest
from vppscada.scheduling import mathopt
from vppscada.scheduling.formulation import formulate
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.program import Matrices
from vppscada.scheduling.solve import solve
from vppscada.scheduling.violations import violations

STEPS = 96
GAP = 0.005
SIZES = (9, 50)
RIVAL_LIMIT_S = {9: 15.0, 50: 30.0}

_FUEL = 35.0
#: One of each kind, as in the demo.
KINDS = (
    Asset(
        "engine", AssetKind.RECIPROCATING_ENGINE, "", 10.0, 4.0, 4.0, 4.0,
        minimum_mw=3.0, start_time_s=120.0, minimum_up_s=3600.0, minimum_down_s=1800.0, fuel_price_per_mwh=_FUEL,
        heat_rate=((3.0, 8.5), (6.5, 15.5), (10.0, 24.0)), running_cost_per_h=20.0,
        start_costs=((0.0, 60.0), (2.0, 120.0), (8.0, 250.0)),
    ),
    Asset(
        "emergency", AssetKind.EMERGENCY_GENERATOR, "", 2.0, 2.0, 2.0, 10.0,
        reserve=False, minimum_mw=0.5, start_time_s=15.0, fuel_price_per_mwh=110.0, heat_rate=((0.5, 1.6), (2.0, 5.6)),
        permitted_hours_per_day=4.0, permitted_hours_per_year=100.0,
    ),
    Asset(
        "fuelcell", AssetKind.FUEL_CELL, "", 2.5, 0.05, 0.05, 8.0,
        minimum_mw=0.8, start_time_s=3600.0, minimum_up_s=14400.0, minimum_down_s=7200.0, fuel_price_per_mwh=_FUEL,
        heat_rate=((0.8, 1.5), (1.6, 3.05), (2.5, 5.1)), start_costs=((0.0, 40.0), (6.0, 90.0), (24.0, 200.0)),
    ),
    Asset(
        "microturbine", AssetKind.MICROTURBINE, "", 1.0, 1.0, 1.0, 9.0,
        minimum_mw=0.25, start_time_s=90.0, minimum_up_s=900.0, minimum_down_s=600.0, fuel_price_per_mwh=_FUEL,
        heat_rate=((0.25, 1.1), (1.0, 3.2)), start_costs=((0.0, 6.0),), derating_per_degc=0.008,
    ),
    Asset("pv", AssetKind.PHOTOVOLTAIC, "", 8.0),
    Asset("wind", AssetKind.WIND_TURBINE, "", 6.0, variable_cost_per_mwh=1.0),
    Asset(
        "battery", AssetKind.BATTERY, "", 5.0, variable_cost_per_mwh=8.0, charge_rating_mw=5.0, capacity_mwh=10.0,
        charge_efficiency=0.96, discharge_efficiency=0.96, self_discharge_per_h=0.0002, standby_loss_mw=0.005,
        soc_minimum=0.1, soc_maximum=0.95, soc_final_minimum=0.5, cycles_per_day=1.5,
    ),
    Asset(
        "flywheel", AssetKind.FLYWHEEL, "", 2.0, charge_rating_mw=2.0, capacity_mwh=0.5, charge_efficiency=0.95,
        discharge_efficiency=0.95, self_discharge_per_h=0.05, standby_loss_mw=0.01, soc_minimum=0.1,
    ),
    Asset(
        "smes", AssetKind.SUPERCONDUCTING_STORAGE, "", 1.0, charge_rating_mw=1.0, capacity_mwh=0.02,
        charge_efficiency=0.98, discharge_efficiency=0.98, standby_loss_mw=0.008, soc_minimum=0.1,
    ),
)  # fmt: skip


def fleet(n: int, rng: np.random.Generator) -> tuple[Asset, ...]:
    """The nine kinds over and over, with fuel at prices of their own from the tenth on."""
    made = []
    for i in range(n):
        kind = KINDS[i % len(KINDS)]
        dearer = 1.0 if i < len(KINDS) else rng.uniform(0.6, 1.4)
        made.append(replace(kind, name=f"{kind.name}{i}", fuel_price_per_mwh=kind.fuel_price_per_mwh * dearer))
    return tuple(made)


def day(n: int, seed: int = 0) -> ScheduleRequest:
    """A day with morning and evening load, sun, wind, and prices that go below zero at noon."""
    rng = np.random.default_rng(seed)
    assets = fleet(n, rng)
    hour, share = np.arange(STEPS) * 24.0 / STEPS, n / len(KINDS)
    load = 9.0 + 4.0 * np.sin((hour - 9.0) / 12.0 * np.pi) + 2.5 * np.exp(-(((hour - 19.0) / 2.0) ** 2))
    price = 60.0 + 35.0 * np.sin((hour - 10.0) / 6.0 * np.pi) - np.where((hour > 11) & (hour < 15), 70.0, 0.0)
    running = np.array([asset.kind is not AssetKind.EMERGENCY_GENERATOR for asset in assets])
    return ScheduleRequest(
        start_ms=1_699_920_000_000,
        step_s=86_400.0 / STEPS,
        assets=assets,
        initial=InitialStates(
            power_mw=np.where(running, column(assets, "minimum_mw"), 0.0),
            on=running,
            hours_in_state=np.full(n, 10.0),
            stored_mwh=column(assets, "capacity_mwh") * 0.5,
            usable=np.ones(n, dtype=np.bool_),
            permitted=np.ones(n, dtype=np.bool_),
            run_hours_left_today=column(assets, "permitted_hours_per_day"),
            run_hours_left_year=column(assets, "permitted_hours_per_year"),
        ),
        requirement_mw=share * (load + rng.normal(0.0, 0.2, STEPS)),
        price_per_mwh=price + rng.normal(0.0, 5.0, STEPS),
        forecast_mw=forecasts(assets, hour, rng),
        reserve_mw=np.full(STEPS, 1.5 * share),
        import_limit_mw=np.zeros(STEPS),
        export_limit_mw=np.zeros(STEPS),
        ambient_degc=15.0 + 8.0 * np.sin((hour - 9.0) / 12.0 * np.pi),
        relative_gap=GAP,
        time_limit_s=30.0,
    )


def forecasts(assets: tuple[Asset, ...], hour: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Sun by day, wind that wanders."""
    made = np.full((len(assets), STEPS), np.inf)
    for i, asset in enumerate(assets):
        if asset.kind is AssetKind.PHOTOVOLTAIC:
            made[i] = asset.rating_mw * rng.uniform(0.6, 0.9) * np.maximum(np.sin((hour - 6.0) / 12.0 * np.pi), 0.0)
        if asset.kind is AssetKind.WIND_TURBINE:
            made[i] = np.clip(3.0 + np.cumsum(rng.normal(0.0, 0.25, STEPS)), 0.0, asset.rating_mw)
    return made


def built(request: ScheduleRequest) -> Matrices:
    """Our program of a request in columns, as the search gets it."""
    plan = formulate(request)
    for tier in TIERS[request.objective]:
        price_tier(plan, tier)
    return plan.program.for_search(plan.program.matrices())


def by_expressions(matrices: Matrices) -> object:
    """The same program, each row written as a Python expression, up to what a solver takes."""
    model = expressions.Model()
    bounds = zip(matrices.lower.tolist(), matrices.upper.tolist(), matrices.integer.tolist(), strict=True)
    x = [model.add_variable(lb=low, ub=high, is_integer=whole) for low, high, whole in bounds]
    ends = np.searchsorted(matrices.row, np.arange(len(matrices.row_lower) + 1)).tolist()
    columns, coefficients = matrices.column.tolist(), matrices.coefficient.tolist()
    limits = zip(matrices.row_lower.tolist(), matrices.row_upper.tolist(), strict=True)
    for row, (low, high) in enumerate(limits):
        entries = range(ends[row], ends[row + 1])
        total = expressions.fast_sum(coefficients[k] * x[columns[k]] for k in entries)
        model.add_linear_constraint(lb=low, ub=high, expr=total)
    cost = matrices.cost.tolist()
    model.minimize(expressions.fast_sum(cost[j] * x[j] for j in np.flatnonzero(matrices.cost).tolist()))
    return model.export_model()


def best_of(times: int, work: Callable[[], object]) -> float:
    """Shortest of several runs, in seconds."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)


def build_row(request: ScheduleRequest) -> Row:
    """Request to model, ready to solve."""
    matrices = built(request)
    ours = best_of(5, lambda: mathopt.model_of(built(request)))
    rival = best_of(2, lambda: by_expressions(matrices))
    name = f"schedule_build_{len(request.assets)}_assets"
    return Row(name, ours * 1e3, rival * 1e3, "the same rows as MathOpt expressions", "ms, less is better")


def solve_row(request: ScheduleRequest) -> Row:
    """Request to checked schedule, with marginal prices; beside SCIP on the same matrices, without them."""
    n = len(request.assets)
    started = time.perf_counter()
    schedule = solve(request)
    ours = time.perf_counter() - started
    if not isinstance(schedule, Schedule) or schedule.gap > GAP + 1e-6 or violations(request, schedule):
        raise RuntimeError(f"no sound schedule of {n} assets within half a percent: {schedule}")
    model = mathopt.model_of(built(request))
    started = time.perf_counter()
    answer = mathopt.run(model, RIVAL_LIMIT_S[n], GAP, solver_type=parameters_pb2.SOLVER_TYPE_GSCIP)
    rival = time.perf_counter() - started
    gap = (answer.objective - answer.bound) / abs(answer.objective) if answer.found else float("inf")
    told = "SCIP" if gap <= GAP + 1e-6 else f"SCIP, stopped at a gap of {100 * gap:.2g} %"
    return Row(f"schedule_solve_{n}_assets", ours, rival, told, f"s to {100 * GAP:g} %, less is better")


def run() -> list[Row]:
    """Build and solve at each size."""
    requests = [day(n) for n in SIZES]
    return [build_row(request) for request in requests] + [solve_row(request) for request in requests]
