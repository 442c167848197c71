"""What is asked of ``vppscada cost``: a moment, what the assets offer then, and the numbers of the answer."""

import argparse
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vppscada.admin.moment import Moment
from vppscada.model.assets import AssetFamily
from vppscada.model.offers import Offers, Units
from vppscada.plant.cost_curve import cost_curve
from vppscada.plant.offers import OfferTerms, offers
from vppscada.plant.standing import standing_at
from vppscada.scheduling.meeting import Meeting, cost_to_meet

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Split:
    """Cost per hour by what it is for."""

    spent: float  # fuel, running hours, maintenance by energy, wear
    stored: float  # worth of the energy that leaves the stores; negative: that enters them
    curtailed: float


class Question:
    """One moment, and how long a power is to be held from then on."""

    def __init__(self, moment: Moment, options: argparse.Namespace) -> None:
        self.moment = moment
        self.units = Units(options.units)
        self.worth_told = options.worth is not None
        site, fleet = moment.site, moment.site.fleet
        self.storing = np.array([asset.kind.family is AssetFamily.STORAGE for asset in fleet.assets], dtype=np.bool_)
        told = np.where(self.storing, options.worth if self.worth_told else 0.0, 0.0)
        self.worth: Column
        self.unserved_mwh: float
        self.worth, self.unserved_mwh = (told, 0.0) if self.worth_told else moment.worth()
        self.terms = OfferTerms(fleet)
        standing = standing_at(
            self.terms,
            moment.states,
            moment.history,
            moment.expectations,
            site.schedule.ambient,
            moment.plant_ms,
            options.hours,
            self.worth,
        )
        self.offers: Offers = offers(self.terms, moment.states, standing, self.units, options.hours)
        span_ms = max(round(options.hours * 3.6e6), 1)
        expected = moment.expectations.mean(site.schedule.price, moment.plant_ms, span_ms, 1, missing=math.nan)
        self.price = float(expected[0])

    def meeting(self, target_mw: float) -> Meeting:
        """How the target is met at least cost.

        Raises:
            MeetingError: the solver found nothing in its time.
        """
        return cost_to_meet(self.offers, target_mw, self.moment.site.schedule.value_of_lost_load_per_mwh)

    def marginal(self, met: Meeting) -> tuple[float, float]:
        """What one MWh less saves and one more costs, with the units that were chosen; NaN where none can be."""
        return cost_curve(self.offers.taking(met.given)).marginal_at(float(met.power_mw.sum()))

    def split(self, met: Meeting) -> Split:
        """The cost of it by what it is for."""
        spent = self.terms.costs.running_cost_per_h(met.power_mw, met.given & (self.offers.on | self.offers.optional))
        rest = met.cost_per_h - spent
        return Split(
            float(spent.sum()),
            float(rest[self.storing].sum()),
            float(rest[self.terms.columns.renewable].sum()),
        )

    def revenue_per_h(self, met: Meeting) -> float:
        """Price × what is asked, as far as it is given (surplus earns nothing); NaN where no price is known."""
        target = met.target_mw
        served = max(target - met.unserved_mw, 0.0) if target >= 0.0 else min(target + met.surplus_mw, 0.0)
        return self.price * served

    def head(self) -> dict[str, Any]:
        """The question, for JSON."""
        assets = self.moment.site.fleet.assets
        return {
            "site": self.moment.site.plant.name,
            "currency": self.moment.site.plant.currency,
            "time_ms": self.moment.plant_ms,
            "hours": self.offers.hours,
            "units": str(self.units),
            "price_per_mwh": known(self.price),
            "stored_worth_per_mwh": {assets[i].name: float(self.worth[i]) for i in np.flatnonzero(self.storing)},
        }

    def answer(self, met: Meeting) -> dict[str, Any]:
        """The answer for the plant as a whole, for JSON and tables."""
        (less, more), split = self.marginal(met), self.split(met)
        return {
            "target_mw": met.target_mw,
            "unserved_mw": met.unserved_mw,
            "surplus_mw": met.surplus_mw,
            "cost_per_h": float(met.cost_per_h.sum()),
            "spent_per_h": split.spent,
            "stored_per_h": split.stored,
            "curtailed_per_h": split.curtailed,
            "start_cost": float(met.starts.sum()),
            "cost": met.total,
            "marginal_more_per_mwh": known(more),
            "marginal_less_per_mwh": known(less),
            "revenue_per_h": known(self.revenue_per_h(met)),
        }


def known(value: float) -> float | None:
    """A number that JSON has."""
    return None if math.isnan(value) else value
