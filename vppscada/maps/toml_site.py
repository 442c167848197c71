"""The whole site from its file: tables, maps, references and points; whole, or every fault at once."""

import contextlib
import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from vppscada.maps.csv_map import PointMap, read_device_map
from vppscada.maps.document import Document, Table, read_document
from vppscada.maps.fields import Fields, Reader, number, optional_text, read_fields, text, word, yes_no
from vppscada.maps.locate import shipped
from vppscada.maps.names import check_reference
from vppscada.maps.places import Place, sorted_faults
from vppscada.maps.site_calculations import calculated_points, check_site_calculations, read_calculations
from vppscada.maps.site_data import read_data
from vppscada.maps.site_ems import ems_spec, read_ems, read_exports
from vppscada.maps.site_fleet import AssetTable, read_fleet
from vppscada.maps.site_limits import check_limit_points, read_limits, specs
from vppscada.maps.site_points import asset_points, own_points, series_points, session_points
from vppscada.maps.site_products import read_products
from vppscada.maps.site_roles import check_roles
from vppscada.maps.site_sessions import Linked, read_sessions
from vppscada.model.assets import Asset, Fleet
from vppscada.model.drivers import Driver
from vppscada.model.errors import ConfigError, Fault
from vppscada.model.points import Point, RowPoint
from vppscada.model.schedule import Objective
from vppscada.model.site import PLANT, PlantSpec, ScheduleSpec, SessionSpec, Site

