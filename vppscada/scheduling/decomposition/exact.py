"""Powers of a fleet that is not too large, once its times are settled: the whole program with its commitment fixed."""

import numpy as np
from numpy.typing import NDArray

from vppscada.model.schedule import ScheduleRequest
from vppscada.scheduling.decomposition.alone import Alone
from vppscada.scheduling.formulation import formulate
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.settling import Settled, settle
from vppscada.scheduling.storage import storage_data
from vppscada.scheduling.thermal import ThermalData

Flags = NDArray[np.bool_]


def settled_by_program(
    request: ScheduleRequest, data: ThermalData, alone: Alone, on: Flags, time_limit_s: float
) -> Settled | None:
    """The least cost of these times (g, T) of the units; None where they are not possible, or out of time."""
    if time_limit_s <= 0.0:
        return None
    nowhere = np.zeros((len(storage_data(Horizon(request))), request.steps), dtype=np.bool_)
    plan = formulate(request, nowhere)
    for tier in TIERS[request.objective]:
        price_tier(plan, tier)
    running = alone.on.copy()
    running[data.members] = on
    values = np.zeros(plan.program.columns)
    values[plan.thermal.on] = running[plan.thermal.data.members]
    return settle(plan, plan.program.matrices(), values, time_limit_s)
