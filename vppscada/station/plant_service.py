"""The plant at work: the dispatch cycle on its period, orders from above, commands down, points up."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from logging import DEBUG, INFO

import numpy as np
import structlog
from numpy.typing import NDArray

from vppscada.model.assets import AssetStates
from vppscada.model.changes import ChangeSet
from vppscada.model.clock import PlantClock
from vppscada.model.commands import CommandStatus
from vppscada.model.errors import JournalError
from vppscada.model.limits import LimitTree, limit_tree
from vppscada.model.points import Role
from vppscada.model.quality import Quality
from vppscada.model.schedule import Objective, Schedule
from vppscada.model.site import Site
from vppscada.plant.accounting import Totals, advance
from vppscada.plant.carrying import carried_memory, carried_schedule
from vppscada.plant.cycle import Decision, Plant, run_cycle
from vppscada.plant.expectations import Expectations
from vppscada.plant.fleet_view import ABSENT, asset_states, fleet_rows
from vppscada.plant.limit_points import limit_rows, told_maxima
from vppscada.plant.memory import Memory, Orders, PlantMode
from vppscada.plant.orders import REGULATION_COMMAND, OrderRefused, apply_order
from vppscada.plant.series import Series
from vppscada.points.database import Database
from vppscada.points.journal import Journal
from vppscada.station.bookkeeping import Bookkeeper, Moment
from vppscada.station.cost_points import CostPoints
from vppscada.station.plant_points import (
    PlantPoints,
    derived_values,
    measured_values,
    order_values,
    permit_values,
    regulation_values,
    schedule_values,
)
from vppscada.station.shadowing import Shadowing
from vppscada.station.supervisor import wall_ms
from vppscada.station.teller import Teller

log = structlog.get_logger()

Column = NDArray[np.float64]

_LEAST_PAUSE_S = 0.15  # between cycles, whatever wakes them: answers to the last one's commands come first
_KEEP_EVERY_S = 5.0  # wall seconds between writes of the memory to disk


class PlantService:
    """Holds the orders, the schedule in force and the memory; everything it decides is decided in `plant`."""

    def __init__(
        self,
        site: Site,
        database: Database,
        journal: Journal,
        teller: Teller,
        expectations: Expectations,
        clock: PlantClock,
        mark: str = "",
    ) -> None:
        """``mark`` is that of the site's files as kept."""
        self.site = site
        self.clock = clock
        self.expectations = expectations
        self._tree = limit_tree(site.limits, [asset.name for asset in site.fleet.assets])
        self.plant = plant_of(site, self._tree)
        self.schedule: Schedule | None = None
        self.decision: Decision | None = None
        self.statistics: Counter[str] = Counter()
        self.progress = time.monotonic()  # of the last finished cycle
        self.cycled = asyncio.Event()
        self._rows = fleet_rows(site.fleet, site.points)
        period_s, columns = site.plant.dispatch_period_s, self.plant.columns
        self._shadow = Shadowing(site.fleet, columns, period_s, clock.speed) if site.plant.shadow else None
        self._limit_rows = limit_rows(site, self.plant.limits.names)
        self._regulated_at = -np.inf  # monotonic, of the last regulation signal
        self._database = database
        self._journal = journal
        self._teller = teller
        self._points = PlantPoints(site, database)
        self._cost_points = CostPoints(site.fleet)
        self._wake = asyncio.Event()
        self._urgent = np.zeros(len(site.points), dtype=np.bool_)
        for role in (Role.RUNNING, Role.FAULT, Role.REMOTE, Role.COMM_ONLINE):
            rows = self._rows.of[role]
            self._urgent[rows[rows != ABSENT]] = True
        self._order_lock = asyncio.Lock()
        now_ms = clock.plant_ms(wall_ms())
        self.orders = self._kept_orders()
        self.memory = self._kept_memory(now_ms)
        self.totals = self._kept_totals()
        self.books = Bookkeeper(site, mark, self._rows, database, journal, clock)
        self.books.begin(wall_ms())
        self._accounted_at = time.monotonic()
        self._kept_at = 0.0
        self._kept_well = True
        self._teller.permitted = self.orders.enabled

    @property
    def states(self) -> AssetStates:
        """The fleet that is decided about: as the database has it now; of a plant in shadow, the imagined one."""
        live = self._live()
        return live if self._shadow is None else self._shadow.states(live)

    @property
    def remembered(self) -> Memory:
        """What is remembered of the fleet that is decided about."""
        shadowed = None if self._shadow is None else self._shadow.fleet
        return self.memory if shadowed is None else shadowed.memory

    def _live(self) -> AssetStates:
        return asset_states(self.plant.columns, self._rows, self._database.value, self._database.quality)

    @property
    def maximum_now_mw(self) -> Column:
        """Maxima of the limits as points tell them now, NaN where none does."""
        return told_maxima(self._limit_rows, self._database.value, self._database.quality)

    @property
    def limits_now(self) -> LimitTree:
        """The limits with the maxima that hold now, for the optimiser."""
        return replace(self._tree, maximum_mw=self.plant.limits.lowered(self.maximum_now_mw).maximum_mw)

    async def run(self) -> None:
        """Cycle until cancelled; an order or a new schedule starts the next cycle at once."""
        period = self.site.plant.dispatch_period_s
        while True:
            started = time.monotonic()
            try:
                await self._cycle()
            except Exception:
                self.statistics["cycles_failed"] += 1
                log.exception("dispatch_cycle_failed")
            else:
                self.progress = time.monotonic()
                self.statistics["cycles"] += 1
            self.cycled.set()
            await self._pause(max(period - (time.monotonic() - started), 0.0))

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(min(_LEAST_PAUSE_S, seconds))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(seconds - _LEAST_PAUSE_S, 0.0)):
                await self._wake.wait()
        self._wake.clear()

    async def settled(self) -> None:
        """Return when no order is being written down."""
        async with self._order_lock:
            pass

    def take_over(self, before: "PlantService") -> None:
        """Go on from the orders, the books and the schedule of a plant whose site was another one."""
        fleets = before.site.fleet, self.site.fleet
        self.orders, self.totals = before.orders, before.totals
        self._regulated_at = before._regulated_at
        self.memory = carried_memory(before.memory, *fleets)
        self.schedule = None if before.schedule is None else carried_schedule(before.schedule, *fleets)
        self.books.take_over(before.books, wall_ms())
        self.statistics.update(before.statistics)
        self._accounted_at = before._accounted_at
        self._teller.permitted = self.orders.enabled

    def on_changes(self, changes: ChangeSet) -> None:
        """Subscriber of the database: a trip, a start or a lost session does not wait for the period."""
        if self._urgent[changes.rows].any():
            self._wake.set()

    def adopt(self, schedule: Schedule, why: str, objective: Objective) -> None:
        """Put a schedule in force, made for that reason and led by that objective."""
        self.schedule = schedule
        self.books.adopted(schedule, why, objective, wall_ms())
        self._wake.set()

    def expect(self, series: Series) -> None:
        """Take a series as it is given now; another course of it is a reason to plan anew."""
        before = self.expectations.series.get(series.name)
        self.expectations = self.expectations.with_series(series)
        if before is None or not series.says_as(before):
            self.statistics["series_changes"] += 1

    async def order(self, point: str, value: float) -> CommandStatus:
        """Take an order to the plant. SUCCESS once it is on disk; what cannot be written is not in force.

        Once a disable is answered, no command of the scheduler's leaves that had not left before.
        """
        async with self._order_lock:
            ordered = self.judge_order(point, value)
            if isinstance(ordered, OrderRefused):
                self.note_refused(point, value, ordered)
                return ordered.status
            if point == REGULATION_COMMAND:  # renewed every few seconds: nothing that a restart goes on with
                self._regulated_at = time.monotonic()
            elif not await self._kept(ordered, point, value):
                return CommandStatus.HARDWARE_ERROR
            self.orders = ordered
            self._teller.permitted = ordered.enabled
        self.statistics["orders_taken"] += 1
        log.log(DEBUG if point == REGULATION_COMMAND else INFO, "order_taken", point=point, value=value)
        self._points.write(
            order_values(self.orders, self.memory.target_mw, self.site.schedule.objective), Quality.ONLINE, wall_ms()
        )
        self._wake.set()
        return CommandStatus.SUCCESS

    async def _kept(self, ordered: Orders, point: str, value: float) -> bool:
        """Orders written down with their proof, or told that they could not be."""
        try:
            taken = self.books.order_proof(point, value, "", wall_ms())
            await self._journal.keep({"orders": ordered.to_json()}, [taken])
        except JournalError as error:
            self.statistics["orders_refused"] += 1
            log.error("order_not_kept", point=point, value=value, error=str(error))
            return False
        return True

    def judge_order(self, point: str, value: float) -> Orders | OrderRefused:
        """What an order would make of the orders; nothing changes."""
        lowest = sum(asset.lowest_mw for asset in self.site.fleet.assets)
        offered = self.site.plant.regulation_mw
        return apply_order(self.orders, point, value, lowest, self.site.fleet.rating_mw, offered)

    def note_refused(self, point: str, value: float, refused: OrderRefused) -> None:
        """An order was not taken, at its select or later."""
        self.statistics["orders_refused"] += 1
        self.books.refused(point, value, refused.reason, wall_ms())
        log.warning("order_refused", point=point, value=value, reason=refused.reason)

    async def _cycle(self) -> None:
        now_ms = wall_ms()
        plant_ms = self.clock.plant_ms(now_ms)
        states = self._live()
        now = time.monotonic()
        if self._shadow is not None:
            self._shadow.go_on(states, self.memory, self.decision, now - self._accounted_at)
        self._account(states, plant_ms, now)
        self._end_regulation(now)
        period_h = self.site.plant.dispatch_period_s * self.clock.speed / 3600.0
        decision = run_cycle(
            self.plant,
            self.remembered,
            self.states,
            self.orders,
            self.schedule,
            plant_ms,
            time.monotonic(),
            period_h,
            self.maximum_now_mw,
        )
        self._note_changes(decision)
        if self._shadow is not None:
            decision = self._shadow.taken(decision, self.memory, states, plant_ms)
        self.memory, self.decision = decision.memory, decision
        if self.orders.enabled and self._shadow is None:
            self._teller.tell(decision, states)
        else:
            self._teller.forget()
            self.memory = replace(self.memory, setpoint_mw=np.full_like(self.memory.setpoint_mw, np.nan))
        self._publish(decision, states, plant_ms, now_ms)
        await self._keep()

    def _end_regulation(self, now: float) -> None:
        """A signal that is not renewed ends."""
        if self.orders.regulation is not None and now - self._regulated_at > self.site.plant.regulation_hold_s:
            self.orders = replace(self.orders, regulation=None)
            self.statistics["regulation_ended"] += 1
            log.warning("regulation_signal_lost", hold_s=self.site.plant.regulation_hold_s)

    def _account(self, states: AssetStates, plant_ms: int, now: float) -> None:
        hours = (now - self._accounted_at) * self.clock.speed / 3600.0  # not by a wall clock, which may be set
        self._accounted_at = now
        price = self.expectations.now(self.site.schedule.price, plant_ms)
        follows = self.orders.mode is PlantMode.FOLLOW
        shadow = None if self._shadow is None else self._shadow.booked(states)
        self.books.account(
            Moment(plant_ms, hours, states, self.memory, self.schedule, self.memory.target_mw, follows, price, shadow)
        )
        self.totals = advance(
            self.totals,
            hours,
            self.memory.target_mw,
            np.nan_to_num(states.power_mw),
            np.where(states.online, states.on, self.memory.was_on),  # out of sight is not stopped
            0.0 if np.isnan(price) else price,
            self.plant.costs,
            states.available_mw,
        )

    def _note_changes(self, decision: Decision) -> None:
        before = None if self.decision is None else self.decision.following
        if before is None or np.array_equal(before, decision.following):
            return
        names = [asset.name for asset in self.site.fleet.assets]
        for i in np.flatnonzero(before & ~decision.following):
            log.warning("asset_stopped_following", asset=names[i])
        for i in np.flatnonzero(~before & decision.following):
            log.info("asset_probed_again", asset=names[i])

    def _publish(self, decision: Decision, states: AssetStates, plant_ms: int, now_ms: int) -> None:
        price = self.expectations.now(self.site.schedule.price, plant_ms)
        load = self.expectations.now(self.site.schedule.load, plant_ms)
        own: Mapping[str, float] = {
            **order_values(self.orders, decision.dispatch.target_mw, self.site.schedule.objective),
            **derived_values(decision, self.totals, price, load),
            **regulation_values(decision),
            **permit_values(self.plant, decision.memory),
            **schedule_values(self.schedule, plant_ms, states.usable & decision.following),
            **self._cost_points.values(
                decision, states, self.schedule, self.expectations, self.site.schedule.ambient, plant_ms
            ),
            "shadow": float(self.site.plant.shadow),
            "commands": float(self._teller.sent),
            "commands_failed": float(self._teller.failed),
            "sessions_online": float(self._teller.sessions_online()),
            "plant_time": plant_ms / 1000.0,
        }
        for values, quality in measured_values(decision, states, self.plant.columns, self._rows):
            self._points.write(values, quality, now_ms)
        self._points.write(own, Quality.ONLINE, now_ms)
        self._points.write_setpoints(decision.dispatch.setpoint_mw, now_ms)

    # what survives a restart

    async def _keep(self) -> None:
        if time.monotonic() - self._kept_at < _KEEP_EVERY_S:
            return
        self._kept_at = time.monotonic()
        await self._write_down()

    async def close_books(self) -> None:
        """Write down what there is, at the clean stop of the station."""
        self.books.end()
        await self._write_down()

    async def _write_down(self) -> None:
        """The memory and the books in one transaction: a start is in both or in none of them."""
        texts = {"memory": self.memory.to_json(self.site.fleet), "totals": self.totals.to_json()}
        try:
            proof = await asyncio.to_thread(self.books.proof, wall_ms())
            await self._journal.keep(texts, proof)
            self.books.written(proof)
        except JournalError as error:  # the plant goes on: it is the gate that sends nothing without a record
            self.statistics["memory_not_kept"] += 1
            if self._kept_well:
                log.error("memory_not_kept", error=str(error))
            self._kept_well = False
        else:
            self._kept_well = True

    def _kept_orders(self) -> Orders:
        spec = self.site.plant
        mode = PlantMode.FOLLOW if spec.mode == "follow" else PlantMode.SCHEDULE
        first = Orders(spec.target_mw, mode, spec.enabled)
        kept = self._journal.get("orders")
        if kept is None:
            return first
        try:
            return Orders.from_json(kept)
        except (ValueError, KeyError):
            log.exception("kept_orders_unreadable")
            return replace(first, enabled=False)  # what is unknown must not command

    def _kept_memory(self, plant_ms: int) -> Memory:
        fresh = Memory.fresh(len(self.site.fleet), plant_ms)
        kept = self._journal.get("memory")
        if kept is None:
            return fresh
        try:
            return fresh.restored(kept, self.site.fleet)
        except (ValueError, KeyError):
            log.exception("kept_memory_unreadable")
            return fresh

    def _kept_totals(self) -> Totals:
        kept = self._journal.get("totals")
        if kept is None:
            return Totals()
        try:
            return Totals.from_json(kept)
        except (ValueError, KeyError):
            log.exception("kept_totals_unreadable")
            return Totals()


def plant_of(site: Site, tree: LimitTree) -> Plant:
    """The constants of a site's plant; ``tree`` holds its limits."""
    spec = site.plant
    return Plant.of(site.fleet, spec.settle_s, tree, spec.ramp_mw_per_min, spec.regulation_mw)
