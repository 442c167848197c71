"""Programs of which most is fixed, made small before a solver gets them: faster than its own presolve on all of it.

Fixed columns go into the bounds of their rows. A row that can only just be met fixes all its columns; one that
cannot be broken is left out. Nothing else is touched, so that duals of the rows that stay are those of the whole.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling import mathopt
from vppscada.scheduling.program import Index, Matrices

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]

_TOLERANCE = 1e-9
#: Passes over the rows; later ones find little.
_PASSES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """What is left: its program, which columns and rows of the whole it holds, and the whole's values where fixed."""

    matrices: Matrices
    columns: Index
    rows: Index
    fixed: Column
    row_count: int

    def restored(self, answer: mathopt.Answer) -> mathopt.Answer:
        """An answer of what is left as one of the whole; rows left out have no dual."""
        values, duals = answer.values, answer.duals
        if answer.found:
            values = self.fixed.copy()
            values[self.columns] = answer.values
        if len(answer.duals) or not len(self.rows):  # no row is left, none holds anything back
            duals = np.zeros(self.row_count)
            duals[self.rows] = answer.duals
        return replace(answer, values=values, duals=duals)


def reduced(matrices: Matrices) -> Reduced:
    """The program without what is fixed."""
    lower, upper = matrices.lower.copy(), matrices.upper.copy()
    row_lower, row_upper = matrices.row_lower.copy(), matrices.row_upper.copy()
    row, column, coefficient = matrices.row, matrices.column, matrices.coefficient
    rows = len(row_lower)
    for _ in range(_PASSES):
        fixed = upper - lower <= _TOLERANCE
        gone = fixed[column]
        if gone.any():
            given = np.bincount(row[gone], coefficient[gone] * lower[column[gone]], rows)
            row_lower, row_upper = row_lower - given, row_upper - given
            row, column, coefficient = row[~gone], column[~gone], coefficient[~gone]
        least, most = _activity(row, column, coefficient, lower, upper, rows)
        if not _force(row, column, coefficient, (least, most), (row_lower, row_upper), (lower, upper)):
            break
    needed = ~((least >= row_lower - _TOLERANCE) & (most <= row_upper + _TOLERANCE))
    return _left(matrices, (lower, upper), (row_lower, row_upper), (row, column, coefficient), needed)


def solve_reduced(
    matrices: Matrices,
    time_limit_s: float = mathopt.WITHOUT_LIMIT_S,
    relative_gap: float = 0.0,
    hint: Column | None = None,
    heuristic_effort: float | None = None,
) -> mathopt.Answer:
    """`mathopt.run` on what is left of a program, its answer for the whole."""
    left = reduced(matrices)
    near = None if hint is None else hint[left.columns]
    model = mathopt.model_of(left.matrices)
    return left.restored(mathopt.run(model, time_limit_s, relative_gap, near, heuristic_effort=heuristic_effort))


def _activity(
    row: Index, column: Index, coefficient: Column, lower: Column, upper: Column, rows: int
) -> tuple[Column, Column]:
    """Least and most that each row can be."""
    up = coefficient > 0.0
    at_lower, at_upper = coefficient * lower[column], coefficient * upper[column]
    least, most = np.zeros(rows), np.zeros(rows)
    least += np.bincount(row, np.where(up, at_lower, at_upper), rows)
    most += np.bincount(row, np.where(up, at_upper, at_lower), rows)
    return least, most


def _force(
    row: Index,
    column: Index,
    coefficient: Column,
    activity: tuple[Column, Column],
    row_bounds: tuple[Column, Column],
    bounds: tuple[Column, Column],
) -> bool:
    """Fix the columns of rows that can only just be met. True if there were any."""
    (least, most), (row_lower, row_upper), (lower, upper) = activity, row_bounds, bounds
    down = np.abs(least - row_upper) <= _TOLERANCE
    up = np.abs(most - row_lower) <= _TOLERANCE
    found = False
    for forced, rises in ((down, coefficient < 0.0), (up, coefficient > 0.0)):
        entry = forced[row]
        if entry.any():
            at_upper, at_lower = column[entry & rises], column[entry & ~rises]
            lower[at_upper] = upper[at_upper]
            upper[at_lower] = lower[at_lower]
            found = True
    return found


def _left(
    matrices: Matrices,
    bounds: tuple[Column, Column],
    row_bounds: tuple[Column, Column],
    entries: tuple[Index, Index, Column],
    needed: Flags,
) -> Reduced:
    (lower, upper), (row_lower, row_upper), (row, column, coefficient) = bounds, row_bounds, entries
    free = upper - lower > _TOLERANCE
    given = np.where(free, 0.0, lower)
    gone = ~free[column]
    if gone.any():
        taken = np.bincount(row[gone], coefficient[gone] * given[column[gone]], len(row_lower))
        row_lower, row_upper = row_lower - taken, row_upper - taken
    stays = ~gone & needed[row]
    columns, rows = np.flatnonzero(free), np.flatnonzero(needed)
    place, line = np.cumsum(free) - 1, np.cumsum(needed) - 1
    left = Matrices(
        cost=matrices.cost[columns],
        offset=matrices.offset + float(matrices.cost @ given),
        lower=lower[columns],
        upper=upper[columns],
        integer=matrices.integer[columns],
        row_lower=row_lower[rows],
        row_upper=row_upper[rows],
        row=line[row[stays]],
        column=place[column[stays]],
        coefficient=coefficient[stays],
    )
    return Reduced(left, columns, rows, given, len(needed))
