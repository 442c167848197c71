"""What the plant must be able to measure, know and command of each kind of asset: the roles that its points fill.

Demanded is what the plant cannot do without, and nothing else: where `vppscada.plant.fleet_view` has something sound to
stand in for what is absent (the ratings for available power of a storage, the session for ``comm_online``), it may be
absent.
"""

from collections.abc import Mapping, Sequence

from vppscada.maps.csv_map import PointMap
from vppscada.maps.site_fleet import AssetTable
from vppscada.model.assets import AssetKind
from vppscada.model.errors import Fault
from vppscada.model.points import Role

#: Roles of which one is enough.
Need = tuple[Role, ...]

_POWER: Need = (Role.ACTIVE_POWER,)
_SETPOINT: Need = (Role.SETPOINT,)
_START_STOP: Need = (Role.START_STOP,)
_RUNNING: Need = (Role.RUNNING,)  # absent, it counts as off for ever and is started again and again
_FAULT: Need = (Role.FAULT,)
_REMOTE: Need = (Role.REMOTE,)
_AVAILABLE: Need = (Role.AVAILABLE_POWER,)  # absent, its rating would count as headroom in the night and in a calm
_ENERGY: Need = (Role.STATE_OF_CHARGE, Role.STORED_ENERGY)  # absent, a storage is never fit for use

#: What the points of an asset must fill, by its kind.
NEEDS: Mapping[AssetKind, tuple[Need, ...]] = {
    # It stands still until everything else has failed: that it could start is told by nothing but its fault and its
    # remote state, which every controller of a standby set has. Others are known by running.
    AssetKind.EMERGENCY_GENERATOR: (_POWER, _SETPOINT, _START_STOP, _RUNNING, _FAULT, _REMOTE),
    AssetKind.FUEL_CELL: (_POWER, _SETPOINT, _START_STOP, _RUNNING),
    AssetKind.RECIPROCATING_ENGINE: (_POWER, _SETPOINT, _START_STOP, _RUNNING),
    AssetKind.MICROTURBINE: (_POWER, _SETPOINT, _START_STOP, _RUNNING),
    # No start and stop: sun and wind are curtailed to zero, the inverter and the turbine switch themselves.
    AssetKind.PHOTOVOLTAIC: (_POWER, _SETPOINT, _AVAILABLE),
    AssetKind.WIND_TURBINE: (_POWER, _SETPOINT, _AVAILABLE),
    AssetKind.BATTERY: (_POWER, _SETPOINT, _ENERGY),
    # A quench empties the coil within seconds. Without its fault the plant would see an empty storage, and charge it.
    AssetKind.SUPERCONDUCTING_STORAGE: (_POWER, _SETPOINT, _ENERGY, _FAULT),
    AssetKind.FLYWHEEL: (_POWER, _SETPOINT, _ENERGY),
}
#: What every kind needs: all that can be said of an asset whose kind is not known.
_OF_EVERY = tuple(need for need in NEEDS[AssetKind.BATTERY] if all(need in needs for needs in NEEDS.values()))
#: Roles by which the plant commands an asset: their points must be writable.
_COMMAND_ROLES = (Role.SETPOINT, Role.START_STOP, Role.SETPOINT_ENABLE, Role.FAULT_RESET)


def check_roles(fleet: Sequence[AssetTable], calculations: PointMap | None, faults: list[Fault]) -> None:
    """Every role that an asset's kind needs is filled: by its map, or by a point calculated for the whole site."""
    for table in fleet:
        if table.map is None or not table.map_whole:
            continue
        calculated, doubtful = _calculated(table.name, calculations)
        if not doubtful:
            _check_filled(table, table.map, calculated, faults)
        _check_writable(table.map, faults)


def _check_filled(table: AssetTable, found: PointMap, calculated: set[Role | None], faults: list[Fault]) -> None:
    kind: AssetKind | None = table.fields.values.get("kind")
    filled = calculated | {line.role for line in found.enabled}
    for need in NEEDS[kind] if kind else _OF_EVERY:
        if not filled & set(need):
            words = " or ".join(need)
            expected = f"a map with a point in the role {words}, which {kind or 'every asset'} needs"
            faults.append(table.fields.table.fault("map", f"map {found.file.name} without {words}", expected))


def _check_writable(found: PointMap, faults: list[Fault]) -> None:
    faults.extend(
        line.place("writable").fault(f"{line.point} that is not writable", f"yes for the role {line.role}")
        for line in found.enabled
        if line.role in _COMMAND_ROLES and not line.writable
    )


def _calculated(asset: str, calculations: PointMap | None) -> tuple[set[Role | None], bool]:
    """Roles that points calculated for the whole site fill for an asset; and whether some of them could not be read."""
    if calculations is None:
        return set(), False
    lines = [line for line in calculations.lines if line.point.startswith(f"{asset}.")]
    named = [name for name in calculations.names if name.startswith(f"{asset}.")]
    return {line.role for line in lines if line.enabled}, len(lines) < len(named)
