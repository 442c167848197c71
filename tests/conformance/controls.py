"""Steps that the procedures of binary outputs (8.2) and of analog outputs (8.4) share."""

import struct
from dataclasses import dataclass

from protocols.dnp3.application import Function, Indication
from tests.conformance.tester import Tester, with_status
from vppscada.model.commands import AnalogValue, Crob, CrobOperation, TripClose
from vppscada.model.commands import CommandStatus as Status
from vppscada.model.points import PointKind

UNINSTALLED = 65535
#: What refuses a request for a point that is not there.
REFUSED = Indication.PARAMETER_ERROR | Indication.OBJECT_UNKNOWN
REFUSALS = REFUSED | Indication.FUNCTION_NOT_SUPPORTED


def crob(code: int = 3, count: int = 1, on_ms: int = 100, off_ms: int = 200) -> bytes:
    """A control relay output block with status 0."""
    return struct.pack("<BBIIB", code, count, on_ms, off_ms, 0)


def analog(value: int = 10) -> bytes:
    """A 16-bit analog output block with status 0."""
    return struct.pack("<hB", value, 0)


@dataclass(frozen=True, slots=True)
class Output:
    """A kind of output: its command object, the group of its states, a body, and another one for the same point."""

    kind: PointKind
    head: bytes
    status: int
    body: bytes
    other: bytes

    def objects(self, index: int = 0, body: bytes | None = None, *, wide: bool = False) -> bytes:
        """One object with qualifier 17, or 28 if ``wide``."""
        width, qualifier = (2, 0x28) if wide else (1, 0x17)
        prefix = (1).to_bytes(width, "little") + index.to_bytes(width, "little")
        return self.head + bytes((qualifier,)) + prefix + (self.body if body is None else body)

    def several(self, indexes: list[int]) -> bytes:
        """An object for each index under one header with qualifier 28."""
        count = len(indexes).to_bytes(2, "little")
        return self.head + b"\x28" + count + b"".join(i.to_bytes(2, "little") + self.body for i in indexes)

    @property
    def asked(self) -> Crob | AnalogValue:
        """What ``body`` asks of the point."""
        if self.kind is PointKind.BINARY_OUTPUT:
            return Crob(CrobOperation.LATCH_ON, TripClose.NUL, 1, 100, 200)
        return AnalogValue(10.0)


BINARY = Output(PointKind.BINARY_OUTPUT, bytes((12, 1)), 10, crob(), crob(4))
ANALOG = Output(PointKind.ANALOG_OUTPUT, bytes((41, 2)), 40, analog(), analog(11))


def echoed(
    tester: Tester, function: Function, objects: bytes, status: Status = Status.SUCCESS, *, sequence: int
) -> None:
    """A control request is answered by its own objects, with this status."""
    answer = tester.ask(function, objects, sequence=sequence)
    assert answer.body == with_status(objects, status)
    unknown = Indication.PARAMETER_ERROR if status is Status.NOT_SUPPORTED else Indication.NONE
    assert answer.response.indications & REFUSALS == unknown


def moved(tester: Tester, output: Output, index: int = 0) -> None:
    """This point was operated, once, and nothing else was."""
    assert tester.operated(output.kind) == [(index, output.asked)]


def stood_still(tester: Tester, output: Output) -> None:
    """Nothing was operated."""
    assert tester.operated(output.kind) == []


def sbo(tester: Tester, output: Output, *, wide: bool) -> None:
    """Select and operate."""
    objects = output.objects(wide=wide)
    echoed(tester, Function.SELECT, objects, sequence=0)
    stood_still(tester, output)
    echoed(tester, Function.OPERATE, objects, sequence=1)
    moved(tester, output)


def sbo_uninstalled(tester: Tester, output: Output) -> None:
    """A select of a point that does not exist."""
    objects = output.objects(UNINSTALLED, wide=True)
    echoed(tester, Function.SELECT, objects, Status.NOT_SUPPORTED, sequence=0)
    stood_still(tester, output)


def sbo_too_late(tester: Tester, output: Output) -> None:
    """An operate after the selection has timed out."""
    echoed(tester, Function.SELECT, output.objects(), sequence=0)
    tester.wait(3.0)
    echoed(tester, Function.OPERATE, output.objects(), Status.TIMEOUT, sequence=1)
    stood_still(tester, output)


