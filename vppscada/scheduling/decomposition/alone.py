"""Assets that no price taker's pattern fits: stores outside their limits, units with budgets of hours.

Each is planned by itself with the program for small fleets, as one that sells at given prices, and stays as it was
planned. There may be few of them.
"""

from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetFamily, AssetKind
from vppscada.model.schedule import InitialStates, Objective, Schedule, ScheduleRequest, SlackUsed, SolveStatus
from vppscada.scheduling import mathopt
from vppscada.scheduling.formulation import formulate
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.permits import budgets, is_forbidden
from vppscada.scheduling.reading import schedule_of
from vppscada.scheduling.storage import storage_data

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]

_TIME_LIMIT_S = 5.0
_GAP = 1e-4
#: The plant's limits, which an asset that is planned alone does not see.
_PLANT_LIMITS = ("requirement", "surplus above the requirement", "reserve requirement")


def odd_ones(request: ScheduleRequest) -> Flags:
    """Which assets (n,) must be planned alone."""
    horizon = Horizon(request)
    odd = np.zeros(len(request.assets), dtype=np.bool_)
    data = storage_data(horizon)
    helpless = data.keeps * data.least - data.standby + data.charge_most * data.charge_efficiency * horizon.hours
    outside = (data.before < data.least) | (data.before > data.most) | (helpless < data.least)
    odd[data.members[outside]] = True
    for i, asset in enumerate(request.assets):
        if asset.kind is not AssetKind.EMERGENCY_GENERATOR or not horizon.taking_part[i]:
            continue
        if is_forbidden(horizon, i):
            odd[i] = request.initial.on[i]
        else:
            odd[i] = any(hours < len(period) * horizon.hours - 1e-9 for period, hours in budgets(horizon, i))
    return odd


class Alone:
    """The odd ones of a request, each planned at prices."""

    def __init__(self, request: ScheduleRequest, odd: Flags, energy: Column) -> None:
        self._request, self._places = request, np.flatnonzero(odd)
        self.power = np.zeros((len(request.assets), request.steps))
        self.on = np.zeros((len(request.assets), request.steps), dtype=np.bool_)
        self.slacks: list[SlackUsed] = []
        self.cost = 0.0  # of slacks; the rest is worked out from power
        for place in self._places:
            found = self._planned(int(place), energy)
            self.power[place], self.on[place] = found.power_mw[0], found.on[0]
            self.slacks += [slack for slack in found.slacks if slack.limit not in _PLANT_LIMITS]
            own = found.cost - float((energy * found.power_mw[0]).sum()) * request.step_s / 3600.0
            self.cost += found.objective_value - own

    def bound(self, energy: Column, reserve: Column) -> float:
        """What they add to the bound at prices: the least that each costs, beyond what its power is paid now."""
        hours, total = self._request.step_s / 3600.0, 0.0
        for place in self._places:
            found = self._planned(int(place), energy)
            asset = self._request.assets[place]
            held = float(reserve.sum()) * (asset.rating_mw + asset.charge_rating_mw if asset.reserve else 0.0)
            total += found.bound + hours * (float(energy @ self.power[place]) - held)
        return total

    def _planned(self, place: int, energy: Column) -> Schedule:
        asked, asset = self._request, self._request.assets[place]
        steps = asked.steps
        columns = {field.name: getattr(asked.initial, field.name)[place : place + 1] for field in fields(InitialStates)}
        single = replace(
            asked,
            assets=(asset,),
            initial=InitialStates(**columns),
            requirement_mw=np.zeros(steps),
            price_per_mwh=energy,
            forecast_mw=asked.forecast_mw[place : place + 1],
            firm_mw=None,
            reserve_mw=np.zeros(steps),
            import_limit_mw=np.full(steps, asset.charge_rating_mw),
            export_limit_mw=np.full(steps, asset.rating_mw),
            objective=Objective.COST,
        )
        one_way = np.ones((1, steps), dtype=np.bool_) if asset.kind.family is AssetFamily.STORAGE else None
        plan = formulate(single, one_way)
        for tier in TIERS[Objective.COST]:
            price_tier(plan, tier)
        answer = mathopt.run(mathopt.model_of(plan.program.matrices()), _TIME_LIMIT_S, _GAP)
        if not answer.found:
            raise RuntimeError(f"no plan for {asset.name} by itself ({answer.detail})")
        nothing = np.zeros(steps)
        return schedule_of(plan, answer.values, SolveStatus.FEASIBLE, answer.objective, answer.bound, nothing, 0.0)
