"""Classes, deadbands, freezes, restarts and attributes against a scripted wire."""

from dataclasses import replace

import pytest

from protocols.dnp3.addresses import COMMAND, FROZEN, Dnp3Address
from protocols.dnp3.application import Control, Function, Indication
from protocols.dnp3.master.exchange import Answered, Effect, NotAsked, Outcome, Silent, Started, Told
from protocols.dnp3.master.maintenance import ColdRestart, Freeze, ReadAttributes, Task, WarmRestart, WriteDeadbands
from protocols.dnp3.master.setting_up import class_requests, deadband_objects, device_deadband
from protocols.dnp3.objects import build_delay, text_attribute, unsigned_attribute
from tests.unit.protocols.dnp3.master.wire import ALL_CLASSES, INTEGRITY, Wire, started
from vppscada.model.points import Point, PointKind, RowPoint

COUNTERS, ANALOGS = bytes.fromhex("140006"), bytes.fromhex("1e0006")


def analog(index: int, deadband: float = 0.0, data_type: str = "", scale: float = 1.0, event_class: int = 0) -> Point:
    return Point(
        f"a.p{index}",
        PointKind.ANALOG_INPUT,
        data_type=data_type,
        scale=scale,
        deadband=deadband,
        event_class=event_class,
        address=Dnp3Address(index),
    )


def frozen(kind: PointKind) -> Point:
    return Point(f"a.frozen_{kind}", kind, address=Dnp3Address(3, source=FROZEN))


def rows(*points: Point) -> list[RowPoint]:
    return [RowPoint(row, point) for row, point in enumerate(points)]


def outcome_of(effects: list[Effect]) -> Outcome:
    (answered,) = (effect for effect in effects if isinstance(effect, Answered))
    return answered.outcome


def told(outcome: Outcome) -> Told:
    assert isinstance(outcome, Told)
    return outcome


def asked(wire: Wire, task: Task) -> int:
    ticket = wire.master.request(task)
    wire.advance()
    return ticket


# classes


def test_every_point_is_named_under_its_class_in_ranges() -> None:
    points = [analog(index, event_class=2) for index in (0, 1, 2, 7)]
    points += [Point("a.b", PointKind.BINARY_INPUT, event_class=2, address=Dnp3Address(300))]
    points += [Point("a.c", PointKind.COUNTER, address=Dnp3Address(5)), frozen(PointKind.COUNTER)]
    assert list(class_requests(points)) == [
        bytes.fromhex("3c0106 140000 0505"),
        bytes.fromhex("3c0306 010001 2c012c01 1e0000 0002 1e0000 0707"),
    ]


