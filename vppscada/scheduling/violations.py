"""Checks a schedule against the request, asset by asset and step by step, in plain arithmetic.

Nothing of the optimiser's rows is used here, so that a mistake there does not hide itself. What a slack of the
schedule owns up to (by its limit and step) is no violation up to its amount.
"""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset, AssetFamily, AssetKind
from vppscada.model.schedule import Objective, Schedule, ScheduleRequest
from vppscada.scheduling.findings import TOLERANCE, Findings
from vppscada.scheduling.horizon import FAST_STORAGE_RESTS_FROM_S, LARGE_SHARE, RESERVE_RESPONSE_MIN, RESERVE_SUSTAIN_H
from vppscada.scheduling.product_violations import check_products, shared

Column = NDArray[np.float64]


def violations(request: ScheduleRequest, schedule: Schedule) -> list[str]:
    """What the schedule breaks, in words; empty if nothing."""
    findings = Findings({(slack.limit, slack.step): slack.amount for slack in schedule.slacks})
    _plant(findings, request, schedule)
    _cover(findings, request, schedule)
    check_products(findings, request, schedule)
    _limits(findings, request, schedule)
    for i, asset in enumerate(request.assets):
        unknown = asset.kind.family is AssetFamily.STORAGE and np.isnan(request.initial.stored_mwh[i])
        if not request.initial.usable[i] or unknown:
            _idle(findings, asset, schedule, i)
        elif asset.kind.family is AssetFamily.THERMAL:
            _thermal(findings, request, schedule, i)
        elif asset.kind.family is AssetFamily.RENEWABLE:
            _renewable(findings, request, schedule, i)
        else:
            _storage(findings, request, schedule, i)
    return findings.texts


def _plant(findings: Findings, request: ScheduleRequest, schedule: Schedule) -> None:
    for t in range(request.steps):
        bought, sold = schedule.import_mw[t], schedule.export_mw[t]
        served = schedule.power_mw[:, t].sum() + bought - sold + schedule.unserved_mw[t] - schedule.dump_mw[t]
        findings.most("balance", t, abs(served - request.requirement_mw[t]), 0.0)
        findings.most("import", t, bought, request.import_limit_mw[t])
        findings.most("export", t, sold, request.export_limit_mw[t])
        backed = request.reserve_mw[t] > 0.0 or _covers(request)
        doubtful = _doubtful(request, schedule, t).sum() if backed else 0.0
        needed = request.reserve_mw[t] + doubtful
        findings.least("reserve", t, schedule.reserve_mw[:, t].sum(), needed, "reserve requirement")
        findings.most("unserved", t, schedule.unserved_mw[t], 0.0, "requirement")
        findings.most("dump", t, schedule.dump_mw[t], 0.0, "surplus above the requirement")
        for name in ("import_mw", "export_mw", "unserved_mw", "dump_mw"):
            findings.least(name, t, getattr(schedule, name)[t], 0.0)


def _cover(findings: Findings, request: ScheduleRequest, schedule: Schedule) -> None:
    """Where the loss of a large unit is to be covered: the reserve of the others ≥ its power and their doubtful."""
    if not _covers(request):
        return
    large = LARGE_SHARE * sum(asset.rating_mw for asset in request.assets)
    for i, asset in enumerate(request.assets):
        for t in range(request.steps if asset.rating_mw >= large else 0):
            doubtful = _doubtful(request, schedule, t)
            others = schedule.reserve_mw[:, t].sum() - schedule.reserve_mw[i, t] - doubtful.sum() + doubtful[i]
            slack = f"reserve for the loss of {asset.name}"
            findings.least(slack, t, float(others), schedule.power_mw[i, t], slack)


def _covers(request: ScheduleRequest) -> bool:
    return request.n_minus_1 or request.objective is Objective.RELIABILITY


def _doubtful(request: ScheduleRequest, schedule: Schedule, t: int) -> Column:
    """What is planned of each asset (n,) beyond what is firm."""
    if request.firm_mw is None:
        return np.zeros(len(request.assets))
    sun = [asset.kind.family is AssetFamily.RENEWABLE for asset in request.assets]
    beyond = schedule.power_mw[:, t] - np.maximum(np.nan_to_num(request.firm_mw[:, t], nan=0.0, posinf=np.inf), 0.0)
    return np.where(sun, np.maximum(beyond, 0.0), 0.0)


def _limits(findings: Findings, request: ScheduleRequest, schedule: Schedule) -> None:
    """Each asset counts in the limit next to it and in every one around that."""
    tree = request.limits
    inside: list[list[int]] = [[] for _ in tree.names]
    for i, next_to in enumerate(tree.node.tolist()):
        node = next_to
        while node >= 0:
            inside[node].append(i)
            node = int(tree.parent[node])
    upwards = {product.name for product in request.products if product.up}
    for name, members, least, most in zip(tree.names, inside, tree.minimum_mw, tree.maximum_mw, strict=True):
        for t in range(request.steps):
            power = schedule.power_mw[members, t].sum()
            up = schedule.reserve_mw[members, t].sum()
            up += sum(held.held_mw[members, t].sum() for held in schedule.held if held.product in upwards)
            findings.least(f"{name} minimum", t, power, least, f"{name} minimum")
            findings.most(f"{name} maximum with what is held", t, power + up, most, f"{name} maximum")


