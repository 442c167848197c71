"""What a simulated device is, what it was told and what surrounds it. All immutable; powers in MW, energies in MWh."""

from dataclasses import dataclass
from enum import IntEnum


class Phase(IntEnum):
    """Where a unit stands. Storage, sun and wind go through the same phases, only faster."""

    STOPPED = 0
    STARTING = 1
    RUNNING = 2
    STOPPING = 3
    TRIPPED = 4


@dataclass(frozen=True, slots=True)
class Orders:
    """Standing orders: the last accepted command of each kind."""

    run: bool
    setpoint_mw: float
    enabled: bool = True  # the setpoint is obeyed
    reactive_mvar: float = 0.0
    closed: bool = True  # the breaker may be closed


@dataclass(frozen=True, slots=True)
class Environment:
    """What surrounds a device at a moment of plant time."""

    plant_s: float  # seconds since the epoch
    available_mw: float = 0.0  # what sun or wind would give
    ambient_degc: float = 15.0


@dataclass(frozen=True, slots=True)
class DeviceState:
    """State of one unit. ``stored_mwh`` and ``available_*`` only mean something where the kind has them."""

    phase: Phase = Phase.STOPPED
    phase_s: float = 0.0  # plant seconds in the phase
    power_mw: float = 0.0  # positive into the grid
    reactive_mvar: float = 0.0
    available_mw: float = 0.0
    available_charge_mw: float = 0.0
    stored_mwh: float = 0.0
    temperature_degc: float = 20.0
    fuel_mwh: float = 0.0  # burned so far
    exported_mwh: float = 0.0
    imported_mwh: float = 0.0
    run_h: float = 0.0
    run_h_today: float = 0.0
    day: int = 0  # of plant time, days since the epoch
    starts: int = 0

    @property
    def on(self) -> bool:
        """Synchronised or converting."""
        return self.phase in (Phase.RUNNING, Phase.STOPPING)
