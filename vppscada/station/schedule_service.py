"""Keeps a schedule in force: asks the optimiser on the clock and on events; the last valid one stands."""

import asyncio
import time
from collections import Counter
from dataclasses import replace

import structlog

from vppscada.model.schedule import Objective, Schedule, SolveFailure
from vppscada.plant.planning import PlannedFor, reason_to_plan
from vppscada.plant.requirements import build_request, horizon_of
from vppscada.scheduling.worker import SolverWorker
from vppscada.station.backoff import delay_s
from vppscada.station.forecaster import Forecaster
from vppscada.station.plant_service import PlantService
from vppscada.station.supervisor import wall_ms

log = structlog.get_logger()

_LOOK_EVERY_S = 0.25
_DEADLINE_MARGIN_S = 10.0  # beyond the solver's own limit before the worker is killed
_REST_AFTER_FAILURE_S = (5.0, 60.0)  # first, longest


class ScheduleService:
    """One solve at a time, in the worker process."""

    def __init__(self, plant: PlantService, forecaster: Forecaster, worker: SolverWorker) -> None:
        self.statistics: Counter[str] = Counter()
        self.progress = time.monotonic()
        self._plant = plant
        self._forecaster = forecaster
        self._worker = worker
        self._last: PlannedFor | None = None
        self._failures = 0  # in a row
        self._rest_until = -float("inf")

    async def run(self) -> None:
        """Until cancelled."""
        await self._plant.cycled.wait()
        while True:
            self.progress = time.monotonic()
            current = self._current()
            reason = self._reason(current)
            if reason is None or not current.usable.any():
                await asyncio.sleep(_LOOK_EVERY_S)
                continue
            self._last = current
            try:
                solved = await self._solve(current, reason)
            except Exception:
                solved = False
                log.exception("schedule_failed")
            self._note(solved)

    def _note(self, solved: bool) -> None:
        """After a failure it is tried again by itself, less and less often; a change of the plant does not wait."""
        self._failures = 0 if solved else self._failures + 1
        if not solved:
            self.statistics["solves_failed"] += 1
            self._rest_until = time.monotonic() + delay_s(self._failures, 0.0, *_REST_AFTER_FAILURE_S)

    def _current(self) -> PlannedFor:
        plant = self._plant
        return PlannedFor(
            plant_ms=plant.clock.plant_ms(wall_ms()),
            target_mw=plant.orders.target_mw,
            usable=plant.states.usable,
            emergency=plant.remembered.emergency,
            running=plant.orders.running,
            mode=int(plant.orders.mode),
            objective=plant.orders.leading(plant.site.schedule.objective),
            series_changes=plant.statistics["series_changes"],
        )

    def _reason(self, current: PlannedFor) -> str | None:
        decision = self._plant.decision
        shortfall = 0.0 if decision is None else decision.dispatch.shortfall_mw
        every_s = self._plant.site.schedule.every_s
        if self._failures and time.monotonic() >= self._rest_until:
            return "the last try failed"
        return reason_to_plan(self._last, current, every_s, self._plant.site.fleet.rating_mw, shortfall)

    async def _solve(self, current: PlannedFor, reason: str) -> bool:
        plant = self._plant
        site = plant.site
        horizon = horizon_of(site.schedule, current.plant_ms)
        own = await self._forecaster.forecast(horizon)
        request = build_request(
            site.fleet,
            plant.states,
            plant.remembered.history(site.fleet),
            replace(site.schedule, objective=current.objective),
            plant.expectations,
            horizon,
            plant.orders.owed_mw,
            site.products,
            plant.limits_now,
            own,
        )
        self._forecaster.issued(request, horizon, own)
        result = await self._worker.solve(request, site.schedule.time_limit_s + _DEADLINE_MARGIN_S)
        if isinstance(result, SolveFailure):
            log.error("schedule_not_solved", status=result.status, reason=result.reason, why=reason)
            return False
        self._adopt(result, reason, current.objective)
        return True

    def _adopt(self, schedule: Schedule, reason: str, objective: Objective) -> None:
        self.statistics["solves"] += 1
        log.info(
            "schedule_adopted",
            why=reason,
            objective=objective,
            status=schedule.status,
            gap=round(schedule.gap, 5),
            cost=round(schedule.cost, 2),
            seconds=round(schedule.solve_s, 2),
            gave=schedule.gave[:5],
        )
        self._plant.adopt(schedule, reason, objective)
