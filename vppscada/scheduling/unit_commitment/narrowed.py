"""A program of which most is fixed before a solver gets it, and the best solution known of the whole."""

import time
from dataclasses import dataclass, replace

import numpy as np

from vppscada.scheduling import mathopt
from vppscada.scheduling.program import Index, Matrices
from vppscada.scheduling.reduction import solve_reduced
from vppscada.scheduling.unit_commitment.formulation import Formulation
from vppscada.scheduling.unit_commitment.problem import Column, Flags

_FIRST_GAP, _GAP = 1e-3, 1e-4
#: A gain below this share of the objective is none.
_GAIN = 1e-6
#: Share of its time that the solver spends on finding rather than proving.
_HEURISTIC_EFFORT = 0.3
#: An output is settled where another would cost so much more than the mean price of energy, as a share of it.
_SETTLED = 0.05
_AT_BOUND, _WHOLE = 1e-7, 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Settled:
    """Outputs that the relaxation leaves no doubt of: columns, their values, and the group of each."""

    columns: Index
    values: Column
    group: Index


class Narrowed:
    """Solves with all fixed but what is named ``free`` (G, T)."""

    def __init__(self, formulation: Formulation, ends: float) -> None:
        self.formulation = formulation
        self.best: Column | None = None
        self.cost = np.inf
        self.relaxed: Column | None = None  # units on (G, T) in the relaxation, or near it
        self._on = formulation.tight.on
        self._output = formulation.output_group()
        self._ends = ends
        nothing = np.zeros(0, dtype=np.int64)
        self._settled = _Settled(nothing, np.zeros(0), nothing)

    @property
    def solution(self) -> Column:
        """The best solution. There must be one."""
        assert self.best is not None
        return self.best

    @property
    def known(self) -> Column:
        """Units on (G, T) in the best solution."""
        known: Column = np.round(self.solution[self._on])
        return known

    def relax_within(self, free: Flags) -> mathopt.Answer:
        """The linear relaxation where only what is free may differ from the relaxation known; it is the new one.

        Outputs that it leaves no doubt of are settled, where a unit's times are not free.
        """
        assert self.relaxed is not None
        matrices = self.formulation.matrices
        whole = replace(matrices, integer=np.zeros_like(matrices.integer))
        answer = solve_reduced(self._held(whole, free, self.relaxed), self._left_s())
        if answer.found:
            self.relaxed = answer.values[self._on]
            self._settled = self._settled_by(answer)
        return answer

    def priced(self, energy: Column, reserve: Column) -> mathopt.Answer:
        """The linear relaxation with demand and reserve at prices (T,) instead: its objective is a proven bound.

        Units have nothing to do with each other then, which a solver is soon done with.
        """
        matrices, tight = self.formulation.matrices, self.formulation.tight
        price = np.zeros(len(matrices.row_lower))
        price[tight.balance], price[tight.reserves] = energy, reserve
        cost = self._left_cost(price)
        row_lower, row_upper, upper = matrices.row_lower.copy(), matrices.row_upper.copy(), matrices.upper.copy()
        for rows in (tight.balance, tight.reserves):
            row_lower[rows], row_upper[rows] = -np.inf, np.inf
        upper[self.formulation.missing] = 0.0
        owed = float(energy @ tight.groups.problem.demand + reserve @ tight.groups.problem.reserve)
        whole = replace(
            matrices,
            cost=cost,
            offset=matrices.offset + owed,
            upper=upper,
            row_lower=row_lower,
            row_upper=row_upper,
            integer=np.zeros_like(matrices.integer),
        )
        return solve_reduced(whole, self._left_s())

    def begin_within(self, free: Flags, seconds: float) -> bool:
        """A first solution: what is not free as the relaxation has it. True if there is one."""
        assert self.relaxed is not None
        return self._accept(self._solved(free, self.relaxed, seconds, _FIRST_GAP))

    def begin_rounded_up(self, free: Flags, hours: Flags, seconds: float) -> bool:
        """A solution with all that the relaxation has running, if in part, in some ``hours`` (T,). True if better."""
        assert self.relaxed is not None
        up = np.where(hours, np.ceil(self.relaxed - _WHOLE), self.relaxed)
        loose = free.copy()
        loose[np.flatnonzero((hours & (up > self.relaxed + _WHOLE)).any(axis=1))] = True
        return self._accept(self._solved(loose & ~hours, up, seconds, _FIRST_GAP))

    def improve_within(self, free: Flags, seconds: float) -> bool:
        """Another solution that differs from the known one only where free. True if it is better."""
        return self._accept(self._solved(free, self.known, seconds, _GAP, self._hint()))

    def adopt(self, values: Column, cost: float) -> None:
        """Take over a solution that was found elsewhere, if it is better."""
        if cost < self.cost:
            self.best, self.cost = values, cost

    def _solved(
        self, free: Flags, known: Column, seconds: float, gap: float, hint: Column | None = None
    ) -> mathopt.Answer:
        held = self._held(self.formulation.matrices, free, known)
        settled = self._settled
        moves = np.flatnonzero(free.any(axis=1))
        still = ~np.isin(settled.group, moves)
        held.lower[settled.columns[still]] = held.upper[settled.columns[still]] = settled.values[still]
        return solve_reduced(held, max(min(seconds, self._left_s()), 0.1), gap, hint, _HEURISTIC_EFFORT)

    def _held(self, matrices: Matrices, free: Flags, known: Column) -> Matrices:
        """What is not free as it is known."""
        lower, upper = matrices.lower.copy(), matrices.upper.copy()
        fixed = self._on[~free]
        lower[fixed] = upper[fixed] = np.clip(np.round(known[~free]), lower[fixed], upper[fixed])
        return replace(matrices, lower=lower, upper=upper)

    def _settled_by(self, answer: mathopt.Answer) -> _Settled:
        matrices, output = self.formulation.matrices, self._output
        cost = self._left_cost(answer.duals)
        price = _SETTLED * float(np.abs(answer.duals[self.formulation.tight.balance]).mean())
        low = (answer.values <= matrices.lower + _AT_BOUND) & (cost > price)
        high = (answer.values >= matrices.upper - _AT_BOUND) & (cost < -price)
        columns = np.flatnonzero((low | high) & (output >= 0))
        return _Settled(columns, np.where(low, matrices.lower, matrices.upper)[columns], output[columns])

    def _left_cost(self, prices: Column) -> Column:
        """Costs of the columns less what they bring at prices of the rows."""
        matrices = self.formulation.matrices
        brought = np.bincount(matrices.column, matrices.coefficient * prices[matrices.row], len(matrices.cost))
        left: Column = matrices.cost - brought
        return left

    def _accept(self, answer: mathopt.Answer) -> bool:
        if not answer.found or answer.objective >= self.cost - _GAIN * abs(answer.objective):
            return False
        self.best, self.cost = answer.values, answer.objective
        return True

    def _hint(self) -> Column:
        best = self.solution
        return np.where(self.formulation.matrices.integer, np.round(best), best)

    def _left_s(self) -> float:
        return max(self._ends - time.monotonic(), 0.1)
