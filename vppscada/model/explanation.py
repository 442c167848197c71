"""Why a schedule is as it is: for each asset and step the limit that decides, and what it is worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Table = NDArray[np.float64]


class Reason(IntEnum):
    """What decides the power of an asset in a step."""

    NOT_USABLE = 0
    NOT_PERMITTED = 1
    PERMIT_HOURS = 2
    START_TIME = 3
    DOWN_TIME = 4
    UP_TIME = 5
    NOT_WORTH_RUNNING = 6
    MINIMUM = 7
    RATING = 8
    DERATING = 9
    FORECAST = 10
    CURTAILED = 11
    RAMP_UP = 12
    AHEAD_OF_RAMP_UP = 13
    RAMP_DOWN = 14
    AHEAD_OF_RAMP_DOWN = 15
    START_RAMP = 16
    STOP_RAMP = 17
    RESERVE = 18
    COVER = 19
    BEND = 20
    SOC_FLOOR = 21
    SOC_CEILING = 22
    FINAL_ENERGY = 23
    RESERVE_ENERGY = 24
    CYCLES = 25
    IDLE = 26
    RESTS = 27
    LEADING = 28
    OTHER = 29
    MARGINAL = 30
    GROUP = 31
    DOUBT = 32


WORDS: Mapping[Reason, str] = {
    Reason.NOT_USABLE: "not usable",
    Reason.NOT_PERMITTED: "no permission to run",
    Reason.PERMIT_HOURS: "its permitted run hours are used up",
    Reason.START_TIME: "its start takes longer",
    Reason.DOWN_TIME: "minimum down time",
    Reason.UP_TIME: "minimum up time",
    Reason.NOT_WORTH_RUNNING: "off: to run does not pay",
    Reason.MINIMUM: "minimum load",
    Reason.RATING: "rating",
    Reason.DERATING: "rating, less for the heat",
    Reason.FORECAST: "forecast: there is no more",
    Reason.CURTAILED: "curtailed: the price is below its cost",
    Reason.RAMP_UP: "ramp up: it cannot rise faster",
    Reason.AHEAD_OF_RAMP_UP: "raised ahead: later it could not rise fast enough",
    Reason.RAMP_DOWN: "ramp down: it cannot fall faster",
    Reason.AHEAD_OF_RAMP_DOWN: "lowered ahead: later it could not fall fast enough",
    Reason.START_RAMP: "ramp after its start",
    Reason.STOP_RAMP: "ramp before its stop",
    Reason.RESERVE: "reserve that it holds",
    Reason.COVER: "reserve against its loss",
    Reason.BEND: "bend of its fuel curve: the next MWh costs more",
    Reason.SOC_FLOOR: "state of charge: no less",
    Reason.SOC_CEILING: "state of charge: no more",
    Reason.FINAL_ENERGY: "energy to be left at the end",
    Reason.RESERVE_ENERGY: "energy for the reserve that it holds",
    Reason.CYCLES: "cycles of the day",
    Reason.IDLE: "idle: losses and wear cost more than it could earn",
    Reason.RESTS: "keeps its energy for real time",
    Reason.LEADING: "what leads in the objective",
    Reason.OTHER: "another limit",
    Reason.MARGINAL: "marginal: it follows the price",
    Reason.GROUP: "limit of the feeder, inverter or connection it is behind",
    Reason.DOUBT: "what is sure of its forecast: more of it would need reserve",
}


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Beside a schedule of n assets and T steps. From the duals of its last linear program, commitment fixed.

    ``value_per_mwh`` is what one MW more of the limit would save in that step, per MWh (for limits of energy, one
    MWh more); of a unit that is off, how much dearer than the price it is; NaN where there is no such value.
    """

    reason: NDArray[np.uint8]  # (n, T) of `Reason`
    value_per_mwh: Table  # (n, T), ≥ 0 but for units that are off
    stored_value_per_mwh: Table  # (n, T) what a further MWh in a store is worth at the end of a step; 0 elsewhere
    one_more_per_mwh: Column  # (T,) what one MW more of the requirement costs, per MWh
    reserve_value_per_mwh: Column  # (T,) what one MW less of the required reserve saves, per MWh
    limits: tuple[str, ...]  # on groups of assets (k,)
    limit_value_per_mwh: Table  # (k, T) ≥ 0, what one MW more of each, at the side that binds, saves, per MWh

    def words(self, asset: int, step: int) -> str:
        """The reason, for people."""
        return WORDS[Reason(int(self.reason[asset, step]))]
