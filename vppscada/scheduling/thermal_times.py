"""On, off, starts and stops of thermal assets, and their minimum up and down times.

Rows after Rajan and Takriti (2005): they are the convex hull of what these times allow one unit.
"""

import numpy as np

from vppscada.model.assets import column
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.limits import LAST_RESORT, LimitSlack
from vppscada.scheduling.program import Program
from vppscada.scheduling.thermal import Thermal, initial_hold


def add_logic(program: Program, thermal: Thermal) -> None:
    """on − on before = start − stop."""
    before = np.zeros(thermal.on.shape)
    before[:, 0] = thermal.data.was_on
    rows = program.equal(thermal.on.shape, before, (thermal.on, 1.0), (thermal.start, -1.0), (thermal.stop, 1.0))
    program.add(rows[:, 1:], thermal.on[:, :-1], -1.0)


def add_minimum_times(program: Program, thermal: Thermal) -> None:
    """Starts of the last minimum-up steps ≤ on; stops of the last minimum-down steps ≤ 1 − on."""
    up = program.at_most(thermal.on.shape, 0.0, (thermal.on, -1.0))
    down = program.at_most(thermal.on.shape, 1.0, (thermal.on, 1.0))
    steps = thermal.on.shape[1]
    for rows, event, least in (
        (up, thermal.start, thermal.data.minimum_up),
        (down, thermal.stop, thermal.data.minimum_down),
    ):
        for lag in range(min(int(least.max(initial=1)), steps)):
            there = least > lag
            program.add(rows[there, lag:], event[there, : steps - lag], 1.0)


def add_initial_times(program: Program, horizon: Horizon, thermal: Thermal, slacks: list[LimitSlack]) -> None:
    """What is left of minimum up and down times at the start. The up time gives where a permit forbids to run."""
    data = thermal.data
    must_on, must_off = initial_hold(horizon, data)
    step = np.arange(horizon.steps)
    held_off = step[None, :] < must_off[:, None]
    program.at_most((int(held_off.sum()),), 0.0, (thermal.on[held_off], 1.0))
    holding = np.flatnonzero(must_on > 0)
    held_on = step[None, :] < must_on[holding][:, None]
    short = program.block((len(holding), horizon.steps), 0.0, held_on)
    program.at_least((int(held_on.sum()),), 1.0, (thermal.on[holding][held_on], 1.0), (short[held_on], 1.0))
    price = LAST_RESORT * horizon.request.value_of_lost_load_per_mwh * horizon.hours
    slacks.append(
        LimitSlack(
            tuple(f"{data.assets[i].name} minimum up time" for i in holding),
            "steps",
            short,
            price * column([data.assets[i] for i in holding], "rating_mw")[:, None],
        )
    )
