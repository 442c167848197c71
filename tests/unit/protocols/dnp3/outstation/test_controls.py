"""Controls: what reaches the handler, with what body, and what the master is told of each object."""

import struct
from dataclasses import replace

import pytest

from protocols.dnp3.application import Indication
from protocols.dnp3.outstation.actions import Action, Execute, Send
from protocols.dnp3.outstation.core import OutstationCore
from tests.unit.protocols.dnp3.outstation.wire import QUIET, Wire, point
from vppscada.model.commands import (
    AnalogValue,
    CommandMode,
    CommandStatus,
    Crob,
    CrobOperation,
    Origin,
    TripClose,
)
from vppscada.model.points import PointKind

POINTS = [
    point(PointKind.ANALOG_INPUT, 0),
    point(PointKind.BINARY_OUTPUT, 0, writable=True),
    point(PointKind.BINARY_OUTPUT, 1, writable=True),
    point(PointKind.ANALOG_OUTPUT, 300, writable=True),
    point(PointKind.ANALOG_OUTPUT, 5),
]
LATCH_ON = bytes.fromhex("03 01 00000000 00000000 00")
BLOCK = bytes.fromhex("0C 01 17 01 00") + LATCH_ON
SELECT = b"\xc0\x03" + BLOCK
OPERATE = b"\xc1\x04" + BLOCK


def wire(**settings: object) -> Wire:
    made = Wire(POINTS, replace(QUIET, **settings))  # type: ignore[arg-type]
    made.connect()
    made.one("C0 02 50 01 00 07 07 00")
    return made


def statuses(fragment: bytes, object_size: int = 12, head: int = 4) -> list[int]:
    objects = fragment[4 + head :]
    return [objects[at + object_size - 1] for at in range(0, len(objects), object_size)]


def test_select_then_operate_asks_the_handler_twice_and_echoes_the_objects() -> None:
    master = wire()
    assert master.one(SELECT) == b"\xc0\x81\0\0" + BLOCK
    assert master.one(OPERATE) == b"\xc1\x81\0\0" + BLOCK
    assert [what for what, _ in master.asked] == ["select", "operate"]
    command = master.asked[1][1]
    assert command.row == 1
    assert command.body == Crob(CrobOperation.LATCH_ON)
    assert (command.mode, command.origin) == (CommandMode.SBO, Origin.EMS)
    assert command.expires_at == command.issued_at + QUIET.command_timeout_s
    assert command.id == master.asked[0][1].id + 1


def test_a_block_arrives_as_it_was_sent() -> None:
    master = wire()
    master.one(b"\xc1\x05" + bytes.fromhex("0C 01 28 0100 0100 A1 05 2C010000 90010000 00"))
    assert master.asked[0][1].body == Crob(CrobOperation.PULSE_ON, TripClose.TRIP, 5, 300, 400, clear=True)
    assert master.asked[0][1].mode is CommandMode.DIRECT


@pytest.mark.parametrize(
    ("variation", "packed", "value"),
    [
        (1, struct.pack("<i", -70000), -70000.0),
        (2, struct.pack("<h", -7), -7.0),
        (3, struct.pack("<f", 1.5), 1.5),
        (4, struct.pack("<d", 0.1), 0.1),
    ],
)
def test_analog_outputs_of_every_variation_arrive_in_device_units(variation: int, packed: bytes, value: float) -> None:
    master = wire()
    objects = bytes([41, variation, 0x28, 1, 0]) + (300).to_bytes(2, "little") + packed + b"\0"
    assert master.one(b"\xc4\x05" + objects) == b"\xc4\x81\0\0" + objects
    assert master.asked[0][1].body == AnalogValue(value)
    assert master.asked[0][1].row == 3


@pytest.mark.parametrize(
    ("objects", "status"),
    [
        (bytes.fromhex("0C 01 17 01 09") + LATCH_ON, CommandStatus.NOT_SUPPORTED),
        (bytes.fromhex("0C 01 17 01 00 05 01 00000000 00000000 00"), CommandStatus.NOT_SUPPORTED),
        (bytes.fromhex("29 03 17 01 05 00000000 00"), CommandStatus.NOT_SUPPORTED),
        (bytes.fromhex("29 03 28 0100 2C01 0000C07F 00"), CommandStatus.OUT_OF_RANGE),
        (bytes.fromhex("29 03 28 0100 2C01 0000807F 00"), CommandStatus.OUT_OF_RANGE),
    ],
)
@pytest.mark.parametrize("function", [3, 5])
def test_what_cannot_be_asked_for_never_reaches_the_handler(
    objects: bytes, status: CommandStatus, function: int
) -> None:
    master = wire()
    answer = master.one(bytes([0xC0, function]) + objects)
    assert answer[-1] == status
    refused = Indication.PARAMETER_ERROR if status is CommandStatus.NOT_SUPPORTED else 0
    assert int.from_bytes(answer[2:4], "little") == refused
    assert not master.asked


