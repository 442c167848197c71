"""What ramps are worth to units that run at known times, each alone at given prices of energy and reserve."""

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling import mathopt
from vppscada.scheduling.program import Index, Program
from vppscada.scheduling.unit_commitment.problem import Column, Whole
from vppscada.scheduling.unit_commitment.takers import Answers, RampPrices, Takers

Table = NDArray[np.float64]


#: Price of breaking a ramp where times allow nothing else, as a multiple of the dearest step's.
_BROKEN = 10.0


def ramp_prices(takers: Takers, answers: Answers, energy: Column, reserve: Column) -> RampPrices:
    """Duals of the ramps between two steps on, in the linear program of the slow units' output.

    All zero where the solver found no solution.
    """
    program = Program()
    prices = RampPrices(np.zeros(answers.on.shape), np.zeros(answers.on.shape))
    slow = np.flatnonzero(takers.alone.slow)
    above, held = _outputs(program, takers, answers, slow)
    program.price(above, -energy)
    program.price(held, -np.maximum(reserve, 0.0))
    running, problem = answers.on[slow], takers.alone.problem
    unit, step = np.nonzero(running[:, 1:] & running[:, :-1])
    before, now, also = above[unit, step], above[unit, step + 1], held[unit, step + 1]
    broken = program.block((2, len(unit)))
    program.price(broken, _BROKEN * (np.abs(energy).max() + reserve.max(initial=0.0) + 1.0))
    up, down = problem.ramp_up[slow[unit]], problem.ramp_down[slow[unit]]
    rise = program.at_most(unit.shape, up, (now, 1.0), (also, 1.0), (before, -1.0), (broken[0], -1.0))
    fall = program.at_most(unit.shape, down, (before, 1.0), (now, -1.0), (broken[1], -1.0))
    answer = mathopt.run(mathopt.model_of(program.matrices()))
    if len(answer.duals):
        prices.up[slow[unit], step + 1] = np.maximum(-answer.duals[rise], 0.0)
        prices.down[slow[unit], step + 1] = np.maximum(-answer.duals[fall], 0.0)
    return prices


def _outputs(program: Program, takers: Takers, answers: Answers, slow: Whole) -> tuple[Index, Index]:
    """Power above the minimum along the curves, and reserve, within their room (g, T)."""
    on = answers.on[slow]
    least, power, both = (
        np.where(on, table[slow], 0.0) for table in (answers.room.least, answers.room.power, answers.room.both)
    )
    above, held = program.block(on.shape, least, power), program.block(on.shape, 0.0, both)
    program.at_most(on.shape, both, (above, 1.0), (held, 1.0))
    sums = program.equal(on.shape, 0.0, (above, -1.0))
    for k in range(takers.slope.shape[1]):
        width = takers.ends[slow, k + 1] - takers.ends[slow, k]
        there = np.flatnonzero(width > 0.0)
        part = program.block((len(there), on.shape[1]), 0.0, width[there, None])
        program.add(sums[there], part, 1.0)
        program.price(part, takers.slope[slow[there], k, None])
    return above, held
