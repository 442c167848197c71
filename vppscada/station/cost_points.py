"""The plant's cost curve as points for the EMS: break points of the power, the cost per hour and the marginal cost."""

from dataclasses import replace

import numpy as np

from vppscada.model.assets import AssetStates, Fleet
from vppscada.model.offers import Units
from vppscada.model.schedule import Schedule
from vppscada.plant.cost_curve import CostCurve, cost_curve
from vppscada.plant.cycle import Decision
from vppscada.plant.expectations import Expectations
from vppscada.plant.offers import OfferTerms, offers
from vppscada.plant.standing import energy_worth, standing_at

#: Break points that the plant has; ``plant.csv`` lists them.
BREAK_POINTS = 10
#: What the points tell is to be held for so long.
_HELD_H = 1.0


class CostPoints:
    """The curve of the units that are on: what the plant could hold for an hour without a start."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._terms = OfferTerms(fleet)

    def values(
        self,
        decision: Decision,
        states: AssetStates,
        schedule: Schedule | None,
        expectations: Expectations,
        ambient: str,
        plant_ms: int,
    ) -> dict[str, float]:
        """Values of the points by name. Whoever does not follow counts as one that nobody can move."""
        worth = energy_worth(self._fleet, schedule, plant_ms)
        history = decision.memory.history(self._fleet)
        movable = replace(states, usable=states.usable & decision.following)
        standing = standing_at(self._terms, movable, history, expectations, ambient, plant_ms, _HELD_H, worth)
        return curve_values(cost_curve(offers(self._terms, movable, standing, Units.ON, _HELD_H)))


def curve_values(curve: CostCurve) -> dict[str, float]:
    """``cost_curve_power_1`` … with the greatest power last; where it has fewer break points, the last is repeated."""
    thin = curve.thinned(BREAK_POINTS)
    places = np.minimum(np.arange(BREAK_POINTS), len(thin) - 1)
    columns = {"power": thin.power_mw, "cost": thin.cost_per_h, "marginal": thin.marginal_per_mwh}
    return {
        f"cost_curve_{name}_{k + 1}": float(values[place])
        for name, values in columns.items()
        for k, place in enumerate(places)
    }
