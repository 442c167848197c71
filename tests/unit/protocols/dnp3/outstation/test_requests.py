"""Everything that is neither read nor control: restart, time, classes, restarts, and requests that make no sense."""

from dataclasses import replace

import pytest

from protocols.dnp3.application import Indication
from tests.unit.protocols.dnp3.outstation.wire import EPOCH_MS, QUIET, Wire, point
from vppscada.model.points import PointKind
from vppscada.model.quality import Quality

NEEDS_TIME = replace(QUIET, trust_local_clock=False, need_time_s=60.0)
NOTHING = "01 3C 02 06"


def wire(**settings: object) -> Wire:
    made = Wire([point(PointKind.BINARY_INPUT, 0, event_class=1)], replace(NEEDS_TIME, **settings))  # type: ignore[arg-type]
    made.connect()
    return made


def indications(fragment: bytes) -> Indication:
    return Indication(int.from_bytes(fragment[2:4], "little"))


def test_restart_is_indicated_until_the_master_clears_it() -> None:
    master = wire(trust_local_clock=True)
    assert indications(master.one("C0" + NOTHING)) == Indication.DEVICE_RESTART
    assert indications(master.one("C1 02 50 01 00 07 07 00")) == Indication.NONE
    master.connect()
    assert indications(master.one("C2" + NOTHING)) == Indication.NONE


@pytest.mark.parametrize("objects", ["50 01 00 07 07 01", "50 01 00 04 04 00", "50 01 00 06 07 00"])
def test_no_other_indication_can_be_written(objects: str) -> None:
    answer = wire(trust_local_clock=True).one("C0 02" + objects)
    assert indications(answer) == Indication.DEVICE_RESTART | Indication.PARAMETER_ERROR


def test_a_time_write_sets_the_clock_and_need_time_comes_again_after_its_period() -> None:
    master = wire()
    assert Indication.NEED_TIME in indications(master.one("C0" + NOTHING))
    master_time = EPOCH_MS + 3_600_000
    answer = master.one(bytes.fromhex("C1 02 32 01 07 01") + master_time.to_bytes(6, "little"))
    assert Indication.NEED_TIME not in indications(answer)
    assert Indication.NEED_TIME not in indications(master.one("C2" + NOTHING))
    read = master.one("C3 01 32 01 07 01")
    assert read[8:14] == master_time.to_bytes(6, "little")
    master.tick(60.0)
    assert Indication.NEED_TIME in indications(master.one("C4" + NOTHING))


def test_events_carry_the_masters_time() -> None:
    master = wire()
    master.update({0: 0})
    master.one(bytes.fromhex("C1 02 32 01 07 01") + (EPOCH_MS + 5000).to_bytes(6, "little"))
    master.update({0: 1})
    answer = master.one("C2" + NOTHING)
    assert answer[4:] == bytes.fromhex("02 02 17 01 00 81") + (EPOCH_MS + 5000).to_bytes(6, "little")


def test_the_time_of_an_event_stays_what_it_was_whatever_is_written_to_the_clock_later() -> None:
    master = wire()
    master.update({0: 0})
    master.one(bytes.fromhex("C1 02 32 01 07 01") + (EPOCH_MS + 5000).to_bytes(6, "little"))
    master.update({0: 1})
    first = master.one("C2" + NOTHING)
    master.one(bytes.fromhex("C3 02 32 01 07 01") + (EPOCH_MS + 9000).to_bytes(6, "little"))
    assert master.one("C4" + NOTHING)[4:] == first[4:]


def test_the_lan_procedure_counts_from_the_recorded_moment() -> None:
    master = wire()
    assert master.one("C1 18")[4:] == b""
    recorded = EPOCH_MS + 1000
    master.tick(2.0)
    answer = master.one(bytes.fromhex("C2 02 32 03 07 01") + recorded.to_bytes(6, "little"))
    assert indications(answer) == Indication.DEVICE_RESTART
    assert master.one("C3 01 32 01 07 01")[8:14] == (recorded + 2000).to_bytes(6, "little")


def test_the_lan_procedure_without_its_first_half_is_refused() -> None:
    answer = wire().one(bytes.fromhex("C2 02 32 03 07 01") + EPOCH_MS.to_bytes(6, "little"))
    assert Indication.PARAMETER_ERROR | Indication.NEED_TIME in indications(answer)


def test_a_trusted_clock_is_not_moved_and_never_needs_time() -> None:
    master = wire(trust_local_clock=True)
    assert Indication.NEED_TIME not in indications(master.one("C0" + NOTHING))
    master.one(bytes.fromhex("C1 02 32 01 07 01") + (EPOCH_MS + 9999).to_bytes(6, "little"))
    assert master.one("C3 01 32 01 07 01")[8:14] == EPOCH_MS.to_bytes(6, "little")


