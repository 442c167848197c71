"""Commands that are methods of a server that knows nothing of us."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest_asyncio
from asyncua import ua
from asyncua.server.server import Server
from asyncua.ua.status_codes import StatusCodes

from protocols.opcua import DRIVER
from protocols.opcua.config import Methods, NodeName, address_of
from protocols.opcua.library import keep_quiet
from protocols.opcua.session import OpcUaSession
from protocols.opcua.settings import OpcUaSessionSettings
from tests.unit.protocols.opcua.device import URI, point
from tests.unit.protocols.opcua.test_session import command, running
from vppscada.maps.csv_map import read_device_map
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    CommandStatus,
    NotSent,
    Pulse,
    PulseStyle,
    Rejected,
    Unanswered,
    crob_for,
)
from vppscada.model.errors import Fault
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality

ENGINE = NodeName(URI, "Engine")
PULSE = Pulse(PulseStyle.PULSE)
START, POWER, RESET, BREAKER, STUCK, BROKEN, REFUSING, MISSING, ELSEWHERE = range(9)


def by(kind: PointKind, word: str, on: str, off: str = "", node: str = "Engine", uri: str = URI) -> Point:
    plain = point("Engine", kind, word, node=node)
    methods = Methods(NodeName(uri, on), NodeName(URI, off) if off else None, ENGINE)
    return replace(plain, id=f"engine.{on}", address=replace(address_of(plain), methods=methods))


BINARY, ANALOG = PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT
POINTS = (
    by(BINARY, "boolean", "Start", "Stop"),
    by(ANALOG, "float", "SetPower", node="Shown"),
    replace(by(BINARY, "boolean", "Reset"), pulse=PULSE),
    by(BINARY, "boolean", "Switch"),
    by(ANALOG, "float", "Stuck"),
    by(ANALOG, "float", "Broken"),
    by(ANALOG, "float", "Refusing"),
    by(ANALOG, "float", "Missing"),
    by(ANALOG, "float", "SetPower", uri="urn:elsewhere"),
)
ROWS = tuple(RowPoint(row, each) for row, each in enumerate(POINTS))


@dataclass
class Engine:
    """A foreign server with an object of methods, and what was called."""

    server: Server
    called: list[tuple[object, ...]] = field(default_factory=list)
    stuck: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def port(self) -> int:
        assert self.server.bserver is not None
        return int(self.server.bserver.port)

    async def build(self) -> None:
        index = await self.server.register_namespace(URI)
        engine = await self.server.nodes.objects.add_object(ua.NodeId(ua.String("Engine"), ua.Int16(index)), "Engine")
        shown = ua.NodeId(ua.String("Shown"), ua.Int16(index))
        await engine.add_variable(shown, "Shown", 7.0, ua.VariantType.Float)
        inputs = {"SetPower": [ua.VariantType.Float], "Switch": [ua.VariantType.Boolean]}
        for name in ("Start", "Stop", "SetPower", "Reset", "Switch", "Stuck", "Broken", "Refusing"):
            node = ua.NodeId(ua.String(name), ua.Int16(index))
            await engine.add_method(node, name, self._method(name), inputs.get(name, []), [])

    def _method(self, name: str) -> object:
        async def method(parent: ua.NodeId, *arguments: ua.Variant) -> object:
            self.called.append((name, *((each.VariantType, each.Value) for each in arguments)))
            if name == "Stuck":
                await self.stuck.wait()
            if name == "Broken":
                raise RuntimeError("a device that fails")
            if name == "Refusing":
                return ua.StatusCode(ua.UInt32(StatusCodes.BadInvalidState))
            return []

        return method


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    keep_quiet()
    server = Server()
    server.disable_clock()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    made = Engine(server)
    await made.build()
    await server.start()
    try:
        yield made
    finally:
        made.stuck.set()
        await server.stop()


def session_on(engine: Engine, **changes: object) -> OpcUaSession:
    settings = OpcUaSessionSettings("127.0.0.1", engine.port, timeout_s=2.0, publishing_interval_ms=50.0)
    return DRIVER.session("engine", replace(settings, **changes), ROWS)  # type: ignore[arg-type]


async def test_commands_call_methods_each_once(engine: Engine) -> None:
    session = session_on(engine)
    async with running(session):
        for row, body in (
            (START, crob_for(True, Pulse())),
            (START, crob_for(False, Pulse())),
            (POWER, AnalogValue(2.5)),
            (RESET, crob_for(True, PULSE)),
            (BREAKER, crob_for(True, Pulse())),
            (BREAKER, crob_for(False, Pulse())),
        ):
            assert await session.operate(command(row, body)) == Accepted()
    boolean = ua.VariantType.Boolean
    assert engine.called == [
        ("Start",),
        ("Stop",),
        ("SetPower", (ua.VariantType.Float, 2.5)),
        ("Reset",),
        ("Switch", (boolean, True)),
        ("Switch", (boolean, False)),
    ]
    assert session.statistics["writes_accepted"] == 6


async def test_what_the_server_answers_is_what_became_of_it(engine: Engine) -> None:
    session = session_on(engine)
    async with running(session):
        assert await session.operate(command(REFUSING, AnalogValue(1.0))) == Rejected(
            CommandStatus.LOCAL, "BadInvalidState"
        )
        assert await session.operate(command(BROKEN, AnalogValue(1.0))) == Rejected(
            CommandStatus.UNDEFINED, "BadUnexpectedError"
        )
        missing = await session.operate(command(MISSING, AnalogValue(1.0)))
        assert missing == Rejected(CommandStatus.NOT_SUPPORTED, "BadNodeIdInvalid")
        assert session.statistics["writes_refused"] == 3


async def test_a_method_that_does_not_answer_in_time_is_not_called_again(engine: Engine) -> None:
    session = session_on(engine, timeout_s=0.5)
    async with running(session):
        found = await session.operate(command(STUCK, AnalogValue(1.0)))
        assert isinstance(found, Unanswered)
    engine.stuck.set()
    assert [name for name, *_ in engine.called] == ["Stuck"]
    assert session.statistics["writes_unanswered"] == 1


async def test_what_cannot_be_called_is_not_sent(engine: Engine) -> None:
    session = session_on(engine)
    assert isinstance(await session.operate(command(START, crob_for(True, Pulse()))), NotSent)
    async with running(session):
        for row, body, life_s in (
            (ELSEWHERE, AnalogValue(1.0), 30.0),
            (RESET, crob_for(False, PULSE), 30.0),
            (POWER, AnalogValue(1e300), 30.0),
            (POWER, AnalogValue(1.0), -1.0),
        ):
            assert isinstance(await session.operate(command(row, body, life_s)), NotSent)
    assert engine.called == []


async def test_only_points_with_a_node_of_their_own_are_read(engine: Engine) -> None:
    session = session_on(engine)
    async with running(session) as (listener, _):
        assert listener.value == {POWER: 7.0}
        assert listener.quality == {POWER: Quality.ONLINE}
        assert session.statistics["points_unresolved"] == 0
        assert session.statistics["items_refused"] == 0


MAP = """point,description,kind,role,data_type,scale,offset,units,minimum,maximum,deadband,event_class,writable,\
command_mode,pulse,feedback,state_names,stale_after_s,enabled,namespace_uri,identifier,method,method_off
start,Start,binary_output,start_stop,,,,,,,,,yes,,,running,,,,urn:d,s=Engine,s=Start,s=Stop
reset,Reset,binary_output,fault_reset,,,,,,,,,yes,,pulse 500,,,,,urn:d,s=Engine,s=Reset,{off}
running,Runs,binary_input,running,,,,,,,,,,,,,,,,urn:d,s=Engine.Running,{method},
"""


def faults_of(file: Path, **cells: str) -> list[str]:
    file.write_text(MAP.format(**({"off": "", "method": ""} | cells)), encoding="utf-8")
    faults: list[Fault] = []
    read_device_map(file, DRIVER, faults)
    return [str(fault).removeprefix(f"{file}:") for fault in faults]


def test_a_map_may_have_several_commands_of_one_object(tmp_path: Path) -> None:
    assert faults_of(tmp_path / "opcua_engine.csv") == []


def test_faults_of_methods_are_told_with_their_place(tmp_path: Path) -> None:
    file = tmp_path / "opcua_engine.csv"
    assert faults_of(file, method="s=Start") == [
        "4:73: method 's=Start' of a point of kind binary_input; expected nothing: it is no output"
    ]
    (found,) = faults_of(file, off="Stop")
    assert "method_off 'Stop'; expected i=<number>" in found
