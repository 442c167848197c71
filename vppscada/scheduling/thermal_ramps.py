"""Ramps of thermal assets: between steps, from what they do before the first, and tight ones over several steps.

Starts and stops are limits of generation. As those, ramps have a plain form, whose dual explains the schedule, and a
tight one for the search.
"""

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.limits import LAST_RESORT, LimitSlack
from vppscada.scheduling.program import Limit, Program, Stage
from vppscada.scheduling.thermal import Thermal
from vppscada.scheduling.thermal_cuts import cut_after

#: Longest span of a tight row, steps.
RAMP_SPAN = 3


def add_ramps(program: Program, thermal: Thermal) -> None:
    """Between steps, where a ramp is slower than the whole range in a step. Starts and stops: generation limits."""
    data = thermal.data
    widest = (data.highest - data.minimum[:, None]).max(axis=1, initial=0.0)
    above, steps = thermal.above, thermal.on.shape[1]
    up = data.ramp_up < widest
    program.at_most(
        (int(up.sum()), steps - 1),
        data.ramp_up[up][:, None],
        (above[up, 1:], 1.0),
        *((held[up, 1:], 1.0) for held in thermal.up),
        (above[up, :-1], -1.0),
        limit=Limit.RAMP_UP,
        stage=data.plain_stage[up],
    )
    down = data.ramp_down < widest
    program.at_most(
        (int(down.sum()), steps - 1),
        data.ramp_down[down][:, None],
        (above[down, :-1], 1.0),
        (above[down, 1:], -1.0),
        *((held[down, 1:], 1.0) for held in thermal.down),
        limit=Limit.RAMP_DOWN,
        stage=data.plain_stage[down],
    )


def add_tight_ramps(program: Program, thermal: Thermal) -> None:
    """Ramps over one, two and three steps, as long as they are narrower than the range.

    Damcı-Kurt et al. (2016), Pan and Guan (2016), Knueven et al. (2020).
    """
    for span in range(1, min(RAMP_SPAN, thermal.on.shape[1] - 1) + 1):
        _add_tight_up(program, thermal, span)
        _add_tight_down(program, thermal, span)


def _add_tight_up(program: Program, thermal: Thermal, span: int) -> None:
    """above + held − above ``span`` steps before ≤ span·ramp·on, less where a start left less time to ramp."""
    data, steps = thermal.data, thermal.on.shape[1]
    slow = np.flatnonzero(data.slow & (span * data.ramp_up < data.range_mw.max(axis=1, initial=0.0)))
    climb, ramp, least = span * data.ramp_up[slow], data.ramp_up[slow], data.minimum_up[slow]
    rows = program.at_most(
        (len(slow), steps - span),
        0.0,
        (thermal.above[slow, span:], 1.0),
        *((held[slow, span:], 1.0) for held in thermal.up),
        (thermal.above[slow, :-span], -1.0),
        (thermal.on[slow, span:], -climb[:, None]),
        stage=Stage.SEARCH,
    )
    wide = climb[:, None]
    for back in range(span):
        cut = np.where((back < least)[:, None], cut_after(wide, data.start_room[slow], ramp, back), 0.0)
        program.add(rows, thermal.start[slow, span - back : steps - back], cut)
    cut = np.where((span + 1 <= least)[:, None], cut_after(wide, data.stop_room[slow], ramp, 0), 0.0)
    program.add(rows[:, :-1], thermal.stop[slow, span + 1 :], cut)


def _add_tight_down(program: Program, thermal: Thermal, span: int) -> None:
    """above ``span`` steps before − above + held downwards ≤ span·ramp·(on before), less at a stop or a start.

    Rows stand at the later step; their terms are those of the earlier one.
    """
    data, steps = thermal.data, thermal.on.shape[1]
    slow = np.flatnonzero(data.slow & (span * data.ramp_down < data.range_mw.max(axis=1, initial=0.0)))
    fall, ramp, least = span * data.ramp_down[slow], data.ramp_down[slow], data.minimum_up[slow]
    rows = program.at_most(
        (len(slow), steps - span),
        0.0,
        (thermal.above[slow, :-span], 1.0),
        (thermal.above[slow, span:], -1.0),
        *((held[slow, span:], 1.0) for held in thermal.down),
        (thermal.on[slow, :-span], -fall[:, None]),
        stage=Stage.SEARCH,
    )
    wide = fall[:, None]
    for ahead in range(span):
        cut = np.where((ahead < least)[:, None], cut_after(wide, data.stop_room[slow], ramp, ahead), 0.0)
        program.add(rows, thermal.stop[slow, ahead + 1 : steps - span + ahead + 1], cut)
    cut = np.where((span + 1 <= least)[:, None], cut_after(wide, data.start_room[slow], ramp, 0), 0.0)
    program.add(rows, thermal.start[slow, : steps - span], cut)


def add_initial_ramps(program: Program, horizon: Horizon, thermal: Thermal, slacks: list[LimitSlack]) -> None:
    """From the power before the first step: up, down, and down to a stop. Down gives where a limit fell faster."""
    data = thermal.data
    known = data.was_on & ~np.isnan(data.above_before)
    up = known & np.isfinite(data.ramp_up)
    program.at_most(
        (int(up.sum()),),
        0.0,
        (thermal.above[up, 0], 1.0),
        *((held[up, 0], 1.0) for held in thermal.up),
        (thermal.on[up, 0], -(data.above_before[up] + data.ramp_up[up])),
        limit=Limit.RAMP_UP,
    )
    down = np.flatnonzero(known & np.isfinite(data.ramp_down))
    before = data.above_before[down]
    fast_down = program.block((len(down), horizon.steps), 0.0, _first_step(len(down), horizon.steps))
    fast_stop = program.block((len(down), horizon.steps), 0.0, _first_step(len(down), horizon.steps))
    program.at_least(
        (len(down),),
        before - data.ramp_down[down],
        (thermal.above[down, 0], 1.0),
        (fast_down[:, 0], 1.0),
        *((held[down, 0], -1.0) for held in thermal.down),
        limit=Limit.RAMP_DOWN,
    )
    over = np.maximum(before - (data.stop_limit - data.minimum)[down], 0.0)
    program.at_most((len(down),), 0.0, (thermal.stop[down, 0], over), (fast_stop[:, 0], -1.0))
    price = np.array(LAST_RESORT * horizon.request.value_of_lost_load_per_mwh * horizon.hours)
    names = [data.assets[i].name for i in down]
    slacks.append(LimitSlack(tuple(f"{name} ramp down" for name in names), "MW", fast_down, price))
    slacks.append(LimitSlack(tuple(f"{name} shut-down ramp" for name in names), "MW", fast_stop, price))


def _first_step(count: int, steps: int) -> NDArray[np.float64]:
    most = np.zeros((count, steps))
    most[:, 0] = np.inf
    return most
