"""From points to assets: which row of the database holds which role of which asset, and what it says now."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetFamily, AssetStates, Fleet, column
from vppscada.model.batch import Rows, Values
from vppscada.model.points import Point, Role
from vppscada.model.quality import QualityColumn, is_fit

#: Roles that the plant reads or writes, one column of rows each.
_ROLES = (
    Role.ACTIVE_POWER,
    Role.REACTIVE_POWER,
    Role.AVAILABLE_POWER,
    Role.AVAILABLE_CHARGE_POWER,
    Role.STATE_OF_CHARGE,
    Role.STORED_ENERGY,
    Role.SETPOINT,
    Role.SETPOINT_FEEDBACK,
    Role.SETPOINT_ENABLE,
    Role.START_STOP,
    Role.RUNNING,
    Role.REMOTE,
    Role.FAULT,
    Role.COMM_ONLINE,
)

ABSENT = -1


@dataclass(frozen=True, slots=True, eq=False)
class FleetRows:
    """Row of the points database for each role and asset (length n); `ABSENT` where the map has none."""

    of: dict[Role, Rows]

    def has(self, role: Role) -> NDArray[np.bool_]:
        """Which assets have a point of that role."""
        there: NDArray[np.bool_] = self.of[role] != ABSENT
        return there


@dataclass(frozen=True, slots=True, eq=False)
class FleetColumns:
    """Constants of the fleet in columns of length n."""

    rating_mw: Values
    minimum_mw: Values
    charge_rating_mw: Values
    capacity_mwh: Values
    soc_minimum: Values
    soc_maximum: Values
    charge_efficiency: Values
    discharge_efficiency: Values
    self_discharge_per_h: Values
    standby_loss_mw: Values
    ramp_up_mw_per_min: Values
    ramp_down_mw_per_min: Values
    start_time_s: Values
    minimum_up_s: Values
    minimum_down_s: Values
    thermal: NDArray[np.bool_]
    renewable: NDArray[np.bool_]
    storage: NDArray[np.bool_]
    fast: NDArray[np.bool_]


def fleet_columns(fleet: Fleet) -> FleetColumns:
    """Turn the fleet's constants into columns."""
    assets = fleet.assets
    family = [asset.kind.family for asset in assets]

    def of(field: str) -> Values:
        return column(assets, field)

    def member(wanted: AssetFamily) -> NDArray[np.bool_]:
        return np.array([one is wanted for one in family], dtype=np.bool_)

    return FleetColumns(
        rating_mw=of("rating_mw"),
        minimum_mw=of("minimum_mw"),
        charge_rating_mw=np.where(member(AssetFamily.STORAGE), of("charge_rating_mw"), 0.0),
        capacity_mwh=of("capacity_mwh"),
        soc_minimum=of("soc_minimum"),
        soc_maximum=of("soc_maximum"),
        charge_efficiency=of("charge_efficiency"),
        discharge_efficiency=of("discharge_efficiency"),
        self_discharge_per_h=of("self_discharge_per_h"),
        standby_loss_mw=of("standby_loss_mw"),
        ramp_up_mw_per_min=of("ramp_up_mw_per_min"),
        ramp_down_mw_per_min=of("ramp_down_mw_per_min"),
        start_time_s=of("start_time_s"),
        minimum_up_s=of("minimum_up_s"),
        minimum_down_s=of("minimum_down_s"),
        thermal=member(AssetFamily.THERMAL),
        renewable=member(AssetFamily.RENEWABLE),
        storage=member(AssetFamily.STORAGE),
        fast=np.array([asset.kind.is_fast_storage for asset in assets], dtype=np.bool_),
    )


def fleet_rows(fleet: Fleet, points: Sequence[Point]) -> FleetRows:
    """Find the rows. Where a map gives a role twice, its first enabled point counts."""
    position = {asset.name: i for i, asset in enumerate(fleet.assets)}
    of = {role: np.full(len(fleet), ABSENT, dtype=np.intp) for role in _ROLES}
    for row, point in enumerate(points):
        rows = of.get(point.role) if point.role is not None else None
        asset = position.get(point.asset)
        if rows is not None and asset is not None and point.enabled and rows[asset] == ABSENT:
            rows[asset] = row
    return FleetRows(of)


def _read(rows: Rows, value: Values, quality: QualityColumn) -> Values:
    """Values of a role; NaN where the asset has no such point or its reading is not fit."""
    there = rows != ABSENT
    fit = there & is_fit(quality[rows])
    return np.where(fit, value[rows], np.nan)


def asset_states(columns: FleetColumns, rows: FleetRows, value: Values, quality: QualityColumn) -> AssetStates:
    """What the database says of every asset now. What is not known is NaN (or False), never guessed."""

    def of(role: Role) -> Values:
        return _read(rows.of[role], value, quality)

    def is_one(role: Role, absent: bool) -> NDArray[np.bool_]:
        return np.where(rows.has(role), of(role) == 1.0, absent)

    power = of(Role.ACTIVE_POWER)
    available = of(Role.AVAILABLE_POWER)
    available = np.where(rows.has(Role.AVAILABLE_POWER), available, columns.rating_mw)
    charge = np.where(rows.has(Role.AVAILABLE_CHARGE_POWER), of(Role.AVAILABLE_CHARGE_POWER), columns.charge_rating_mw)
    stored = of(Role.STORED_ENERGY)
    by_soc = of(Role.STATE_OF_CHARGE) / 100.0 * columns.capacity_mwh
    stored = np.where(columns.storage, np.where(np.isnan(stored), by_soc, stored), np.nan)
    online = is_one(Role.COMM_ONLINE, absent=True) & ~np.isnan(power)
    fault_known = ~rows.has(Role.FAULT) | ~np.isnan(of(Role.FAULT))
    fault = is_one(Role.FAULT, absent=False)
    on = np.where(columns.thermal, is_one(Role.RUNNING, absent=False), online)
    usable = online & fault_known & ~fault & is_one(Role.REMOTE, absent=True)
    usable &= ~np.isnan(available) & (~columns.storage | ~np.isnan(stored))
    return AssetStates(
        power_mw=power,
        reactive_mvar=of(Role.REACTIVE_POWER),
        available_mw=np.minimum(available, columns.rating_mw),
        available_charge_mw=np.minimum(charge, columns.charge_rating_mw),
        stored_mwh=stored,
        setpoint_mw=of(Role.SETPOINT_FEEDBACK),
        on=on & online,
        online=online,
        fault=fault,
        usable=usable,
    )
