"""What the plant knows of its assets when the fleet changes under it."""

from dataclasses import replace

import numpy as np

from tests.unit.plant.fleets import BATTERY, EMERGENCY, ENGINE, PV, states
from tests.unit.plant.schedules import schedule
from vppscada.model.assets import Fleet
from vppscada.plant.carrying import carried_memory, carried_schedule
from vppscada.plant.following import Following
from vppscada.plant.memory import Memory, elapsed

BEFORE, AFTER = Fleet((ENGINE, EMERGENCY, BATTERY)), Fleet((PV, BATTERY, ENGINE))


def test_assets_take_their_memory_along_and_new_ones_have_none() -> None:
    memory = elapsed(Memory.fresh(3, 0), states(BEFORE, on=[True, False, True]), 1000)
    memory = replace(
        memory,
        setpoint_mw=np.arange(9.0).reshape(3, 3),
        following=Following(np.array([1, 2, 0], dtype=np.int16), np.array([0.1, 0.2, 0.3]), np.array([9.0, -1.0, 5.0])),
        trim_mw=0.7,
        emergency=True,
    )
    carried = carried_memory(memory, BEFORE, AFTER)
    assert carried.was_on.tolist() == [False, True, True] and carried.seen.tolist() == [False, True, True]
    assert np.isnan(carried.setpoint_mw[:, 0]).all()
    assert carried.setpoint_mw[:, 1:].tolist() == memory.setpoint_mw[:, [2, 0]].tolist()
    assert carried.seconds_in_state[2] == memory.seconds_in_state[0]
    assert carried.run_hours_year[2] == memory.run_hours_year[0]
    assert carried.following.strikes.tolist() == [0, 0, 1]
    assert carried.following.clamped_until.tolist() == [-np.inf, 5.0, 9.0]
    assert (carried.trim_mw, carried.emergency, carried.plant_ms) == (0.7, True, 1000)


def test_the_schedule_goes_on_and_new_assets_rest() -> None:
    plan = schedule([[True, True], [False, False], [True, True]], [[5.0, 6.0], [0.0, 0.0], [1.0, -1.0]])
    carried = carried_schedule(plan, BEFORE, AFTER)
    assert carried.power_mw.tolist() == [[0.0, 0.0], [1.0, -1.0], [5.0, 6.0]]
    assert carried.on.tolist() == [[False, False], [True, True], [True, True]]
    assert carried.marginal_price_per_mwh is plan.marginal_price_per_mwh
