"""Replays a commitment against the physics of its units, hour by hour, and recomputes what it costs.

It reads the problem's numbers and nothing else of this room: no matrix, no row, no variable of a formulation.
"""

import numpy as np

from vppscada.scheduling.unit_commitment.problem import Commitment, Problem

#: MW that numbers of a solver may miss a limit by.
TOLERANCE_MW = 1e-4


def faults(problem: Problem, commitment: Commitment) -> list[str]:
    """What is wrong with a commitment, in words; nothing if it can be run."""
    found = _system_faults(problem, commitment)
    for unit in range(len(problem)):
        found += [f"{problem.names[unit]}: {what}" for what in _unit_faults(problem, commitment, unit)]
    return found


def cost_of(problem: Problem, commitment: Commitment) -> float:
    """Production along the curves, and starts by the hours off before them."""
    total = 0.0
    for unit in range(len(problem)):
        on, power = commitment.on[unit], commitment.power[unit]
        total += sum(production_cost(problem, unit, float(mw)) for mw in power[on])
        hours_off = 0 if problem.was_on[unit] else int(problem.steps_in_state[unit])
        for running in on:
            if running and hours_off > 0:
                total += start_cost(problem, unit, hours_off)
            hours_off = 0 if running else hours_off + 1
    return total


def production_cost(problem: Problem, unit: int, power_mw: float) -> float:
    """Least cost per step of any mixture of two points of the curve that gives the power."""
    mw, cost = problem.curve_mw[unit], problem.curve_cost[unit]
    power = min(max(power_mw, mw[0]), mw[-1])
    least = np.inf
    for a in range(len(mw)):
        for b in range(a, len(mw)):
            if mw[a] <= power <= mw[b]:
                share = (power - mw[a]) / (mw[b] - mw[a]) if mw[b] > mw[a] else 0.0
                least = min(least, cost[a] + share * (cost[b] - cost[a]))
                if mw[b] == mw[a]:
                    least = min(least, cost[b])
    return float(least)


def start_cost(problem: Problem, unit: int, hours_off: int) -> float:
    """Of the coldest category whose lag the hours off have reached; of the hottest before any."""
    cost = problem.start_cost[unit][0]
    for lag, category in zip(problem.start_lag[unit], problem.start_cost[unit], strict=True):
        if hours_off >= lag:
            cost = category
    return float(cost)


def _system_faults(problem: Problem, commitment: Commitment) -> list[str]:
    given = commitment.power.sum(axis=0) + commitment.renewable.sum(axis=0)
    held = commitment.reserve.sum(axis=0)
    slack = TOLERANCE_MW * (1.0 + len(problem) / 100.0)
    found = []
    for t in range(problem.steps):
        if abs(given[t] - problem.demand[t]) > slack:
            found.append(f"step {t}: {given[t]:.4f} MW for a demand of {problem.demand[t]:.4f}")
        if held[t] < problem.reserve[t] - slack:
            found.append(f"step {t}: {held[t]:.4f} MW of reserve instead of {problem.reserve[t]:.4f}")
    low = commitment.renewable < problem.renewable_minimum - TOLERANCE_MW
    high = commitment.renewable > problem.renewable_maximum + TOLERANCE_MW
    found += [f"{problem.renewable_names[w]}: step {t} out of its range" for w, t in np.argwhere(low | high)]
    return found


def _unit_faults(problem: Problem, commitment: Commitment, unit: int) -> list[str]:
    on = [bool(running) for running in commitment.on[unit]]
    found = _time_faults(problem, unit, on)
    was_on = bool(problem.was_on[unit])
    power = float(problem.power_before[unit])
    minimum = float(problem.minimum_mw[unit])
    for t, running in enumerate(on):
        now, reserve = float(commitment.power[unit, t]), float(commitment.reserve[unit, t])
        most = _greatest(problem, unit, not was_on, t + 1 < len(on) and not on[t + 1]) if running else 0.0
        above, above_before = (now - minimum if running else 0.0), (power - minimum if was_on else 0.0)
        if now < (minimum if running else 0.0) - TOLERANCE_MW or reserve < -TOLERANCE_MW:
            found.append(f"step {t}: {now:.4f} MW and {reserve:.4f} of reserve are too little")
        if now + reserve > most + TOLERANCE_MW:
            found.append(f"step {t}: {now:.4f} MW and {reserve:.4f} of reserve are above {most:.4f}")
        if above + reserve - above_before > problem.ramp_up[unit] + TOLERANCE_MW:
            found.append(f"step {t}: rises faster than its ramp")
        if above_before - above > problem.ramp_down[unit] + TOLERANCE_MW:
            found.append(f"step {t}: falls faster than its ramp")
        if t == 0 and was_on and not running and power > problem.stop_limit[unit] + TOLERANCE_MW:
            found.append(f"step 0: stops from {power:.4f} MW")
        was_on, power = running, now
    return found


def _greatest(problem: Problem, unit: int, starting: bool, stopping: bool) -> float:
    most = float(problem.maximum_mw[unit])
    if starting:
        most = min(most, float(problem.start_limit[unit]))
    if stopping:
        most = min(most, float(problem.stop_limit[unit]))
    return most


def _time_faults(problem: Problem, unit: int, on: list[bool]) -> list[str]:
    found = []
    state, lasted = bool(problem.was_on[unit]), int(problem.steps_in_state[unit])
    for t, running in enumerate(on):
        if problem.must_run[unit] and not running:
            found.append(f"step {t}: off, and must run")
        if running == state:
            lasted += 1
            continue
        least = problem.minimum_up[unit] if state else problem.minimum_down[unit]
        if lasted < least:
            found.append(f"step {t}: {'stops' if state else 'starts'} after {lasted} of {least} steps")
        state, lasted = running, 1
    return found
