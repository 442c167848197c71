"""The least cost of meeting a requirement for a while: which units, and what each gives.

One interval, no schedule: what the assets offer (`vppscada.model.offers`) already has limits, ramps, energy and the
worth of stored energy in it. What is left is to choose units and share the power, a small mixed-integer program.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.errors import VppscadaError
from vppscada.model.offers import Offers
from vppscada.scheduling import mathopt
from vppscada.scheduling.program import Program

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Power below this is a solver's rounding, MW.
_NOTHING_MW = 1e-7
_TIME_LIMIT_S = 20.0
#: Of the cost, at which the choice of units is good enough.
_GAP = 1e-7


class MeetingError(VppscadaError):
    """The solver found no answer in its time."""


@dataclass(frozen=True, slots=True, eq=False)
class Meeting:
    """How a target is met at least cost. Columns of length n; money per hour but for ``starts``."""

    target_mw: float
    hours: float
    power_mw: Column
    given: Flags  # takes part: on, or started for it
    cost_per_h: Column  # of each asset, worth of stored energy and curtailment in it, starts not
    starts: Column  # cost of the start of each that has to be started
    unserved_mw: float  # target less what can be given, ≥ 0
    surplus_mw: float  # what cannot be lowered further, less the target, ≥ 0

    @property
    def total(self) -> float:
        """Money for the whole time, starts and all."""
        return self.hours * float(self.cost_per_h.sum()) + float(self.starts.sum())


def cost_to_meet(
    offers: Offers,
    target_mw: float,
    value_of_lost_load_per_mwh: float = 10_000.0,
    dump_penalty_per_mwh: float = 500.0,
) -> Meeting:
    """The cheapest way of giving ``target_mw`` (of either sign) for the hours of the offers.

    What can be met is met. What is missing or too much is priced as in a schedule; the price is not in the cost.

    Raises:
        MeetingError: the solver found none in its time; its words.
    """
    taken = ~offers.optional
    if offers.optional.any():
        taken = _chosen(offers, target_mw, value_of_lost_load_per_mwh, dump_penalty_per_mwh)
    power = offers.taking(taken).shared(target_mw)
    return Meeting(
        target_mw=target_mw,
        hours=offers.hours,
        power_mw=power,
        given=taken,
        cost_per_h=offers.cost_at(power, taken),
        starts=np.where(taken, offers.start_cost, 0.0),
        unserved_mw=_positive(target_mw - float(power.sum())),
        surplus_mw=_positive(float(power.sum()) - target_mw),
    )


def _chosen(offers: Offers, target_mw: float, short_price: float, over_price: float) -> Flags:
    """Which assets take part. What can be met is met, though to miss it at those prices may be cheaper."""
    given, missed = _best(offers, target_mw, (short_price, over_price), np.inf)
    if missed > _NOTHING_MW:
        _, least = _best(offers, target_mw, None, np.inf)
        if least < missed - _NOTHING_MW:
            given, _ = _best(offers, target_mw, (short_price, over_price), least + _NOTHING_MW)
    return given


def _best(offers: Offers, target_mw: float, prices: tuple[float, float] | None, most_mw: float) -> tuple[Flags, float]:
    """Who takes part at least cost, of those who miss the target by no more than that; and the MW missed.

    Without ``prices`` of what is short and what is too much, money does not count: as little as possible is missed.
    """
    program = Program()
    n, segments = offers.width_mw.shape
    given = program.block((n,), np.where(offers.optional, 0.0, 1.0), 1.0, integer=True)
    used = program.block((n, segments), 0.0, offers.width_mw)
    short, over = program.block((1,), 0.0, most_mw), program.block((1,), 0.0, most_mw)
    row = program.equal((1,), target_mw, (short, 1.0), (over, -1.0))
    program.add(row, given, offers.low_mw)
    program.add(row, used.ravel(), 1.0)
    choice = offers.optional
    width = offers.width_mw[choice]
    program.at_most(width.shape, 0.0, (used[choice], 1.0), (given[choice, None], -width))
    if prices is not None:
        program.price(given, offers.cost_at_low + offers.start_cost / offers.hours)
        program.price(used, offers.slope_per_mwh)
    for columns, price in zip((short, over), prices or (1.0, 1.0), strict=True):
        program.price(columns, price)
    answer = mathopt.run(mathopt.model_of(program.matrices()), _TIME_LIMIT_S, _GAP)
    if not answer.found:
        raise MeetingError(f"no way to meet {target_mw:g} MW was found ({answer.detail})")
    return answer.values[given] > 0.5, float(answer.values[[short[0], over[0]]].sum())


def _positive(value: float) -> float:
    return value if value > _NOTHING_MW else 0.0
