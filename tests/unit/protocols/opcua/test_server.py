"""Our server seen by a bare asyncua client: writes are commands, and nothing else is writable."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError

from protocols.opcua import DRIVER
from protocols.opcua.server import OpcUaOutstation
from protocols.opcua.settings import OpcUaOutstationSettings
from tests.unit.protocols.opcua.device import (
    NAME,
    POINTS,
    POWER,
    RESET,
    ROWS,
    SETPOINT,
    SHOWN,
    START,
    STATE,
    URI,
    Handler,
    point,
)
from tests.unit.protocols.opcua.test_session import batch
from vppscada.model.commands import AnalogValue, CommandStatus, Crob, CrobOperation, Origin
from vppscada.model.points import PointKind, RowPoint
from vppscada.model.quality import Quality

SETTINGS = OpcUaOutstationSettings(port=0, command_timeout_s=2.0)
VT = ua.VariantType


class Bench:
    """A server and a bare client on it."""

    def __init__(self, outstation: OpcUaOutstation, handler: Handler, client: Client, index: int) -> None:
        self.outstation, self.handler, self.client, self.index = outstation, handler, client, index

    def node(self, name: str) -> ua.NodeId:
        return ua.NodeId(ua.String(name), ua.Int16(self.index))

    async def write(self, name: str, *values: ua.DataValue) -> list[str]:
        nodes = [self.node(name)] * len(values)
        found = await self.client.uaclient.write_attributes(nodes, list(values))
        return [each.name for each in found]

    async def read(self, name: str) -> ua.DataValue:
        (found,) = await self.client.uaclient.read_attributes([self.node(name)], AttributeIds.Value)
        return found

    async def shows(self, name: str) -> object:
        found = await self.read(name)
        assert found.Value is not None
        return found.Value.Value


def value(number: object, kind: VT) -> ua.DataValue:
    return ua.DataValue(ua.Variant(number, kind))


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    handler = Handler()
    outstation = DRIVER.outstation("device", SETTINGS, ROWS, handler, None)
    outstation.update(batch([POWER, STATE, NAME, SETPOINT, START], [1.5, 1.0, 0.0, 0.0, 0.0], texts={NAME: "n"}))
    await outstation.start()
    try:
        async with Client(f"opc.tcp://127.0.0.1:{outstation.port}", watchdog_intervall=30.0) as client:
            yield Bench(outstation, handler, client, await client.get_namespace_index(URI))
    finally:
        await outstation.stop()


async def test_points_stand_at_their_identifiers_with_type_time_and_description(bench: Bench) -> None:
    found = await bench.read("power")
    assert found.Value == ua.Variant(1.5, VT.Float)
    assert found.SourceTimestamp is not None
    assert found.SourceTimestamp.timestamp() == pytest.approx(1_700_000_000.123)
    node = bench.client.get_node(bench.node("power"))
    assert (await node.read_description()).Text == "The power"
    assert (await node.read_browse_name()).Name == "power"


async def test_an_accepted_write_is_a_command_and_shows_on_every_point_of_the_node(bench: Bench) -> None:
    assert await bench.write("sp", value(2.5, VT.Float)) == ["Good"]
    (operated,) = bench.handler.operated
    assert (operated.row, operated.body, operated.origin) == (SETPOINT, AnalogValue(2.5), Origin.EMS)
    assert await bench.shows("sp") == 2.5
    assert bench.outstation._served.now(SHOWN).Value == ua.Variant(2.5, VT.Float)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (CommandStatus.LOCAL, "BadInvalidState"),
        (CommandStatus.NOT_AUTHORIZED, "BadUserAccessDenied"),
        (CommandStatus.OUT_OF_RANGE, "BadOutOfRange"),
        (CommandStatus.UNDEFINED, "Bad"),
    ],
)
async def test_a_refused_write_is_bad_and_changes_nothing(bench: Bench, status: CommandStatus, name: str) -> None:
    bench.handler.answer = status
    assert await bench.write("sp", value(2.5, VT.Float)) == [name]
    assert await bench.shows("sp") == 0.0
    assert len(bench.handler.operated) == 1
    assert bench.outstation.statistics["commands_refused"] == 1


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (value(2.5, VT.Double), "BadTypeMismatch"),
        (value(2, VT.Int32), "BadTypeMismatch"),
        (value([2.5], VT.Float), "BadTypeMismatch"),
        (value("2.5", VT.String), "BadTypeMismatch"),
        (value(float("nan"), VT.Float), "BadOutOfRange"),
        (value(float("inf"), VT.Float), "BadOutOfRange"),
        (ua.DataValue(ua.Variant(2.5, VT.Float), ua.StatusCode(ua.UInt32(0x8000_0000))), "BadWriteNotSupported"),
        (ua.DataValue(ua.Variant(None, VT.Null)), "BadTypeMismatch"),
    ],
)
async def test_a_write_that_is_no_value_of_the_point_never_reaches_the_handler(
    bench: Bench, written: ua.DataValue, name: str
) -> None:
    assert await bench.write("sp", written) == [name]
    assert bench.handler.operated == []
    assert await bench.shows("sp") == 0.0


@pytest.mark.parametrize(("name", "written"), [("power", value(9.0, VT.Float)), ("state", value(False, VT.Boolean))])
async def test_an_input_cannot_be_written(bench: Bench, name: str, written: ua.DataValue) -> None:
    before = await bench.shows(name)
    assert await bench.write(name, written) == ["BadUserAccessDenied"]
    assert await bench.shows(name) == before


async def test_several_writes_in_one_request_are_decided_one_by_one(bench: Bench) -> None:
    answers = await bench.write("sp", value(1.0, VT.Float), value(2, VT.Int16), value(3.0, VT.Float))
    assert answers == ["Good", "BadTypeMismatch", "Good"]
    assert [each.body for each in bench.handler.operated] == [AnalogValue(1.0), AnalogValue(3.0)]
    assert len({each.id for each in bench.handler.operated}) == 2


async def test_a_boolean_is_latched_and_the_end_of_a_pulse_asks_for_nothing(bench: Bench) -> None:
    assert await bench.write("start", value(True, VT.Boolean), value(False, VT.Boolean)) == ["Good"] * 2
    assert await bench.write("reset", value(True, VT.Boolean), value(False, VT.Boolean)) == ["Good"] * 2
    bodies = [(each.row, each.body) for each in bench.handler.operated]
    assert bodies == [
        (START, Crob(CrobOperation.LATCH_ON)),
        (START, Crob(CrobOperation.LATCH_OFF)),
        (RESET, Crob(CrobOperation.PULSE_ON, on_ms=50)),
    ]
    assert await bench.shows("reset") is False


async def test_a_handler_that_takes_too_long_is_a_timeout(bench: Bench) -> None:
    bench.handler.delay_s = 60.0
    assert await bench.write("sp", value(2.5, VT.Float)) == ["BadTimeout"]
    assert bench.outstation.statistics["handlers_timed_out"] == 1
    assert await bench.shows("sp") == 0.0


async def test_nobody_comes_in_as_administrator(bench: Bench) -> None:
    client = Client(f"opc.tcp://admin:x@127.0.0.1:{bench.outstation.port}")
    with pytest.raises((UaError, ConnectionError)):
        async with client:
            pytest.fail("an administrator came in")


async def test_a_bad_value_is_served_without_a_number(bench: Bench) -> None:
    bench.outstation.update(batch([POWER], [1.5], Quality.COMM_LOST))
    while (await bench.read("power")).StatusCode == ua.StatusCode():
        pass
    found = await bench.read("power")
    assert found.StatusCode is not None
    assert found.StatusCode.name == "BadNoCommunication"
    assert found.Value is None or found.Value.Value is None


async def test_a_value_that_does_not_go_into_its_type_is_out_of_range() -> None:
    rows = (RowPoint(0, point("level", PointKind.ANALOG_INPUT, "int16")),)
    outstation = DRIVER.outstation("device", SETTINGS, rows, Handler(), None)
    outstation.update(batch([0], [40_000.0]))
    found = outstation._served.now(0)
    assert found.StatusCode is not None
    assert found.StatusCode.name == "BadOutOfRange"


async def test_an_update_that_comes_faster_than_it_is_served_keeps_the_last_values(bench: Bench) -> None:
    for number in range(2_000):
        bench.outstation.update(batch([POWER], [float(number)]))
    assert len(bench.outstation._waiting) <= 256
    while await bench.shows("power") != 1_999.0:
        pass
    assert bench.outstation.statistics["updates_merged"] > 0


async def test_a_disabled_point_is_not_served() -> None:
    rows = (ROWS[0], RowPoint(1, replace(POINTS[STATE], enabled=False)))
    outstation = DRIVER.outstation("device", SETTINGS, rows, Handler(), None)
    outstation.update(batch([0, 1], [1.0, 1.0]))
    await outstation.start()
    try:
        assert list(outstation._nodes) == [0]
    finally:
        await outstation.stop()


@pytest.mark.parametrize(
    "head",
    [b"", b"HELF" + (2**31).to_bytes(4, "little"), b"MSGF" + (2**30).to_bytes(4, "little"), b"OPNC\xff\xff\xff\xff"],
    ids=["noise", "hello", "message", "open"],
)
async def test_a_peer_that_sends_without_end_is_cut_off(bench: Bench, head: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", bench.outstation.port)
    writer.write(head)
    sent = 0
    with pytest.raises(ConnectionError):
        while sent < 1 << 30:
            writer.write(b"\x55" * 65_536)
            sent += 65_536
            await writer.drain()
            await asyncio.sleep(0)
    writer.transport.abort()
    assert sent < 64 << 20
    assert bench.outstation.statistics["frames_malformed"] == 1
    assert await bench.shows("sp") == 0.0
