"""Our OPC UA session against servers that know nothing of us: asyncua's own, and its client against our server."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.monitored_item_service import MonitoredItemService
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager

from protocols.opcua import DRIVER
from protocols.opcua.browse import survey
from protocols.opcua.config import address_of
from protocols.opcua.library import keep_quiet
from protocols.opcua.session import OpcUaSession
from protocols.opcua.settings import OpcUaOutstationSettings, OpcUaSessionSettings
from protocols.opcua.status import BAD_MONITORED_ITEM_FILTER_UNSUPPORTED
from tests.unit.protocols.opcua.device import PATIENCE_S, POWER, ROWS, URI, Handler, Listener, point
from tests.unit.protocols.opcua.test_session import batch, command
from vppscada.model.commands import Accepted, AnalogValue, Crob, CrobOperation, Rejected
from vppscada.model.points import PointKind, RowPoint
from vppscada.model.quality import Quality, TimeQuality
from vppscada.model.sessions import SessionLost

pytestmark = pytest.mark.interop

WIND, SOLAR = "urn:plant:wind", "urn:plant:solar"
POINTS = (
    RowPoint(30, point("speed", PointKind.ANALOG_INPUT, "double", WIND)),
    RowPoint(10, point("power", PointKind.ANALOG_INPUT, "int32", WIND)),
    RowPoint(20, point("running", PointKind.BINARY_INPUT, "boolean", SOLAR)),
    RowPoint(50, point("energy", PointKind.COUNTER, "uint64", SOLAR)),
    RowPoint(40, point("maker", PointKind.STRING, "string", SOLAR)),
    RowPoint(60, point("limit", PointKind.ANALOG_OUTPUT, "float", WIND)),
    RowPoint(70, point("start", PointKind.BINARY_OUTPUT, "boolean", SOLAR)),
    RowPoint(80, point("fixed", PointKind.ANALOG_OUTPUT, "float", WIND)),
    RowPoint(90, point("blades", PointKind.ANALOG_INPUT, "double", WIND)),
)
_VALUES: dict[str, tuple[object, ua.VariantType]] = {
    "speed": (11.5, ua.VariantType.Double),
    "power": (-1200, ua.VariantType.Int32),
    "running": (True, ua.VariantType.Boolean),
    "energy": (2**40, ua.VariantType.UInt64),
    "maker": ("Ålborg Vind", ua.VariantType.String),
    "limit": (0.0, ua.VariantType.Float),
    "start": (False, ua.VariantType.Boolean),
    "fixed": (1.0, ua.VariantType.Float),
    "blades": ([1.0, 2.0, 3.0], ua.VariantType.Double),
}
_SOLAR_NAMES = ("running", "energy", "maker", "start")


class OneUser(UserManager):
    """Lets in the operator with the right password."""

    def get_user(
        self, iserver: object, username: str | None = None, password: str | None = None, certificate: object = None
    ) -> User | None:
        known = username == "operator" and password == "let me in"
        return User(role=UserRole.User, name="operator") if known else None


@dataclass
class Foreign:
    """A plain asyncua server."""

    server: Server
    indexes: dict[str, int]

    @property
    def port(self) -> int:
        assert self.server.bserver is not None
        return int(self.server.bserver.port)

    def node(self, name: str) -> ua.NodeId:
        uri = SOLAR if name in _SOLAR_NAMES else WIND
        return ua.NodeId(ua.String(name), ua.Int16(self.indexes[uri]))

    async def put(self, name: str, value: ua.DataValue) -> None:
        await self.server.write_attribute_value(self.node(name), value)

    async def shows(self, name: str) -> object:
        found: object = await self.server.get_node(self.node(name)).read_value()
        return found


async def foreign(uris: tuple[str, ...], users: UserManager | None = None, port: int = 0) -> Foreign:
    """Start one with its namespaces in this order."""
    keep_quiet()
    server = Server(user_manager=users)
    server.disable_clock()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    indexes = {uri: await server.register_namespace(uri) for uri in uris}
    made = Foreign(server, indexes)
    for name, (value, kind) in _VALUES.items():
        variable = await server.nodes.objects.add_variable(made.node(name), name, value, kind)
        if name in ("limit", "start"):
            await variable.set_writable()
    await server.start()
    return made


@asynccontextmanager
async def running(session: OpcUaSession) -> AsyncIterator[Listener]:
    listener = Listener()
    task = asyncio.create_task(session.run(listener))
    task.add_done_callback(lambda _: listener._changed.set())
    try:
        await listener.until(lambda: listener.started or task.done())
        if task.done():
            task.result()
        yield listener
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, SessionLost):
            await task


def session_on(port: int, **changes: object) -> OpcUaSession:
    settings = OpcUaSessionSettings("127.0.0.1", port, timeout_s=2.0, publishing_interval_ms=50.0)
    return DRIVER.session("peer", replace(settings, **changes), POINTS)  # type: ignore[arg-type]


@pytest_asyncio.fixture(params=[(WIND, SOLAR), ("urn:first", SOLAR, "urn:between", WIND)], ids=["near", "far"])
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Foreign]:
    made = await foreign(request.param)
    try:
        yield made
    finally:
        await made.server.stop()


async def test_every_type_is_read_wherever_its_namespace_stands(peer: Foreign) -> None:
    async with running(session_on(peer.port)) as listener:
        assert {row: listener.value[row] for row in (10, 20, 30, 50)} == {10: -1200.0, 20: 1.0, 30: 11.5, 50: 2.0**40}
        assert listener.texts[40] == "Ålborg Vind"
        assert {listener.quality[row] for row in (10, 20, 30, 40, 50, 60, 70)} == {Quality.ONLINE}


async def test_an_array_where_a_number_should_be_is_bad_and_disturbs_nobody(peer: Foreign) -> None:
    async with running(session_on(peer.port)) as listener:
        assert listener.quality[90] & Quality.REFERENCE_ERR
        await peer.put("speed", ua.DataValue(ua.Variant(12.5, ua.VariantType.Double)))
        await listener.until(lambda: listener.value[30] == 12.5)


async def test_changes_come_with_status_and_time(peer: Foreign) -> None:
    async with running(session_on(peer.port)) as listener:
        status = ua.StatusCode(ua.UInt32(0x4090_0000))
        await peer.put("speed", ua.DataValue(ua.Variant(3.25, ua.VariantType.Double), status))
        await listener.until(lambda: listener.value[30] == 3.25)
        assert listener.quality[30] == Quality.ONLINE | Quality.STALE
        last = listener.batches[-1]
        (at,) = np.flatnonzero((last.rows == 30) & (last.value == 3.25))
        assert last.time_quality[at] == TimeQuality.NONE


async def test_writes_arrive_and_refusals_come_back(peer: Foreign) -> None:
    session = session_on(peer.port)
    async with running(session) as listener:
        assert await session.operate(command(60, AnalogValue(750.0))) == Accepted()
        assert await peer.shows("limit") == 750.0
        assert await session.operate(command(70, Crob(CrobOperation.LATCH_ON))) == Accepted()
        assert await peer.shows("start") is True
        assert isinstance(await session.operate(command(80, AnalogValue(5.0))), Rejected)
        assert await peer.shows("fixed") == 1.0
        await listener.until(lambda: listener.value[60] == 750.0)


async def test_a_server_reborn_with_other_namespace_indexes_is_met_again() -> None:
    first = await foreign((WIND, SOLAR))
    session, port = session_on(first.port), first.port
    listener = Listener()
    task = asyncio.create_task(session.run(listener))
    await listener.until(lambda: listener.started)
    await first.server.stop()
    with pytest.raises(SessionLost):
        await asyncio.wait_for(task, PATIENCE_S)
    second = await foreign((SOLAR, "urn:new", WIND), port=port)
    try:
        async with running(session) as again:
            assert again.value[30] == 11.5
            assert await session.operate(command(60, AnalogValue(2.0))) == Accepted()
            assert await second.shows("limit") == 2.0
    finally:
        await second.server.stop()


async def test_a_user_with_the_right_password_comes_in_and_others_do_not(tmp_path: Path) -> None:
    made = await foreign((WIND, SOLAR), OneUser())
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("let me in\n", encoding="utf-8")
    wrong.write_text("open sesame\n", encoding="utf-8")
    try:
        async with running(session_on(made.port, username="operator", password_file=right)) as listener:
            assert listener.value[30] == 11.5
        for changes in ({"username": "operator", "password_file": wrong}, {}):
            with pytest.raises(SessionLost):
                async with running(session_on(made.port, **changes)):
                    pytest.fail("a stranger came in")
    finally:
        await made.server.stop()


async def test_asyncuas_client_follows_our_server() -> None:
    handler = Handler()
    outstation = DRIVER.outstation("ours", OpcUaOutstationSettings(port=0), ROWS, handler, None)
    outstation.update(batch([POWER], [1.5]))
    await outstation.start()
    seen: asyncio.Queue[float] = asyncio.Queue()

    class Changes:
        def datachange_notification(self, node: object, val: float, data: object) -> None:
            seen.put_nowait(val)

    try:
        async with Client(f"opc.tcp://127.0.0.1:{outstation.port}") as client:
            index = await client.get_namespace_index(URI)
            node = client.get_node(ua.NodeId(ua.String("power"), ua.Int16(index)))
            subscription = await client.create_subscription(20, Changes())
            await subscription.subscribe_data_change(node)
            async with asyncio.timeout(PATIENCE_S):
                assert await seen.get() == 1.5
                outstation.update(batch([POWER], [2.5]))
                assert await seen.get() == 2.5
            setpoint = client.get_node(ua.NodeId(ua.String("sp"), ua.Int16(index)))
            await setpoint.write_value(ua.DataValue(ua.Variant(4.0, ua.VariantType.Float)))
            assert [each.body for each in handler.operated] == [AnalogValue(4.0)]
            assert handler.operated[0].expires_at > time.monotonic()
    finally:
        await outstation.stop()


async def test_a_deadband_is_kept_by_the_server(peer: Foreign) -> None:
    async with running(session_with_deadband(peer.port)) as listener:
        for speed in (11.75, 14.0):  # the first is within the deadband of 11.5
            await peer.put("speed", ua.DataValue(ua.Variant(speed, ua.VariantType.Double)))
        await peer.put("power", ua.DataValue(ua.Variant(5, ua.VariantType.Int32)))
        await listener.until(lambda: listener.value[30] == 14.0 and listener.value[10] == 5.0)
        assert not any(11.75 in batch.value for batch in listener.batches)


async def test_a_server_without_deadbands_reports_every_change(peer: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    create = MonitoredItemService._create_data_change_monitored_item

    async def refuse(service: MonitoredItemService, wanted: ua.MonitoredItemCreateRequest) -> object:
        if not hasattr(wanted.RequestedParameters.Filter, "DeadbandValue"):
            return await create(service, wanted)
        refused = ua.MonitoredItemCreateResult()
        refused.StatusCode = ua.StatusCode(ua.UInt32(BAD_MONITORED_ITEM_FILTER_UNSUPPORTED))
        return refused

    monkeypatch.setattr(MonitoredItemService, "_create_data_change_monitored_item", refuse)
    session = session_with_deadband(peer.port)
    async with running(session) as listener:
        await peer.put("speed", ua.DataValue(ua.Variant(11.75, ua.VariantType.Double)))
        await listener.until(lambda: listener.value[30] == 11.75)
        assert session.statistics["deadbands_refused"] == 1
        assert listener.quality[30] == Quality.ONLINE


def session_with_deadband(port: int) -> OpcUaSession:
    """A session that asks for 1.0 on the speed."""
    settings = OpcUaSessionSettings("127.0.0.1", port, timeout_s=2.0, publishing_interval_ms=50.0)
    speed = replace(POINTS[0].point, address=replace(address_of(POINTS[0].point), deadband=1.0))
    return DRIVER.session("peer", settings, (RowPoint(30, speed), *POINTS[1:]))


async def test_an_import_of_our_own_server_gives_back_units_ranges_and_states() -> None:
    power = replace(
        point("power", PointKind.ANALOG_INPUT, "double"), wire_units="kW", scale=0.001, minimum=0, maximum=2
    )
    told = (
        replace(power, id="wtg.active_power"),
        replace(point("sp", PointKind.ANALOG_OUTPUT, "double"), id="wtg.setpoint", wire_units="kW"),
        replace(point("b", PointKind.BINARY_INPUT, "boolean"), id="wtg.breaker", state_names=("open", "closed")),
        replace(point("m", PointKind.ANALOG_INPUT, "uint16"), id="wtg.mode", state_names=("off", "auto", "hand")),
    )
    rows = tuple(RowPoint(row, each) for row, each in enumerate(told))
    outstation = DRIVER.outstation("ours", OpcUaOutstationSettings(port=0), rows, Handler(), None)
    outstation.update(batch([0, 1, 2, 3], [1.0, 2.0, 1.0, 2.0]))
    await outstation.start()
    try:
        found = await survey(f"opc.tcp://127.0.0.1:{outstation.port}")
    finally:
        await outstation.stop()
    lines = {line["point"]: line for line in found.lines}
    assert set(lines) == {"active_power", "setpoint", "setpoint_command", "breaker", "mode"}
    wanted = {"units": "kW", "minimum": "0", "maximum": "2000", "identifier": "s=power", "namespace_uri": URI}
    assert {key: lines["active_power"][key] for key in wanted} == wanted
    assert lines["setpoint_command"]["units"] == "kW"
    assert lines["breaker"]["state_names"] == "open|closed"
    assert lines["mode"]["state_names"] == "off|auto|hand"
