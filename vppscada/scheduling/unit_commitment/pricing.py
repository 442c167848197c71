"""Prices for a problem too large for its linear relaxation: the bound that they prove, and a mixture near it.

Every price of energy and of reserve proves a bound, by what each unit alone would make of it. A master mixes the
answers seen so far, by groups of units, and prices them anew, in a box around the prices of the best bound that
widens with success and narrows without. Its mixture stands for the solution of the relaxation. Ramps between the
steps of a run are priced as well, unit by unit, by what they are worth at the prices found before.
"""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling import mathopt
from vppscada.scheduling.program import Index, Program
from vppscada.scheduling.unit_commitment.groups import Infeasible
from vppscada.scheduling.unit_commitment.problem import Column, Flags, Problem
from vppscada.scheduling.unit_commitment.ramp_prices import ramp_prices
from vppscada.scheduling.unit_commitment.takers import Answers, RampPrices, Takers

Table = NDArray[np.float64]

#: Groups of units that answer together.
_GROUPS = 100
#: The first box as a share of the price level; later ones; and how it changes.
_WIDTH, _LATER_WIDTH = 0.1, 0.05
_WIDER_AT_EDGE, _WIDER, _NARROWER, _RETRY, _EDGE = 2.0, 1.2, 0.6, 3.0, 0.99
#: What the mixture may miss of what is owed, at the level of prices, as a share of the bound.
_MISSED = 1e-3
_FORGOTTEN_AFTER = 6
_USED = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """The best bound's prices (T,), and of each unit in each step the share that the mixture runs it (g, T).

    ``patterns`` are when units run in the answers of the last rounds, newest last.
    """

    energy: Column
    reserve: Column
    ramps: RampPrices | None
    on: Table
    patterns: tuple[Flags, ...]


@dataclass(slots=True, eq=False)
class _Round:
    answers: Answers
    cost: Column  # by group
    power: Table
    reserve: Table
    idle: int = 0  # rounds in a row that the master had no use for any of it


@dataclass(frozen=True, slots=True, eq=False)
class _Priced:
    energy: Column
    reserve: Column
    weight: Table  # (rounds, groups)
    objective: float
    missed: float  # MW by which the mixture misses what is owed, over all steps


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """Where prices of energy and reserve (2, T) may go: so far from the centre, each."""

    centre: Table
    width: Table

    def after(self, prices: Table, better: bool) -> "Box":
        """Smaller when they proved no better bound; else around them, and wider where they went to its edge."""
        if not better:
            return Box(self.centre, self.width * _NARROWER)
        edge = np.abs(prices - self.centre) >= _EDGE * self.width
        return Box(prices, self.width * np.where(edge, _WIDER_AT_EDGE, _WIDER))

    def opened(self) -> "Box":
        """Wider everywhere."""
        return Box(self.centre, self.width * _RETRY)


