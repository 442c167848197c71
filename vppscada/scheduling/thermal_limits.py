"""Limits of generation of thermal assets, which know of starts and stops nearby.

Each has two forms: a plain one, whose dual explains the schedule, and a tight one for the search.
"""

import numpy as np

from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.program import Index, Limit, Program, Stage
from vppscada.scheduling.thermal import Thermal, headroom_most
from vppscada.scheduling.thermal_cuts import add_shifted, cut_after


def add_generation_limits(program: Program, thermal: Thermal) -> None:
    """above + held upwards ≤ range × on, less in the first step after a start and the last before a stop.

    With a minimum up time of one step a start and a stop may meet, so each gets its own row. What is held
    downwards ≤ above.
    """
    data = thermal.data
    shape = thermal.on.shape
    start_cut = np.maximum(data.highest - data.start_limit[:, None], 0.0)
    stop_cut = np.maximum(data.highest - data.stop_limit[:, None], 0.0)[:, :-1]
    rows = program.at_most(
        shape,
        0.0,
        (thermal.above, 1.0),
        *((held, 1.0) for held in thermal.up),
        (thermal.on, -data.range_mw),
        (thermal.start, start_cut),
        limit=Limit.GENERATION,
        stage=data.plain_stage,
    )
    long = data.minimum_up > 1
    program.add(rows[long, :-1], thermal.stop[long, 1:], stop_cut[long])
    brief = ~long & (stop_cut > 0).any(axis=1)
    apart = program.at_most(
        (int(brief.sum()), shape[1] - 1),
        0.0,
        (thermal.above[brief, :-1], 1.0),
        *((held[brief, :-1], 1.0) for held in thermal.up),
        (thermal.on[brief, :-1], -data.range_mw[brief, :-1]),
        limit=Limit.BEFORE_STOP,
        stage=data.plain_stage[brief],
    )
    program.add(apart, thermal.stop[brief, 1:], stop_cut[brief])
    if thermal.down:
        held = [(columns, -1.0) for columns in thermal.down]
        program.at_least(shape, 0.0, (thermal.above, 1.0), *held, limit=Limit.HELD_DOWN)


def add_tight_generation_limits(program: Program, thermal: Thermal) -> None:
    """above + held upwards ≤ range × on, less after a start as far as it had no time to ramp, and before a stop.

    Gentile et al. (2017); the terms of earlier starts: Ostrowski et al. (2012), Pan and Guan (2016). Where a start
    and a stop may meet, each has a row, with what the other leaves of it.
    """
    data = thermal.data
    slow = np.flatnonzero(data.slow)
    start_cut = cut_after(data.range_mw, data.start_room, data.ramp_up, 0)
    stop_cut = cut_after(data.range_mw, data.stop_room, data.ramp_down, 0)
    brief = data.minimum_up == 1
    rows = _limit_rows(program, thermal, slow, held=True)
    add_shifted(program, rows, thermal.start[slow], 0, start_cut[slow])
    late = np.where(brief[:, None], np.maximum(stop_cut - start_cut, 0.0), stop_cut)
    add_shifted(program, rows, thermal.stop[slow], 1, late[slow])
    _add_earlier_starts(program, thermal, rows, slow, np.where((stop_cut[slow] > 0.0).any(axis=1), 1, 0))
    both = np.flatnonzero(data.slow & brief & (stop_cut > 0.0).any(axis=1) & (start_cut > 0.0).any(axis=1))
    rows = _limit_rows(program, thermal, both, held=True)
    add_shifted(program, rows, thermal.stop[both], 1, stop_cut[both])
    add_shifted(program, rows, thermal.start[both], 0, np.maximum(start_cut - stop_cut, 0.0)[both])


def add_stop_trajectories(program: Program, thermal: Thermal) -> None:
    """above ≤ range × on, less in the last steps before a stop, as many as the ramp down takes.

    Pan and Guan (2016); starts where the minimum up time allows. What is held upwards is not in these rows: it need
    not ramp down.
    """
    data, steps = thermal.data, thermal.on.shape[1]
    terms = np.minimum(_steps_to_fall(thermal), np.minimum(data.minimum_up, steps))
    slow = np.flatnonzero(data.slow & (terms > 1))
    if not slow.size:
        return
    width, room, ramp, terms = data.range_mw[slow], data.stop_room[slow], data.ramp_down[slow], terms[slow]
    rows = _limit_rows(program, thermal, slow, held=False)
    for ahead in range(int(terms.max())):
        cut = np.where((ahead < terms)[:, None], cut_after(width, room, ramp, ahead), 0.0)
        add_shifted(program, rows, thermal.stop[slow], ahead + 1, cut)
    _add_earlier_starts(program, thermal, rows, slow, terms, since=0)


def _steps_to_fall(thermal: Thermal) -> Index:
    """Steps before a stop in which the ramp down takes something off the range (g,)."""
    data = thermal.data
    over = np.maximum(data.range_mw.max(axis=1, initial=0.0) - data.stop_room, 0.0)
    needed = np.divide(over, data.ramp_down, out=np.full(len(data), np.inf), where=data.ramp_down > 0.0)
    return np.minimum(np.where(over > 0.0, np.ceil(needed - 1e-9), 0.0), 1e9).astype(np.int64)


def _add_earlier_starts(
    program: Program, thermal: Thermal, rows: Index, chosen: Index, ahead: Index, since: int = 1
) -> None:
    """What starts ``since`` steps back and earlier still take off rows with stops up to ``ahead`` (n,) steps on."""
    data = thermal.data
    width, room, ramp = data.range_mw[chosen], data.start_room[chosen], data.ramp_up[chosen]
    may = data.minimum_up[chosen] - 1 - ahead
    for back in range(since, min(int(may.max(initial=-1)), thermal.on.shape[1] - 1) + 1):
        cut = np.where((back <= may)[:, None], cut_after(width, room, ramp, back), 0.0)
        if not cut.any():
            break
        add_shifted(program, rows, thermal.start[chosen], -back, cut)


def _limit_rows(program: Program, thermal: Thermal, chosen: Index, held: bool) -> Index:
    """above (+ held upwards) ≤ range × on, yet without starts and stops."""
    return program.at_most(
        (len(chosen), thermal.on.shape[1]),
        0.0,
        (thermal.above[chosen], 1.0),
        *((one[chosen], 1.0) for one in (thermal.up if held else ())),
        (thermal.on[chosen], -thermal.data.range_mw[chosen]),
        stage=Stage.SEARCH,
    )


def add_held_while_on(program: Program, horizon: Horizon, thermal: Thermal) -> None:
    """What is held of reserve and of each product ≤ the most of it × on, where that is less than the range."""
    data = thermal.data
    products = sorted(horizon.request.products, key=lambda product: not product.up)
    most_held = [data.reserve_most, *(headroom_most(data, product) for product in products)]
    for held, most in zip((*thermal.up, *thermal.down), most_held, strict=True):
        some = np.flatnonzero(data.slow & (most > 0.0) & (most < data.range_mw.max(axis=1, initial=0.0)))
        program.at_most(
            (len(some), horizon.steps),
            0.0,
            (held[some], 1.0),
            (thermal.on[some], -most[some][:, None]),
            stage=Stage.SEARCH,
        )
