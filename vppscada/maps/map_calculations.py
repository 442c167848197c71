"""Calculated points in maps: what their line may say, and what their expressions read. Every fault at its character."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from vppscada.maps.expression_units import TRUTH, Source, assignment, result_of
from vppscada.maps.map_cells import LineReader
from vppscada.maps.quantities import measure
from vppscada.maps.units import expression_factor, fixed_units
from vppscada.maps.words import one_of, quoted
from vppscada.model.calculations import Calculation
from vppscada.model.drivers import Driver
from vppscada.model.errors import Fault
from vppscada.model.expressions import Expression, ExpressionError, parse
from vppscada.model.points import Point, PointKind, Role

if TYPE_CHECKING:
    from vppscada.maps.map_line import MapLine

_KINDS = (PointKind.BINARY_INPUT, PointKind.DOUBLE_BIT_INPUT, PointKind.ANALOG_INPUT, PointKind.COUNTER)


def read_expression(cells: LineReader, kind: PointKind, role: Role | None, driver: Driver | None) -> Expression | None:
    """The expression of a line; None if it has faults."""
    if kind not in _KINDS:
        cells.fault("expression", f"nothing for a point of kind {kind}")
    columns = driver.address_columns if driver else ()
    for column in ("data_type", "scale", "offset", *columns):
        if cells.text(column):
            cells.fault(column, "nothing for a calculated point")
    wanted = fixed_units(role)
    if wanted and cells.text("units") not in ("", wanted):
        cells.fault("units", f"{wanted} or nothing: expressions are in the plant's units")
    try:
        return parse(cells.text("expression"), expression_factor)
    except ExpressionError as error:
        cells.fault_within("expression", error.position, error.found, error.expected)
        return None


def full_id(name: str, owner: str) -> str:
    """A name in an expression as the id of a point; a bare one means the asset of the calculated point."""
    return name if "." in name else f"{owner.partition('.')[0]}.{name}"


def calculation(line: "MapLine", owner: str) -> Calculation | None:
    """What makes the point of id ``owner``; None for a point that is read from a device."""
    if line.expression is None:
        return None
    return Calculation(line.expression, tuple(full_id(name, owner) for name in line.expression.names))


def check_calculations(
    lines: Mapping[str, "MapLine"], by_id: Mapping[str, Point], doubtful: frozenset[str], faults: list[Fault]
) -> None:
    """Expressions read points that exist, are in use and are numbers, in units that fit, and none reads itself.

    Args:
        lines: the lines of calculated points by their ids.
        by_id: every point of the site.
        doubtful: assets whose points could not all be read: theirs are not called unknown.
        faults: where faults go; one of a map that several assets have is told once.
    """
    for owner, line in lines.items():
        expression = line.expression
        if expression is None:
            continue
        before = len(faults)
        for name, position in zip(expression.names, expression.positions, strict=True):
            wanted = full_id(name, owner)
            problem = _problem(wanted, by_id, doubtful)
            if problem:
                faults.append(line.reader.place_within("expression", position).fault(*problem))
        if len(faults) == before:
            _check_units(owner, line, expression, by_id, faults)
    _check_cycles(lines, faults)


def _check_units(
    owner: str, line: "MapLine", expression: Expression, by_id: Mapping[str, Point], faults: list[Fault]
) -> None:
    """The units within it fit together, and the result those of the point."""
    sources = [_source(name, by_id.get(full_id(name, owner))) for name in expression.names]
    result, misfits = result_of(expression, sources)
    faults.extend(
        line.reader.place_within("expression", one.position).fault(one.found, one.expected) for one in misfits
    )
    units = fixed_units(line.role) or line.units
    problem = assignment(result, units) if line.kind.is_analog and not misfits else None
    if problem:
        place = line.place("units") if line.units else line.reader.place_within("expression", 0)
        faults.append(place.fault(*problem))


def _source(name: str, point: Point | None) -> Source:
    if point is None:
        return Source(name, None)
    if not point.kind.is_analog:
        return Source(name, TRUTH)
    fixed = fixed_units(point.role)
    return Source(name, measure(fixed or point.units), not fixed and point.address is not None)


def _problem(wanted: str, by_id: Mapping[str, Point], doubtful: frozenset[str]) -> tuple[str, str] | None:
    point = by_id.get(wanted)
    asset = wanted.partition(".")[0]
    if point is None:
        if asset in doubtful:
            return None
        of_asset = [name for name in by_id if name.startswith(f"{asset}.")]
        return f"point {quoted(wanted)}, which this site has not", one_of(wanted, of_asset or by_id)
    if point.kind is PointKind.STRING:
        return f"{wanted}, a text", "a point with a number"
    return None if point.enabled else (f"{wanted}, which is not enabled", "an enabled point")


def _check_cycles(lines: Mapping[str, "MapLine"], faults: list[Fault]) -> None:
    """Every cycle at the first of its points, named whole."""
    reads: dict[str, list[str]] = {
        owner: [full_id(name, owner) for name in line.expression.names if full_id(name, owner) in lines]
        for owner, line in lines.items()
        if line.expression is not None
    }
    while True:
        try:
            TopologicalSorter(reads).prepare()
        except CycleError as error:
            # The sorter names each point before the one that reads it; people follow what reads what.
            cycle: list[str] = list(error.args[1])[::-1]
            first = next(owner for owner in lines if owner in cycle)
            turn = cycle.index(first)
            named = [*cycle[turn:-1], *cycle[:turn], first]
            line = lines[first]
            faults.append(line.place("expression").fault(f"a cycle: {' reads '.join(named)}", "points in no circle"))
            reads[first] = []
            continue
        return
