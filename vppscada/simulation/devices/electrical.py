"""What instruments show beside power: voltage, frequency, current. Deterministic, with a little movement."""

import math
from collections.abc import Mapping

from vppscada.model.assets import AssetKind
from vppscada.model.points import Role
from vppscada.simulation.devices.state import DeviceState

#: Line to line, V.
NOMINAL_V: Mapping[AssetKind, float] = {
    AssetKind.RECIPROCATING_ENGINE: 11_000.0,
    AssetKind.EMERGENCY_GENERATOR: 400.0,
    AssetKind.FUEL_CELL: 480.0,
    AssetKind.MICROTURBINE: 480.0,
    AssetKind.PHOTOVOLTAIC: 690.0,
    AssetKind.WIND_TURBINE: 690.0,
    AssetKind.BATTERY: 690.0,
    AssetKind.FLYWHEEL: 480.0,
    AssetKind.SUPERCONDUCTING_STORAGE: 690.0,
}


def grid_frequency(plant_s: float) -> float:
    """Frequency of the grid in Hz, the same for every device at the same plant time."""
    return 50.0 + 0.012 * math.sin(plant_s / 97.0) + 0.008 * math.sin(plant_s / 31.7 + 1.0)


def grid_voltage(nominal_v: float, seed: int, plant_s: float) -> float:
    """Voltage at a device's terminals: within a percent, each device with phases of its own."""
    return nominal_v * (1.0 + 0.006 * math.sin(plant_s / 411.0 + seed) + 0.002 * math.sin(plant_s / 53.0 + 2.3 * seed))


def instruments(state: DeviceState, nominal_v: float, seed: int, plant_s: float) -> dict[Role, float]:
    """Readings of the terminals. ``plant_s`` is rounded by the caller to how often it wants them to move."""
    voltage = grid_voltage(nominal_v, seed, plant_s)
    apparent = math.hypot(state.power_mw, state.reactive_mvar)
    return {
        Role.VOLTAGE: voltage,
        Role.FREQUENCY: grid_frequency(plant_s),
        Role.APPARENT_POWER: apparent,
        Role.CURRENT: apparent * 1e6 / (math.sqrt(3.0) * voltage),
        Role.POWER_FACTOR: state.power_mw / apparent if apparent > 1e-6 else 1.0,
    }
