"""Checks what a schedule holds and sells of each product, in plain arithmetic; see `violations`."""

from vppscada.model.assets import Asset, AssetFamily, AssetKind
from vppscada.model.schedule import Held, Product, Schedule, ScheduleRequest
from vppscada.scheduling.findings import Findings


def shared(
    request: ScheduleRequest, schedule: Schedule, place: int, step: int, *, up: bool, energy: bool = False
) -> float:
    """MW that an asset's products take of its room in a direction; with ``energy`` the MWh that sustain them.

    What a unit that is off could give takes nothing of it.
    """
    resting = request.assets[place].kind.family is AssetFamily.THERMAL and not schedule.on[place, step]
    total = 0.0
    for product, held in zip(request.products, schedule.held, strict=True):
        if product.up is up and not (resting and product.off_line):
            total += float(held.held_mw[place, step]) * (product.sustain_h if energy else 1.0)
    return total


def check_products(findings: Findings, request: ScheduleRequest, schedule: Schedule) -> None:
    """What is owed, what is sold, and who holds it."""
    for product, held in zip(request.products, schedule.held, strict=True):
        for t in range(request.steps):
            owed = product.required_mw[t] + held.sold_mw[t]
            findings.least(product.name, t, float(held.held_mw[:, t].sum()), owed, product.name)
            findings.most(f"{product.name} sold", t, held.sold_mw[t], max(product.offered_mw[t], 0.0))
            findings.least(f"{product.name} sold", t, held.sold_mw[t], 0.0)
        for i, asset in enumerate(request.assets):
            _holder(findings, request, schedule, product, held, i, asset)


def _holder(
    findings: Findings,
    request: ScheduleRequest,
    schedule: Schedule,
    product: Product,
    held: Held,
    i: int,
    asset: Asset,
) -> None:
    named = f"{asset.name} {product.name}"
    never = asset.kind is AssetKind.EMERGENCY_GENERATOR or asset.kind.family is AssetFamily.RENEWABLE
    for t in range(request.steps):
        share = float(held.held_mw[i, t])
        findings.least(named, t, share, 0.0)
        if never or not product.holders[i] or not request.initial.usable[i]:
            findings.most(f"{named} by one that may not", t, share, 0.0)
        elif asset.kind.family is AssetFamily.THERMAL:
            ramp = asset.ramp_up_mw_per_min if product.up else asset.ramp_down_mw_per_min
            in_time = ramp * product.response_min
            findings.most(
                named, t, share, in_time if schedule.on[i, t] else _from_rest(request, schedule, product, i, t)
            )


def _from_rest(request: ScheduleRequest, schedule: Schedule, product: Product, i: int, step: int) -> float:
    """MW that a unit which is off in this step could give within the response."""
    asset = request.assets[i]
    minutes = product.response_min - asset.start_time_s / 60.0
    if not product.off_line or not product.up or minutes < 0.0:
        return 0.0
    hours = request.step_s / 3600.0
    off = 0.0
    for t in range(step - 1, -1, -1):
        if schedule.on[i, t]:
            break
        off += hours
    else:
        off = hours * step if request.initial.on[i] else hours * step + float(request.initial.hours_in_state[i])
    if off < asset.minimum_down_s / 3600.0 - 1e-9:
        return 0.0
    loaded = asset.minimum_mw + (asset.ramp_up_mw_per_min * minutes if minutes > 0.0 else 0.0)
    return min(asset.rating_mw, loaded)
