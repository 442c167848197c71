"""Frozen counters and analog inputs: freezes at once, cleared, at a time, and the events that they make."""

import struct
from dataclasses import replace

import pytest

from protocols.dnp3.application import Indication
from tests.unit.protocols.dnp3.outstation.wire import CLEAR_RESTART, EPOCH_MS, QUIET, Wire, indications, point
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality

CT, AI = PointKind.COUNTER, PointKind.ANALOG_INPUT
TIME = EPOCH_MS.to_bytes(6, "little").hex()


def wire_of(points: list[Point], **settings: object) -> Wire:
    wire = Wire(points, replace(QUIET, **settings))  # type: ignore[arg-type]
    wire.connect()
    wire.one(CLEAR_RESTART)
    return wire


def counters(**more: object) -> Wire:
    wire = wire_of([point(CT, n, **more) for n in range(2)])
    wire.update({0: 10, 1: 20})
    return wire


def body(fragment: bytes) -> bytes:
    assert indications(fragment) == Indication.NONE
    return fragment[4:]


def said(fragment: str) -> bytes:
    return bytes.fromhex(fragment)


def time_and_interval(time_ms: int, interval_ms: int) -> str:
    return f"32 02 07 01 {time_ms.to_bytes(6, 'little').hex()} {interval_ms.to_bytes(4, 'little').hex()}"


def test_counters_are_frozen_and_read_as_frozen_as_in_procedure_8_16_2_2_2() -> None:
    wire = counters()
    assert wire.one("C1 07 14 00 00 01 01") == said("C1 81 00 00")
    assert wire.ask("C2 08 14 00 00 01 01") == []
    wire.update({0: 11, 1: 21})
    assert body(wire.one("C3 01 15 01 06")) == said("15 01 00 00 01 02 00000000 01 14000000")
    assert body(wire.one("C4 07 14 00 06")) == b""
    assert body(wire.one("C5 01 15 01 06")) == said("15 01 00 00 01 01 0B000000 01 15000000")


@pytest.mark.parametrize(
    ("variation", "objects"),
    [
        (1, "01 0A000000"),
        (2, "01 0A00"),
        (5, f"01 0A000000 {TIME}"),
        (6, f"01 0A00 {TIME}"),
        (9, "0A000000"),
        (10, "0A00"),
    ],
)
def test_frozen_counters_come_in_the_variation_asked_for(variation: int, objects: str) -> None:
    wire = counters()
    wire.one("C1 07 14 00 06")
    wire.tick(5.0)
    assert body(wire.one(f"C2 01 15 {variation:02X} 00 00 00")) == said(f"15 {variation:02X} 00 00 00 {objects}")


@pytest.mark.parametrize(
    ("variation", "objects"),
    [
        (1, "01 0A000000"),
        (2, "01 0A00"),
        (3, f"01 0A000000 {TIME}"),
        (4, f"01 0A00 {TIME}"),
        (5, "0A000000"),
        (6, "0A00"),
        (7, "01 00002041"),
        (8, "01 0000000000002440"),
    ],
)
def test_frozen_analogs_come_in_the_variation_asked_for(variation: int, objects: str) -> None:
    wire = wire_of([point(AI, 3)])
    wire.update({0: 10})
    assert body(wire.one("C1 07 1E 00 06")) == b""
    wire.update({0: 12})
    assert body(wire.one(f"C2 01 1F {variation:02X} 06")) == said(f"1F {variation:02X} 00 03 03 {objects}")


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        (CT, {}, "15 01 00 00 00 01 07000000"),
        (CT, {"static": 2}, "15 02 00 00 00 01 0700"),
        (CT, {"static": 5}, "15 09 00 00 00 07000000"),
        (CT, {"static": 6}, "15 0A 00 00 00 0700"),
        (CT, {"frozen": 6}, f"15 06 00 00 00 01 0700 {TIME}"),
        (AI, {"static": 1}, "1F 01 00 00 00 01 07000000"),
        (AI, {"static": 4}, "1F 06 00 00 00 0700"),
        (AI, {}, "1F 07 00 00 00 01 0000E040"),
        (AI, {"static": 6}, "1F 08 00 00 00 01" + struct.pack("<d", 7).hex()),
        (AI, {"frozen": 4}, f"1F 04 00 00 00 01 0700 {TIME}"),
    ],
)
def test_the_default_variation_is_the_maps_or_that_of_the_running_value(
    kind: PointKind, more: dict[str, int], expected: str
) -> None:
    wire = wire_of([point(kind, 0, **more)])
    wire.update({0: 7})
    wire.one("C1 07 14 00 06 1E 00 06")
    group = "15" if kind is CT else "1F"
    assert body(wire.one(f"C2 01 {group} 00 06")) == said(expected)


