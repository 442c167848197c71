"""Sharing a target at least cost within boxes and a tree of limits: exact, in NumPy, without a solver.

Every asset's cost is convex and piecewise linear: a ladder of steps of rising slope above its least power. What a
limit holds has such a ladder too: the steps of its members in the order of their slopes (an infimal convolution),
cut off below at its minimum and above at its maximum. So the ladders are merged and cut from the innermost limits
outwards, and the target is filled from the outermost one. The sets that the limits hold are nested or apart, which is
why what is cut off inside is never missed outside.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.limits import NONE, LimitTree

Column = NDArray[np.float64]
Index = NDArray[np.intp]

#: Less than this is rounding, MW.
_TOLERANCE_MW = 1e-9
#: … and from this on a limit counts as broken.
_BROKEN_MW = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Costs of n assets as m steps. Those of one asset stand in the order of their power, and their slopes rise."""

    low_mw: Column  # (n,) where the ladders begin
    asset: Index  # (m,) whose step it is
    width_mw: Column  # (m,) ≥ 0
    slope: Column  # (m,) cost per MWh


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """A tree of k limits over n assets, as it holds now."""

    names: tuple[str, ...]
    minimum_mw: Column  # (k,)
    maximum_mw: Column
    parent: Index  # (k,) the limit around each; `NONE` for the outermost
    node: Index  # (n,) the limit next to each asset, or `NONE`
    levels: Index  # (depth, n) as `LimitTree.levels` gives it
    of_depth: tuple[Index, ...]  # the limits at each depth, outermost first

    @classmethod
    def of(cls, tree: LimitTree, n: int) -> "Limits":
        """The limits of a fleet of n assets, as the site file has them."""
        node = tree.node if len(tree) else np.full(n, NONE, dtype=np.intp)
        levels = tree.levels() if len(tree) else np.zeros((0, n), dtype=np.intp)
        of_depth = tuple(np.flatnonzero(tree.depth == depth) for depth in range(len(levels)))
        return cls(tree.names, tree.minimum_mw, tree.maximum_mw, tree.parent, node, levels, of_depth)

    def __len__(self) -> int:
        return len(self.names)

    def lowered(self, maximum_mw: Column) -> "Limits":
        """With maxima as they are told now (k,); NaN = not told, and what is told can only lower them."""
        told = np.fmin(self.maximum_mw, maximum_mw)
        return replace(self, maximum_mw=np.maximum(told, self.minimum_mw))

    def sums(self, power_mw: Column) -> Column:
        """Power of all that each limit holds (k,)."""
        total = _by_group(self.node, power_mw, len(self))
        for limits in self.of_depth[:0:-1]:
            total += np.bincount(self.parent[limits], weights=total[limits], minlength=len(self))
        return total

    def reach(self, low_mw: Column, high_mw: Column) -> tuple[float, float]:
        """Least and greatest power of the whole within boxes and limits (MW). What cannot be kept gives."""
        low, high = _by_group(self.node, low_mw, len(self)), _by_group(self.node, high_mw, len(self))
        outside = self.node == NONE
        lowest, highest = float(low_mw[outside].sum()), float(high_mw[outside].sum())
        for limits in self.of_depth[::-1]:
            least, most = _kept(self.minimum_mw[limits], self.maximum_mw[limits], low[limits], high[limits])
            above = self.parent[limits]
            low += _by_group(above, least, len(self))
            high += _by_group(above, most, len(self))
            lowest += float(least[above == NONE].sum())
            highest += float(most[above == NONE].sum())
        return lowest, highest

    def even_room(self, power_mw: Column, free: NDArray[np.bool_]) -> Column:
        """What each ``free`` asset could add (n,) if all of them behind a limit took as much; inf outside all."""
        left = np.maximum(self.maximum_mw - self.sums(power_mw), 0.0) / np.maximum(self.sums(free.astype(float)), 1.0)
        for limits in self.of_depth[1:]:
            left[limits] = np.minimum(left[limits], left[self.parent[limits]])
        room: Column = np.append(left, np.inf)[self.node]
        return room

    def holding(self, power_mw: Column, raising: bool) -> list[str]:
        """Names of the limits at which powers stand, so that no more could be added (or taken away)."""
        total = self.sums(power_mw)
        full = total > self.maximum_mw - _BROKEN_MW if raising else total < self.minimum_mw + _BROKEN_MW
        return [self.names[i] for i in np.flatnonzero(full)]

    def broken(self, power_mw: Column) -> tuple[str, ...]:
        """Limits that powers do not keep, in words."""
        total = self.sums(power_mw)
        over, under = total - self.maximum_mw, self.minimum_mw - total
        told = [f"{self.names[i]} over its maximum by {over[i]:.3f} MW" for i in np.flatnonzero(over > _BROKEN_MW)]
        told += [f"{self.names[i]} under its minimum by {under[i]:.3f} MW" for i in np.flatnonzero(under > _BROKEN_MW)]
        return tuple(told)


