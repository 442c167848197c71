"""The tight formulation: the same problem as `plain`, with a linear relaxation much nearer to the truth.

Variables count units of a `Groups`. Rows after Gentile et al. (2017), Morales-España et al. (2013), Pan and Guan
(2016), Ostrowski et al. (2012) and Knueven et al. (2018, 2020); each function names what makes its rows hold.
Every schedule of the plain formulation is one here at the same cost, and the other way round.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.program import Index, Program
from vppscada.scheduling.unit_commitment.groups import Groups

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tight:
    """Variables: (G, T) each, renewables summed (T,); rows of the system (T,).

    ``segments`` are the parts of ``above`` along the curves: groups (n,) and columns (n, T) of each sort.
    """

    program: Program
    groups: Groups
    on: Index
    start: Index
    stop: Index
    above: Index
    reserve: Index
    renewable: Index
    balance: Index
    reserves: Index
    segments: list[tuple[Index, Index]] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Length of the horizon."""
        return int(self.on.shape[1])


def tight_variables(groups: Groups) -> Tight:
    """The variables, priced but for starts and for what is produced above the minimum."""
    program, problem = Program(), groups.problem
    shape = (len(groups), problem.steps)
    count = groups.count[:, None]
    tight = Tight(
        program=program,
        groups=groups,
        on=program.block(shape, groups.least_on, count - groups.held_off, integer=True),
        start=program.block(shape, 0.0, count * groups.can_start[:, None], integer=True),
        stop=program.block(shape, 0.0, count * groups.can_stop[:, None], integer=True),
        above=program.block(shape, 0.0, count * groups.width[:, None]),
        reserve=program.block(shape, 0.0, count * groups.width[:, None]),
        renewable=program.block(
            (problem.steps,), problem.renewable_minimum.sum(axis=0), problem.renewable_maximum.sum(axis=0)
        ),
        balance=program.equal((problem.steps,), problem.demand),
        reserves=program.at_least((problem.steps,), problem.reserve),
    )
    program.price(tight.on, groups.of(problem.curve_cost)[:, :1])
    return tight


def add_system(tight: Tight) -> None:
    """Output meets demand, reserves sum to what is asked."""
    minimum = tight.groups.of(tight.groups.problem.minimum_mw)[:, None]
    tight.program.add(tight.balance, tight.renewable, 1.0)
    tight.program.add(tight.balance, tight.above, 1.0)
    tight.program.add(tight.balance, tight.on, minimum)
    tight.program.add(tight.reserves, tight.reserve, 1.0)


def add_logic(tight: Tight) -> None:
    """on − on before = start − stop."""
    before = np.zeros(tight.on.shape)
    before[:, 0] = tight.groups.on_before
    rows = tight.program.equal(tight.on.shape, before, (tight.on, 1.0), (tight.start, -1.0), (tight.stop, 1.0))
    tight.program.add(rows[:, 1:], tight.on[:, :-1], -1.0)


def add_minimum_times(tight: Tight) -> None:
    """Units bound to run (started lately, or held from before) ≤ on; the same for those bound to be off.

    From the first step on: the plain rows begin where the window is full, which for whole numbers is the same.
    """
    groups, program = tight.groups, tight.program
    for event, least, sign, most in (
        (tight.start, groups.minimum_up, -1.0, -groups.held_on),
        (tight.stop, groups.minimum_down, 1.0, groups.count[:, None] - groups.held_off),
    ):
        rows = program.at_most(tight.on.shape, most, (tight.on, sign))
        for back in range(min(int(least.max()), tight.steps)):
            add_shifted(program, rows, event, -back, (back < least).astype(np.float64))


def add_shifted(program: Program, rows: Index, columns: Index, shift: int, coefficient: Column) -> None:
    """To the row of (group, t) the column of (group, t + shift), where there is one and its coefficient is not 0."""
    steps = rows.shape[1]
    if abs(shift) >= steps:
        return
    there = coefficient != 0.0
    to = rows[there, max(-shift, 0) : steps - max(shift, 0)]
    program.add(to, columns[there, max(shift, 0) : steps - max(-shift, 0)], coefficient[there][:, None])
