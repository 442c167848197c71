"""A request whose columns do not fit together is refused in words, before a solver sees it."""

import numpy as np

from vppscada.model.schedule import Product, ScheduleRequest

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
    "non_emergency_left_today",
    "non_emergency_left_year",
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
    if request.firm_mw is not None and request.firm_mw.shape != (n, steps):
        found.append(f"firm_mw has shape {request.firm_mw.shape}, expected ({n}, {steps})")
    for product in request.products:
        found.extend(_product_faults(product, n, steps))
    held = len(request.limits.node)
    if held != (n if len(request.limits) else 0):
        found.append(f"limits that place {held} assets, expected {n}")
    names = [product.name for product in request.products]
    found.extend(f"two products {name!r}" for name in sorted({name for name in names if names.count(name) > 1}))
    return found


def _product_faults(product: Product, n: int, steps: int) -> list[str]:
    found = []
    for name in ("required_mw", "offered_mw", "price_per_mw_h"):
        values = getattr(product, name)
        if values.shape != (steps,):
            found.append(f"{name} of {product.name} has shape {values.shape}, expected ({steps},)")
        elif not np.isfinite(values).all():
            found.append(f"{name} of {product.name} is not finite")
    if product.holders.shape != (n,):
        found.append(f"holders of {product.name} has shape {product.holders.shape}, expected ({n},)")
    if not (0.0 < product.response_min < np.inf and 0.0 <= product.sustain_h < np.inf):
        found.append(
            f"{product.name} within {product.response_min} min for {product.sustain_h} h; expected positive numbers"
        )
    return found
