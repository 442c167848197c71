"""Perfect foresight: what the plant could have done, had it known the actual series. Pure but for who solves.

The longest stretch of whole intervals of a day is planned anew from the state it really began with, owing what was
really asked, at the real prices, with the sun and wind there really was; its stores must end no emptier than they did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset, AssetFamily, Fleet
from vppscada.model.schedule import InitialStates, Schedule, ScheduleRequest
from vppscada.model.site import ScheduleSpec
from vppscada.plant.pages import REALISED, Page, total
from vppscada.plant.permits import RunHours, used_hours
from vppscada.proof.times import utc

Column = NDArray[np.float64]

#: Share of an interval that must be covered for it to be planned anew.
_WHOLE = 0.98


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Consecutive whole intervals of one fleet: the pages of each."""

    step_ms: int
    intervals: tuple[tuple[Page, ...], ...]

    @property
    def begin_ms(self) -> int:
        """Of the first interval."""
        return self.intervals[0][0].interval_ms

    @property
    def end_ms(self) -> int:
        """Of the last interval."""
        return self.begin_ms + self.step_ms * len(self.intervals)

    @property
    def pages(self) -> list[Page]:
        """All of them in their order."""
        return [page for interval in self.intervals for page in interval]


def longest_stretch(pages: Sequence[Page], fleet: Fleet) -> Stretch | None:
    """The longest run of consecutive intervals that are covered and of this fleet; None if none is whole."""
    names = tuple(asset.name for asset in fleet.assets)
    by_interval: dict[tuple[int, int], list[Page]] = {}
    for page in sorted(pages, key=lambda one: one.begin_ms):
        by_interval.setdefault((page.interval_ms, page.step_ms), []).append(page)
    best: list[list[Page]] = []
    run: list[list[Page]] = []
    for (begin_ms, step_ms), mine in by_interval.items():
        covered = sum(page.end_ms - page.begin_ms for page in mine)
        whole = covered >= _WHOLE * step_ms and all(page.names == names for page in mine)
        joins = bool(run) and (run[-1][0].interval_ms + step_ms, run[-1][0].step_ms) == (begin_ms, step_ms)
        run = ([*run, mine] if joins else [mine]) if whole else []
        best = run if len(run) > len(best) else best
    return Stretch(best[0][0].step_ms, tuple(tuple(one) for one in best)) if best else None


def request_of(stretch: Stretch, fleet: Fleet, spec: ScheduleSpec) -> tuple[ScheduleRequest, list[str]]:
    """What the optimiser is asked, and in words what of it could not be known."""
    doubts: list[str] = []
    steps = len(stretch.intervals)
    plant = np.array([_plant_means(interval) for interval in stretch.intervals])
    follows = plant[:, 2] > 0.5
    opening = stretch.intervals[0][0].opening
    unknown_store = np.isnan(opening.stored_mwh) & _of_family(fleet, AssetFamily.STORAGE)
    unknown_start = np.isnan(opening.power_mw) | unknown_store
    blind = [fleet.assets[i].name for i in np.flatnonzero(unknown_start)]
    doubts += [f"{name} takes no part: its state at the begin is not known" for name in blind]
    if np.isnan(plant[:, 1]).any():
        doubts.append("the price counts as 0 where it was not known")
    left = RunHours.of(fleet).less(used_hours(opening))
    initial = InitialStates(
        power_mw=np.nan_to_num(opening.power_mw),
        on=opening.on > 0.5,
        hours_in_state=opening.hours_in_state,
        stored_mwh=np.nan_to_num(opening.stored_mwh),
        usable=~unknown_start,
        permitted=opening.permitted > 0.5,
        run_hours_left_today=left.today,
        run_hours_left_year=left.year,
        non_emergency_left_today=left.non_emergency_today,
        non_emergency_left_year=left.non_emergency_year,
    )
    export = np.where(follows, spec.export_limit_mw, max(spec.export_limit_mw, fleet.rating_mw))
    asked = ScheduleRequest(
        start_ms=stretch.begin_ms,
        step_s=stretch.step_ms / 1000.0,
        assets=_ending_as_they_did(stretch, fleet.assets),
        initial=initial,
        requirement_mw=np.where(follows, plant[:, 0], 0.0),
        price_per_mwh=np.nan_to_num(plant[:, 1]),
        forecast_mw=_available(stretch, fleet, doubts),
        reserve_mw=np.full(steps, spec.reserve_mw),
        import_limit_mw=np.full(steps, spec.import_limit_mw),
        export_limit_mw=export,
        ambient_degc=np.full(steps, 15.0),
        objective=spec.objective,
        value_of_lost_load_per_mwh=spec.value_of_lost_load_per_mwh,
        relative_gap=spec.relative_gap,
        time_limit_s=spec.time_limit_s,
    )
    return asked, doubts


