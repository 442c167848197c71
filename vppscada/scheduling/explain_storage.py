"""Why a store is charged, discharged or left alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.explanation import Reason
from vppscada.scheduling.formulation import Formulation
from vppscada.scheduling.pressures import UNDECIDED, Held, Pressures, decide
from vppscada.scheduling.program import Limit
from vppscada.scheduling.storage import Sustained

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]
Reasons = NDArray[np.uint8]

_SAME_MW = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Flows:
    """What goes in and out (g, T), and what holds it. Pressures on the net power: positive holds it down."""

    giving: Flags
    taking: Flags
    holding_up: Flags
    holding_down: Flags
    given: Held
    taken: Held
    hours: float

    def net(self, limit: Limit) -> Table:
        """Of rows, per MWh: on the discharge, but on the charge where it charges."""
        pressed: Table = np.where(self.taking, -self.taken.net(limit), self.given.net(limit)) / self.hours
        return pressed

    @property
    def bounds(self) -> tuple[Table, Table]:
        """Of the ratings of discharge and charge, per MWh of each."""
        return (
            (self.given.bound + self.given.net(Limit.ONE_WAY)) / self.hours,
            (self.taken.bound + self.taken.net(Limit.ONE_WAY)) / self.hours,
        )


def explain_storage(
    plan: Formulation, values: Column, duals: Column, pressures: Pressures
) -> tuple[Reasons, Table, Table]:
    """Reasons, values, and the worth of a further MWh in store at the end of each step: (g, T) each."""
    storage, data = plan.storage, plan.storage.data
    discharge, charge = values[storage.discharge], values[storage.charge]
    flows = _Flows(
        giving=discharge > np.maximum(charge, _SAME_MW),
        taking=charge > np.maximum(discharge, _SAME_MW),
        holding_up=_held(values, storage.up, discharge.shape),
        holding_down=_held(values, storage.down, discharge.shape),
        given=pressures.on(storage.discharge),
        taken=pressures.on(storage.charge),
        hours=plan.horizon.hours,
    )
    by_power, power_value = decide(_powers(flows, data.discharge_efficiency))
    by_energy, energy_value = decide(_energies(pressures.on(storage.stored), flows))
    energetic = (by_energy != UNDECIDED) & ((by_power == UNDECIDED) | (energy_value > power_value))
    reason = np.where(energetic, by_energy, by_power)
    value = np.where(energetic, energy_value, power_value)
    idle = ~flows.giving & ~flows.taking & (reason == UNDECIDED)
    idle_reason, idle_value = _idle(flows, data.discharge_most)
    reason, value = np.where(idle, idle_reason, reason), np.where(idle, idle_value, value)
    most = np.where(flows.giving, data.discharge_most[:, None], data.charge_most[:, None])
    full = np.maximum(discharge, charge) >= most - _SAME_MW
    last = np.where(full, Reason.RATING, Reason.MARGINAL)
    return np.where(reason == UNDECIDED, last, reason).astype(np.uint8), value, _worth(plan, duals)


def _powers(flows: _Flows, discharge_efficiency: Column) -> list[tuple[Reason, Table]]:
    give, take = (np.maximum(bound, 0.0) for bound in flows.bounds)
    at_most = np.where(flows.giving, give, np.where(flows.taking, -take, 0.0))
    up, down = flows.net(Limit.RESERVE_POWER), flows.net(Limit.HELD_DOWN)
    held = np.where(flows.holding_up, up, 0.0) + np.where(flows.holding_down, down, 0.0)
    return [
        (Reason.RATING, at_most + up + down - held),
        (Reason.RESERVE, held),
        (Reason.CYCLES, flows.net(Limit.CYCLES) * discharge_efficiency[:, None]),
        (Reason.COVER, flows.net(Limit.COVER)),
        (Reason.GROUP, flows.net(Limit.GROUP)),
        (Reason.LEADING, flows.net(Limit.LEADING)),
        (Reason.OTHER, flows.net(Limit.OTHER)),
    ]


def _idle(flows: _Flows, discharge_most: Column) -> tuple[NDArray[np.int64], Table]:
    """Of a store that nothing else holds: it rests, or neither way pays; by how much the nearer one does not."""
    give, take = flows.bounds
    wished = flows.given.bound / flows.hours
    rests = (discharge_most[:, None] <= 0.0) & (wished > 0.0)
    missing = np.maximum(np.minimum(-give, -take), 0.0)
    return np.where(rests, int(Reason.RESTS), int(Reason.IDLE)), np.where(rests, wished, missing)


def _energies(held: Held, flows: _Flows) -> list[tuple[Reason, Table]]:
    """Energy, or room, must also sustain what is held in this step and the next; where nothing is, it is the limit."""
    for_up, for_down = held.net(Limit.RESERVE_ENERGY), held.net(Limit.RESERVE_ROOM)
    up, down = _now_or_next(flows.holding_up), _now_or_next(flows.holding_down)
    return [
        (Reason.SOC_FLOOR, held.net(Limit.FLOOR) + np.where(up, 0.0, for_up)),
        (Reason.SOC_CEILING, held.net(Limit.CEILING) + np.where(down, 0.0, for_down)),
        (Reason.FINAL_ENERGY, held.net(Limit.FINAL_ENERGY)),
        (Reason.RESERVE_ENERGY, np.where(up, for_up, 0.0) + np.where(down, for_down, 0.0)),
    ]


def _now_or_next(holding: Flags) -> Flags:
    either = holding.copy()
    either[:, :-1] |= holding[:, 1:]
    return either


def _held(values: Column, held: tuple[Sustained, ...], shape: tuple[int, ...]) -> Flags:
    power = sum((values[one.columns] for one in held), start=np.zeros(shape))
    holding: Flags = power > _SAME_MW
    return holding


def _worth(plan: Formulation, duals: Column) -> Table:
    """By the rows of the energy balance: one for each store and step, in this order."""
    rows = np.flatnonzero(plan.program.row_limits() == Limit.ENERGY)
    worth: Table = -duals[rows].reshape(plan.storage.stored.shape)
    return worth
