"""Limits that reality can break: a priced slack each, and the words for it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.schedule import SlackUsed
from vppscada.scheduling.program import Index

Column = NDArray[np.float64]

#: Limits of machines and stores give only where nothing else is possible: priced at a multiple of lost load.
LAST_RESORT = 10.0
#: A slack smaller than this is rounding.
_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class LimitSlack:
    """Slack variables (k, T) of k limits; ``price`` per unit in a step broadcasts to them."""

    limits: tuple[str, ...]
    units: str
    columns: Index
    price: NDArray[np.float64]


def used(slacks: list[LimitSlack], values: Column) -> tuple[SlackUsed, ...]:
    """The slacks that a solution (values of all columns) makes use of, by step."""
    found = []
    for slack in slacks:
        amount = values[slack.columns]
        for place, step in zip(*np.nonzero(amount > _TOLERANCE), strict=True):
            found.append(SlackUsed(slack.limits[place], float(amount[place, step]), slack.units, int(step)))
    return tuple(sorted(found, key=lambda one: (one.step, one.limit)))
