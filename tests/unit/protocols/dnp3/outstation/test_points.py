"""Which updates are events: deadbands, changes of state and quality, and what a restart knows."""

import numpy as np
import pytest

from protocols.dnp3.outstation.events import EventBuffer
from protocols.dnp3.outstation.points import PointTable
from tests.unit.protocols.dnp3.outstation.wire import EPOCH_MS, batch, point, rows
from vppscada.model.batch import Batch, Cause
from vppscada.model.points import PointKind
from vppscada.model.quality import Quality, TimeQuality

AI, BI, CT = PointKind.ANALOG_INPUT, PointKind.BINARY_INPUT, PointKind.COUNTER


def table() -> PointTable:
    """An analog (deadband 2 engineering units, scale 0.5: 4 device units), a binary, a counter and a silent analog."""
    points = [
        point(AI, 10, event_class=2, deadband=2.0, scale=-0.5),
        point(BI, 4, event_class=1),
        point(CT, 0, event_class=3, deadband=5.0),
        point(AI, 11),
    ]
    made = PointTable(rows(points))
    assert told(made, {0: 100.0, 1: 0.0, 2: 1000.0, 3: 5.0}) == []
    return made


def told(points: PointTable, values: dict[int, float], quality: int = Quality.ONLINE) -> list[tuple[int, float]]:
    events, *_ = points.update(batch(values, quality=quality), TimeQuality.SYNCHRONISED, with_events=True)
    return [(int(e["index"]), float(e["value"])) for e in events]


def test_first_values_make_no_events_and_class_0_points_never_do() -> None:
    assert told(table(), {3: 500.0}) == []


def test_an_analog_event_needs_more_than_its_deadband_in_device_units() -> None:
    points = table()
    assert told(points, {0: 104.0}) == []
    assert told(points, {0: 104.5}) == [(10, 104.5)]
    assert told(points, {0: 100.5}) == []
    assert told(points, {0: 100.4}) == [(10, 100.4)]


def test_a_slow_drift_is_told_once_it_has_left_the_deadband() -> None:
    points = table()
    steps = [told(points, {0: 100.0 + n}) for n in range(1, 11)]
    assert [s for s in steps if s] == [[(10, 105.0)], [(10, 110.0)]]


def test_a_binary_event_is_every_change_and_nothing_else() -> None:
    points = table()
    assert told(points, {1: 0.0}) == []
    assert told(points, {1: 1.0}) == [(4, 1.0)]
    assert told(points, {1: 1.0}) == []


def test_a_counter_has_a_deadband_too() -> None:
    points = table()
    assert told(points, {2: 1005.0}) == []
    assert told(points, {2: 1006.0}) == [(0, 1006.0)]


@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_change_of_quality_alone_is_an_event(row: int) -> None:
    points = table()
    value = float(points.value[row])
    assert len(told(points, {row: value}, Quality.COMM_LOST)) == 1
    assert told(points, {row: value}, Quality.COMM_LOST) == []
    assert len(told(points, {row: value}, Quality.ONLINE)) == 1


def test_no_number_is_a_change_once() -> None:
    points = table()
    assert len(told(points, {0: float("nan")})) == 1
    assert told(points, {0: float("nan")}) == []
    assert len(told(points, {0: 100.0})) == 1
    assert len(told(points, {0: float("inf")})) == 1
    assert told(points, {0: float("inf")}) == []


def test_every_event_of_one_point_in_one_batch_counts_in_its_order() -> None:
    points = table()
    n = 6
    both = Batch(
        rows=np.array([1, 0, 1, 1, 0, 1], dtype=np.intp),
        value=np.array([1.0, 200.0, 0.0, 0.0, 300.0, 1.0]),
        quality=np.full(n, Quality.ONLINE, dtype=np.uint16),
        source_time_ms=np.arange(n) + EPOCH_MS,
        time_quality=np.full(n, TimeQuality.SYNCHRONISED, dtype=np.uint8),
        received_time_ms=EPOCH_MS,
        cause=Cause.EVENT,
    )
    events, *_ = points.update(both, TimeQuality.NONE, with_events=True)
    assert [(int(e["index"]), float(e["value"])) for e in events] == [
        (4, 1.0), (10, 200.0), (4, 0.0), (10, 300.0), (4, 1.0)
    ]  # fmt: skip
    assert events["time_ms"].tolist() == [EPOCH_MS + n for n in (0, 1, 2, 4, 5)]
    assert (points.value[0], points.value[1]) == (300.0, 1.0)


def test_an_event_without_a_source_time_has_the_time_it_was_received_and_our_clocks_quality() -> None:
    points = table()
    fresh = batch({1: 1.0}, at_ms=EPOCH_MS + 7)
    [event] = points.update(fresh, TimeQuality.UNSYNCHRONISED, with_events=True).events
    assert (event["time_ms"], event["time_quality"]) == (EPOCH_MS + 7, TimeQuality.UNSYNCHRONISED)


def test_after_a_restart_a_point_is_compared_with_the_last_event_that_was_stored() -> None:
    earlier = EventBuffer(10, durable=True)
    before = table()
    earlier.add(before.update(batch({0: 200.0, 1: 1.0}), TimeQuality.SYNCHRONISED, with_events=True)[0])
    earlier.add(before.update(batch({0: 300.0}), TimeQuality.SYNCHRONISED, with_events=True)[0])
    points = PointTable(rows([point(AI, 10, event_class=2, deadband=4.0), point(BI, 4, event_class=1)]))
    assert points.recall(earlier.unsaved()).tolist() == [7, 2, 7]
    assert told(points, {0: 303.0, 1: 1.0}) == []
    assert told(points, {0: 310.0, 1: 0.0}) == [(10, 310.0), (4, 0.0)]


def test_stored_events_of_points_that_left_the_map_keep_a_variation() -> None:
    earlier = EventBuffer(10, durable=True)
    earlier.add(table().update(batch({0: 200.0, 1: 1.0}), TimeQuality.SYNCHRONISED, with_events=True)[0])
    assert PointTable([]).recall(earlier.unsaved()).tolist() == [7, 2]
