"""Perfect foresight: planned anew with what really came, never dearer than what was done with the same means."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.scheduling.requests import MIDNIGHT_MS, battery, engine, request, solar
from vppscada.model.assets import Asset, Fleet
from vppscada.model.schedule import Schedule, ScheduleRequest
from vppscada.model.site import ScheduleSpec
from vppscada.plant.books import Account, Facts, Yardstick, add_starts, advance
from vppscada.plant.pages import REALISED, Opening, Page
from vppscada.proof.foresight import Stretch, comparison, longest_stretch, request_of
from vppscada.scheduling.solve import solve

STEP = 3_600_000
SPEC = ScheduleSpec(step_s=3600.0, relative_gap=0.0)
COLD = ((0.0, 40.0),)
ASSETS = (
    engine(start_costs=COLD),
    engine("engine2", fuel_price_per_mwh=13.0, minimum_mw=2.0, heat_rate=((2.0, 4.0), (10.0, 20.0))),
    battery(charge_efficiency=0.9, discharge_efficiency=0.9),
    solar(),
)
FLEET = Fleet(ASSETS)
REQUIREMENT = [6.0, 9.0, 15.0, 12.0]
SUN = [0.0, 3.0, 6.0, 2.0]
PRICE = [40.0, 60.0, 90.0, -20.0]


def asked(
    requirement: list[float] = REQUIREMENT, sun: list[float] = SUN, price: list[float] = PRICE
) -> ScheduleRequest:
    initial = {"battery1": {"stored_mwh": 4.0}}
    return request(ASSETS, requirement, price, forecast={"pv1": sun}, initial=initial)


def done(plan: Schedule, of: ScheduleRequest, assets: tuple[Asset, ...] = ASSETS) -> list[Page]:
    """The books of a fleet that did exactly this."""
    yard, n = Yardstick.of(Fleet(assets)), len(assets)
    known, names = np.ones(n, dtype=np.bool_), tuple(asset.name for asset in assets)
    before, stored, pages = of.initial.on, of.initial.stored_mwh, []
    thermal = yard.costs.thermal
    for step in range(of.steps):
        on = np.where(thermal, plan.on[:, step], True)
        account = add_starts(Account.blank(n), on & ~before, np.full(n, 100.0), yard)
        available = np.where(yard.costs.renewable, of.forecast_mw[:, step], np.nan)
        target, price = float(of.requirement_mw[step]), float(of.price_per_mwh[step])
        told = np.full(n, np.nan)
        facts = Facts(known, plan.power_mw[:, step], on, available, told, target, True, price)
        opening = Opening(
            plan.power_mw[:, step],
            before.astype(float),
            np.full(n, 100.0),
            stored,
            *(known.astype(float),) * 2,
            *(told,) * 4,
        )
        at = MIDNIGHT_MS + step * STEP
        accounts = {REALISED: advance(account, 1.0, facts, yard)}
        pages.append(Page(at, at + STEP, STEP, names, accounts, opening, plan.stored_mwh[:, step]))
        before, stored = on, plan.stored_mwh[:, step]
    return pages


def planned(of: ScheduleRequest) -> Schedule:
    plan = solve(of)
    assert isinstance(plan, Schedule), plan
    return plan


def stretch_of(pages: list[Page]) -> Stretch:
    stretch = longest_stretch(pages, FLEET)
    assert stretch is not None
    return stretch


def test_what_was_best_cannot_be_beaten() -> None:
    of = asked()
    best = planned(of)
    again, doubts = request_of(stretch_of(done(best, of)), FLEET, SPEC)
    assert doubts == []
    assert again.requirement_mw == pytest.approx(of.requirement_mw)
    assert again.price_per_mwh == pytest.approx(of.price_per_mwh)
    assert again.forecast_mw[3] == pytest.approx(of.forecast_mw[3]) and np.isinf(again.forecast_mw[:3]).all()
    told = comparison(stretch_of(done(best, of)), again, planned(again), doubts)
    assert told["cost_above_foresight"] == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("stored", [[4.0, 4.0, 4.0, 4.0], [5.8, 7.6, 5.0, 2.0], [4.0, 2.0, 0.0, 1.8]])
def test_what_was_done_without_foresight_is_never_cheaper(stored: list[float]) -> None:
    """Both engines share what the battery leaves, and the sun is not taken: one way to serve the hours."""
    of, n = asked(), len(ASSETS)
    change = np.diff([4.0, *stored])
    power = np.zeros((n, 4))
    power[2] = np.where(change > 0.0, -change / 0.9, -change * 0.9)
    rest = of.requirement_mw - power[2]
    power[0] = np.maximum(rest / 2.0, 4.0)
    power[1] = rest - power[0]
    assert (power[:2] <= 10.0).all() and (power[1] >= 2.0).all()
    held = np.zeros((n, 4))
    held[2] = stored
    pages = done(replace(planned(of), power_mw=power, on=np.ones((n, 4), dtype=np.bool_), stored_mwh=held), of)
    again, doubts = request_of(stretch_of(pages), FLEET, SPEC)
    told = comparison(stretch_of(pages), again, planned(again), doubts)
    above, realised = told["cost_above_foresight"], told["realised"]
    assert isinstance(above, float) and above > 1.0
    assert isinstance(realised, dict) and realised["unserved_mwh"] == pytest.approx(0.0, abs=1e-9)


def test_only_whole_intervals_of_this_fleet_that_follow_each_other_are_planned() -> None:
    pages = done(planned(asked()), asked())
    assert len(stretch_of(pages).intervals) == 4
    cut_short = [*pages[:1], replace(pages[1], end_ms=pages[1].end_ms - STEP // 10), *pages[2:]]
    stretch = stretch_of(cut_short)
    assert (stretch.begin_ms, stretch.end_ms) == (MIDNIGHT_MS + 2 * STEP, MIDNIGHT_MS + 4 * STEP)
    assert len(stretch_of([pages[0], pages[1], pages[3]]).intervals) == 2
    assert longest_stretch([replace(page, names=("a", "b", "c", "d")) for page in pages], FLEET) is None
    assert longest_stretch([], FLEET) is None


def test_two_pages_of_one_interval_are_one_interval() -> None:
    pages = done(planned(asked()), asked())
    half = MIDNIGHT_MS + STEP // 2
    halves = [replace(pages[0], end_ms=half), replace(pages[0], begin_ms=half)]
    assert len(stretch_of([*halves, *pages[1:]]).intervals) == 4


def test_what_is_not_known_takes_no_part_or_is_named() -> None:
    pages = done(planned(asked()), asked())
    opening = replace(pages[0].opening, stored_mwh=np.array([0.0, 0.0, np.nan, 0.0]))
    request_, doubts = request_of(stretch_of([replace(pages[0], opening=opening), *pages[1:]]), FLEET, SPEC)
    assert request_.initial.usable.tolist() == [True, True, False, True]
    assert doubts == ["battery1 takes no part: its state at the begin is not known"]


def test_stores_must_end_no_emptier_than_they_did() -> None:
    of = asked()
    best = planned(of)
    pages = done(best, of)
    left = np.array([0.0, 0.0, 6.0, 0.0])
    again, _ = request_of(stretch_of([*pages[:-1], replace(pages[-1], stored_at_end_mwh=left)]), FLEET, SPEC)
    assert again.assets[2].soc_final_minimum == pytest.approx(0.75)
    assert planned(again).stored_mwh[2, -1] >= 6.0 - 1e-6