def _idle(findings: Findings, asset: Asset, schedule: Schedule, i: int) -> None:
    for t in range(schedule.power_mw.shape[1]):
        findings.most(f"{asset.name} planned though not usable", t, abs(schedule.power_mw[i, t]), 0.0)
        findings.most(f"{asset.name} holds reserve though not usable", t, schedule.reserve_mw[i, t], 0.0)
        findings.most(f"{asset.name} on though not usable", t, float(schedule.on[i, t]), 0.0)


def _renewable(findings: Findings, request: ScheduleRequest, schedule: Schedule, i: int) -> None:
    asset = request.assets[i]
    for t in range(request.steps):
        there = np.nan_to_num(request.forecast_mw[i, t], nan=0.0, posinf=asset.rating_mw)
        findings.most(f"{asset.name} forecast", t, schedule.power_mw[i, t], min(there, asset.rating_mw))
        findings.least(f"{asset.name} power", t, schedule.power_mw[i, t], 0.0)
        findings.most(f"{asset.name} reserve", t, schedule.reserve_mw[i, t], 0.0)


# thermal


def _thermal(findings: Findings, request: ScheduleRequest, schedule: Schedule, i: int) -> None:
    _output(findings, request, schedule, i)
    _ramps(findings, request, schedule, i)
    _times(findings, request, schedule, i)
    if request.assets[i].kind is AssetKind.EMERGENCY_GENERATOR:
        _permit(findings, request, schedule, i)


def _output(findings: Findings, request: ScheduleRequest, schedule: Schedule, i: int) -> None:
    asset = request.assets[i]
    firm = asset.reserve and asset.kind is not AssetKind.EMERGENCY_GENERATOR
    in_time = asset.ramp_up_mw_per_min * RESERVE_RESPONSE_MIN if firm else 0.0
    for t in range(request.steps):
        power, on = schedule.power_mw[i, t], schedule.on[i, t]
        reserve = schedule.reserve_mw[i, t]
        up, down = reserve + shared(request, schedule, i, t, up=True), shared(request, schedule, i, t, up=False)
        warmer = max(float(np.nan_to_num(request.ambient_degc[t], nan=15.0)) - 15.0, 0.0)
        most = max(asset.rating_mw * (1.0 - asset.derating_per_degc * warmer), asset.minimum_mw)
        findings.most(f"{asset.name} rating", t, power + up, most if on else 0.0)
        findings.least(f"{asset.name} stable minimum", t, power - down, asset.minimum_mw if on else 0.0)
        findings.most(f"{asset.name} reserve", t, reserve, in_time)
        findings.least(f"{asset.name} reserve", t, reserve, 0.0)


def _ramps(findings: Findings, request: ScheduleRequest, schedule: Schedule, i: int) -> None:
    asset, minutes = request.assets[i], request.step_s / 60.0
    up, down = asset.ramp_up_mw_per_min * minutes, asset.ramp_down_mw_per_min * minutes
    was_on = bool(request.initial.on[i])
    before = float(request.initial.power_mw[i])
    if was_on:
        before = max(before, asset.minimum_mw)  # NaN stays NaN: nothing is known, nothing is checked
    for t in range(request.steps):
        power, on = schedule.power_mw[i, t], bool(schedule.on[i, t])
        reserve = schedule.reserve_mw[i, t] + shared(request, schedule, i, t, up=True)
        if on and not was_on:
            findings.most(f"{asset.name} start-up ramp", t, power + reserve, max(asset.minimum_mw, up))
        if was_on and not on and not np.isnan(before):
            findings.most(
                f"{asset.name} shut-down ramp", t, before, max(asset.minimum_mw, down), f"{asset.name} shut-down ramp"
            )
        if was_on and on and not np.isnan(before):
            findings.most(f"{asset.name} ramp up", t, power + reserve - before, up)
            fall = before - power + shared(request, schedule, i, t, up=False)
            findings.most(f"{asset.name} ramp down", t, fall, down, f"{asset.name} ramp down")
        before, was_on = power, on


def _times(findings: Findings, request: ScheduleRequest, schedule: Schedule, i: int) -> None:
    asset, hours = request.assets[i], request.step_s / 3600.0
    was_on = bool(request.initial.on[i])
    lasted = float(np.nan_to_num(request.initial.hours_in_state[i], nan=np.inf))
    for t in range(request.steps):
        on = bool(schedule.on[i, t])
        if on and not was_on:
            findings.least(f"{asset.name} minimum down time", t, lasted, asset.minimum_down_s / 3600.0)
            if not schedule.on[i, :t].any() and not request.initial.on[i]:
                earliest = np.floor(asset.start_time_s / request.step_s + 1e-6)
                findings.least(f"{asset.name} start time", t, float(t), float(earliest))
        gave = findings.owned.get((f"{asset.name} minimum up time", t), 0.0) > 0.5
        if was_on and not on and not gave:
            findings.least(f"{asset.name} minimum up time", t, lasted, asset.minimum_up_s / 3600.0)
        lasted = lasted + hours if on == was_on else hours
        was_on = on


