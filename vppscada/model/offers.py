"""What each asset could give for a while, and at what cost: the columns that a cost curve is merged from."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Units(StrEnum):
    """Which thermal units count."""

    ON = "on"  # those that are on, and they stay on
    FREE = "free"  # each may be started or stopped, where its times allow it


@dataclass(frozen=True, slots=True, eq=False)
class Offers:
    """Length n, or (n, K) for the segments above ``low_mw``. MW; money per hour, but ``start_cost`` is per start.

    An asset that takes part gives between low and high; its segments rise in cost. One that is ``optional``
    may give 0 MW at no cost instead. Who gives nothing, or what nobody can move, is not optional and has no
    segment. Storage costs what the energy in it is worth.
    """

    hours: float  # how long it is to be held, > 0
    low_mw: Column
    high_mw: Column
    cost_at_low: Column
    width_mw: NDArray[np.float64]
    slope_per_mwh: NDArray[np.float64]  # of each segment; where the width is 0, of no meaning
    optional: Flags
    on: Flags  # thermal: is on now; the others: take part
    start_cost: Column  # of an optional asset that is off; else 0

    def __len__(self) -> int:
        return len(self.low_mw)

    def taking(self, given: Flags) -> "Offers":
        """These offers with the choice of units made: who is not ``given`` (n) and may be off, is."""
        out = self.optional & ~given
        return replace(
            self,
            low_mw=np.where(out, 0.0, self.low_mw),
            high_mw=np.where(out, 0.0, self.high_mw),
            cost_at_low=np.where(out, 0.0, self.cost_at_low),
            width_mw=np.where(out[:, None], 0.0, self.width_mw),
            optional=np.zeros_like(self.optional),
            start_cost=np.where(out, 0.0, self.start_cost),
        )

    def shared(self, target_mw: float) -> Column:
        """Powers (n) that give the target at least cost, once every choice is made; as near as can be beyond it.

        Cheapest segments first, which is the optimum as they rise in cost.
        """
        order = np.argsort(self.slope_per_mwh, axis=None, kind="stable")
        width = self.width_mw.ravel()[order]
        before = np.cumsum(width) - width
        filled = np.zeros(self.width_mw.size)
        filled[order] = np.clip(target_mw - float(self.low_mw.sum()) - before, 0.0, width)
        power: Column = self.low_mw + filled.reshape(self.width_mw.shape).sum(axis=1)
        return power

    def cost_at(self, power_mw: Column, given: Flags) -> Column:
        """Cost per hour of each at ``power_mw``, where ``given``; starts are not in it."""
        before = np.cumsum(self.width_mw, axis=1) - self.width_mw
        used = np.clip((power_mw - self.low_mw)[:, None] - before, 0.0, self.width_mw)
        cost: Column = np.where(given, self.cost_at_low + (used * self.slope_per_mwh).sum(axis=1), 0.0)
        return cost
