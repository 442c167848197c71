"""What the plant is to deliver now: the order, approached no faster than its ramp, and regulation on top. Pure."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.schedule import Schedule
from vppscada.plant.memory import Memory, Orders, PlantMode

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of the plant, MW."""

    target_mw: float  # what it follows now
    ordered_mw: float  # where its ramp takes it
    regulation_mw: float | None  # on top, by the regulation signal; None = there is none

    @property
    def total_mw(self) -> float:
        """With regulation."""
        return self.target_mw + (self.regulation_mw or 0.0)


def plant_target(orders: Orders, schedule: Schedule | None, step: int | None, power_mw: Column) -> float:
    """The target in MW: the EMS's, or the schedule's own; at rest 0.

    In schedule mode without a schedule the plant holds what it does.
    """
    if not orders.running:
        return 0.0
    if orders.mode is PlantMode.FOLLOW:
        return orders.target_mw
    if schedule is None or step is None:
        return float(np.nansum(power_mw))
    return float(schedule.power_mw[:, step].sum())


def ramped(memory: Memory, ordered_mw: float, power_mw: Column, ramp_mw_per_min: float, plant_ms: int) -> float:
    """The target that is followed now: from the last one towards the order, by the plant's ramp since then.

    A plant that has told nobody anything yet begins at what it does.
    """
    if np.isinf(ramp_mw_per_min):
        return ordered_mw
    began = np.isnan(memory.setpoint_mw[0]).all()
    start = float(np.nansum(power_mw)) if began else memory.target_mw
    most = ramp_mw_per_min * max(plant_ms - memory.plant_ms, 0) / 60_000.0
    return float(np.clip(ordered_mw, start - most, start + most))


def regulation(orders: Orders, capacity_mw: float) -> float | None:
    """MW on top of the target by the signal (−1 to 1); None without a signal, or while the plant rests."""
    if orders.regulation is None or capacity_mw <= 0.0 or not orders.running:
        return None
    return orders.regulation * capacity_mw


def noted(memory: Memory, target_mw: float, plant_ms: int) -> Memory:
    """The memory of a target; a new one begins to settle, and what was trimmed for the last is forgotten."""
    if target_mw == memory.target_mw:
        return memory
    return replace(memory, target_mw=target_mw, target_since_ms=plant_ms, trim_mw=0.0)
