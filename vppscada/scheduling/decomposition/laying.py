"""From patterns and flows to a schedule: powers step by step, energy and money worked out anew from them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetFamily
from vppscada.model.schedule import Schedule, ScheduleRequest, SlackUsed, SolveStatus
from vppscada.scheduling.books import planned_cost, planned_revenue
from vppscada.scheduling.decomposition.alone import Alone
from vppscada.scheduling.decomposition.dispatching import Windows, dispatch_step
from vppscada.scheduling.decomposition.dual import Fleet
from vppscada.scheduling.decomposition.plant import Open
from vppscada.scheduling.decomposition.stores import Stores
from vppscada.scheduling.decomposition.units import Units
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.limits import LAST_RESORT
from vppscada.scheduling.reading import stored_energy

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """A whole plan (n, T), and what it costs with all that is left undone. Prices (T,): with stores fixed."""

    power: Table
    on: Flags
    reserve: Table
    price: Column
    reserve_price: Column
    imported: Column
    exported: Column
    unserved: Column
    dump: Column
    slacks: tuple[SlackUsed, ...]
    objective: float

    def prices(self, plant: Open, energy: Column, reserve: Column) -> tuple[Column, Column]:
        """Its own prices; others where something is left undone, as it is when stores cannot do anything about it."""
        undone = (self.price >= plant.unserved_price) | (self.price <= -plant.dump_price) | np.isnan(self.price)
        short = (self.reserve_price >= plant.short_price) | np.isnan(self.reserve_price)
        return np.where(undone, energy, self.price), np.where(short, reserve, self.reserve_price)


def lay_out(
    request: ScheduleRequest,
    horizon: Horizon,
    fleet: Fleet,
    units: Units,
    alone: Alone,
    on: Flags,
    windows: Windows,
    flow: Table,
) -> Laid | None:
    """Powers for a commitment (g, T) and net powers of the stores (s, T); None where a step has no solution."""
    flow, held, stored = sustained(fleet.stores.all, flow)
    data, steps, plant = units.data, horizon.steps, fleet.plant
    power, reserve = alone.power.copy(), np.zeros((len(request.assets), steps))
    power[fleet.stores.all.data.members], reserve[fleet.stores.all.data.members] = flow, held
    price, slacks, broken = np.zeros((2, steps)), list(alone.slacks), alone.cost
    for t in range(steps):
        before = windows.power
        step = dispatch_step(units, plant, windows, t, float(flow[:, t].sum()), float(held[:, t].sum()))
        if step is None:
            return None
        power[data.members, t], reserve[data.members, t] = step.power, step.reserve
        price[:, t] = step.price, step.reserve_price
        power[plant.members, t] = _shared(plant, plant.sun[:, t], step.sun)
        power[plant.members, t] += _shared(plant, plant.doubtful[:, t], step.doubtful)
        if t == 0:
            first = first_step_slacks(units, on, before, step.power)
            slacks += first
            per_mw = LAST_RESORT * request.value_of_lost_load_per_mwh * horizon.hours
            broken += sum(per_mw * slack.amount for slack in first)
    return _settled(request, horizon, fleet, power, on, alone.on, reserve, price, slacks, broken, stored)


def sustained(stores: Stores, power: Table) -> tuple[Table, Table, Column]:
    """Net powers that keep the limits, the reserve that they leave, and the energy (s,) at the end.

    A mixture of plans charges and discharges at once here and there; its net power loses less, so that there is more
    energy than in the mixture. Where that is more than the store takes, less is charged.
    """
    data, power = stores.data, power.copy()
    held, stored = np.zeros_like(power), data.before.copy()
    for t in range(power.shape[1]):
        kept = data.keeps * stored - data.standby
        into = np.maximum(-power[:, t], 0.0) * data.charge_efficiency * stores.hours
        out = np.maximum(power[:, t], 0.0) / data.discharge_efficiency * stores.hours
        into = np.minimum(into, np.maximum(data.most - kept + out, 0.0))
        out = np.clip(out, 0.0, np.maximum(kept + into - data.least, 0.0))
        into = np.maximum(into, np.where(out > 0.0, 0.0, data.least - kept))
        power[:, t] = out * data.discharge_efficiency / stores.hours - into / data.charge_efficiency / stores.hours
        after = np.clip(kept + into - out, data.least, data.most)
        held[:, t] = stores.feasible_reserve(stored, after, power[:, t], t)
        stored = after
    return power, held, stored


def first_step_slacks(units: Units, on: Flags, before: Column, power: Column) -> list[SlackUsed]:
    """Ramps down that reality has broken before the plan begins."""
    data = units.data
    found: list[SlackUsed] = []
    known = data.was_on & ~np.isnan(before)
    fall = np.where(known & on[:, 0], before - data.ramp_down - power, 0.0)
    stop = np.where(known & ~on[:, 0], before - data.stop_limit, 0.0)
    for amount, what in ((fall, "ramp down"), (stop, "shut-down ramp")):
        found += [
            SlackUsed(f"{data.assets[i].name} {what}", float(amount[i]), "MW", 0)
            for i in np.flatnonzero(amount > _ROUNDING)
        ]
    return found


def _shared(plant: Open, most: Column, taken: Column) -> Column:
    """What of each kind of sun is taken, by asset, of at most ``most``: from the first to the last."""
    power = np.zeros(len(plant.members))
    for kind, total in enumerate(taken):
        mine = np.flatnonzero(plant.kind_of == kind)
        there = most[mine]
        power[mine] = np.clip(total - (np.cumsum(there) - there), 0.0, there)
    return power


def _settled(
    request: ScheduleRequest,
    horizon: Horizon,
    fleet: Fleet,
    power: Table,
    running: Flags,
    alone: Flags,
    reserve: Table,
    price: Table,
    slacks: list[SlackUsed],
    broken: float,
    stored: Column,
) -> Laid:
    """Trade and what is left undone follow from the powers; the rest is money."""
    hours = horizon.hours
    spare = power.sum(axis=0) - request.requirement_mw
    bought, sold = np.maximum(request.import_limit_mw, 0.0), np.maximum(request.export_limit_mw, 0.0)
    imported, exported = np.clip(-spare, 0.0, bought), np.clip(spare, 0.0, sold)
    unserved, dump = np.maximum(-spare - bought, 0.0), np.maximum(spare - sold, 0.0)
    doubtful = np.maximum(power[fleet.plant.members] - fleet.plant.sun, 0.0).sum(axis=0)
    short = np.maximum(request.reserve_mw + doubtful - reserve.sum(axis=0), 0.0)
    stores, plant = fleet.stores.all, fleet.plant
    left = np.maximum(stores.final - stored, 0.0)
    for name, amount in (
        ("requirement", unserved),
        ("surplus above the requirement", dump),
        ("reserve requirement", short),
    ):
        slacks += [SlackUsed(name, float(amount[t]), "MW", t) for t in np.flatnonzero(amount > 1e-5).tolist()]
    for i in np.flatnonzero(left > 1e-5):
        name = f"{stores.data.assets[i].name} state of charge at the end"
        slacks.append(SlackUsed(name, float(left[i]), "MWh", horizon.steps - 1))
    on = np.zeros(power.shape, dtype=np.bool_)
    on[Horizon(request).taking_part] = True
    thermal = [i for i, asset in enumerate(request.assets) if asset.kind.family is AssetFamily.THERMAL]
    on[thermal] = alone[thermal]
    on[fleet.units.data.members] = running
    undone = (
        plant.unserved_price * unserved
        + plant.dump_price * dump
        + plant.short_price * short
        + request.price_per_mwh * (imported - exported)
    )
    curtailed = plant.left_cost - hours * float((plant.curtailment @ power[plant.members]).sum())
    objective = planned_cost(request, power, on) + hours * float(undone.sum()) + curtailed + broken
    objective += stores.final_price * float(left.sum())
    ordered = tuple(sorted(slacks, key=lambda slack: (slack.step, slack.limit)))
    return Laid(power, on, reserve, price[0], price[1], imported, exported, unserved, dump, ordered, objective)


def schedule_of(request: ScheduleRequest, laid: Laid, bound: float, price: Column) -> Schedule:
    """The plan as a schedule with its proven bound. ``price`` (T,) is what one MWh more costs."""
    proven = min(bound, laid.objective)
    near = laid.objective - proven <= request.relative_gap * abs(laid.objective) + 1e-6
    return Schedule(
        start_ms=request.start_ms,
        step_s=request.step_s,
        status=SolveStatus.OPTIMAL if near else SolveStatus.FEASIBLE,
        power_mw=laid.power,
        on=laid.on,
        stored_mwh=stored_energy(Horizon(request), laid.power),
        reserve_mw=laid.reserve,
        unserved_mw=laid.unserved,
        dump_mw=laid.dump,
        import_mw=laid.imported,
        export_mw=laid.exported,
        cost=planned_cost(request, laid.power, laid.on),
        revenue=planned_revenue(request, laid.unserved, laid.dump, laid.imported, laid.exported),
        objective_value=laid.objective,
        bound=proven,
        marginal_price_per_mwh=price,
        slacks=laid.slacks,
    )
