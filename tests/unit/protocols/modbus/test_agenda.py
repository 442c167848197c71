"""Scan classes: periods, priorities, and that nobody is starved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.agenda import Turn, begin_turn, next_turn, rest_s
from protocols.modbus.groups import groups_of
from protocols.modbus.session import ModbusSession
from protocols.modbus.settings import ModbusSessionSettings, ScanClass
from tests.unit.protocols.modbus.making import FIRST_ROW, FakeDevice, Running, eventually, point, rows, running, zeros


def test_the_lower_priority_number_is_read_first() -> None:
    turns = [Turn(ScanClass("a", 1.0, 5), 0.0), Turn(ScanClass("b", 1.0, 1), 0.5)]
    assert next_turn(turns, 0.6) == 1
    assert next_turn(turns, 0.4) == 0


def test_nothing_is_read_before_it_is_due() -> None:
    turns = [Turn(ScanClass("a", 1.0), 2.0), Turn(ScanClass("b", 1.0), 3.0)]
    assert next_turn(turns, 1.5) is None
    assert rest_s(turns, 1.5) == 0.5


def test_a_scan_that_is_late_starts_the_next_at_once_and_says_so() -> None:
    turn = Turn(ScanClass("a", 1.0), 0.0, under_way=True)
    assert not turn.finish(0.5)
    assert turn.due == 1.0
    assert turn.finish(5.0)
    assert turn.due == 5.0


@given(st.lists(st.tuples(st.floats(0.01, 5.0), st.integers(1, 9), st.floats(0.001, 0.5)), min_size=1, max_size=5))
def test_every_class_is_read_again_and_again_however_busy_the_line(classes: list[tuple[float, int, float]]) -> None:
    turns = [Turn(ScanClass(str(i), period_s, priority), 0.0) for i, (period_s, priority, _) in enumerate(classes)]
    scans = [0] * len(turns)
    now = 0.0
    while now < 200.0:
        at = next_turn(turns, now)
        if at is None:
            now += rest_s(turns, now) + 1e-9
            continue
        begin_turn(turns, at, now)
        now += classes[at][2]
        turns[at].finish(now)
        scans[at] += 1
    assert min(scans) >= 2


def test_a_class_that_is_passed_over_comes_nearer_with_every_scan_that_went_before() -> None:
    turns = [Turn(ScanClass("urgent", 0.01, 1), 0.0), Turn(ScanClass("slow", 60.0, 4), 0.0)]
    order = []
    for now in range(1, 6):
        at = next_turn(turns, now)
        assert at is not None
        order.append(at)
        begin_turn(turns, at, now)
        turns[at].finish(now + 0.5)
    assert order == [0, 0, 0, 1, 0]


POINTS = [
    point("power", "analog_input", "int16", table="input_register", register="0", scan_class="fast"),
    point("energy", "analog_input", "int16", table="input_register", register="1", scale_factor="sf"),
    point("sf", "analog_input", "int16", table="input_register", register="50", scan_class="slow"),
]
CLASSES = (ScanClass("fast", 0.02, 1), ScanClass("slow", 600.0, 9), ScanClass("unused", 1.0))


def settings(port: int = 1) -> ModbusSessionSettings:
    return ModbusSessionSettings("127.0.0.1", port, period_s=0.05, scan_classes=CLASSES)


def test_a_class_reads_its_points_and_their_scale_factors() -> None:
    groups = groups_of(rows(POINTS), settings())
    told = {group.scan_class.name: group.rows.tolist() for group in groups}
    assert told == {"": [FIRST_ROW + 1], "fast": [FIRST_ROW], "slow": [FIRST_ROW + 2]}
    default = groups[0]
    assert [(block.start, block.count) for block in default.plan.blocks] == [(1, 1), (50, 1)]


def test_a_class_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="hourly"):
        ModbusSession(
            "s",
            settings(),
            rows([point("x", "analog_input", "int16", table="input_register", register="0", scan_class="hourly")]),
        )


async def test_each_class_has_its_own_period() -> None:
    async with (
        FakeDevice(zeros).serving() as device,
        running(ModbusSession("s", settings(device.port), rows(POINTS))) as run,
    ):
        assert scans_of(run) == {0, 1, 2}
        await eventually(lambda: count(run, 0) > 10 and count(run, 1) > 5)
        assert count(run, 2) == 1


def scans_of(run: Running) -> set[int]:
    return {int(row) - FIRST_ROW for batch in run.listener.batches for row in batch.rows}


def count(run: Running, place: int) -> int:
    return sum(FIRST_ROW + place in batch.rows for batch in run.listener.batches)
