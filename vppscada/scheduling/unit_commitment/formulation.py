"""The tight formulation put together."""

from dataclasses import dataclass

from vppscada.scheduling.program import Matrices
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


def formulate(problem: Problem, members: tuple[Whole, ...] | None = None) -> Formulation:
    """The tight program of a problem, by groups of like units or by the groups given.

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
    return Formulation(tight, matches, tight.program.matrices())
