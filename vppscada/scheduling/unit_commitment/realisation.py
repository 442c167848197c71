"""From which units run to a whole schedule: the best dispatch in the plain formulation."""

from dataclasses import dataclass

import numpy as np

from vppscada.scheduling.reduction import solve_reduced
from vppscada.scheduling.unit_commitment.formulation import add_missing
from vppscada.scheduling.unit_commitment.plain import commitment_of, plain_formulation, with_commitment
from vppscada.scheduling.unit_commitment.problem import Column, Commitment, Flags, Problem

#: MW that a solver may miss over all steps without missing anything.
_MISSED_MW = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Realised:
    """A schedule, None where what is owed is missed, and its prices (T,): per MWh, and per MW of reserve."""

    commitment: Commitment | None
    energy: Column
    reserve: Column


class Realisation:
    """Holds the plain program of a problem. With a ``missing_price`` what is missed is priced instead of refused."""

    def __init__(self, problem: Problem, missing_price: float | None = None) -> None:
        self._problem = problem
        self._plain = plain = plain_formulation(problem)
        self._missing = np.zeros(0, dtype=np.int64)
        if missing_price is not None:
            self._missing = add_missing(plain.program, plain.balance, plain.reserves, missing_price)
        self._matrices = plain.program.matrices()

    def of(self, on: Flags) -> Realised | None:
        """The cheapest schedule in which exactly these units run (g, T); None if there is none."""
        fixed = with_commitment(self._plain, self._matrices, on, self._problem.was_on)
        answer = solve_reduced(fixed)
        if not answer.found:
            return None
        missed = answer.values[self._missing].sum() > _MISSED_MW
        commitment = None if missed else commitment_of(self._problem, self._plain, answer.values, answer.objective)
        energy, reserve = answer.duals[self._plain.balance], np.maximum(answer.duals[self._plain.reserves], 0.0)
        return Realised(commitment, energy, reserve)
