"""Models of the nine kinds, told and read by role."""

from collections.abc import Callable, Mapping

from vppscada.model.assets import Asset, AssetKind
from vppscada.simulation.devices.device import Device
from vppscada.simulation.devices.kind import DeviceModel
from vppscada.simulation.devices.renewable import PhotovoltaicDevice, WindDevice
from vppscada.simulation.devices.state import DeviceState, Environment, Orders, Phase
from vppscada.simulation.devices.storage import BatteryDevice, FlywheelDevice, SuperconductingDevice
from vppscada.simulation.devices.thermal import ThermalDevice

MODELS: Mapping[AssetKind, Callable[[Asset], DeviceModel]] = {
    AssetKind.RECIPROCATING_ENGINE: ThermalDevice,
    AssetKind.EMERGENCY_GENERATOR: ThermalDevice,
    AssetKind.FUEL_CELL: ThermalDevice,
    AssetKind.MICROTURBINE: ThermalDevice,
    AssetKind.PHOTOVOLTAIC: PhotovoltaicDevice,
    AssetKind.WIND_TURBINE: WindDevice,
    AssetKind.BATTERY: BatteryDevice,
    AssetKind.FLYWHEEL: FlywheelDevice,
    AssetKind.SUPERCONDUCTING_STORAGE: SuperconductingDevice,
}


def make_device(asset: Asset, environment: Environment, seed: int = 0) -> Device:
    """A device of the asset's kind, as it is found in the morning."""
    return Device(MODELS[asset.kind](asset), environment, seed)


__all__ = ["MODELS", "Device", "DeviceModel", "DeviceState", "Environment", "Orders", "Phase", "make_device"]
