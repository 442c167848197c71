"""A schedule near the optimum, with a proven gap, at a fixed time: two processes that are killed at the deadline."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import numpy as np

from vppscada.scheduling.unit_commitment.groups import Infeasible
from vppscada.scheduling.unit_commitment.large import is_large
from vppscada.scheduling.unit_commitment.large_worker import search_large
from vppscada.scheduling.unit_commitment.problem import Commitment, Problem
from vppscada.scheduling.unit_commitment.reports import Bound, Found, Impossible
from vppscada.scheduling.unit_commitment.workers import prove, search

_SPAWN = multiprocessing.get_context("spawn")
#: The prover gives way to a second searcher where, after this share of the time, its bound has hardly moved over
#: that one, and the gap is not yet so small. Never in the first seconds.
_PROVE_SHARE = 0.3
_STALE_SHARE = 0.12
_PROVE_S = 12.0
_MOVED = 2e-5
_SMALL_GAP = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The best schedule found, if any, and the bound proven below which none can cost."""

    commitment: Commitment | None
    bound: float
    seconds: float
    reason: str  # why there is no schedule; empty where there is one

    @property
    def gap(self) -> float:
        """Proven distance from the optimum as a share of the cost; inf without a schedule."""
        if self.commitment is None:
            return np.inf
        return max(self.commitment.cost - self.bound, 0.0) / max(abs(self.commitment.cost), 1e-9)


@dataclass(eq=False)
class _Worker:
    process: SpawnProcess
    connection: "Connection[object, object]"
    listens: bool  # to schedules of others


@dataclass(eq=False)
class _State:
    started: float
    best: Found | None = None
    bound: float = -np.inf
    impossible: str = ""
    moved: float = field(default_factory=time.monotonic)  # when the bound last went up by something
    moved_bound: float = -np.inf

    def take(self, news: object) -> bool:
        """Note what a process found. True if it is a better schedule."""
        if isinstance(news, Impossible):
            self.impossible = news.reason
        elif isinstance(news, Bound):
            self.bound = max(self.bound, news.value)
            if not self.bound <= self.moved_bound + _MOVED * abs(self.moved_bound):
                self.moved, self.moved_bound = time.monotonic(), self.bound
        elif isinstance(news, Found) and (self.best is None or news.commitment.cost < self.best.commitment.cost):
            self.best = news
            return True
        return False

    def outcome(self, reason: str) -> Outcome:
        commitment = self.best.commitment if self.best is not None else None
        why = "" if commitment is not None else self.impossible or reason
        return Outcome(commitment, self.bound, time.monotonic() - self.started, why)


def solve(problem: Problem, time_limit_s: float, relative_gap: float = 1e-4) -> Outcome:
    """Search and prove side by side until both meet within the gap, or the time is up (hard)."""
    state = _State(time.monotonic())
    deadline = state.started + time_limit_s
    try:
        large = is_large(problem)
    except Infeasible as error:
        return Outcome(None, -np.inf, 0.0, str(error))
    looking = search_large if large else search
    workers = [_started(looking, problem, time_limit_s, 0)]
    proving = None if large else _started(prove, problem, time_limit_s)
    workers.append(proving or _started(looking, problem, time_limit_s, 1))
    try:
        while workers and not state.impossible and state.outcome("").gap > relative_gap:
            left_s = deadline - time.monotonic()
            if left_s <= 0.0:
                break
            ready = wait([worker.connection for worker in workers], min(left_s, 0.5))
            workers = [worker for worker in workers if worker.connection not in ready or _heard(worker, workers, state)]
            if proving is not None and (proving not in workers or _stale(state, time_limit_s, relative_gap)):
                _end(proving)
                workers = [worker for worker in workers if worker is not proving]
                workers.append(_started(search, problem, max(deadline - time.monotonic(), 0.0), 1))
                if state.best is not None:
                    workers[-1].connection.send(state.best)
                proving = None
    finally:
        for worker in workers:
            _end(worker)
    return state.outcome(f"no schedule was found within {time_limit_s:g} s")


def _heard(worker: _Worker, workers: list[_Worker], state: _State) -> bool:
    """Take what a worker says, and tell the others of a better schedule. False when it has ended."""
    try:
        if state.take(worker.connection.recv()) and state.best is not None:
            for other in workers:
                if other is not worker and other.listens:
                    other.connection.send(state.best)
    except (EOFError, OSError):
        _end(worker)
        return False
    return True


def _stale(state: _State, time_limit_s: float, relative_gap: float) -> bool:
    now = time.monotonic()
    return (
        now - state.started > max(_PROVE_SHARE * time_limit_s, _PROVE_S)
        and now - state.moved > _STALE_SHARE * time_limit_s
        and state.best is not None
        and state.outcome("").gap > max(_SMALL_GAP, relative_gap)
    )


def _started(target: Callable[..., None], *arguments: object) -> _Worker:
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours, listens=target is not prove)


def _end(worker: _Worker) -> None:
    """Kill and reap."""
    worker.process.kill()
    worker.process.join()
    worker.connection.close()
