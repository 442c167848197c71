"""What ties the assets together: balance with the requirement, trade, spinning reserve."""

from dataclasses import dataclass

import numpy as np

from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.limits import LimitSlack
from vppscada.scheduling.program import Index, Limit, Program
from vppscada.scheduling.renewable import Renewable
from vppscada.scheduling.storage import Storage
from vppscada.scheduling.thermal import Thermal


@dataclass(frozen=True, slots=True, eq=False)
class PlantRows:
    """Variables (T,) in MW, and the rows of balance and reserve, whose duals are the marginal prices."""

    unserved: Index
    dump: Index
    imported: Index
    exported: Index
    reserve_short: Index
    balance: Index
    reserve: Index


def add_balance(
    program: Program,
    horizon: Horizon,
    thermal: Thermal,
    renewable: Renewable,
    storage: Storage,
    slacks: list[LimitSlack],
) -> PlantRows:
    """Σ power + import − export + unserved − dump = requirement; Σ reserve + short − Σ doubtful ≥ reserve required."""
    request, steps = horizon.request, (horizon.steps,)
    unserved, dump, short = program.block(steps), program.block(steps), program.block(steps)
    imported = program.block(steps, 0.0, np.maximum(request.import_limit_mw, 0.0))
    exported = program.block(steps, 0.0, np.maximum(request.export_limit_mw, 0.0))
    balance = program.equal(
        steps,
        request.requirement_mw,
        (imported, 1.0),
        (exported, -1.0),
        (unserved, 1.0),
        (dump, -1.0),
        limit=Limit.BALANCE,
    )
    program.add(balance, thermal.on, thermal.data.minimum[:, None])
    program.add(balance, thermal.above, 1.0)
    program.add(balance, renewable.power, 1.0)
    program.add(balance, storage.discharge, 1.0)
    program.add(balance, storage.charge, -1.0)
    reserve = program.at_least(steps, np.maximum(request.reserve_mw, 0.0), (short, 1.0))
    program.add(reserve, thermal.reserve, 1.0)
    program.add(reserve, storage.reserve, 1.0)
    program.add(reserve, renewable.doubtful, -1.0)
    hours = horizon.hours
    # Where the price is deeply negative, to import only to dump it must not pay.
    dump_price = np.maximum(request.dump_penalty_per_mwh, 1.0 - request.price_per_mwh)
    for limit, columns, price in (
        ("requirement", unserved, np.array(request.value_of_lost_load_per_mwh)),
        ("surplus above the requirement", dump, dump_price),
        ("reserve requirement", short, np.array(request.reserve_penalty_per_mwh)),
    ):
        slacks.append(LimitSlack((limit,), "MW", columns[None, :], price * hours))
    return PlantRows(unserved, dump, imported, exported, short, balance, reserve)
