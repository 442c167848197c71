"""The processes of a solve of a large problem: both look for prices and then for schedules, one polishes first."""

import queue
import time
from multiprocessing.connection import Connection

import numpy as np

from vppscada.scheduling.unit_commitment.formulation import formulate
from vppscada.scheduling.unit_commitment.groups import Infeasible
from vppscada.scheduling.unit_commitment.large import LargeSearch, find_prices
from vppscada.scheduling.unit_commitment.polishing import Polish
from vppscada.scheduling.unit_commitment.pricing import Pricing
from vppscada.scheduling.unit_commitment.problem import Problem
from vppscada.scheduling.unit_commitment.realisation import Realised
from vppscada.scheduling.unit_commitment.reports import Bound, Found, Impossible, Teller, begun, latest
from vppscada.scheduling.unit_commitment.search import Search
from vppscada.scheduling.unit_commitment.workers import look

#: Until what share of the time the one that polishes does, and rounds between its reports.
_POLISH_SHARE, _REPORT_ROUNDS = 0.5, 10
#: Price of what is missed in a search, as a multiple of the dearest unit at full load.
_MISSING = 20.0


def search_large(connection: "Connection[object, object]", problem: Problem, seconds: float, seed: int) -> None:
    """Process: a bound by prices, then schedules; the one with a ``seed`` above 0 first betters the bound."""
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
    known = _polish(connection, pricing, inbox, started + _POLISH_SHARE * seconds) if seed else None
    _search(connection, pricing, inbox, started + seconds, seed, known)


def _polish(
    connection: "Connection[object, object]", pricing: Pricing, inbox: "queue.Queue[Found]", ends: float
) -> Found | None:
    """Better the bound until then. The best schedule that was heard of meanwhile."""
    polish, known, rounds = Polish(pricing), None, 0
    while time.monotonic() < ends and polish.round(np.inf if known is None else known.commitment.cost):
        known = latest(inbox) or known
        rounds += 1
        if rounds % _REPORT_ROUNDS == 0:
            connection.send(Bound(pricing.bound))
    connection.send(Bound(pricing.bound))
    return known


def _search(
    connection: "Connection[object, object]",
    pricing: Pricing,
    inbox: "queue.Queue[Found]",
    ends: float,
    seed: int,
    known: Found | None,
) -> None:
    missing_price = _MISSING * _dearest(pricing.problem)
    formulation = formulate(pricing.problem, missing_price=missing_price)
    looking, tell = Search(formulation, ends, seed), Teller(connection, formulation, missing_price)
    large = LargeSearch(looking, pricing, seed)
    realised: Realised | None = None
    if known is not None:
        looking.adopt(known.values, known.commitment.cost)
        realised = known.realised
    if large.begin():
        realised = tell.of(looking.solution)
    while True:
        news = latest(inbox)
        if news is not None and news.commitment.cost < looking.cost:
            looking.adopt(news.values, news.commitment.cost)
            realised = news.realised
        if looking.best is None:
            large.begin()
        elif large.improve(realised):
            realised = tell.of(looking.solution)


def _dearest(problem: Problem) -> float:
    return float((problem.curve_cost[:, -1] / np.maximum(problem.maximum_mw, 1e-9)).max())