def test_what_was_never_frozen_is_told_as_restarted() -> None:
    assert body(counters().one("C1 01 15 05 00 00 00")) == said("15 05 00 00 00 02 00000000 000000000000")


def test_class_0_has_frozen_values_only_where_the_site_says_so() -> None:
    points = [point(CT, 0, static=2), point(AI, 0, static=2)]
    assert body(wire_of(points).one("C1 01 3C 01 06")) == said("1E 02 00 00 00 02 0000 14 02 00 00 00 02 0000")
    frozen = wire_of(points, class_0=(21, 31)).one("C1 01 3C 01 06")
    assert body(frozen) == said("1F 02 00 00 00 02 0000 15 02 00 00 00 02 0000")


def test_every_freeze_is_an_event_of_the_points_that_have_a_class_for_it() -> None:
    wire = wire_of([point(CT, 0, frozen_class=1), point(CT, 1), point(AI, 2, frozen_class=2)])
    wire.update({0: 10, 1: 20, 2: 1.5})
    answer = wire.one("C1 07 14 00 06 1E 00 06")
    assert indications(answer) == Indication.CLASS_1_EVENTS | Indication.CLASS_2_EVENTS
    told = wire.one("C2 01 3C 02 06 3C 03 06")
    assert told[4:] == said(f"17 05 17 01 00 01 0A000000 {TIME} 21 07 17 01 02 01 0000C03F {TIME}")
    wire.ask("C2 00")
    wire.one("C3 07 14 00 06")
    assert len(wire.core.buffer) == 1, "the counter did not move, and it was frozen all the same"


def test_a_site_can_leave_out_the_events_of_what_did_not_move() -> None:
    wire = wire_of([point(CT, 0, frozen_class=1), point(CT, 1, frozen_class=1)], freeze_events_on_change=True)
    wire.update({0: 10, 1: 20})
    wire.one("C1 07 14 00 06")
    assert len(wire.core.buffer) == 2, "frozen for the first time"
    wire.update({1: 21})
    wire.one("C2 07 14 00 06")
    assert len(wire.core.buffer) == 3


@pytest.mark.parametrize(
    ("variation", "event"), [(1, "01 0A000000"), (2, "01 0A00"), (5, f"01 0A000000 {TIME}"), (6, f"01 0A00 {TIME}")]
)
def test_frozen_counter_events_come_in_the_variation_asked_for(variation: int, event: str) -> None:
    wire = counters(frozen_class=1)
    wire.one("C1 07 14 00 00 00 00")
    assert wire.one(f"C2 01 17 {variation:02X} 06")[4:] == said(f"17 {variation:02X} 17 01 00 {event}")


@pytest.mark.parametrize(
    ("variation", "event"),
    [
        (1, "01 0A000000"),
        (2, "01 0A00"),
        (3, f"01 0A000000 {TIME}"),
        (4, f"01 0A00 {TIME}"),
        (5, "01 00002041"),
        (6, "01 0000000000002440"),
        (7, f"01 00002041 {TIME}"),
        (8, f"01 0000000000002440 {TIME}"),
    ],
)
def test_frozen_analog_events_come_in_the_variation_asked_for(variation: int, event: str) -> None:
    wire = wire_of([point(AI, 3, frozen_class=1)])
    wire.update({0: 10})
    wire.one("C1 07 1E 00 06")
    assert wire.one(f"C2 01 21 {variation:02X} 06")[4:] == said(f"21 {variation:02X} 17 01 03 {event}")


