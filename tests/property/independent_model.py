"""The scheduling problem written a second time, in Pyomo, by the textbook and not by the product's rows.

Commitment by Carrión and Arroyo (2006): one binary for each unit and step, minimum times and start-up costs over it
alone. Fuel is the upper envelope of its lines. A store has a binary for its direction in every step. Only what a plant
may leave undone gives here: initial states must be such that no machine's limit has to.
"""

import itertools
from typing import Any

import numpy as np
import pyomo.environ as pyo

from vppscada.model.assets import Asset, AssetFamily, AssetKind
from vppscada.model.schedule import Product, ScheduleRequest

_RESPONSE_MIN, _SUSTAIN_H = 10.0, 0.25
_GROUP_GIVES = 5.0  # times the value of lost load


def optimum(asked: ScheduleRequest) -> float:
    """Least cost of the request, by HiGHS to optimality.

    Raises:
        RuntimeError: the solver does not end with a proven optimum.
    """
    model = pyo.ConcreteModel()
    model.rows = pyo.ConstraintList()
    plant = _Plant(model, asked)
    for i, asset in enumerate(asked.assets):
        if asked.initial.usable[i]:
            _FAMILIES[asset.kind.family](plant, i, asset)
    _balance(plant)
    _groups(plant)
    model.objective = pyo.Objective(expr=pyo.quicksum(plant.cost))
    solver = pyo.SolverFactory("appsi_highs")
    solver.options["mip_rel_gap"] = 1e-9
    found = solver.solve(model)
    if found.solver.termination_condition != pyo.TerminationCondition.optimal:
        raise RuntimeError(f"no optimum: {found.solver.termination_condition}")
    return float(pyo.value(model.objective))


class _Plant:
    """Sums over the assets, step by step, and the cost."""

    def __init__(self, model: Any, asked: ScheduleRequest) -> None:
        self.model, self.asked = model, asked
        self.steps, self.hours = range(asked.steps), asked.step_s / 3600.0
        self.power: list[list[Any]] = [[] for _ in self.steps]
        self.reserve: list[list[Any]] = [[] for _ in self.steps]
        self.doubtful: list[list[Any]] = [[] for _ in self.steps]
        self.held: list[list[list[Any]]] = [[[] for _ in self.steps] for _ in asked.products]
        self.net: list[list[list[Any]]] = [[[] for _ in self.steps] for _ in asked.assets]
        self.upwards: list[list[list[Any]]] = [[[] for _ in self.steps] for _ in asked.assets]
        self.cost: list[Any] = []

    def gives(self, i: int, t: int, power: Any) -> None:
        self.power[t].append(power)
        self.net[i][t].append(power)

    def keeps(self, i: int, t: int, reserve: Any) -> None:
        self.reserve[t].append(reserve)
        self.upwards[i][t].append(reserve)

    def variables(self, name: str, upper: float | None = None, *, binary: bool = False) -> Any:
        made = pyo.Var(self.steps, domain=pyo.Binary if binary else pyo.NonNegativeReals, bounds=(0.0, upper))
        self.model.add_component(name, made)
        return made

    def require(self, row: Any) -> None:
        if isinstance(row, bool | np.bool_):  # of numbers alone
            assert row, "no machine's limit has to give"
            return
        self.model.rows.add(row)

    def holds(self, name: str, i: int, product: int, most: float) -> Any:
        """What an asset that runs holds of a product."""
        may = self.asked.products[product].holders[i]
        made = self.variables(f"{name}_{product}", most if may else 0.0)
        for t in self.steps:
            self.held[product][t].append(made[t])
            if self.asked.products[product].up:
                self.upwards[i][t].append(made[t])
        return made


