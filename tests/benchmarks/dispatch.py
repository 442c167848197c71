"""Time of the plant's dispatch decision beside a linear programme that decides the same, and of the whole cycle.

Decided is the least cost of a target within boxes, along piecewise costs, without limits on groups of assets and with a
tree of them. Both must cost the same (1e-6). The programme (OR-Tools' GLOP) is built anew each time, as a changing
fleet demands; at 100,000 assets it is timed once.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver import pywraplp

from tests.benchmarks.row import Row
from vppscada.model.assets import Asset, AssetKind, Fleet
from vppscada.model.dispatch import Boxes
from vppscada.model.limits import NONE, LimitTree
from vppscada.model.points import Point, PointKind, Role
from vppscada.model.quality import Quality
from vppscada.plant.cycle import Plant, run_cycle
from vppscada.plant.fleet_view import asset_states, fleet_rows
from vppscada.plant.least_cost import Limits, Steps, share
from vppscada.plant.memory import Memory, Orders, PlantMode

SIZES = (10, 1_000, 10_000, 100_000)
REPEATS = {10: 200, 1_000: 200, 10_000: 50, 100_000: 15}
RIVAL_REPEATS = {10: 10, 1_000: 10, 10_000: 3, 100_000: 1}
RIVAL_LIMIT_S = 60
DEPTH = 4
UNIT = "ms per decision (less is better)"


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


def steps_of(n: int, seed: int = 7) -> Steps:
    """Costs of ``n`` assets: a fifth storage of one slope either side of rest, the rest engines of three segments."""
    random = np.random.default_rng(seed)
    storage = random.random(n) < 0.2
    rating = random.uniform(0.5, 10.0, n)
    low = np.where(storage, -rating, 0.3 * rating)
    base = random.uniform(20.0, 150.0, n)
    count = np.where(storage, 2, 3)
    asset = np.repeat(np.arange(n), count)
    place = np.arange(len(asset)) - np.repeat(np.cumsum(count) - count, count)
    return Steps(
        low_mw=low,
        asset=asset,
        width_mw=((rating - low) / count)[asset],
        slope=base[asset] * (1.0 + 0.08 * place),
    )


def limits_of(steps: Steps, depth: int, seed: int = 7) -> Limits:
    """A tree ``depth`` deep with some 30 assets in each innermost limit, each limit tight enough to bind for many."""
    random = np.random.default_rng(seed)
    n = len(steps.low_mw)
    fan = max(round((n / 30) ** (1.0 / (depth - 1))), 2)
    parent = [NONE]
    last = [0]
    for _ in range(depth - 1):
        inner = [(above, len(parent) + i) for i, above in enumerate(above for above in last for _ in range(fan))]
        parent += [above for above, _ in inner]
        last = [place for _, place in inner]
    names = tuple(f"limit{i}" for i in range(len(parent)))
    nothing = np.zeros(len(parent))
    node = random.choice(last, n).astype(np.intp)
    free = Limits.of(LimitTree(names, np.array(parent, dtype=np.intp), nothing, nothing, node), n)
    low = free.sums(steps.low_mw)
    reach = free.sums(np.bincount(steps.asset, weights=steps.width_mw, minlength=n).astype(np.float64))
    tight = random.uniform(0.5, 0.9, len(names))
    return replace(free, minimum_mw=low + 0.2 * tight * reach, maximum_mw=low + tight * reach)


def solve_linear(target_mw: float, steps: Steps, limits: Limits) -> NDArray[np.float64] | None:
    """The rival: the same by a linear programme, a variable for each step, built anew. None: no end in time."""
    solver = pywraplp.Solver.CreateSolver("GLOP")
    solver.SetTimeLimit(RIVAL_LIMIT_S * 1000)
    taken = [solver.NumVar(0.0, width, "") for width in steps.width_mw.tolist()]
    balance = solver.Constraint(*[target_mw - float(steps.low_mw.sum())] * 2)
    low = limits.sums(steps.low_mw)
    rows = [
        solver.Constraint(least, most)
        for least, most in zip((limits.minimum_mw - low).tolist(), (limits.maximum_mw - low).tolist(), strict=True)
    ]
    objective = solver.Objective()
    levels = limits.levels[:, steps.asset].T.tolist()
    for variable, slope, inside in zip(taken, steps.slope.tolist(), levels, strict=True):
        balance.SetCoefficient(variable, 1.0)
        objective.SetCoefficient(variable, slope)
        for limit in inside:
            rows[limit].SetCoefficient(variable, 1.0)
    objective.SetMinimization()
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return None
    each = np.array([variable.solution_value() for variable in taken])
    powers: NDArray[np.float64] = steps.low_mw + np.bincount(steps.asset, weights=each, minlength=len(steps.low_mw))
    return powers


def cost_of(power_mw: NDArray[np.float64], steps: Steps) -> float:
    """What powers cost, each asset's steps taken in their order."""
    first = np.flatnonzero(np.diff(steps.asset, prepend=-1))
    before = np.cumsum(steps.width_mw) - steps.width_mw
    before -= np.repeat(before[first], np.diff(np.append(first, len(before))))
    taken = np.clip((power_mw - steps.low_mw)[steps.asset] - before, 0.0, steps.width_mw)
    return float(taken @ steps.slope)


