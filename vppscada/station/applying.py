"""A changed site in place of the one in force while the station runs: shown, applied, watched, taken back if need be.

What it does not concern is not touched: those sessions stay connected, those outstations keep their masters.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import structlog

from vppscada.maps import find_site, load_site
from vppscada.maps.difference import difference, told
from vppscada.maps.snapshot import snapshot
from vppscada.model.drivers import Driver
from vppscada.model.errors import VppscadaError
from vppscada.model.quality import is_fit
from vppscada.model.site import Site
from vppscada.plant.expectations import Expectations
from vppscada.station.in_force import InForce, expectations_of
from vppscada.station.runtime import apart
from vppscada.station.succession import Succession, Trial, succession, trial_of

log = structlog.get_logger()

_LOOK_S = 0.25
_NAMES_TOLD = 20  # of fallen points


class CannotApply(VppscadaError):
    """A changed site that was not put in force. Nothing has changed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a changed site would do, in lines for people, and a mark by which `apply` knows that it is still so."""

    lines: tuple[str, ...]
    mark: str
    is_empty: bool


@dataclass(frozen=True, slots=True)
class Applied:
    """How it ended: ``kept``, or taken back for these points, which were good before (the first of ``lost``)."""

    kept: bool
    fallen: tuple[str, ...] = ()
    lost: int = 0


#: Puts a site in force; the station's. Returns what is in force then.
Replace = Callable[[Succession, Expectations], Awaitable[InForce]]


class Applying:
    """One change of the site at a time, from the file to its end."""

    def __init__(
        self,
        in_force: Callable[[], InForce],
        replace: Replace,
        drivers: Mapping[str, Driver],
        overrides: Mapping[str, object],
    ) -> None:
        """``overrides`` are those that the station was started with; they go for every site that it reads."""
        self._trial_ends: float | None = None  # monotonic; while a change is being watched
        self._task: asyncio.Task[Applied] | None = None
        self._in_force = in_force
        self._replace = replace
        self._drivers = drivers
        self._overrides = dict(overrides)

    @property
    def trial_left_s(self) -> float | None:
        """While a change is being watched: for how long still."""
        return None if self._trial_ends is None else max(round(self._trial_ends - time.monotonic(), 1), 0.0)

    async def stop(self) -> None:
        """Break off whatever is under way: the station ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def plan(self, file: str, overrides: Mapping[str, object]) -> Plan:
        """What it would do to put the site of a file in force. Nothing changes.

        Raises:
            ConfigError: every fault of the site.
            CannotApply: it is not for this station.
        """
        after = await self._read(file, overrides)
        return await apart(_plan, self._in_force().site, after)

    async def apply(self, file: str, overrides: Mapping[str, object], mark: str, within_s: float) -> Applied:
        """Put the site of a file in force, watch for ``within_s`` what was good before, and take it back if that falls.

        Args:
            file: the site file, as `find_site` takes it.
            overrides: settings in place of the file's, beside those that the station was started with.
            mark: of the plan that was agreed to.
            within_s: points of sessions that are started anew must be good again after so long; those of all
                others must not fall at any time of it.

        Raises:
            ConfigError: every fault of the site. Nothing has changed.
            CannotApply: it could not be put in force. Nothing has changed.
        """
        if self._task is not None and not self._task.done():
            raise CannotApply("another change of the site is under way")
        self._task = asyncio.get_running_loop().create_task(self._apply(file, overrides, mark, within_s))
        self._task.add_done_callback(_note_failure)
        return await asyncio.shield(self._task)  # whoever asked may go; what is begun is brought to an end

    async def _apply(self, file: str, overrides: Mapping[str, object], mark: str, within_s: float) -> Applied:
        after = await self._read(file, overrides)
        before = self._in_force()
        if (await apart(_plan, before.site, after)).mark != mark:
            raise CannotApply("the files or the station have changed since the plan was shown; look at it again")
        expectations = await apart(expectations_of, after)
        followed = await apart(succession, before.site, after)
        return await self._carry_out(before, followed, expectations, within_s)

    async def _read(self, file: str, overrides: Mapping[str, object]) -> Site:
        settings = self._overrides | dict(overrides)
        return await apart(load_site, find_site(file), self._drivers, settings)

    async def _carry_out(
        self, before: InForce, followed: Succession, expectations: Expectations, within_s: float
    ) -> Applied:
        file = str(followed.site.file)
        trial = trial_of(followed, is_fit(before.database.quality))
        now = await self._replace(followed, expectations)
        log.info("site_applied", file=file, trial_s=within_s, watched=len(trial.always) + len(trial.at_end))
        fallen = await self._watch(now, trial, within_s)
        if not fallen:
            log.info("site_kept", file=file)
            return Applied(kept=True)
        log.error("site_taken_back", file=file, lost=len(fallen), points=fallen[:_NAMES_TOLD])
        await self._replace(await apart(succession, now.site, before.site), before.expectations)
        return Applied(False, tuple(fallen[:_NAMES_TOLD]), len(fallen))

    async def _watch(self, now: InForce, trial: Trial, within_s: float) -> Sequence[str]:
        """The ids of points that have fallen; none, once the time is over."""
        self._trial_ends = time.monotonic() + within_s
        try:
            while True:
                is_over = time.monotonic() >= self._trial_ends
                rows = trial.fallen(np.asarray(is_fit(now.database.quality)), is_over=is_over)
                if len(rows) or is_over:
                    return [now.site.points[row].id for row in rows.tolist()]
                await asyncio.sleep(_LOOK_S)
        finally:
            self._trial_ends = None


def _note_failure(task: "asyncio.Task[Applied]") -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.warning("site_not_applied", reason=str(error))


def _plan(before: Site, after: Site) -> Plan:
    found = difference(snapshot(before), snapshot(after))
    mark = hashlib.sha256(json.dumps(asdict(found)).encode()).hexdigest()
    return Plan(tuple(told(found, len(after.sessions))), mark, found.is_empty)
