"""Keeps the books while the plant works: what is measured, what was planned, page after page to the journal."""

import json
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada import __version__
from vppscada.model.assets import AssetStates
from vppscada.model.clock import PlantClock
from vppscada.model.points import Role
from vppscada.model.quality import is_fit
from vppscada.model.schedule import Objective, Schedule
from vppscada.model.site import Site
from vppscada.plant.books import Account, Facts, Yardstick, add_starts, advance, cut
from vppscada.plant.commitment import step_at
from vppscada.plant.fleet_view import FleetRows
from vppscada.plant.memory import Memory, emergency_mask
from vppscada.plant.pages import REALISED, SCHEDULED, SHADOW, Opening, Page, to_bytes, written_on
from vppscada.plant.plans import Plan, plan_bytes
from vppscada.points.database import Database
from vppscada.points.journal import Journal
from vppscada.points.journal_proof import Proof

Flags = NDArray[np.bool_]
Column = NDArray[np.float64]

_MS_PER_H = 3_600_000.0
_STALL_S, _STALL_CYCLES = 10.0, 3.0  # wall; what a longer pause between two cycles held, nobody has measured
_MOST_WAITING = 200  # while the disk is full; the oldest give way, and are gaps in the books
_AT_ONCE = 16  # of them in one transaction
_SEAM_S = 1.0  # wall seconds by which the wall clock may differ from the monotonic one within a page


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What a cycle knows as it begins. Plant time; ``hours`` since the cycle before, by a clock that is never set."""

    plant_ms: int
    hours: float
    states: AssetStates
    memory: Memory  # of the cycle before
    schedule: Schedule | None
    target_mw: float
    follows: bool
    price: float
    shadow: tuple[AssetStates, Memory] | None = None  # of the imagined fleet of a plant in shadow


def pause_limit_s(dispatch_period_s: float) -> float:
    """Wall seconds between two cycles beyond which nobody has seen what was meanwhile."""
    return max(_STALL_S, _STALL_CYCLES * dispatch_period_s)


@dataclass(frozen=True, slots=True, eq=False)
class _Waits:
    """What is to be written, not yet in its form on disk: to make that takes its time."""

    id: int
    what: Page | tuple[int, Plan] | Proof  # a plan with the wall time of its adoption

    def proof(self, now_ms: int) -> Proof:
        match self.what:
            case Page() as page:
                return Proof(self.id, "book", page.begin_ms, page.end_ms, now_ms, to_bytes(page))
            case (adopted_ms, plan):
                return Proof(self.id, "plan", plan.schedule.start_ms, plan.end_ms, adopted_ms, plan_bytes(plan))
            case proof:
                return proof


class Bookkeeper:
    """The open page, the pages that wait for the disk, the schedules adopted since, and what runs since when."""

    def __init__(
        self, site: Site, mark: str, rows: FleetRows, database: Database, journal: Journal, clock: PlantClock
    ) -> None:
        """``mark`` is that of the site's files as kept."""
        self._site = site
        self._database = database
        self._journal = journal
        self._yard = Yardstick.of(site.fleet)
        self._rows = rows
        self._speed = clock.speed
        # The settings as they are in force: the command line may have put others in place of the file's.
        settings = {"plant": asdict(site.plant), "schedule": asdict(site.schedule)}
        self._run = {"version": __version__, "site": mark, "clock": asdict(clock), "settings": settings, "ended": False}
        self._run_id, self._run_since_ms = 0, 0
        self._step_ms = round(site.schedule.step_s * 1000.0)
        self._emergency = emergency_mask(site.fleet)
        self._tells = rows.has(Role.AVAILABLE_POWER)
        self._page: Page | None = None
        self._page_id = 0
        self._waiting: list[_Waits] = []
        self._planned_on: Flags | None = None
        self._planned_off_h = np.zeros(len(site.fleet))

    def account(self, now: Moment) -> None:
        """Book the time since the cycle before. After a stall only starts are booked: that time is a gap."""
        stalled = now.hours * 3600.0 / self._speed > pause_limit_s(self._site.plant.dispatch_period_s)
        length_ms = 0 if stalled else round(now.hours * _MS_PER_H)
        parts = list(cut(now.plant_ms - length_ms, now.plant_ms, self._step_ms)) or [(now.plant_ms, now.plant_ms)]
        for place, (begin, end) in enumerate(parts):
            page = self._page_for(begin, now)
            hours = now.hours * (end - begin) / max(length_ms, 1)
            accounts = {
                REALISED: self._realised(page.accounts[REALISED], now, hours, first=place == 0),
                SCHEDULED: self._scheduled(page.accounts[SCHEDULED], now, begin, hours),
            }
            if now.shadow is not None and SHADOW in page.accounts:
                imagined = replace(now, states=now.shadow[0], memory=now.shadow[1])
                accounts[SHADOW] = self._realised(page.accounts[SHADOW], imagined, hours, first=place == 0)
            self._page = written_on(page, end, accounts, now.states.stored_mwh)

    def adopted(self, schedule: Schedule, why: str, objective: Objective, wall_ms: int) -> None:
        """A schedule is in force from now on: it is kept as it was adopted."""
        names = tuple(asset.name for asset in self._site.fleet.assets)
        self._wait(_Waits(self._journal.next_proof_id(), (wall_ms, Plan(schedule, names, why, objective))))

    def order_proof(self, point: str, value: float, refused: str, wall_ms: int) -> Proof:
        """An order to the plant as it came, with why it was refused; "" = it was taken."""
        told = {"point": point, "value": value if np.isfinite(value) else None, "refused": refused}
        content = json.dumps(told).encode()
        return Proof(self._journal.next_proof_id(), "order", wall_ms, wall_ms, wall_ms, content)

    def refused(self, point: str, value: float, reason: str, wall_ms: int) -> None:
        """An order that was not taken: written down with the next page, for nothing depends on it."""
        if len(self._waiting) < _MOST_WAITING:  # a master that goes on asking pushes no page out
            order = self.order_proof(point, value, reason, wall_ms)
            self._waiting.append(_Waits(order.id, order))

    def take_over(self, before: "Bookkeeper", wall_ms: int) -> None:
        """Go on from the books of a plant whose site was another one: its pages are to be written."""
        before.end()
        run = before._run_proof(wall_ms)
        self._waiting = [_Waits(run.id, run), *before._waiting, *self._waiting]

    def proof(self, wall_ms: int) -> list[Proof]:
        """What is to be written: that the station runs, what is closed, the open page as it stands.

        Takes its time: not for the loop.
        """
        page = self._page
        opened = [] if page is None else [_Waits(self._page_id, page)]
        return [self._run_proof(wall_ms), *(one.proof(wall_ms) for one in (*self._waiting[:_AT_ONCE], *opened))]

    def begin(self, wall_ms: int) -> None:
        """The station runs with this site from now on."""
        self._run_id, self._run_since_ms = self._journal.next_proof_id(), wall_ms

    def end(self) -> None:
        """The station is about to stop as it was told, or goes on with another site."""
        self._close()
        self._run["ended"] = True

    def _run_proof(self, wall_ms: int) -> Proof:
        return Proof(
            self._run_id, "run", self._run_since_ms, wall_ms, wall_ms, json.dumps(self._run, default=str).encode()
        )

    def written(self, proof: list[Proof]) -> None:
        """These are on disk."""
        done = {one.id for one in proof}
        self._waiting = [one for one in self._waiting if one.id not in done]

    # pages

    def _wait(self, one: _Waits) -> None:
        self._waiting = [*self._waiting, one][-_MOST_WAITING:]

    def _close(self) -> None:
        if self._page is not None:
            self._wait(_Waits(self._page_id, self._page))
        self._page = None

    def _page_for(self, begin_ms: int, now: Moment) -> Page:
        page = self._page
        if page is not None and page.goes_on(begin_ms, round(_SEAM_S * 1000.0 * self._speed)):
            seen = page.opening.is_known
            return page if seen else replace(page, opening=page.opening.filled(self._opening(now)))
        self._close()
        n = len(self._site.fleet)
        kinds = (REALISED, SCHEDULED) if now.shadow is None else (REALISED, SCHEDULED, SHADOW)
        self._page_id = self._journal.next_proof_id()
        return Page(
            begin_ms=begin_ms,
            end_ms=begin_ms,
            step_ms=self._step_ms,
            names=tuple(asset.name for asset in self._site.fleet.assets),
            accounts={kind: Account.blank(n) for kind in kinds},
            opening=self._opening(now),
            stored_at_end_mwh=now.states.stored_mwh,
        )

    def _opening(self, now: Moment) -> Opening:
        memory, states = now.memory, now.states
        return Opening(
            power_mw=states.power_mw,
            on=np.where(states.online, states.on, memory.was_on).astype(np.float64),
            hours_in_state=memory.seconds_in_state / 3600.0,
            stored_mwh=states.stored_mwh,
            usable=states.usable.astype(np.float64),
            permitted=(~self._emergency | memory.emergency).astype(np.float64),
            run_hours_today=memory.run_hours_today,
            run_hours_year=memory.run_hours_year,
            non_emergency_today=memory.non_emergency_today,
            non_emergency_year=memory.non_emergency_year,
        )

    # accounts

    def _realised(self, account: Account, now: Moment, hours: float, first: bool) -> Account:
        states, memory = now.states, now.memory
        if first:  # a start is one moment: it belongs to where the time since the last cycle begins
            started = states.online & states.on & memory.seen & ~memory.was_on
            account = add_starts(account, started, memory.seconds_in_state / 3600.0, self._yard)
        known = states.online & self._running_known()
        facts = Facts(
            known=known,
            power_mw=states.power_mw,
            on=states.on,
            available_mw=np.where(self._tells, states.available_mw, np.nan),
            told_mw=memory.setpoint_mw[0],
            target_mw=now.target_mw,
            follows=now.follows,
            price=now.price,
            emergency=memory.emergency,
        )
        return advance(account, hours, facts, self._yard)

    def _running_known(self) -> Flags:
        """False where a device has a point for whether it runs, and it cannot be read."""
        rows = self._rows.of[Role.RUNNING]
        known: Flags = ~self._rows.has(Role.RUNNING) | np.asarray(fit_rows(self._database, rows))
        return known

    def _scheduled(self, account: Account, now: Moment, begin_ms: int, hours: float) -> Account:
        """The same time as the schedule in force had it; not known where there is none."""
        schedule, n = now.schedule, len(self._site.fleet)
        step = None if schedule is None else step_at(schedule, begin_ms)
        nothing = np.full(n, np.nan)
        if schedule is None or step is None:
            off = np.zeros(n, dtype=np.bool_)
            facts = Facts(off, nothing, off, nothing, nothing, np.nan, now.follows, now.price)
            return advance(account, hours, facts, self._yard)
        on = schedule.on[:, step]
        if self._planned_on is None:
            self._planned_on = np.where(now.memory.seen, now.memory.was_on, on)
            self._planned_off_h = now.memory.seconds_in_state / 3600.0
        account = add_starts(account, on & ~self._planned_on, self._planned_off_h, self._yard)
        self._planned_off_h = np.where(on, 0.0, self._planned_off_h + hours)
        self._planned_on = on.copy()
        known, power = np.ones(n, dtype=np.bool_), schedule.power_mw[:, step]
        emergency = now.memory.emergency
        facts = Facts(known, power, on, nothing, nothing, now.target_mw, now.follows, now.price, emergency)
        return advance(account, hours, facts, self._yard)


def fit_rows(database: Database, rows: NDArray[np.intp]) -> Flags:
    """Which of those rows can be read now."""
    fit: Flags = is_fit(database.quality[rows]) & ~np.isnan(database.value[rows])
    return fit
