"""Search for problems whose relaxation would take longer than there is: by prices.

The mixture of the pricing stands for the solution of the relaxation. A first schedule keeps to it but where answers
near the best prices differ. Its own prices then tell which units would rather do something else, and those are let
loose with what was contested before; as are all units in some hours, and some units in all hours.
"""

import time
from dataclasses import dataclass

import numpy as np

from vppscada.scheduling.unit_commitment.groups import Groups, grouped
from vppscada.scheduling.unit_commitment.neighbourhoods import undecided
from vppscada.scheduling.unit_commitment.pricing import Pricing
from vppscada.scheduling.unit_commitment.problem import Column, Flags, Problem
from vppscada.scheduling.unit_commitment.realisation import Realised
from vppscada.scheduling.unit_commitment.search import Search

#: Problems of so many groups times steps are large.
LARGE_FROM = 30_000
#: Shares of the time for prices, and their gaps: at first, and with ramps priced, so many times.
_FIRST_SHARE, _FIRST_GAP = 0.13, 1e-3
_LATER_SHARE, _LATER_GAP = 0.06, 3e-4
_LATER_TIMES = 2
#: Answers of so many last rounds are contested where they differ.
_LAST = 6
_FIRST_S, _STEP_S = 12.0, 8.0
#: How far prices are moved for a first schedule, as shares; the next where one finds nothing.
_AROUND = (0.05, 0.02, 0.1)
_WHOLE = 1e-6


@dataclass(frozen=True, slots=True)
class _Step:
    """What to let loose: by ``kind``, what its number means."""

    kind: str
    number: float


_STEPS = (
    *(_Step("towards", share) for share in (0.1, 0.3, 0.6)),
    *(_Step("hours", hours) for hours in (3, 5, 8)),
    *(_Step("groups", groups) for groups in (30, 80)),
)
#: Memory of gains, and what an untried step is thought to gain, as a share per second.
_MEMORY, _HOPE, _LEAST_HOPE = 0.6, 1e-4, 1e-7


def is_large(problem: Problem) -> bool:
    """True where the linear relaxation would take longer than there is.

    Raises:
        Infeasible: a unit that must run is still held off.
    """
    return len(grouped(problem)) * problem.steps >= LARGE_FROM


class LargeSearch:
    """One process's search."""

    def __init__(self, search: Search, pricing: Pricing, seed: int) -> None:
        self.search = search
        self._pricing = pricing
        self._random = np.random.default_rng(seed)
        self._contested: Flags = np.zeros((0, 0), dtype=np.bool_)
        self._hope = dict.fromkeys(_STEPS, _HOPE)
        self._tried: set[_Step] = set()

    def begin(self) -> bool:
        """Take over the mixture, and find a first schedule near it. True if there is one."""
        mixed, groups = self._pricing.mixed, self.search.formulation.tight.groups
        assert mixed is not None
        self.search.relaxed = _by_group(groups, mixed.on)
        self._contested = undecided(self.search.relaxed)
        for pattern in mixed.patterns[-_LAST:]:
            self._contested |= self._differs(pattern.astype(np.float64), self.search.relaxed)
        for share in _AROUND:
            near = self._contested | self._around(share)
            if self.search.best is None and self.search.begin_within(near, _FIRST_S):
                return True
        return self.search.best is None and self.search.begin()

    def _around(self, share: float) -> Flags:
        """Where units would do something else at prices of energy higher or lower by a share."""
        mixed, relaxed = self._pricing.mixed, self.search.relaxed
        assert mixed is not None and relaxed is not None
        found = np.zeros_like(self._contested)
        for factor in (1.0 - share, 1.0 + share):
            answers = self._pricing.takers.answer(factor * mixed.energy, mixed.reserve, mixed.ramps)
            found |= self._differs(answers.on.astype(np.float64), relaxed)
        return found

    def improve(self, realised: Realised | None) -> bool:
        """One step; ``realised`` is the best schedule with its prices. True if it gave something better."""
        chosen = self._chosen(realised)
        started, before = time.monotonic(), self.search.cost
        better = self.search.improve_within(self._free(chosen, realised), _STEP_S)
        gained = (before - self.search.cost) / before / (time.monotonic() - started + 1e-3) if better else 0.0
        self._hope[chosen] = max(_MEMORY * self._hope[chosen] + (1.0 - _MEMORY) * gained, _LEAST_HOPE)
        if better:
            self._tried.clear()
        self._tried.add(chosen)
        return better

    def _chosen(self, realised: Realised | None) -> _Step:
        able = [one for one in _STEPS if realised is not None or one.kind != "towards"]
        able = [one for one in able if one.kind != "towards" or one not in self._tried]
        hopes = [self._hope[one] * self._random.uniform(0.3, 1.0) for one in able]
        return able[int(np.argmax(hopes))]

    def _free(self, chosen: _Step, realised: Realised | None) -> Flags:
        known = self.search.known
        steps = known.shape[1]
        if chosen.kind == "towards":
            assert realised is not None
            self._contested |= self._towards(realised, chosen.number, known)
            assert self.search.relaxed is not None
            self._contested |= np.abs(self.search.relaxed - known) > _WHOLE
            return self._contested.copy()
        free = self._contested.copy()
        if chosen.kind == "hours":
            hours = min(int(chosen.number), steps)
            begin = int(self._random.integers(steps - hours + 1))
            free[:, begin : begin + hours] = True
            return free
        free[self._random.choice(len(known), min(int(chosen.number), len(known)), replace=False)] = True
        return free

    def _towards(self, realised: Realised, share: float, known: Column) -> Flags:
        """Where units would do something else at prices so far from the best ones towards the schedule's own."""
        mixed = self._pricing.mixed
        assert mixed is not None
        energy = mixed.energy + share * (realised.energy - mixed.energy)
        reserve = mixed.reserve + share * (realised.reserve - mixed.reserve)
        on = self._pricing.takers.answer(energy, reserve, mixed.ramps).on
        return self._differs(on.astype(np.float64), known)

    def _differs(self, on: Column, known: Column) -> Flags:
        differs: Flags = np.abs(_by_group(self.search.formulation.tight.groups, on) - known) > _WHOLE
        return differs


def find_prices(pricing: Pricing, seconds: float) -> bool:
    """Prices within a share of so many seconds, and those of ramps by turns. False where there are none."""
    if not pricing.search(_FIRST_GAP, time.monotonic() + _FIRST_SHARE * seconds):
        return False
    for _ in range(_LATER_TIMES):
        pricing.price_ramps()
        pricing.search(_LATER_GAP, time.monotonic() + _LATER_SHARE * seconds)
    pricing.price_ramps()
    return True


def _by_group(groups: Groups, on: Column) -> Column:
    """Units on of each group (G, T)."""
    total: Column = np.stack([on[members].sum(axis=0) for members in groups.members])
    return total
