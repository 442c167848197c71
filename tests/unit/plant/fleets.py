"""Small fleets and states to test with."""

from dataclasses import replace
from typing import Any

import numpy as np

from vppscada.model.assets import Asset, AssetKind, AssetStates, Fleet

ENGINE = Asset(
    name="engine1",
    kind=AssetKind.RECIPROCATING_ENGINE,
    session="engine1",
    rating_mw=10.0,
    minimum_mw=3.0,
    ramp_up_mw_per_min=4.0,
    ramp_down_mw_per_min=4.0,
    start_time_s=120.0,
    minimum_up_s=3600.0,
    minimum_down_s=1800.0,
    fuel_price_per_mwh=35.0,
    heat_rate=((3.0, 8.5), (10.0, 24.0)),
)
EMERGENCY = replace(
    ENGINE,
    name="emergency1",
    kind=AssetKind.EMERGENCY_GENERATOR,
    rating_mw=2.0,
    minimum_mw=0.5,
    heat_rate=((0.5, 1.6), (2.0, 5.6)),
    fuel_price_per_mwh=110.0,
    minimum_up_s=0.0,
    minimum_down_s=0.0,
)
PV = Asset(name="pv1", kind=AssetKind.PHOTOVOLTAIC, session="pv1", rating_mw=8.0)
BATTERY = Asset(
    name="battery1",
    kind=AssetKind.BATTERY,
    session="battery1",
    rating_mw=5.0,
    charge_rating_mw=5.0,
    capacity_mwh=10.0,
    charge_efficiency=0.95,
    discharge_efficiency=0.95,
    soc_minimum=0.1,
    soc_maximum=0.9,
    variable_cost_per_mwh=8.0,
)
FLYWHEEL = Asset(
    name="flywheel1",
    kind=AssetKind.FLYWHEEL,
    session="flywheel1",
    rating_mw=2.0,
    charge_rating_mw=2.0,
    capacity_mwh=0.5,
    soc_minimum=0.1,
    soc_maximum=0.9,
)
FLEET = Fleet((ENGINE, PV, BATTERY, FLYWHEEL))


def states(fleet: Fleet = FLEET, **columns: Any) -> AssetStates:
    """Healthy, on, at zero, half full; ``columns`` override."""
    n = len(fleet)
    capacity = np.array([asset.capacity_mwh for asset in fleet.assets])
    made: dict[str, Any] = {
        "power_mw": np.zeros(n),
        "reactive_mvar": np.zeros(n),
        "available_mw": np.array([asset.rating_mw for asset in fleet.assets]),
        "available_charge_mw": np.array([asset.charge_rating_mw for asset in fleet.assets]),
        "stored_mwh": np.where(capacity > 0, capacity / 2, np.nan),
        "setpoint_mw": np.full(n, np.nan),
        "on": np.ones(n, dtype=np.bool_),
        "online": np.ones(n, dtype=np.bool_),
        "fault": np.zeros(n, dtype=np.bool_),
        "usable": np.ones(n, dtype=np.bool_),
    }
    made |= {name: np.array(value, dtype=made[name].dtype) for name, value in columns.items()}
    return AssetStates(**made)