def _plant_means(interval: Sequence[Page]) -> tuple[float, float, float]:
    """Of an interval: the target in MW, the price (NaN if never known), the share of time with a target from above."""
    _, account = total(interval, REALISED)
    hours, priced = account.whole("hours"), account.whole("price_h")
    target = account.whole("target_mwh") / max(account.whole("target_h"), 1e-12)
    price = account.whole("price_sum") / priced if priced > 0.0 else float("nan")
    return target, price, account.whole("follow_h") / max(hours, 1e-12)


def _of_family(fleet: Fleet, family: AssetFamily) -> NDArray[np.bool_]:
    return np.array([asset.kind.family is family for asset in fleet.assets], dtype=np.bool_)


def _available(stretch: Stretch, fleet: Fleet, doubts: list[str]) -> NDArray[np.float64]:
    """Power that sun and wind allowed, (n, T): as told; where it was not told, what was taken."""
    mean = np.full((len(fleet), len(stretch.intervals)), np.inf)
    for step, interval in enumerate(stretch.intervals):
        _, account = total(interval, REALISED)
        known, blind = account.of("known_h"), account.of("availability_unknown_h")
        told_h = np.maximum(known - blind, 0.0)
        told = account.of("available_mwh") / np.maximum(told_h, 1e-12)
        taken = account.of("out_mwh") / np.maximum(known, 1e-12)
        mean[:, step] = np.where(told_h > 0.5 * known, told, taken)
    renewable = _of_family(fleet, AssetFamily.RENEWABLE)
    _, whole = total(stretch.pages, REALISED)
    for i in np.flatnonzero(renewable & (whole.of("availability_unknown_h") > 0.0)):
        hours = whole.of("availability_unknown_h")[i]
        doubts.append(f"{fleet.assets[i].name}: what was available was not told for {hours:.2f} h")
    ratings = np.array([asset.rating_mw for asset in fleet.assets])
    return np.where(renewable[:, None], np.clip(mean, 0.0, ratings[:, None]), np.inf)


def _ending_as_they_did(stretch: Stretch, assets: Sequence[Asset]) -> tuple[Asset, ...]:
    """The assets, with what was really left in each store as the least that may be left."""
    left = stretch.intervals[-1][-1].stored_at_end_mwh
    return tuple(
        asset
        if asset.kind.family is not AssetFamily.STORAGE or np.isnan(left[i])
        else replace(
            asset,
            soc_final_minimum=float(np.clip(left[i] / asset.capacity_mwh, asset.soc_minimum, asset.soc_maximum)),
        )
        for i, asset in enumerate(assets)
    )


def comparison(stretch: Stretch, asked: ScheduleRequest, plan: Schedule, doubts: Sequence[str]) -> dict[str, object]:
    """The realised books of the stretch beside what foresight would have reached in it."""
    _, account = total(stretch.pages, REALISED)
    cost, revenue = float(account.cost.sum()), float(account.of("revenue").sum())
    hours = stretch.step_ms / 3.6e6
    realised: Mapping[str, float] = {
        "cost": cost,
        "revenue": revenue,
        "net_cost": cost - revenue,
        "unserved_mwh": account.whole("unserved_mwh"),
        "net_cost_with_unserved": cost - revenue + asked.value_of_lost_load_per_mwh * account.whole("unserved_mwh"),
        "unknown_asset_h": float(account.of("unknown_h").sum()),
    }
    energy_revenue = hours * float((plan.power_mw.sum(axis=0) * asked.price_per_mwh).sum())
    unserved = hours * float(plan.unserved_mw.sum())
    foreseen: Mapping[str, float] = {
        "cost": plan.cost,
        "revenue": energy_revenue,
        "net_cost": plan.cost - energy_revenue,
        "unserved_mwh": unserved,
        "net_cost_with_unserved": plan.cost - energy_revenue + asked.value_of_lost_load_per_mwh * unserved,
        "gap": plan.gap,
    }
    return {
        "begin": utc(stretch.begin_ms),
        "end": utc(stretch.end_ms),
        "intervals": len(stretch.intervals),
        "status": str(plan.status),
        "realised": realised,
        "foresight": foreseen,
        "cost_above_foresight": cost - plan.cost,
        "net_cost_above_foresight": realised["net_cost"] - foreseen["net_cost"],
        "net_cost_with_unserved_above_foresight": realised["net_cost_with_unserved"]
        - foreseen["net_cost_with_unserved"],
        "doubts": list(doubts),
    }