def _thermal(plant: _Plant, i: int, asset: Asset) -> None:
    asked, steps, name = plant.asked, plant.steps, asset.name
    on, power, reserve = (
        plant.variables(f"{name}_on", binary=True),
        plant.variables(f"{name}_power"),
        plant.variables(f"{name}_reserve"),
    )
    emergency = asset.kind is AssetKind.EMERGENCY_GENERATOR
    spare = asset.rating_mw - asset.minimum_mw
    up: list[Any] = [reserve]
    down: list[Any] = []
    for p, product in enumerate(asked.products):
        ramp = asset.ramp_up_mw_per_min if product.up else asset.ramp_down_mw_per_min
        most = 0.0 if emergency else min(ramp * product.response_min, spare)
        (up if product.up else down).append(plant.holds(name, i, p, most))
    firm = asset.reserve and not emergency
    in_time = min(asset.ramp_up_mw_per_min * _RESPONSE_MIN, spare) if firm else 0.0
    was_on, before = bool(asked.initial.on[i]), max(float(asked.initial.power_mw[i]), asset.minimum_mw)
    _commitment(plant, i, asset, on)
    minutes = asked.step_s / 60.0
    rise, fall = asset.ramp_up_mw_per_min * minutes, asset.ramp_down_mw_per_min * minutes
    start_most, stop_most = max(asset.minimum_mw, rise), max(asset.minimum_mw, fall)
    large = 2.0 * asset.rating_mw
    for t in steps:
        highest = max(
            asset.rating_mw * (1.0 - asset.derating_per_degc * max(asked.ambient_degc[t] - 15.0, 0.0)), asset.minimum_mw
        )
        top, bottom = power[t] + sum(one[t] for one in up), power[t] - sum(one[t] for one in down)
        plant.require(top <= highest * on[t])
        plant.require(bottom >= asset.minimum_mw * on[t])
        plant.require(reserve[t] <= in_time)
        on_before, power_before = (on[t - 1], power[t - 1]) if t else (float(was_on), before if was_on else 0.0)
        if start_most < highest:
            plant.require(top <= start_most + large * on_before)
        if np.isfinite(rise):
            plant.require(top - power_before <= rise + large * (2 - on[t] - on_before))
        if np.isfinite(fall):
            plant.require(power_before - bottom <= fall + large * (2 - on[t] - on_before))
            if t:
                plant.require(
                    power[t - 1] + sum(one[t - 1] for one in up) <= stop_most + large * (1 - on[t - 1] + on[t])
                )
            else:
                plant.require(power_before <= stop_most + large * (1 - on_before + on[t]))
        plant.gives(i, t, power[t])
        plant.keeps(i, t, reserve[t])
    _fuel(plant, asset, on, power)
    for p, product in enumerate(asked.products):
        if product.off_line and product.up and product.holders[i] and not emergency:
            _resting(plant, i, asset, on, p, product)


def _commitment(plant: _Plant, i: int, asset: Asset, on: Any) -> None:
    asked, steps, hours = plant.asked, plant.steps, plant.hours
    was_on, age = bool(asked.initial.on[i]), float(asked.initial.hours_in_state[i])
    up, down = (int(np.ceil(s / asked.step_s - 1e-6)) for s in (asset.minimum_up_s, asset.minimum_down_s))
    kept_on = int(np.ceil((asset.minimum_up_s / 3600.0 - age) / hours - 1e-6)) if was_on else 0
    kept_off = int(np.ceil((asset.minimum_down_s / 3600.0 - age) / hours - 1e-6))
    kept_off = 0 if was_on else max(kept_off, int(asset.start_time_s / asked.step_s + 1e-6))
    before = float(was_on)
    costs = sorted(asset.start_costs)
    for t in steps:
        on_before = on[t - 1] if t else before
        for later in range(t, min(t + up, asked.steps)):
            plant.require(on[later] >= on[t] - on_before)
        for later in range(t, min(t + down, asked.steps)):
            plant.require(on[later] <= 1 - on_before + on[t])
        if t < kept_on:
            plant.require(on[t] == 1)
        if t < kept_off:
            plant.require(on[t] == 0)
        if costs:
            plant.cost.append(_start(plant, asset, on, t, costs, was_on, age))
    if asset.kind is AssetKind.EMERGENCY_GENERATOR:
        initial = asked.initial
        left = (initial.run_hours_left_today[i], initial.run_hours_left_year[i])
        if not initial.permitted[i]:  # then every hour is one without an emergency
            left = (initial.non_emergency_left_today[i], initial.non_emergency_left_year[i])
        plant.require(hours * sum(on[t] for t in steps) <= float(min(left)))


