"""What a changed site would do to a station that runs: points, sessions, EMS outstations, assets. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from vppscada.maps.snapshot import ATTRIBUTES, Described, Snapshot, Texts

_RESCALED = frozenset({"scale", "offset", "units"})


@dataclass(frozen=True, slots=True)
class Change:
    """One attribute or setting before and after."""

    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.what} {self.before or 'nothing'} → {self.after or 'nothing'}"


@dataclass(frozen=True, slots=True)
class PointChange:
    """A point that stays and is not the same."""

    point: str
    changes: tuple[Change, ...]

    @property
    def word(self) -> str:
        """The weightiest thing that happens to it: renumbered, rescaled or changed."""
        attributes = {change.what for change in self.changes}
        if "address" in attributes:
            return "renumbered"
        return "rescaled" if attributes & _RESCALED else "changed"


@dataclass(frozen=True, slots=True)
class PartChange:
    """A session, EMS outstation, asset, limit, data source or product that is added, removed or changed, and why."""

    name: str
    word: str  # added, removed, changed
    settings: tuple[Change, ...] = ()
    points: int = 0  # of its points, so many are added, removed or changed


@dataclass(frozen=True, slots=True)
class SiteDifference:
    """Everything that differs. Sessions and outstations in it would be started anew; the others are not touched."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    points: tuple[PointChange, ...]
    sessions: tuple[PartChange, ...]
    ems: tuple[PartChange, ...]
    assets: tuple[PartChange, ...]
    data: tuple[PartChange, ...]
    products: tuple[PartChange, ...]
    plant: tuple[Change, ...]
    schedule: tuple[Change, ...]
    limits: tuple[PartChange, ...]

    @property
    def is_empty(self) -> bool:
        """True where nothing would change."""
        return not any(asdict(self).values())


def difference(before: Snapshot, after: Snapshot) -> SiteDifference:
    """What ``after`` would change."""
    attributes = _Attributes(before, after)
    theirs, ours = dict(_points(before)), dict(_points(after))
    changed = [
        PointChange(name, attributes.changes(kind, ours[name]))
        for name, kind in theirs.items()
        if name in ours and attributes.differ(kind, ours[name])
    ]
    return SiteDifference(
        added=tuple(name for name in ours if name not in theirs),
        removed=tuple(name for name in theirs if name not in ours),
        points=tuple(changed),
        sessions=tuple(_parts(before.sessions, after.sessions, attributes)),
        ems=tuple(_parts(before.ems, after.ems, attributes)),
        assets=tuple(_tables(before.assets, after.assets)),
        data=tuple(_tables(before.data, after.data)),
        products=tuple(_tables(before.products, after.products)),
        plant=_changes(before.plant, after.plant),
        schedule=_changes(before.schedule, after.schedule),
        limits=tuple(_tables(before.limits, after.limits)),
    )


class _Attributes:
    """Sets of attributes of the two sides, compared once for each pair."""

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        self._before, self._after = before.kinds, after.kinds
        numbers = {kind: number for number, kind in enumerate(after.kinds)}
        self._same = {number: numbers.get(kind, -1) for number, kind in enumerate(before.kinds)}

    def differ(self, before: int, after: int) -> bool:
        return self._same[before] != after

    def changes(self, before: int, after: int) -> tuple[Change, ...]:
        pairs = zip(ATTRIBUTES, self._before[before], self._after[after], strict=True)
        return tuple(Change(name, old, new) for name, old, new in pairs if old != new)


def _points(of: Snapshot) -> Iterator[tuple[str, int]]:
    for session in of.sessions.values():
        yield from session.points.items()
    yield from of.station.items()


def _parts(
    before: Mapping[str, Described], after: Mapping[str, Described], attributes: _Attributes
) -> Iterator[PartChange]:
    for name in _names(before, after):
        if name not in after:
            yield PartChange(name, "removed", points=len(before[name].points))
        elif name not in before:
            yield PartChange(name, "added", points=len(after[name].points))
        else:
            settings = _changes(before[name].settings, after[name].settings)
            points = _moved(before[name].points, after[name].points, attributes)
            if settings or points:
                yield PartChange(name, "changed", settings, points)


def _moved(before: Mapping[str, int], after: Mapping[str, int], attributes: _Attributes) -> int:
    """How many points of a part are added, removed or changed."""
    gone = sum(name not in after for name in before)
    return gone + sum(name not in before or attributes.differ(before[name], kind) for name, kind in after.items())


def _tables(before: Mapping[str, Texts], after: Mapping[str, Texts]) -> Iterator[PartChange]:
    for name in _names(before, after):
        if name not in after:
            yield PartChange(name, "removed")
        elif name not in before:
            yield PartChange(name, "added")
        elif changes := _changes(before[name], after[name]):
            yield PartChange(name, "changed", changes)


def _names(before: Mapping[str, object], after: Mapping[str, object]) -> Iterable[str]:
    return dict.fromkeys((*before, *after))


def _changes(before: Texts, after: Texts) -> tuple[Change, ...]:
    pairs = ((name, before.get(name, ""), after.get(name, "")) for name in _names(before, after))
    return tuple(Change(*pair) for pair in pairs if pair[1] != pair[2])


def told(found: SiteDifference, sessions: int) -> Iterator[str]:
    """The difference for people, a line each. ``sessions``: how many the changed site has."""
    if found.is_empty:
        yield "nothing would change"
        return
    for word, names in (("added", found.added), ("removed", found.removed)):
        yield from (f"point {name} {word}" for name in names)
    for point in found.points:
        yield f"point {point.point} {point.word}: {'; '.join(map(str, point.changes))}"
    for kind, parts in _parts_of(found):
        yield from (_part(kind, part) for part in parts)
    for kind, changes in (("plant", found.plant), ("schedule", found.schedule)):
        yield from (f"{kind}: {change}" for change in changes)
    moved = len(found.added) + len(found.removed) + len(found.points)
    anew = sum(part.word == "changed" for part in found.sessions)
    outstations = f"{len(found.ems)} EMS outstations affected"
    yield f"{moved} points; {anew} of {sessions} sessions would be started anew; {outstations}"


def _parts_of(found: SiteDifference) -> Iterator[tuple[str, tuple[PartChange, ...]]]:
    yield "session", found.sessions
    yield "ems", found.ems
    yield "asset", found.assets
    yield "limit", found.limits
    yield "data", found.data
    yield "product", found.products


def _part(kind: str, part: PartChange) -> str:
    reasons = [str(change) for change in part.settings]
    reasons += [f"{part.points} points"] if part.points else []
    return f"{kind} {part.name} {part.word}" + (f": {'; '.join(reasons)}" if reasons else "")
