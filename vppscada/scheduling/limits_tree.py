"""Limits on groups of assets: feeders, inverters, the point of connection, one inside the other.

What a limit holds is summed into one variable for power and one for reserve, of which the limit around it takes the
sum in turn: so each asset stands in two rows, however deep the tree is.
"""

import numpy as np

from vppscada.model.limits import NONE, LimitTree
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.limits import LAST_RESORT, LimitSlack
from vppscada.scheduling.program import Index, Program
from vppscada.scheduling.renewable import Renewable
from vppscada.scheduling.storage import Storage
from vppscada.scheduling.thermal import Thermal

#: A line can be overloaded, a machine cannot do what it cannot: limits of groups give before those of machines.
_SHARE_OF_LAST_RESORT = 0.5


def add_limits(
    program: Program,
    horizon: Horizon,
    thermal: Thermal,
    renewable: Renewable,
    storage: Storage,
    slacks: list[LimitSlack],
) -> None:
    """minimum − slack ≤ Σ power, and Σ power + Σ reserve ≤ maximum + slack, for each limit in every step.

    Reserve counts because it could not be delivered through a limit that is full. An asset that takes no part
    counts with nothing.
    """
    tree, steps = horizon.request.limits, horizon.steps
    if len(tree) == 0:
        return
    shape = (len(tree), steps)
    power = program.block(shape, -np.inf, np.inf)
    reserve = program.block(shape)
    below, over = program.block(shape), program.block(shape)
    of_power = program.equal(shape, 0.0, (power, -1.0))
    of_reserve = program.equal(shape, 0.0, (reserve, -1.0))
    inner = np.flatnonzero(tree.parent != NONE)
    program.add(of_power[tree.parent[inner]], power[inner], 1.0)
    program.add(of_reserve[tree.parent[inner]], reserve[inner], 1.0)
    _add_members(program, tree, of_power, of_reserve, thermal, renewable, storage)
    program.at_least(shape, tree.minimum_mw[:, None], (power, 1.0), (below, 1.0))
    program.at_most(shape, tree.maximum_mw[:, None], (power, 1.0), (reserve, 1.0), (over, -1.0))
    price = np.array(_SHARE_OF_LAST_RESORT * LAST_RESORT * horizon.request.value_of_lost_load_per_mwh * horizon.hours)
    slacks.append(LimitSlack(tuple(f"{name} minimum" for name in tree.names), "MW", below, price))
    slacks.append(LimitSlack(tuple(f"{name} maximum" for name in tree.names), "MW", over, price))


def _add_members(
    program: Program,
    tree: LimitTree,
    of_power: Index,
    of_reserve: Index,
    thermal: Thermal,
    renewable: Renewable,
    storage: Storage,
) -> None:
    """The assets next to each limit."""
    node = tree.node[thermal.data.members]
    held = np.flatnonzero(node != NONE)
    program.add(of_power[node[held]], thermal.on[held], thermal.data.minimum[held][:, None])
    program.add(of_power[node[held]], thermal.above[held], 1.0)
    program.add(of_reserve[node[held]], thermal.reserve[held], 1.0)
    node = tree.node[renewable.members]
    held = np.flatnonzero(node != NONE)
    program.add(of_power[node[held]], renewable.power[held], 1.0)
    node = tree.node[storage.data.members]
    held = np.flatnonzero(node != NONE)
    program.add(of_power[node[held]], storage.discharge[held], 1.0)
    program.add(of_power[node[held]], storage.charge[held], -1.0)
    program.add(of_reserve[node[held]], storage.reserve[held], 1.0)
