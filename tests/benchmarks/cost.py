"""The plant's cost curve beside a linear programme that finds one point of it, and what explaining adds to a solve.

The fleet is that of the schedule benchmark, all units on. The rival (OR-Tools' GLOP) gets the same offers and one
target in the middle; its model is built anew each time, as a changing fleet demands.
"""

import time
from collections.abc import Callable

import numpy as np
from ortools.linear_solver import pywraplp

from tests.benchmarks.dispatch import median_ms
from tests.benchmarks.row import Row
from tests.benchmarks.schedule import day, fleet
from vppscada.model.assets import Fleet
from vppscada.model.offers import Offers, Units
from vppscada.plant.cost_curve import cost_curve
from vppscada.plant.expectations import Expectations
from vppscada.plant.memory import Memory
from vppscada.plant.offers import OfferTerms, offers
from vppscada.plant.standing import presumed_states, standing_at
from vppscada.scheduling.explain import explained
from vppscada.scheduling.formulation import formulate
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.search import find
from vppscada.scheduling.settling import settle

SIZES = (10, 1_000, 10_000)
BREAK_POINTS = 10
_EXPLAINED = 50


def offering(n: int) -> Callable[[], Offers]:
    """What ``n`` assets offer for an hour, anew at each call."""
    plant = Fleet(fleet(n, np.random.default_rng(5)))
    terms = OfferTerms(plant)
    on = {asset.name: np.inf for asset in plant.assets if asset.minimum_mw > 0.0}
    soc = {asset.name: 0.5 for asset in plant.assets if asset.capacity_mwh > 0.0}
    states = presumed_states(plant, Expectations(), 0, on, soc)
    history = Memory.fresh(n, 0).history(plant)
    worth = np.where(terms.columns.storage, 60.0, 0.0)
    return lambda: offers(
        terms, states, standing_at(terms, states, history, Expectations(), "", 0, 1.0, worth), Units.ON, 1.0
    )


def by_programme(offered: Offers, target_mw: float) -> float:
    """The rival: least cost per hour of one target."""
    solver = pywraplp.Solver.CreateSolver("GLOP")
    rows, segments = np.nonzero(offered.width_mw > 0.0)
    balance = solver.Constraint(*[target_mw - float(offered.low_mw.sum())] * 2)
    objective = solver.Objective()
    for i, k in zip(rows.tolist(), segments.tolist(), strict=True):
        used = solver.NumVar(0.0, float(offered.width_mw[i, k]), "")
        balance.SetCoefficient(used, 1.0)
        objective.SetCoefficient(used, float(offered.slope_per_mwh[i, k]))
    objective.SetMinimization()
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        raise RuntimeError("the rival found no optimum")
    return float(objective.Value()) + float(offered.cost_at_low.sum())


def curve_row(n: int) -> Row:
    """The whole curve and its points for the EMS, beside one point of it."""
    make = offering(n)
    curve = cost_curve(make())
    middle = float(curve.power_mw.mean())
    found, expected = curve.cost_at(middle), by_programme(make(), middle)
    if not np.isclose(found, expected, rtol=1e-6):
        raise RuntimeError(f"the curve gives {found}, the programme {expected}")
    ours = median_ms(lambda: cost_curve(make()).thinned(BREAK_POINTS), 20)
    rival = median_ms(lambda: by_programme(make(), middle), 5)
    return Row(f"cost_curve_{n}", ours, rival, "OR-Tools GLOP, one target", "ms a curve, less is better")


def explain_row() -> Row:
    """Reasons and values of a day's schedule, beside the linear programme that they are read from."""
    plan = formulate(day(_EXPLAINED))
    price_tier(plan, TIERS[plan.horizon.request.objective][0])
    matrices = plan.program.matrices()
    answer = find(plan.program.for_search(matrices), plan.thermal.on, 30.0, 0.02)
    started = time.perf_counter()
    result = settle(plan, matrices, answer.values)
    rival = time.perf_counter() - started
    if result is None:
        raise RuntimeError("no schedule to explain")
    ours = median_ms(lambda: explained(plan, result.linear, result.values, result.duals), 5)
    return Row(f"cost_explain_{_EXPLAINED}", ours, rival * 1e3, "the linear programme itself", "ms, less is better")


def run() -> list[Row]:
    """All rows."""
    return [*(curve_row(n) for n in SIZES), explain_row()]