def test_a_frozen_value_has_a_class_of_its_own_that_a_master_assigns() -> None:
    wire = counters(event_class=1)
    wire.one("C1 16 3C 03 06 15 00 00 01 01")
    wire.one("C2 07 14 00 06")
    assert wire.one("C3 01 3C 03 06")[4:] == said(f"17 05 17 01 01 01 14000000 {TIME}")


def test_a_cleared_counter_counts_from_zero() -> None:
    wire = counters()
    assert wire.one("C1 09 14 00 00 00 00") == said("C1 81 00 00")
    assert body(wire.one("C2 01 15 00 06 14 00 06")) == said(
        "14 01 00 00 01 01 00000000 01 14000000 15 01 00 00 01 01 0A000000 02 00000000"
    )
    wire.update({0: 13, 1: 21})
    assert wire.ask("C3 0A 14 00 06") == []
    wire.update({0: 14, 1: 21})
    assert body(wire.one("C4 01 15 00 06 14 00 06")) == said(
        "14 01 00 00 01 01 01000000 01 00000000 15 01 00 00 01 01 03000000 01 15000000"
    )


def test_the_clear_is_an_event_of_the_running_counter_after_that_of_the_frozen_one() -> None:
    wire = counters(event_class=3, frozen_class=3)
    wire.one("C1 09 14 00 00 00 00")
    assert wire.one("C2 01 3C 04 06")[4:] == said(
        f"17 05 17 01 00 01 0A000000 {TIME} 16 05 17 01 00 01 00000000 {TIME}"
    )


def test_a_device_that_begins_to_count_anew_is_told_with_a_discontinuity() -> None:
    wire = counters()
    wire.one("C1 09 14 00 00 00 00")
    wire.update({0: 4})
    assert body(wire.one("C2 01 14 01 00 00 00")) == said("14 01 00 00 00 41 04000000")
    wire.update({0: 6})
    assert body(wire.one("C3 01 14 01 00 00 00")) == said("14 01 00 00 00 01 06000000")


def test_a_counter_that_nothing_was_heard_of_is_not_cleared() -> None:
    wire = wire_of([point(CT, 0)])
    wire.one("C1 09 14 00 06")
    wire.update({0: 500})
    assert body(wire.one("C2 01 14 01 06")) == said("14 01 00 00 00 01 F4010000")


def test_a_counter_whose_value_is_no_number_is_not_cleared() -> None:
    wire = counters()
    wire.update({0: float("nan")})
    wire.one("C1 09 14 00 06")
    wire.update({0: 500})
    assert body(wire.one("C2 01 14 01 00 00 00")) == said("14 01 00 00 00 01 F4010000")


def test_the_quality_is_frozen_with_the_value() -> None:
    wire = wire_of([point(CT, 0)])
    wire.update({0: 5}, quality=Quality.COMM_LOST)
    wire.one("C1 07 14 00 06")
    assert body(wire.one("C2 01 15 01 06")) == said("15 01 00 00 00 04 05000000")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("07 01 00 06", Indication.OBJECT_UNKNOWN),
        ("07 15 00 06", Indication.OBJECT_UNKNOWN),
        ("07 14 00 00 01 02", Indication.PARAMETER_ERROR),
        ("07 14 00 07 01", Indication.PARAMETER_ERROR),
        ("07", Indication.PARAMETER_ERROR),
        ("09 1E 00 06", Indication.OBJECT_UNKNOWN),
        ("0B 14 00 06", Indication.PARAMETER_ERROR),
        ("0B", Indication.PARAMETER_ERROR),
        (f"0B {time_and_interval(0, 999)} 14 00 06", Indication.PARAMETER_ERROR),
        (f"0B {time_and_interval(EPOCH_MS - 1, 0)} 14 00 06", Indication.PARAMETER_ERROR),
        (f"0B {time_and_interval(0, 0)} 01 00 06", Indication.OBJECT_UNKNOWN),
        ("0B 32 02 07 01 0000", Indication.PARAMETER_ERROR),
    ],
)
def test_a_freeze_that_makes_no_sense_is_refused(request_: str, expected: Indication) -> None:
    wire = wire_of([point(CT, 0), point(CT, 1), point(AI, 0)])
    assert indications(wire.one("C1" + request_)) == expected
    assert wire.device.deadline(wire.moment) is None


