"""The evidence of a called event: what was asked, told, done and delivered. The same input gives the same octets."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vppscada.model.points import Role
from vppscada.model.site import PLANT, Site
from vppscada.plant.books import cut, interval_of
from vppscada.plant.pages import REALISED, Page, total
from vppscada.proof.baseline import LOOK_BACK_DAYS, Baseline, Day, Method, baseline
from vppscada.proof.courses import Course, Span, without
from vppscada.proof.delivery import Delivery, booked
from vppscada.proof.recorded import Recorded
from vppscada.proof.times import DAY_MS, day_of

_STEP_MS = 900_000
_HOUR_MS = 3_600_000
_SIGNAL = ("target", "mode", "enabled", "running", "shadow", "objective")
_STATE = ("active_power", "shortfall", "schedule_ok", "assets_online")
_ROLES = (Role.ACTIVE_POWER, Role.SETPOINT_FEEDBACK, Role.RUNNING, Role.FAULT, Role.COMM_ONLINE)
POWER, TARGET = f"{PLANT}.active_power", f"{PLANT}.target"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which event, on the wall clock (UTC ms), and by which baseline; days left out of it as YYYY-MM-DD."""

    since_ms: int
    until_ms: int
    method: Method
    excluded: Collection[str] = ()
    part_s: float | None = None  # plant seconds of a part of the time; None = an interval of the books


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which something was not known, on the wall clock."""

    begin_ms: int
    end_ms: int
    what: str
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All of it, before it is laid out as files."""

    asked: Asked
    site: Site
    state: Path
    recorded: Recorded
    power: dict[str, Course]  # of each asset, by name
    plant: Course
    target: Course
    delivery: Delivery
    baseline: Baseline
    gaps: tuple[Gap, ...]
    pages: tuple[Page, ...]


def points_of(site: Site) -> list[str]:
    """The points whose changes are evidence."""
    own = [f"{PLANT}.{name}" for name in (*_SIGNAL, *_STATE)]
    of_assets = [point.id for point in site.points if point.asset != PLANT and point.role in _ROLES and point.enabled]
    told = [f"{asset.name}.dispatch_setpoint" for asset in site.fleet.assets]
    return [name for name in (*own, *of_assets, *told) if name in site.row_of]


def power_points(site: Site) -> dict[str, str]:
    """The point of the measured power of each asset, by the asset's name."""
    found: dict[str, str] = {}
    for point in site.points:
        if point.role is Role.ACTIVE_POWER and point.enabled and point.asset != PLANT:
            found.setdefault(point.asset, point.id)
    return {asset.name: found[asset.name] for asset in site.fleet.assets if asset.name in found}


def gather(site: Site, state: Path, asked: Asked) -> Evidence:
    """Read it all.

    Raises:
        VppscadaError: something cannot be read, or is too much.
        ValueError, KeyError: a page of the books is damaged.
    """
    recorded = Recorded(state, asked.since_ms, asked.until_ms, points_of(site))
    clock = recorded.clock
    begin, end = clock.plant_ms(asked.since_ms), clock.plant_ms(asked.until_ms)
    pages = recorded.pages(begin - LOOK_BACK_DAYS * DAY_MS - _HOUR_MS, end)
    step_ms = pages[-1].step_ms if pages else _STEP_MS
    parts = parts_of(begin, end, step_ms, asked.part_s)
    plant, target = recorded.course(POWER), recorded.course(TARGET)
    means = _interval_means(pages)
    days = _days(recorded, parts, step_ms, means, asked.excluded)
    before = booked(means, [interval_of(at, step_ms) for at in range(begin - _HOUR_MS, begin, step_ms)])
    hour_before = float(np.nanmean(before)) if (~np.isnan(before)).any() else float("nan")
    base = baseline(asked.method, days, hour_before, len(parts))
    edges = [recorded.wall_ms(at) for at, _ in parts] + [asked.until_ms]
    called, _ = target.means(edges)
    measured, known = plant.means(edges)
    delivery = Delivery(
        begin_ms=tuple(at for at, _ in parts),
        hours=np.array([(stop - at) / 3.6e6 for at, stop in parts]),
        called_mw=called,
        measured_mw=measured,
        known_share=known,
        booked_mw=booked(means, [interval_of(at, step_ms) for at, _ in parts]),
        baseline_mw=base.mean_mw,
    )
    power = {name: recorded.course(point) for name, point in power_points(site).items()}
    gaps = _gaps(recorded, power, plant)
    mine = tuple(page for page in pages if page.begin_ms < end and page.end_ms > begin)
    return Evidence(asked, site, state, recorded, power, plant, target, delivery, base, gaps, mine)


def parts_of(begin_ms: int, end_ms: int, interval_ms: int, part_s: float | None) -> list[Span]:
    """The parts of a time (plant time): each within one interval of the books, and no longer than asked."""
    intervals = cut(begin_ms, end_ms, interval_ms)
    if part_s is None:
        return list(intervals)
    length = max(round(part_s * 1000.0), 1)
    return [(at, min(at + length, end)) for begin, end in intervals for at in range(begin, end, length)]


def _interval_means(pages: Sequence[Page]) -> list[tuple[int, float]]:
    """Mean power of the plant in each interval of which the whole plant was known for half of what was booked."""
    by_interval: dict[int, list[Page]] = {}
    for page in pages:
        by_interval.setdefault(page.interval_ms, []).append(page)
    means = []
    for begin, mine in sorted(by_interval.items()):
        _, account = total(mine, REALISED)
        known = account.whole("known_h")
        if known > 0.5 * account.whole("hours"):
            means.append((begin, account.whole("net_mwh") / known))
    return means


def _days(
    recorded: Recorded,
    parts: Sequence[Span],
    step_ms: int,
    means: Sequence[tuple[int, float]],
    excluded: Collection[str],
) -> list[Day]:
    """The same hours of the days before, newest first."""
    days = []
    for back in range(1, LOOK_BACK_DAYS + 1):
        shift = back * DAY_MS
        mean = booked(means, [interval_of(at - shift, step_ms) for at, _ in parts])
        begin, end = (recorded.wall_ms(at - shift) for at in (parts[0][0], parts[-1][1]))
        orders = recorded.orders(begin, end)
        name = day_of(parts[0][0] - shift)
        known = float((~np.isnan(mean)).mean())
        days.append(Day(name, mean, known, any(not one.refused for one in orders), name in excluded))
    return days


def _gaps(recorded: Recorded, power: dict[str, Course], plant: Course) -> tuple[Gap, ...]:
    """When the station did not run, and when a power was not known while it ran, in the order of time."""
    found = []
    ends = {run.alive_ms: run.ended for run in recorded.runs}
    for begin, end in recorded.down:
        told = max((at for at in ends if at <= begin), default=None)
        why = "the station did not run" if told is None else "the station was stopped"
        if told is not None and not ends[told]:
            why = "the station ended without being told to"
        found.append(Gap(begin, end, "station", why))
    for name, one in (*power.items(), (PLANT, plant)):
        blind = [part for span in one.unknown() for part in without(span, recorded.down)]
        found += [Gap(begin, end, f"{name} power", "not known, or not of good quality") for begin, end in blind]
    return tuple(sorted(found, key=lambda gap: (gap.begin_ms, gap.what)))
