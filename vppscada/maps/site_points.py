"""From lines of maps to the points of a site: full ids, plant units, one row each."""

from collections.abc import Iterable, Sequence

from vppscada.maps.csv_map import PointMap
from vppscada.maps.map_calculations import calculation
from vppscada.maps.map_conditioning import normalised
from vppscada.maps.map_line import MapLine
from vppscada.maps.units import fixed_units, linear, normalising
from vppscada.model.assets import Asset
from vppscada.model.commands import CommandMode, Pulse
from vppscada.model.points import Point, PointKind, Role
from vppscada.model.sessions import SESSION_FIGURES
from vppscada.model.site import SERIES_FIGURES

#: Points that every asset has beside those of its map: fed by the station, without an address.
COMM_ONLINE = "comm_online"
DISPATCH_SETPOINT = "dispatch_setpoint"


def asset_points(asset: str, found: PointMap, rating_mw: float) -> list[Point]:
    """The points of one asset by its map, normalised to the plant's units."""
    return [point_of(f"{asset}.{line.point}", line, rating_mw) for line in found.lines]


def own_points(assets: Sequence[Asset]) -> list[Point]:
    """What the station itself tells of each asset."""
    points = []
    for asset in assets:
        points.append(
            Point(
                f"{asset.name}.{COMM_ONLINE}",
                PointKind.BINARY_INPUT,
                Role.COMM_ONLINE,
                "The asset's session is up",
                event_class=1,
                state_names=("lost", "online"),
            )
        )
        points.append(
            Point(
                f"{asset.name}.{DISPATCH_SETPOINT}",
                PointKind.ANALOG_INPUT,
                description="What the dispatch wants of the asset",
                units="MW",
                deadband=0.001,
                event_class=3,
            )
        )
    return points


def session_points(session: str, figures: Iterable[str]) -> list[Point]:
    """What the station tells of a session: its figures of `SESSION_FIGURES`, without events."""
    points = []
    for name in figures:
        kind, units, description = SESSION_FIGURES[name]
        points.append(Point(f"{session}.{name}", kind, description=description, units=units))
    return points


def series_points(series: str, units: str) -> list[Point]:
    """What the station tells of a series, without events."""
    return [
        Point(f"{series}.{name}", PointKind.ANALOG_INPUT, description=words, units=units if own is None else own)
        for name, (own, words) in SERIES_FIGURES.items()
    ]


def point_of(name: str, line: MapLine, rating_mw: float) -> Point:
    """The point of id ``name`` that a line describes, normalised; ``rating_mw`` is of its asset."""
    asset = name.partition(".")[0]
    analog = line.kind.is_analog and line.expression is None
    fixed = fixed_units(line.role) or line.convert_to
    if analog and line.convert_to:
        factor, shift = linear(line.units, line.convert_to) or (1.0, 0.0)
    else:
        factor, shift = (normalising(line.role, line.units, rating_mw) if analog else None) or (1.0, 0.0)
    scale, offset = (-1.0, 1.0) if line.inverted else (1.0 if line.scale is None else line.scale, line.offset or 0.0)

    def ours(value: float | None) -> float | None:
        return None if value is None else factor * value + shift

    return Point(
        id=name,
        kind=line.kind,
        role=line.role,
        description=line.description,
        data_type=line.data_type,
        scale=factor * scale,
        offset=factor * offset + shift,
        units=fixed if fixed and (line.units or line.expression is not None) else line.units,
        wire_units=line.units if analog and (scale, offset) == (1.0, 0.0) else "",
        minimum=ours(line.minimum),
        maximum=ours(line.maximum),
        deadband=abs(factor) * (line.deadband or 0.0),
        event_class=line.event_class or 0,
        writable=bool(line.writable),
        command_mode=line.command_mode or CommandMode.DIRECT,
        pulse=line.pulse or Pulse(),
        feedback=f"{asset}.{line.feedback}" if line.feedback else None,
        state_names=line.state_names or (),
        stale_after_s=line.stale_after_s,
        enabled=line.enabled,
        address=line.address,
        calculation=calculation(line, name),
        conditioning=normalised(line.conditioning, scale, factor, shift),
    )