def test_more_points_than_a_request_holds_are_named_in_several_each_with_its_class() -> None:
    requests = list(class_requests(analog(index, event_class=1) for index in range(0, 1000, 2)))
    assert len(requests) > 1
    assert all(len(body) <= 1024 and body.startswith(bytes.fromhex("3c0206")) for body in requests)
    assert sum((len(body) - 3) // 5 for body in requests) >= 128  # the first 128 have short indexes


def test_an_outstation_that_assigns_no_classes_is_asked_once() -> None:
    points = rows(*(analog(index, event_class=index % 4) for index in range(8)))
    wire = Wire(points, assign_classes=True)
    wire.expect(Function.DISABLE_UNSOLICITED, ALL_CLASSES).answer()
    wire.expect(Function.ASSIGN_CLASS).answer(indications=Indication.FUNCTION_NOT_SUPPORTED)
    wire.expect(Function.READ, INTEGRITY)
    assert wire.notes == ["procedures_failed"]


def test_a_point_that_the_outstation_has_not_keeps_no_other_from_its_class() -> None:
    points = rows(*(analog(index, event_class=index % 4) for index in range(8)))
    wire = Wire(points, assign_classes=True)
    wire.expect(Function.DISABLE_UNSOLICITED, ALL_CLASSES).answer()
    for event_class in range(4):
        told = Indication.PARAMETER_ERROR if event_class == 1 else Indication.NONE
        request = wire.request()
        assert (request.function, request.body[1]) == (Function.ASSIGN_CLASS, event_class + 1)
        wire.answer(indications=told)
    wire.expect(Function.READ, INTEGRITY)
    assert wire.notes == ["procedures_failed"]


# deadbands


@pytest.mark.parametrize(
    ("data_type", "deadband", "scale", "device"),
    [
        ("", 0.5, 0.1, 5.0),
        ("float64", 1.0, -4.0, 0.25),
        ("int16", 2.9, 1.0, 2.0),
        ("int16", 1e9, 1.0, 65535.0),
        ("int32", 1e9, 0.1, 4294967295.0),
        ("int32", 0.4, 1.0, 0.0),
    ],
)
def test_deadbands_go_out_in_device_units_and_never_wider(
    data_type: str, deadband: float, scale: float, device: float
) -> None:
    assert device_deadband(analog(0, deadband, data_type, scale)) == pytest.approx(device)


POINTS = rows(analog(0, 1.0), analog(1, 2.0), analog(2), analog(9, 3.0, "int16"))
FLOATS = bytes.fromhex("2203000001 0000803f 00000040")
INT16 = bytes.fromhex("2201000909 0300")


def test_deadbands_are_written_at_start_up_and_read_back() -> None:
    wire = Wire(POINTS, write_deadbands=True)
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.WRITE, INT16).answer()
    wire.expect(Function.READ, bytes.fromhex("2201000909")).answer(INT16)
    wire.expect(Function.WRITE, FLOATS).answer()
    wire.expect(Function.READ, bytes.fromhex("2203000001")).answer(FLOATS)
    wire.expect(Function.READ, INTEGRITY).answer()
    wire.expect(Function.ENABLE_UNSOLICITED).answer()
    assert wire.wants() == [Started()]
    assert wire.notes == []


def test_the_point_that_refuses_its_deadband_is_found_and_told_by_name() -> None:
    wire = started(POINTS)
    asked(wire, WriteDeadbands())
    wire.expect(Function.WRITE, INT16).answer()
    wire.expect(Function.READ).answer(bytes.fromhex("2201000909 0400"))  # it holds 4
    wire.expect(Function.WRITE, FLOATS).answer(indications=Indication.PARAMETER_ERROR)
    wire.expect(Function.WRITE, bytes.fromhex("2203000000 0000803f")).answer()
    wire.expect(Function.WRITE, bytes.fromhex("2203000101 00000040")).answer(indications=Indication.PARAMETER_ERROR)
    wire.expect(Function.READ, bytes.fromhex("2203000000"))
    outcome = told(outcome_of(wire.answer(bytes.fromhex("2203000000 0000803f"))))
    assert outcome.refused == ("a.p9", "a.p1")
    assert wire.notes == ["procedures_failed"]


def test_an_outstation_without_deadbands_refuses_all_at_once() -> None:
    wire = started(POINTS)
    asked(wire, WriteDeadbands())
    wire.expect(Function.WRITE)
    outcome = told(outcome_of(wire.answer(indications=Indication.OBJECT_UNKNOWN)))
    assert outcome.refused == ("a.p9", "a.p0", "a.p1")


def test_one_request_holds_fifty_deadbands_wherever_they_stand() -> None:
    points = [analog(index, 1.0) for index in range(1000, 1100, 2)]
    assert len(deadband_objects(points)) <= 1024


# freezes


def test_counters_are_frozen_on_their_period() -> None:
    wire = started(freeze_period_s=60.0, freeze_clear=True)
    wire.wait(20.0)  # slots at 120, 180, …
    wire.expect(Function.FREEZE_CLEAR, COUNTERS).answer()
    assert wire.wants() == []
    wire.wait(60.0)
    wire.expect(Function.FREEZE_CLEAR)


def test_a_freeze_that_is_not_answered_is_not_repeated() -> None:
    wire = started(freeze_period_s=60.0, response_timeout_s=2.0, step_retries=5, read_retries=5)
    wire.wait(20.0)
    wire.expect(Function.IMMEDIATE_FREEZE)
    wire.wait(2.0)
    assert wire.wants() == []
    assert wire.notes == ["response_timed_out", "procedures_failed"]