def check(
    target_mw: float, power_mw: NDArray[np.float64], rival: NDArray[np.float64] | None, steps: Steps, limits: Limits
) -> None:
    """Both must have solved the same problem equally well, or the figures mean nothing."""
    cost = cost_of(power_mw, steps)
    theirs = cost if rival is None else cost_of(rival, steps)
    if abs(cost - theirs) > 1e-6 * max(abs(theirs), 1.0):
        raise RuntimeError(f"costs differ: {cost} and {theirs}")
    if abs(power_mw.sum() - target_mw) > 1e-6 or limits.broken(power_mw):
        raise RuntimeError(f"off the target or a limit: {power_mw.sum()} for {target_mw}, {limits.broken(power_mw)}")


def median_ms(cycle: Callable[[], object], repeats: int) -> float:
    """Median duration of a call in milliseconds, the first (cold) call left out."""
    cycle()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        cycle()
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e3


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


def whole_cycle(n: int, boxes: Boxes, tree: LimitTree | None = None) -> Callable[[], object]:
    """Everything of a cycle but its commands: from the point database's columns to setpoints and totals."""
    fleet = fleet_of(n, boxes)
    plant = Plant.of(fleet, 60.0, tree)
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


def rows_of(name: str, n: int, steps: Steps, limits: Limits) -> list[Row]:
    """The decision alone, checked against the programme's."""
    lowest, highest = limits.reach(
        steps.low_mw, steps.low_mw + np.bincount(steps.asset, weights=steps.width_mw, minlength=n)
    )
    target = lowest + 0.6 * (highest - lowest)
    rival_ms = []

    def rival() -> NDArray[np.float64] | None:
        start = time.perf_counter()
        powers = solve_linear(target, steps, limits)
        rival_ms.append((time.perf_counter() - start) * 1e3)
        return powers

    found = [rival() for _ in range(RIVAL_REPEATS[n])]
    check(target, share(target, steps, limits), found[-1], steps, limits)
    ours = median_ms(lambda: share(target, steps, limits), REPEATS[n])
    if found[-1] is None:
        return [Row(f"dispatch_{name}{n}", ours, None, f"OR-Tools GLOP: no end in {RIVAL_LIMIT_S} s", UNIT)]
    return [Row(f"dispatch_{name}{n}", ours, float(np.median(rival_ms)), "OR-Tools GLOP", UNIT)]


def run() -> list[Row]:
    """Median time by size of the fleet: of the decision, without and with limits, and of the whole cycle around it."""
    rows = []
    for n in SIZES:
        steps = steps_of(n)
        free = Limits.of(LimitTree.empty(), n)
        limits = limits_of(steps, DEPTH)
        rows += rows_of("", n, steps, free)
        rows += rows_of(f"tree{DEPTH}_", n, steps, limits)
        cycle = median_ms(whole_cycle(n, boxes_of(n)), REPEATS[n])
        rows.append(Row(f"dispatch_cycle_{n}", cycle, None, "", "ms per whole cycle (less is better)"))
        tree = LimitTree(limits.names, limits.parent, limits.minimum_mw, limits.maximum_mw, limits.node)
        cycle = median_ms(whole_cycle(n, boxes_of(n), tree), REPEATS[n])
        rows.append(Row(f"dispatch_cycle_tree{DEPTH}_{n}", cycle, None, "", "ms per whole cycle (less is better)"))
    return rows