def test_the_delay_is_measured_as_in_procedure_8_7_1_2() -> None:
    assert wire().one("C0 17") == bytes.fromhex("C0 81 90 00 34 02 07 01 00 00")


@pytest.mark.parametrize(("function", "cold"), [(0x0D, True), (0x0E, False)])
def test_a_restart_is_answered_with_a_delay_and_handed_on(function: int, cold: bool) -> None:
    master = wire()
    assert master.one(bytes([0xC0, function]))[4:] == bytes.fromhex("34 02 07 01 88 13")
    assert master.restarts == [cold]


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "34 02 07 01 00 00"), (65.535, "34 02 07 01 FF FF"), (65.6, "34 01 07 01 42 00")]
)
def test_a_restart_takes_the_time_that_the_site_says(seconds: float, told: str) -> None:
    assert wire(restart_time_s=seconds).one("C0 0D")[4:] == bytes.fromhex(told)


def test_an_output_under_local_control_is_indicated() -> None:
    master = Wire([point(PointKind.ANALOG_INPUT, 0), point(PointKind.BINARY_OUTPUT, 0)], QUIET)
    master.connect()
    master.update({0: 1, 1: 0}, quality=Quality.ONLINE)
    master.update({0: 1}, quality=Quality.ONLINE | Quality.LOCAL_FORCED)
    assert Indication.LOCAL_CONTROL not in indications(master.one("C0" + NOTHING))
    master.update({1: 0}, quality=Quality.ONLINE | Quality.LOCAL_FORCED)
    assert Indication.LOCAL_CONTROL in indications(master.one("C1" + NOTHING))
    master.update({1: 0}, quality=Quality.ONLINE)
    assert Indication.LOCAL_CONTROL not in indications(master.one("C2" + NOTHING))


def test_an_unknown_function_is_refused_as_in_procedure_8_6_2_2() -> None:
    master = wire()
    assert master.one("C0 70 3C 01 06") == bytes.fromhex("C0 81 90 01")
    assert master.one("C1 19 14 00 06")[3] == 1
    assert master.statistics["requests_refused"] == 2


def test_unsolicited_that_the_site_forbids_cannot_be_enabled() -> None:
    master = wire()
    assert Indication.FUNCTION_NOT_SUPPORTED in indications(master.one("C0 14 3C 02 06"))
    assert Indication.FUNCTION_NOT_SUPPORTED in indications(master.one("C1 15 3C 02 06"))


def test_points_are_put_into_another_class() -> None:
    master = wire(trust_local_clock=True)
    master.update({0: 0})
    assert indications(master.one("C0 16 3C 03 06 01 00 00 00 00")) == Indication.DEVICE_RESTART
    master.update({0: 1})
    assert Indication.CLASS_2_EVENTS in indications(master.one("C1" + NOTHING))
    master.one("C2 16 3C 01 06 01 00 06")
    master.update({0: 0})
    assert len(master.core.buffer) == 1


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ("01 00 06", Indication.PARAMETER_ERROR),
        ("3C 02 06 32 01 06", Indication.OBJECT_UNKNOWN),
        ("3C 02 06 01 00 07 01", Indication.PARAMETER_ERROR),
        ("3C 02 06 01 00 00 05 05", Indication.PARAMETER_ERROR),
    ],
)
def test_a_class_assignment_that_makes_no_sense_is_refused(objects: str, expected: Indication) -> None:
    assert expected in indications(wire().one("C0 16" + objects))


@pytest.mark.parametrize("objects", ["32 01 07 02 000000000000 000000000000", "22 02 17 01 00 05000000", "32 01 06"])
def test_a_write_of_anything_else_is_refused(objects: str) -> None:
    refused = indications(wire().one("C0 02" + objects))
    assert refused & (Indication.PARAMETER_ERROR | Indication.OBJECT_UNKNOWN)


@pytest.mark.parametrize(
    "fragment", ["", "C0", "C0 81 00 00", "40 01 3C 01 06", "80 01 3C 01 06", "D0 01 3C 01 06", "C0 82 00 00"]
)
def test_a_fragment_that_is_no_request_gets_no_answer(fragment: str) -> None:
    master = wire()
    assert master.ask(fragment) == []
    assert master.statistics["malformed_fragments"] == 1


def test_a_broadcast_time_write_is_acted_on() -> None:
    master = wire()
    octets = bytes.fromhex("C1 02 32 01 07 01") + EPOCH_MS.to_bytes(6, "little")
    assert master.ask(octets, broadcast=0xFFFE) == []
    answer = master.one("C2" + NOTHING)
    assert answer[0] & 0x20, "a broadcast to 0xFFFE wants to be confirmed"
    assert indications(answer) == Indication.DEVICE_RESTART | Indication.BROADCAST
    assert indications(master.one("C3" + NOTHING)) == Indication.DEVICE_RESTART | Indication.BROADCAST
    master.ask("C3 00")
    assert indications(master.one("C4" + NOTHING)) == Indication.DEVICE_RESTART
