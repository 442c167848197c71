"""Internal indications: procedures 8.6.1.2 to 8.6.6.2.4."""

from protocols.dnp3.application import Function, Indication
from protocols.dnp3.link import BROADCAST_CONFIRM, BROADCAST_NO_CONFIRM, BROADCAST_OPTIONAL
from tests.conformance import controls
from tests.conformance.controls import ANALOG, BINARY, REFUSALS, Output
from tests.conformance.device import EVENTS_PER_KIND
from tests.conformance.events import Events, of_class, of_kind
from tests.conformance.tester import Tester, as_told
from vppscada.model.commands import CommandStatus as Status
from vppscada.model.points import PointKind

_CLASS_1 = "3C 02 06"
_CLEAR_RESTART = "50 01 00 07 07 00"
#: Link controls that a broadcast comes with.
_CONFIRMED, _UNCONFIRMED = 0xF3, 0xC4


def test_8_6_1_2_restart(tester: Tester) -> None:
    tester.power_cycle()
    assert tester.read(_CLASS_1).has(Indication.DEVICE_RESTART)
    answer = tester.ask(Function.WRITE, _CLEAR_RESTART)
    assert answer.is_null
    assert not answer.has(Indication.DEVICE_RESTART)
    assert not tester.read(_CLASS_1).has(Indication.DEVICE_RESTART)


def test_8_6_2_2_bad_function(tester: Tester) -> None:
    answer = tester.ask(0x70, "3C 01 06")
    assert answer.is_null
    assert answer.has(Indication.FUNCTION_NOT_SUPPORTED)
    assert not tester.read("3C 01 06").has_any(REFUSALS)


def test_8_6_3_2_object_unknown(tester: Tester) -> None:
    for unknown in ("64 01 06", "FE 01 06", "01 63 06"):
        answer = tester.read(unknown)
        assert answer.is_null
        assert answer.has(Indication.OBJECT_UNKNOWN)
        assert not tester.read("3C 01 06").has_any(REFUSALS)


def refuses(tester: Tester, output: Output, index: int) -> None:
    """A control of a point that somebody at the device has taken over."""
    for function in (Function.SELECT, Function.DIRECT_OPERATE):
        tester.sequence += 1
        controls.echoed(tester, function, output.objects(index), Status.LOCAL, sequence=tester.sequence)


def obeys(tester: Tester, output: Output, index: int) -> None:
    tester.sequence += 1
    controls.echoed(tester, Function.DIRECT_OPERATE, output.objects(index), sequence=tester.sequence)
    assert tester.operated(output.kind) == [(index, output.asked)]


def test_8_6_4_2_local_control_of_devices_with_global_remote_supervisory_control(tester: Tester) -> None:
    outputs = tester.device.rows_of(BINARY.kind) + tester.device.rows_of(ANALOG.kind)
    assert not tester.read(_CLASS_1).has(Indication.LOCAL_CONTROL)
    tester.device.take_over(outputs, local=True)
    assert tester.read(_CLASS_1).has(Indication.LOCAL_CONTROL)
    for output in (BINARY, ANALOG):
        refuses(tester, output, 0)
        assert tester.read(f"{output.status:02X} 00 06").has(Indication.LOCAL_CONTROL)
    tester.device.take_over(outputs, local=False)
    assert not tester.read(_CLASS_1).has(Indication.LOCAL_CONTROL)
    for output in (BINARY, ANALOG):
        obeys(tester, output, 0)


def test_8_6_4_3_local_control_of_devices_with_individual_remote_supervisory_control(tester: Tester) -> None:
    for output in (BINARY, ANALOG):
        rows = tester.device.rows_of(output.kind)[3:4]
        tester.device.take_over(rows, local=True)
        assert tester.read(_CLASS_1).has(Indication.LOCAL_CONTROL)
        refuses(tester, output, 3)
        assert tester.read(f"{output.status:02X} 00 06").flags(output.status)[:5] == [1, 1, 1, 0x11, 1]
        obeys(tester, output, 4)
        tester.device.take_over(rows, local=False)
        assert not tester.read(_CLASS_1).has(Indication.LOCAL_CONTROL)
        obeys(tester, output, 3)


def broadcast(tester: Tester, destination: int) -> None:
    """A broadcast that clears the restart indication brings nothing from the outstation."""
    assert tester.send(Function.WRITE, _CLEAR_RESTART, control=_UNCONFIRMED, destination=destination) == []
    assert tester.heard == []
    assert tester.wait(1.0) == []