def share(target_mw: float, steps: Steps, limits: Limits) -> Column:
    """Powers (n,) of least cost whose sum is the target, or as near to it as boxes and limits allow.

    A limit that the boxes do not allow to be kept is broken by as little as can be. Equal slopes are taken in the
    order of the steps.
    """
    order = np.argsort(steps.slope, kind="stable")
    asset, width = steps.asset[order], steps.width_mw[order]
    taken, most = np.zeros(len(width)), width
    for level in limits.levels[::-1]:
        taken, most = _cut(level, limits, steps.low_mw, asset, taken, most)
    room = most - taken
    left = target_mw - float(steps.low_mw.sum()) - float(taken.sum())
    taken = taken + np.clip(left - (np.cumsum(room) - room), 0.0, room)
    power: Column = steps.low_mw + np.bincount(asset, weights=taken, minlength=len(steps.low_mw))
    return power


def _cut(
    level: Index, limits: Limits, low_mw: Column, asset: Index, taken: Column, most: Column
) -> tuple[Column, Column]:
    """What of each step (cheapest first) must and may be taken, so that the limits of one level hold.

    Before, between ``taken`` and ``most`` of each could be; only within limits that bind anything changes.
    """
    k = len(limits)
    group = level[asset]
    lowest = _by_group(level, low_mw, k) + _by_group(group, taken, k)
    highest = lowest + _by_group(group, most - taken, k)
    least, greatest = _kept(limits.minimum_mw, limits.maximum_mw, lowest, highest)
    binds = (least > lowest + _TOLERANCE_MW) | (greatest < highest - _TOLERANCE_MW)
    if not binds.any():
        return taken, most
    within = np.flatnonzero(np.append(binds, False)[group])
    within = within[np.argsort(group[within].astype(_small(k)), kind="stable")]
    held, room = group[within], (most - taken)[within]
    filled = np.cumsum(room)
    first = np.flatnonzero(np.diff(held, prepend=NONE))
    begun = (filled - room)[first]
    before = filled - room - np.repeat(begun, np.diff(np.append(first, len(held))))
    must = np.clip((least - lowest)[held] - before, 0.0, room)
    may = np.clip((greatest - lowest)[held] - before, 0.0, room)
    taken_now, most_now = taken.copy(), most.copy()
    most_now[within] = taken[within] + np.maximum(may, must)
    taken_now[within] += must
    return taken_now, most_now


def _small(k: int) -> type[np.uint16] | type[np.int64]:
    """A type for k groups; NumPy sorts the smaller one by radix."""
    return np.uint16 if k < 2**16 else np.int64


def _kept(minimum: Column, maximum: Column, lowest: Column, highest: Column) -> tuple[Column, Column]:
    """The range of each limit as far as it can be kept."""
    return np.clip(minimum, lowest, highest), np.clip(maximum, lowest, highest)


def _by_group(group: Index, value: Column, k: int) -> Column:
    """Sums (k,) of the values of each group; `NONE` is none."""
    return np.bincount(group + 1, weights=value, minlength=k + 1)[1:].astype(np.float64, copy=False)
