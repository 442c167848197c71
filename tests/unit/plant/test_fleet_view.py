import numpy as np
import pytest

from tests.unit.plant.fleets import FLEET
from vppscada.model.points import Point, PointKind, Role
from vppscada.model.quality import Quality
from vppscada.plant.aggregate import aggregate
from vppscada.plant.fleet_view import asset_states, fleet_columns, fleet_rows

AI, BI = PointKind.ANALOG_INPUT, PointKind.BINARY_INPUT
COLUMNS = fleet_columns(FLEET)
POINTS = [
    Point("engine1.p", AI, Role.ACTIVE_POWER),
    Point("engine1.run", BI, Role.RUNNING),
    Point("engine1.trip", BI, Role.FAULT),
    Point("engine1.auto", BI, Role.REMOTE),
    Point("pv1.p", AI, Role.ACTIVE_POWER),
    Point("pv1.avail", AI, Role.AVAILABLE_POWER),
    Point("battery1.p", AI, Role.ACTIVE_POWER),
    Point("battery1.soc", AI, Role.STATE_OF_CHARGE),
    Point("flywheel1.p", AI, Role.ACTIVE_POWER),
    Point("flywheel1.e", AI, Role.STORED_ENERGY),
    Point("engine1.p2", AI, Role.ACTIVE_POWER),
]
VALUES = np.array([6.0, 1, 0, 1, 3, 3.5, -2, 60, 0.5, 0.25, 99])
ROWS = fleet_rows(FLEET, POINTS)


def quality(**bad: Quality) -> "np.ndarray[tuple[int], np.dtype[np.uint16]]":
    column = np.full(len(POINTS), Quality.ONLINE, dtype=np.uint16)
    for i, point in enumerate(POINTS):
        name = point.id.replace(".", "_")
        if name in bad:
            column[i] = bad[name]
    return column


def test_reads_every_asset_by_role() -> None:
    states = asset_states(COLUMNS, ROWS, VALUES, quality())
    assert states.power_mw.tolist() == [6.0, 3.0, -2.0, 0.5]
    assert states.available_mw.tolist() == [10.0, 3.5, 5.0, 2.0]
    assert states.stored_mwh[2:].tolist() == [6.0, 0.25]
    assert states.usable.all() and states.on.all()


@pytest.mark.parametrize(
    "flaw", [Quality.COMM_LOST, Quality.STALE | Quality.ONLINE, Quality.NONE, Quality.ONLINE | Quality.OVER_RANGE]
)
def test_an_unfit_power_takes_the_asset_offline(flaw: Quality) -> None:
    states = asset_states(COLUMNS, ROWS, VALUES, quality(engine1_p=flaw))
    assert np.isnan(states.power_mw[0])
    assert not states.online[0] and not states.usable[0] and states.online[1:].all()


def test_a_forced_value_is_usable() -> None:
    assert asset_states(COLUMNS, ROWS, VALUES, quality(engine1_p=Quality.ONLINE | Quality.LOCAL_FORCED)).usable[0]


def test_an_unknown_fault_is_not_taken_for_none() -> None:
    states = asset_states(COLUMNS, ROWS, VALUES, quality(engine1_trip=Quality.COMM_LOST))
    assert states.online[0] and not states.usable[0]


def test_a_device_in_local_is_not_usable() -> None:
    values = VALUES.copy()
    values[3] = 0.0
    assert not asset_states(COLUMNS, ROWS, values, quality()).usable[0]


def test_a_storage_whose_energy_is_unknown_is_not_usable() -> None:
    assert not asset_states(COLUMNS, ROWS, VALUES, quality(battery1_soc=Quality.COMM_LOST)).usable[2]


def test_the_plant_is_the_sum_and_no_better_than_its_parts() -> None:
    full = asset_states(COLUMNS, ROWS, VALUES, quality())
    plant = aggregate(COLUMNS, full, full.power_mw - 1, full.power_mw + 2)
    assert plant.power_mw == pytest.approx(7.5)
    assert (plant.available_up_mw, plant.available_down_mw) == (8.0, 4.0)
    assert plant.state_of_charge == pytest.approx(100 * 6.25 / 10.5)
    assert plant.quality is Quality.ONLINE
    part = asset_states(COLUMNS, ROWS, VALUES, quality(pv1_p=Quality.COMM_LOST))
    lost = aggregate(COLUMNS, part, part.power_mw, part.power_mw)
    assert not lost.quality & Quality.ONLINE and lost.assets_online == 3
    assert lost.power_mw == pytest.approx(4.5)
