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
    rows = _limit_rows(program, thermal, slow)
    add_shifted(program, rows, thermal.start[slow], 0, start_cut[slow])
    late = np.where(brief[:, None], np.maximum(stop_cut - start_cut, 0.0), stop_cut)
    add_shifted(program, rows, thermal.stop[slow], 1, late[slow])
    _add_earlier_starts(program, thermal, rows, slow, np.where((stop_cut[slow] > 0.0).any(axis=1), 1, 0))
    both = np.flatnonzero(data.slow & brief & (stop_cut > 0.0).any(axis=1) & (start_cut > 0.0).any(axis=1))
    rows = _limit_rows(program, thermal, both)
    add_shifted(program, rows, thermal.stop[both], 1, stop_cut[both])
    add_shifted(program, rows, thermal.start[both], 0, np.maximum(start_cut - stop_cut, 0.0)[both])


def _add_earlier_starts(program: Program, thermal: Thermal, rows: Index, slow: Index, ahead: Index) -> None:
    """What starts one step back and earlier still take off rows with stops up to ``ahead`` (n,) steps on."""
    data = thermal.data
    width, room, ramp = data.range_mw[slow], data.start_room[slow], data.ramp_up[slow]
    may = data.minimum_up[slow] - 1 - ahead
    for back in range(1, min(int(may.max(initial=0)), thermal.on.shape[1] - 1) + 1):
        cut = np.where((back <= may)[:, None], cut_after(width, room, ramp, back), 0.0)
        if not cut.any():
            break
        add_shifted(program, rows, thermal.start[slow], -back, cut)


def _limit_rows(program: Program, thermal: Thermal, chosen: Index) -> Index:
    """above + held upwards ≤ range × on, yet without starts and stops."""
    return program.at_most(
        (len(chosen), thermal.on.shape[1]),
        0.0,
        (thermal.above[chosen], 1.0),
        *((held[chosen], 1.0) for held in thermal.up),
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
