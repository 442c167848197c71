"""N-1: the reserve of the others covers the loss of any large unit, where it is asked or reliability leads."""

from collections.abc import Iterator

import numpy as np

from vppscada.model.assets import Asset
from vppscada.scheduling.horizon import LARGE_SHARE, Horizon
from vppscada.scheduling.limits import LimitSlack
from vppscada.scheduling.program import Index, Limit, Program
from vppscada.scheduling.renewable import Renewable
from vppscada.scheduling.storage import Storage
from vppscada.scheduling.thermal import Thermal

Shares = list[tuple[Index, float]]


def add_cover(
    program: Program,
    horizon: Horizon,
    thermal: Thermal,
    renewable: Renewable,
    storage: Storage,
    slacks: list[LimitSlack],
) -> None:
    """Σ reserve of the others + slack ≥ power of each large unit + what is doubtful of the others, in every step."""
    request, steps = horizon.request, (horizon.steps,)
    if not horizon.covers_losses:
        return
    every = program.block(steps, -np.inf)  # the reserve of all less what is doubtful: each row has few entries then
    total = program.equal(steps, 0.0, (every, -1.0))
    program.add(total, thermal.reserve, 1.0)
    program.add(total, storage.reserve, 1.0)
    program.add(total, renewable.doubtful, -1.0)
    large = LARGE_SHARE * sum(asset.rating_mw for asset in request.assets)
    price = np.array(request.reserve_penalty_per_mwh * horizon.hours)
    for asset, gone in _units(thermal, renewable, storage):
        if asset.rating_mw >= large:
            short = program.block(steps)
            lost = [(columns, -share) for columns, share in gone]
            program.at_least(steps, 0.0, (every, 1.0), (short, 1.0), *lost, limit=Limit.COVER)
            slacks.append(LimitSlack((f"reserve for the loss of {asset.name}",), "MW", short[None, :], price))


def _units(
    thermal: Thermal, renewable: Renewable, storage: Storage
) -> Iterator[tuple[Asset, list[tuple[Index, float]]]]:
    """Each asset, and what is gone with it: its power and the reserve that it holds, as shares of columns (T,)."""
    for i, asset in enumerate(thermal.data.assets):
        own = (thermal.on[i], float(thermal.data.minimum[i])), (thermal.above[i], 1.0), (thermal.reserve[i], 1.0)
        yield asset, list(own)
    doubtful = dict(zip(renewable.doubted.tolist(), renewable.doubtful, strict=True))
    for i, asset in enumerate(renewable.assets):
        again = [(doubtful[i], -1.0)] if i in doubtful else []  # it is in the reserve of all already
        yield asset, [(renewable.power[i], 1.0), *again]
    for i, asset in enumerate(storage.data.assets):
        yield asset, [(storage.discharge[i], 1.0), (storage.charge[i], -1.0), (storage.reserve[i], 1.0)]