def _permit(findings: Findings, request: ScheduleRequest, schedule: Schedule, i: int) -> None:
    asset, initial = request.assets[i], request.initial
    if initial.permitted[i]:
        kind, per_day, per_year = "permitted", asset.permitted_hours_per_day, asset.permitted_hours_per_year
        left_today, left_year = initial.run_hours_left_today[i], initial.run_hours_left_year[i]
    else:
        kind = "non-emergency"
        per_day, per_year = asset.non_emergency_hours_per_day, asset.non_emergency_hours_per_year
        left_today, left_year = initial.non_emergency_left_today[i], initial.non_emergency_left_year[i]
    budgets: dict[object, float] = {}
    run: dict[object, float] = {}
    for t in range(request.steps):
        starts = datetime.fromtimestamp(request.start_ms / 1000.0 + t * request.step_s, UTC)
        first = datetime.fromtimestamp(request.start_ms / 1000.0, UTC)
        day, year = starts.date(), starts.year
        today, this_year = day == first.date(), year == first.year
        budgets[day] = float(left_today) if today else per_day
        budgets[year] = float(left_year) if this_year else per_year
        if schedule.on[i, t]:
            for period in (day, year):
                run[period] = run.get(period, 0.0) + request.step_s / 3600.0
                findings.most(f"{asset.name} {kind} hours of {period}", t, run[period], budgets[period])


# storage


def _storage(findings: Findings, request: ScheduleRequest, schedule: Schedule, i: int) -> None:
    asset, hours = request.assets[i], request.step_s / 3600.0
    capacity = asset.capacity_mwh
    least = asset.soc_minimum * capacity
    rests = asset.kind.is_fast_storage and request.step_s >= FAST_STORAGE_RESTS_FROM_S
    before, taken = max(float(request.initial.stored_mwh[i]), 0.0), 0.0
    for t in range(request.steps):
        power, reserve = schedule.power_mw[i, t], schedule.reserve_mw[i, t]
        into = asset.charge_efficiency * max(-power, 0.0) * hours
        out = max(power, 0.0) * hours / asset.discharge_efficiency
        stored = (
            before * max(1.0 - asset.self_discharge_per_h * hours, 0.0) + into - out - asset.standby_loss_mw * hours
        )
        # An empty store loses nothing; but nothing may be taken out of it.
        findings.least(f"{asset.name} energy", t, stored, -asset.standby_loss_mw * hours)
        stored = max(stored, 0.0)
        findings.most(f"{asset.name} stored energy told", t, abs(stored - schedule.stored_mwh[i, t]), 0.0)
        findings.least(f"{asset.name} minimum", t, stored, least, f"{asset.name} state of charge minimum")
        most = asset.soc_maximum * capacity
        findings.most(f"{asset.name} maximum", t, stored, most, f"{asset.name} state of charge maximum")
        up, down = shared(request, schedule, i, t, up=True), shared(request, schedule, i, t, up=False)
        findings.most(f"{asset.name} rating", t, power + reserve + up, asset.rating_mw)
        findings.most(f"{asset.name} charge rating for what it holds", t, down - power, asset.charge_rating_mw)
        findings.most(f"{asset.name} at rest", t, power, 0.0 if rests else np.inf)
        findings.most(f"{asset.name} charge rating", t, -power, asset.charge_rating_mw)
        findings.most(f"{asset.name} reserve", t, reserve, np.inf if asset.reserve else 0.0)
        needed = reserve * RESERVE_SUSTAIN_H + shared(request, schedule, i, t, up=True, energy=True)
        if needed > TOLERANCE:
            given = needed / asset.discharge_efficiency
            findings.most(f"{asset.name} energy of its reserve", t, given, min(before, stored) - least)
        absorbed = asset.charge_efficiency * shared(request, schedule, i, t, up=False, energy=True)
        if absorbed > TOLERANCE:
            findings.most(f"{asset.name} room for what it holds", t, absorbed, most - max(before, stored))
        taken = out if _starts_day(t, hours) else taken + out
        findings.most(f"{asset.name} cycles", t, taken, asset.cycles_per_day * capacity if capacity else np.inf)
        before = stored
    if asset.soc_final_minimum is not None:
        final = f"{asset.name} state of charge at the end"
        findings.least(final, request.steps - 1, before, asset.soc_final_minimum * capacity, final)


def _starts_day(step: int, hours: float) -> bool:
    """A new block of 24 h of the horizon begins."""
    return int(step * hours / 24.0 + 1e-9) != int((step - 1) * hours / 24.0 + 1e-9) or step == 0
