"""Products beside energy: each asset's share of them, what the plant owes of each, and what it sells beyond that.

Within an asset the room is shared by `thermal` and `storage`; units that are off stand here.
"""

from dataclasses import dataclass

import numpy as np

from vppscada.model.assets import AssetKind, column
from vppscada.model.schedule import Product
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.limits import LimitSlack
from vppscada.scheduling.program import Index, Program
from vppscada.scheduling.storage import Storage
from vppscada.scheduling.thermal import Thermal, ThermalData


@dataclass(frozen=True, slots=True, eq=False)
class Sale:
    """Variables of one product: held by units on and off, and by storage, (g, T); sold (T,)."""

    product: Product
    running: Index
    resting: Index  # (0, T) where units that are off do not count
    stored: Index
    sold: Index


def add_products(
    program: Program, horizon: Horizon, thermal: Thermal, storage: Storage, slacks: list[LimitSlack]
) -> list[Sale]:
    """Σ held + short ≥ required + sold, for each product of the request."""
    running = {True: iter(thermal.up[1:]), False: iter(thermal.down)}
    stored = {True: iter(storage.up[1:]), False: iter(storage.down)}
    return [
        _add_product(
            program, horizon, thermal, product, next(running[product.up]), next(stored[product.up]).columns, slacks
        )
        for product in horizon.request.products
    ]


def _add_product(
    program: Program,
    horizon: Horizon,
    thermal: Thermal,
    product: Product,
    running: Index,
    stored: Index,
    slacks: list[LimitSlack],
) -> Sale:
    steps = (horizon.steps,)
    resting = _add_resting(program, horizon, thermal, product)
    sold = program.block(steps, 0.0, np.maximum(product.offered_mw, 0.0))
    short = program.block(steps)
    owed = program.at_least(steps, np.maximum(product.required_mw, 0.0), (short, 1.0), (sold, -1.0))
    for held in (running, resting, stored):
        program.add(owed, held, 1.0)
    # Nothing is sold out of what is missing, whatever is paid for it.
    penalty = np.maximum(horizon.request.reserve_penalty_per_mwh, product.price_per_mw_h + 1.0)
    slacks.append(LimitSlack((product.name,), "MW", short[None, :], penalty * horizon.hours))
    return Sale(product, running, resting, stored, sold)


def _add_resting(program: Program, horizon: Horizon, thermal: Thermal, product: Product) -> Index:
    """Units that are off, past their minimum down time, and there within the response."""
    data = thermal.data
    most = quick_mw(data, product)
    quick = most > 0.0
    steps = horizon.steps
    free = first_free_step(horizon, data)
    bound = np.where(np.arange(steps)[None, :] >= free[quick][:, None], most[quick][:, None], 0.0)
    resting = program.block(bound.shape, 0.0, bound)
    down = program.at_most(bound.shape, most[quick][:, None], (resting, 1.0), (thermal.on[quick], most[quick][:, None]))
    least = data.minimum_down[quick]
    for lag in range(min(int(least.max(initial=1)), steps)):
        there = least > lag
        program.add(down[there, lag:], thermal.stop[quick][there, : steps - lag], most[quick][there][:, None])
    return resting


def quick_mw(data: ThermalData, product: Product) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """What each unit (g,) gives out of rest within the response; 0 for those that may not or cannot."""
    assets = data.assets
    may = np.array([asset.kind is not AssetKind.EMERGENCY_GENERATOR for asset in assets], dtype=np.bool_)
    may &= product.holders[data.members] & (product.up and product.off_line)
    left_min = product.response_min - column(assets, "start_time_s") / 60.0
    loaded = data.minimum + np.where(left_min > 0.0, column(assets, "ramp_up_mw_per_min") * left_min, 0.0)
    return np.where(may & (left_min >= 0.0), np.minimum(loaded, column(assets, "rating_mw")), 0.0)


def first_free_step(horizon: Horizon, data: ThermalData) -> Index:
    """First step (g,) in which what is left of the minimum down time from before the plan is over."""
    left = horizon.steps_to_cover(column(data.assets, "minimum_down_s") / 3600.0 - data.hours_in_state)
    return np.where(data.was_on, 0, left)
