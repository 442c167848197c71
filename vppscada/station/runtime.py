"""One loop for Twisted and asyncio, and the only two calls by which their awaits meet.

asyncio code takes a Deferred through `of_deferred`; Twisted code takes a coroutine through `as_deferred`.
Everything else is an asyncio coroutine.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine
from threading import Thread
from typing import Any, TypeVar

from twisted.internet import asyncioreactor
from twisted.internet.defer import Deferred
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")

_USUAL_TURN_S, _TURN_S = sys.getswitchinterval(), 0.0002


class _Helper(Thread):
    """Of the reactor's pool, where names are looked up: one that waits must not hold up the process's end."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named, daemon=True)


def new_loop() -> asyncio.AbstractEventLoop:
    """A fresh event loop (uvloop's where that extra is installed)."""
    with contextlib.suppress(ImportError):
        import uvloop

        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        return loop
    return asyncio.new_event_loop()


def install_reactor(loop: asyncio.AbstractEventLoop) -> None:
    """Make ``loop`` the reactor of this process and start it, without signal handlers of its own."""
    asyncio.set_event_loop(loop)
    ThreadPool.threadFactory = _Helper
    asyncioreactor.install(loop)
    from twisted.internet import reactor

    reactor.startRunning(installSignalHandlers=False)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the reactor's loop to its end; SIGINT and SIGTERM cancel it once.

    Raises:
        asyncio.CancelledError: a signal ended it and it did not choose a result of its own.
    """
    loop = new_loop()
    install_reactor(loop)
    task = loop.create_task(main)
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if not stopping:  # a second signal must not break off a clean stop half way; SIGKILL always can
            stopping = True
            task.cancel()

    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop)
    try:
        return loop.run_until_complete(task)
    finally:
        _finish(loop)


def _finish(loop: asyncio.AbstractEventLoop) -> None:
    leftover = asyncio.all_tasks(loop)
    for task in leftover:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(asyncio.gather(*leftover, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_default_executor())


async def apart(function: Callable[..., T], *arguments: object) -> T:
    """The result of something that takes its time and is mostly Python, in a thread, while the loop goes on.

    After each of its system calls the loop waits for the interpreter's lock, 5 ms each by default: with a thousand
    sessions it would stand still for a second. So the other thread gets shorter turns meanwhile.
    """
    sys.setswitchinterval(_TURN_S)
    try:
        return await asyncio.to_thread(function, *arguments)
    finally:
        sys.setswitchinterval(_USUAL_TURN_S)


async def of_deferred(deferred: "Deferred[T]") -> T:
    """Await a Deferred inside an asyncio coroutine."""
    result: T = await deferred.asFuture(asyncio.get_running_loop())
    return result


def as_deferred(coroutine: Coroutine[Any, Any, T]) -> "Deferred[T]":
    """Hand an asyncio coroutine to Twisted code."""
    return Deferred.fromFuture(asyncio.ensure_future(coroutine))
