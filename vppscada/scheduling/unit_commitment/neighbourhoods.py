"""Which on/off variables (G, T) a small program may change; the rest keep the values of a known schedule."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vppscada.scheduling.unit_commitment.problem import Column, Flags

_WHOLE = 1e-6
#: Steps that windows begin apart.
_STRIDE = 4
WINDOWS = (16, 20, 24, 28)
REACHES = (3, 4, 6)
GROUP_KINDS = ("groups", "groups_active")
GROUP_SIZES = (4, 8)


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What is free, by its kind.

    ``window``: all units in ``size`` steps from ``start``. ``relaxation``: what lies within ``size`` steps of where
    the schedule and the relaxation differ. ``active``: what lies within ``size`` steps of where either of them runs
    a unit. ``groups``, ``groups_active``: some groups over the whole horizon (``size`` of them, drawn by ``start``),
    and the near of the difference, or of what is active.
    """

    kind: str
    size: int
    start: int = 0

    @property
    def arm(self) -> tuple[str, int]:
        """What its gains are remembered under."""
        return self.kind, self.size


def neighbourhoods(steps: int) -> Iterator[Neighbourhood]:
    """Those of a horizon."""
    for length in sorted({min(length, steps) for length in WINDOWS}):
        for start in sorted({*range(0, steps - length + 1, _STRIDE), steps - length}):
            yield Neighbourhood("window", length, start)
    for reach in REACHES:
        yield Neighbourhood("relaxation", reach)
    yield Neighbourhood("active", 1)


def drawn(rng: np.random.Generator) -> Iterator[Neighbourhood]:
    """Neighbourhoods of groups drawn anew: the way to units that neither schedule nor relaxation thinks of."""
    for kind in GROUP_KINDS:
        for size in GROUP_SIZES:
            yield Neighbourhood(kind, size, int(rng.integers(1 << 30)))


def free_in(neighbourhood: Neighbourhood, known: Column, relaxed: Column) -> Flags:
    """What may change: ``known`` and ``relaxed`` are units on (G, T), of the schedule and of the relaxation."""
    if neighbourhood.kind == "window":
        free = np.zeros(known.shape, dtype=np.bool_)
        free[:, neighbourhood.start : neighbourhood.start + neighbourhood.size] = True
        return free
    active = (known > _WHOLE) | (relaxed > _WHOLE)
    differing = np.abs(known - relaxed) > _WHOLE
    if neighbourhood.kind in GROUP_KINDS:
        free = widened(differing, 2) if neighbourhood.kind == "groups" else widened(active, 1)
        rng = np.random.default_rng(neighbourhood.start)
        free[rng.choice(len(known), min(neighbourhood.size, len(known)), replace=False)] = True
        return free
    return widened(active if neighbourhood.kind == "active" else differing, neighbourhood.size)


def undecided(relaxed: Column) -> Flags:
    """Where the relaxation is not whole."""
    open_there: Flags = np.abs(relaxed - np.round(relaxed)) > _WHOLE
    return open_there


def widened(mask: Flags, steps: int) -> Flags:
    """The mask and so many steps on either side of it."""
    wide = mask.copy()
    for away in range(1, min(steps, mask.shape[1] - 1) + 1):
        wide[:, away:] |= mask[:, :-away]
        wide[:, :-away] |= mask[:, away:]
    return wide