def test_each_object_of_a_request_has_its_own_status() -> None:
    master = wire()
    master.statuses = {2: CommandStatus.BLOCKED}
    records = b"".join(bytes([index]) + LATCH_ON for index in (0, 1, 9))
    answer = master.one(b"\xc0\x05\x0c\x01\x17\x03" + records)
    assert statuses(answer) == [CommandStatus.SUCCESS, CommandStatus.BLOCKED, CommandStatus.NOT_SUPPORTED]
    assert [c.row for _, c in master.asked] == [1, 2]


def test_a_request_with_too_many_objects_has_the_rest_refused() -> None:
    master = wire(max_controls=2)
    records = b"".join(bytes([index]) + LATCH_ON for index in (0, 1, 0))
    answer = master.one(b"\xc0\x05\x0c\x01\x17\x03" + records)
    assert statuses(answer) == [0, 0, CommandStatus.TOO_MANY_OPS]
    assert len(master.asked) == 2


def test_a_select_that_failed_in_part_selects_nothing() -> None:
    master = wire()
    master.statuses = {1: CommandStatus.LOCAL}
    assert master.one(SELECT)[-1] == CommandStatus.LOCAL
    master.statuses = {}
    assert master.one(OPERATE)[-1] == CommandStatus.NO_SELECT
    assert [what for what, _ in master.asked] == ["select"]


def test_an_operate_without_select_or_too_late_or_different_does_not_reach_the_handler() -> None:
    master = wire()
    assert master.one(OPERATE)[-1] == CommandStatus.NO_SELECT
    master.one(SELECT)
    master.tick(QUIET.select_timeout_s + 0.1)
    assert master.one(OPERATE)[-1] == CommandStatus.TIMEOUT
    master.one(SELECT)
    other = b"\xc1\x04" + BLOCK[:4] + b"\x01" + LATCH_ON
    assert master.one(other)[-1] == CommandStatus.NO_SELECT
    assert {what for what, _ in master.asked} == {"select"}


def test_a_selection_is_good_for_one_operate() -> None:
    master = wire()
    master.one(SELECT)
    master.one(OPERATE)
    assert master.one(b"\xc2\x04" + BLOCK)[-1] == CommandStatus.NO_SELECT


def test_a_selection_does_not_outlive_its_connection() -> None:
    master = wire()
    master.one(SELECT)
    master.connect()
    assert master.one(OPERATE)[-1] == CommandStatus.NO_SELECT


@pytest.mark.parametrize("between", ["C0 01 3C 02 06", "C0 17", "C0 02 50 01 00 07 07 00", "C0 04 17", "C0 2F"])
def test_a_request_between_select_and_operate_ends_the_selection(between: str) -> None:
    station = wire()
    assert statuses(station.one(SELECT)) == [CommandStatus.SUCCESS]
    station.ask(between)
    assert statuses(station.one(OPERATE)) == [CommandStatus.NO_SELECT]
    assert [what for what, _ in station.asked] == ["select"]


def test_a_broadcast_between_a_command_and_its_repetition_does_not_make_it_a_new_one() -> None:
    station = wire()
    station.ask(b"\xc0\x05" + BLOCK)
    station.ask("C1 02 32 01 07 01 0048E1709B01", 0xFFFD)
    station.ask(b"\xc0\x05" + BLOCK)
    assert [what for what, _ in station.asked] == ["operate"]


def test_an_operate_does_not_overtake_a_request_that_waits_for_the_select() -> None:
    station = wire()
    station.statuses = None
    station.ask(SELECT)
    station.ask("C0 17")
    station.ask(OPERATE)
    station.finish(CommandStatus.SUCCESS)
    assert [what for what, _ in station.asked] == ["select"]


def test_a_repeated_request_is_answered_again_and_not_done_again() -> None:
    master = wire()
    first = master.one(b"\xc7\x05" + BLOCK)
    assert master.one(b"\xc7\x05" + BLOCK) == first
    assert len(master.asked) == 1
    master.one(b"\xc8\x05" + BLOCK)
    assert len(master.asked) == 2


