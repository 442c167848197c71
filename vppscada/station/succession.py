"""How a changed site follows the one in force: what goes on untouched, what starts anew, what must stay good. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.maps.difference import PartChange, SiteDifference, difference
from vppscada.maps.snapshot import snapshot
from vppscada.model.batch import Rows
from vppscada.model.points import RowPoint
from vppscada.model.site import SessionSpec, Site


@dataclass(frozen=True, slots=True, eq=False)
class Succession:
    """A site after another one. Rows come in pairs: ``rows[i]`` of the new site is ``rows_before[i]`` of the old."""

    site: Site  # the new one; points of a kept session in the order that it was made with
    found: SiteDifference
    kept_sessions: frozenset[str]
    kept_ems: frozenset[str]
    shared: tuple[Rows, Rows]  # points in both
    unchanged: tuple[Rows, Rows]  # of these, points that are the same in all that was said of them


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Points of a new site that were good under the old one, by how soon they must show it."""

    always: Rows  # of sessions that nothing was done to: good all the time
    at_end: Rows  # of sessions started anew, and what is worked out of them: good when the trial ends

    def fallen(self, fit: NDArray[np.bool_], *, is_over: bool) -> Rows:
        """Those that are not good and should be. ``fit`` is that of every row."""
        due = np.concatenate((self.always, self.at_end)) if is_over else self.always
        rows: Rows = due[~fit[due]]
        return rows


def succession(before: Site, after: Site) -> Succession:
    """What it takes to put ``after`` in the place of ``before``."""
    found = difference(snapshot(before), snapshot(after))
    kept = _kept((spec.name for spec in after.sessions), found.sessions)
    shared = [(row, before.row_of[point.id]) for row, point in enumerate(after.points) if point.id in before.row_of]
    changed = {one.point for one in found.points}
    return Succession(
        site=_in_order(after, {spec.name: spec for spec in before.sessions if spec.name in kept}),
        found=found,
        kept_sessions=kept,
        kept_ems=_kept((spec.name for spec in after.ems), found.ems),
        shared=_pairs(shared),
        unchanged=_pairs([pair for pair in shared if after.points[pair[0]].id not in changed]),
    )


def trial_of(followed: Succession, fit_before: NDArray[np.bool_]) -> Trial:
    """What is watched of points that were good: those that are in use still."""
    rows, rows_before = followed.shared
    points = followed.site.points
    good = fit_before[rows_before] & np.array([points[row].enabled for row in rows.tolist()], dtype=np.bool_)
    of_kept = np.zeros(len(points), dtype=np.bool_)
    for spec in followed.site.sessions:
        if spec.name in followed.kept_sessions:
            of_kept[[row for row, _ in spec.points]] = True
    return Trial(rows[good & of_kept[rows]], rows[good & ~of_kept[rows]])


def _kept(names: Iterator[str], changes: tuple[PartChange, ...]) -> frozenset[str]:
    return frozenset(names) - {change.name for change in changes}


def _in_order(site: Site, kept: Mapping[str, SessionSpec]) -> Site:
    """A session goes on counting its points as it did when it was made, whatever their order in the files is now."""

    def ordered(spec: SessionSpec) -> SessionSpec:
        if spec.name not in kept:
            return spec
        rows = (site.row_of[point.id] for _, point in kept[spec.name].points)
        return replace(spec, points=tuple(RowPoint(row, site.points[row]) for row in rows))

    return replace(site, sessions=tuple(map(ordered, site.sessions)))


def _pairs(pairs: list[tuple[int, int]]) -> tuple[Rows, Rows]:
    table = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return table[:, 0], table[:, 1]