def frozen_events(wire: Wire) -> list[int]:
    """Seconds after the start at which counter 0 was frozen."""
    wire.now = round(wire.now, 3)
    events = wire.core.buffer.unsaved() if wire.core.buffer.owes_store else None
    assert events is not None
    return [(time - EPOCH_MS) // 1000 for time in events.time_ms.tolist()]


def scheduled(request_: str) -> Wire:
    wire = Wire([point(CT, 0, frozen_class=1)], QUIET, durable=True)
    wire.connect()
    wire.update({0: 1})
    assert not indications(wire.one("C1" + request_)) & 0xFF00
    return wire


def run(wire: Wire, seconds: float) -> None:
    end = wire.now + seconds
    while (due := wire.device.deadline(wire.moment)) is not None and due <= end:
        wire.tick(due - wire.now)
    wire.tick(end - wire.now)


@pytest.mark.parametrize(
    ("time_s", "interval_s", "expected"),
    [
        (0, 0, [0]),
        (7, 0, [7]),
        (0, 1200, [1200, 2400, 3600]),
        (100, 1200, [100, 1300, 2500]),
        (-100, 1200, [1100, 2300, 3500]),
    ],
)
def test_a_freeze_at_a_time_happens_then_and_again_after_each_interval(
    time_s: int, interval_s: int, expected: list[int]
) -> None:
    time_ms = EPOCH_MS + time_s * 1000 if time_s else 0
    wire = scheduled(f"0B {time_and_interval(time_ms, interval_s * 1000)} 14 00 06")
    run(wire, 3600.0)
    assert frozen_events(wire) == expected


def test_a_freeze_at_a_time_can_go_without_an_answer_and_is_replaced_by_the_next_one() -> None:
    wire = scheduled(f"0B {time_and_interval(EPOCH_MS + 5000, 0)} 14 00 06")
    assert wire.ask(f"C2 0C {time_and_interval(EPOCH_MS + 9000, 0)} 14 00 06") == []
    run(wire, 60.0)
    assert frozen_events(wire) == [9]
    assert wire.device.deadline(wire.moment) is None


def test_intervals_that_were_missed_are_not_made_up_for() -> None:
    wire = scheduled(f"0B {time_and_interval(0, 1000)} 14 00 06")
    wire.tick(10.5)
    run(wire, 1.0)
    assert frozen_events(wire) == [10, 11]


def test_a_clock_set_back_does_not_stop_freezes_that_have_begun() -> None:
    wire = scheduled(f"0B {time_and_interval(0, 10_000)} 14 00 06")
    run(wire, 10.0)
    wire.device.clock.offset_ms = -86_400_000
    wire.tick(0.0)
    due = wire.device.deadline(wire.moment)
    assert due is not None
    assert due - wire.now == pytest.approx(10.0)


def test_a_broadcast_freezes() -> None:
    wire = counters()
    assert wire.ask("C1 07 14 00 06", broadcast=0xFFFD) == []
    answer = wire.one("C2 01 15 02 06")
    assert answer[4:] == said("15 02 00 00 01 01 0A00 01 1400")
    assert indications(answer) == Indication.BROADCAST
