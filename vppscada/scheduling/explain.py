"""Why a schedule is as it is, from the duals of the linear program that is left when its commitment is fixed."""

import numpy as np
from numpy.typing import NDArray

from vppscada.model.explanation import Explanation, Reason
from vppscada.scheduling.explain_storage import explain_storage
from vppscada.scheduling.explain_thermal import explain_thermal
from vppscada.scheduling.formulation import Formulation
from vppscada.scheduling.pressures import UNDECIDED, Pressures, decide
from vppscada.scheduling.program import Limit, Matrices

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Reasons = NDArray[np.uint8]

_SAME_MW = 1e-6


def explained(plan: Formulation, matrices: Matrices, values: Column, duals: Column) -> Explanation:
    """One reason for each asset and step, with its value; what one more MW and one less of reserve are worth.

    Args:
        plan: where the variables and rows stand.
        matrices: of the linear program that was solved last.
        values: of its columns.
        duals: of its rows.
    """
    request, hours = plan.horizon.request, plan.horizon.hours
    shape = (len(request.assets), request.steps)
    pressures = Pressures(matrices, duals, plan.program.row_limits()[: len(duals)])  # later tiers may have added rows
    price = duals[plan.rows.balance] / hours
    reason = np.full(shape, int(Reason.NOT_USABLE), dtype=np.uint8)
    value, stored = np.full(shape, np.nan), np.zeros(shape)
    thermal, renewable, storage = plan.thermal.data.members, plan.renewable.members, plan.storage.data.members
    if len(thermal):
        reason[thermal], value[thermal] = explain_thermal(plan, matrices, values, pressures, price)
    if len(renewable):
        reason[renewable], value[renewable] = _renewable(plan, values, pressures)
    if len(storage):
        reason[storage], value[storage], stored[storage] = explain_storage(plan, values, duals, pressures)
    return Explanation(
        reason=reason,
        value_per_mwh=value,
        stored_value_per_mwh=stored,
        one_more_per_mwh=price,
        reserve_value_per_mwh=duals[plan.rows.reserve] / hours,
        limits=request.limits.names,
        limit_value_per_mwh=np.abs(duals[plan.groups.minimum]) / hours + np.abs(duals[plan.groups.maximum]) / hours,
    )


def _renewable(plan: Formulation, values: Column, pressures: Pressures) -> tuple[Reasons, Table]:
    renewable, hours = plan.renewable, plan.horizon.hours
    power, held = values[renewable.power], pressures.on(renewable.power)
    rating = np.array([asset.rating_mw for asset in renewable.assets])[:, None]
    rated = renewable.forecast >= rating - _SAME_MW
    most = np.maximum(held.bound, 0.0) / hours
    whole, nothing = power >= renewable.forecast - _SAME_MW, power <= _SAME_MW
    held_back = ~whole & (power <= renewable.firm + _SAME_MW)
    reason, value = decide(
        [
            (Reason.FORECAST, np.where(rated, 0.0, most)),
            (Reason.RATING, np.where(rated, most, 0.0)),
            (Reason.CURTAILED, np.minimum(held.bound, 0.0) / hours),
            (Reason.DOUBT, np.where(held_back, held.net(Limit.DOUBT) / hours, 0.0)),
            (Reason.COVER, held.net(Limit.COVER) / hours),
            (Reason.GROUP, held.net(Limit.GROUP) / hours),
            (Reason.LEADING, held.net(Limit.LEADING) / hours),
            (Reason.OTHER, held.net(Limit.OTHER) / hours),
        ]
    )
    all_there = np.where(rated, Reason.RATING, Reason.FORECAST)
    resting = np.where(whole, all_there, np.where(nothing, Reason.CURTAILED, Reason.MARGINAL))
    return np.where(reason == UNDECIDED, resting, reason).astype(np.uint8), value
