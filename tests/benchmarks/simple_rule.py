"""What a plant without a scheduler does: merit order step by step, storage charged at night and emptied in the evening.

Nothing looks ahead. The market stands in the merit order at the price of the step: what is dearer than that waits until
all that may be bought is, what is cheaper also runs to sell. Fast storage is kept where it is. The result is a schedule
like any other, so that the same checker and the same books judge it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset, AssetFamily, AssetKind
from vppscada.model.schedule import Schedule, ScheduleRequest, SlackUsed, SolveStatus
from vppscada.scheduling.books import planned_cost, planned_revenue

Column = NDArray[np.float64]

NIGHT_H, EVENING_H = (0.0, 5.0), (17.0, 21.0)
_SUSTAIN_H, _RESPONSE_MIN = 0.25, 10.0


def by_rule(asked: ScheduleRequest) -> Schedule:
    """The rule over a request, step by step."""
    shape = (len(asked.assets), asked.steps)
    power, reserve, stored, on = np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    sun = [i for i, one in enumerate(asked.assets) if one.kind.family is AssetFamily.RENEWABLE]
    power[sun] = np.minimum(asked.forecast_mw[sun], [[asked.assets[i].rating_mw] for i in sun])
    on[sun] = True
    for i, asset in enumerate(asked.assets):
        if asset.kind.family is AssetFamily.STORAGE:
            on[i] = True
            power[i], stored[i], reserve[i] = _by_the_clock(asked, i, asset)
    units = [_Unit(asked, i, asset) for i, asset in enumerate(asked.assets) if _runs(asset)]
    units.sort(key=lambda unit: unit.full_load_cost)
    for t in range(asked.steps):
        owed = float(asked.requirement_mw[t] - power[:, t].sum())
        missing = max(float(asked.reserve_mw[t] - reserve[:, t].sum()), 0.0)
        _commit(units, t, [goal + missing for goal in _goals(asked, units, t, owed)])
        _load(units, _goals(asked, units, t, owed))
        for unit in units:
            power[unit.place, t], on[unit.place, t] = unit.power, unit.on
            reserve[unit.place, t] = unit.headroom(t)
    return _settled(asked, power, reserve, stored, on)


def _runs(asset: Asset) -> bool:
    return asset.kind.family is AssetFamily.THERMAL and asset.kind is not AssetKind.EMERGENCY_GENERATOR


@dataclass
class _Unit:
    """An engine, microturbine or fuel cell as the step before left it."""

    asked: ScheduleRequest
    place: int
    asset: Asset

    def __post_init__(self) -> None:
        initial = self.asked.initial
        self.on, self.hours = bool(initial.on[self.place]), float(initial.hours_in_state[self.place])
        self.power = max(float(initial.power_mw[self.place]), self.asset.minimum_mw) if self.on else 0.0
        full, fuel = self.asset.heat_rate[-1]
        self.full_load_cost = self.asset.fuel_price_per_mwh * fuel / full + self.asset.variable_cost_per_mwh
        self.low, self.high = 0.0, 0.0

    def highest(self, t: int) -> float:
        """MW after derating."""
        warm = max(float(self.asked.ambient_degc[t]) - 15.0, 0.0)
        return max(self.asset.rating_mw * (1.0 - self.asset.derating_per_degc * warm), self.asset.minimum_mw)

    def may_change(self, t: int) -> bool:
        """Minimum times are over, and a unit at rest has had the time to start."""
        asset, step_s = self.asset, self.asked.step_s
        if self.on:
            low_enough = self.power <= max(asset.minimum_mw, asset.ramp_down_mw_per_min * step_s / 60.0)
            return self.hours >= asset.minimum_up_s / 3600.0 and low_enough
        return self.hours >= asset.minimum_down_s / 3600.0 and t >= int(asset.start_time_s / step_s)

    def step(self, t: int, on: bool) -> None:
        """Take a state for this step; `low` and `high` are what ramps allow in it."""
        asset, minutes = self.asset, self.asked.step_s / 60.0
        rise, fall = asset.ramp_up_mw_per_min * minutes, asset.ramp_down_mw_per_min * minutes
        ran, self.on = self.on, on
        self.hours = (self.hours if ran == on else 0.0) + self.asked.step_s / 3600.0
        if not on:
            self.low = self.high = self.power = 0.0
            return
        self.low = max(asset.minimum_mw, self.power - fall) if ran else asset.minimum_mw
        reach = self.power + rise if ran else max(asset.minimum_mw, rise)
        self.high = max(min(self.highest(t), reach), self.low)
        self.power = self.low

    def headroom(self, t: int) -> float:
        """Spinning reserve."""
        if not self.on or not self.asset.reserve:
            return 0.0
        return min(self.high - self.power, self.asset.ramp_up_mw_per_min * _RESPONSE_MIN)


def _goals(asked: ScheduleRequest, units: list[_Unit], t: int, owed_mw: float) -> list[float]:
    """What all units up to each one should give, with the market at its place in the order."""
    cheaper = [unit.full_load_cost < asked.price_per_mwh[t] for unit in units]
    return [owed_mw + float(asked.export_limit_mw[t] if one else -asked.import_limit_mw[t]) for one in cheaper]


def _commit(units: list[_Unit], t: int, wanted_mw: list[float]) -> None:
    """Units on in merit order until they can give what is wanted; those that may not change stay."""
    stuck = [unit.on and not unit.may_change(t) for unit in units]
    there = sum(unit.highest(t) for unit, held in zip(units, stuck, strict=True) if held)
    for unit, held, wanted in zip(units, stuck, wanted_mw, strict=True):
        start = not held and there < wanted and (unit.on or unit.may_change(t))
        there += unit.highest(t) if start else 0.0
        unit.step(t, held or start)


def _load(units: list[_Unit], goals_mw: list[float]) -> None:
    given = sum(unit.power for unit in units)
    for unit, goal in zip(units, goals_mw, strict=True):
        more = min(max(goal - given, 0.0), unit.high - unit.power)
        unit.power += more
        given += more


def _by_the_clock(asked: ScheduleRequest, i: int, asset: Asset) -> tuple[Column, Column, Column]:
    """Power, stored energy and reserve of a store: a battery by the hour of the day, others keep what they have."""
    hours = asked.step_s / 3600.0
    power, stored, reserve = (np.zeros(asked.steps) for _ in range(3))
    before = float(asked.initial.stored_mwh[i])
    least, most = asset.soc_minimum * asset.capacity_mwh, asset.soc_maximum * asset.capacity_mwh
    final = max((asset.soc_final_minimum or 0.0) * asset.capacity_mwh, least)
    level = before
    for t in range(asked.steps):
        clock = (asked.start_ms / 3.6e6 + t * hours) % 24.0
        kept = before - before * asset.self_discharge_per_h * hours - asset.standby_loss_mw * hours
        wanted = level if asset.kind.is_fast_storage else max(kept, final)
        if not asset.kind.is_fast_storage:
            wanted += (most - wanted) * _share_of(NIGHT_H, clock, hours)
            wanted -= (wanted - final) * _share_of(EVENING_H, clock, hours)
        charge = min(max(wanted - kept, 0.0) / hours / asset.charge_efficiency, asset.charge_rating_mw)
        give = min(max(kept - wanted, 0.0) / hours * asset.discharge_efficiency, asset.rating_mw)
        after = kept + hours * (charge * asset.charge_efficiency - give / asset.discharge_efficiency)
        power[t], stored[t] = give - charge, after
        firm = max(min(before, after) - least, 0.0) * asset.discharge_efficiency / _SUSTAIN_H
        reserve[t] = min(firm, asset.rating_mw - power[t]) if asset.reserve else 0.0
        before = after
    return power, stored, reserve


def _share_of(window: tuple[float, float], clock: float, hours: float) -> float:
    """Share of what is left to do that falls to a step of a window of the day; 0 outside."""
    begins, ends = window
    return min(hours / (ends - clock), 1.0) if begins <= clock < ends - 1e-9 else 0.0


def _settled(asked: ScheduleRequest, power: Column, reserve: Column, stored: Column, on: NDArray[np.bool_]) -> Schedule:
    """Surplus is sold as far as it may be, then curtailed; what is missing is bought as far as it may be."""
    surplus = power.sum(axis=0) - asked.requirement_mw
    export = np.clip(surplus, 0.0, asked.export_limit_mw)
    bought = np.clip(-surplus, 0.0, asked.import_limit_mw)
    left = np.maximum(surplus - export, 0.0)
    for i, asset in enumerate(asked.assets):
        if asset.kind.family is AssetFamily.RENEWABLE:
            cut = np.minimum(left, power[i])
            power[i] -= cut
            left = left - cut
    unserved = np.maximum(-surplus - bought, 0.0)
    short = np.maximum(asked.reserve_mw - reserve.sum(axis=0), 0.0)
    named = ("requirement", unserved), ("surplus above the requirement", left), ("reserve requirement", short)
    slacks = [SlackUsed(name, float(mw[t]), "MW", t) for name, mw in named for t in range(asked.steps) if mw[t] > 1e-9]
    return Schedule(
        start_ms=asked.start_ms,
        step_s=asked.step_s,
        status=SolveStatus.FEASIBLE,
        power_mw=power,
        on=on,
        stored_mwh=stored,
        reserve_mw=reserve,
        unserved_mw=unserved,
        dump_mw=left,
        import_mw=bought,
        export_mw=export,
        cost=planned_cost(asked, power, on),
        revenue=planned_revenue(asked, unserved, left, bought, export),
        objective_value=float("nan"),
        bound=float("-inf"),
        marginal_price_per_mwh=np.full(asked.steps, np.nan),
        slacks=tuple(slacks),
    )