def _start(plant: _Plant, asset: Asset, on: Any, t: int, costs: Any, was_on: bool, age: float) -> Any:
    """Cost of a start in step t ≥ cost of the category, if it was on in none of the steps that would make it warmer."""
    paid = pyo.Var(domain=pyo.NonNegativeReals)
    plant.model.add_component(f"{asset.name}_start_{t}", paid)
    for from_h, cost in costs:
        # Off for at least from_h hours: on in none of the steps back to then, nor before the plan within them.
        back = max(int(np.ceil(from_h / plant.hours - 1e-6)), 1)
        since = [on[t - n] for n in range(1, back + 1) if t - n >= 0]
        off_before_plan = t * plant.hours + (0.0 if was_on else age)
        if back > t and off_before_plan < from_h - 1e-9:
            continue  # it ran too lately for this category, if it has not run since
        if was_on and back > t:
            since.append(1.0)
        plant.require(paid >= cost * (on[t] - sum(since)))
    return paid


def _fuel(plant: _Plant, asset: Asset, on: Any, power: Any) -> None:
    hours, curve = plant.hours, asset.heat_rate
    burned = plant.variables(f"{asset.name}_fuel")
    for t in plant.steps:
        for (x0, y0), (x1, y1) in itertools.pairwise(curve):
            slope = (y1 - y0) / (x1 - x0)
            plant.require(burned[t] >= slope * power[t] + (y0 - slope * x0) * on[t])
        plant.cost.append(hours * (asset.fuel_price_per_mwh * burned[t] + asset.running_cost_per_h * on[t]))
        plant.cost.append(hours * asset.variable_cost_per_mwh * power[t])


def _resting(plant: _Plant, i: int, asset: Asset, on: Any, p: int, product: Product) -> None:
    left = product.response_min - asset.start_time_s / 60.0
    if left < 0.0:
        return
    asked = plant.asked
    most = min(asset.rating_mw, asset.minimum_mw + (asset.ramp_up_mw_per_min * left if left > 0.0 else 0.0))
    down = max(int(np.ceil(asset.minimum_down_s / asked.step_s - 1e-6)), 1)
    was_on, age = bool(asked.initial.on[i]), float(asked.initial.hours_in_state[i])
    cold = plant.variables(f"{asset.name}_cold_{p}", most)
    for t in plant.steps:
        for n in range(down + 1):
            if t - n >= 0:
                plant.require(cold[t] <= most * (1 - on[t - n]))
            elif was_on and t - n == -1:
                plant.require(cold[t] <= 0.0)
        if not was_on and age + t * plant.hours < asset.minimum_down_s / 3600.0 - 1e-9:
            plant.require(cold[t] <= 0.0)
        plant.held[p][t].append(cold[t])
        plant.upwards[i][t].append(cold[t])


def _renewable(plant: _Plant, i: int, asset: Asset) -> None:
    power, beyond = plant.variables(f"{asset.name}_power"), plant.variables(f"{asset.name}_beyond")
    for t in plant.steps:
        there = min(max(plant.asked.forecast_mw[i, t], 0.0), asset.rating_mw)
        plant.require(power[t] <= there)
        if plant.asked.firm_mw is not None and plant.asked.reserve_mw[t] > 0.0:
            plant.require(beyond[t] >= power[t] - float(plant.asked.firm_mw[i, t]))
            plant.doubtful[t].append(beyond[t])
        plant.gives(i, t, power[t])
        plant.cost.append(plant.hours * asset.variable_cost_per_mwh * power[t])
        plant.cost.append(plant.hours * asset.curtailment_cost_per_mwh * (there - power[t]))


