"""From rows to what the gate must know: which points tell of an asset, and what they say now."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from vppscada.control.gate import Facts, Limits
from vppscada.model.assets import Asset
from vppscada.model.batch import TimesMs, Values
from vppscada.model.points import Point, Role
from vppscada.model.quality import QualityColumn, is_fit

ABSENT = -1


class Readings(Protocol):
    """The columns of the points database that control reads."""

    @property
    def value(self) -> Values:
        """Engineering units, by row."""

    @property
    def quality(self) -> QualityColumn:
        """By row."""

    @property
    def received_time_ms(self) -> TimesMs:
        """UTC, by row; renewed also by an unchanged report."""


class RoleRows:
    """The row of each role of each asset: its first enabled point of that role."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._row: dict[tuple[str, Role], int] = {}
        for row, point in enumerate(points):
            if point.role is not None and point.enabled:
                self._row.setdefault((point.asset, point.role), row)

    def of(self, asset: str, role: Role) -> int:
        """The row, or `ABSENT`."""
        return self._row.get((asset, role), ABSENT)


def _is_known(readings: Readings, row: int) -> bool:
    return bool(is_fit(readings.quality[row : row + 1])[0]) and not np.isnan(readings.value[row])


def _says_one(readings: Readings, row: int) -> bool:
    return _is_known(readings, row) and readings.value[row] == 1.0


def facts_of(asset: str, rows: RoleRows, readings: Readings, has_session: bool, last_command_at: float | None) -> Facts:
    """What the database says of an asset. A point that is there but cannot be read counts against the asset."""
    online, remote = rows.of(asset, Role.COMM_ONLINE), rows.of(asset, Role.REMOTE)
    power, fault = rows.of(asset, Role.ACTIVE_POWER), rows.of(asset, Role.FAULT)
    return Facts(
        has_session=has_session,
        online=online == ABSENT or _says_one(readings, online),
        telemetry_fit=power != ABSENT and _is_known(readings, power),
        remote=remote == ABSENT or _says_one(readings, remote),
        fault=fault != ABSENT and not (_is_known(readings, fault) and readings.value[fault] == 0.0),
        last_command_at=last_command_at,
    )


def limits_of(asset: Asset | None, minimum_interval_s: float) -> Limits:
    """Limits of an asset; none of power for what is no asset of the fleet."""
    if asset is None:
        return Limits(minimum_interval_s=minimum_interval_s)
    return Limits(asset.lowest_mw, asset.rating_mw, minimum_interval_s)


def assets_by_name(assets: Sequence[Asset]) -> Mapping[str, Asset]:
    """Look an asset up by its name."""
    return {asset.name: asset for asset in assets}
