"""From accounts to figures that people read. Pure. What is not known is None, never 0."""

import math
from collections.abc import Mapping

from vppscada.plant.books import Account

Figures = dict[str, float | None]

_ASSET = (
    "run_h",
    "non_emergency_h",
    "out_mwh",
    "in_mwh",
    "fuel_mwh",
    "fuel_cost",
    "start_cost",
    "running_cost",
    "variable_cost",
    "revenue",
    "hot_starts",
    "warm_starts",
    "cold_starts",
    "stored_mwh",
    "cycles",
    "emissions_t",
)
#: Meaning only for what is measured: a plan has no errors and no weather.
_MEASURED = ("available_mwh", "curtailed_mwh", "availability_unknown_h")


def asset_figures(account: Account, place: int, *, measured: bool) -> Figures:
    """Those of one asset. Sums are of ``known_h``; of ``unknown_h`` nothing is known."""
    values = {name: float(account.of(name)[place]) for name in (*_ASSET, *_MEASURED, "known_h", "unknown_h")}
    known = values["known_h"] > 0.0
    told: Figures = {"known_h": values["known_h"], "unknown_h": values["unknown_h"]}
    told |= {name: values[name] if known else None for name in _ASSET}
    told["cost"] = float(account.cost[place]) if known else None
    told["starts"] = values["hot_starts"] + values["warm_starts"] + values["cold_starts"] if known else None
    if not measured:
        return told
    told |= {name: values[name] if known else None for name in _MEASURED}
    sums = {name: float(account.of(name)[place]) for name in _TRACKED}
    return told | tracking(sums)


_TRACKED = ("tracked_h", "error_mwh", "error_abs_mwh", "error_square_mw2h", "on_target_h", "error_max_mw")


def tracking(sums: Mapping[str, float]) -> Figures:
    """Errors of measured less told, and the share of the time within 1 % of rating; None where none was told."""
    hours = sums["tracked_h"]
    names = ("error_mean_mw", "error_abs_mean_mw", "error_rms_mw", "error_max_mw", "on_target_share")
    if hours <= 0.0:
        return {"tracked_h": 0.0, **dict.fromkeys(names)}
    values = (
        sums["error_mwh"] / hours,
        sums["error_abs_mwh"] / hours,
        math.sqrt(sums["error_square_mw2h"] / hours),
        sums["error_max_mw"],
        sums["on_target_h"] / hours,
    )
    return {"tracked_h": hours, **dict(zip(names, values, strict=True))}


def plant_figures(account: Account, *, measured: bool) -> Figures:
    """Those of the plant: sums over its assets as far as they were known, and what holds for it as a whole.

    ``whole_h`` is the time in which every asset was known: only then the plant is compared with its target.
    """
    told: Figures = {"hours": account.whole("hours"), "whole_h": account.whole("known_h")}
    told["asset_unknown_h"] = float(account.of("unknown_h").sum())
    known = account.of("known_h").sum() > 0.0
    for name in _ASSET:
        told[name] = float(account.of(name).sum()) if known else None
    told["cost"] = float(account.cost.sum()) if known else None
    starts = sum(account.of(f"{name}_starts").sum() for name in ("hot", "warm", "cold"))
    told["starts"] = float(starts) if known else None
    told["target_mwh"] = account.whole("target_mwh") if account.whole("target_h") > 0.0 else None
    told["price_mean"] = _over(account.whole("price_sum"), account.whole("price_h"))
    told["price_unknown_h"] = account.whole("hours") - account.whole("price_h")
    if not measured:
        return told
    for name in _MEASURED:
        told[name] = float(account.of(name).sum()) if known else None
    tracked = account.whole("tracked_h") > 0.0
    told["unserved_mwh"] = account.whole("unserved_mwh") if tracked else None
    told["unserved_unknown_h"] = account.whole("target_h") - account.whole("tracked_h")
    return told | tracking({name: account.whole(name) for name in _TRACKED})


def _over(total: float, hours: float) -> float | None:
    return total / hours if hours > 0.0 else None
