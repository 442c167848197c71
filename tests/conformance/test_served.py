"""Recorded runs that take no time, played to the outstation that a site runs: over TCP it answers the same."""

import asyncio
from collections import Counter

import pytest

from protocols.dnp3.link import FrameParser
from protocols.dnp3.outstation.server import Dnp3Outstation
from protocols.dnp3.transport import Reassembler
from tests.conformance.device import KINDS, ConformanceDevice, identity
from tests.conformance.replay import DIFFERENCES, Said, configuration, fragments, recorded
from tests.conformance.runs import Sent, Updated, captured, run
from tests.unit.protocols.dnp3.outstation.wire import batch, rows
from vppscada.model.commands import AnalogValue, Command, CommandStatus
from vppscada.model.points import PointKind

_PATIENCE_S = 10.0
_LONGEST_S = 0.5


def quick(procedure: str) -> bool:
    """True for runs in which nobody waits for anything and the device is powered up once."""
    entries = run(procedure)
    return (
        0 < entries[-1].at - entries[0].at < _LONGEST_S and procedure not in DIFFERENCES and bool(recorded(procedure))
    )


QUICK = [procedure for procedure in captured() if quick(procedure)]


class Outputs:
    """Takes every command and remembers what outputs have to show."""

    def __init__(self) -> None:
        self.shown: dict[int, float] = {}

    async def select(self, command: Command) -> CommandStatus:
        return CommandStatus.SUCCESS

    async def operate(self, command: Command) -> CommandStatus:
        body = command.body
        self.shown[command.row] = body.value if isinstance(body, AnalogValue) else float(body.wants_on)
        return CommandStatus.SUCCESS


class Ear:
    """What comes over a connection, fragment by fragment."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._parser, self._reassembler = FrameParser(Counter()), Reassembler(Counter())
        self.said: list[Said] = []

    async def hear(self, count: int) -> None:
        """Listen until so many fragments were heard."""
        while len(self.said) < count:
            octets = await asyncio.wait_for(self._reader.read(4096), _PATIENCE_S)
            assert octets, "the outstation hung up"
            self.said += fragments(octets, self._parser, self._reassembler)


def test_most_runs_take_no_time() -> None:
    assert len(QUICK) > 50


@pytest.mark.parametrize("procedure", QUICK)
async def test_the_outstation_answers_over_tcp_as_in_the_run(procedure: str) -> None:
    settings, without = configuration(run(procedure), port=0)
    model = ConformanceDevice(settings=settings, without=without)
    row_of = {identity(p): row for row, p in enumerate(model.points)}
    outputs = Outputs()
    outstation = Dnp3Outstation("conformance", settings, rows(model.points), outputs)
    values = {row: float(value) for row, value in enumerate(model.device.table.value)}
    outstation.update(batch(values))
    table = outstation._device.table
    table.freeze(table.by_kind[PointKind.COUNTER].rows, 0, outstation._device.clock.quality())
    await outstation.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", outstation.port)
    ear = Ear(reader)
    theirs = recorded(procedure)
    sent = 0
    try:
        for entry in run(procedure):
            match entry.what:
                case Updated(kind, index, value, time_ms):
                    outstation.update(batch({row_of[KINDS[kind], index]: value}, at_ms=time_ms))
                case Sent(octets):
                    sent += len(octets)
                    writer.write(octets)
                    await ear.hear(sum(after <= sent for after, _ in theirs))
                    outstation.update(batch(outputs.shown))
                    outputs.shown.clear()
    finally:
        writer.close()
        await outstation.stop()
    assert ear.said == [said for _, said in theirs]
