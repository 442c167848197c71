"""Limits on groups of assets: feeders, inverters, the point of connection, one inside the other.

What a limit holds is summed into one variable for power and one for reserve, of which the limit around it takes the
sum in turn: so each asset stands in two rows, however deep the tree is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vppscada.model.limits import NONE, LimitTree
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.limits import LAST_RESORT, LimitSlack
from vppscada.scheduling.products import Sale, quick_mw
from vppscada.scheduling.program import Index, Limit, Program
from vppscada.scheduling.renewable import Renewable
from vppscada.scheduling.storage import Storage
from vppscada.scheduling.thermal import Thermal

#: A line can be overloaded, a machine cannot do what it cannot: limits of groups give before those of machines.
_SHARE_OF_LAST_RESORT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class GroupRows:
    """The rows of the limits (k, T), whose duals are what one MW more of each is worth."""

    minimum: Index
    maximum: Index


def add_limits(
    program: Program,
    horizon: Horizon,
    thermal: Thermal,
    renewable: Renewable,
    storage: Storage,
    sales: Sequence[Sale],
    slacks: list[LimitSlack],
) -> GroupRows:
    """minimum − slack ≤ Σ power, and Σ power + Σ held upwards ≤ maximum + slack, for each limit in every step.

    Reserve and products upwards count because they could not be delivered through a limit that is full. An asset
    that takes no part counts with nothing.
    """
    tree, steps = horizon.request.limits, horizon.steps
    shape = (len(tree), steps)
    power = program.block(shape, -np.inf, np.inf)
    held = program.block(shape)
    below, over = program.block(shape), program.block(shape)
    of_power = program.equal(shape, 0.0, (power, -1.0), limit=Limit.GROUP)
    of_held = program.equal(shape, 0.0, (held, -1.0), limit=Limit.GROUP)
    inner = np.flatnonzero(tree.parent != NONE)
    program.add(of_power[tree.parent[inner]], power[inner], 1.0)
    program.add(of_held[tree.parent[inner]], held[inner], 1.0)
    if len(tree):
        _add_powers(program, tree, of_power, thermal, renewable, storage)
        _add_held(program, tree, of_held, thermal, storage, sales)
    minimum = program.at_least(shape, tree.minimum_mw[:, None], (power, 1.0), (below, 1.0), limit=Limit.GROUP)
    most = tree.maximum_mw[:, None]
    maximum = program.at_most(shape, most, (power, 1.0), (held, 1.0), (over, -1.0), limit=Limit.GROUP)
    price = np.array(_SHARE_OF_LAST_RESORT * LAST_RESORT * horizon.request.value_of_lost_load_per_mwh * horizon.hours)
    slacks.append(LimitSlack(tuple(f"{name} minimum" for name in tree.names), "MW", below, price))
    slacks.append(LimitSlack(tuple(f"{name} maximum" for name in tree.names), "MW", over, price))
    return GroupRows(minimum, maximum)


def _add_powers(
    program: Program, tree: LimitTree, rows: Index, thermal: Thermal, renewable: Renewable, storage: Storage
) -> None:
    """Of the assets next to each limit."""
    _add(program, tree, rows, thermal.data.members, thermal.on, thermal.data.minimum[:, None])
    _add(program, tree, rows, thermal.data.members, thermal.above)
    _add(program, tree, rows, renewable.members, renewable.power)
    _add(program, tree, rows, storage.data.members, storage.discharge)
    _add(program, tree, rows, storage.data.members, storage.charge, -1.0)


def _add_held(
    program: Program, tree: LimitTree, rows: Index, thermal: Thermal, storage: Storage, sales: Sequence[Sale]
) -> None:
    """The reserve, and each product upwards, of the assets next to each limit."""
    _add(program, tree, rows, thermal.data.members, thermal.reserve)
    _add(program, tree, rows, storage.data.members, storage.reserve)
    for sale in sales:
        if sale.product.up:
            quick = quick_mw(thermal.data, sale.product) > 0.0
            _add(program, tree, rows, thermal.data.members, sale.running)
            _add(program, tree, rows, thermal.data.members[quick], sale.resting)
            _add(program, tree, rows, storage.data.members, sale.stored)


def _add(
    program: Program, tree: LimitTree, rows: Index, members: Index, columns: Index, coefficient: ArrayLike = 1.0
) -> None:
    node = tree.node[members]
    held = np.flatnonzero(node != NONE)
    spread = np.broadcast_to(coefficient, columns.shape)
    program.add(rows[node[held]], columns[held], spread[held])
