import json
from dataclasses import replace

from tests.unit.plant.fleets import EMERGENCY, ENGINE, states
from vppscada.model.assets import Fleet
from vppscada.plant.memory import Memory, elapsed, emergency_mask
from vppscada.plant.permits import used_hours

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


def ran(memory: Memory, hours: float, *, emergency: bool) -> Memory:
    """Both run on for so long."""
    memory = replace(memory, emergency=emergency)
    until = memory.plant_ms + round(hours * 3_600_000)
    return elapsed(memory, states(FLEET), until, generators=emergency_mask(FLEET))


def test_hours_of_generators_are_counted_apart_in_an_emergency_and_without() -> None:
    memory = elapsed(Memory.fresh(2, 0), states(FLEET), 0)
    memory = ran(ran(ran(memory, 2.0, emergency=False), 3.0, emergency=True), 0.5, emergency=False)
    used = used_hours(memory)
    assert (used.today[1], used.non_emergency_today[1]) == (3.0, 2.5)
    assert (used.year[1], used.non_emergency_year[1]) == (3.0, 2.5)
    assert memory.non_emergency_today[0] == 0.0  # an engine has no emergencies


def test_both_counts_survive_a_restart_and_begin_anew_with_the_day_and_the_year() -> None:
    start = 364 * DAY_MS + 20 * 3_600_000  # 31 December 1970, 20:00
    memory = elapsed(Memory.fresh(2, start), states(FLEET), start)
    memory = ran(ran(memory, 1.0, emergency=False), 1.0, emergency=True)
    again = Memory.fresh(2, memory.plant_ms).restored(memory.to_json(FLEET), FLEET)
    used = used_hours(again)
    assert (used.today[1], used.non_emergency_today[1]) == (1.0, 1.0)
    assert (used.year[1], used.non_emergency_year[1]) == (1.0, 1.0)
    later = used_hours(ran(again, 3.0, emergency=False))  # one of them in the new year
    assert (later.today[1], later.non_emergency_today[1]) == (0.0, 1.0)
    assert (later.year[1], later.non_emergency_year[1]) == (0.0, 1.0)


def test_a_restart_counts_the_time_out_of_sight_as_the_kind_it_was() -> None:
    memory = replace(elapsed(Memory.fresh(2, 0), states(FLEET), 0), emergency=True)
    again = Memory.fresh(2, 7_200_000).restored(memory.to_json(FLEET), FLEET)
    again = elapsed(again, states(FLEET), 7_200_000, generators=emergency_mask(FLEET))
    assert (used_hours(again).today[1], used_hours(again).non_emergency_today[1]) == (2.0, 0.0)


def test_a_journal_that_counted_them_together_is_read_as_emergencies() -> None:
    kept = json.loads(elapsed(Memory.fresh(2, 0), states(FLEET), 3_600_000).to_json(FLEET))
    kept["assets"] = {name: columns[:4] for name, columns in kept["assets"].items()}
    again = Memory.fresh(2, 3_600_000).restored(json.dumps(kept), FLEET)
    assert (used_hours(again).today[1], used_hours(again).non_emergency_today[1]) == (1.0, 0.0)


def test_a_long_gap_holds_no_more_hours_than_the_day_and_the_year() -> None:
    memory = elapsed(Memory.fresh(2, 0), states(FLEET), 0)  # 1970: a clock that was not set
    noon = 20_000 * DAY_MS + DAY_MS // 2
    memory = elapsed(memory, states(FLEET, on=[True, False]), noon)
    assert memory.run_hours_today.tolist() == [12.0, 0.0]
    assert 0.0 < memory.run_hours_year[0] <= 366 * 24.0 and memory.run_hours_year[1] == 0.0


def test_a_new_year_starts_with_no_hours_run() -> None:
    memory = elapsed(Memory.fresh(2, 0), states(FLEET), 364 * DAY_MS)
    assert memory.run_hours_year[0] == 364 * 24.0
    memory = elapsed(memory, states(FLEET), 365 * DAY_MS + 3_600_000)
    assert memory.run_hours_year[0] == 1.0


def test_memory_of_long_ago_is_no_reason_to_hold_a_unit_back() -> None:
    kept = elapsed(Memory.fresh(2, 0), states(FLEET, on=[False, False]), 1000).to_json(FLEET)
    now = 30 * DAY_MS
    memory = elapsed(Memory.fresh(2, now).restored(kept, FLEET), states(FLEET, on=[False, False]), now)
    assert memory.seconds_in_state[0] > 30 * 86_400.0 and memory.run_hours_today.tolist() == [0.0, 0.0]


def test_memory_of_the_future_holds_nothing_back() -> None:
    kept = elapsed(Memory.fresh(2, 0), states(FLEET), 40 * DAY_MS).to_json(FLEET)
    memory = elapsed(Memory.fresh(2, DAY_MS).restored(kept, FLEET), states(FLEET), DAY_MS + 1000)
    assert memory.plant_ms == DAY_MS + 1000
