"""What the EMS asks of the plant: the expected load in steps, and an operator who changes his mind. Pure."""

from dataclasses import dataclass
from random import Random

import numpy as np

from vppscada.plant.series import Series

STEP_S = 900
_EXTRA_MW = 1.5
#: Of the fleet's rating: what the EMS asks stays within this share.
_MOST = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class TargetPlan:
    """Targets over plant time: one per quarter hour, and in its second half perhaps another."""

    load: Series
    rating_mw: float
    seed: int = 1

    def at(self, plant_ms: int) -> float:
        """The target at a plant time, MW. Outside the load's span the span repeats."""
        step, offset_ms = divmod(plant_ms, STEP_S * 1000)
        base = self._load(step * STEP_S * 1000 + STEP_S * 500)
        extra = Random(f"{self.seed}:{step}").choice((-_EXTRA_MW, 0.0, _EXTRA_MW)) if offset_ms >= STEP_S * 500 else 0.0
        return round(min(max(base + extra, 0.0), _MOST * self.rating_mw), 2)

    def _load(self, plant_ms: int) -> float:
        first = int(self.load.time_ms[0])
        span = int(self.load.time_ms[-1]) + self.load.step_ms - first
        return float(self.load.at(np.array([first + (plant_ms - first) % span], dtype=np.int64))[0])