def test_8_6_5_2_broadcast_confirmation_not_required(tester: Tester) -> None:
    tester.power_cycle()
    assert tester.read(_CLASS_1).has(Indication.DEVICE_RESTART)
    broadcast(tester, BROADCAST_NO_CONFIRM)
    answer = tester.read(_CLASS_1)
    assert answer.has(Indication.BROADCAST)
    assert not answer.has(Indication.DEVICE_RESTART)
    assert not answer.control.confirm
    assert not tester.read(_CLASS_1).has(Indication.BROADCAST)


def test_8_6_5_3_broadcast_confirmation_required_and_optional(tester: Tester) -> None:
    tester.power_cycle()
    broadcast(tester, BROADCAST_CONFIRM)
    for _ in range(2):
        answer = tester.read(_CLASS_1)
        assert answer.has(Indication.BROADCAST)
        assert not answer.has(Indication.DEVICE_RESTART)
        assert answer.control.confirm, "until it is confirmed"
    tester.confirm(answer)
    assert not tester.read(_CLASS_1).has(Indication.BROADCAST)

    tester.power_cycle()
    broadcast(tester, BROADCAST_OPTIONAL)
    answer = tester.read(_CLASS_1)
    assert answer.has(Indication.BROADCAST)
    assert not answer.has(Indication.DEVICE_RESTART)
    tester.confirm(answer)
    assert not tester.read(_CLASS_1).has(Indication.BROADCAST)


def test_8_6_5_4_broadcast_confirmed_response_options(tester: Tester) -> None:
    for destination, wants_confirm in ((BROADCAST_CONFIRM, True), (BROADCAST_NO_CONFIRM, False)):
        tester.power_cycle()
        assert tester.link(0xC0) == [0x00]
        assert tester.read(_CLASS_1).has(Indication.DEVICE_RESTART)
        sent = tester.send(Function.WRITE, _CLEAR_RESTART, control=_CONFIRMED, destination=destination)
        assert sent == tester.wait(1.0) == []
        answer = tester.read(_CLASS_1)
        assert not answer.has(Indication.DEVICE_RESTART)
        assert answer.has(Indication.BROADCAST)
        assert answer.control.confirm == wants_confirm
        answer = tester.read(_CLASS_1)
        assert answer.has(Indication.BROADCAST) == wants_confirm
        if wants_confirm:
            tester.confirm(answer)
        assert not tester.read(_CLASS_1).has(Indication.BROADCAST)


def overflow(tester: Tester, events: Events) -> None:
    """As many events as the buffer holds, then one more."""
    tester.drain("3C 02 06 3C 03 06 3C 04 06")
    made, _ = tester.generate(events.kind, EVENTS_PER_KIND)
    answer = tester.read(events.all)
    assert not answer.has(Indication.EVENT_BUFFER_OVERFLOW)
    assert answer.values(events.group) == as_told(made)
    made += tester.generate(events.kind, 1)[0]
    answer = tester.read(events.most(1, 0x07))
    assert answer.values(events.group) == as_told(made[1:2]), "the newest are kept"
    assert answer.has(Indication.EVENT_BUFFER_OVERFLOW)
    assert answer.control.confirm
    tester.confirm(answer)
    answer = tester.read(events.most(1, 0x07))
    assert answer.values(events.group) == as_told(made[2:3])
    assert not answer.has(Indication.EVENT_BUFFER_OVERFLOW)
    assert answer.control.confirm
    tester.confirm(answer)


def test_8_6_6_2_1_buffer_overflow_binary_input_change_event_buffers(tester: Tester) -> None:
    overflow(tester, of_class(1))


def test_8_6_6_2_2_buffer_overflow_analog_input_change_event_buffers(tester: Tester) -> None:
    overflow(tester, of_class(3))


def test_8_6_6_2_3_buffer_overflow_binary_counter_change_event_buffers(tester: Tester) -> None:
    overflow(tester, of_class(2))


def test_8_6_6_2_4_buffer_overflow_double_bit_input_change_event_buffers(tester: Tester) -> None:
    overflow(tester, of_kind(PointKind.DOUBLE_BIT_INPUT, 4, 1, 0, (1, 2, 3)))