def _storage(plant: _Plant, i: int, asset: Asset) -> None:
    asked, hours, name = plant.asked, plant.hours, asset.name
    rests = asset.kind.is_fast_storage and asked.step_s >= 300.0
    charge = plant.variables(f"{name}_charge", asset.charge_rating_mw)
    discharge = plant.variables(f"{name}_discharge", 0.0 if rests else asset.rating_mw)
    reserve = plant.variables(f"{name}_reserve", None if asset.reserve else 0.0)
    way = plant.variables(f"{name}_way", binary=True)
    up: list[tuple[Any, float]] = [(reserve, _SUSTAIN_H)]
    down: list[tuple[Any, float]] = []
    for p, product in enumerate(asked.products):
        most = asset.rating_mw + asset.charge_rating_mw
        (up if product.up else down).append((plant.holds(name, i, p, most), product.sustain_h))
    least, most_mwh = asset.soc_minimum * asset.capacity_mwh, asset.soc_maximum * asset.capacity_mwh
    stored: Any = float(asked.initial.stored_mwh[i])
    for t in plant.steps:
        plant.require(charge[t] <= asset.charge_rating_mw * way[t])
        plant.require(discharge[t] <= asset.rating_mw * (1 - way[t]))
        net = discharge[t] - charge[t]
        plant.require(net + sum(one[t] for one, _ in up) <= asset.rating_mw)
        plant.require(net - sum(one[t] for one, _ in down) >= -asset.charge_rating_mw)
        given = sum(one[t] * h for one, h in up) / asset.discharge_efficiency
        taken = sum(one[t] * h for one, h in down) * asset.charge_efficiency
        plant.require(given <= stored - least)
        plant.require(taken <= most_mwh - stored)
        stored = (
            stored * (1.0 - asset.self_discharge_per_h * hours)
            - asset.standby_loss_mw * hours
            + hours * (asset.charge_efficiency * charge[t] - discharge[t] / asset.discharge_efficiency)
        )
        plant.require(given <= stored - least)
        plant.require(taken <= most_mwh - stored)
        plant.gives(i, t, net)
        plant.keeps(i, t, reserve[t])
        plant.cost.append(hours * asset.variable_cost_per_mwh * discharge[t])
    cycled = hours / asset.discharge_efficiency * sum(discharge[t] for t in plant.steps)
    if np.isfinite(asset.cycles_per_day):
        plant.require(cycled <= asset.cycles_per_day * asset.capacity_mwh)
    if asset.soc_final_minimum is not None:
        short = plant.variables(f"{name}_final")
        plant.require(stored + short[0] >= asset.soc_final_minimum * asset.capacity_mwh)
        plant.cost.append(asked.reserve_penalty_per_mwh * short[0])


_FAMILIES = {AssetFamily.THERMAL: _thermal, AssetFamily.RENEWABLE: _renewable, AssetFamily.STORAGE: _storage}


def _balance(plant: _Plant) -> None:
    asked, hours = plant.asked, plant.hours
    unserved, dump, short, bought, sold = (
        plant.variables(name) for name in ("unserved", "dump", "short", "bought", "sold")
    )
    for t in plant.steps:
        supply = pyo.quicksum(plant.power[t]) + bought[t] - sold[t] + unserved[t] - dump[t]
        plant.require(supply == asked.requirement_mw[t])
        needed = asked.reserve_mw[t] + pyo.quicksum(plant.doubtful[t])
        plant.require(pyo.quicksum(plant.reserve[t]) + short[t] >= needed)
        plant.require(bought[t] <= asked.import_limit_mw[t])
        plant.require(sold[t] <= asked.export_limit_mw[t])
        price = asked.price_per_mwh[t]
        plant.cost += [
            hours * asked.value_of_lost_load_per_mwh * unserved[t],
            hours * max(asked.dump_penalty_per_mwh, 1.0 - price) * dump[t],
            hours * asked.reserve_penalty_per_mwh * short[t],
            hours * price * (bought[t] - sold[t]),
        ]
    for p, product in enumerate(asked.products):
        missing, sale = plant.variables(f"missing_{p}"), plant.variables(f"sale_{p}")
        for t in plant.steps:
            plant.require(pyo.quicksum(plant.held[p][t]) + missing[t] >= product.required_mw[t] + sale[t])
            plant.require(sale[t] <= product.offered_mw[t])
            penalty = max(asked.reserve_penalty_per_mwh, product.price_per_mw_h[t] + 1.0)
            plant.cost.append(hours * (penalty * missing[t] - product.price_per_mw_h[t] * sale[t]))


def _groups(plant: _Plant) -> None:
    """Each limit over all that is in it, however deep: it gives, dearer than load."""
    tree, asked = plant.asked.limits, plant.asked
    penalty = plant.hours * _GROUP_GIVES * asked.value_of_lost_load_per_mwh
    for k in range(len(tree)):
        inside = {k}
        for _ in range(len(tree)):
            inside |= {k for k in range(len(tree)) if int(tree.parent[k]) in inside}
        members = [i for i in range(len(asked.assets)) if int(tree.node[i]) in inside]
        below, over = plant.variables(f"below_{k}"), plant.variables(f"over_{k}")
        for t in plant.steps:
            power = sum(sum(plant.net[i][t]) for i in members)
            upwards = sum(sum(plant.upwards[i][t]) for i in members)
            if np.isfinite(tree.minimum_mw[k]):
                plant.require(power + below[t] >= float(tree.minimum_mw[k]))
            plant.require(power + upwards - over[t] <= float(tree.maximum_mw[k]))
            plant.cost.append(penalty * (below[t] + over[t]))
