"""Small random unit commitment problems of every sort, as the JSON of pglib-uc has them."""

from typing import Any

import numpy as np

from vppscada.scheduling.unit_commitment.problem import Problem
from vppscada.scheduling.unit_commitment.reading import problem_of


def unit(rng: np.random.Generator, kind: int, steps: int) -> dict[str, Any]:
    """A unit whose ramps, start and stop limits, times, curve and starts may or may not bind; by its kind."""
    minimum = float(rng.integers(0, 5)) if rng.random() < 0.8 else 0.0
    width = float(rng.integers(1, 9)) if rng.random() < 0.9 else 0.0
    maximum = minimum + width
    binding = kind % 2 == 0 and width > 1
    up, down = (float(rng.integers(1, max(int(width), 2))) if binding else width + 1.0 for _ in range(2))
    start, stop = (float(rng.choice([minimum, minimum + min(1.0, width), maximum, maximum + 5.0])) for _ in range(2))
    least_up, least_down = int(rng.integers(1, 6)), int(rng.integers(1, 5))
    if rng.random() < 0.1:
        least_up = steps + 3
    points = [minimum] if width == 0.0 else sorted({minimum, maximum, *(minimum + width * rng.random(2)).tolist()})
    slopes = np.sort(rng.uniform(5.0, 30.0, len(points)))
    if rng.random() < 0.15:
        rng.shuffle(slopes)
    cost = rng.uniform(0.0, 60.0) + np.concatenate([[0.0], np.cumsum(np.diff(points) * slopes[1:])])
    lags = np.cumsum([least_down, *rng.integers(1, 5, int(rng.integers(0, 3)))]).tolist()
    starts = np.sort(rng.uniform(0.0, 150.0, len(lags))).tolist()
    on = bool(rng.random() < 0.5)
    return {
        "must_run": 0,
        "power_output_minimum": minimum,
        "power_output_maximum": maximum,
        "ramp_up_limit": up,
        "ramp_down_limit": down,
        "ramp_startup_limit": start,
        "ramp_shutdown_limit": stop,
        "time_up_minimum": least_up,
        "time_down_minimum": least_down,
        "startup": [{"lag": lag, "cost": price} for lag, price in zip(lags, starts, strict=True)],
        "piecewise_production": [{"mw": mw, "cost": price} for mw, price in zip(points, cost.tolist(), strict=True)],
        **state(rng, on, minimum, maximum),
    }


def state(rng: np.random.Generator, on: bool, minimum: float, maximum: float) -> dict[str, Any]:
    """What was before the first step: on with some power, or off, for a short or a long time."""
    lasted = int(rng.choice([1, 2, 3, 5, 40]))
    return {
        "unit_on_t0": int(on),
        "time_up_t0": lasted if on else 0,
        "time_down_t0": 0 if on else lasted,
        "power_output_t0": float(rng.uniform(minimum, maximum)) if on else 0.0,
    }


def _level_starts(one: dict[str, Any]) -> None:
    """One cost of starts for a unit that may stop and start again before the coldest category's lag is over.

    The library's model reckons such a second start as if the unit had been off since before the first step.
    """
    held = max(one["time_down_minimum"] - one["time_down_t0"], 0)
    again = held + one["time_up_minimum"] + one["time_down_minimum"]
    if not one["unit_on_t0"] and again < one["startup"][-1]["lag"]:
        one["startup"] = [{**category, "cost": one["startup"][-1]["cost"]} for category in one["startup"]]


def instance(seed: int, units: int = 4, steps: int = 8) -> dict[str, Any]:
    """A problem, with twins among its units in other states, that some commitment can often meet."""
    rng = np.random.default_rng(seed)
    kinds = [unit(rng, int(rng.integers(0, 2)), steps) for _ in range((units + 1) // 2)]
    fleet = [dict(kinds[i % len(kinds)]) for i in range(units)]
    for one in fleet[len(kinds) :]:
        one.update(state(rng, bool(rng.random() < 0.5), one["power_output_minimum"], one["power_output_maximum"]))
    if rng.random() < 0.3:
        fleet[0].update(must_run=1, unit_on_t0=1, time_up_t0=3, power_output_t0=fleet[0]["power_output_minimum"])
    for one in fleet:
        _level_starts(one)
    most = sum(one["power_output_maximum"] for one in fleet)
    wind = rng.uniform(0.0, 0.4 * most, steps)
    hour = np.arange(steps)
    demand = most * np.clip(0.45 + 0.25 * np.sin(hour / rng.uniform(0.7, 2.0)) + rng.normal(0.0, 0.08, steps), 0.1, 0.9)
    return {
        "time_periods": steps,
        "demand": demand.tolist(),
        "reserves": (rng.uniform(0.0, 0.08) * demand).tolist() if rng.random() < 0.8 else [0.0] * steps,
        "thermal_generators": {f"unit{i}": {"name": f"unit{i}", **one} for i, one in enumerate(fleet)},
        "renewable_generators": {
            "wind": {
                "name": "wind",
                "power_output_minimum": (0.2 * wind).tolist(),
                "power_output_maximum": (wind + 2.0).tolist(),
            },
            "sun": {"name": "sun", "power_output_minimum": [0.0] * steps, "power_output_maximum": [0.3 * most] * steps},
        },
    }


def problem(seed: int, units: int = 4, steps: int = 8) -> Problem:
    """The instance, read."""
    return problem_of(instance(seed, units, steps))