def test_what_was_frozen_is_asked_for_where_the_map_has_it() -> None:
    points = rows(frozen(PointKind.COUNTER), frozen(PointKind.ANALOG_INPUT))
    wire = started(points)
    asked(wire, Freeze())
    wire.expect(Function.IMMEDIATE_FREEZE, COUNTERS + ANALOGS).answer()
    wire.expect(Function.READ, bytes.fromhex("150006 1f0006"))
    assert told(outcome_of(wire.answer())).indications == Indication.NONE


def test_a_freeze_without_acknowledgement_is_silent() -> None:
    wire = started()
    asked(wire, Freeze(clear=True, acknowledged=False))
    sent, answered = wire.wants()
    assert sent.fragment[1] == Function.FREEZE_CLEAR_NO_RESPONSE  # type: ignore[union-attr]
    assert isinstance(outcome_of([answered]), Silent)


# restarts and attributes


@pytest.mark.parametrize(
    ("task", "function", "variation", "delay_ms"),
    [(ColdRestart(), Function.COLD_RESTART, 1, 5000), (WarmRestart(), Function.WARM_RESTART, 2, 5)],
)
def test_a_restart_tells_how_long_it_takes(task: Task, function: Function, variation: int, delay_ms: int) -> None:
    wire = started()
    ticket = asked(wire, task)
    wire.expect(function, b"")
    effects = wire.answer(build_delay(variation, 5))
    assert effects == [Answered(ticket, Told(Indication.NONE, delay_ms))]


def test_a_restart_without_answer_is_not_asked_again() -> None:
    wire = started(response_timeout_s=2.0, read_retries=3, step_retries=3)
    asked(wire, ColdRestart())
    wire.expect(Function.COLD_RESTART)
    wire.wait(2.0)
    assert isinstance(outcome_of(wire.wants()), Silent)


def test_attributes_of_all_fragments_are_told() -> None:
    wire = started()
    asked(wire, ReadAttributes())
    wire.expect(Function.READ, bytes.fromhex("00fe000000"))
    wire.fragment(Control(wire.sequence, final=False), text_attribute(252, "Acme").object())
    second = Control((wire.sequence + 1) % 16, first=False)
    outcome = told(outcome_of(wire.fragment(second, unsigned_attribute(240, 2048).object())))
    assert outcome.attributes == {252: "Acme", 240: 2048}


def test_maintenance_waits_behind_commands_and_goes_before_polls() -> None:
    wire = started(class1_period_s=5.0)
    wire.operate()
    wire.expect(Function.DIRECT_OPERATE)
    asked(wire, WarmRestart())
    wire.operate()
    wire.wait(0.1)
    wire.now += 6.0
    wire.answer()
    wire.expect(Function.DIRECT_OPERATE).answer()
    wire.expect(Function.WARM_RESTART).answer()
    wire.expect(Function.READ)


def test_a_lost_connection_ends_what_waits_and_what_was_begun() -> None:
    wire = started()
    begun, waiting = asked(wire, ColdRestart()), asked(wire, WarmRestart())
    wire.request()
    wire.master.abandon("gone")
    kinds = {effect.ticket: type(effect.outcome) for effect in wire.wants() if isinstance(effect, Answered)}
    assert kinds == {begun: Silent, waiting: NotAsked}


def test_maintenance_that_nobody_waits_for_never_begins() -> None:
    wire = started()
    asked(wire, ColdRestart())
    wire.expect(Function.COLD_RESTART)
    wire.master.withdraw(asked(wire, WarmRestart()))
    wire.answer()
    assert wire.wants() == []


def test_points_fed_by_commands_are_no_points_of_the_outstation() -> None:
    point = replace(analog(4, 1.0, event_class=1), address=Dnp3Address(4, source=COMMAND))
    assert list(class_requests([point])) == []
    wire = started(rows(point))
    asked(wire, WriteDeadbands())
    assert told(outcome_of(wire.wants())).refused == ()
