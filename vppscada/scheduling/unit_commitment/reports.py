"""What the processes of a solve tell over their pipes, and how a process begins and ends."""

import multiprocessing
import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from vppscada.scheduling.unit_commitment.disaggregation import units_on
from vppscada.scheduling.unit_commitment.formulation import Formulation
from vppscada.scheduling.unit_commitment.problem import Column, Commitment
from vppscada.scheduling.unit_commitment.realisation import Realisation, Realised


@dataclass(frozen=True, slots=True)
class Bound:
    """No schedule costs less."""

    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A schedule with its prices, and the values of the tight program's variables that it came from."""

    commitment: Commitment
    realised: Realised
    values: Column


@dataclass(frozen=True, slots=True)
class Impossible:
    """Proven that there is no schedule."""

    reason: str


class Teller:
    """Turns solutions of the groups into schedules of the units, and sends them."""

    def __init__(
        self, connection: "Connection[object, object]", formulation: Formulation, missing_price: float | None = None
    ) -> None:
        self._connection = connection
        self._formulation = formulation
        self._realisation = Realisation(formulation.tight.groups.problem, missing_price)

    def of(self, values: Column) -> Realised | None:
        """Send the schedule of these values, unless it misses what is owed; with its prices. None if there is none."""
        realised = self._realisation.of(units_on(self._formulation, values))
        if realised is not None and realised.commitment is not None:
            self._connection.send(Found(realised.commitment, realised, values))
        return realised


def begun(connection: "Connection[object, object]") -> "queue.Queue[Found]":
    """Begin a process that ends with its parent. What others find is in the queue."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel, os._exit), daemon=True).start()
    inbox: queue.Queue[Found] = queue.Queue()
    threading.Thread(target=_listen, args=(connection, inbox), daemon=True).start()
    return inbox


def latest(inbox: "queue.Queue[Found]") -> Found | None:
    """The cheapest of what has come in, None where nothing has."""
    found: list[Found] = []
    while not inbox.empty():
        found.append(inbox.get())
    return min(found, key=lambda one: one.commitment.cost, default=None)


def _listen(connection: "Connection[object, object]", inbox: "queue.Queue[Found]") -> None:
    """Read while the solver works, so that whoever sends never waits."""
    try:
        while True:
            news = connection.recv()
            if isinstance(news, Found):
                inbox.put(news)
    except (EOFError, OSError):
        return


def _watch(sentinel: int, end: Callable[[int], object]) -> None:
    wait([sentinel])
    end(1)
