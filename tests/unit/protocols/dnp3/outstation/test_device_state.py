"""What concerns the device as a whole: restarts, local control, trouble."""

from dataclasses import replace

import pytest

from protocols.dnp3.application import Indication
from tests.unit.protocols.dnp3.outstation.wire import CLEAR_RESTART, QUIET, THREE_POINTS, Wire, indications, point
from vppscada.model.commands import CommandMode, CommandStatus
from vppscada.model.errors import SettingFaults
from vppscada.model.points import PointKind

OUTPUT = point(PointKind.BINARY_OUTPUT, 0, writable=True)
CONTROL = "0C 01 17 01 00 03 01 00000000 00000000 00"
ALONE = replace(QUIET, local_control_input=0, device_trouble_input=1)
INPUTS = (point(PointKind.BINARY_INPUT, 0), point(PointKind.BINARY_INPUT, 1), OUTPUT)


@pytest.mark.parametrize("function", ["0D", "0E"])
def test_a_restart_sets_its_indication_forgets_what_was_enabled_and_keeps_the_events(function: str) -> None:
    wire = Wire(THREE_POINTS, replace(QUIET, unsolicited=True))
    [first] = wire.connect()
    wire.ask(bytes((0xD0 | first[0] & 0x0F, 0)))
    wire.one(CLEAR_RESTART)
    wire.update({0: 0})
    wire.update({0: 1})
    _, event = wire.ask("C1 14 3C 02 06")
    assert event[1] == 0x82
    answer, null = wire.ask("C2 " + function)
    assert answer[4:] == bytes.fromhex("34 02 07 01 8813")
    assert (null[1], null[4:]) == (0x82, b"")
    assert indications(null) & Indication.DEVICE_RESTART
    assert indications(null) & Indication.CLASS_1_EVENTS
    wire.ask(bytes((0xD0 | null[0] & 0x0F, 0)))
    assert wire.tick(60.0) == []  # class 1 is not enabled any more
    assert wire.restarts == [function == "0D"]


def test_only_a_cold_restart_takes_back_the_classes_that_were_assigned() -> None:
    wire = Wire(THREE_POINTS)
    wire.connect()
    wire.one("C0 16 3C 04 06 01 00 06")
    wire.one("C1 0E")
    assert wire.core.state.event_class.tolist()[0] == 3
    wire.one("C2 0D")
    assert wire.core.state.event_class.tolist()[0] == 1


def test_a_restart_that_is_refused_changes_nothing() -> None:
    wire = Wire(THREE_POINTS, replace(QUIET, restart="refuse"))
    wire.connect()
    wire.one(CLEAR_RESTART)
    answer = wire.one("C1 0D")
    assert indications(answer) == Indication.FUNCTION_NOT_SUPPORTED
    assert wire.restarts == []


def test_under_local_control_commands_are_refused_and_the_master_is_told() -> None:
    wire = Wire(INPUTS, ALONE)
    wire.connect()
    wire.update({0: 1, 1: 0})
    answer = wire.one("C0 05" + CONTROL)
    assert answer[-1] == CommandStatus.LOCAL
    assert indications(answer) & Indication.LOCAL_CONTROL
    assert not indications(answer) & Indication.DEVICE_TROUBLE
    wire.update({0: 0})
    assert wire.one("C1 05" + CONTROL)[-1] == CommandStatus.SUCCESS


def test_trouble_is_what_its_input_says_or_a_disk_that_fails() -> None:
    wire = Wire(INPUTS, ALONE)
    wire.connect()
    assert not indications(wire.one("C0 17")) & Indication.DEVICE_TROUBLE
    wire.update({1: 1})
    assert indications(wire.one("C1 17")) & Indication.DEVICE_TROUBLE
    wire.update({1: 0})
    wire.core.state.store_fails = True
    assert indications(wire.one("C2 17")) & Indication.DEVICE_TROUBLE


def test_a_point_that_wants_a_select_takes_no_direct_operate() -> None:
    wire = Wire([point(PointKind.BINARY_OUTPUT, 0, writable=True, command_mode=CommandMode.SBO)])
    wire.connect()
    assert wire.one("C0 05" + CONTROL)[-1] == CommandStatus.NO_SELECT
    wire.ask("C1 06" + CONTROL)
    assert wire.asked == []
    assert wire.one("C2 03" + CONTROL)[-1] == CommandStatus.SUCCESS
    assert wire.one("C3 04" + CONTROL)[-1] == CommandStatus.SUCCESS
    assert [what for what, _ in wire.asked] == ["select", "operate"]


@pytest.mark.parametrize("key", ["local_control_input", "device_trouble_input"])
def test_an_input_that_is_not_there_is_a_fault(key: str) -> None:
    with pytest.raises(SettingFaults, match=key):
        Wire(INPUTS, replace(QUIET, **{key: 7}))  # type: ignore[arg-type]
