"""Prices at which the assets' own best plans come nearest to what the plant owes, and the bound that they prove.

The master prices the plans seen so far, in a box around the prices of the best bound. Better bounds widen the box and
move it, worse ones narrow it: without it storage, which all turns round at once, makes prices swing for long.
"""

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.decomposition.cycles import CycledStores
from vppscada.scheduling.decomposition.master import Box, Priced, Proposals, grouped, solve_master
from vppscada.scheduling.decomposition.plant import Open
from vppscada.scheduling.decomposition.stores import Flow
from vppscada.scheduling.decomposition.units import Answer
from vppscada.scheduling.thermal import ThermalData

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Index = NDArray[np.int64]

#: Plans that the last rounds of the master had no use for are forgotten after so many.
_FORGOTTEN_AFTER = 8
_USED = 1e-7
_WIDER, _NARROWER = 1.3, 0.6
_WIDEST = 60.0  # per MWh
#: Where prices leave the box at the end, it is opened to a multiple of its width, and to so much at least (per MWh).
_RETRY, _LEAST_RETRY = 3.0, 1.0
_LONGEST_S = 30.0  # of one master


class PriceTakers(Protocol):
    """Units that answer prices."""

    data: ThermalData

    def answer(self, energy: Column, reserve: Column) -> tuple[Column, Answer]:
        """Profit of each, and its plan."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """The assets' answers at prices, and the bound of the plan's cost that they prove."""

    energy: Column
    reserve: Column
    bound: float
    units: Answer
    stores: Flow


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """All that has a part in the plan. Groups: which assets propose their plans together."""

    units: PriceTakers
    stores: CycledStores
    plant: Open
    unit_group: Index
    store_group: Index

    def ask(self, energy: Column, reserve: Column) -> Asked:
        """Every asset's best answer at prices (which are clipped)."""
        energy, reserve = self.plant.clipped(energy, reserve)
        gained, units = self.units.answer(energy, reserve)
        stored, stores = self.stores.answer(energy, reserve)
        bound = self.plant.least(energy, reserve) - float(gained.sum() + stored.sum())
        return Asked(energy, reserve, bound, units, stores)

    def proposals(self, asked: Asked) -> Proposals:
        """One plan of each group: units first, then stores."""
        parts = [
            grouped(group, one.cost, one.power, one.reserve)
            for group, one in ((self.unit_group, asked.units), (self.store_group, asked.stores))
        ]
        cost, power, reserve = zip(*((part.cost, part.power, part.reserve) for part in parts), strict=True)
        return Proposals(np.concatenate(cost), np.concatenate(power), np.concatenate(reserve))


@dataclass(slots=True, eq=False)
class _Round:
    asked: Asked
    made: Proposals
    idle: int = 0  # rounds in a row that the master had no use for any of it


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """The best bound with its prices, and the rounds that the master mixes with the weights of ``priced``."""

    best: Asked
    rounds: tuple[Asked, ...]
    priced: Priced


def search(
    fleet: Fleet,
    energy: Column,
    reserve: Column,
    width: float,
    gap: float,
    ends: float,
    earlier: tuple[Asked, ...] = (),
) -> Mixture | None:
    """Rounds of prices and answers until bound and mixture are within ``gap`` of each other, or until ``ends``.

    ``earlier`` answers are proposals from the start. None where the master found nothing.
    """
    rounds = [_Round(one, fleet.proposals(one)) for one in earlier]
    best: Asked | None = None
    while True:
        asked = fleet.ask(energy, reserve)
        rounds.append(_Round(asked, fleet.proposals(asked)))
        better = best is None or asked.bound > best.bound + 1e-9 * abs(best.bound)
        width = min(width * _WIDER, _WIDEST) if better else width * _NARROWER
        best = asked if best is None or better else best
        late = time.monotonic() >= ends
        priced = None if late else _master(fleet, rounds, Box(best.energy, best.reserve, width))
        if priced is None or _within(priced, best, gap):
            # Out of the box: what the mixture gives meets what is owed, as far as it can.
            free = _master(fleet, rounds, None)
            if free is None or late or _within(free, best, gap):
                return None if free is None else Mixture(best, tuple(one.asked for one in rounds), free)
            priced, width = free, max(_RETRY * width, _LEAST_RETRY)
        rounds = _remembered(rounds, priced)
        energy, reserve = priced.energy, priced.reserve


def _master(fleet: Fleet, rounds: list[_Round], box: Box | None) -> Priced | None:
    return solve_master(fleet.plant, [one.made for one in rounds], _LONGEST_S, box)


def _within(priced: Priced, best: Asked, gap: float) -> bool:
    return priced.objective - best.bound <= gap * abs(best.bound)


def _remembered(rounds: list[_Round], priced: Priced) -> list[_Round]:
    for one, weight in zip(rounds, priced.weight, strict=True):
        one.idle = 0 if (weight > _USED).any() else one.idle + 1
    return [one for one in rounds if one.idle < _FORGOTTEN_AFTER]
