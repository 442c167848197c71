"""Finding a good commitment soon, and proving how good it is.

A small fleet is solved as it is. In a larger one the linear relaxation says which units are surely on or off:
with those fixed, but for a few steps around whatever it leaves open, a small program finds a schedule in a
fraction of the time; its distance to the relaxation is a proven gap. Where that is not near enough, the whole
program is solved from there.
"""

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling import mathopt
from vppscada.scheduling.mathopt import Answer
from vppscada.scheduling.program import Index, Matrices
from vppscada.scheduling.reduction import solve_reduced

Column = NDArray[np.float64]

#: Steps either side of an open one that stay open.
_OPEN_AROUND = 3
_WHOLE = 1e-6
#: From so many on/off variables on, the relaxation comes near enough to the truth to be a guide.
_LARGE = 1_000
#: Share of the time that the small program may take, and of the gap at which it may stop.
_TIME_SHARE = 0.4
_GAP_SHARE = 0.8
#: How well a guessed commitment is filled in (only the direction of storage is left to choose).
_GUESS_GAP = 1e-4
#: What is known before anything was tried.
NOTHING = Answer(np.zeros(0), np.inf, -np.inf, np.zeros(0), infeasible=False, detail="nothing tried")


def find(
    matrices: Matrices,
    commitment: Index,
    time_limit_s: float,
    relative_gap: float,
    guess: NDArray[np.bool_] | None = None,
    large: int = _LARGE,
) -> Answer:
    """Solve the mixed-integer program; ``commitment`` (units, T) are its on/off variables.

    A ``guess`` of them, from an earlier schedule, is where it begins if it is possible. The bound of the answer
    holds for the whole program.
    """
    ends = time.monotonic() + time_limit_s
    known = NOTHING if guess is None else _guessed(matrices, commitment, guess, time_limit_s)
    if relative_gap > 0.0 and commitment.size >= large:
        known = _near_relaxation(matrices, commitment, ends, relative_gap, known)
        if _near(known, relative_gap):
            return known
    hint = np.where(matrices.integer, np.round(known.values), known.values) if known.found else None
    whole = mathopt.run(mathopt.model_of(matrices), _left_s(ends), relative_gap, hint=hint)
    return better(known, whole)


def _guessed(matrices: Matrices, commitment: Index, guess: NDArray[np.bool_], time_limit_s: float) -> Answer:
    """The best schedule of a commitment. It bounds nothing."""
    lower, upper = matrices.lower.copy(), matrices.upper.copy()
    lower[commitment] = upper[commitment] = guess
    fixed = replace(matrices, lower=lower, upper=upper)
    return replace(solve_reduced(fixed, _TIME_SHARE * time_limit_s, _GUESS_GAP), bound=-np.inf)


def _near_relaxation(matrices: Matrices, commitment: Index, ends: float, relative_gap: float, known: Answer) -> Answer:
    """What is known, or better: bounded by the relaxation, and mended in its neighbourhood if need be."""
    model = mathopt.model_of(replace(matrices, integer=np.zeros_like(matrices.integer)))
    relaxed = mathopt.run(model, _left_s(ends))
    if not relaxed.found:
        return known
    known = replace(known, bound=relaxed.bound)
    if _near(known, relative_gap):
        return known
    good_enough = relaxed.objective + _GAP_SHARE * relative_gap * abs(relaxed.objective)
    small = mathopt.model_of(narrowed(matrices, commitment, relaxed.values))
    found = mathopt.run(small, _TIME_SHARE * _left_s(ends), relative_gap, good_enough=good_enough)
    return better(known, replace(found, bound=relaxed.bound))


def _near(answer: Answer, relative_gap: float) -> bool:
    return answer.found and answer.objective - answer.bound <= relative_gap * abs(answer.objective)


def _left_s(ends: float) -> float:
    return max(ends - time.monotonic(), 0.1)


def better(one: Answer, other: Answer) -> Answer:
    """The better solution of the same program, with the better bound."""
    best = other if other.found and (not one.found or other.objective <= one.objective) else one
    return replace(best, bound=max(one.bound, other.bound), infeasible=other.infeasible, detail=other.detail)


def narrowed(matrices: Matrices, commitment: Index, values: Column) -> Matrices:
    """The program with every on/off variable fixed that is whole in ``values`` and far from any that is not."""
    relaxed = values[commitment]
    undecided = np.abs(relaxed - np.round(relaxed)) > _WHOLE
    is_open = undecided.copy()
    for away in range(1, _OPEN_AROUND + 1):
        is_open[:, away:] |= undecided[:, :-away]
        is_open[:, :-away] |= undecided[:, away:]
    lower, upper = matrices.lower.copy(), matrices.upper.copy()
    lower[commitment[~is_open]] = upper[commitment[~is_open]] = np.round(relaxed[~is_open])
    return replace(matrices, lower=lower, upper=upper)
