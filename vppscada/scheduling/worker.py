"""The solver in a process of its own: fixed threads, low priority, a hard deadline, killed and replaced at need.

This side never imports OR-Tools. Requests and results go as length-prefixed pickles over the worker's
standard input and output; nobody else can write there.
"""

import asyncio
import contextlib
import os
import pickle
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter

import structlog

from vppscada.model.schedule import Schedule, ScheduleRequest, SolveFailure, SolveStatus
from vppscada.scheduling.frames import LENGTH, frame, read_length

log = structlog.get_logger()

_OWN_END_S = 1.0

#: What the worker may take beyond the deadline to hand over what it has, before it is killed.
GRACE_S = 1.0
_WORKER = (sys.executable, "-m", "vppscada.scheduling.worker_process")


class SolverWorker:
    """One worker process, started at the first solve and again after a crash. One solve at a time; others queue."""

    def __init__(self, grace_s: float = GRACE_S, niceness: int = 10) -> None:
        self.statistics: Counter[str] = Counter()
        self._grace_s = grace_s
        self._niceness = niceness
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Of the worker process; None while there is none."""
        return None if self._process is None else self._process.pid

    async def solve(self, request: ScheduleRequest, deadline_s: float) -> Schedule | SolveFailure:
        """Solve within ``deadline_s`` from now, waiting for one's turn included.

        A worker that dies gives FAILED, one that is not done in time is killed and gives UNSOLVED. A cancelled
        call kills the worker; the next call starts a fresh one.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(deadline_s + self._grace_s), self._turn:
                return await self._ask(request, started + deadline_s)
        except TimeoutError:
            self.statistics["deadlines_missed"] += 1
            log.warning("solver_deadline_missed", deadline_s=deadline_s)
            reason = f"no schedule within the deadline of {deadline_s:g} s"
            return SolveFailure(SolveStatus.UNSOLVED, reason, time.monotonic() - started)

    async def close(self) -> None:
        """End the worker process. A solve under way ends as FAILED."""
        if self._process is not None:
            await self._end(self._process)

    async def _ask(self, request: ScheduleRequest, deadline: float) -> Schedule | SolveFailure:
        started = time.monotonic()
        process = await self._running()
        try:
            result = await _exchange(process, (request, deadline - time.monotonic()))
        except (OSError, EOFError, asyncio.IncompleteReadError) as error:
            # It is ending by itself: asyncio loses the exit status of a process that is signalled after its end.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_OWN_END_S):
                    await asyncio.shield(process.wait())
            await self._end(process)
            self.statistics["workers_lost"] += 1
            reason = f"the solver process {_ending(process)} while it worked"
            log.error("solver_process_lost", reason=reason, error=repr(error))
            return SolveFailure(SolveStatus.FAILED, reason, time.monotonic() - started)
        except BaseException:  # cancelled, or the deadline: what it is working on is nobody's any more
            await self._end(process)
            raise
        self.statistics["answers"] += 1
        if isinstance(result, (Schedule, SolveFailure)):
            return result
        return SolveFailure(SolveStatus.FAILED, f"the solver process answered {type(result).__name__}")

    async def _running(self) -> Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        self.statistics["workers_started"] += 1
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = await asyncio.create_subprocess_exec(
            *_WORKER, str(os.getpid()), str(self._niceness), stdin=PIPE, stdout=PIPE, env=environment
        )
        log.info("solver_process_started", pid=self._process.pid)
        return self._process

    async def _end(self, process: Process) -> None:
        """Kill and reap; safe to call twice, and while being cancelled."""
        if self._process is process:
            self._process = None
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await asyncio.shield(process.wait())


async def _exchange(process: Process, question: object) -> object:
    assert process.stdin is not None and process.stdout is not None
    # A fleet of thousands takes tens of milliseconds to pickle, which the event loop has not.
    process.stdin.write(await asyncio.to_thread(frame, question))
    await process.stdin.drain()
    length = read_length(await process.stdout.readexactly(LENGTH))
    return await asyncio.to_thread(pickle.loads, await process.stdout.readexactly(length))


def _ending(process: Process) -> str:
    code = process.returncode
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with status {code}"
