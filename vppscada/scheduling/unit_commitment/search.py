"""Good solutions of the tight program soon: the relaxation's whole parts, then one small program after another.

Large-neighbourhood search: most of a known solution is fixed, the rest solved as a program of its own. Which
neighbourhood comes next goes by what its like gained per second so far.
"""

import time
from dataclasses import replace

import numpy as np

from vppscada.scheduling import mathopt
from vppscada.scheduling.unit_commitment.coarse import coarse_start
from vppscada.scheduling.unit_commitment.formulation import Formulation
from vppscada.scheduling.unit_commitment.narrowed import Narrowed
from vppscada.scheduling.unit_commitment.neighbourhoods import (
    Neighbourhood,
    drawn,
    free_in,
    neighbourhoods,
    undecided,
    widened,
)
from vppscada.scheduling.unit_commitment.problem import Column

#: Steps around what the relaxation leaves open that the first program may change; more where it finds nothing.
_FIRST_REACH = (4, 12)
_FIRST_GAP = 1e-3
_FIRST_SHARE = 0.25
#: Longest time of a small program, and as a share of the whole.
_STEP_S = 8.0
_STEP_SHARE = 0.14
#: Memory of the gains of a sort of neighbourhood; what an untried one is thought to gain, as a share per second.
_MEMORY = 0.7
_HOPE = 2.5e-4
_LEAST_HOPE = 1e-6
#: Share of the time for the coarse look.
_COARSE_SHARE = 0.1
_CLEARLY_BETTER = 5e-3


class Search(Narrowed):
    """The best solution known of a program whose relaxation can be solved, and the ways to a better one."""

    def __init__(self, formulation: Formulation, ends: float, seed: int = 0) -> None:
        super().__init__(formulation, ends)
        self._length_s = max(ends - time.monotonic(), 0.0)
        self._random = np.random.default_rng(seed)
        self._all = list(neighbourhoods(formulation.tight.steps))
        self._hope = {one.arm: _HOPE for one in (*self._all, *drawn(self._random))}
        self._tried: set[Neighbourhood] = set()

    def relax(self) -> float:
        """Solve the linear relaxation. Returns its objective, a proven bound; −inf if the time ended before."""
        matrices = self.formulation.matrices
        model = mathopt.model_of(replace(matrices, integer=np.zeros_like(matrices.integer)))
        answer = mathopt.run(model, self._left_s())
        if answer.infeasible:
            return np.inf
        if answer.found:
            self.relaxed = answer.values[self._on]
        return answer.objective if answer.found else -np.inf

    def begin(self) -> bool:
        """First solutions near the relaxation and by the coarse look. True if there is one."""
        if self.relaxed is None:
            return False
        open_there = undecided(self.relaxed)
        for reach in (*_FIRST_REACH, None):
            free = np.ones_like(open_there) if reach is None else widened(open_there, reach)
            if self._accept(self._solved(free, self.relaxed, _FIRST_SHARE * self._left_s(), _FIRST_GAP)):
                break
        return self.best is not None

    def look_coarsely(self) -> bool:
        """Try the coarse start. True if it is clearly better than what was known.

        A little better is not enough: what is near the relaxation gains more afterwards.
        """
        if self.relaxed is None:
            return False
        answer = coarse_start(self.formulation, self.relaxed, min(_COARSE_SHARE * self._length_s, self._left_s()))
        if answer is None or answer.objective > self.cost - _CLEARLY_BETTER * abs(self.cost):
            return False
        return self._accept(answer)

    def improve(self) -> bool:
        """One neighbourhood. True if it gave something better."""
        chosen = self._chosen()
        started, before = time.monotonic(), self.cost
        free = free_in(chosen, self.known, self.known if self.relaxed is None else self.relaxed)
        better = self.improve_within(free, min(_STEP_S, _STEP_SHARE * self._length_s))
        gained = (before - self.cost) / before / max(time.monotonic() - started, 1e-3) if better else 0.0
        self._hope[chosen.arm] = max(_MEMORY * self._hope[chosen.arm] + (1.0 - _MEMORY) * gained, _LEAST_HOPE)
        if better:
            self._tried.clear()
        self._tried.add(chosen)
        return better

    def adopt(self, values: Column, cost: float) -> None:
        """Take over a solution that was found elsewhere, if it is better."""
        if cost < self.cost:
            self._tried.clear()
        super().adopt(values, cost)

    def _chosen(self) -> Neighbourhood:
        """The most hopeful of those not tried since the last gain."""
        left = [one for one in self._all if one not in self._tried] + list(drawn(self._random))
        distance = self._distance()
        hopes = [self._hope[one.arm] * _promise(one, distance) * self._random.uniform(0.3, 1.0) for one in left]
        return left[int(np.argmax(hopes))]

    def _distance(self) -> Column:
        """How far the known solution is from the relaxation in each step: power of the units that differ, MW."""
        if self.relaxed is None:
            return np.ones(self._on.shape[1])
        groups = self.formulation.tight.groups
        apart: Column = np.abs(self.known - self.relaxed)
        total = groups.of(groups.problem.maximum_mw) @ apart
        distance: Column = total + 1e-3 * total.mean() + 1e-9
        return distance


def _promise(one: Neighbourhood, distance: Column) -> float:
    """Share of the whole distance to the relaxation that lies in a window, beside that in an average one."""
    if one.kind != "window":
        return 1.0
    inside = float(distance[one.start : one.start + one.size].sum() / distance.sum())
    return inside / (one.size / len(distance))
