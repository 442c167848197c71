"""A request whose columns do not fit together is refused in words, before a solver sees it."""

import numpy as np

from vppscada.model.schedule import ScheduleRequest

_OVER_TIME = (
    "requirement_mw",
    "price_per_mwh",
    "reserve_mw",
    "import_limit_mw",
    "export_limit_mw",
    "ambient_degc",
)
_MUST_BE_KNOWN = _OVER_TIME[:-1]
_OVER_ASSETS = (
    "power_mw",
    "on",
    "hours_in_state",
    "stored_mwh",
    "usable",
    "permitted",
    "run_hours_left_today",
    "run_hours_left_year",
)


def faults(request: ScheduleRequest) -> list[str]:
    """What is wrong with the shapes and numbers of a request; empty if nothing."""
    n, steps = len(request.assets), request.steps
    found = []
    if steps == 0 or request.step_s <= 0.0:
        found.append(f"a schedule of {steps} steps of {request.step_s} s; expected at least one of more than 0 s")
    for name in _OVER_TIME:
        values = getattr(request, name)
        if values.shape != (steps,):
            found.append(f"{name} has shape {values.shape}, expected ({steps},)")
        elif name in _MUST_BE_KNOWN and not np.isfinite(values).all():
            found.append(f"{name} is not finite in step {int(np.flatnonzero(~np.isfinite(values))[0])}")
    for name in _OVER_ASSETS:
        values = getattr(request.initial, name)
        if values.shape != (n,):
            found.append(f"initial.{name} has shape {values.shape}, expected ({n},)")
    if request.forecast_mw.shape != (n, steps):
        found.append(f"forecast_mw has shape {request.forecast_mw.shape}, expected ({n}, {steps})")
    held = len(request.limits.node)
    if held != (n if len(request.limits) else 0):
        found.append(f"limits that place {held} assets, expected {n}")
    return found
