"""The two processes of a solve: one looks for schedules, one proves a bound. They tell over a pipe what they find.

Nothing here ends by itself in time: whoever started them ends them. They end with whoever started them.
"""

import queue
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

import numpy as np

from vppscada.scheduling import mathopt
from vppscada.scheduling.unit_commitment.formulation import Formulation, formulate
from vppscada.scheduling.unit_commitment.groups import Infeasible
from vppscada.scheduling.unit_commitment.problem import Problem
from vppscada.scheduling.unit_commitment.reports import Bound, Found, Impossible, Teller, begun, latest
from vppscada.scheduling.unit_commitment.search import Search

#: Digits of the solver's log are rounded; a bound read there is lowered by this share.
_LOG_ROUNDING = 1e-9


def search(connection: "Connection[object, object]", problem: Problem, seconds: float, seed: int) -> None:
    """Process: schedules, better and better. A `Found` sent to it is where it goes on from."""
    look(connection, begun(connection), problem, time.monotonic() + seconds, seed)


def look(
    connection: "Connection[object, object]", inbox: "queue.Queue[Found]", problem: Problem, ends: float, seed: int
) -> None:
    """Look for schedules from the linear relaxation on, until killed."""
    formulation = _formulated(connection, problem)
    looking = Search(formulation, ends, seed)
    tell = Teller(connection, formulation)
    bound = looking.relax()
    if bound == np.inf:
        connection.send(Impossible("the linear relaxation is infeasible"))
        return
    connection.send(Bound(bound))
    for step in (looking.begin, looking.look_coarsely):
        if step():
            tell.of(looking.solution)
    while True:
        news = latest(inbox)
        if news is not None:
            looking.adopt(news.values, news.commitment.cost)
        if looking.best is None:
            looking.begin()
        elif looking.improve():
            tell.of(looking.solution)


def prove(connection: "Connection[object, object]", problem: Problem, seconds: float) -> None:
    """Process: bounds from the whole tight program, as the solver's log has them; at its end the optimum."""
    begun(connection)
    formulation = _formulated(connection, problem)
    tell = Teller(connection, formulation)

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


def _formulated(connection: "Connection[object, object]", problem: Problem) -> Formulation:
    try:
        return formulate(problem)
    except Infeasible as error:
        connection.send(Impossible(str(error)))
        raise SystemExit(0) from error
