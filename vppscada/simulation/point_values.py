"""From what a device tells by role to what its points show, in device units; and from commands back to roles. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np

from vppscada.model.batch import Rows, Values
from vppscada.model.points import Point, PointKind, Role, RowPoint
from vppscada.model.scaling import ScalingColumns

#: What strings say.
NAMEPLATE = {Role.MANUFACTURER: "vppscada", Role.DEVICE_MODEL: "simulation", Role.SERIAL_NUMBER: "0"}


class PointValues:
    """The values of a served list of points (``row`` = position in it), in device units.

    A point without a role, or whose role its device does not tell, is a constant (its minimum if that is also
    its maximum, else 0) or, for an output, what it was last told; the feedback of such an output follows it.
    """

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = tuple(points)
        self.rows_of = {point.id: row for row, point in enumerate(points)}
        self._scaling = ScalingColumns.of(points)
        self._every_row: Rows = np.arange(len(points), dtype=np.intp)
        self._told_by_role = [(row, p.asset, p.role) for row, p in enumerate(points) if p.role is not None]
        self._binary = np.array([_is_binary(point) for point in points], dtype=np.bool_)
        self._counter = np.array([point.kind is PointKind.COUNTER for point in points], dtype=np.bool_)
        self._plain: Values = np.array([_constant(point) for point in points], dtype=np.float64)
        self._shown: Values = np.full(len(points), np.nan)

    def row_points(self) -> list[RowPoint]:
        """The list that an outstation is made with."""
        return [RowPoint(row, point) for row, point in enumerate(self.points)]

    def told(self, row: int, value: float) -> None:
        """An output without a role took a value (engineering units): it and its feedback show it."""
        self._plain[row] = value
        feedback = self.rows_of.get(self.points[row].feedback or "")
        if feedback is not None and self.points[feedback].role is None:
            self._plain[feedback] = value

    def has(self, asset: str, role: Role) -> bool:
        """Whether a device has a point of that role."""
        return any(point.role is role and point.asset == asset for point in self.points)

    def device_values(self, readings: Mapping[str, Mapping[Role, float]]) -> Values:
        """Every point's value in device units. ``readings`` by asset name, in the plant's units."""
        value = self._plain.copy()
        for row, asset, role in self._told_by_role:
            value[row] = readings.get(asset, {}).get(role, value[row])
        device = self._scaling.to_device(self._every_row, value)
        device[self._binary] = device[self._binary] != 0.0
        device[self._counter] = np.floor(device[self._counter] + 1e-9)
        return device

    def changed(self, device: Values) -> Rows:
        """Rows whose value is not the one that was taken as shown the last time; they are now."""
        rows = np.flatnonzero(device != self._shown)
        self._shown = device.copy()
        return rows

    def forget_shown(self) -> None:
        """A fresh outstation shows nothing yet."""
        self._shown = np.full(len(self.points), np.nan)

    def texts(self) -> dict[int, str]:
        """What the string points say."""
        strings = [(row, point) for row, point in enumerate(self.points) if point.kind is PointKind.STRING]
        return {row: NAMEPLATE.get(point.role, "") if point.role else "" for row, point in strings}


def _is_binary(point: Point) -> bool:
    return point.kind in (PointKind.BINARY_INPUT, PointKind.BINARY_OUTPUT)


def _constant(point: Point) -> float:
    if point.kind is PointKind.STRING:
        return 0.0
    if point.minimum is not None and point.minimum == point.maximum:
        return point.minimum
    return 0.0
