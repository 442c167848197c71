"""Cycle time of the plant's dispatch decision beside a linear programme that decides the same.

Both are given the same boxes; the programme (OR-Tools' GLOP) may move every asset at its marginal cost and
pays for a shortfall. Its model is built anew each cycle, as a changing fleet demands.
"""

import time
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
from ortools.linear_solver import pywraplp

from tests.benchmarks.row import Row
from vppscada.model.assets import Asset, AssetKind, Fleet
from vppscada.model.dispatch import Boxes, Dispatch
from vppscada.model.points import Point, PointKind, Role
from vppscada.model.quality import Quality
from vppscada.plant import dispatch as dispatching
from vppscada.plant.cycle import Plant, run_cycle
from vppscada.plant.dispatch import dispatch
from vppscada.plant.fleet_view import asset_states, fleet_rows
from vppscada.plant.memory import Memory, Orders, PlantMode

SIZES = (10, 1_000, 10_000)
_PENALTY = 10_000.0


def boxes_of(n: int, seed: int = 7) -> Boxes:
    """A fleet of ``n`` assets: a tenth fast storage, a tenth batteries, the rest generators."""
    random = np.random.default_rng(seed)
    storage = random.random(n) < 0.2
    rating = random.uniform(0.5, 10.0, n)
    low = np.where(storage, -rating, 0.0)
    return Boxes(
        low_mw=low,
        high_mw=rating,
        base_mw=random.uniform(low, rating),
        marginal_cost=random.uniform(0.0, 200.0, n),
        tier=np.where(storage, random.integers(0, 2, n), 2).astype(np.int8),
    )


def solve_linear(target_mw: float, boxes: Boxes) -> Dispatch:
    """The rival: least cost within the boxes at the target."""
    solver = pywraplp.Solver.CreateSolver("GLOP")
    powers = [solver.NumVar(low, high, "") for low, high in zip(boxes.low_mw, boxes.high_mw, strict=True)]
    short = solver.NumVar(0.0, solver.infinity(), "")
    excess = solver.NumVar(0.0, solver.infinity(), "")
    balance = solver.Constraint(target_mw, target_mw)
    objective = solver.Objective()
    for power, cost in zip(powers, boxes.marginal_cost, strict=True):
        balance.SetCoefficient(power, 1.0)
        objective.SetCoefficient(power, float(cost))
    for slack, sign in ((short, 1.0), (excess, -1.0)):
        balance.SetCoefficient(slack, sign)
        objective.SetCoefficient(slack, _PENALTY)
    objective.SetMinimization()
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        raise RuntimeError("the rival found no optimum")
    nothing = np.zeros(len(powers), dtype=np.bool_)
    return Dispatch(
        target_mw=target_mw,
        setpoint_mw=np.array([power.solution_value() for power in powers]),
        start=nothing,
        stop=nothing,
        shortfall_mw=float(short.solution_value() - excess.solution_value()),
    )


def median_ms(cycle: Callable[[], object], repeats: int) -> float:
    """Median duration of a call in milliseconds, the first (cold) call left out."""
    cycle()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        cycle()
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e3


def check(decision: Dispatch, rival_shortfall: float, boxes: Boxes) -> None:
    """Both must have solved the same problem, or the figures mean nothing."""
    if abs(decision.shortfall_mw - rival_shortfall) > 1e-3:
        raise RuntimeError(f"shortfalls differ: {decision.shortfall_mw} and {rival_shortfall}")
    if np.any(decision.setpoint_mw < boxes.low_mw - 1e-9) or np.any(decision.setpoint_mw > boxes.high_mw + 1e-9):
        raise RuntimeError("a setpoint lies outside its box")


def fleet_of(n: int, boxes: Boxes) -> Fleet:
    """Assets with the ratings of the boxes, by turns of five kinds."""
    kinds = (
        AssetKind.RECIPROCATING_ENGINE,
        AssetKind.PHOTOVOLTAIC,
        AssetKind.BATTERY,
        AssetKind.FLYWHEEL,
        AssetKind.FUEL_CELL,
    )
    return Fleet(
        tuple(
            Asset(
                f"a{i}",
                kinds[i % len(kinds)],
                "s",
                rating,
                ramp_up_mw_per_min=1.0,
                ramp_down_mw_per_min=1.0,
                minimum_mw=0.2 * rating,
                fuel_price_per_mwh=35.0,
                heat_rate=((0.2 * rating, 0.6 * rating), (rating, 2.4 * rating)),
                charge_rating_mw=rating,
                capacity_mwh=2.0 * rating,
            )
            for i, rating in enumerate(boxes.high_mw.tolist())
        )
    )


def whole_cycle(n: int, boxes: Boxes) -> Callable[[], object]:
    """Everything of a cycle but its commands: from the point database's columns to setpoints and totals."""
    fleet = fleet_of(n, boxes)
    plant = Plant.of(fleet, settle_s=60.0)
    roles = (Role.ACTIVE_POWER, Role.AVAILABLE_POWER, Role.STORED_ENERGY, Role.SETPOINT_FEEDBACK, Role.RUNNING)
    points = [Point(f"{asset.name}.{role}", PointKind.ANALOG_INPUT, role) for asset in fleet.assets for role in roles]
    share = {Role.ACTIVE_POWER: 0.5, Role.AVAILABLE_POWER: 1.0, Role.STORED_ENERGY: 1.0, Role.SETPOINT_FEEDBACK: 0.5}
    value = np.array(
        [asset.rating_mw * share[role] if role in share else 1.0 for asset in fleet.assets for role in roles]
    )
    quality = np.full(len(points), Quality.ONLINE, dtype=np.uint16)
    rows = fleet_rows(fleet, points)
    orders = Orders(0.55 * fleet.rating_mw, PlantMode.FOLLOW, enabled=True)
    memory = [Memory.fresh(n, 0)]
    seconds = iter(range(1, 10_000_000))

    def cycle() -> object:
        now = next(seconds) * 2
        states = asset_states(plant.columns, rows, value, quality)
        decision = run_cycle(plant, memory[0], states, orders, None, now * 1000, float(now), 2.0 / 3600.0)
        memory[0] = decision.memory
        return decision

    return cycle


def run() -> list[Row]:
    """Median time by size of the fleet: of the decision, and of the whole cycle around it."""
    rows = []
    for n in SIZES:
        boxes = boxes_of(n)
        target = float(0.6 * boxes.high_mw.sum())
        check(dispatch(target, boxes), solve_linear(target, boxes).shortfall_mw, boxes)
        ours = median_ms(lambda target=target, boxes=boxes: dispatch(target, boxes), 200)  # type: ignore[misc]
        rival = median_ms(lambda target=target, boxes=boxes: solve_linear(target, boxes), 10)  # type: ignore[misc]
        rows.append(Row(f"dispatch_{n}", ours, rival, "OR-Tools GLOP", "ms per decision (less is better)"))
        cycle = median_ms(whole_cycle(n, boxes), 50)
        with patch.object(dispatching, "dispatch", solve_linear):
            rival = median_ms(whole_cycle(n, boxes), 10)
        rows.append(
            Row(
                f"dispatch_cycle_{n}", cycle, rival, "the same, deciding by GLOP", "ms per whole cycle (less is better)"
            )
        )
    return rows
