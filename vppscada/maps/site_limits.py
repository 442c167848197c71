"""``[[limit]]``: limits on groups of assets, one inside the other. Read, and checked as a tree that can be kept."""

from collections.abc import Mapping, Sequence

from vppscada.maps.document import Document, Table
from vppscada.maps.fields import Fields, number, read_fields, text, texts
from vppscada.maps.names import check_reference, name, unique_names
from vppscada.maps.site_fleet import AssetTable
from vppscada.maps.words import one_of, quoted
from vppscada.model.errors import Fault
from vppscada.model.limits import Limit
from vppscada.model.points import Point

_MW = number(-1e6, 1e6, units="MW")
READERS = {
    "name": name,
    "parent": text,
    "assets": texts,
    "maximum_mw": _MW,
    "minimum_mw": _MW,
    "point": text,
}
_BOUNDS = ("maximum_mw", "minimum_mw", "point")
#: Inverter, string, feeder, transformer, point of connection …: more than this around one asset is a mistake.
_DEEPEST = 16
_SLACK_MW = 1e-9


def read_limits(document: Document, fleet: Sequence[AssetTable], faults: list[Fault]) -> list[Fields]:
    """The tables, and every fault of theirs and of the tree that they form."""
    before = len(faults)
    tables = document.named("limit")
    unique_names(tables, faults)
    limits = [read_fields(table, READERS, ("name",), faults) for table in tables]
    for limit in limits:
        check_reference(limit, "parent", "limit", [table.name for table in tables], faults)
        _check_bounds(limit, faults)
    _check_members(limits, fleet, faults)
    _check_shape(limits, faults)
    if len(faults) == before and all(one.asset for one in fleet):
        _check_possible(limits, fleet, faults)
    return limits


def specs(limits: Sequence[Fields]) -> tuple[Limit, ...]:
    """The limits, once everything is good."""
    return tuple(Limit(**limit.values) for limit in limits)


def check_limit_points(
    limits: Sequence[Fields], by_id: Mapping[str, tuple[int, Point]], doubtful: frozenset[str], faults: list[Fault]
) -> None:
    """A point that tells a limit is an analog one in MW. Assets that are ``doubtful`` are not called unknown."""
    for limit in limits:
        wanted = limit.values.get("point")
        if wanted is None or wanted.partition(".")[0] in doubtful:
            continue
        if wanted not in by_id:
            asset = wanted.partition(".")[0]
            known = [one for one in by_id if one.startswith(f"{asset}.")]
            near = one_of(wanted, known or dict.fromkeys(one.partition(".")[0] for one in by_id))
            found = f"point {quoted(wanted)}, which this site has not"
            faults.append(limit.table.fault("point", found, near if known else f"a point of {near}"))
            continue
        point = by_id[wanted][1]
        if not point.kind.is_analog or point.units != "MW" or not point.enabled:
            found = f"point {quoted(wanted)}: {point.kind} in {point.units or 'no units'}"
            faults.append(limit.table.fault("point", found, "an enabled analog point in MW"))


def _check_bounds(limit: Fields, faults: list[Fault]) -> None:
    table = limit.table
    if not any(key in table.content for key in _BOUNDS):
        faults.append(table.fault("name", "a limit that limits nothing", f"one of {', '.join(_BOUNDS)}"))
    if limit.has("minimum_mw", "maximum_mw") and limit.values["minimum_mw"] > limit.values["maximum_mw"]:
        found = f"minimum_mw = {limit.values['minimum_mw']:g}"
        faults.append(table.fault("minimum_mw", found, f"at most maximum_mw, {limit.values['maximum_mw']:g}"))


def _check_members(limits: Sequence[Fields], fleet: Sequence[AssetTable], faults: list[Fault]) -> None:
    """Assets exist, and each stands in one limit: what is around that one holds it as well."""
    assets = [one.name for one in fleet if one.name]
    parents = {limit.values.get("parent") for limit in limits}
    first: dict[str, Table] = {}
    for limit in limits:
        table = limit.table
        if "assets" not in table.content and table.name and table.name not in parents:
            expected = "assets = [...], or a limit that names it as its parent"
            faults.append(table.fault("name", f"limit {quoted(table.name)} that holds nothing", expected))
        for i, asset in enumerate(limit.values.get("assets", ())):
            place = table.place("assets", i)
            if asset not in assets:
                found = f"asset {quoted(asset)}, which is no asset of this site"
                faults.append(place.fault(found, one_of(asset, assets)))
            elif asset in first:
                line = first[asset].place("assets").line
                found = f"asset {quoted(asset)} in a limit a second time (line {line})"
                faults.append(place.fault(found, "each asset in one limit, and that inside another by its parent"))
            else:
                first[asset] = table


def _check_shape(limits: Sequence[Fields], faults: list[Fault]) -> None:
    """No limit is inside itself, and none too deep inside others. Of a circle, its first limit is told."""
    parent = {limit.table.name: limit.values.get("parent", "") for limit in limits}
    told: set[str] = set()
    for limit in limits:
        name_, path = limit.table.name, [limit.table.name]
        while parent.get(path[-1], "") and parent[path[-1]] not in path:
            path.append(parent[path[-1]])
        circle = path[path.index(parent[path[-1]]) :] if parent.get(path[-1], "") else []
        if name_ in circle and not told.intersection(circle):
            told.update(circle)
            found = f"limits inside each other: {' in '.join([*circle, circle[0]])}"
            faults.append(limit.table.fault("parent", found, "an outermost limit without a parent"))
        if not circle and len(path) == _DEEPEST + 1:
            found = f"limit {quoted(name_)} inside {_DEEPEST} others"
            faults.append(limit.table.fault("parent", found, f"at most {_DEEPEST - 1} limits around it"))


def _check_possible(limits: Sequence[Fields], fleet: Sequence[AssetTable], faults: list[Fault]) -> None:
    """What limits ask together can be kept by what they hold, each asset between its least and greatest power."""
    asset = {one.name: one.asset for one in fleet if one.asset is not None}
    held: dict[str, list[Fields]] = {}
    for limit in limits:
        held.setdefault(limit.values.get("parent", ""), []).append(limit)

    def reach(limit: Fields) -> tuple[float, float]:
        mine = [asset[one] for one in limit.values.get("assets", ())]
        inside = [reach(one) for one in held.get(limit.table.name, [])]
        lowest = sum(one.lowest_mw for one in mine) + sum(one[0] for one in inside)
        highest = sum(one.rating_mw for one in mine) + sum(one[1] for one in inside)
        least = limit.values.get("minimum_mw", lowest)
        most = limit.values.get("maximum_mw", highest)
        within = f"what it holds can do: {lowest:g} to {highest:g} MW"
        if most < lowest - _SLACK_MW:
            faults.append(limit.table.fault("maximum_mw", f"maximum_mw = {most:g}", within))
        if least > highest + _SLACK_MW:
            faults.append(limit.table.fault("minimum_mw", f"minimum_mw = {least:g}", within))
        return min(max(least, lowest), highest), max(min(most, highest), lowest)

    for limit in held.get("", []):
        reach(limit)
