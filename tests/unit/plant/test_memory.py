from tests.unit.plant.fleets import EMERGENCY, ENGINE, states
from vppscada.model.assets import Fleet
from vppscada.plant.memory import Memory, elapsed

FLEET = Fleet((ENGINE, EMERGENCY))
DAY_MS = 86_400_000


def test_times_in_state_and_run_hours_advance() -> None:
    memory = elapsed(Memory.fresh(2, 0), states(FLEET, on=[False, False]), 0)
    assert memory.seconds_in_state[0] > 86_400  # what was before the start has been so for long
    memory = elapsed(memory, states(FLEET, on=[True, False]), 1000)
    assert memory.seconds_in_state[0] == 0.0  # it has just gone on
    memory = elapsed(memory, states(FLEET, on=[True, False]), 1000 + 1_800_000)
    assert memory.seconds_in_state[0] == 1800.0
    assert memory.run_hours_today.tolist() == [1801 / 3600, 0.0]


def test_a_new_day_starts_with_no_hours_run() -> None:
    memory = elapsed(Memory.fresh(2, DAY_MS - 3_600_000), states(FLEET), DAY_MS - 1)
    memory = elapsed(memory, states(FLEET), DAY_MS)
    assert memory.run_hours_today[0] < 1e-6 and memory.run_hours_year[0] > 0.9


def test_an_asset_out_of_sight_keeps_what_it_was() -> None:
    memory = elapsed(Memory.fresh(2, 0), states(FLEET), 1000)
    memory = elapsed(memory, states(FLEET, on=[False, False], online=[False, True]), 2000)
    assert memory.was_on.tolist() == [True, False]


def test_it_survives_the_journal_even_when_the_fleet_changes() -> None:
    memory = elapsed(Memory.fresh(2, 0), states(FLEET), 3_600_000)
    again = Memory.fresh(1, 7_200_000).restored(memory.to_json(FLEET), Fleet((EMERGENCY,)))
    assert again.run_hours_today.tolist() == memory.run_hours_today[1:].tolist()
    assert again.was_on.tolist() == [True] and again.plant_ms == 3_600_000


def test_emergency_generators_need_an_emergency() -> None:
    assert Memory.fresh(2, 0).history(FLEET).permitted.tolist() == [True, False]
