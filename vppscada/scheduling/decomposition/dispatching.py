"""Powers of units whose times are settled, step after step: exact within a step, ramps by what the step before left.

Every limit is kept by each unit for itself, whatever comes later: what a unit may do in a step leaves it a way to the
end of its run. So no step can spoil a later one, though a later one may cost more than need be where ramps bind.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling import mathopt
from vppscada.scheduling.decomposition.plant import Open
from vppscada.scheduling.decomposition.units import Units
from vppscada.scheduling.program import Index, Program
from vppscada.scheduling.thermal import ThermalData

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Power and reserve of the units (g,), what is taken of each kind of sun; what one more MWh costs, and reserve."""

    power: Column
    reserve: Column
    sun: Column  # of what is sure of it
    doubtful: Column  # of the rest
    price: float
    reserve_price: float


class Windows:
    """What each unit may do in a step, from its commitment (g, T) and what it did in the step before."""

    def __init__(self, units: Units, on: Flags, power_before: Column) -> None:
        data = units.data
        self._data, self._on = data, on
        self._was_on = np.concatenate([data.was_on[:, None], on[:, :-1]], axis=1)
        self._most, self.ceiling = limits(data, np.arange(len(data)), on)
        self.power = power_before.copy()  # NaN = not known
        self._least = np.zeros_like(self.ceiling)

    def prepare(self, wanted: Table) -> None:
        """Be in time for what is wanted (g, T) of slow units."""
        self._least = in_time(self._data, self._on, np.minimum(wanted, self.ceiling))

    def of(self, step: int) -> tuple[Column, Column, Column]:
        """Least and most power, and most of power and reserve together, MW (g,)."""
        data, on = self._data, self._on[:, step]
        goes_on = on & self._was_on[:, step] & ~np.isnan(self.power)
        above = np.where(goes_on, self.power + data.ramp_up, np.inf)
        slow = on & (data.ramp_up < data.highest[:, step] - data.minimum)
        low = np.where(on, data.minimum, 0.0)
        low = np.where(goes_on, np.maximum(low, self.power - data.ramp_down), low)
        most = np.minimum(self._most[:, step], above)
        high = np.minimum(self.ceiling[:, step], most)
        low = np.minimum(np.maximum(low, np.where(slow, self._least[:, step], 0.0)), high)
        return low, high, np.maximum(most, high)


def limits(data: ThermalData, unit: Index, on: Flags) -> tuple[Table, Table]:
    """Of patterns (k, T) of units: most of power with what is held, and most of power that leaves a way on."""
    was_on = np.concatenate([data.was_on[unit][:, None], on[:, :-1]], axis=1)
    stays = np.concatenate([on[:, 1:], np.ones((len(unit), 1), dtype=np.bool_)], axis=1)
    most = np.where(on, data.highest[unit], 0.0)
    most = np.where(on & ~was_on, np.minimum(most, data.start_limit[unit][:, None]), most)
    most = np.where(on & ~stays, np.minimum(most, data.stop_limit[unit][:, None]), most)
    ceiling = most.copy()
    rise, fall = data.ramp_up[unit], data.ramp_down[unit]
    for t in range(1, on.shape[1]):
        follows = on[:, t] & on[:, t - 1]
        ceiling[follows, t] = np.minimum(ceiling[follows, t], ceiling[follows, t - 1] + rise[follows])
    for t in range(on.shape[1] - 2, -1, -1):
        follows = on[:, t] & on[:, t + 1]
        ceiling[follows, t] = np.minimum(ceiling[follows, t], ceiling[follows, t + 1] + fall[follows])
    return most, ceiling


def in_time(data: ThermalData, on: Flags, wanted: Table) -> Table:
    """Least power (g, T) from which a ramp still leads to all that is wanted later in the run."""
    least = wanted.copy()
    for t in range(on.shape[1] - 2, -1, -1):
        follows = on[:, t] & on[:, t + 1]
        least[follows, t] = np.maximum(least[follows, t], least[follows, t + 1] - data.ramp_up[follows])
    return least


def dispatch_step(
    units: Units, plant: Open, windows: Windows, step: int, others_mw: float, others_reserve_mw: float
) -> Step | None:
    """At least cost in this step; None where the solver finds nothing."""
    low, high, most = windows.of(step)
    data = units.data
    on = np.flatnonzero(most > 0.0)
    program = Program()
    ends = np.cumsum(data.segment_width[on], axis=1)
    begins = data.minimum[on, None] + ends - data.segment_width[on]
    first = np.clip(low[on, None] - begins, 0.0, data.segment_width[on])
    last = np.clip(high[on, None] - begins, 0.0, data.segment_width[on])
    segments = program.block(first.shape, first, np.maximum(last, first))
    held = program.block((len(on),), 0.0, data.reserve_most[on])
    sun = program.block((len(plant.kinds),), 0.0, plant.sun_by_kind[:, step])
    doubtful = program.block((len(plant.kinds),), 0.0, plant.doubtful_by_kind[:, step])
    bought, sold = program.block((1,), 0.0, plant.bought[step]), program.block((1,), 0.0, plant.sold[step])
    unserved, dump, short = (program.block((1,)) for _ in range(3))
    owed = plant.owed[step] - others_mw - float(data.minimum[on].sum())
    balance = program.equal((1,), owed, (bought, 1.0), (sold, -1.0), (unserved, 1.0), (dump, -1.0))
    program.add(balance[:, None], segments.reshape(1, -1), 1.0)
    program.add(balance[:, None], np.concatenate([sun, doubtful])[None, :], 1.0)
    reserve = program.at_least((1,), plant.reserve[step] - others_reserve_mw, (short, 1.0))
    program.add(reserve[:, None], held[None, :], 1.0)
    program.add(reserve[:, None], doubtful[None, :], -1.0)
    room = program.at_most((len(on),), most[on] - data.minimum[on], (held, 1.0))
    program.add(room[:, None], segments, 1.0)
    program.price(segments, units.slope[on])
    program.price(sun, plant.kinds)
    program.price(doubtful, plant.kinds)
    program.price(bought, plant.price[step])
    program.price(sold, -plant.price[step])
    program.price(unserved, plant.unserved_price)
    program.price(dump, plant.dump_price[step])
    program.price(short, plant.short_price)
    answer = mathopt.run(mathopt.model_of(program.matrices()))
    if not answer.found:
        return None
    power, reserve_mw = np.zeros(len(data)), np.zeros(len(data))
    power[on] = data.minimum[on] + answer.values[segments].sum(axis=1)
    reserve_mw[on] = answer.values[held]
    windows.power = power
    price, held_price = (
        float(answer.duals[rows][0]) if len(answer.duals) else float("nan") for rows in (balance, reserve)
    )
    return Step(power, np.maximum(reserve_mw, 0.0), answer.values[sun], answer.values[doubtful], price, held_price)


def reachable(data: ThermalData) -> Table:
    """Most power (g, T): a unit that runs before the plan gets there no faster than its ramp, whatever it does."""
    steps = np.arange(1, data.highest.shape[1] + 1)
    before = data.minimum + data.above_before
    with np.errstate(invalid="ignore"):
        risen = np.where(np.isinf(data.ramp_up)[:, None], np.inf, before[:, None] + steps * data.ramp_up[:, None])
    known = data.was_on & ~np.isnan(before)
    return np.where(known[:, None], np.minimum(data.highest, risen), data.highest)
