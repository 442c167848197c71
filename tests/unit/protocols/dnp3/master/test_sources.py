"""Points that are fed by what a freeze kept, or by commands, and times that count from a common one."""

from collections import Counter

import pytest

from protocols.dnp3.addresses import COMMAND, FROZEN, Dnp3Address
from protocols.dnp3.master.mapping import PointMapping
from protocols.dnp3.objects import build_time
from tests.unit.protocols.dnp3.master.test_mapping import NOW_MS, mapping_of, octets, read
from vppscada.model.batch import Cause
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality, TimeQuality


def source_mapping(*points: tuple[PointKind, str]) -> PointMapping:
    """Points at index 4, one row each, by kind and source."""
    made = [Point(f"a.p{row}", kind, address=Dnp3Address(4, source=of)) for row, (kind, of) in enumerate(points)]
    return PointMapping([RowPoint(row, point) for row, point in enumerate(made)], Counter())


@pytest.mark.parametrize(
    ("kind", "running", "frozen", "frozen_event"),
    [
        (PointKind.COUNTER, (20, 1), [(21, 1), (21, 2), (21, 5), (21, 6), (21, 9), (21, 10)], (23, 5)),
        (PointKind.ANALOG_INPUT, (30, 5), [(31, 1), (31, 2), (31, 3), (31, 5), (31, 7), (31, 8)], (33, 7)),
    ],
)
def test_what_a_freeze_kept_is_a_point_of_its_own(
    kind: PointKind, running: tuple[int, int], frozen: list[tuple[int, int]], frozen_event: tuple[int, int]
) -> None:
    mapping = source_mapping((kind, ""), (kind, FROZEN))
    (static,) = read(mapping, octets(*running, {4: 50.0}))
    assert (static.rows.tolist(), static.value.tolist()) == ([0], [50.0])
    for group, variation in frozen:
        (kept,) = read(mapping, octets(group, variation, {4: 30.0}, NOW_MS))
        assert (kept.rows.tolist(), kept.value.tolist(), kept.cause) == ([1], [30.0], Cause.INTEGRITY)
    (event,) = read(mapping, octets(*frozen_event, {4: 30.0}, NOW_MS))
    assert (event.rows.tolist(), event.value.tolist(), event.cause) == ([1], [30.0], Cause.EVENT)
    assert event.source_time_ms.tolist() == [NOW_MS]


def test_frozen_values_that_no_point_takes_do_not_reach_the_running_one() -> None:
    assert read(source_mapping((PointKind.COUNTER, "")), octets(21, 1, {4: 30.0})) == []


def test_a_frozen_value_keeps_its_flags() -> None:
    (kept,) = read(source_mapping((PointKind.COUNTER, FROZEN)), octets(21, 1, {4: 30.0}, flags=0x45))
    assert Quality(int(kept.quality[0])) == Quality.ONLINE | Quality.COMM_LOST | Quality.DISCONTINUITY


@pytest.mark.parametrize(("octet", "value", "online"), [(0x80, 1.0, True), (0x00, 0.0, True), (0x84, 1.0, False)])
def test_a_command_to_a_binary_output_tells_its_state_and_whether_it_was_taken(
    octet: int, value: float, online: bool
) -> None:
    mapping = source_mapping((PointKind.BINARY_INPUT, COMMAND), (PointKind.BINARY_OUTPUT, ""))
    (batch,) = read(mapping, octets(13, 2, {4: 0.0}, NOW_MS, flags=octet))
    assert (batch.rows.tolist(), batch.value.tolist(), batch.cause) == ([0], [value], Cause.EVENT)
    assert bool(batch.quality[0] & Quality.ONLINE) is online
    (status,) = read(mapping, octets(11, 2, {4: 1.0}, NOW_MS))
    assert status.rows.tolist() == [1]


@pytest.mark.parametrize("variation", range(1, 9))
def test_a_command_to_an_analog_output_tells_its_value_and_whether_it_was_taken(variation: int) -> None:
    mapping = source_mapping((PointKind.ANALOG_INPUT, COMMAND), (PointKind.ANALOG_OUTPUT, ""))
    for status in (0, 4):
        (batch,) = read(mapping, octets(43, variation, {4: 12.0}, NOW_MS, flags=status))
        assert (batch.rows.tolist(), batch.value.tolist()) == ([0], [12.0])
        assert bool(batch.quality[0] & Quality.ONLINE) is (status == 0)
    (told,) = read(mapping, octets(42, variation, {4: 12.0}, NOW_MS))
    assert told.rows.tolist() == [1]


def test_relative_times_count_from_the_common_time_before_them() -> None:
    mapping = mapping_of(PointKind.BINARY_INPUT, {4: 0})
    data = b""
    for start in (NOW_MS, NOW_MS + 60_000, NOW_MS - 5_000):
        data += build_time(51, 1, start) + octets(2, 3, {4: 1.0}, 7)
    data += build_time(51, 2, NOW_MS) + octets(2, 3, {4: 1.0}, 9)
    (batch,) = read(mapping, data)
    assert batch.source_time_ms.tolist() == [NOW_MS + 7, NOW_MS + 60_007, NOW_MS - 4_993, NOW_MS + 9]
    trusted, unset = TimeQuality.SYNCHRONISED, TimeQuality.UNSYNCHRONISED
    assert batch.time_quality.tolist() == [trusted, trusted, trusted, unset]
