"""``[plant] calculations``: points calculated from those of the whole site; and the check of all that is calculated."""

from collections.abc import Sequence
from pathlib import Path

from vppscada.maps.csv_map import PointMap, read_calculation_map
from vppscada.maps.fields import Fields
from vppscada.maps.locate import find_map
from vppscada.maps.map_calculations import check_calculations
from vppscada.maps.map_line import MapLine
from vppscada.maps.site_fleet import AssetTable
from vppscada.maps.site_points import point_of
from vppscada.maps.words import quoted
from vppscada.model.assets import Asset
from vppscada.model.errors import Fault
from vppscada.model.points import Point


def read_calculations(plant: Fields, site_file: Path, faults: list[Fault]) -> PointMap | None:
    """The map that ``[plant] calculations`` names; None without one."""
    wanted = plant.values.get("calculations")
    if not wanted:
        return None
    file = find_map(wanted, site_file)
    if file is None:
        found = f"map {quoted(wanted)}, which does not exist"
        faults.append(plant.table.fault("calculations", found, "a file beside the site file"))
        return None
    return read_calculation_map(file, faults)


def calculated_points(
    found: PointMap | None, assets: Sequence[Asset], taken: set[str], faults: list[Fault]
) -> list[Point]:
    """The points of that map; a name that the site has already is a fault."""
    ratings = {asset.name: asset.rating_mw for asset in assets}
    points = []
    for line in found.lines if found else ():
        if line.point in taken:
            faults.append(line.place("point").fault(f"{line.point}, which this site has already", "a new point"))
            continue
        points.append(point_of(line.point, line, ratings.get(line.point.partition(".")[0], sum(ratings.values()))))
    return points


def check_site_calculations(
    fleet: Sequence[AssetTable],
    found: PointMap | None,
    points: Sequence[Point],
    doubtful: frozenset[str],
    faults: list[Fault],
) -> None:
    """What every expression of the site reads."""
    lines: dict[str, MapLine] = {}
    for table in fleet:
        for line in table.map.enabled if table.asset is not None and table.map is not None else ():
            if line.expression is not None:
                lines[f"{table.name}.{line.point}"] = line
    for line in found.enabled if found else ():
        lines[line.point] = line
    if lines:
        check_calculations(lines, {point.id: point for point in points}, doubtful, faults)
