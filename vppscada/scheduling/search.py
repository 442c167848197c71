"""Finding a good commitment soon, and proving how good it is.

The linear relaxation says which units are surely on or off. With those fixed, but for a few steps around
whatever it leaves open, a small program finds a schedule in a fraction of the time; its distance to the
relaxation is a proven gap. Where that is not near enough, the whole program is solved from there.
"""

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling import mathopt
from vppscada.scheduling.mathopt import Answer
from vppscada.scheduling.program import Index, Matrices

Column = NDArray[np.float64]

#: Steps either side of an open one that stay open.
_OPEN_AROUND = 3
_WHOLE = 1e-6
#: Share of the time that the small program may take, and of the gap at which it may stop.
_TIME_SHARE = 0.4
_GAP_SHARE = 0.8


def find(matrices: Matrices, commitment: Index, time_limit_s: float, relative_gap: float) -> Answer:
    """Solve the mixed-integer program; ``commitment`` (units, T) are its on/off variables.

    The bound of the answer holds for the whole program.
    """
    model = mathopt.model_of(matrices)
    if relative_gap <= 0.0 or commitment.size == 0:
        return mathopt.run(model, time_limit_s, relative_gap)
    started = time.monotonic()
    relaxed = mathopt.run(mathopt.model_of(replace(matrices, integer=np.zeros_like(matrices.integer))), time_limit_s)
    if not relaxed.found:
        return replace(relaxed, duals=np.zeros(0))
    left_s = max(time_limit_s - (time.monotonic() - started), 0.1)
    near = relaxed.objective + _GAP_SHARE * relative_gap * abs(relaxed.objective)
    small = narrowed(matrices, commitment, relaxed.values)
    first = mathopt.run(mathopt.model_of(small), _TIME_SHARE * left_s, relative_gap, good_enough=near)
    first = replace(first, bound=relaxed.bound)
    if first.found and first.objective - relaxed.bound <= relative_gap * abs(first.objective):
        return first
    left_s = max(time_limit_s - (time.monotonic() - started), 0.1)
    hint = np.where(matrices.integer, np.round(first.values), first.values) if first.found else None
    second = mathopt.run(model, left_s, relative_gap, hint=hint)
    return better(first, second)


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
