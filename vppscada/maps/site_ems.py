"""``[[ems]]``: which points an EMS sees, at which address of which outstation."""

from collections.abc import Mapping
from dataclasses import dataclass

from vppscada.maps.columns import CONDITIONING
from vppscada.maps.csv_map import PointMap, read_export_map
from vppscada.maps.document import Document
from vppscada.maps.fields import shown
from vppscada.maps.locate import find_map
from vppscada.maps.map_line import MapLine
from vppscada.maps.map_ranges import check_wire_range
from vppscada.maps.names import unique_names
from vppscada.maps.site_sessions import Linked, read_linked
from vppscada.maps.units import linear
from vppscada.maps.words import one_of, quoted
from vppscada.model.commands import CommandMode
from vppscada.model.drivers import Driver
from vppscada.model.errors import Fault
from vppscada.model.points import Point, PointKind
from vppscada.model.site import EmsSpec, ExportedPoint

#: What an exported point of each kind can be fed from (or, for outputs, can command).
_SOURCES: dict[PointKind, tuple[PointKind, ...]] = {
    PointKind.BINARY_INPUT: (PointKind.BINARY_INPUT, PointKind.BINARY_OUTPUT),
    PointKind.DOUBLE_BIT_INPUT: (PointKind.DOUBLE_BIT_INPUT,),
    PointKind.ANALOG_INPUT: (PointKind.ANALOG_INPUT, PointKind.ANALOG_OUTPUT, PointKind.COUNTER),
    PointKind.COUNTER: (PointKind.COUNTER,),
    PointKind.BINARY_OUTPUT: (PointKind.BINARY_OUTPUT,),
    PointKind.ANALOG_OUTPUT: (PointKind.ANALOG_OUTPUT,),
    PointKind.STRING: (PointKind.STRING,),
}


@dataclass(frozen=True, slots=True)
class EmsTable:
    """An ``[[ems]]`` table and its map, as far as they could be read."""

    linked: Linked
    map: PointMap | None


def read_ems(document: Document, drivers: Mapping[str, Driver], faults: list[Fault]) -> list[EmsTable]:
    """Every ``[[ems]]`` table with its map; no two that listen at the same place."""
    tables = document.named("ems")
    unique_names(tables, faults)
    found: list[EmsTable] = []
    listening: dict[tuple[str, str], str] = {}
    for table in tables:
        linked = read_linked(table, drivers, ("map",), lambda driver: driver.read_outstation, faults)
        found.append(EmsTable(linked, _read_map(linked, faults)))
        if table.content.get("role") == "client":
            continue  # it dials: several may dial to one place
        where = (str(table.content.get("host", "")), str(table.content.get("port", "")))
        other = listening.setdefault(where, table.name)
        if where[1] not in ("", "0") and other != table.name:
            faults.append(table.fault("port", f"the port of ems {quoted(other)}", "a port of its own"))
    return found


def _read_map(linked: Linked, faults: list[Fault]) -> PointMap | None:
    wanted = linked.table.content.get("map")
    if not isinstance(wanted, str) or not wanted:
        found = "no map" if wanted is None else f"map = {shown(wanted)}"
        faults.append(linked.table.fault("map", found, "the file name of a map of exported points"))
        return None
    file = find_map(wanted, linked.table.document.file)
    if file is None:
        expected = "a file beside the site file, or the name of a shipped map"
        faults.append(linked.table.fault("map", f"map {quoted(wanted)}, which does not exist", expected))
        return None
    return read_export_map(file, linked.driver, faults) if linked.driver else None


def read_exports(
    ems: EmsTable, by_id: Mapping[str, tuple[int, Point]], doubtful: frozenset[str], faults: list[Fault]
) -> tuple[ExportedPoint, ...]:
    """The exports of one outstation.

    Args:
        ems: the table.
        by_id: every point of the site with its row.
        doubtful: assets whose points could not all be read; an export of theirs is not called unknown.
        faults: where faults go.
    """
    exports: list[ExportedPoint] = []
    first: dict[tuple[str, PointKind], MapLine] = {}
    for line in ems.map.lines if ems.map else ():
        found = by_id.get(line.point)
        if found is None:
            asset, _, point = line.point.partition(".")
            if asset in doubtful:
                continue
            of_asset = [name for name in by_id if name.startswith(f"{asset}.")]
            known = of_asset if of_asset and point else list({name.partition(".")[0]: None for name in by_id})
            near = one_of(line.point if of_asset else asset, known)
            expected = near if of_asset else f"a point of {near}"
            faults.append(line.place("point").fault(f"point {quoted(line.point)}, which this site has not", expected))
            continue
        row, source = found
        _check_columns(line, ems.linked.driver, faults)
        _check_once(line, first, faults)
        point_made = _export(line, source, faults)
        if point_made is not None and line.enabled:
            exports.append(ExportedPoint(row, point_made))
    return tuple(exports)


