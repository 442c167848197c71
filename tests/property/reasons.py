"""Whether a reason is true, from the request and the schedule alone."""

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from vppscada.model.assets import Asset, AssetFamily, AssetKind
from vppscada.model.explanation import Explanation, Reason
from vppscada.model.limits import LimitTree
from vppscada.model.schedule import Schedule, ScheduleRequest
from vppscada.scheduling.horizon import RESERVE_SUSTAIN_H

NEAR = 1e-4


def _inside(tree: LimitTree, node: int) -> list[int]:
    return [i for i, path in enumerate(tree.levels().T.tolist()) if node in path]


class Claim:
    """What a schedule says of one asset in one step."""

    def __init__(self, asked: ScheduleRequest, schedule: Schedule, i: int, t: int) -> None:
        why = schedule.explanation
        assert why is not None
        self.asked, self.schedule, self.why, self.i, self.t = asked, schedule, why, i, t
        self.asset: Asset = asked.assets[i]
        self.hours = asked.step_s / 3600.0
        self.power, self.up, self.down = float(schedule.power_mw[i, t]), self._held(t, True), self._held(t, False)
        self.on = bool(schedule.on[i, t])
        self.price = float(why.one_more_per_mwh[t])
        self.reason = Reason(int(why.reason[i, t]))

    def _held(self, t: int, up: bool) -> float:
        """Power promised upwards (the reserve with it) or downwards."""
        products = zip(self.asked.products, self.schedule.held, strict=True)
        held = sum(float(one.held_mw[self.i, t]) for product, one in products if product.up is up)
        return held + (float(self.schedule.reserve_mw[self.i, t]) if up else 0.0)

    def holds(self) -> bool:
        """The reason is what it says."""
        if self.reason is Reason.NOT_USABLE:
            unknown = self.asset.kind.family is AssetFamily.STORAGE and np.isnan(self.asked.initial.stored_mwh[self.i])
            return bool(not self.asked.initial.usable[self.i] or unknown)
        if self.reason is Reason.GROUP:
            return self._group()
        family = self.asset.kind.family
        if family is AssetFamily.RENEWABLE:
            return self._renewable()
        return self._storage() if family is AssetFamily.STORAGE else self._thermal()

    def _group(self) -> bool:
        """A limit around it is full, with what is held, or at its minimum."""
        tree, t = self.asked.limits, self.t
        node = int(tree.node[self.i])
        while node >= 0:
            claims = [Claim(self.asked, self.schedule, i, t) for i in _inside(tree, node)]
            power = sum(one.power for one in claims)
            full = power + sum(one.up for one in claims) > tree.maximum_mw[node] - NEAR
            if full or power < tree.minimum_mw[node] + NEAR:
                return True
            node = int(tree.parent[node])
        return False

    # sun and wind

    def _renewable(self) -> bool:
        there = float(np.clip(self.asked.forecast_mw[self.i, self.t], 0.0, self.asset.rating_mw))
        match self.reason:
            case Reason.FORECAST:
                return abs(self.power - there) < NEAR
            case Reason.RATING:
                return abs(self.power - self.asset.rating_mw) < NEAR
            case Reason.CURTAILED:
                return self.power < NEAR and there > self.power - NEAR
            case Reason.DOUBT:
                firm = self.asked.firm_mw
                return firm is not None and abs(self.power - float(firm[self.i, self.t])) < NEAR
            case Reason.MARGINAL:
                cost = self.asset.variable_cost_per_mwh - self.asset.curtailment_cost_per_mwh
                firm = self.asked.firm_mw
                doubted = firm is not None and self.power > float(firm[self.i, self.t]) - NEAR
                backed = float(self.why.reserve_value_per_mwh[self.t]) if doubted else 0.0
                return cost - 0.01 < self.price < cost + backed + 0.01
        return False

    # thermal

    def _thermal(self) -> bool:
        return self._running() if self.on else self._off()

    def _off(self) -> bool:
        asset, initial = self.asset, self.asked.initial
        match self.reason:
            case Reason.NOT_PERMITTED:
                never = min(asset.non_emergency_hours_per_day, asset.non_emergency_hours_per_year) == 0.0
                return asset.kind is AssetKind.EMERGENCY_GENERATOR and not initial.permitted[self.i] and never
            case Reason.PERMIT_HOURS:
                return self._permit_used_up()
            case Reason.START_TIME:
                return not initial.on[self.i] and (self.t + 1) * self.asked.step_s <= asset.start_time_s + 1e-6
            case Reason.DOWN_TIME:
                return self._lasted_h(False) < asset.minimum_down_s / 3600.0 - 1e-9
            case Reason.NOT_WORTH_RUNNING:
                return True
        return False

    def _permit_used_up(self) -> bool:
        initial, asset = self.asked.initial, self.asset
        called = bool(initial.permitted[self.i])
        left_day = float((initial.run_hours_left_today if called else initial.non_emergency_left_today)[self.i])
        left_year = float((initial.run_hours_left_year if called else initial.non_emergency_left_year)[self.i])
        return any(
            self._run_h(period) + self.hours > 1e-9 + (left if self._is_first(period) else own)
            for period, left, own in (
                ("%Y-%m-%d", left_day, asset.permitted_hours_per_day if called else asset.non_emergency_hours_per_day),
                ("%Y", left_year, asset.permitted_hours_per_year if called else asset.non_emergency_hours_per_year),
            )
        )

    def _run_h(self, period: str) -> float:
        """Hours that it runs in the same day (or year)."""
        here = self._period(period, self.t)
        return sum(self.hours for t in np.flatnonzero(self.schedule.on[self.i]) if self._period(period, int(t)) == here)

    def _is_first(self, period: str) -> bool:
        return self._period(period, 0) == self._period(period, self.t)

    def _period(self, period: str, t: int) -> str:
        return datetime.fromtimestamp(self._time_s(t), UTC).strftime(period)

    def _time_s(self, t: int) -> float:
        return self.asked.start_ms / 1000.0 + t * self.asked.step_s

    def _lasted_h(self, state: bool) -> float:
        """Hours in this state before this step."""
        lasted, t = 0.0, self.t - 1
        while t >= 0 and bool(self.schedule.on[self.i, t]) == state:
            lasted, t = lasted + self.hours, t - 1
        if t < 0 and bool(self.asked.initial.on[self.i]) == state:
            lasted += float(np.nan_to_num(self.asked.initial.hours_in_state[self.i], nan=np.inf))
        return lasted

    def _highest(self) -> float:
        warmer = max(float(self.asked.ambient_degc[self.t]) - 15.0, 0.0)
        return max(self.asset.rating_mw * (1.0 - self.asset.derating_per_degc * warmer), self.asset.minimum_mw)

    def _running(self) -> bool:
        asset, power = self.asset, self.power
        match self.reason:
            case Reason.MINIMUM:
                return abs(power - asset.minimum_mw) < NEAR
            case Reason.UP_TIME:
                return abs(power - asset.minimum_mw) < NEAR and self._lasted_h(True) < asset.minimum_up_s / 3600.0
            case Reason.RATING:
                return abs(power - asset.rating_mw) < NEAR
            case Reason.DERATING:
                return abs(power - self._highest()) < NEAR and power < asset.rating_mw
            case Reason.RESERVE:
                full = self.up > 0.0 and power + self.up > self._highest() - NEAR
                return full or (self.down > 0.0 and power - self.down < asset.minimum_mw + NEAR)
            case Reason.BEND:
                return any(abs(power - bend) < NEAR for bend, _ in asset.heat_rate)
            case Reason.MARGINAL:
                return self._costs_the_price()
        return self._ramps()

    def _ramps(self) -> bool:
        asset, power, t = self.asset, self.power, self.t
        up, down = (ramp * self.asked.step_s / 60.0 for ramp in (asset.ramp_up_mw_per_min, asset.ramp_down_mw_per_min))
        before, total = self._power(t - 1), power + self.up
        match self.reason:
            case Reason.RAMP_UP:
                return total - before > up - NEAR
            case Reason.RAMP_DOWN:
                return before - power + self.down > down - NEAR
            case Reason.AHEAD_OF_RAMP_UP:
                return self._power(t + 1) + self._held(t + 1, True) - power > up - NEAR
            case Reason.AHEAD_OF_RAMP_DOWN:
                return power - self._power(t + 1) + self._held(t + 1, False) > down - NEAR
            case Reason.START_RAMP:
                return self._lasted_h(True) == 0.0 and total > max(asset.minimum_mw, up) - NEAR
            case Reason.STOP_RAMP:
                return not self.schedule.on[self.i, t + 1] and total > max(asset.minimum_mw, down) - NEAR
        return False

    def _power(self, t: int) -> float:
        if t >= 0:
            return float(self.schedule.power_mw[self.i, t])
        return max(float(self.asked.initial.power_mw[self.i]), self.asset.minimum_mw)

    def _costs_the_price(self) -> bool:
        """The price lies between the cost of the last and of the next MWh, and there is room both ways."""
        curve = sorted(self.asset.heat_rate)
        slopes = []
        for (low, burned), (high, more) in pairwise(curve):
            if low - NEAR <= self.power <= high + NEAR:
                slopes.append((more - burned) / (high - low) * self.asset.fuel_price_per_mwh)
        cost = [slope + self.asset.variable_cost_per_mwh for slope in slopes]
        return min(cost) - 0.01 <= self.price <= max(cost) + 0.01

    # storage

    def _storage(self) -> bool:
        asset, power, capacity = self.asset, self.power, self.asset.capacity_mwh
        stored = float(self.schedule.stored_mwh[self.i, self.t])
        worth = float(self.why.stored_value_per_mwh[self.i, self.t])
        match self.reason:
            case Reason.SOC_FLOOR:
                return stored <= asset.soc_minimum * capacity + NEAR
            case Reason.SOC_CEILING:
                return stored >= asset.soc_maximum * capacity - NEAR
            case Reason.FINAL_ENERGY:
                last = self.t == self.asked.steps - 1
                return last and stored <= (asset.soc_final_minimum or 0.0) * capacity + NEAR
            case Reason.RESERVE_ENERGY:
                return self._energy_is_promised(stored)
            case Reason.CYCLES:
                return self._cycled() > asset.cycles_per_day * capacity - NEAR
            case Reason.RESERVE:
                full = self.up > 0.0 and power + self.up > asset.rating_mw - NEAR
                return full or (self.down > 0.0 and power - self.down < -asset.charge_rating_mw + NEAR)
            case Reason.RATING:
                return power > asset.rating_mw - NEAR or power < -asset.charge_rating_mw + NEAR
            case Reason.IDLE:
                return abs(power) < NEAR
            case Reason.RESTS:
                return asset.kind.is_fast_storage and abs(power) < NEAR
            case Reason.MARGINAL:
                give = worth / asset.discharge_efficiency + asset.variable_cost_per_mwh
                return abs(self.price - (give if power > 0 else worth * asset.charge_efficiency)) < 0.01
        return False

    def _energy_is_promised(self, stored: float) -> bool:
        """In this step or the next, upwards or downwards."""
        asset, capacity = self.asset, self.asset.capacity_mwh
        above, room = stored - asset.soc_minimum * capacity, asset.soc_maximum * capacity - stored
        for t in range(self.t, min(self.t + 2, self.asked.steps)):
            out = RESERVE_SUSTAIN_H * float(self.schedule.reserve_mw[self.i, t])
            into = 0.0
            for product, one in zip(self.asked.products, self.schedule.held, strict=True):
                energy = product.sustain_h * float(one.held_mw[self.i, t])
                out, into = (out + energy, into) if product.up else (out, into + energy)
            needs = out / asset.discharge_efficiency
            if (out > 0.0 and needs > above - NEAR) or (into > 0.0 and into * asset.charge_efficiency > room - NEAR):
                return True
        return False

    def _cycled(self) -> float:
        day = int(self.t * self.hours / 24.0 + 1e-9)
        steps = [t for t in range(self.asked.steps) if int(t * self.hours / 24.0 + 1e-9) == day]
        given = np.maximum(self.schedule.power_mw[self.i, steps], 0.0).sum()
        return float(given * self.hours / self.asset.discharge_efficiency)


def untrue(asked: ScheduleRequest, schedule: Schedule) -> list[str]:
    """Reasons that do not hold, in words."""
    why: Explanation | None = schedule.explanation
    assert why is not None
    claims = [Claim(asked, schedule, i, t) for i in range(len(asked.assets)) for t in range(asked.steps)]
    return [
        f"{one.asset.name} ({one.asset.kind}) step {one.t}: {one.reason.name}, {one.power:g} MW, price {one.price:g}"
        for one in claims
        if not one.holds()
    ]
