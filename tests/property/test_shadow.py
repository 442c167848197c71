"""Whatever a plant in shadow decides: its imagined fleet stays within what the machines can do."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plant.fleets import FLEET, states
from vppscada.model.dispatch import Dispatch
from vppscada.plant.fleet_view import fleet_columns
from vppscada.plant.memory import Memory
from vppscada.plant.shadow import imagined, obeyed

COLUMNS = fleet_columns(FLEET)
N = len(FLEET)
FLAGS = st.lists(st.booleans(), min_size=N, max_size=N).map(lambda flags: np.array(flags, dtype=np.bool_))
SETPOINTS = st.lists(st.floats(-20.0, 20.0) | st.just(float("nan")), min_size=N, max_size=N).map(np.array)
STEP = st.tuples(SETPOINTS, FLAGS, FLAGS, st.floats(0.0, 2.0))


@given(st.lists(STEP, min_size=1, max_size=8), FLAGS)
def test_powers_and_stores_stay_within_their_limits(
    steps: list[tuple[np.ndarray, np.ndarray, np.ndarray, float]], on: np.ndarray
) -> None:
    live = states(on=on | ~COLUMNS.thermal)
    fleet = imagined(live, Memory.fresh(N, 0))
    for setpoint, start, stop, hours in steps:
        fleet = obeyed(fleet, Dispatch(0.0, setpoint, start, stop, 0.0), live, COLUMNS, hours)
        assert (fleet.power_mw <= COLUMNS.rating_mw + 1e-9).all()
        assert (fleet.power_mw >= -COLUMNS.charge_rating_mw - 1e-9).all()
        assert not (fleet.power_mw[COLUMNS.thermal & ~fleet.on]).any()
        stored = fleet.stored_mwh[COLUMNS.storage]
        assert (stored >= (COLUMNS.soc_minimum * COLUMNS.capacity_mwh)[COLUMNS.storage] - 1e-9).all()
        assert (stored <= (COLUMNS.soc_maximum * COLUMNS.capacity_mwh)[COLUMNS.storage] + 1e-9).all()
