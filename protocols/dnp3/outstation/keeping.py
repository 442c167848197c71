"""The event store's side of an association: what is on disk before it is told, and off it before we go on."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable

import structlog

from protocols.dnp3.outstation.core import OutstationCore
from protocols.dnp3.outstation.events import Ids
from vppscada.model.outstations import EventStore

RETRY_S = 1.0


class EventKeeping:
    """Gives a store what the events of one association owe it.

    ``saved`` and ``discarded`` are called when events may be told, and when what was confirmed has left the disk.
    A disk that fails delays events and loses none. The master is answered meanwhile, even about what it confirmed:
    only while the disk fails could a kill bring back events that were confirmed, and IIN1.6 says so.
    """

    def __init__(
        self,
        store: EventStore,
        core: OutstationCore,
        statistics: Counter[str],
        saved: Callable[[], None],
        discarded: Callable[[], None],
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._store = store
        self._core = core
        self._statistics = statistics
        self._saved = saved
        self._discarded = discarded
        self._log = log
        self._wanted = asyncio.Event()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def look(self) -> None:
        """After anything happened: wake up if the store is owed something."""
        if self._core.is_settling or self._core.buffer.owes_store:
            self._wanted.set()

    async def settled(self) -> None:
        """Return when every event so far is on disk.

        Raises:
            Exception: the store's, if it did not take them.
        """
        if not self._core.buffer.has_unsaved:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._core.buffer.last_id, waiter))
        self._wanted.set()
        await waiter

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if not await self.once():
                await asyncio.sleep(RETRY_S)
                self._wanted.set()

    async def once(self) -> bool:
        """Give the store what it is owed now; False if it did not take it."""
        try:
            await self._give()
        except Exception as error:
            self._statistics["store_failures"] += 1
            self._tell(math.inf, error)
            if not self._core.state.store_fails:
                self._log.exception("event_store_failed")
            self._core.state.store_fails = True
            self._discarded()
            return False
        self._core.state.store_fails = False
        return True

    async def _give(self) -> None:
        """Both at once, for a store that makes one transaction of what comes together.

        Neither needs the other's order: an event is taken to be discarded only after its append was taken.
        """
        buffer, settling = self._core.buffer, self._core.is_settling
        unsaved, discards, newest = buffer.unsaved(), buffer.take_discards(), buffer.last_id
        left = asyncio.ensure_future(self._store.discard(discards))
        try:
            if len(unsaved):
                await self._store.append(unsaved)
                buffer.saved(unsaved.id)
        finally:
            await self._finish_discard(left, discards)
        self._tell(newest, None)
        if settling:
            self._discarded()
        if len(unsaved):
            self._saved()

    def _tell(self, up_to: float, error: Exception | None) -> None:
        """Wake those who wait for events up to this id."""
        told = [waiter for newest, waiter in self._waiting if newest <= up_to and not waiter.done()]
        self._waiting = [(newest, waiter) for newest, waiter in self._waiting if newest > up_to]
        for waiter in told:
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    async def _finish_discard(self, left: "asyncio.Future[None]", discards: Ids) -> None:
        try:
            await left
        except BaseException:
            self._core.buffer.owe_discards(discards)
            raise