def _export(line: MapLine, source: Point, faults: list[Fault]) -> Point | None:
    before = len(faults)
    _check_source(line, source, faults)
    for column in (*CONDITIONING, "convert_to", "expression"):
        if line.reader.text(column):
            found = f"{column} {quoted(line.reader.text(column))}"
            faults.append(line.place(column).fault(found, "nothing in a map of exports"))
    converted = linear(line.units, source.units) if line.units and line.kind.is_analog else (1.0, 0.0)
    if converted is None:
        found = f"units {quoted(line.units)} of a point in {source.units or 'no units'}"
        faults.append(line.place("units").fault(found, f"{source.units or 'nothing'}, or units that convert to it"))
    if len(faults) > before or converted is None:
        return None
    factor, shift = converted

    def theirs(value: float | None, ours: float | None) -> float | None:
        return ours if value is None else value * factor + shift

    made = Point(
        id=source.id,
        kind=line.kind,
        role=source.role,
        description=line.description or source.description,
        data_type=line.data_type,
        scale=factor * (1.0 if line.scale is None else line.scale),
        offset=factor * (line.offset or 0.0) + shift,
        units=source.units,
        wire_units=(line.units or source.units) if line.kind.is_analog and _is_plain(line) else "",
        minimum=theirs(line.minimum, source.minimum),
        maximum=theirs(line.maximum, source.maximum),
        deadband=source.deadband if line.deadband is None else line.deadband * abs(factor),
        event_class=source.event_class if line.event_class is None else line.event_class,
        writable=line.kind.is_output,
        command_mode=line.command_mode or source.command_mode or CommandMode.DIRECT,
        pulse=line.pulse or source.pulse,
        feedback=source.feedback,
        state_names=line.state_names or source.state_names,
        stale_after_s=None,
        address=line.address,
    )
    check_wire_range(line, made.minimum, made.maximum, made.scale, made.offset, faults)
    return made


def _is_plain(line: MapLine) -> bool:
    """True if the wire value is in the line's units, and no bare number that scale and offset bring there."""
    return line.scale in (None, 1.0) and not line.offset


def _check_once(line: MapLine, first: dict[tuple[str, PointKind], MapLine], faults: list[Fault]) -> None:
    """An output may also be shown as an input; but no point is exported twice as the same kind."""
    other = first.setdefault((line.point, line.kind), line) if line.enabled else line
    if other is not line:
        found = f"{line.point} as {line.kind}, which line {other.place('point').line} exports already"
        faults.append(line.place("point").fault(found, "each point once of a kind"))


def _check_columns(line: MapLine, driver: Driver | None, faults: list[Fault]) -> None:
    for column in driver.session_columns if driver else ():
        if line.reader.text(column):
            found = f"{column} {quoted(line.reader.text(column))}"
            faults.append(line.place(column).fault(found, "nothing in a map of exports"))


def _check_source(line: MapLine, source: Point, faults: list[Fault]) -> None:
    kinds = _SOURCES[line.kind]
    if source.kind not in kinds:
        fitting = [kind for kind, sources in _SOURCES.items() if source.kind in sources]
        found = f"kind {line.kind} of {source.id}, whose kind is {source.kind}"
        faults.append(line.place("kind").fault(found, one_of("", fitting)))
    elif line.kind.is_output and not source.writable:
        found = f"{source.id}, which is not writable"
        faults.append(line.place("point").fault(found, f"a writable {source.kind}"))
    if not source.enabled:
        faults.append(line.place("point").fault(f"{source.id}, which is not enabled", "an enabled point"))
    if line.feedback:
        faults.append(
            line.place("feedback").fault(f"feedback {quoted(line.feedback)}", "nothing: the source has its own")
        )
    if line.role is not None and line.role is not source.role:
        expected = f"{source.role} or nothing" if source.role else "nothing"
        faults.append(line.place("role").fault(f"role {line.role} of {source.id}", expected))
    if line.writable is not None and line.writable is not line.kind.is_output:
        faults.append(line.place("writable").fault("writable that does not fit the kind", "nothing"))


def ems_spec(ems: EmsTable, exports: tuple[ExportedPoint, ...]) -> EmsSpec:
    """The outstation, once everything is good."""
    return EmsSpec(ems.linked.table.name, ems.linked.protocol, ems.linked.settings, exports)
