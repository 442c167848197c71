"""Search for problems whose relaxation would take longer than there is: by prices.

Where answers near the best prices differ, times are contested; elsewhere they are as the mixture of the pricing has
them. The relaxation of what is contested is soon solved, its prices tell what else to contest, and in the end it is
hardly dearer than that of the whole. With demand and reserve at those prices the whole relaxation falls apart into
its units, and is soon solved too: that proves the bound. Schedules are found near the relaxation, and bettered in
neighbourhoods of it.
"""

import time
from dataclasses import dataclass

import numpy as np

from vppscada.scheduling.unit_commitment.groups import Groups, grouped
from vppscada.scheduling.unit_commitment.narrowed import Narrowed
from vppscada.scheduling.unit_commitment.neighbourhoods import undecided, widened
from vppscada.scheduling.unit_commitment.pricing import Pricing
from vppscada.scheduling.unit_commitment.problem import Column, Flags, Problem
from vppscada.scheduling.unit_commitment.realisation import Realised

#: Problems of so many groups times steps are large.
LARGE_FROM = 30_000
#: Shares of the time for prices, and their gaps: at first, and with ramps priced, so many times.
_FIRST_SHARE, _FIRST_GAP = 0.13, 2e-3
_LATER_SHARE, _LATER_GAP = 0.05, 5e-4
_LATER_TIMES = 1
#: Answers of so many last rounds are contested where they differ.
_LAST = 6
#: How far prices of energy are moved, as factors, to see what is contested; and towards those of a program's duals.
_AROUND = (0.95, 1.05)
_TOWARDS = (0.1, 0.3, 0.6, 1.0)
#: Relaxations before the first schedule, another only where so much more is contested after the last.
_RELAXATIONS, _MORE = 3, 1.01
#: Steps around what the relaxation leaves open for a first schedule, one after the other.
_REACHES = (0, 1, 4)
_FIRST_S, _STEP_S = 10.0, 8.0
_WHOLE = 1e-6


@dataclass(frozen=True, slots=True)
class _Step:
    """What to let loose: by ``kind``, what its number means."""

    kind: str
    number: int


