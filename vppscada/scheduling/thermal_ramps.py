"""Ramps of thermal assets: between steps, and from what they do before the first.

Starts and stops are limits of generation. As those, ramps have a plain form, whose dual explains the schedule, and a
tight one for the search.
"""

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.limits import LAST_RESORT, LimitSlack
from vppscada.scheduling.program import Limit, Program, Stage
from vppscada.scheduling.thermal import Thermal


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
    """Between steps: nothing while off, and no more than a start or a stop leaves of a ramp.

    Damcı-Kurt et al. (2016), Pan and Guan (2016). Their rows over two and three steps did not pay: the relaxation was
    the same in hours and hardly higher in quarters of an hour, and took twice as long.
    """
    _add_tight_up(program, thermal)
    _add_tight_down(program, thermal)


def _add_tight_up(program: Program, thermal: Thermal) -> None:
    """above + held − above before ≤ ramp × on, less at a start, and before a stop that times keep apart from it."""
    data, steps = thermal.data, thermal.on.shape[1]
    slow = np.flatnonzero(data.slow & (data.ramp_up < data.range_mw.max(axis=1, initial=0.0)))
    ramp, above = data.ramp_up[slow][:, None], thermal.above[slow]
    rows = program.at_most(
        (len(slow), steps - 1),
        0.0,
        (above[:, 1:], 1.0),
        *((held[slow, 1:], 1.0) for held in thermal.up),
        (above[:, :-1], -1.0),
        (thermal.on[slow, 1:], -ramp),
        (thermal.start[slow, 1:], np.maximum(ramp - data.start_room[slow][:, None], 0.0)),
        stage=Stage.SEARCH,
    )
    apart = data.minimum_up[slow][:, None] >= 2
    before_stop = np.where(apart, np.maximum(ramp - data.stop_room[slow][:, None], 0.0), 0.0)
    program.add(rows[:, :-1], thermal.stop[slow, 2:], before_stop)


def _add_tight_down(program: Program, thermal: Thermal) -> None:
    """above before − above + held ≤ ramp × on before, less at a stop, and after a start that times keep from it."""
    data, steps = thermal.data, thermal.on.shape[1]
    slow = np.flatnonzero(data.slow & (data.ramp_down < data.range_mw.max(axis=1, initial=0.0)))
    ramp, above = data.ramp_down[slow][:, None], thermal.above[slow]
    apart = data.minimum_up[slow][:, None] >= 2
    after_start = np.where(apart, np.maximum(ramp - data.start_room[slow][:, None], 0.0), 0.0)
    program.at_most(
        (len(slow), steps - 1),
        0.0,
        (above[:, :-1], 1.0),
        (above[:, 1:], -1.0),
        *((held[slow, 1:], 1.0) for held in thermal.down),
        (thermal.on[slow, :-1], -ramp),
        (thermal.stop[slow, 1:], np.maximum(ramp - data.stop_room[slow][:, None], 0.0)),
        (thermal.start[slow, :-1], after_start),
        stage=Stage.SEARCH,
    )


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
