"""Emergency generators: run only as many hours a day and a year as their permit says, in an emergency and without.

What a plan has a unit run for is what it would count as now: in an emergency emergency hours, otherwise the others.
"""

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetKind
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.program import Index, Program
from vppscada.scheduling.thermal import Thermal


def add_permits(program: Program, horizon: Horizon, thermal: Thermal) -> None:
    """Run hours within what is left of each calendar day and year (UTC); off where the permit has none at all.

    They are counted in whole steps: part of one cannot be used.
    """
    emergency = [i for i, asset in enumerate(thermal.data.assets) if asset.kind is AssetKind.EMERGENCY_GENERATOR]
    for i in emergency:
        place = int(thermal.data.members[i])
        if is_forbidden(horizon, place):
            program.at_most((horizon.steps,), 0.0, (thermal.on[i], 1.0))
            continue
        for period, hours in budgets(horizon, place):
            row = program.at_most((1,), horizon.steps_within(np.array([hours])))
            program.add(row, thermal.on[i, period], 1.0)


def is_forbidden(horizon: Horizon, place: int) -> bool:
    """True of an emergency generator without an emergency, whose permit has no hours for anything else."""
    request = horizon.request
    asset = request.assets[place]
    if asset.kind is not AssetKind.EMERGENCY_GENERATOR or request.initial.permitted[place]:
        return False
    return min(asset.non_emergency_hours_per_day, asset.non_emergency_hours_per_year) <= 0.0


def budgets(horizon: Horizon, place: int) -> list[tuple[Index, float]]:
    """Steps and permitted run hours of each calendar day and year of the horizon, for the asset at ``place``.

    They are those of emergencies where there is one, and otherwise those of other running. What is not known (NaN) to
    be left is not there.
    """
    asset, initial = horizon.request.assets[place], horizon.request.initial
    if initial.permitted[place]:
        left = initial.run_hours_left_today[place], initial.run_hours_left_year[place]
        later = asset.permitted_hours_per_day, asset.permitted_hours_per_year
    else:
        left = initial.non_emergency_left_today[place], initial.non_emergency_left_year[place]
        later = asset.non_emergency_hours_per_day, asset.non_emergency_hours_per_year
    day, year = (float(np.nan_to_num(one, nan=0.0, posinf=np.inf)) for one in left)
    return [*_periods(horizon.day_of_step, day, later[0]), *_periods(horizon.year_of_step, year, later[1])]


def _periods(period_of_step: NDArray[np.int64], left: float, later: float) -> list[tuple[Index, float]]:
    return [
        (np.flatnonzero(period_of_step == period), max(left if period == 0 else later, 0.0))
        for period in np.unique(period_of_step)
    ]
