"""A schedule as the local API tells it: as values of JSON, page by page of its assets."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vppscada.model.explanation import Explanation, Reason
from vppscada.model.schedule import Schedule
from vppscada.station.api_answers import Answer, number
from vppscada.station.api_requests import RequestFault

#: Assets × steps in one answer; more are asked for page by page.
_CELLS = 4_000
_DIGITS = 6


def wanted_assets(params: Mapping[str, object], names: Sequence[str]) -> list[int]:
    """Places of the assets in the request; all where it names none.

    Raises:
        RequestFault: it is no list of names, or one is not there.
    """
    wanted = params.get("assets")
    if wanted is None:
        return list(range(len(names)))
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        raise RequestFault("assets that are no list of names")
    place = {name: i for i, name in enumerate(names)}
    for one in wanted:
        if one not in place:
            raise RequestFault(f"no asset {one[:100]!r}")
    return [place[one] for one in wanted]


def schedule_page(
    schedule: Schedule,
    names: Sequence[str],
    places: Sequence[int],
    price_per_mwh: NDArray[np.float64],
    offset: int = 0,
    cells: int = _CELLS,
) -> Answer:
    """The plant's columns, and those of the assets at ``places`` from the one at ``offset`` on.

    ``price_per_mwh`` (T,) is the price that it was made for, NaN where none is known. ``next`` is the offset of the
    next page, or null. A number that is none (not known) is null.
    """
    steps = schedule.power_mw.shape[1]
    end = min(offset + max(cells // max(steps, 1), 1), len(places))
    why = schedule.explanation
    return {
        **_plant(schedule, price_per_mwh),
        "explained": why is not None,
        "assets": [_asset(schedule, why, names, i) for i in places[offset:end]],
        "next": end if end < len(places) else None,
    }


def _plant(schedule: Schedule, price_per_mwh: NDArray[np.float64]) -> Answer:
    power = schedule.power_mw.sum(axis=0)
    owed = power + schedule.import_mw - schedule.export_mw + schedule.unserved_mw - schedule.dump_mw
    why = schedule.explanation
    return {
        "start_ms": schedule.start_ms,
        "step_s": schedule.step_s,
        "steps": len(power),
        "status": str(schedule.status),
        "gap": number(schedule.gap),
        "cost": schedule.cost,
        "revenue": schedule.revenue,
        "price_per_mwh": _listed(price_per_mwh),
        "requirement_mw": _listed(owed),
        "power_mw": _listed(power),
        "reserve_mw": _listed(schedule.reserve_mw.sum(axis=0)),
        "import_mw": _listed(schedule.import_mw),
        "export_mw": _listed(schedule.export_mw),
        "unserved_mw": _listed(schedule.unserved_mw),
        "dump_mw": _listed(schedule.dump_mw),
        "one_more_per_mwh": _listed(schedule.marginal_price_per_mwh),
        "reserve_value_per_mwh": None if why is None else _listed(why.reserve_value_per_mwh),
        "limits": [] if why is None else _limits(why),
        "slacks": [
            {"limit": one.limit, "amount": one.amount, "units": one.units, "step": one.step} for one in schedule.slacks
        ],
    }


def _limits(why: Explanation) -> list[Answer]:
    pairs = zip(why.limits, why.limit_value_per_mwh, strict=True)
    return [{"limit": name, "value_per_mwh": _listed(value)} for name, value in pairs]


def _asset(schedule: Schedule, why: Explanation | None, names: Sequence[str], i: int) -> Answer:
    told: Answer = {
        "asset": names[i],
        "power_mw": _listed(schedule.power_mw[i]),
        "on": schedule.on[i].tolist(),
        "stored_mwh": _listed(schedule.stored_mwh[i]),
        "reserve_mw": _listed(schedule.reserve_mw[i]),
    }
    if why is not None:
        told["reason"] = [Reason(reason).name.lower() for reason in why.reason[i].tolist()]
        told["value_per_mwh"] = _listed(why.value_per_mwh[i])
        told["stored_value_per_mwh"] = _listed(why.stored_value_per_mwh[i])
    return told


def _listed(column: NDArray[np.float64]) -> list[float | None]:
    return [number(value) for value in (np.round(column, _DIGITS) + 0.0).tolist()]