def test_direct_operate_without_response_acts_in_silence() -> None:
    master = wire()
    assert master.ask(b"\xc0\x06" + BLOCK) == []
    assert master.ask(b"\xc0\x06" + BLOCK) == []
    assert [what for what, _ in master.asked] == ["operate"]


@pytest.mark.parametrize(
    ("request_body", "expected"),
    [
        ("0C 01 06", Indication.PARAMETER_ERROR),
        ("0C 01 17 00", Indication.PARAMETER_ERROR),
        ("", Indication.PARAMETER_ERROR),
        ("0C 01 17 02 00 03 01", Indication.PARAMETER_ERROR),
        ("1E 05 17 01 00 01 00000000", Indication.OBJECT_UNKNOWN),
        ("0C 01 07 01 03 01 00000000 00000000 00", Indication.PARAMETER_ERROR),
    ],
)
def test_a_request_that_is_no_control_is_refused_whole(request_body: str, expected: Indication) -> None:
    master = wire()
    answer = master.one("C0 05" + request_body)
    assert answer == b"\xc0\x81" + int(expected).to_bytes(2, "little")
    assert not master.asked


def test_while_the_handler_thinks_the_master_waits_and_its_repeats_are_not_commands() -> None:
    master = wire()
    master.statuses = None
    direct = b"\xc1\x05" + BLOCK
    assert master.ask(direct) == []
    assert master.ask(direct) == []
    assert len(master.waiting) == 1
    assert master.ask("C2 01 3C 02 06") == []
    done, read = master.finish(CommandStatus.SUCCESS)
    assert done == b"\xc1\x81\0\0" + BLOCK
    assert read == bytes.fromhex("C2 81 00 00")


def test_an_answer_that_comes_after_the_connection_is_gone_reaches_nobody() -> None:
    master = wire()
    master.statuses = None
    master.ask(b"\xc1\x05" + BLOCK)
    master.connect()
    assert master.finish(CommandStatus.SUCCESS) == []
    assert master.statistics["answers_without_a_master"] == 1
    master.statuses = {}
    assert master.one(b"\xc1\x05" + BLOCK)[-1] == CommandStatus.SUCCESS


def test_what_is_still_being_carried_out_for_a_lost_master_is_held_against_others_as_long_as_it_may_take() -> None:
    master = wire(command_timeout_s=5.0)
    master.statuses = None
    other = OutstationCore(replace(QUIET, master_address=2), master.device, master.statistics)
    other.start()
    master.ask(b"\xc1\x05" + BLOCK)
    master.core.disconnected()

    def asked_by_the_other() -> Action:
        [action] = other.receive(b"\xc1\x05" + BLOCK, master.moment)
        return action

    refused = asked_by_the_other()
    assert isinstance(refused, Send) and refused.fragment[-1] == CommandStatus.BLOCKED_OTHER_MASTER
    master.now += 5.1
    other.connected(master.moment)  # its repetition would be answered from memory
    assert isinstance(asked_by_the_other(), Execute)


def test_what_is_too_much_for_a_request_is_so_without_a_selection_too() -> None:
    master = wire(max_controls=1)
    answer = master.one(b"\xc0\x04\x0c\x01\x17\x02" + 2 * BLOCK[4:])
    assert statuses(answer) == [CommandStatus.NO_SELECT, CommandStatus.TOO_MANY_OPS]


def test_a_broadcast_control_acts_and_the_next_answer_says_that_one_came() -> None:
    master = wire()
    assert master.ask(b"\xc0\x06" + BLOCK, broadcast=0xFFFD) == []
    assert len(master.asked) == 1
    assert master.one("C1 01 3C 02 06") == bytes.fromhex("C1 81 01 00")
    assert master.one("C2 01 3C 02 06") == bytes.fromhex("C2 81 00 00")


def test_a_broadcast_select_or_read_is_nothing() -> None:
    master = wire()
    assert master.ask(SELECT, broadcast=0xFFFF) == []
    assert master.ask("C0 01 3C 01 06", broadcast=0xFFFF) == []
    assert not master.asked
    assert master.statistics["broadcasts_ignored"] == 2
    assert master.one("C1 01 3C 02 06") == bytes.fromhex("C1 81 01 00"), "it came, whatever it was"
