"""Events of commands (g13, g43): what was operated, and with which status."""

import pytest

from tests.unit.protocols.dnp3.outstation.wire import CLEAR_RESTART, EPOCH_MS, QUIET, Wire, indications, point
from vppscada.model.commands import CommandStatus
from vppscada.model.points import PointKind

BO, AO = PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT
TIME = EPOCH_MS.to_bytes(6, "little").hex()
ON = "0C 01 17 01 03 03 01 00000000 00000000 00"
OFF = "0C 01 17 01 03 04 01 00000000 00000000 00"
HALF = "29 03 17 01 07 0000003F 00"


def wire_of(command_class: int = 1, **more: object) -> Wire:
    wire = Wire([
        point(BO, 3, writable=True, command_class=command_class),
        point(AO, 7, writable=True, command_class=command_class, **more),
    ], QUIET)  # fmt: skip
    wire.connect()
    wire.one(CLEAR_RESTART)
    return wire


def events(wire: Wire, request: str = "3C 02 06") -> bytes:
    return wire.one("CF 01" + request)[4:]


def test_commands_make_events_with_what_was_asked_and_their_status() -> None:
    wire = wire_of()
    wire.one("C1 05" + ON)
    wire.statuses = {0: CommandStatus.LOCAL, 1: CommandStatus.OUT_OF_RANGE}
    wire.one("C2 05" + OFF)
    wire.one("C3 05" + HALF)
    assert events(wire) == bytes.fromhex(f"0D 02 17 02 03 80 {TIME} 03 07 {TIME} 2B 07 17 01 07 0C 0000003F {TIME}")


def test_a_command_without_a_class_makes_none() -> None:
    wire = wire_of(0)
    wire.one("C1 05" + ON)
    assert len(wire.core.buffer) == 0


def test_a_select_makes_none_and_its_operate_one() -> None:
    wire = wire_of()
    wire.one("C1 03" + ON)
    assert len(wire.core.buffer) == 0
    wire.one("C2 04" + ON)
    assert len(wire.core.buffer) == 1


def test_an_operate_that_nobody_selected_was_not_operated() -> None:
    wire = wire_of()
    wire.one("C2 04" + ON)
    wire.one("C3 05" + ON.replace("17 01 03", "17 01 09"))
    assert len(wire.core.buffer) == 0


def test_a_command_that_needs_no_answer_makes_an_event_too() -> None:
    wire = wire_of()
    assert wire.ask("C1 06" + ON) == []
    assert events(wire, "0D 01 06") == bytes.fromhex("0D 01 17 01 03 80")


@pytest.mark.parametrize(
    ("variation", "event"),
    [
        (1, "00 02000000"),
        (2, "00 0200"),
        (3, f"00 02000000 {TIME}"),
        (4, f"00 0200 {TIME}"),
        (5, "00 00000040"),
        (6, "00 0000000000000040"),
        (7, f"00 00000040 {TIME}"),
        (8, f"00 0000000000000040 {TIME}"),
    ],
)
def test_analog_command_events_come_in_the_variation_asked_for(variation: int, event: str) -> None:
    wire = wire_of()
    wire.one("C1 05 29 01 17 01 07 02000000 00")
    assert events(wire, f"2B {variation:02X} 06") == bytes.fromhex(f"2B {variation:02X} 17 01 07 {event}")


def test_by_default_they_have_the_type_of_the_output() -> None:
    wire = wire_of(2, data_type="float64")
    wire.one("C1 05 29 03 17 01 07 00000040 00")
    assert events(wire, "3C 03 06") == bytes.fromhex(f"2B 08 17 01 07 00 0000000000000040 {TIME}")


def test_a_master_assigns_a_class_to_the_commands_by_what_commands_the_point() -> None:
    wire = wire_of(0)
    assert not indications(wire.one("C1 16 3C 04 06 0C 00 17 01 03 3C 02 06 29 00 06")) & 0xFF00
    wire.one("C2 05" + ON)
    wire.one("C3 05" + HALF)
    assert events(wire, "3C 04 06") == bytes.fromhex(f"0D 02 17 01 03 80 {TIME}")


def test_a_command_whose_master_is_lost_meanwhile_makes_its_event_all_the_same() -> None:
    wire = wire_of()
    wire.statuses = None
    wire.ask("C1 05" + ON)
    wire.connect()
    assert wire.finish(CommandStatus.SUCCESS) == []
    assert events(wire) == bytes.fromhex(f"0D 02 17 01 03 80 {TIME}")
