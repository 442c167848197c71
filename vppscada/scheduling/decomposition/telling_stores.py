"""Why a store of a large fleet is charged, discharged or left alone: by what energy in it is worth at the prices."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import column
from vppscada.model.explanation import Reason
from vppscada.model.schedule import Schedule
from vppscada.scheduling.decomposition.cycles import taken_by_day
from vppscada.scheduling.decomposition.stores import Stores
from vppscada.scheduling.horizon import RESERVE_SUSTAIN_H, Horizon
from vppscada.scheduling.pressures import UNDECIDED, decide
from vppscada.scheduling.storage import MEND_PER_MWH_H, StorageData

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]
Index = NDArray[np.int64]
Reasons = NDArray[np.uint8]

_SAME_MW, _SAME_MWH = 1e-5, 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class _Stand:
    """What goes on (g, T)."""

    giving: Flags
    taking: Flags
    at_rating: Flags  # of discharge or charge
    before: Table  # MWh at the start of each step
    stored: Table  # … at its end
    full_power: Flags  # reserve takes what power leaves
    full_energy: Flags  # reserve takes all that the energy at the end of the step sustains, in it or in the next


@dataclass(frozen=True, slots=True, eq=False)
class _Worth:
    """Of a MWh in the store (g, T): within a step, and left at its end for the steps that follow."""

    now: Table
    later: Table


def tell_stores(
    horizon: Horizon, data: StorageData, some: Index, schedule: Schedule, energy: Column, reserve: Column, taken: Column
) -> tuple[Reasons, Table, Table]:
    """Reasons, values, and the worth of a further MWh in store at the end of each step: (g, T) each.

    ``taken`` (g,) is the price per MWh taken out, of the cycles of the day.
    """
    stores = Stores(horizon, data).only(some)
    stand = _stand(stores, schedule)
    held = np.where(stand.full_power, reserve[None, :], 0.0)
    worth = _worth(stores, stand, energy[None, :] - held, taken)
    wear, given = stores.wear[:, None], stores.data.discharge_efficiency[:, None]
    gives = energy[None, :] - wear - worth.now / given
    takes = worth.now * stores.data.charge_efficiency[:, None] - energy[None, :]
    pays = np.where(stand.giving, gives - held - taken[:, None] / given, takes + held)
    power, power_value = decide(_powers(stores, stand, pays, held, taken, schedule))
    full = np.where(stand.full_energy, reserve[None, :] * horizon.hours * given / RESERVE_SUSTAIN_H, 0.0)
    stored, stored_value = decide(_energies(stores, stand, worth, full))
    by_energy = (stored != UNDECIDED) & ((power == UNDECIDED) | (stored_value > power_value))
    reason, value = np.where(by_energy, stored, power), np.where(by_energy, stored_value, power_value)
    idle = ~stand.giving & ~stand.taking
    least = np.maximum(np.minimum(-(gives - held - taken[:, None] / given), -(takes + held)), 0.0)
    resting, rest_value = _resting(stores, stand, idle, least, gives, takes)
    free = reason == UNDECIDED
    return np.where(free, resting, reason).astype(np.uint8), np.where(free, rest_value, value), worth.now


def _stand(stores: Stores, schedule: Schedule) -> _Stand:
    data, members = stores.data, stores.data.members
    power, held, stored = (one[members] for one in (schedule.power_mw, schedule.reserve_mw, schedule.stored_mwh))
    before = np.concatenate([data.before[:, None], stored[:, :-1]], axis=1)
    giving, taking = power > _SAME_MW, power < -_SAME_MW
    rating = column(data.assets, "rating_mw")[:, None]
    sustains = np.maximum(stored - data.least[:, None], 0.0) * data.discharge_efficiency[:, None] / RESERVE_SUSTAIN_H
    holding = held > _SAME_MW
    full_power = holding & (power + held >= rating - _SAME_MW)
    return _Stand(
        giving=giving,
        taking=taking,
        at_rating=np.where(giving, power, -power)
        >= np.where(giving, data.discharge_most[:, None], data.charge_most[:, None]) - _SAME_MW,
        before=before,
        stored=stored,
        full_power=full_power,
        full_energy=_now_or_next(holding & ~full_power, held, sustains),
    )


def _now_or_next(holding: Flags, held: Table, sustains: Table) -> Flags:
    found = holding & (held >= sustains - _SAME_MW)
    found[:, :-1] |= holding[:, 1:] & (held[:, 1:] >= sustains[:, :-1] - _SAME_MW)
    return found


def _worth(stores: Stores, stand: _Stand, own: Table, taken: Column) -> _Worth:
    """By the recursion over what is left, along the plan: where its slope turns, what the step does with it decides."""
    data = stores.data
    less, more = stores.worth_along(own, taken, stand.before)
    keeps = np.maximum(data.keeps, 1e-9)[:, None]
    less, more = less / keeps, more / keeps
    gives = (own - stores.wear[:, None]) * data.discharge_efficiency[:, None] - taken[:, None]
    pays_in = own / data.charge_efficiency[:, None]
    turns = np.where(stand.giving, gives, np.where(stand.taking, pays_in, (less + more) / 2.0))
    now = np.clip(turns, np.minimum(less, more), np.maximum(less, more))
    later = np.zeros_like(now)
    later[:, :-1] = now[:, 1:] * keeps
    return _Worth(now, later)


def _powers(
    stores: Stores, stand: _Stand, pays: Table, held: Table, taken: Column, schedule: Schedule
) -> list[tuple[Reason, Table]]:
    """Positive holds the net power down. ``pays`` is what a further MW of its discharge or charge would bring."""
    room = np.where(stand.at_rating, np.maximum(pays, 0.0), 0.0)
    out = np.maximum(schedule.power_mw[stores.data.members], 0.0)
    limit = np.array([asset.cycles_per_day * asset.capacity_mwh for asset in stores.data.assets])[:, None]
    used = taken_by_day(stores, out) >= limit - _SAME_MWH
    return [
        (Reason.RATING, np.where(stand.giving, room, np.where(stand.taking, -room, 0.0))),
        (Reason.RESERVE, held),
        (Reason.CYCLES, np.where(~stand.taking & used, taken[:, None], 0.0)),
    ]


def _energies(stores: Stores, stand: _Stand, worth: _Worth, for_reserve: Table) -> list[tuple[Reason, Table]]:
    """Negative holds the energy up: what a MWh is worth in the step beyond what it is worth afterwards."""
    data = stores.data
    beyond = worth.now - worth.later
    mend = MEND_PER_MWH_H * stores.hours
    empty, full = stand.stored < data.least[:, None] - _SAME_MWH, stand.stored > data.most[:, None] + _SAME_MWH
    floor = ~empty & (stand.stored <= data.least[:, None] + _SAME_MWH)
    ceiling = ~full & (stand.stored >= data.most[:, None] - _SAME_MWH)
    held_up = np.where(floor, np.maximum(beyond, 0.0), np.where(empty, mend, 0.0))
    owed = np.zeros_like(held_up)
    ends = (stores.final > 0.0) & (stand.stored[:, -1] <= stores.final + _SAME_MWH)
    owed[:, -1] = np.where(ends, np.clip(beyond[:, -1], 0.0, stores.final_price), 0.0)
    return [
        (Reason.SOC_FLOOR, -np.maximum(held_up - owed, 0.0)),
        (Reason.SOC_CEILING, np.where(ceiling, np.maximum(-beyond, 0.0), np.where(full, mend, 0.0))),
        (Reason.FINAL_ENERGY, -owed),
        (Reason.RESERVE_ENERGY, -np.where(floor, 0.0, for_reserve)),
    ]


def _resting(
    stores: Stores, stand: _Stand, idle: Flags, least: Table, gives: Table, takes: Table
) -> tuple[Reasons, Table]:
    """Where no limit presses: idle, or at the rating and content, or following the price (as near as the value)."""
    rests = idle & (stores.data.discharge_most[:, None] <= 0.0) & (gives > 0.0)
    moving = np.where(stand.at_rating, Reason.RATING, Reason.MARGINAL)
    reason = np.where(rests, Reason.RESTS, np.where(idle, Reason.IDLE, moving))
    marginal = np.where(stand.at_rating, 0.0, np.abs(np.where(stand.giving, gives, takes)))
    return reason.astype(np.uint8), np.where(rests, gives, np.where(idle, least, marginal))
