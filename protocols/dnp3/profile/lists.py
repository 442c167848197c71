"""The points of an outstation as CSV, for an engineer's tools."""

import csv
import io
from collections.abc import Mapping, Sequence

from protocols.dnp3.addresses import address_of, variations_of
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from vppscada.model.commands import CommandMode
from vppscada.model.points import Point, PointKind, RowPoint

#: Group of the static objects that stand for a kind in class 0.
_GROUPS = {
    PointKind.BINARY_INPUT: 1,
    PointKind.DOUBLE_BIT_INPUT: 3,
    PointKind.BINARY_OUTPUT: 10,
    PointKind.COUNTER: 20,
    PointKind.ANALOG_INPUT: 30,
    PointKind.ANALOG_OUTPUT: 40,
    PointKind.STRING: 110,
}
CSV_COLUMNS = (
    "index",
    "name",
    "description",
    "event_class",
    "static_variation",
    "event_variation",
    "in_class_0",
    "scale",
    "offset",
    "units",
    "minimum",
    "maximum",
    "deadband",
    "states",
    "commands",
)


def by_kind(points: Sequence[RowPoint]) -> dict[PointKind, list[Point]]:
    """The enabled points of each kind by rising index; kinds without points are left out."""
    found: dict[PointKind, list[Point]] = {}
    for _, point in points:
        if point.enabled:
            found.setdefault(point.kind, []).append(point)
    ordered = (kind for kind in _GROUPS if kind in found)
    return {kind: sorted(found[kind], key=lambda point: address_of(point).index) for kind in ordered}


def point_lists(settings: Dnp3OutstationSettings, points: Sequence[RowPoint]) -> Mapping[str, str]:
    """A CSV text for each kind of point that there is, by kind. Value in units = value told × scale + offset."""
    return {kind.value: _csv(settings, of) for kind, of in by_kind(points).items()}


def _csv(settings: Dnp3OutstationSettings, points: Sequence[Point]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for point in points:
        static, event = variations_of(point)
        writer.writerow(
            {
                "index": address_of(point).index,
                "name": point.id,
                "description": point.description,
                "event_class": point.event_class,
                "static_variation": static or "",
                "event_variation": event or "",
                "in_class_0": "yes" if in_class_0(settings, point.kind) else "no",
                "states": "|".join(point.state_names),
                "commands": _commands(point),
                **(_quantity(point) if point.kind.is_analog else {}),
            }
        )
    return text.getvalue()


def _quantity(point: Point) -> dict[str, str]:
    numbers = {
        "scale": point.scale,
        "offset": point.offset,
        "minimum": point.minimum,
        "maximum": point.maximum,
        "deadband": point.deadband,
    }
    return {"units": point.units} | {name: "" if number is None else repr(number) for name, number in numbers.items()}


def _commands(point: Point) -> str:
    if not point.kind.is_output:
        return ""
    return "select before operate" if point.command_mode is CommandMode.SBO else "direct or select before operate"


def in_class_0(settings: Dnp3OutstationSettings, kind: PointKind) -> bool:
    """True where a read of class 0 tells points of this kind."""
    return _GROUPS[kind] in settings.class_0
