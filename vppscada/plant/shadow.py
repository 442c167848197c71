"""The fleet as it would be, had it been told what a plant in shadow decides. Pure.

A plant in shadow commands nobody. What it decides goes to this imagined fleet, which obeys within its ramps, its start
times and its stores; weather, faults and who can be seen are those of the real one. So the next decision and the next
schedule begin where the last ones would have led, and their effect can be told.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetStates
from vppscada.model.dispatch import Dispatch
from vppscada.plant.fleet_view import FleetColumns
from vppscada.plant.memory import Memory

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LEAST_H = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Imagined:
    """The imagined fleet, in columns of length n, and what the plant would remember of it. NaN = not known yet."""

    memory: Memory
    power_mw: Column
    on: Flags
    stored_mwh: Column
    starting_s: Column  # since the start command; NaN = it is not starting
    setpoint_mw: Column  # told last


def imagined(live: AssetStates, memory: Memory) -> Imagined:
    """It begins as the real one is."""
    nothing = np.full(len(live), np.nan)
    return Imagined(memory, live.power_mw, live.on, live.stored_mwh, nothing, nothing)


def as_seen(fleet: Imagined, live: AssetStates, columns: FleetColumns) -> AssetStates:
    """The states of the imagined fleet, for the dispatch and the optimiser."""
    storage = columns.storage
    return replace(
        live,
        power_mw=np.where(live.online, fleet.power_mw, np.nan),
        # What a real store can give depends on what is really in it; the imagined one's limits are in `dispatch`.
        available_mw=np.where(storage, columns.rating_mw, live.available_mw),
        available_charge_mw=np.where(storage, columns.charge_rating_mw, live.available_charge_mw),
        stored_mwh=np.where(live.online, fleet.stored_mwh, np.nan),
        setpoint_mw=fleet.setpoint_mw,
        on=fleet.on & live.online,
    )


def obeyed(fleet: Imagined, told: Dispatch, live: AssetStates, columns: FleetColumns, hours: float) -> Imagined:
    """The imagined fleet after ``hours`` (plant time) in which it was told that.

    What cannot be used in reality (out of sight, in fault, in local) is in the imagined fleet what it really is.
    """
    if hours < _LEAST_H:
        return fleet
    real = ~live.usable | np.isnan(fleet.power_mw)
    on, starting_s = _switched(fleet, told, columns, hours * 3600.0)
    power = _moved(fleet, told, live, columns, on, hours)
    stored = _stored(fleet.stored_mwh, power, columns, hours)
    return Imagined(
        memory=fleet.memory,
        power_mw=np.where(real, live.power_mw, power),
        on=np.where(real, live.on, on),
        stored_mwh=np.where(real, live.stored_mwh, stored),
        starting_s=np.where(real, np.nan, starting_s),
        setpoint_mw=np.where(real, np.nan, told.setpoint_mw),
    )


def _switched(fleet: Imagined, told: Dispatch, columns: FleetColumns, seconds: float) -> tuple[Flags, Column]:
    """Which are on, and for how long the others have been starting."""
    begun = np.where(told.start & ~fleet.on & np.isnan(fleet.starting_s), 0.0, fleet.starting_s) + seconds
    there = begun >= columns.start_time_s  # False where it is NaN
    on: Flags = np.where(columns.thermal, (fleet.on | there) & ~told.stop, True)
    return on, np.where(there | told.stop | on, np.nan, begun)


def _moved(
    fleet: Imagined, told: Dispatch, live: AssetStates, columns: FleetColumns, on: Flags, hours: float
) -> Column:
    """Towards the setpoint as far as ramps allow, within what there is; what is told nothing goes on."""
    given = np.where(np.isnan(live.available_mw), columns.rating_mw, live.available_mw)
    most = np.where(columns.storage, columns.rating_mw, given)
    power = np.nan_to_num(fleet.power_mw)
    wanted = np.where(np.isnan(told.setpoint_mw), power, told.setpoint_mw)
    wanted = np.clip(wanted, np.where(columns.storage, -columns.charge_rating_mw, 0.0), most)
    minutes = hours * 60.0
    reached = np.clip(
        wanted, power - columns.ramp_down_mw_per_min * minutes, power + columns.ramp_up_mw_per_min * minutes
    )
    reached = np.where(columns.thermal & ~on, 0.0, np.where(columns.renewable, np.minimum(reached, most), reached))
    stored = np.nan_to_num(fleet.stored_mwh)
    out = np.maximum(stored - columns.soc_minimum * columns.capacity_mwh, 0.0) * columns.discharge_efficiency / hours
    into = np.maximum(columns.soc_maximum * columns.capacity_mwh - stored, 0.0) / columns.charge_efficiency / hours
    return np.where(columns.storage, np.clip(reached, -into, out), reached)


def _stored(stored_mwh: Column, power_mw: Column, columns: FleetColumns, hours: float) -> Column:
    """What is left in the stores; NaN stays NaN."""
    into = columns.charge_efficiency * np.maximum(-power_mw, 0.0) * hours
    out = np.maximum(power_mw, 0.0) * hours / columns.discharge_efficiency
    kept = np.maximum(1.0 - columns.self_discharge_per_h * hours, 0.0) * stored_mwh
    return np.clip(kept + into - out - columns.standby_loss_mw * hours, 0.0, columns.capacity_mwh)