_RELAX = _Step("relax", 0)
_STEPS = (
    _RELAX,
    *(_Step("near", steps) for steps in (0, 1, 2, 4)),
    *(_Step("hours", hours) for hours in (8, 16)),
    *(_Step("groups", groups) for groups in (30, 80)),
)
#: Where a schedule misses something: these, one after the other, hours around what is missing.
_MISSING_STEPS = (_RELAX, *(_Step("missing", hours) for hours in (2, 6, 24)))
_MISSED_MW = 1e-6
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

    def __init__(self, search: Narrowed, pricing: Pricing, seed: int) -> None:
        self.search = search
        self._pricing = pricing
        self._random = np.random.default_rng(seed)
        self._contested: Flags = np.zeros((0, 0), dtype=np.bool_)
        self._hope = dict.fromkeys((*_STEPS, *_MISSING_STEPS), _HOPE)
        self._tried: set[_Step] = set()
        self._prices: tuple[Column, Column] | None = None  # of the last relaxation

    def begin(self) -> None:
        """Take over the mixture, and relax what is contested until its prices bring up nothing new."""
        mixed, groups = self._pricing.mixed, self.search.formulation.tight.groups
        assert mixed is not None
        self.search.relaxed = relaxed = _by_group(groups, mixed.on)
        self._contested = undecided(relaxed)
        for pattern in mixed.patterns[-_LAST:]:
            self._contested |= self._differs(pattern, relaxed)
        for factor in _AROUND:
            self._contested |= self._unlike(factor * mixed.energy, mixed.reserve, relaxed)
        for _ in range(_RELAXATIONS):
            contested = self._contested.sum()
            self._relax()
            if self._contested.sum() <= _MORE * contested:
                return

    def prove(self) -> float:
        """A bound from the prices of the last relaxation; what units would rather do at them is contested then."""
        if self._prices is None or self.search.relaxed is None:
            return -np.inf
        answer = self.search.priced(*self._prices)
        if not answer.found:
            return -np.inf
        on = answer.values[self.search.formulation.tight.on]
        self._contested |= np.abs(on - self.search.relaxed) > _WHOLE
        return answer.objective

    def first(self) -> bool:
        """A first schedule near the relaxation. True if there is one."""
        assert self.search.relaxed is not None
        open_there = undecided(self.search.relaxed)
        if not any(self.search.begin_within(widened(open_there, reach), _FIRST_S) for reach in _REACHES):
            return False
        if self._missing().any():
            self.search.begin_rounded_up(open_there, self._missing(), _FIRST_S)
        return True

    def improve(self, realised: Realised | None) -> bool:
        """One step; ``realised`` is the best schedule with its prices. True if it gave something better."""
        chosen = self._chosen(realised)
        started, before = time.monotonic(), self.search.cost
        if chosen is _RELAX and realised is not None and self.search.relaxed is not None:
            self._contest(realised.energy, realised.reserve, self.search.known)
            self._contested |= np.abs(self.search.known - self.search.relaxed) > _WHOLE
            self._relax()
        better = self.search.improve_within(self._free(chosen), _STEP_S)
        gained = (before - self.search.cost) / before / (time.monotonic() - started + 1e-3) if better else 0.0
        self._hope[chosen] = max(_MEMORY * self._hope[chosen] + (1.0 - _MEMORY) * gained, _LEAST_HOPE)
        if better:
            self._tried.clear()
        self._tried.add(chosen)
        return better

    def _chosen(self, realised: Realised | None) -> _Step:
        """The most hopeful; those that are the same each time not twice without a gain."""
        if self._missing().any() and realised is not None:
            left = [one for one in _MISSING_STEPS if one not in self._tried]
            if left:
                return left[0]
        able = [one for one in _STEPS if one not in self._tried or one.kind in ("hours", "groups")]
        able = [one for one in able if one is not _RELAX or realised is not None]
        hopes = [self._hope[one] * self._random.uniform(0.3, 1.0) for one in able]
        return able[int(np.argmax(hopes))]

    def _free(self, chosen: _Step) -> Flags:
        known, relaxed = self.search.known, self.search.relaxed
        assert relaxed is not None
        free = undecided(relaxed) | (np.abs(relaxed - known) > _WHOLE)
        groups, steps = known.shape
        if chosen.kind == "hours":
            length = min(chosen.number, steps)
            begin = int(self._random.integers(steps - length + 1))
            free[:, begin : begin + length] |= self._contested[:, begin : begin + length]
        elif chosen.kind == "missing":
            near = widened(self._missing()[None], chosen.number)[0]
            free[:, near] |= self._contested[:, near]
        elif chosen.kind == "groups":
            free[self._random.choice(groups, min(chosen.number, groups), replace=False)] = True
        else:
            free = widened(free, chosen.number)
        return free

    def _missing(self) -> Flags:
        """Steps in which the solution misses something."""
        missed = self.search.solution[self.search.formulation.missing].reshape(-1, self._contested.shape[1])
        return np.asarray((missed > _MISSED_MW).any(axis=0), dtype=np.bool_)

    def _relax(self) -> float:
        """Relax what is contested, and contest what the relaxation's prices bring up. Its objective; −inf if none."""
        answer = self.search.relax_within(self._contested)
        if not answer.found or self.search.relaxed is None:
            return -np.inf
        tight = self.search.formulation.tight
        energy, reserve = answer.duals[tight.balance], np.maximum(answer.duals[tight.reserves], 0.0)
        self._prices = energy, reserve
        self._contest(energy, reserve, self.search.relaxed)
        return answer.objective

    def _contest(self, energy: Column, reserve: Column, known: Column) -> None:
        """Where units would do something else at prices between the best ones and these."""
        mixed = self._pricing.mixed
        assert mixed is not None
        for share in _TOWARDS:
            between = mixed.energy + share * (energy - mixed.energy)
            held = mixed.reserve + share * (reserve - mixed.reserve)
            self._contested |= self._unlike(between, held, known)

    def _unlike(self, energy: Column, reserve: Column, known: Column) -> Flags:
        """Where units would do something else than what is known at prices."""
        mixed = self._pricing.mixed
        assert mixed is not None
        return self._differs(self._pricing.takers.answer(energy, reserve, mixed.ramps).on, known)

    def _differs(self, on: Flags, known: Column) -> Flags:
        differs: Flags = np.abs(_by_group(self.search.formulation.tight.groups, on.astype(np.float64)) - known) > _WHOLE
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
