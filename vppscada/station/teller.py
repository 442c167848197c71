"""Tells assets what the dispatch decided: one command at a time per asset, only what is worth a command."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import numpy as np
import structlog
from numpy.typing import NDArray

from vppscada.control.gate import Refused
from vppscada.control.pipeline import ControlPipeline
from vppscada.model.assets import AssetStates, Fleet
from vppscada.model.commands import Accepted, NotSent, Origin, Rejected, Unanswered
from vppscada.model.points import Role
from vppscada.model.quality import is_fit
from vppscada.plant.carrying import places_of
from vppscada.plant.cycle import Decision
from vppscada.plant.fleet_view import ABSENT, FleetRows, fleet_columns
from vppscada.plant.telling import worth_telling
from vppscada.points.database import Database

log = structlog.get_logger()

_LIFETIME_S = 5.0  # of a decision, whatever number of commands it takes
_PACE_S = 0.25  # longer than the control gate wants between two commands to a point
_START_MARGIN_S = 30.0  # wall seconds after which a start that shows no effect may be decided anew


class Teller:
    """Commands to the fleet on behalf of the scheduler. One task per asset at most: later decisions coalesce."""

    def __init__(
        self,
        fleet: Fleet,
        rows: FleetRows,
        database: Database,
        pipeline: ControlPipeline,
        sessions_online: Callable[[], int],
        speed: float,
    ) -> None:
        self.statistics: Counter[str] = Counter()
        self.sessions_online = sessions_online
        self.permitted = True  # False: nothing more leaves, not even the rest of what a task has begun
        self._fleet = fleet
        self._rows = rows
        self._columns = fleet_columns(fleet)
        self._database = database
        self._pipeline = pipeline
        self._sent_mw = np.full(len(fleet), np.nan)
        self._sent_at = np.full(len(fleet), -np.inf)
        self._switched_at = np.full(len(fleet), -np.inf)
        self._switch_rest_s = self._columns.start_time_s / speed + _START_MARGIN_S
        self._busy: dict[int, asyncio.Task[None]] = {}

    @property
    def sent(self) -> int:
        """Commands that left."""
        return self.statistics["accepted"] + self.statistics["rejected"] + self.statistics["unanswered"]

    @property
    def failed(self) -> int:
        """Commands that a device refused or never answered."""
        return self.statistics["rejected"] + self.statistics["unanswered"]

    def tell(self, decision: Decision, states: AssetStates) -> None:
        """Start what is to be sent. Never waits; an asset that is still being told is passed over."""
        self._sent_mw[~states.online] = np.nan  # whatever it was told, it may have forgotten
        now = time.monotonic()
        setpoint = decision.dispatch.setpoint_mw
        worth = worth_telling(setpoint, self._sent_mw, states.setpoint_mw, self._columns.rating_mw, now - self._sent_at)
        worth |= self._not_enabled() & ~np.isnan(setpoint)
        rested = now - self._switched_at > self._switch_rest_s
        start = decision.dispatch.start & rested
        stop = decision.dispatch.stop & rested
        for i in np.flatnonzero(start | stop | worth).tolist():
            if i in self._busy:
                continue
            switch = bool(start[i]) if start[i] or stop[i] else None
            power = float(setpoint[i]) if worth[i] and switch is None else None
            task = asyncio.create_task(self._tell_one(i, switch, power, now + _LIFETIME_S))
            self._busy[i] = task
            task.add_done_callback(partial(self._told, i))

    def _told(self, i: int, _: "asyncio.Task[None]") -> None:
        self._busy.pop(i, None)

    def _not_enabled(self) -> NDArray[np.bool_]:
        """Assets that obey a setpoint only once they are told to, and say that they have not been."""
        rows = self._rows.of[Role.SETPOINT_ENABLE]
        said = is_fit(self._database.quality[rows]) & (self._database.value[rows] != 1.0)
        return np.where(rows == ABSENT, False, said)

    def take_over(self, before: "Teller") -> None:
        """Go on from what another one has told the assets that are in both fleets."""
        new, old = places_of(before._fleet, self._fleet)
        self._sent_mw[new], self._sent_at[new] = before._sent_mw[old], before._sent_at[old]
        self._switched_at[new] = before._switched_at[old]
        self.statistics.update(before.statistics)

    def forget(self) -> None:
        """Somebody else may command the fleet: what it was told last is what it echoes."""
        self._sent_mw[:] = np.nan

    async def drain(self) -> None:
        """Await what is under way."""
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def rest(self) -> None:
        """Tell every asset that can be told to go to zero: the clean stop of a site that asks for it."""
        await self.drain()
        await asyncio.sleep(_PACE_S)  # so that no zero is refused for coming right behind another command
        deadline = time.monotonic() + _LIFETIME_S
        await asyncio.gather(*(self._tell_one(i, None, 0.0, deadline) for i in range(len(self._fleet))))

    async def _tell_one(self, i: int, switch: bool | None, power_mw: float | None, deadline: float) -> None:
        try:
            if switch is not None:
                self._switched_at[i] = time.monotonic()
                await self._command(i, Role.START_STOP, float(switch), "commitment", deadline)
            elif power_mw is not None:
                await self._set_power(i, power_mw, deadline)
        except Exception:
            self.statistics["errors_caught"] += 1
            log.exception("telling_failed", asset=self._fleet.assets[i].name)

    async def _set_power(self, i: int, power_mw: float, deadline: float) -> None:
        enable = self._rows.of[Role.SETPOINT_ENABLE][i]
        if enable != ABSENT and self._database.value[enable] != 1.0:
            await self._command(i, Role.SETPOINT_ENABLE, 1.0, "setpoint enable", deadline)
        self._sent_mw[i], self._sent_at[i] = power_mw, time.monotonic()
        await self._command(i, Role.SETPOINT, power_mw, "dispatch", deadline)

    async def _command(self, i: int, role: Role, value: float, reason: str, deadline: float) -> None:
        row = int(self._rows.of[role][i])
        if row == ABSENT:
            return
        if not self.permitted:
            self.statistics["withheld"] += 1
            return
        lifetime_s = deadline - time.monotonic()
        result = await self._pipeline.command(row, value, Origin.SCHEDULER, reason, lifetime_s)
        name = self._fleet.assets[i].name
        match result:
            case Accepted():
                self.statistics["accepted"] += 1
                return
            case Rejected(status=status):
                self.statistics["rejected"] += 1
                log.warning("command_rejected", asset=name, role=role, value=value, status=status.name)
            case Unanswered(reason=why):
                self.statistics["unanswered"] += 1
                log.warning("command_unanswered", asset=name, role=role, value=value, reason=why)
            case NotSent(reason=why):
                self.statistics["not_sent"] += 1
                log.info("command_not_sent", asset=name, role=role, value=value, reason=why)
            case refused:
                self.statistics["refused"] += 1
                log.info("command_refused", asset=name, role=role, value=value, why=refused.reason, words=refused.words)
        if role is Role.SETPOINT and isinstance(result, NotSent | Refused):
            self._sent_mw[i] = np.nan  # nothing left: it may be decided again
