"""The two processes of a solve: one looks for schedules, one proves a bound. They tell over a pipe what they find.

Nothing here ends by itself in time: whoever started them ends them. They end with whoever started them.
"""

import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

import numpy as np

from vppscada.scheduling import mathopt
from vppscada.scheduling.unit_commitment.disaggregation import units_on
from vppscada.scheduling.unit_commitment.formulation import Formulation, formulate
from vppscada.scheduling.unit_commitment.groups import Infeasible
from vppscada.scheduling.unit_commitment.problem import Column, Commitment, Problem
from vppscada.scheduling.unit_commitment.realisation import Realisation
from vppscada.scheduling.unit_commitment.search import Search

#: Digits of the solver's log are rounded; a bound read there is lowered by this share.
_LOG_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Bound:
    """No schedule costs less."""

    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A schedule, and the values of the tight program's variables that it came from."""

    commitment: Commitment
    values: Column


@dataclass(frozen=True, slots=True)
class Impossible:
    """Proven that there is no schedule."""

    reason: str


def search(connection: "Connection[object, object]", problem: Problem, seconds: float, seed: int) -> None:
    """Process: schedules, better and better. A `Found` sent to it is where it goes on from."""
    _end_with_parent()
    ends = time.monotonic() + seconds
    inbox: queue.Queue[Found] = queue.Queue()
    threading.Thread(target=_listen, args=(connection, inbox), daemon=True).start()
    formulation = _formulated(connection, problem)
    looking = Search(formulation, ends, seed)
    tell = _Teller(connection, formulation)
    bound = looking.relax()
    if bound == np.inf:
        connection.send(Impossible("the linear relaxation is infeasible"))
        return
    connection.send(Bound(bound))
    for step in (looking.begin, looking.look_coarsely):
        if step():
            tell(looking)
    while True:
        while not inbox.empty():
            news = inbox.get()
            looking.adopt(news.values, news.commitment.cost)
        if looking.best is None:
            looking.begin()
        elif looking.improve():
            tell(looking)


def prove(connection: "Connection[object, object]", problem: Problem, seconds: float) -> None:
    """Process: bounds from the whole tight program, as the solver's log has them; at its end the optimum."""
    _end_with_parent()
    formulation = _formulated(connection, problem)
    tell = _Teller(connection, formulation)

    def read(lines: Sequence[str]) -> None:
        for bound in bounds_in(lines):
            connection.send(Bound(bound - _LOG_ROUNDING * abs(bound)))

    answer = mathopt.run(mathopt.model_of(formulation.matrices), seconds, on_messages=read)
    if answer.infeasible:
        connection.send(Impossible("the solver proved that no schedule meets every limit"))
    connection.send(Bound(answer.bound))
    if answer.found:
        tell.of(answer.values)


def bounds_in(lines: Sequence[str]) -> list[float]:
    """Best bounds in lines of HiGHS's table of branch and bound: the column after the share explored."""
    found = []
    for line in lines:
        words = line.split()
        shares = [place for place, word in enumerate(words) if word.endswith("%")]
        if shares and shares[0] + 1 < len(words) and words[-1].endswith("s"):
            try:
                bound = float(words[shares[0] + 1])
            except ValueError:
                continue
            if np.isfinite(bound):
                found.append(bound)
    return found


class _Teller:
    """Turns solutions of the groups into schedules of the units, and sends them."""

    def __init__(self, connection: "Connection[object, object]", formulation: Formulation) -> None:
        self._connection = connection
        self._formulation = formulation
        self._realisation = Realisation(formulation.tight.groups.problem)

    def __call__(self, looking: Search) -> None:
        assert looking.best is not None
        self.of(looking.best)

    def of(self, values: Column) -> None:
        """Send the schedule of these values."""
        commitment = self._realisation.of(units_on(self._formulation, values))
        if commitment is not None:
            self._connection.send(Found(commitment, values))


def _formulated(connection: "Connection[object, object]", problem: Problem) -> Formulation:
    try:
        return formulate(problem)
    except Infeasible as error:
        connection.send(Impossible(str(error)))
        raise SystemExit(0) from error


def _listen(connection: "Connection[object, object]", inbox: "queue.Queue[Found]") -> None:
    """Read while the solver works, so that whoever sends never waits."""
    try:
        while True:
            news = connection.recv()
            if isinstance(news, Found):
                inbox.put(news)
    except (EOFError, OSError):
        return


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel, os._exit), daemon=True).start()


def _watch(sentinel: int, end: Callable[[int], object]) -> None:
    wait([sentinel])
    end(1)
