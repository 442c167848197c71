import numpy as np
import pytest

from tests.unit.plant.fleets import FLEET, states
from tests.unit.plant.schedules import schedule
from vppscada.plant.commitment import commit, step_at, wanted_on
from vppscada.plant.fleet_view import fleet_columns

COLUMNS = fleet_columns(FLEET)
LONG = np.full(4, 1e6)
OFF = [False, True, True, True]


def wanted(engine: bool) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([engine, False, False, False])


def test_a_wanted_engine_that_is_off_is_started() -> None:
    assert commit(COLUMNS, states(on=OFF), wanted(True), LONG).start.tolist() == [True, False, False, False]


def test_minimum_down_time_is_kept() -> None:
    assert not commit(COLUMNS, states(on=OFF), wanted(True), np.full(4, 60.0)).start.any()


def test_an_unwanted_engine_is_stopped_once_unloaded() -> None:
    assert not commit(COLUMNS, states(power_mw=[8, 0, 0, 0]), wanted(False), LONG).stop.any()
    assert commit(COLUMNS, states(power_mw=[3.1, 0, 0, 0]), wanted(False), LONG).stop[0]


def test_minimum_up_time_is_kept_and_counts_as_wanted() -> None:
    kept = commit(COLUMNS, states(power_mw=[3, 0, 0, 0]), wanted(False), np.full(4, 60.0))
    assert not kept.stop.any() and kept.wanted[0]


def test_an_unusable_engine_gets_neither() -> None:
    dead = commit(COLUMNS, states(on=OFF, usable=OFF), wanted(True), LONG)
    assert not dead.start.any() and not dead.stop.any()


def test_only_thermal_assets_are_committed() -> None:
    assert commit(COLUMNS, states(), np.ones(4, dtype=np.bool_), LONG).wanted.tolist() == [True, False, False, False]


def test_a_start_is_wanted_its_start_time_ahead() -> None:
    plan = schedule(on=[[False, True], [True, True], [True, True], [True, True]])
    start_time = np.array([120.0, 0, 0, 0])
    assert not wanted_on(plan, 779_000, start_time)[0]
    assert wanted_on(plan, 781_000, start_time)[0]


@pytest.mark.parametrize(("ms", "step"), [(-1, None), (0, 0), (899_999, 0), (900_000, 1), (1_800_000, None)])
def test_steps_cover_their_time_only(ms: int, step: int | None) -> None:
    assert step_at(schedule(on=[[True, True]] * 4), ms) == step