_MW = number(0.0, 1e9, units="MW")
_PERIOD = number(above=0.0, highest=366 * 86_400.0, units="s")
PLANT_READERS = {
    "name": text,
    "currency": text,
    "dispatch_period_s": number(0.05, 3600.0, units="s"),
    "mode": word(("follow", "schedule")),
    "enabled": yes_no,
    "shadow": yes_no,
    "on_stop": word(("hold", "zero")),
    "target_mw": number(-1e9, 1e9, units="MW"),
    "settle_s": number(0.0, 86_400.0, units="s"),
    "ramp_mw_per_min": number(above=0.0, highest=1e9, units="MW/min"),
    "regulation_mw": _MW,
    "regulation_hold_s": number(above=0.0, highest=86_400.0, units="s"),
    "calculations": optional_text,
}
SCHEDULE_READERS = {
    "step_s": _PERIOD,
    "horizon_s": _PERIOD,
    "every_s": _PERIOD,
    "objective": word(Objective),
    "time_limit_s": number(0.1, 3600.0, units="s"),
    "relative_gap": number(0.0, 1.0),
    "reserve_mw": _MW,
    "import_limit_mw": _MW,
    "export_limit_mw": _MW,
    "value_of_lost_load_per_mwh": number(above=0.0),
    "load": optional_text,
    "price": optional_text,
    "ambient": optional_text,
    "n_minus_1": yes_no,
}


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """What is made of a site is kept: to look for garbage in a hundred thousand points costs a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_without_collection()
def load_site(path: Path, drivers: Mapping[str, Driver], overrides: Mapping[str, object] | None = None) -> Site:
    """Read a site file and all that it names.

    Args:
        path: the site file.
        drivers: the protocols by name.
        overrides: settings put in place of those of the file: ``session.NAME.KEY``, ``ems.NAME.KEY``,
            ``asset.NAME.KEY``, ``limit.NAME.KEY``, ``data.NAME.KEY``, ``plant.KEY``, ``schedule.KEY``.

    Raises:
        ConfigError: every fault of the site file, its maps and its data files, by file and line.
    """
    document = read_document(path, overrides or {})
    faults = document.shape_faults()
    plant = _read_single(document, "plant", PLANT_READERS, ("name",), faults)
    schedule = _read_single(document, "schedule", SCHEDULE_READERS, (), faults)
    data = read_data(document, faults)
    sessions = read_sessions(document, drivers, faults)
    fleet = read_fleet(document, sessions, drivers, faults)
    limits = read_limits(document, fleet, faults)
    own_map = _read_plant_map(faults)
    calculations = read_calculations(plant, path, faults)
    products = read_products(document, fleet, faults)
    check_roles(fleet, calculations, faults)
    outstations = read_ems(document, drivers, faults)
    _check_references(document, schedule, fleet, faults)
    _check_schedule(schedule, faults)
    series = [table for table in document.named("data") if table.name]
    rows = _all_points(sessions, fleet, own_map, calculations, series, faults)
    by_id = {point.id: (row, point) for row, (point, _) in enumerate(rows)}
    doubtful = frozenset(table.fields.table.name for table in fleet if not table.whole)
    check_site_calculations(fleet, calculations, [point for point, _ in rows], doubtful, faults)
    check_limit_points(limits, by_id, doubtful, faults)
    exports = [read_exports(ems, by_id, doubtful, faults) for ems in outstations]
    _check_target(plant, fleet, faults)
    if faults:
        raise ConfigError(sorted_faults(faults))
    return Site(
        file=path,
        plant=PlantSpec(**plant.values),
        schedule=ScheduleSpec(**schedule.values),
        fleet=Fleet(tuple(_assets(fleet))),
        sessions=_session_specs(sessions, rows),
        ems=tuple(ems_spec(ems, exported) for ems, exported in zip(outstations, exports, strict=True)),
        data=tuple(data),
        points=tuple(point for point, _ in rows),
        row_of={name: row for name, (row, _) in by_id.items()},
        products=tuple(products),
        limits=specs(limits),
    )


def _read_single(
    document: Document, name: str, readers: Mapping[str, Reader], required: Sequence[str], faults: list[Fault]
) -> Fields:
    if name not in document.content and required:
        faults.append(Place(document.file).fault(f"no table [{name}]", f"a table [{name}] with {', '.join(required)}"))
        required = ()
    return read_fields(document.single(name), readers, required, faults)


def _read_plant_map(faults: list[Fault]) -> PointMap | None:
    file = shipped("plant.csv")
    if file is None:
        faults.append(Place(Path("plant.csv")).fault("no such file", "the plant's own points, as installed"))
        return None
    return read_device_map(file, None, faults)


def _check_references(document: Document, schedule: Fields, fleet: list[AssetTable], faults: list[Fault]) -> None:
    sources = [table.name for table in document.named("data") if table.name]
    for key in ("load", "price", "ambient"):
        check_reference(schedule, key, "data source", sources, faults)
    for asset in fleet:
        check_reference(asset.fields, "forecast", "data source", sources, faults)


def _check_schedule(schedule: Fields, faults: list[Fault]) -> None:
    defaults = ScheduleSpec()
    step = schedule.values.get("step_s", defaults.step_s)
    horizon = schedule.values.get("horizon_s", defaults.horizon_s)
    if abs(horizon / step - round(horizon / step)) > 1e-9 or horizon < step or horizon / step > 10_000:
        key = "horizon_s" if "horizon_s" in schedule.values else "step_s"
        found = f"a horizon of {horizon:g} s in steps of {step:g} s"
        faults.append(schedule.table.fault(key, found, "a whole number of steps, from 1 to 10000"))


def _check_target(plant: Fields, fleet: list[AssetTable], faults: list[Fault]) -> None:
    assets = _assets(fleet)
    target = plant.values.get("target_mw", 0.0)
    lowest, highest = sum(one.lowest_mw for one in assets), sum(one.rating_mw for one in assets)
    if len(assets) == len(fleet) and not lowest <= target <= highest:
        expected = f"what the fleet can reach: {lowest:g} to {highest:g} MW"
        faults.append(plant.table.fault("target_mw", f"target_mw = {target:g}", expected))


def _assets(fleet: Sequence[AssetTable]) -> list[Asset]:
    return [table.asset for table in fleet if table.asset is not None]


def _all_points(
    sessions: list[Linked],
    fleet: list[AssetTable],
    own_map: PointMap | None,
    calculations: PointMap | None,
    series: Sequence[Table],
    faults: list[Fault],
) -> list[tuple[Point, str]]:
    """Every point and its session: sessions in the file's order, the assets' own, the plant's, those that are
    calculated for the whole site, those that the station tells of sessions and series.

    A session and an asset may have one name, as long as their points differ.
    """
    rows: list[tuple[Point, str]] = []
    of: dict[str, list[tuple[Asset, PointMap]]] = {linked.table.name: [] for linked in sessions}
    for table in fleet:
        if table.asset is not None and table.map is not None and table.asset.session in of:
            of[table.asset.session].append((table.asset, table.map))
    for name, mine in of.items():
        for asset, found_map in mine:
            rows.extend((point, name) for point in asset_points(asset.name, found_map, asset.rating_mw))
    assets = _assets(fleet)
    rows.extend((point, "") for point in own_points(assets))
    if own_map is not None:
        rating = sum(asset.rating_mw for asset in assets)
        rows.extend((point, "") for point in asset_points(PLANT, own_map, rating))
    taken = {point.id for point, _ in rows}
    rows.extend((point, "") for point in calculated_points(calculations, assets, taken, faults))
    taken.update(point.id for point, _ in rows)
    for linked in sessions:
        points = session_points(linked.table.name, linked.driver.figures if linked.driver else ())
        rows += _told(linked.table, "session", points, taken, faults)
    taken.update(point.id for point, _ in rows)
    for one in series:
        rows += _told(one, "series", series_points(one.name, _units(one)), taken, faults)
    return rows


def _told(
    table: Table, what: str, points: Sequence[Point], taken: Collection[str], faults: list[Fault]
) -> list[tuple[Point, str]]:
    """Points that the station tells of a session or a series; none of them may be there already."""
    where = "its map has" if what == "session" else "is there already"
    for point in points:
        if point.id in taken:
            found = f"{point.id}, which {where} and the station tells of the {what}"
            faults.append(table.fault("name", found, f"another name of the {what} or of the point"))
    return [(point, "") for point in points]


def _units(table: Table) -> str:
    """As the table gives them; what is no text is a fault told elsewhere."""
    units = table.content.get("units", "")
    return units if isinstance(units, str) else ""


def _session_specs(sessions: list[Linked], rows: list[tuple[Point, str]]) -> tuple[SessionSpec, ...]:
    of: dict[str, list[RowPoint]] = {linked.table.name: [] for linked in sessions}
    for row, (point, session) in enumerate(rows):
        if session and point.enabled and point.calculation is None:
            of[session].append(RowPoint(row, point))
    return tuple(
        SessionSpec(linked.table.name, linked.protocol, linked.settings, tuple(of[linked.table.name]))
        for linked in sessions
    )