def sbo_other(tester: Tester, output: Output, selected: bytes, operated: bytes) -> None:
    """An operate of something else than was selected, and then of what was selected: that is too late too."""
    echoed(tester, Function.SELECT, selected, sequence=0)
    echoed(tester, Function.OPERATE, operated, Status.NO_SELECT, sequence=1)
    stood_still(tester, output)
    echoed(tester, Function.OPERATE, selected, Status.NO_SELECT, sequence=2)
    stood_still(tester, output)


def refused_without_points(tester: Tester, output: Output, function: Function) -> None:
    """A device whose outputs of this kind are uninstalled."""
    tester.power_cycle(output.kind)
    answer = tester.ask(function, output.objects(wide=True), sequence=0)
    assert answer.has_any(REFUSED)
    stood_still(tester, output)


def select_again(tester: Tester, output: Output, *, sequences: tuple[int, int, int]) -> None:
    """Two selects and an operate."""
    first, second, operate = sequences
    echoed(tester, Function.SELECT, output.objects(), sequence=first)
    echoed(tester, Function.SELECT, output.objects(), sequence=second)
    stood_still(tester, output)
    echoed(tester, Function.OPERATE, output.objects(), sequence=operate)
    moved(tester, output)


def operate_again(tester: Tester, output: Output, sequence: int, status: Status) -> None:
    """An operate, and another one with this sequence number, which gets this status and moves nothing."""
    echoed(tester, Function.SELECT, output.objects(), sequence=0)
    echoed(tester, Function.OPERATE, output.objects(), sequence=1)
    moved(tester, output)
    echoed(tester, Function.OPERATE, output.objects(), status, sequence=sequence)
    stood_still(tester, output)


def sequence_is_checked(tester: Tester, output: Output) -> None:
    """An operate with a gap in the sequence; the right one afterwards comes too late."""
    echoed(tester, Function.SELECT, output.objects(), sequence=0)
    echoed(tester, Function.OPERATE, output.objects(), Status.NO_SELECT, sequence=2)
    stood_still(tester, output)
    echoed(tester, Function.OPERATE, output.objects(), Status.NO_SELECT, sequence=1)
    stood_still(tester, output)


def direct(tester: Tester, output: Output) -> None:
    """Direct operate with both qualifiers."""
    for sequence, wide in enumerate((True, False)):
        echoed(tester, Function.DIRECT_OPERATE, output.objects(wide=wide), sequence=sequence)
        moved(tester, output)


def direct_uninstalled(tester: Tester, output: Output) -> None:
    """Direct operate of a point that does not exist."""
    objects = output.objects(UNINSTALLED, wide=True)
    echoed(tester, Function.DIRECT_OPERATE, objects, Status.NOT_SUPPORTED, sequence=0)
    stood_still(tester, output)


def unanswered(tester: Tester, objects: bytes) -> None:
    """Direct operate without acknowledgement gets no answer, not even from the link layer."""
    assert tester.send(Function.DIRECT_OPERATE_NO_RESPONSE, objects, sequence=0) == []
    assert tester.heard == []
    assert tester.wait(2.0) == []


def direct_unanswered(tester: Tester, output: Output) -> None:
    """Direct operate without acknowledgement."""
    unanswered(tester, output.objects())
    moved(tester, output)


def direct_unanswered_uninstalled(tester: Tester, output: Output) -> None:
    """The same for a point that does not exist."""
    unanswered(tester, output.objects(UNINSTALLED, wide=True))
    stood_still(tester, output)


def direct_unanswered_without_points(tester: Tester, output: Output) -> None:
    """The same on a device whose outputs of this kind are uninstalled."""
    tester.power_cycle(output.kind)
    unanswered(tester, output.objects(wide=True))
    stood_still(tester, output)


def multiple(tester: Tester, output: Output) -> None:
    """As many objects as the device takes in a request (four), and one more, which gets TOO_MANY_OPS."""
    four, five = [10, 11, 12, 13], [10, 11, 12, 13, 19]
    for sequence, function in enumerate((Function.SELECT, Function.OPERATE)):
        answer = tester.ask(function, output.several(four), sequence=sequence)
        assert answer.body == output.several(four)
        assert not answer.has_any(REFUSALS)
    assert tester.operated(output.kind) == [(index, output.asked) for index in four]
    for sequence, function in ((2, Function.SELECT), (3, Function.DIRECT_OPERATE)):
        answer = tester.ask(function, output.several(five), sequence=sequence)
        assert answer.body == with_status(output.several(five), Status.TOO_MANY_OPS)
        assert not answer.has_any(REFUSALS)
    assert tester.operated(output.kind) == [(index, output.asked) for index in four]
    echoed(tester, Function.SELECT, output.objects(19, wide=True), sequence=4)
