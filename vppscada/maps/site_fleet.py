"""The assets of a site with their maps, and what assets on one session must not share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vppscada.maps.csv_map import PointMap, read_device_map
from vppscada.maps.document import Document
from vppscada.maps.fields import Fields
from vppscada.maps.locate import find_map
from vppscada.maps.map_line import MapLine
from vppscada.maps.map_ranges import check_plausible
from vppscada.maps.names import check_reference, unique_names
from vppscada.maps.places import Place
from vppscada.maps.site_assets import read_asset
from vppscada.maps.site_points import COMM_ONLINE, DISPATCH_SETPOINT
from vppscada.maps.site_sessions import Linked
from vppscada.maps.words import quoted
from vppscada.model.assets import Asset
from vppscada.model.drivers import Driver
from vppscada.model.errors import Fault


@dataclass(frozen=True, slots=True)
class AssetTable:
    """An ``[[asset]]`` table and its map, as far as they could be read."""

    fields: Fields
    asset: Asset | None
    map: PointMap | None
    map_whole: bool  # every point of it could be read
    whole: bool  # and the asset as well, and its session

    @property
    def name(self) -> str:
        """Name of the asset."""
        return self.fields.table.name


def read_fleet(
    document: Document, sessions: list[Linked], drivers: Mapping[str, Driver], faults: list[Fault]
) -> list[AssetTable]:
    """Every ``[[asset]]`` table with its map; each map is read once for each protocol."""
    tables = document.named("asset")
    unique_names(tables, faults)
    if not tables and "asset" not in document.content:
        faults.append(Place(document.file).fault("no asset", "at least one table [[asset]]"))
    links = {linked.table.name: linked for linked in reversed(sessions)}
    maps = _Maps(document.file, faults)
    fleet: list[AssetTable] = []
    for table in tables:
        fields, asset = read_asset(table, faults)
        check_reference(fields, "session", "session", links, faults)
        link = links.get(fields.values.get("session", ""))
        found, whole = maps.read(fields, link.driver if link else None, drivers)
        if found is not None and whole:
            _check_own_names(fields, found, faults)
            _check_sizes(asset, found, faults)
        fleet.append(AssetTable(fields, asset, found, whole, whole and asset is not None and link is not None))
    of_session: dict[str, list[AssetTable]] = {}
    for one in fleet:
        of_session.setdefault(str(one.fields.values.get("session", "")), []).append(one)
    for linked in sessions:
        name = linked.table.name
        _check_session(linked, of_session.get(name, []) if name else [], faults)
    return fleet


class _Maps:
    """The maps read so far."""

    def __init__(self, site_file: Path, faults: list[Fault]) -> None:
        self._site_file = site_file
        self._faults = faults
        self._read: dict[tuple[Path, str], tuple[PointMap | None, bool]] = {}

    def read(
        self, fields: Fields, driver: Driver | None, drivers: Mapping[str, Driver]
    ) -> tuple[PointMap | None, bool]:
        """The map that an asset names, and whether it is without faults."""
        wanted = fields.values.get("map")
        if wanted is None:
            return None, False
        file = find_map(wanted, self._site_file)
        if file is None:
            expected = "a file beside the site file, or the name of a shipped map"
            self._faults.append(fields.table.fault("map", f"map {quoted(wanted)}, which does not exist", expected))
            return None, False
        # Without a session the file's name tells the protocol, so that its faults come with the others.
        driver = driver or drivers.get(file.name.partition("_")[0])
        if driver is None:
            return None, False
        key = (file.resolve(), driver.name)
        if key not in self._read:
            before = len(self._faults)
            found = read_device_map(file, driver, self._faults)
            self._read[key] = found, found is not None and len(self._faults) == before
        return self._read[key]


def _check_sizes(asset: Asset | None, found: PointMap, faults: list[Fault]) -> None:
    if asset is None:
        return
    for line in found.enabled:
        check_plausible(line, asset.name, max(asset.rating_mw, asset.charge_rating_mw), faults)


def _check_own_names(fields: Fields, found: PointMap, faults: list[Fault]) -> None:
    for line in found.lines:
        if line.point in (COMM_ONLINE, DISPATCH_SETPOINT):
            expected = "another name: the station has a point of that name for every asset"
            faults.append(line.place("point").fault(f"point {quoted(line.point)}", expected))


def _check_session(linked: Linked, mine: Sequence[AssetTable], faults: list[Fault]) -> None:
    """A session has assets, which are ``mine``, and no address of theirs twice."""
    name = linked.table.name
    if name and not mine:
        faults.append(
            linked.table.fault("name", f"session {quoted(name)} without an asset", f'an asset with session = "{name}"')
        )
    if linked.driver is None:
        return
    first: dict[object, tuple[AssetTable, MapLine]] = {}
    told: set[tuple[str, str]] = set()
    for one in mine:
        for line in one.map.enabled if one.map else ():
            if line.expression is not None:
                continue
            faults.extend(_address_faults(linked, linked.driver, line))
            other, there = first.setdefault(linked.driver.address_key(line.address, line.kind), (one, line))
            if other is not one and (other.name, one.name) not in told:
                told.add((other.name, one.name))
                found = f"{one.name}.{line.point} at the address of {other.name}.{there.point}"
                faults.append(one.fields.table.fault("session", found, f"a session of its own for {one.name}"))


def _address_faults(linked: Linked, driver: Driver, line: MapLine) -> list[Fault]:
    """What a session cannot do with an address, good as it is in itself."""
    if linked.settings is None:
        return []
    session = quoted(linked.table.name)
    return [
        line.place(fault.column).fault(f"{fault.column} {fault.found}", f"{fault.expected} (session {session})")
        for fault in driver.address_faults(linked.settings, line.address)
    ]
