"""Forecasts against what came: one card for each forecast and lead, kept up as quarters of an hour pass. Pure.

Sums fade with an e-fold of two weeks, so that a card tells how good a forecast is, not how good it ever was.
Pinball loss: Koenker and Bassett's; skill: 1 less the ratio of its mean absolute error to that of persistence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from vppscada.plant.forecasting import BUCKET_MS, Bands, Column

#: Quarters of an hour from the moment of the forecast to what it tells of: 15 min, 1 h, 6 h, 23 h.
LEADS = (1, 4, 24, 92)
_FADING = 14 * 96  # outturns
_SHARES = (0.1, 0.5, 0.9)


class Sum(IntEnum):
    """What is added up, each with the weight that is left of it."""

    WEIGHT = 0
    ERROR = 1  # forecast less outturn
    ABSOLUTE = 2
    SQUARED = 3
    PERSISTENCE = 4  # absolute error of what was at the moment of the forecast
    BANDED = 5  # weight of those that had P10 and P90
    PINBALL_10 = 6
    PINBALL_50 = 7
    PINBALL_90 = 8
    BELOW = 9  # outturns below P10
    ABOVE = 10  # outturns above P90


@dataclass(frozen=True, slots=True)
class Card:
    """How good a forecast is at one lead; in its own units, NaN where nothing tells. Shares are 0 to 1."""

    name: str
    lead_h: float
    outturns: int
    bias: float
    mae: float
    rmse: float
    persistence_mae: float
    pinball: float  # mean of those of P10, P50 and P90
    below_p10: float
    above_p90: float

    @property
    def skill(self) -> float:
        """1 = perfect, 0 = as good as persistence."""
        return 1.0 - self.mae / self.persistence_mae if self.persistence_mae > 0.0 else float("nan")


class Scorecard:
    """Of forecasts by name, in columns of length k. Bounded: one forecast for each lead and quarter is kept."""

    def __init__(self, names: Sequence[str]) -> None:
        k = len(names)
        self.names = tuple(names)
        self.sums = np.zeros((len(Sum), len(LEADS), k))
        self.outturns = np.zeros((len(LEADS), k), dtype=np.int64)
        #: By lead: which quarter each slot tells of, and P10, P50, P90 and what was then.
        self.waiting = [np.full(lead + 1, -1, dtype=np.int64) for lead in LEADS]
        self.told = [np.full((lead + 1, 4, k), np.nan, dtype=np.float32) for lead in LEADS]

    def issued(self, plant_ms: int, bands: Bands, now: Column, start_ms: int, step_ms: int) -> None:
        """A forecast (k, T) was made for steps from ``start_ms``, while ``now`` (k,) was measured."""
        bucket = plant_ms // BUCKET_MS
        for lead, waiting, told in zip(LEADS, self.waiting, self.told, strict=True):
            about = bucket + lead
            step = int((about + 0.5) * BUCKET_MS - start_ms) // step_ms
            slot = about % len(waiting)
            if step < bands.p50.shape[1] and waiting[slot] != about:
                waiting[slot] = about
                told[slot] = (bands.p10[:, step], bands.p50[:, step], bands.p90[:, step], now)

    def came(self, bucket: int, outturn: Column) -> None:
        """What was measured (k,) in a quarter of an hour, NaN where nothing was: forecasts of it are judged."""
        for i, (waiting, told) in enumerate(zip(self.waiting, self.told, strict=True)):
            slot = bucket % len(waiting)
            if waiting[slot] == bucket:
                self._judge(i, told[slot].astype(np.float64), outturn)
                waiting[slot] = -1

    def _judge(self, lead: int, told: Column, outturn: Column) -> None:
        error = told[1] - outturn
        known = ~np.isnan(error) & ~np.isnan(told[3])
        banded = known & ~np.isnan(told[0]) & ~np.isnan(told[2])
        losses = _pinball(told[:3], outturn)
        added = np.zeros((len(Sum), len(outturn)))
        added[Sum.WEIGHT], added[Sum.BANDED] = known, banded
        for at, value, counts in (
            (Sum.ERROR, error, known),
            (Sum.ABSOLUTE, np.abs(error), known),
            (Sum.SQUARED, error**2, known),
            (Sum.PERSISTENCE, np.abs(told[3] - outturn), known),
            (Sum.PINBALL_10, losses[0], banded),
            (Sum.PINBALL_50, losses[1], known),
            (Sum.PINBALL_90, losses[2], banded),
            (Sum.BELOW, outturn < told[0], banded),
            (Sum.ABOVE, outturn > told[2], banded),
        ):
            added[at] = np.where(counts, value, 0.0)
        fading = np.where(known, np.exp(-1.0 / _FADING), 1.0)
        self.sums[:, lead] = self.sums[:, lead] * fading + added
        self.outturns[lead] += known

    def cards(self) -> list[Card]:
        """Every card that has an outturn, by name and lead."""
        columns, leads = np.nonzero(self.outturns.T)
        return [self._card(int(lead), int(i)) for i, lead in zip(columns, leads, strict=True)]

    def _card(self, lead: int, i: int) -> Card:
        sums = self.sums[:, lead, i]
        weight, banded = sums[Sum.WEIGHT], sums[Sum.BANDED] or float("nan")
        pinball = (sums[Sum.PINBALL_10] + sums[Sum.PINBALL_90]) / banded + sums[Sum.PINBALL_50] / weight
        return Card(
            name=self.names[i],
            lead_h=LEADS[lead] * BUCKET_MS / 3.6e6,
            outturns=int(self.outturns[lead, i]),
            bias=float(sums[Sum.ERROR] / weight),
            mae=float(sums[Sum.ABSOLUTE] / weight),
            rmse=float(np.sqrt(sums[Sum.SQUARED] / weight)),
            persistence_mae=float(sums[Sum.PERSISTENCE] / weight),
            pinball=float(pinball / 3.0),
            below_p10=float(sums[Sum.BELOW] / banded),
            above_p90=float(sums[Sum.ABOVE] / banded),
        )

    def renamed(self, names: Sequence[str]) -> "Scorecard":
        """The same cards of other names, empty where a name is new."""
        other = Scorecard(names)
        place = {name: i for i, name in enumerate(self.names)}
        pairs = np.array([(i, place[name]) for i, name in enumerate(names) if name in place], dtype=np.intp)
        to, source = pairs.reshape(-1, 2).T
        other.sums[..., to], other.outturns[:, to] = self.sums[..., source], self.outturns[:, source]
        for mine, theirs, waiting, before in zip(other.told, self.told, other.waiting, self.waiting, strict=True):
            mine[..., to] = theirs[..., source]
            waiting[:] = before
        return other


def _pinball(told: Column, outturn: Column) -> NDArray[np.float64]:
    """Losses (3, k) of the quantiles."""
    shares = np.array(_SHARES)[:, None]
    losses: NDArray[np.float64] = np.maximum(shares * (outturn - told), (shares - 1.0) * (outturn - told))
    return losses
