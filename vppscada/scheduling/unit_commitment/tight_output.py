"""Tight rows of output: generation limits that know of starts and stops, ramps over one to three steps, costs.

In what follows a unit has width W, start room SU (its power and reserve in the first step), stop room SD, ramps RU
and RD, all above its minimum, and a minimum up time UT. Within UT steps there is at most one start, and a start
and a stop are at least UT steps apart: that is why terms of starts up to i steps back and of stops up to j steps
ahead may stand in one row if i + j + 2 ≤ UT.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.program import Index
from vppscada.scheduling.unit_commitment.groups import Groups
from vppscada.scheduling.unit_commitment.tight import Tight, add_shifted

Column = NDArray[np.float64]

#: Longest span of a ramp row, steps.
RAMP_SPAN = 3


def add_generation_limits(tight: Tight) -> None:
    """above + reserve ≤ W·on, less after a start (as far as it had time to ramp) and in the last step before a stop.

    Gentile et al. (2017); the terms of earlier starts: Ostrowski et al. (2012), Pan and Guan (2016). Where
    UT = 1 a start and a stop may meet in one unit, so each has a row, with what the other leaves.
    """
    groups = tight.groups
    start_cut, stop_cut = groups.width - groups.start_room, groups.width - groups.stop_room
    brief = groups.minimum_up == 1
    rows = _limit_rows(tight, np.arange(len(groups)), reserve=True)
    add_shifted(tight.program, rows, tight.start, 0, start_cut)
    add_shifted(tight.program, rows, tight.stop, 1, np.where(brief, np.maximum(stop_cut - start_cut, 0.0), stop_cut))
    for back in range(1, int(groups.minimum_up.max())):
        cut = np.maximum(start_cut - back * groups.problem.ramp_up[groups.first], 0.0)
        if not cut.any():
            break
        add_shifted(tight.program, rows, tight.start, -back, np.where(back + 2 <= groups.minimum_up, cut, 0.0))
    also = np.flatnonzero(brief & (stop_cut > 0.0) & (start_cut > 0.0))
    rows = _limit_rows(tight, also, reserve=True)
    add_shifted(tight.program, rows, tight.stop[also], 1, stop_cut[also])
    add_shifted(tight.program, rows, tight.start[also], 0, np.maximum(start_cut - stop_cut, 0.0)[also])


def add_stop_trajectories(tight: Tight) -> None:
    """above ≤ W·on, less in the last steps before a stop, as many as the ramp down takes; starts where UT allows.

    Reserve is not in these rows: it need not ramp down.
    """
    groups = tight.groups
    ramp_down, ramp_up = groups.problem.ramp_down[groups.first], groups.problem.ramp_up[groups.first]
    stop_cut, start_cut = groups.width - groups.stop_power, groups.width - groups.start_room
    with np.errstate(divide="ignore"):
        needed = np.ceil(np.divide(stop_cut, ramp_down, out=np.full(len(groups), np.inf), where=ramp_down > 0.0) - 1e-9)
    terms = np.minimum(np.minimum(needed, groups.minimum_up), tight.steps).astype(np.int64)
    chosen = np.flatnonzero(groups.slow & ((terms > 1) | (groups.stop_power < groups.stop_room)))
    if not chosen.size:
        return
    rows = _limit_rows(tight, chosen, reserve=False)
    for ahead in range(int(terms[chosen].max())):
        cut = np.where(ahead < terms, np.maximum(stop_cut - ahead * ramp_down, 0.0), 0.0)[chosen]
        add_shifted(tight.program, rows, tight.stop[chosen], ahead + 1, cut)
    for back in range(min(int(groups.minimum_up.max()), tight.steps)):
        apart = back + (terms - 1) + 2 <= groups.minimum_up
        cut = np.where(apart, np.maximum(start_cut - back * ramp_up, 0.0), 0.0)[chosen]
        if not cut.any():
            break
        add_shifted(tight.program, rows, tight.start[chosen], -back, cut)


def _limit_rows(tight: Tight, chosen: Index, reserve: bool) -> Index:
    width = tight.groups.width[chosen][:, None]
    shape = (len(chosen), tight.steps)
    rows = tight.program.at_most(shape, 0.0, (tight.above[chosen], 1.0), (tight.on[chosen], -width))
    if reserve:
        tight.program.add(rows, tight.reserve[chosen], 1.0)
    return rows


def add_ramps(tight: Tight) -> None:
    """Ramps of the slow units over one, two and three steps, as long as they are narrower than the range."""
    for span in range(1, RAMP_SPAN + 1):
        if span <= tight.steps:
            _add_ramps_up(tight, span)
            _add_ramps_down(tight, span)


def _add_ramps_up(tight: Tight, span: int) -> None:
    """above + reserve − above ``span`` steps before ≤ span·RU·on, less where a start left less time to ramp."""
    groups, program = tight.groups, tight.program
    ramp = groups.problem.ramp_up[groups.first]
    chosen = np.flatnonzero(groups.slow & (span * ramp < groups.width))
    if not chosen.size:
        return
    climb, ramp, least = (span * ramp)[chosen], ramp[chosen], groups.minimum_up[chosen]
    before = _constants(len(chosen), tight.steps, span)
    before[:, span - 1] = groups.above_before[chosen]
    rows = program.at_most((len(chosen), tight.steps), before)
    program.add(rows, tight.above[chosen], 1.0)
    program.add(rows, tight.reserve[chosen], 1.0)
    program.add(rows, tight.on[chosen], -climb[:, None])
    program.add(rows[:, span:], tight.above[chosen, :-span], -1.0)
    for back in range(span):
        cut = np.where(back < least, np.maximum(climb - groups.start_room[chosen] - back * ramp, 0.0), 0.0)
        add_shifted(program, rows, tight.start[chosen], -back, cut)
    cut = np.where(span + 1 <= least, np.maximum(climb - groups.stop_room[chosen], 0.0), 0.0)
    add_shifted(program, rows, tight.stop[chosen], 1, cut)


def _add_ramps_down(tight: Tight, span: int) -> None:
    """above ``span`` steps before − above ≤ span·RD·(on before), less where a stop or a start leaves less.

    Rows stand at the later step; the terms are those of the earlier one, t − span.
    """
    groups, program = tight.groups, tight.program
    ramp = groups.problem.ramp_down[groups.first]
    chosen = np.flatnonzero(groups.slow & (span * ramp < groups.width))
    if not chosen.size:
        return
    fall, ramp, least = (span * ramp)[chosen], ramp[chosen], groups.minimum_up[chosen]
    known = _constants(len(chosen), tight.steps, span)
    known[:, span - 1] = fall * groups.on_before[chosen] - groups.above_before[chosen]
    rows = program.at_most((len(chosen), tight.steps), known)
    program.add(rows, tight.above[chosen], -1.0)
    program.add(rows[:, span:], tight.above[chosen, :-span], 1.0)
    add_shifted(program, rows, tight.on[chosen], -span, -fall)
    for ahead in range(span):
        cut = np.where(ahead < least, np.maximum(fall - groups.stop_power[chosen] - ahead * ramp, 0.0), 0.0)
        add_shifted(program, rows, tight.stop[chosen], ahead + 1 - span, cut)
    cut = np.where(span + 1 <= least, np.maximum(fall - groups.start_room[chosen], 0.0), 0.0)
    add_shifted(program, rows, tight.start[chosen], -span, cut)


def _constants(count: int, steps: int, span: int) -> NDArray[np.float64]:
    """Right-hand sides; rows that would reach back beyond the step before the first hold nothing."""
    constants = np.zeros((count, steps))
    constants[:, : span - 1] = np.inf
    return constants


def add_production_cost(tight: Tight) -> None:
    """Output above the minimum by the segments of the curve's lower convex hull, each limited as the whole is.

    A mixture of points can do no better than the hull, and reaches it. Start and stop terms within segments:
    Knueven et al. (2018). A single segment prices the output itself.
    """
    groups = tight.groups
    hulls = [_hull(groups, group) for group in range(len(groups))]
    for segments in sorted({len(right) for right, _ in hulls}):
        chosen = np.array([g for g, (right, _) in enumerate(hulls) if len(right) == segments])
        slope = np.array([hulls[g][1] for g in chosen])
        if segments == 1:
            tight.program.price(tight.above[chosen], slope)
        elif segments > 1:
            _add_segments(tight, chosen, np.array([hulls[g][0] for g in chosen]), slope)


def _add_segments(tight: Tight, chosen: Index, right: Column, slope: Column) -> None:
    groups, program = tight.groups, tight.program
    widths = np.diff(right, axis=1, prepend=0.0)
    brief = groups.minimum_up[chosen] == 1
    sums = program.equal((len(chosen), tight.steps), 0.0, (tight.above[chosen], -1.0))
    for k in range(right.shape[1]):
        segment = program.block(sums.shape, 0.0, (groups.count[chosen] * widths[:, k])[:, None])
        tight.segments.append((chosen, segment))
        program.add(sums, segment, 1.0)
        program.price(segment, slope[:, k][:, None])
        start_cut = np.clip(right[:, k] - groups.start_room[chosen], 0.0, widths[:, k])
        stop_cut = np.clip(right[:, k] - groups.stop_power[chosen], 0.0, widths[:, k])
        on = (tight.on[chosen], -widths[:, k][:, None])
        rows = program.at_most(sums.shape, 0.0, (segment, 1.0), on)
        add_shifted(program, rows, tight.start[chosen], 0, start_cut)
        late = np.where(brief, np.maximum(stop_cut - start_cut, 0.0), stop_cut)
        add_shifted(program, rows, tight.stop[chosen], 1, late)
        also = np.flatnonzero(brief & (stop_cut > 0.0) & (start_cut > 0.0))
        rows = program.at_most((len(also), tight.steps), 0.0, (segment[also], 1.0), (on[0][also], on[1][also]))
        add_shifted(program, rows, tight.stop[chosen[also]], 1, stop_cut[also])
        add_shifted(program, rows, tight.start[chosen[also]], 0, np.maximum(start_cut - stop_cut, 0.0)[also])


def _hull(groups: Groups, group: int) -> tuple[list[float], list[float]]:
    """Right ends above the minimum, and slopes, of the lower convex hull of a unit's curve."""
    unit = groups.first[group]
    problem = groups.problem
    points: list[tuple[float, float]] = []
    for mw, cost in zip(problem.curve_mw[unit].tolist(), problem.curve_cost[unit].tolist(), strict=True):
        if points and mw <= points[-1][0]:
            continue  # padding
        while len(points) > 1 and _bends_down(points[-2], points[-1], (mw, cost)):
            points.pop()
        points.append((mw, cost))
    start = points[0][0]
    right = [mw - start for mw, _ in points[1:]]
    slope = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points)]
    return right, slope


def _bends_down(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[1] - a[1]) * (c[0] - b[0]) >= (c[1] - b[1]) * (b[0] - a[0])
