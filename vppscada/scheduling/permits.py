"""Emergency generators: run only when called, and only as many hours a day and a year as their permit says."""

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetKind
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.program import Index, Program
from vppscada.scheduling.thermal import Thermal


def add_permits(program: Program, horizon: Horizon, thermal: Thermal) -> None:
    """Not permitted: off. Permitted: run hours within what is left of each calendar day and year (UTC)."""
    emergency = [i for i, asset in enumerate(thermal.data.assets) if asset.kind is AssetKind.EMERGENCY_GENERATOR]
    for i in emergency:
        place = thermal.data.members[i]
        if not horizon.request.initial.permitted[place]:
            program.at_most((horizon.steps,), 0.0, (thermal.on[i], 1.0))
            continue
        for period, hours in budgets(horizon, int(place)):
            row = program.at_most((1,), hours)
            program.add(row, thermal.on[i, period], horizon.hours)


def budgets(horizon: Horizon, place: int) -> list[tuple[Index, float]]:
    """Steps and permitted run hours of each calendar day and year of the horizon, for the asset at ``place``.

    What is not known (NaN) to be left is not there.
    """
    asset, initial = horizon.request.assets[place], horizon.request.initial
    day = float(np.nan_to_num(initial.run_hours_left_today[place], nan=0.0, posinf=np.inf))
    year = float(np.nan_to_num(initial.run_hours_left_year[place], nan=0.0, posinf=np.inf))
    return [
        *_periods(horizon.day_of_step, day, asset.permitted_hours_per_day),
        *_periods(horizon.year_of_step, year, asset.permitted_hours_per_year),
    ]


def _periods(period_of_step: NDArray[np.int64], left: float, later: float) -> list[tuple[Index, float]]:
    return [
        (np.flatnonzero(period_of_step == period), max(left if period == 0 else later, 0.0))
        for period in np.unique(period_of_step)
    ]
