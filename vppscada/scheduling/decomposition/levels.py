"""How high prices are as a whole: what a search within a box around its best prices is slow to find."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.decomposition.dual import Asked, Fleet

Column = NDArray[np.float64]

#: First move of a level, per MWh or per MW and hour; it doubles as long as it proves more, and the last is this.
_FIRST, _LAST = 2.0, 0.5
_KEPT = 4
#: Of energy and reserve: one, both, or the other.
_DIRECTIONS = ((1.0, 0.0), (-1.0, 0.0), (1.0, 1.0), (-1.0, -1.0), (0.0, 1.0), (0.0, -1.0))


def levelled(fleet: Fleet, starts: Sequence[tuple[Column, Column]], ends: float) -> list[Asked]:
    """Some of what was asked, the best bound first: from the best of some prices up or down together, until ``ends``.

    A fleet that is short of energy for the day is where this matters: then every MWh is worth what is left undone.

    Args:
        fleet: with the times of its units settled.
        starts: prices per MWh, and per MW of reserve and hour; at least one. All of them are asked.
        ends: by the monotonic clock; no new question after it.
    """
    answers = _nearest([fleet.ask(*pair) for pair in starts])
    step = _FIRST
    while step >= _LAST and time.monotonic() < ends:
        proved = answers[0].bound
        answers = _further(fleet, answers, step, ends)
        step = step if answers[0].bound > proved else step / 2.0
    return answers


def _further(fleet: Fleet, answers: list[Asked], step: float, ends: float) -> list[Asked]:
    """From the best along each direction in turn, as far as it proves more."""
    for energy, reserve in _DIRECTIONS:
        length, moves = step, True
        while moves and time.monotonic() < ends:
            best = answers[0]
            moved = fleet.ask(best.energy + energy * length, best.reserve + reserve * length)
            answers = _nearest([*answers, moved])
            moves, length = answers[0] is moved, 2.0 * length
    return answers


def _nearest(answers: list[Asked]) -> list[Asked]:
    """The best of them: each holds tables of the whole fleet."""
    return sorted(answers, key=lambda one: -one.bound)[:_KEPT]
