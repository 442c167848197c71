"""Whether the station makes progress, told to systemd: READY once sessions were tried, WATCHDOG while all moves."""

import asyncio
import time
from collections.abc import Callable

import structlog

from vppscada.points.journal import Journal
from vppscada.station.in_force import InForce
from vppscada.station.notify import notify, watchdog_period_s

log = structlog.get_logger()

_LOOK_S = 1.0
_DISPATCH_LATE_S = 10.0
_SCHEDULER_LATE_S = 120.0  # beyond the time limit of a solve: the worker's restart, a rest after a failure


def late(now: float, dispatch: float, scheduler: float, period_s: float, solve_s: float) -> str | None:
    """Which part has made no progress for too long; None = all move. Monotonic seconds.

    ``period_s`` is the dispatch period, ``solve_s`` the time limit of a solve.
    """
    if now - dispatch > max(_DISPATCH_LATE_S, 5.0 * period_s):
        return "dispatch"
    if now - scheduler > solve_s + _SCHEDULER_LATE_S:
        return "scheduler"
    return None


class Watch:
    """Feeds the watchdog, or lets it bite."""

    def __init__(self, in_force: Callable[[], InForce], journal: Journal) -> None:
        self._in_force = in_force
        self._journal = journal
        self._was_late: str | None = None

    async def run(self) -> None:
        """Until cancelled."""
        now = self._in_force()
        tried = (one.tried.wait() for one in now.links.supervisors.values())
        await asyncio.gather(*tried, now.plant.cycled.wait())
        notify(READY="1", STATUS=self.status())
        log.info("station_ready", status=self.status())
        period = min(watchdog_period_s() or _LOOK_S, _LOOK_S)
        while True:
            self._look()
            await asyncio.sleep(period)

    def status(self) -> str:
        """One line for ``systemctl status``."""
        now = self._in_force()
        decision = now.plant.decision
        power = float("nan") if decision is None else decision.state.power_mw
        target = float("nan") if decision is None else decision.dispatch.target_mw
        commanding = "commanding" if now.plant.orders.enabled else "watching only"
        commanding = "in shadow" if now.site.plant.shadow else commanding
        sessions = f"{now.sessions_online()}/{len(now.links.supervisors)} sessions up"
        return f"{sessions}, {power:.2f} of {target:.2f} MW, {commanding}"

    def stopping(self) -> None:
        """Say that the end is wanted."""
        notify(STOPPING="1", STATUS="stopping")

    def _look(self) -> None:
        now = self._in_force()
        stuck = late(
            time.monotonic(),
            now.plant.progress,
            now.scheduler.progress,
            now.site.plant.dispatch_period_s,
            now.site.schedule.time_limit_s,
        )
        if stuck is not None:
            if stuck != self._was_late:
                log.error("progress_lost", part=stuck)
            self._was_late = stuck
            notify(STATUS=f"no progress: {stuck}")
            return
        self._was_late = None
        # A disk that is full is no better after a restart: no command goes out without its record, and we say why.
        notify(WATCHDOG="1", STATUS=self.status() if self._journal.healthy else "the journal cannot be written")
