"""The processes of a solve of a large problem: both look for prices and then for schedules, one proves between."""

import queue
import time
from multiprocessing.connection import Connection

import numpy as np

from vppscada.scheduling.unit_commitment.formulation import formulate
from vppscada.scheduling.unit_commitment.groups import Infeasible
from vppscada.scheduling.unit_commitment.large import LargeSearch, find_prices
from vppscada.scheduling.unit_commitment.narrowed import Narrowed
from vppscada.scheduling.unit_commitment.pricing import Pricing
from vppscada.scheduling.unit_commitment.problem import Problem
from vppscada.scheduling.unit_commitment.realisation import Realised
from vppscada.scheduling.unit_commitment.reports import Bound, Found, Impossible, Teller, begun, latest
from vppscada.scheduling.unit_commitment.workers import look

#: Price of what is missed in a search, as a multiple of the dearest unit at full load.
_MISSING = 200.0


def search_large(connection: "Connection[object, object]", problem: Problem, seconds: float, seed: int) -> None:
    """Process: a bound by prices, then schedules; the one with a ``seed`` above 0 first proves a better bound."""
    inbox = begun(connection)
    started = time.monotonic()
    try:
        pricing = Pricing(problem)
        priced = find_prices(pricing, seconds)
    except Infeasible as error:
        connection.send(Impossible(str(error)))
        return
    connection.send(Bound(pricing.bound))
    if not priced:
        look(connection, inbox, problem, started + seconds, seed)
        return
    missing_price = _MISSING * _dearest(problem)
    formulation = formulate(problem, missing_price=missing_price)
    looking, tell = Narrowed(formulation, started + seconds), Teller(connection, formulation, missing_price)
    large = LargeSearch(looking, pricing, seed)
    large.begin()
    if seed:
        connection.send(Bound(large.prove()))
    _improve(large, looking, tell, inbox)


def _improve(large: LargeSearch, looking: Narrowed, tell: Teller, inbox: "queue.Queue[Found]") -> None:
    """Better and better schedules, from the best that any process has."""
    realised: Realised | None = None
    while True:
        news = latest(inbox)
        if news is not None and news.commitment.cost < looking.cost:
            looking.adopt(news.values, news.commitment.cost)
            realised = news.realised
        if large.first() if looking.best is None else large.improve(realised):
            realised = tell.of(looking.solution)


def _dearest(problem: Problem) -> float:
    return float((problem.curve_cost[:, -1] / np.maximum(problem.maximum_mw, 1e-9)).max())
