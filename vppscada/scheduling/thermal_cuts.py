"""What starts and stops nearby take off a unit's power above its minimum, as terms of a row.

With a minimum up time of UT steps there is at most one start within UT steps, and a start and a stop are at least UT
steps apart. That is why terms of starts up to i steps back and of stops up to j steps ahead may stand in one row if
i + j + 2 ≤ UT (Ostrowski et al. 2012, Pan and Guan 2016); a term that would stand alone needs only i + 1 ≤ UT.
"""

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.program import Index, Program

Column = NDArray[np.float64]
Table = NDArray[np.float64]


def add_shifted(program: Program, rows: Index, columns: Index, shift: int, coefficient: Table) -> None:
    """To the row of (unit, t) the column of (unit, t + shift), where there is one; coefficients (g, T) by row."""
    steps = rows.shape[1]
    if abs(shift) >= steps:
        return
    to, of = slice(max(-shift, 0), steps - max(shift, 0)), slice(max(shift, 0), steps - max(-shift, 0))
    there = coefficient[:, to] != 0.0
    program.add(rows[:, to][there], columns[:, of][there], coefficient[:, to][there])


def cut_after(width: Table, room: Column, ramp: Column, steps: int) -> Table:
    """What a limit of ``width`` (g, T) loses so many steps after a start, or before the last step of a run.

    Then the power is within ``room`` (g,) and as many ramps (g,) as there are steps, both in MW.
    """
    reached = room + steps * ramp if steps else room  # a ramp may be without limit
    cut: Table = np.maximum(width - reached[:, None], 0.0)
    return cut
