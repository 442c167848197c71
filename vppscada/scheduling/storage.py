"""Storage: battery, flywheel, superconducting coil. Energy in, energy out, losses while it waits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset, AssetFamily, column
from vppscada.scheduling.horizon import FAST_STORAGE_RESTS_FROM_S, RESERVE_SUSTAIN_H, Horizon
from vppscada.scheduling.limits import LAST_RESORT, LimitSlack
from vppscada.scheduling.program import Index, Limit, Program

Column = NDArray[np.float64]
Table = NDArray[np.float64]

#: Price of energy outside the limits that was so at the start, per MWh and hour: to be mended soon, at no great cost.
MEND_PER_MWH_H = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class StorageData:
    """Constants of the g storages that take part."""

    members: Index
    assets: list[Asset]
    charge_most: Column
    discharge_most: Column
    charge_efficiency: Column
    discharge_efficiency: Column
    keeps: Column  # share of the energy left after a step
    standby: Column  # MWh lost per step
    before: Column  # MWh at the start
    least: Column  # MWh
    most: Column
    idle: Table  # (g, T) MWh at the end of each step if nothing is done
    below: Table  # (g, T) MWh that doing nothing falls below the minimum
    over: Table
    reserve_most: Table
    up_most: Table  # MW that may be promised upwards
    down_most: Table

    def __len__(self) -> int:
        return len(self.assets)


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """Variables (g, T): MW in, MW out, MWh at the end of a step, MW of reserve."""

    data: StorageData
    charge: Index
    discharge: Index
    stored: Index
    reserve: Index
    up: tuple["Sustained", ...]  # the reserve and each product upwards
    down: tuple["Sustained", ...]  # each product downwards


@dataclass(frozen=True, slots=True, eq=False)
class Sustained:
    """Power held (g, T), and the hours that it must be kept up."""

    columns: Index
    sustain_h: float


def storage_data(horizon: Horizon) -> StorageData:
    """Read the constants out of the request."""
    members = horizon.members(AssetFamily.STORAGE)
    assets = horizon.assets(members)
    capacity = column(assets, "capacity_mwh")
    least, most = column(assets, "soc_minimum") * capacity, column(assets, "soc_maximum") * capacity
    before = np.maximum(horizon.request.initial.stored_mwh[members], 0.0)
    keeps = np.maximum(1.0 - column(assets, "self_discharge_per_h") * horizon.hours, 0.0)
    standby = column(assets, "standby_loss_mw") * horizon.hours
    rests = np.array(
        [a.kind.is_fast_storage and horizon.request.step_s >= FAST_STORAGE_RESTS_FROM_S for a in assets], dtype=np.bool_
    )
    idle = idle_path(before, keeps, standby, horizon.steps)
    below = np.maximum(least[:, None] - idle, 0.0)
    rating, charge_most = column(assets, "rating_mw"), column(assets, "charge_rating_mw")
    holds = np.array([a.reserve for a in assets], dtype=np.bool_)
    # What starts below its minimum has no energy to promise until a later plan finds it above.
    firm = (before >= least)[:, None] | (below == 0.0)
    over = np.maximum(idle - most[:, None], 0.0)
    room = (before <= most)[:, None] | (over == 0.0)
    whole = (rating + charge_most)[:, None]
    return StorageData(
        members=members,
        assets=assets,
        charge_most=charge_most,
        discharge_most=np.where(rests, 0.0, rating),
        charge_efficiency=column(assets, "charge_efficiency"),
        discharge_efficiency=column(assets, "discharge_efficiency"),
        keeps=keeps,
        standby=standby,
        before=before,
        least=least,
        most=most,
        idle=idle,
        below=below,
        over=over,
        reserve_most=np.where(holds[:, None] & firm, whole, 0.0),
        up_most=np.where(firm, whole, 0.0),
        down_most=np.where(room, whole, 0.0),
    )


def idle_path(before: Column, keeps: Column, standby: Column, steps: int) -> Table:
    """Stored energy at the end of each step if nothing is charged or discharged; never below zero."""
    path = np.zeros((len(before), steps))
    stored = before
    for t in range(steps):
        stored = np.maximum(keeps * stored - standby, 0.0)
        path[:, t] = stored
    return path


def add_storage(program: Program, horizon: Horizon, data: StorageData, slacks: list[LimitSlack]) -> Storage:
    """All variables and rows but the choice between charge and discharge."""
    shape = (len(data), horizon.steps)
    reserve = program.block(shape, 0.0, data.reserve_most)
    storage = Storage(
        data=data,
        charge=program.block(shape, 0.0, data.charge_most[:, None]),
        discharge=program.block(shape, 0.0, data.discharge_most[:, None]),
        stored=program.block(shape, 0.0, np.inf),
        reserve=reserve,
        up=(Sustained(reserve, RESERVE_SUSTAIN_H), *_products(program, horizon, data, up=True)),
        down=_products(program, horizon, data, up=False),
    )
    add_energy_balance(program, horizon, storage)
    below, over = add_energy_limits(program, horizon, storage, slacks)
    add_final_energy(program, horizon, storage, slacks)
    add_cycles(program, horizon, storage)
    add_headroom(program, storage, below, over)
    return storage


def _products(program: Program, horizon: Horizon, data: StorageData, *, up: bool) -> tuple[Sustained, ...]:
    most = data.up_most if up else data.down_most
    return tuple(
        Sustained(program.block(most.shape, 0.0, most * product.holders[data.members][:, None]), product.sustain_h)
        for product in horizon.request.products
        if product.up is up
    )


def add_energy_balance(program: Program, horizon: Horizon, storage: Storage) -> None:
    """stored = keeps × stored before + efficiency × charge − discharge / efficiency − standby loss.

    An empty store loses nothing: the loss is forgiven as far as an idle store could not pay it.
    """
    data, hours = storage.data, horizon.hours
    before = np.zeros(storage.stored.shape)
    before[:, 0] = data.keeps * data.before
    empty = data.idle <= 0.0
    forgiven = program.block(storage.stored.shape, 0.0, np.where(empty, data.standby[:, None], 0.0))
    program.price(forgiven, LAST_RESORT * horizon.request.value_of_lost_load_per_mwh)
    rows = program.equal(
        storage.stored.shape,
        before - data.standby[:, None],
        (storage.stored, 1.0),
        (storage.charge, -hours * data.charge_efficiency[:, None]),
        (storage.discharge, hours / data.discharge_efficiency[:, None]),
        (forgiven, -1.0),
        limit=Limit.ENERGY,
    )
    program.add(rows[:, 1:], storage.stored[:, :-1], -data.keeps[:, None])


def add_energy_limits(
    program: Program, horizon: Horizon, storage: Storage, slacks: list[LimitSlack]
) -> tuple[Index, Index]:
    """Minimum and maximum of stored energy. They give only as far as an idle store would break them.

    Returns the slacks of the minimum and of the maximum.
    """
    data = storage.data
    below = program.block(storage.stored.shape, 0.0, data.below)
    over = program.block(storage.stored.shape, 0.0, data.over)
    shape = storage.stored.shape
    program.at_least(shape, data.least[:, None], (storage.stored, 1.0), (below, 1.0), limit=Limit.FLOOR)
    program.at_most(shape, data.most[:, None], (storage.stored, 1.0), (over, -1.0), limit=Limit.CEILING)
    mend = MEND_PER_MWH_H * horizon.hours
    avoidable = LAST_RESORT * horizon.request.value_of_lost_load_per_mwh * horizon.hours
    price = np.where(data.before < data.least, mend, avoidable)[:, None]
    names = [asset.name for asset in data.assets]
    slacks.append(LimitSlack(tuple(f"{name} state of charge minimum" for name in names), "MWh", below, price))
    slacks.append(LimitSlack(tuple(f"{name} state of charge maximum" for name in names), "MWh", over, np.array(mend)))
    return below, over


def add_final_energy(program: Program, horizon: Horizon, storage: Storage, slacks: list[LimitSlack]) -> None:
    """What is to be left at the end, as far as it can be had for less than the reserve penalty per MWh."""
    assets = storage.data.assets
    ending = np.array([i for i, asset in enumerate(assets) if asset.soc_final_minimum is not None], dtype=np.int64)
    wanted = np.array([(assets[i].soc_final_minimum or 0.0) * assets[i].capacity_mwh for i in ending])
    shape = (len(ending), horizon.steps)
    last = np.zeros(shape)
    last[:, -1] = np.inf
    short = program.block(shape, 0.0, last)
    left = (storage.stored[ending, -1], 1.0)
    program.at_least((len(ending),), wanted, left, (short[:, -1], 1.0), limit=Limit.FINAL_ENERGY)
    names = tuple(f"{assets[i].name} state of charge at the end" for i in ending)
    slacks.append(LimitSlack(names, "MWh", short, np.array(horizon.request.reserve_penalty_per_mwh)))


def add_cycles(program: Program, horizon: Horizon, storage: Storage) -> None:
    """Energy taken out of the store per 24 hours of the horizon ≤ cycles × capacity."""
    data = storage.data
    block_of_step = np.floor(np.arange(horizon.steps) * horizon.hours / 24.0 + 1e-9).astype(np.int64)
    for i, asset in enumerate(data.assets):
        if np.isfinite(asset.cycles_per_day):
            most = asset.cycles_per_day * asset.capacity_mwh
            rows = program.at_most((int(block_of_step[-1]) + 1,), most, limit=Limit.CYCLES)
            program.add(rows[block_of_step], storage.discharge[i], horizon.hours / data.discharge_efficiency[i])


def add_headroom(program: Program, storage: Storage, below: Index, over: Index) -> None:
    """What is held within the power that is free, and within the energy that it must sustain at both ends of a step."""
    data, shape = storage.data, storage.stored.shape
    power = (storage.discharge, 1.0), (storage.charge, -1.0)
    rating, charge_rating = (column(data.assets, field)[:, None] for field in ("rating_mw", "charge_rating_mw"))
    program.at_most(shape, rating, *((one.columns, 1.0) for one in storage.up), *power, limit=Limit.RESERVE_POWER)
    out = [(one.columns, -one.sustain_h / data.discharge_efficiency[:, None]) for one in storage.up]
    _sustained(program, storage, data.least, out, below, 1.0, Limit.RESERVE_ENERGY)
    if storage.down:
        held = [(one.columns, -1.0) for one in storage.down]
        program.at_least(shape, -charge_rating, *held, *power, limit=Limit.HELD_DOWN)
        into = [(one.columns, one.sustain_h * data.charge_efficiency[:, None]) for one in storage.down]
        _sustained(program, storage, data.most, into, over, -1.0, Limit.RESERVE_ROOM)


def _sustained(
    program: Program,
    storage: Storage,
    energy: Column,
    moved: list[tuple[Index, Table]],
    slack: Index,
    sign: float,
    limit: Limit,
) -> None:
    """sign × (stored + moved) + slack ≥ sign × energy, at the end of each step and at its start."""
    data, shape = storage.data, storage.stored.shape
    bound = sign * energy[:, None]
    taken = [(columns, sign * factor) for columns, factor in moved]
    program.at_least(shape, bound, (storage.stored, sign), (slack, 1.0), *taken, limit=limit)
    first = [(columns[:, 0], -factor[:, 0]) for columns, factor in taken]
    program.at_most((len(data),), np.maximum(sign * (data.before - energy), 0.0), *first)
    later = [(columns[:, 1:], factor) for columns, factor in taken]
    before = (storage.stored[:, :-1], sign), (slack[:, :-1], 1.0)
    program.at_least((shape[0], shape[1] - 1), bound, *before, *later, limit=limit)


def add_one_way(program: Program, storage: Storage, either: NDArray[np.bool_]) -> Index:
    """Where ``either`` (g, T): charge or discharge, not both. Returns the choices, 1 = charge."""
    charging = program.block((int(either.sum()),), 0.0, 1.0, integer=True)
    charge_most = np.broadcast_to(storage.data.charge_most[:, None], either.shape)[either]
    discharge_most = np.broadcast_to(storage.data.discharge_most[:, None], either.shape)[either]
    charge, discharge = (storage.charge[either], 1.0), (storage.discharge[either], 1.0)
    program.at_most(charging.shape, 0.0, charge, (charging, -charge_most), limit=Limit.ONE_WAY)
    program.at_most(charging.shape, discharge_most, discharge, (charging, discharge_most), limit=Limit.ONE_WAY)
    return charging
