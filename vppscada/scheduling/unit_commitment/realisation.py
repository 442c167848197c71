"""From which units run to a whole schedule: the best dispatch in the plain formulation."""

from vppscada.scheduling import mathopt
from vppscada.scheduling.unit_commitment.plain import commitment_of, plain_formulation, with_commitment
from vppscada.scheduling.unit_commitment.problem import Commitment, Flags, Problem


class Realisation:
    """Holds the plain program of a problem."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._plain = plain_formulation(problem)
        self._matrices = self._plain.program.matrices()

    def of(self, on: Flags) -> Commitment | None:
        """The cheapest schedule in which exactly these units run (g, T); None if there is none."""
        fixed = with_commitment(self._plain, self._matrices, on, self._problem.was_on)
        answer = mathopt.run(mathopt.model_of(fixed))
        return commitment_of(self._problem, self._plain, answer.values, answer.objective) if answer.found else None
