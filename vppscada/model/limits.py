"""Limits on groups of assets: inverters, feeders, the point of connection. They form a tree over the fleet."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Index = NDArray[np.intp]

#: No limit, as an index.
NONE = -1


@dataclass(frozen=True, slots=True)
class Limit:
    """A ``[[limit]]`` table of a site file. Keys have the names of the fields.

    It holds for the sum of its assets and of those of every limit that names it as its parent.
    """

    name: str
    parent: str = ""
    assets: tuple[str, ...] = ()
    maximum_mw: float = float("inf")
    minimum_mw: float = float("-inf")  # −2 = it absorbs at most 2
    point: str = ""  # id of a point that tells a lower maximum now, MW


@dataclass(frozen=True, slots=True, eq=False)
class LimitTree:
    """Limits in columns of length k, each before those inside it; ``node`` has the fleet's length n, or 0 if k is 0."""

    names: tuple[str, ...]
    parent: Index  # position of the limit around it; `NONE` for one around everything that it holds
    minimum_mw: Column
    maximum_mw: Column
    node: Index  # of each asset: the limit next to it, or `NONE`

    @classmethod
    def empty(cls) -> "LimitTree":
        """No limits."""
        return cls((), np.zeros(0, np.intp), np.zeros(0), np.zeros(0), np.zeros(0, np.intp))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def depth(self) -> Index:
        """How many limits are around each (k,)."""
        depth = np.zeros(len(self), dtype=np.intp)
        for position, parent in enumerate(self.parent):
            depth[position] = 0 if parent == NONE else depth[parent] + 1
        return depth

    def levels(self) -> Index:
        """Which limit holds each asset at each depth (depth, n), outermost first; `NONE` where none does."""
        depth = self.depth
        table = np.full((int(depth.max(initial=-1)) + 1, len(self.node)), NONE, dtype=np.intp)
        held = self.node
        for _ in range(len(table)):
            inside = np.flatnonzero(held != NONE)
            table[depth[held[inside]], inside] = held[inside]
            held = np.where(held == NONE, NONE, self.parent[held])
        return table


def limit_tree(limits: Sequence[Limit], assets: Sequence[str]) -> LimitTree:
    """The limits in columns, for assets in the order of the fleet.

    Raises:
        ValueError: a parent or asset is unknown, limits hold each other, or an asset has two.
    """
    ordered = _parents_first(limits)
    position = {limit.name: i for i, limit in enumerate(ordered)}
    place = {name: i for i, name in enumerate(assets)}
    node = np.full(len(assets) if ordered else 0, NONE, dtype=np.intp)
    for i, limit in enumerate(ordered):
        for name in limit.assets:
            if name not in place or node[place[name]] != NONE:
                raise ValueError(f"limit {limit.name}: asset {name} is unknown or has a limit already")
            node[place[name]] = i
    return LimitTree(
        names=tuple(limit.name for limit in ordered),
        parent=np.array([position.get(limit.parent, NONE) for limit in ordered], dtype=np.intp),
        minimum_mw=np.array([limit.minimum_mw for limit in ordered]),
        maximum_mw=np.array([limit.maximum_mw for limit in ordered]),
        node=node,
    )


def _parents_first(limits: Sequence[Limit]) -> list[Limit]:
    held: dict[str, list[Limit]] = {}
    for limit in limits:
        held.setdefault(limit.parent, []).append(limit)
    ordered = list(held.get("", []))
    for limit in ordered:  # grows while it is walked through
        ordered.extend(held.get(limit.name, []))
    if len(ordered) != len(limits):
        raise ValueError("limits that hold each other, or that name an unknown parent")
    return ordered