class Pricing:
    """One problem's prices, and the best bound that they proved."""

    def __init__(self, problem: Problem) -> None:
        """Raises `Infeasible`: a unit can do nothing that its state before the first step allows."""
        self.problem = problem
        self.takers = Takers(problem)
        self.bound = -np.inf
        self.mixed: Mixed | None = None
        self._group = np.arange(len(problem)) % min(_GROUPS, len(problem))
        self._first = self._by_merit()

    def search(self, gap: float, ends: float) -> bool:
        """Prices from where the last search left, until bound and mixture are within ``gap``, or until ``ends``.

        False where the solver did not find any.
        """
        known = self.mixed
        if known is None:
            return self._search(*self._first, None, _WIDTH, gap, ends)
        return self._search(known.energy, known.reserve, known.ramps, _LATER_WIDTH, gap, ends)

    def price_ramps(self) -> None:
        """Price the ramps anew at the prices found; the bound is that of each unit's best ramp prices."""
        assert self.mixed is not None
        known = self.mixed
        answers = self.takers.answer(known.energy, known.reserve, known.ramps)
        ramps = ramp_prices(self.takers, answers, known.energy, known.reserve)
        profits = [
            self.takers.answer(known.energy, known.reserve, prices).profit for prices in (None, known.ramps, ramps)
        ]
        self.bound = max(self.bound, self.bound_at(np.min(profits, axis=0), known.energy, known.reserve))
        self.mixed = Mixed(known.energy, known.reserve, ramps, known.on, known.patterns)

    def _search(
        self, energy: Column, reserve: Column, ramps: RampPrices | None, width: float, gap: float, ends: float
    ) -> bool:
        level = float(np.abs(energy).mean()) + 1e-6
        box = Box(np.stack([energy, reserve]), np.full((2, self.problem.steps), width * level))
        best, rounds = -np.inf, list[_Round]()
        while True:
            answers = self.takers.answer(energy, reserve, ramps)
            bound = self.bound_at(answers.profit, energy, reserve)
            rounds.append(self._round(answers))
            better = bound > best + 1e-9 * abs(bound)
            box = box.after(np.stack([energy, reserve]), better)
            best = max(best, bound)
            priced = self._master(rounds, box)
            if priced is not None and priced.objective - best <= gap * abs(best):
                if priced.missed * level <= _MISSED * abs(best):
                    ends = -np.inf
                else:
                    box = box.opened()
                    priced = self._master(rounds, box)
            if priced is None:
                return False
            if time.monotonic() >= ends:
                self.bound = max(self.bound, best)
                patterns = tuple(one.answers.on for one in rounds)
                at_energy, at_reserve = box.centre
                self.mixed = Mixed(at_energy, at_reserve, ramps, self._mixture(rounds, priced), patterns)
                return True
            rounds = _remembered(rounds, priced)
            energy, reserve = priced.energy, np.maximum(priced.reserve, 0.0)

    def bound_at(self, profit: Column, energy: Column, reserve: Column) -> float:
        """No schedule costs less."""
        problem = self.problem
        if not np.isfinite(profit).all():
            name = problem.names[int(np.argmin(profit))]
            raise Infeasible(f"{name} can neither run nor be off as it was before the first step")
        sun = np.maximum(energy * problem.renewable_maximum, energy * problem.renewable_minimum)
        return float(energy @ problem.demand + reserve @ problem.reserve - sun.sum() - profit.sum())

    def _by_merit(self) -> tuple[Column, Column]:
        """What the last unit of the merit order costs at full load, for demand and reserve less renewables."""
        problem = self.problem
        cost = problem.curve_cost[:, -1] / np.maximum(problem.maximum_mw, 1e-9)
        order = np.argsort(cost)
        total = np.cumsum(problem.maximum_mw[order])
        owed = problem.demand + problem.reserve - problem.renewable_maximum.sum(axis=0)
        last = np.minimum(np.searchsorted(total, owed), len(order) - 1)
        return cost[order][last], np.zeros(problem.steps)

    def _round(self, answers: Answers) -> _Round:
        order = np.argsort(self._group, kind="stable")
        begins = np.searchsorted(self._group[order], np.arange(int(self._group.max()) + 1))
        cost, power, reserve = (
            np.add.reduceat(column[order], begins, axis=0) for column in (answers.cost, answers.power, answers.reserve)
        )
        return _Round(answers, cost, power, reserve)

    def _master(self, rounds: list[_Round], box: Box) -> _Priced | None:
        """The cheapest mixture; demand and reserve may be missed at the prices of the box's edges."""
        program, problem = Program(), self.problem
        steps = (problem.steps,)
        sun = program.block(steps, problem.renewable_minimum.sum(axis=0), problem.renewable_maximum.sum(axis=0))
        balance = program.equal(steps, problem.demand, (sun, 1.0))
        reserve = program.at_least(steps, problem.reserve)
        sides = zip((balance, reserve), box.centre, box.width, strict=True)
        missed = np.stack([_boxed(program, row, centre, width) for row, centre, width in sides])
        one = program.equal((len(rounds[0].cost),), 1.0)
        weight = program.block((len(rounds), len(one)))
        for columns, made in zip(weight, rounds, strict=True):
            program.add(one, columns, 1.0)
            program.add(balance, columns[:, None], made.power)
            program.add(reserve, columns[:, None], made.reserve)
            program.price(columns, made.cost)
        answer = mathopt.run(mathopt.model_of(program.matrices()))
        if not answer.found or not len(answer.duals):
            return None
        return _Priced(
            energy=answer.duals[balance],
            reserve=answer.duals[reserve],
            weight=answer.values[weight],
            objective=answer.objective,
            missed=float(answer.values[missed].sum()),
        )

    def _mixture(self, rounds: list[_Round], priced: _Priced) -> Table:
        on = np.zeros((len(self.problem), self.problem.steps))
        for made, weight in zip(rounds, priced.weight, strict=True):
            on += weight[self._group][:, None] * made.answers.on
        return on


def _boxed(program: Program, row: Index, centre: Column, width: Column) -> Index:
    """The amounts by which rows may be missed, too little and too much."""
    less, more = program.block(row.shape), program.block(row.shape)
    program.add(row, less, 1.0)
    program.add(row, more, -1.0)
    program.price(less, centre + width)
    program.price(more, width - centre)
    return np.stack([less, more])


def _remembered(rounds: list[_Round], priced: _Priced) -> list[_Round]:
    for one, weight in zip(rounds, priced.weight, strict=True):
        one.idle = 0 if (weight > _USED).any() else one.idle + 1
    return [one for one in rounds if one.idle < _FORGOTTEN_AFTER]
