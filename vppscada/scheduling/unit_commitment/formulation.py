"""The tight formulation put together."""

from dataclasses import dataclass

import numpy as np

from vppscada.scheduling.program import Index, Matrices, Program
from vppscada.scheduling.unit_commitment.groups import grouped
from vppscada.scheduling.unit_commitment.problem import Problem, Whole
from vppscada.scheduling.unit_commitment.tight import (
    Tight,
    add_logic,
    add_minimum_times,
    add_system,
    tight_variables,
)
from vppscada.scheduling.unit_commitment.tight_output import (
    add_generation_limits,
    add_production_cost,
    add_ramps,
    add_stop_trajectories,
)
from vppscada.scheduling.unit_commitment.tight_starts import Matches, add_starts


@dataclass(frozen=True, slots=True, eq=False)
class Formulation:
    """Variables by meaning, and the program in columns."""

    tight: Tight
    matches: Matches
    matrices: Matrices
    missing: Index  # columns of what is missed; none where nothing may be

    def output_group(self) -> Index:
        """The group of each column that is an output, −1 for others."""
        group = np.full(len(self.matrices.cost), -1, dtype=np.int64)
        every = np.arange(len(self.tight.groups))
        for chosen, columns in ((every, self.tight.above), (every, self.tight.reserve), *self.tight.segments):
            group[columns] = chosen[:, None]
        return group


def formulate(
    problem: Problem, members: tuple[Whole, ...] | None = None, missing_price: float | None = None
) -> Formulation:
    """The tight program of a problem, by groups of like units or by the groups given.

    With a ``missing_price`` (per MWh, and per MW of reserve) demand and reserve may be missed.

    Raises:
        Infeasible: the initial states alone allow no schedule.
    """
    tight = tight_variables(grouped(problem, members))
    add_system(tight)
    add_logic(tight)
    add_minimum_times(tight)
    matches = add_starts(tight)
    add_generation_limits(tight)
    add_stop_trajectories(tight)
    add_ramps(tight)
    add_production_cost(tight)
    missing = np.zeros(0, dtype=np.int64)
    if missing_price is not None:
        missing = add_missing(tight.program, tight.balance, tight.reserves, missing_price)
    return Formulation(tight, matches, tight.program.matrices(), missing)


def add_missing(program: Program, balance: Index, reserves: Index, price: float) -> Index:
    """Columns, at a price, of what demand gets too little or too much, and of what reserves are short."""
    columns = program.block((3, *balance.shape))
    for column, rows, sign in zip(columns, (balance, balance, reserves), (1.0, -1.0, 1.0), strict=True):
        program.add(rows, column, sign)
    program.price(columns, price)
    return columns.ravel()
