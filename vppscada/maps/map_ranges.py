"""Whether a range of values can travel: limits in device units against the type on the wire, powers against the rating.

The words of types are those that protocols share: what is called int16 has 16 bits and a sign everywhere.
"""

from collections.abc import Mapping

from vppscada.maps.map_line import REFERENCE_COLUMNS, MapLine
from vppscada.model.errors import Fault
from vppscada.model.points import POWER_ROLES
from vppscada.model.scaling import normalising_factor

_ROUNDING = 1e-6
#: A limit so many times beyond the rating, or below it, is one in other units than its column says.
_IMPLAUSIBLE = 100.0


def _integers() -> Mapping[str, tuple[float, float]]:
    ranges: dict[str, tuple[float, float]] = {"sbyte": (-128.0, 127.0), "byte": (0.0, 255.0)}
    for bits in (16, 32, 64):
        ranges[f"int{bits}"] = -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1.0
        for word in ("uint", "acc", "bitfield", "enum"):
            ranges[f"{word}{bits}"] = 0.0, 2.0**bits - 1.0
        ranges[f"bcd{bits}"] = 0.0, 10.0 ** (bits // 4) - 1.0
    return ranges


WIRE_RANGES = _integers()


def check_wire_range(
    line: MapLine, minimum: float | None, maximum: float | None, scale: float, offset: float, faults: list[Fault]
) -> None:
    """The limits of an analog point, brought to device units, are numbers that its type has.

    A point whose scale is told by another point is let through: what it can say, only the device knows.
    """
    span = WIRE_RANGES.get(line.data_type)
    if span is None or not line.kind.is_analog or any(line.reader.text(column) for column in REFERENCE_COLUMNS):
        return
    lowest, highest = sorted(wire * scale + offset for wire in span)
    slack = _ROUNDING * max(abs(lowest), abs(highest))
    for column, limit in (("minimum", minimum), ("maximum", maximum)):
        if limit is not None and not lowest - slack <= limit <= highest + slack:
            place = line.place(column if line.reader.text(column) else "data_type")
            expected = f"from {lowest:g} to {highest:g}, which is what {line.data_type} can say, or another type"
            faults.append(place.fault(f"{column} {limit:g} of a {line.data_type}", expected))


def check_plausible(line: MapLine, asset: str, rating_mw: float, faults: list[Fault]) -> None:
    """The range of a power is of the size of the asset: kW in a column of MW do not pass."""
    if line.role not in POWER_ROLES or line.units == "%" or line.expression is not None:
        return
    factor = normalising_factor(line.role, line.units, rating_mw)
    for column, limit in (("minimum", line.minimum), ("maximum", line.maximum)):
        if factor is None or not limit:
            continue
        power_mw = abs(limit * factor)
        if not rating_mw / _IMPLAUSIBLE <= power_mw <= rating_mw * _IMPLAUSIBLE:
            found = f"{column} {limit:g} {line.units} for {asset}, which is rated {rating_mw:g} MW"
            faults.append(line.place(column).fault(found, "limits and units of the size of the asset"))
