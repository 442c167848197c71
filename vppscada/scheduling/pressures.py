"""What holds a variable of a linear program where it is, by the duals: each row's pressure, and that of its bounds.

At an optimum the cost of a column equals the sum over its rows of dual × coefficient, plus its reduced cost. Read the
other way round: what the plant would pay for one unit more (the dual of its balance) less what that costs is the sum
of the pressures of everything else that holds it. Positive holds it down, negative holds it up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.explanation import Reason
from vppscada.scheduling.program import Index, Limit, Matrices

Column = NDArray[np.float64]
Table = NDArray[np.float64]

#: Money per MWh below which a pressure is the solver's rounding.
TOLERANCE = 1e-4
#: No reason was found by pressures.
UNDECIDED = 255

Candidate = tuple[Reason, Table]


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Pressures on some columns, shaped as these are, in money per unit of the column."""

    down: Table  # (limits, …) ≥ 0
    up: Table  # (limits, …) ≤ 0
    bound: Table  # of the column's own bounds: > 0 at the upper, < 0 at the lower

    def net(self, limit: Limit) -> Table:
        """Both together."""
        both: Table = self.down[limit] + self.up[limit]
        return both


class Pressures:
    """Of one solved linear program."""

    def __init__(self, matrices: Matrices, duals: Column, row_limits: Index) -> None:
        self._matrices = matrices
        self._push = -duals[matrices.row] * matrices.coefficient
        self._limit = row_limits[matrices.row]
        pushed = np.bincount(matrices.column, weights=self._push, minlength=len(matrices.cost))
        self._bound = -(matrices.cost + pushed)

    def on(self, columns: Index) -> Held:
        """On these columns, each named once."""
        count = columns.size
        place = np.full(len(self._matrices.cost), -1, dtype=np.int64)
        place[columns.ravel()] = np.arange(count)
        at = place[self._matrices.column]
        here = at >= 0
        where, push = self._limit[here] * count + at[here], self._push[here]
        shape = (len(Limit), *columns.shape)

        def summed(part: Column) -> Table:
            return np.bincount(where, weights=part, minlength=len(Limit) * count).reshape(shape)

        return Held(summed(np.maximum(push, 0.0)), summed(np.minimum(push, 0.0)), self._bound[columns])


def decide(candidates: Sequence[Candidate]) -> tuple[NDArray[np.uint8], Table]:
    """The strongest of some pressures (tables of one shape), among those that push the way that all together do.

    Returns the reasons (`UNDECIDED` where nothing pushes) and the size of the pressure.
    """
    push = np.stack([table for _, table in candidates])
    total = push.sum(axis=0)
    against = (np.abs(total) > TOLERANCE) & (np.sign(push) != np.sign(total))
    size = np.where(against, 0.0, np.abs(push))
    strongest = np.argmax(size, axis=0)
    value = np.take_along_axis(size, strongest[None], axis=0)[0]
    names = np.array([int(reason) for reason, _ in candidates], dtype=np.uint8)
    return np.where(value > TOLERANCE, names[strongest], UNDECIDED).astype(np.uint8), value
