"""A better bound from prices that are near the best already: all of them moved at once, by what they leave unmet.

Deflected subgradients with Polyak's step towards the cost of the best schedule known. Prices of energy and reserve are
of the whole system and those of ramps of one unit each, so that the former move by less for the same misfit.
"""

import numpy as np

from vppscada.scheduling.unit_commitment.pricing import Mixed, Pricing, Table
from vppscada.scheduling.unit_commitment.takers import Answers, RampPrices

#: MW of the system that count as one of a unit.
_SYSTEM = 10.0
#: The first step as a share of Polyak's, how it shrinks after so many rounds without gain, and when it is over.
_FIRST_STEP, _SHRINKS, _PATIENCE, _LEAST_STEP = 0.5, 0.7, 10, 0.01
#: Share of the directions before that is kept.
_DEFLECTION = 0.6
#: What a schedule is thought to cost above the bound while none is known.
_HOPED_GAP = 2e-3


class Polish:
    """Moves the prices of a pricing that has found some."""

    def __init__(self, pricing: Pricing) -> None:
        mixed = pricing.mixed
        assert mixed is not None
        self._pricing, self._mixed = pricing, mixed
        nothing = np.zeros(mixed.on.shape)
        ramps = mixed.ramps or RampPrices(nothing, nothing)
        self._at: list[Table] = [mixed.energy, mixed.reserve, ramps.up, ramps.down]
        self._direction: list[Table] | None = None
        self._step, self._idle = _FIRST_STEP, 0
        self._best = -np.inf

    def round(self, cost: float) -> bool:
        """Ask once and move, where a schedule of that ``cost`` is known (inf: none). False when no gain is in sight."""
        energy, reserve, up, down = self._at
        answers = self._pricing.takers.answer(energy, reserve, RampPrices(up, down))
        bound = self._pricing.bound_at(answers.profit, energy, reserve)
        self._judge(bound)
        target = min(cost, (1.0 + _HOPED_GAP) * abs(self._best))
        self._move(self._unmet(answers), max(target - bound, 0.0))
        return self._step > _LEAST_STEP

    def _judge(self, bound: float) -> None:
        if bound > self._best:
            self._best, self._idle = bound, 0
            energy, reserve, up, down = self._at
            mixed = self._mixed
            self._pricing.bound = max(self._pricing.bound, bound)
            self._pricing.mixed = Mixed(energy, reserve, RampPrices(up, down), mixed.on, mixed.patterns)
            return
        self._idle += 1
        if self._idle >= _PATIENCE:
            self._step, self._idle = self._step * _SHRINKS, 0

    def _unmet(self, answers: Answers) -> list[Table]:
        """What the answers miss of demand and reserve, and by how much they break ramps between steps on."""
        problem = self._pricing.problem
        energy, reserve, up, down = self._at
        sun = np.where(energy > 0.0, problem.renewable_maximum.sum(axis=0), problem.renewable_minimum.sum(axis=0))
        above = np.where(answers.on, answers.power - problem.minimum_mw[:, None], 0.0)
        rise, fall = np.zeros_like(above), np.zeros_like(above)
        change = np.diff(above, axis=1)
        rise[:, 1:] = change + answers.reserve[:, 1:] - problem.ramp_up[:, None] * answers.on[:, 1:]
        fall[:, 1:] = -change - problem.ramp_down[:, None] * answers.on[:, :-1]
        slow = self._pricing.takers.alone.slow[:, None]
        short = problem.reserve - answers.reserve.sum(axis=0)
        return [
            (problem.demand - sun - answers.power.sum(axis=0)) / _SYSTEM,
            np.where((reserve <= 0.0) & (short < 0.0), 0.0, short) / _SYSTEM,
            np.where(slow & ((up > 0.0) | (rise > 0.0)), rise, 0.0),
            np.where(slow & ((down > 0.0) | (fall > 0.0)), fall, 0.0),
        ]

    def _move(self, unmet: list[Table], distance: float) -> None:
        before = self._direction or [np.zeros_like(part) for part in unmet]
        self._direction = [now + _DEFLECTION * then for now, then in zip(unmet, before, strict=True)]
        length = sum(float((part * part).sum()) for part in self._direction)
        step = self._step * distance / max(length, 1e-9)
        energy, *others = self._at
        change, *changes = self._direction
        self._at = [energy + step / _SYSTEM * change]
        for scale, price, part in zip((_SYSTEM, 1.0, 1.0), others, changes, strict=True):
            self._at.append(np.maximum(price + step / scale * part, 0.0))
