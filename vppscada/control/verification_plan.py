"""By which points the effect of each output is seen, how near is near enough, and how long it may take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.control.facts import ABSENT, RoleRows
from vppscada.model.assets import Asset, AssetFamily
from vppscada.model.batch import Rows, Values
from vppscada.model.points import Point, PointKind, Role

#: Share of rating within which a measured power has reached its setpoint.
_MEASURED_SHARE = 0.02
_HALF = 0.5  # nearer than this, a binary value is that value

#: Where a map names no feedback point, the point of the same asset that shows what it was told.
_ECHO_ROLE = {
    Role.SETPOINT: Role.SETPOINT_FEEDBACK,
    Role.REACTIVE_SETPOINT: Role.REACTIVE_SETPOINT_FEEDBACK,
    Role.MODE_COMMAND: Role.MODE,
}
#: The point that shows that the plant moved.
_MEASURED_ROLE = {
    Role.SETPOINT: Role.ACTIVE_POWER,
    Role.REACTIVE_SETPOINT: Role.REACTIVE_POWER,
    Role.START_STOP: Role.RUNNING,
    Role.BREAKER_COMMAND: Role.BREAKER,
}


@dataclass(frozen=True, slots=True)
class VerificationLimits:
    """How long an effect may take, wall-clock seconds since the command left."""

    echo_s: float = 10.0
    measured_s: float = 120.0  # beside the asset's start time, for a start


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One slot per writable output point, in columns. Rows are `ABSENT` where nothing shows the effect."""

    row: Rows
    echo_row: Rows
    echo_tolerance: Values
    echo_limit_s: Values
    measured_row: Rows
    measured_tolerance: Values
    measured_limit_s: Values
    ceiling: NDArray[np.bool_]  # the setpoint is an upper limit of the measured power
    slot_of: dict[int, int]  # row → slot
    _reading: Rows  # rows of echo and measured points, sorted
    _slot: Rows  # the slot that each tells of

    def __len__(self) -> int:
        return len(self.row)

    def slots_told_by(self, rows: Rows) -> Rows:
        """The slots whose effect is seen in any of those rows, each once."""
        first = np.searchsorted(self._reading, rows, side="left")
        count = np.searchsorted(self._reading, rows, side="right") - first
        hit = count > 0
        if not hit.any():
            return np.zeros(0, dtype=np.intp)
        first, count = first[hit], count[hit]
        within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        return np.unique(self._slot[np.repeat(first, count) + within])


def echo_tolerance(output: Point, echo: Point) -> float:
    """How far, in engineering units, an echo may be from the value that was asked.

    The echo's deadband, and the steps of whole-number registers on either side.
    """
    if PointKind.BINARY_OUTPUT is output.kind:
        return _HALF
    return max(echo.deadband, _step(output), _step(echo))


def _step(point: Point) -> float:
    """What one count of a whole-number value is worth."""
    return abs(point.scale) if "int" in point.data_type.lower() else 0.0


def measured_tolerance(output: Point, measured: Point, asset: Asset | None) -> float:
    """How far, in engineering units, a measurement may be from the value that was asked."""
    if output.kind is PointKind.BINARY_OUTPUT:
        return _HALF
    rating = asset.rating_mw if asset is not None else abs(output.maximum or 0.0)
    return max(_MEASURED_SHARE * rating, measured.deadband)


def plan_of(
    points: Sequence[Point],
    rows: RoleRows,
    assets: Mapping[str, Asset],
    limits: VerificationLimits,
) -> Plan:
    """Lay out a slot for every writable, enabled output point."""
    row_of = {point.id: row for row, point in enumerate(points)}
    outputs = [row for row, p in enumerate(points) if p.kind.is_output and p.writable and p.enabled]
    echo = [_echo_row(points[row], row_of, rows, points) for row in outputs]
    measured = [_measured_row(points[row], row_of, rows, points) for row in outputs]
    owner = [assets.get(points[row].asset) for row in outputs]
    places = range(len(outputs))
    pairs = sorted({(row, slot) for column in (echo, measured) for slot, row in enumerate(column) if row != ABSENT})
    return Plan(
        row=np.array(outputs, dtype=np.intp),
        echo_row=np.array(echo, dtype=np.intp),
        echo_tolerance=np.array(
            [0.0 if echo[i] == ABSENT else echo_tolerance(points[outputs[i]], points[echo[i]]) for i in places]
        ),
        echo_limit_s=np.full(len(outputs), limits.echo_s),
        measured_row=np.array(measured, dtype=np.intp),
        measured_tolerance=np.array(
            [
                0.0 if row == ABSENT else measured_tolerance(points[outputs[i]], points[row], owner[i])
                for i, row in enumerate(measured)
            ]
        ),
        measured_limit_s=np.array([limits.measured_s + _start_s(points[outputs[i]], owner[i]) for i in places]),
        ceiling=np.array([_is_ceiling(points[outputs[i]], owner[i]) for i in places], dtype=np.bool_),
        slot_of={row: slot for slot, row in enumerate(outputs)},
        _reading=np.array([row for row, _ in pairs], dtype=np.intp),
        _slot=np.array([slot for _, slot in pairs], dtype=np.intp),
    )


def _feedback(output: Point, row_of: Mapping[str, int]) -> int:
    return row_of.get(output.feedback, ABSENT) if output.feedback is not None else ABSENT


def _measured_row(output: Point, row_of: Mapping[str, int], rows: RoleRows, points: Sequence[Point]) -> int:
    role = _MEASURED_ROLE.get(output.role) if output.role is not None else None
    if role is None:
        return ABSENT
    named = _feedback(output, row_of)
    if named != ABSENT and points[named].role is role:
        return named
    return rows.of(output.asset, role)


def _echo_row(output: Point, row_of: Mapping[str, int], rows: RoleRows, points: Sequence[Point]) -> int:
    """The point that shows what the device was told; a measurement named as feedback is no echo."""
    named = _feedback(output, row_of)
    if named != ABSENT:
        is_measurement = output.role is not None and points[named].role is _MEASURED_ROLE.get(output.role)
        return ABSENT if is_measurement else named
    role = _ECHO_ROLE.get(output.role) if output.role is not None else None
    return rows.of(output.asset, role) if role is not None else ABSENT


def _start_s(output: Point, asset: Asset | None) -> float:
    return asset.start_time_s if asset is not None and output.role is Role.START_STOP else 0.0


def _is_ceiling(output: Point, asset: Asset | None) -> bool:
    renewable = asset is not None and asset.kind.family is AssetFamily.RENEWABLE
    return renewable and output.role is Role.SETPOINT
