"""The master of the decomposition: groups of assets choose among plans seen so far; the balance prices energy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling import mathopt
from vppscada.scheduling.decomposition.plant import Open
from vppscada.scheduling.decomposition.stores import Flow
from vppscada.scheduling.program import Index, Program

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The plant's rows (T,)."""

    balance: Index
    reserve: Index


@dataclass(frozen=True, slots=True, eq=False)
class Proposals:
    """Plans of one round, by group: their cost (k,), power and reserve (k, T)."""

    cost: Column
    power: Table
    reserve: Table


@dataclass(frozen=True, slots=True, eq=False)
class Priced:
    """What the master found: prices per MWh and per MW of reserve and hour, and the weight of each plan (rounds, k)."""

    energy: Column
    reserve: Column
    weight: Table
    objective: float


def grouped(group: Index, cost: Column, power: Table, reserve: Table) -> Proposals:
    """Sums over the assets of each group (groups are numbered from 0, none is empty)."""
    order = np.argsort(group, kind="stable")
    begins = np.searchsorted(group[order], np.arange(int(group.max(initial=-1)) + 1))
    if not len(begins):
        return Proposals(cost, power, reserve)
    return Proposals(
        np.add.reduceat(cost[order], begins),
        np.add.reduceat(power[order], begins, axis=0),
        np.add.reduceat(reserve[order], begins, axis=0),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """Where prices may go: at most so far from a centre."""

    energy: Column
    reserve: Column
    width: float


def solve_master(plant: Open, rounds: list[Proposals], time_limit_s: float, box: Box | None = None) -> Priced | None:
    """The cheapest mixture of the plans, one for each group in all, that the plant's rows allow.

    With a ``box`` the rows may be broken at the prices of its edges, which keeps the prices within it.
    """
    program, hours = Program(), plant.hours
    rows = add_plant(program, plant)
    weight = add_plans(program, rows, rounds)
    if box is not None:
        _add_box(program, rows, box, hours)
    answer = mathopt.run(mathopt.model_of(program.matrices()), time_limit_s)
    if not answer.found or not len(answer.duals):
        return None
    prices = answer.duals[rows.balance] / hours, answer.duals[rows.reserve] / hours
    return Priced(*prices, answer.values[weight], answer.objective)


def add_plant(program: Program, plant: Open) -> Rows:
    """The rows of the plant, with sun and wind, trade, and what may be left undone."""
    steps, hours = (len(plant.owed),), plant.hours
    sun = program.block(plant.sun_by_kind.shape, 0.0, plant.sun_by_kind)
    doubtful = program.block(plant.doubtful_by_kind.shape, 0.0, plant.doubtful_by_kind)
    unserved, dump, short = (program.block(steps) for _ in range(3))
    bought, sold = program.block(steps, 0.0, plant.bought), program.block(steps, 0.0, plant.sold)
    balance = program.equal(steps, plant.owed, (unserved, 1.0), (dump, -1.0), (bought, 1.0), (sold, -1.0))
    reserve = program.at_least(steps, plant.reserve, (short, 1.0))
    program.add(reserve, doubtful, -1.0)
    for power in (sun, doubtful):
        program.add(balance, power, 1.0)
        program.price(power, hours * plant.kinds[:, None])
    for columns, price in (
        (unserved, np.array(plant.unserved_price)),
        (dump, plant.dump_price),
        (short, np.array(plant.short_price)),
        (bought, plant.price),
        (sold, -plant.price),
    ):
        program.price(columns, hours * price)
    program.offset += plant.left_cost
    return Rows(balance, reserve)


def add_plans(program: Program, rows: Rows, rounds: list[Proposals], open_: Flags | None = None) -> Index:
    """A mixture of the plans for each group: weights (rounds, groups) that sum to one; all, or those that are open."""
    groups = len(rounds[0].cost)
    wanted = np.ones((len(rounds), groups), dtype=np.bool_) if open_ is None else open_
    weight = np.full(wanted.shape, -1, dtype=np.int64)
    one = program.equal((groups,), 1.0)
    for k, made in enumerate(rounds):
        among = np.flatnonzero(wanted[k])
        columns = weight[k, among] = program.block((len(among),))
        program.add(one[among], columns, 1.0)
        program.add(rows.balance, columns[:, None], made.power[among])
        program.add(rows.reserve, columns[:, None], made.reserve[among])
        program.price(columns, made.cost[among])
    return weight


def add_stores(program: Program, rows: Rows, plans: list[Flow], group: Index, open_: Flags) -> Index:
    """Mixtures of the open plans of stores by group; −1 stands for those that are not."""
    made = [grouped(group, one.cost, one.power, one.reserve) for one in plans]
    return add_plans(program, rows, made, open_)


def _add_box(program: Program, rows: Rows, box: Box, hours: float) -> None:
    for row, centre in ((rows.balance, box.energy), (rows.reserve, box.reserve)):
        more, less = program.block(row.shape), program.block(row.shape)
        program.add(row, more, 1.0)
        program.add(row, less, -1.0)
        program.price(more, hours * (centre + box.width))
        program.price(less, -hours * (centre - box.width))
