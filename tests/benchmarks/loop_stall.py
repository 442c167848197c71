"""How long the event loop stands still while a schedule is solved, and while its solver is killed or crashes.

A coroutine wakes every two milliseconds and notes how late it is. The fleet is one of a thousand assets. The rival is
the same solve in a thread of the station's own process; it lets go of the interpreter only while the solver works.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tests.benchmarks.row import Row
from tests.benchmarks.schedule import day
from vppscada.model.schedule import ScheduleRequest
from vppscada.scheduling.solve import solve
from vppscada.scheduling.worker import SolverWorker

ASSETS = 1_000
_TICK_S = 0.002
_LIMIT_S = 8.0


def run() -> list[Row]:
    """Four figures, the longest of each."""
    return asyncio.run(_figures())


async def _figures() -> list[Row]:
    asked = replace(day(ASSETS), time_limit_s=_LIMIT_S)
    worker = SolverWorker()
    await worker.solve(replace(asked, time_limit_s=0.5), 5.0)  # the process is there

    async def solved() -> None:
        await worker.solve(asked, _LIMIT_S + 10.0)

    async def missed() -> None:
        await worker.solve(asked, 0.5)

    async def crashed() -> None:
        under_way = asyncio.create_task(worker.solve(asked, _LIMIT_S + 10.0))
        await asyncio.sleep(1.0)
        if worker.pid is not None:
            os.kill(worker.pid, signal.SIGKILL)
        await under_way

    async def in_a_thread() -> None:
        await asyncio.to_thread(_solve, asked)

    rival = await _longest(in_a_thread)
    rows = [
        Row(f"loop_stall_{name}", await _longest(work), rival, "solved in a thread", "ms (less is better)")
        for name, work in (("solving", solved), ("killed", missed), ("crashed", crashed))
    ]
    await worker.close()
    return rows


def _solve(asked: ScheduleRequest) -> None:
    solve(asked)


async def _longest(work: Callable[[], Awaitable[None]]) -> float:
    """The longest that the loop was late while ``work`` went on, in ms."""
    late = [0.0]

    async def tick() -> None:
        while True:
            due = time.perf_counter() + _TICK_S
            await asyncio.sleep(_TICK_S)
            late.append(time.perf_counter() - due)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.1)
    await work()
    ticking.cancel()
    return 1000.0 * max(late)
