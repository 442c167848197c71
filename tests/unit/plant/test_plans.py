"""Schedules as they were adopted: what is read back is what was in force."""

import numpy as np
import pytest

from tests.unit.plant.schedules import schedule
from vppscada.model.schedule import Objective
from vppscada.plant.plans import Plan, plan_bytes, plan_of

ON = [[True, False, True], [False, False, True], [True, True, True]]
POWER = [[1.5, 0.0, -2.25], [0.0, 0.0, 3.125], [7.0, 8.0, 9.000001]]
PLAN = Plan(schedule(ON, POWER, start_ms=900_000), ("a", "b", "c"), "clock", Objective.COST)


def test_a_plan_is_on_disk_what_it_was() -> None:
    kept = plan_of(plan_bytes(PLAN))
    assert kept.names == ("a", "b", "c") and kept.told["why"] == "clock" and kept.told["objective"] == "cost"
    assert kept.power_mw == pytest.approx(np.array(POWER), abs=1e-6) and kept.on.tolist() == ON
    assert PLAN.end_ms == 900_000 + 3 * 900_000


def test_a_moment_is_in_its_step_or_in_none() -> None:
    kept = plan_of(plan_bytes(PLAN))
    assert [kept.step_at(at) for at in (899_999, 900_000, 1_800_000, 3_599_999, 3_600_000)] == [None, 0, 1, 2, None]


@pytest.mark.parametrize("octets", [b"", b"no", plan_bytes(PLAN)[:-3]])
def test_a_damaged_plan_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError, match="schedule"):
        plan_of(octets)
