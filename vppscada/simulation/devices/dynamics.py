"""Motions that several kinds share: ramps, phases, books of energy, warming. Pure; dt in plant seconds."""

import math
from collections.abc import Iterator
from dataclasses import replace

from vppscada.model.assets import Asset
from vppscada.simulation.devices.state import DeviceState, Orders, Phase

#: A tick is cut into at most this many pieces, so that accelerated time costs no more than this.
MOST_SUBSTEPS = 60
_SUBSTEP_S = 1.0


def substeps(dt_s: float) -> Iterator[float]:
    """Cut a tick into equal pieces of about a second, at most `MOST_SUBSTEPS`."""
    if dt_s <= 0.0:
        return
    count = min(max(math.ceil(dt_s / _SUBSTEP_S), 1), MOST_SUBSTEPS)
    for _ in range(count):
        yield dt_s / count


def ramped(power_mw: float, wanted_mw: float, up_mw_per_min: float, down_mw_per_min: float, dt_s: float) -> float:
    """Move towards ``wanted_mw`` no faster than the ramps allow."""
    return min(max(wanted_mw, power_mw - down_mw_per_min * dt_s / 60.0), power_mw + up_mw_per_min * dt_s / 60.0)


def lagged(value: float, wanted: float, time_constant_s: float, dt_s: float) -> float:
    """First-order approach, exact for any dt."""
    return wanted + (value - wanted) * math.exp(-dt_s / time_constant_s)


def next_phase(
    state: DeviceState, orders: Orders, start_time_s: float, dt_s: float, may_run: bool = True
) -> DeviceState:
    """The phase after ``dt_s``: a trip stays until it is reset, an opened breaker takes the unit off at once."""
    wants = orders.run and orders.closed and may_run
    phase, since = state.phase, state.phase_s + dt_s
    if state.on and not orders.closed:
        return replace(state, phase=Phase.STOPPED, phase_s=0.0, power_mw=0.0)
    if phase is Phase.STOPPED and wants:
        return _entered_start(state, start_time_s)
    if phase is Phase.STARTING and not wants:
        return replace(state, phase=Phase.STOPPED, phase_s=0.0)
    if phase is Phase.STARTING and since >= start_time_s:
        return replace(state, phase=Phase.RUNNING, phase_s=0.0)
    if phase is Phase.RUNNING and not wants:
        return replace(state, phase=Phase.STOPPING, phase_s=0.0)
    if phase is Phase.STOPPING and wants:
        return replace(state, phase=Phase.RUNNING, phase_s=0.0)
    if phase is Phase.STOPPING and abs(state.power_mw) <= 1e-9:
        return replace(state, phase=Phase.STOPPED, phase_s=0.0)
    return replace(state, phase_s=since)


def _entered_start(state: DeviceState, start_time_s: float) -> DeviceState:
    phase = Phase.STARTING if start_time_s > 0.0 else Phase.RUNNING
    return replace(state, phase=phase, phase_s=0.0, starts=state.starts + 1)


def tripped(state: DeviceState) -> DeviceState:
    """Off at once, until reset."""
    return replace(state, phase=Phase.TRIPPED, phase_s=0.0, power_mw=0.0, reactive_mvar=0.0)


def reset(state: DeviceState) -> DeviceState:
    """A tripped unit may be started again; others are as they were."""
    return replace(state, phase=Phase.STOPPED, phase_s=0.0) if state.phase is Phase.TRIPPED else state


def booked(state: DeviceState, plant_s: float, dt_s: float) -> DeviceState:
    """Run hours and energies after ``dt_s`` at the present power; the day's hours begin anew each day of plant time."""
    hours = dt_s / 3600.0
    running = hours if state.on else 0.0
    day = int(plant_s // 86_400)
    return replace(
        state,
        exported_mwh=state.exported_mwh + max(state.power_mw, 0.0) * hours,
        imported_mwh=state.imported_mwh + max(-state.power_mw, 0.0) * hours,
        run_h=state.run_h + running,
        run_h_today=(state.run_h_today if day == state.day else 0.0) + running,
        day=day,
    )


def reactive(asset: Asset, orders: Orders, power_mw: float, on: bool) -> float:
    """Reactive power in Mvar: what was asked, inside a capability circle of 1.1 times the rating."""
    if not on:
        return 0.0
    limit = math.sqrt(max((1.1 * asset.rating_mw) ** 2 - power_mw**2, 0.0))
    return min(max(orders.reactive_mvar, -limit), limit)
