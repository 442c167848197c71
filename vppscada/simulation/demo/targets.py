"""What the EMS asks of the plant: the expected load in steps, and an operator who changes his mind. Pure."""

import math
from dataclasses import dataclass
from random import Random

import numpy as np

from vppscada.plant.series import Series

#: A target stands for at least this long, plant seconds …
STEP_S = 900
#: … and for at least this long on the wall, however fast plant time runs.
LEAST_WALL_S = 7.5
_EXTRA_MW = 1.5
#: Of the fleet's rating: what the EMS asks stays within this share.
_MOST = 0.9


def step_for(speed: float) -> int:
    """How long a target stands, plant seconds: whole quarter hours."""
    return STEP_S * max(math.ceil(LEAST_WALL_S * speed / STEP_S), 1)


@dataclass(frozen=True, slots=True, eq=False)
class TargetPlan:
    """Targets over plant time: one per step, and in its second half perhaps another."""

    load: Series
    rating_mw: float
    seed: int = 1
    step_s: int = STEP_S

    def at(self, plant_ms: int) -> float:
        """The target at a plant time, MW. Outside the load's span the span repeats."""
        half_ms = self.step_s * 500
        step, offset_ms = divmod(plant_ms, 2 * half_ms)
        base = self._load((2 * step + 1) * half_ms)
        extra = Random(f"{self.seed}:{step}").choice((-_EXTRA_MW, 0.0, _EXTRA_MW)) if offset_ms >= half_ms else 0.0
        return round(min(max(base + extra, 0.0), _MOST * self.rating_mw), 2)

    def _load(self, plant_ms: int) -> float:
        first = int(self.load.time_ms[0])
        span = int(self.load.time_ms[-1]) + self.load.step_ms - first
        return float(self.load.at(np.array([first + (plant_ms - first) % span], dtype=np.int64))[0])
