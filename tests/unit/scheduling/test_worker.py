"""The solver process: crashes, deadlines, cancellation. Real processes, real signals."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from tests.unit.scheduling.requests import engine, request
from vppscada.model.schedule import Schedule, ScheduleRequest, SolveFailure, SolveStatus
from vppscada.scheduling.worker import SolverWorker


@pytest.fixture
async def worker() -> AsyncIterator[SolverWorker]:
    made = SolverWorker()
    yield made
    await made.close()


def easy() -> ScheduleRequest:
    return request([engine()], [5.0, 8.0])


def hard() -> ScheduleRequest:
    """Takes far longer than any test waits."""
    rng = np.random.default_rng(1)
    fleet = [
        engine(
            f"engine{i}",
            rating_mw=6.0 + rng.uniform(0, 5),
            fuel_price_per_mwh=9.0 + rng.uniform(0, 3),
            running_cost_per_h=rng.uniform(5, 30),
            minimum_up_s=3600.0 * rng.integers(1, 9),
            minimum_down_s=3600.0 * rng.integers(1, 9),
            start_costs=((0.0, 50.0), (3.0, rng.uniform(60, 200)), (9.0, 300.0)),
        )
        for i in range(60)
    ]
    load = 250.0 + 150.0 * np.sin(np.arange(168) / 24 * 2 * np.pi) + rng.normal(0, 20, 168)
    return request(fleet, load.tolist(), reserve_mw=30.0, time_limit_s=300.0)


async def started(worker: SolverWorker) -> int:
    """Pid of the worker once there is one."""
    while worker.pid is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return worker.pid


async def test_it_solves_again_and_again_in_one_process(worker: SolverWorker) -> None:
    first = await worker.solve(easy(), 30.0)
    pid = worker.pid
    second = await worker.solve(easy(), 30.0)
    assert isinstance(first, Schedule)
    assert isinstance(second, Schedule)
    assert first.objective_value == pytest.approx(260.0)
    assert worker.pid == pid


async def test_the_loop_goes_on_while_it_solves(worker: SolverWorker) -> None:
    solving = asyncio.create_task(worker.solve(hard(), 1.0))
    turns = 0
    while not solving.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 10


async def test_killed_while_solving_it_fails_and_the_next_solve_works(worker: SolverWorker) -> None:
    solving = asyncio.create_task(worker.solve(hard(), 60.0))
    pid = await started(worker)
    await asyncio.sleep(0.5)
    os.kill(pid, signal.SIGKILL)
    failure = await solving
    assert isinstance(failure, SolveFailure)
    assert failure.status is SolveStatus.FAILED
    assert "SIGKILL" in failure.reason
    assert isinstance(await worker.solve(easy(), 30.0), Schedule)
    assert worker.statistics["workers_lost"] == 1
    assert worker.statistics["workers_started"] == 2


async def test_killed_while_idle_the_next_solve_works(worker: SolverWorker) -> None:
    await worker.solve(easy(), 30.0)
    pid = await started(worker)
    os.kill(pid, signal.SIGKILL)
    outcomes = [await worker.solve(easy(), 30.0) for _ in range(2)]
    assert isinstance(outcomes[-1], Schedule)


async def test_a_process_that_hangs_is_killed_after_the_deadline(worker: SolverWorker) -> None:
    await worker.solve(easy(), 30.0)
    pid = await started(worker)
    os.kill(pid, signal.SIGSTOP)
    failure = await worker.solve(easy(), 0.2)
    assert isinstance(failure, SolveFailure)
    assert failure.status is SolveStatus.UNSOLVED
    assert "deadline" in failure.reason
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert isinstance(await worker.solve(easy(), 30.0), Schedule)


async def test_the_deadline_is_the_solvers_limit_too(worker: SolverWorker) -> None:
    outcome = await worker.solve(hard(), 2.0)
    assert outcome.status in {SolveStatus.UNSOLVED, SolveStatus.FEASIBLE}
    if isinstance(outcome, Schedule):
        assert outcome.gap > 0.0


async def test_a_cancelled_solve_leaves_nothing_behind(worker: SolverWorker) -> None:
    solving = asyncio.create_task(worker.solve(hard(), 60.0))
    pid = await started(worker)
    await asyncio.sleep(0.3)
    solving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await solving
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    outcome = await worker.solve(easy(), 30.0)
    assert isinstance(outcome, Schedule)
    assert outcome.power_mw.shape == (1, 2)


async def test_two_callers_get_their_own_answers(worker: SolverWorker) -> None:
    one, other = await asyncio.gather(
        worker.solve(request([engine()], [5.0]), 30.0), worker.solve(request([engine()], [6.0, 7.0]), 30.0)
    )
    assert isinstance(one, Schedule)
    assert isinstance(other, Schedule)
    assert (one.power_mw.shape, other.power_mw.shape) == ((1, 1), (1, 2))


async def test_closing_ends_the_process_and_a_solve_under_way() -> None:
    worker = SolverWorker()
    solving = asyncio.create_task(worker.solve(hard(), 60.0))
    pid = await started(worker)
    await worker.close()
    failure = await solving
    assert isinstance(failure, SolveFailure)
    assert failure.status is SolveStatus.FAILED
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    await worker.close()


def test_this_side_does_not_load_the_solvers() -> None:
    code = "import sys, vppscada.scheduling.worker; print(any(m.startswith('ortools') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


_ORPHANING = """
import asyncio, os, signal
from tests.unit.scheduling.test_worker import hard, started
from vppscada.scheduling.worker import SolverWorker

async def main():
    worker = SolverWorker()
    solving = asyncio.create_task(worker.solve(hard(), 60.0))
    print(await started(worker), flush=True)
    await asyncio.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_it_dies_with_its_parent_while_it_solves() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _ORPHANING, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert parent.stdout is not None
    lines = (await parent.stdout.read()).decode().splitlines()
    assert await parent.wait() == -signal.SIGKILL
    pid = next(int(line) for line in lines if line.isdigit())
    async with asyncio.timeout(10.0):
        while _lives(pid):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _lives(pid: int) -> bool:
    """It runs; one that ended and that nobody has collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Turns:
    """Counts how often the event loop comes round while something goes on."""

    def __init__(self) -> None:
        self.count = 0

    async def __aenter__(self) -> "Turns":
        self._task = asyncio.create_task(self._turn())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _turn(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("end", ["deadline", "crash", "cancel"])
async def test_the_event_loop_goes_on_while_a_solve_runs_and_ends(worker: SolverWorker, end: str) -> None:
    await worker.solve(easy(), 30.0)
    solving = asyncio.create_task(worker.solve(hard(), 1.0 if end == "deadline" else 60.0))
    async with Turns() as turns:
        await asyncio.sleep(0.5)
        while_solving = turns.count
        if end == "crash":
            os.kill(await started(worker), signal.SIGKILL)
        elif end == "cancel":
            solving.cancel()
        await asyncio.wait([solving])
        assert turns.count > while_solving
    # A loop that stood still during the solve would have come round once or twice.
    assert while_solving > 25
