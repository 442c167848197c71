"""Reads a file of the Power Grid Lib's unit commitment benchmarks (pglib-uc, JSON) into a `Problem`.

The format: README.md and MODEL.tex of https://github.com/power-grid-lib/pglib-uc. Whatever a file lacks or
says wrongly is told with the name of the unit and of the field.
"""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.unit_commitment.problem import Problem

#: What a curve may miss the minimum and the maximum by, MW; rounding in the files.
_ROUNDED_MW = 1e-3
_FALLING = 1e-9


class BadProblem(ValueError):
    """The file is no unit commitment problem; the message says what is wrong in it, and where."""


def read_problem(path: Path) -> Problem:
    """Read a file.

    Raises:
        BadProblem: it is not there, no JSON, or not of this format.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadProblem(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise BadProblem(f"{path}: not JSON: {error}") from error
    try:
        return problem_of(data)
    except BadProblem as error:
        raise BadProblem(f"{path}: {error}") from error


def problem_of(data: object) -> Problem:
    """The problem that the parsed JSON states.

    Raises:
        BadProblem: something is missing, of the wrong kind or out of its range.
    """
    top = _mapping(data, "the file")
    steps = _whole(top, "time_periods", "the file", least=1)
    units = _mapping(_field(top, "thermal_generators", "the file"), "thermal_generators")
    if not units:
        raise BadProblem("thermal_generators: there are none")
    plants = _mapping(top.get("renewable_generators", {}), "renewable_generators")
    read = [_unit(_mapping(unit, name), name) for name, unit in units.items()]
    least = _series_of(plants, "power_output_minimum", steps)
    most = _series_of(plants, "power_output_maximum", steps)
    if (least > most).any():
        plant = list(plants)[int(np.argmax((least > most).any(axis=1)))]
        raise BadProblem(f"{plant}: power_output_minimum is above power_output_maximum")
    return Problem(
        names=tuple(units),
        **{field: np.array([unit[field] for unit in read]) for field in _PLAIN_FIELDS},
        curve_mw=_padded([unit["curve_mw"] for unit in read]),
        curve_cost=_padded([unit["curve_cost"] for unit in read]),
        start_lag=_padded([unit["start_lag"] for unit in read]).astype(np.int64),
        start_cost=_padded([unit["start_cost"] for unit in read]),
        demand=_series(top, "demand", "the file", steps),
        reserve=_series(top, "reserves", "the file", steps) if "reserves" in top else np.zeros(steps),
        renewable_names=tuple(plants),
        renewable_minimum=least,
        renewable_maximum=most,
    )


_PLAIN_FIELDS = (
    "minimum_mw", "maximum_mw", "ramp_up", "ramp_down", "start_limit", "stop_limit", "minimum_up", "minimum_down",
    "must_run", "was_on", "steps_in_state", "power_before",
)  # fmt: skip


def _unit(unit: Mapping[str, Any], name: str) -> dict[str, Any]:
    minimum = _number(unit, "power_output_minimum", name)
    maximum = _number(unit, "power_output_maximum", name)
    if maximum < minimum:
        raise BadProblem(f"{name}: power_output_maximum {maximum:g} is below power_output_minimum {minimum:g}")
    was_on = _flag(unit, "unit_on_t0", name)
    before = _number(unit, "power_output_t0", name) if was_on else 0.0
    if was_on and not minimum - _ROUNDED_MW <= before <= maximum + _ROUNDED_MW:
        raise BadProblem(
            f"{name}: power_output_t0 {before:g} is outside {minimum:g} to {maximum:g} of a unit that is on"
        )
    curve_mw, curve_cost = _curve(unit, name, minimum, maximum)
    start_lag, start_cost = _starts(unit, name)
    return {
        "minimum_mw": minimum,
        "maximum_mw": maximum,
        "ramp_up": _number(unit, "ramp_up_limit", name),
        "ramp_down": _number(unit, "ramp_down_limit", name),
        "start_limit": _number(unit, "ramp_startup_limit", name),
        "stop_limit": _number(unit, "ramp_shutdown_limit", name),
        "minimum_up": max(_whole(unit, "time_up_minimum", name), 1),
        "minimum_down": max(_whole(unit, "time_down_minimum", name), 1),
        "must_run": _flag(unit, "must_run", name),
        "was_on": was_on,
        "steps_in_state": _whole(unit, "time_up_t0" if was_on else "time_down_t0", name),
        "power_before": min(max(before, minimum), maximum) if was_on else 0.0,
        "curve_mw": curve_mw,
        "curve_cost": curve_cost,
        "start_lag": start_lag,
        "start_cost": start_cost,
    }


def _curve(unit: Mapping[str, Any], name: str, minimum: float, maximum: float) -> tuple[list[float], list[float]]:
    points = _list(unit, "piecewise_production", name)
    place = f"{name}: piecewise_production"
    mw = [_number(_mapping(point, place), "mw", place) for point in points]
    cost = [_number(point, "cost", place, least=-math.inf) for point in points]
    if any(right < left for left, right in pairwise(mw)):
        raise BadProblem(f"{place}: mw must not fall from point to point")
    if abs(mw[0] - minimum) > _ROUNDED_MW or abs(mw[-1] - maximum) > _ROUNDED_MW:
        raise BadProblem(f"{place}: goes from {mw[0]:g} to {mw[-1]:g} MW, the unit from {minimum:g} to {maximum:g}")
    mw[0], mw[-1] = minimum, maximum
    cheapest: dict[float, float] = {}
    for point, price in zip(mw, cost, strict=True):
        power = min(max(point, minimum), maximum)
        cheapest[power] = min(price, cheapest.get(power, math.inf))
    return list(cheapest), list(cheapest.values())


def _starts(unit: Mapping[str, Any], name: str) -> tuple[list[int], list[float]]:
    categories = _list(unit, "startup", name)
    place = f"{name}: startup"
    lag = [_whole(_mapping(category, place), "lag", place) for category in categories]
    cost = [_number(category, "cost", place) for category in categories]
    if any(colder <= hotter for hotter, colder in pairwise(lag)):
        raise BadProblem(f"{place}: lags must rise from the hottest to the coldest")
    if any(colder < hotter - _FALLING for hotter, colder in pairwise(cost)):
        raise BadProblem(f"{place}: costs must not fall from the hottest to the coldest")
    return lag, cost


def _padded(rows: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    longest = max(len(row) for row in rows)
    return np.array([[*row, *[row[-1]] * (longest - len(row))] for row in rows], dtype=np.float64)


def _series_of(plants: Mapping[str, Any], field: str, steps: int) -> NDArray[np.float64]:
    rows = [_series(_mapping(plant, name), field, name, steps) for name, plant in plants.items()]
    return np.array(rows, dtype=np.float64).reshape(len(rows), steps)


def _series(where: Mapping[str, Any], field: str, place: str, steps: int) -> NDArray[np.float64]:
    values = _list(where, field, place)
    if len(values) != steps:
        raise BadProblem(f"{place}: {field} has {len(values)} values for {steps} periods")
    return np.array([_a_number(value, f"{place}: {field}", 0.0) for value in values])


def _mapping(value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadProblem(f"{place}: must be an object with fields, is {type(value).__name__}")
    return value


def _field(where: Mapping[str, Any], field: str, place: str) -> Any:
    if field not in where:
        raise BadProblem(f"{place}: {field} is missing")
    return where[field]


def _list(where: Mapping[str, Any], field: str, place: str) -> list[Any]:
    value = _field(where, field, place)
    if not isinstance(value, list) or not value:
        raise BadProblem(f"{place}: {field} must be a list with something in it")
    return value


def _number(where: Mapping[str, Any], field: str, place: str, least: float = 0.0) -> float:
    return _a_number(_field(where, field, place), f"{place}: {field}", least)


def _a_number(value: object, place: str, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadProblem(f"{place} must be a finite number, is {value!r}")
    if value < least:
        raise BadProblem(f"{place} must not be below {least:g}, is {value!r}")
    return float(value)


def _whole(where: Mapping[str, Any], field: str, place: str, least: int = 0) -> int:
    value = _number(where, field, place, least)
    if value != round(value):
        raise BadProblem(f"{place}: {field} must be a whole number, is {value!r}")
    return round(value)


def _flag(where: Mapping[str, Any], field: str, place: str) -> bool:
    value = _field(where, field, place)
    if value not in (0, 1):
        raise BadProblem(f"{place}: {field} must be 0 or 1, is {value!r}")
    return bool(value)
