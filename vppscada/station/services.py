"""The service tree: asyncio coroutines as Twisted services, started in order and stopped in reverse."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred

from vppscada.station.runtime import as_deferred, of_deferred

log = structlog.get_logger()


class TaskService(Service):
    """Runs one coroutine for as long as it is started. If the coroutine dies by itself, ``failed`` is told."""

    def __init__(
        self, name: str, main: Callable[[], Coroutine[Any, Any, None]], failed: Callable[[str, str], None]
    ) -> None:
        self.setName(name)  # type: ignore[no-untyped-call]
        self._main = main
        self._failed = failed
        self._task: asyncio.Task[None] | None = None

    def startService(self) -> None:  # noqa: N802
        """Start the coroutine."""
        super().startService()  # type: ignore[no-untyped-call]
        self._task = asyncio.get_running_loop().create_task(self._main())
        self._task.add_done_callback(self._done)

    def stopService(self) -> "Deferred[None]":  # noqa: N802
        """Cancel the coroutine; fires when it has ended."""
        super().stopService()  # type: ignore[no-untyped-call]
        return as_deferred(self._stop())

    async def _stop(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        except Exception:
            log.exception("service_stop_failed", service=self.name)

    def _done(self, task: "asyncio.Task[None]") -> None:
        if not self.running:
            return
        # Cancelled by nobody who stops the service: a cancellation that leaked out of something it awaited.
        error = "cancelled" if task.cancelled() else repr(task.exception())
        log.error("service_ended", service=self.name, error=error)
        self._failed(str(self.name), error)


async def leave(tree: MultiService, name: str) -> None:
    """Stop one service of a tree and take it out. Nothing where it never came in."""
    if name in tree.namedServices:
        stopped = tree.getServiceNamed(name).disownServiceParent()
        if isinstance(stopped, Deferred):
            await of_deferred(stopped)


async def stop_in_reverse(tree: MultiService) -> None:
    """Stop the services of a tree one after another, last started first (MultiService stops them all at once)."""
    for service in reversed(list(tree)):
        try:
            await leave(tree, str(service.name))
        except Exception:
            log.exception("service_stop_failed", service=service.name)
