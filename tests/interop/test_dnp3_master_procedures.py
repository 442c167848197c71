"""Freezes, restarts, commands without acknowledgement, time and link loss: our master before foreign outstations."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from protocols.dnp3.addresses import FROZEN, Dnp3Address
from protocols.dnp3.application import Indication
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.exchange import Outcome, Silent, Told
from protocols.dnp3.master.maintenance import ColdRestart, Freeze, Task, WarmRestart
from protocols.dnp3.master.session import Dnp3Session
from tests.interop import dnp3py_outstation
from tests.interop.peer_processes import PATIENCE_S, Peer, free_port, peer_process, until
from tests.interop.test_dnp3_master import Readings, crob, running
from tests.interop.test_dnp3_master import analog as setpoint
from vppscada.model.commands import Accepted, CommandMode, Unanswered
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.sessions import SessionLost

pytestmark = pytest.mark.interop

POINTS = 10
BINARY, BINARY_OUTPUT, ANALOG_OUTPUT, COUNTER, FROZEN_COUNTER = 100, 205, 303, 400, 500


def points() -> list[RowPoint]:
    kinds = {0: PointKind.ANALOG_INPUT, BINARY: PointKind.BINARY_INPUT}
    rows = [
        RowPoint(base + n, Point(f"a.{kind}{n}", kind, address=Dnp3Address(n)))
        for base, kind in kinds.items()
        for n in range(POINTS)
    ]
    return [
        *rows,
        RowPoint(BINARY_OUTPUT, Point("a.on", PointKind.BINARY_OUTPUT, address=Dnp3Address(5))),
        RowPoint(ANALOG_OUTPUT, Point("a.sp", PointKind.ANALOG_OUTPUT, data_type="int32", address=Dnp3Address(3))),
        RowPoint(COUNTER, Point("a.count", PointKind.COUNTER, address=Dnp3Address(0))),
        RowPoint(FROZEN_COUNTER, Point("a.frozen", PointKind.COUNTER, address=Dnp3Address(0, source=FROZEN))),
    ]


def session_to(port: int, **settings: object) -> Dnp3Session:
    chosen: dict[str, object] = {"host": "127.0.0.1", "port": port, "response_timeout_s": 2.0} | settings
    return Dnp3Session("peer", Dnp3SessionSettings(**chosen), points())  # type: ignore[arg-type]


async def done(session: Dnp3Session, task: Task) -> Outcome:
    async with asyncio.timeout(PATIENCE_S):
        return await session.request(task)


def agreed(outcome: Outcome) -> bool:
    refusals = Indication.FUNCTION_NOT_SUPPORTED | Indication.OBJECT_UNKNOWN | Indication.PARAMETER_ERROR
    return isinstance(outcome, Told) and not outcome.indications & refusals


class Stalled(Readings):
    """A listener whose disk does not answer: what it takes is not confirmed."""

    async def settled(self) -> None:
        await asyncio.Event().wait()


async def gone_without_confirmation(session: Dnp3Session, events: int) -> None:
    """Take so many events and be gone before they are confirmed."""
    stalled = Stalled()
    task = asyncio.ensure_future(session.run(stalled))
    await until(lambda: len(stalled.events) >= events, "events")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


# --- opendnp3's outstation


@pytest.fixture
async def opendnp3() -> AsyncIterator[Peer]:
    port = free_port()
    async with peer_process(port, "tests.interop.opendnp3_outstation_peer", str(port), str(POINTS)) as peer:
        await peer.said("ready")
        peer.tell("counter 0 77")
        peer.tell("say counted")
        await peer.said("counted")
        yield peer


@pytest.mark.parametrize("acknowledged", [True, False])
@pytest.mark.parametrize(("clear", "left"), [(False, 77.0), (True, 0.0)])
async def test_opendnp3_freezes_and_tells_what_it_froze(
    opendnp3: Peer, clear: bool, left: float, acknowledged: bool
) -> None:
    session, readings = session_to(opendnp3.port, class1_period_s=0.1), Readings()
    async with running(session, readings):
        await until(lambda: readings.value.get(COUNTER) == 77.0, "the counter")
        outcome = await done(session, Freeze(clear, acknowledged))
        assert agreed(outcome) if acknowledged else isinstance(outcome, Silent)
        await until(lambda: readings.value.get(FROZEN_COUNTER) == 77.0, "what was frozen")
    readings = Readings()
    async with running(session, readings):
        assert readings.value[COUNTER] == left


@pytest.mark.parametrize(("task", "kind", "delay_ms"), [(ColdRestart(), "cold", 7000), (WarmRestart(), "warm", 250)])
async def test_opendnp3_is_told_to_restart_and_says_how_long(
    opendnp3: Peer, task: Task, kind: str, delay_ms: int
) -> None:
    session = session_to(opendnp3.port)
    async with running(session, Readings()):
        outcome = await done(session, task)
        assert isinstance(outcome, Told)
        assert outcome.delay_ms == delay_ms
        assert await opendnp3.said("restart") == f"restart {kind}"


async def test_opendnp3_operates_without_acknowledgement_and_the_outcome_stays_unknown(opendnp3: Peer) -> None:
    session = session_to(opendnp3.port, acknowledge_direct=False)
    async with running(session, Readings()):
        result = await session.operate(crob(BINARY_OUTPUT, CommandMode.DIRECT))
        assert isinstance(result, Unanswered)
        assert await opendnp3.said("crob") == "crob 5 LATCH_ON DirectOperateNoAck"
        opendnp3.tell("say once")
        assert await opendnp3.said("") == "once"


async def test_opendnp3_tells_events_again_that_were_not_confirmed(opendnp3: Peer) -> None:
    session = session_to(opendnp3.port)
    async with running(session, Readings()):
        pass  # the values that it has are known
    for value in (20, 21, 22):
        opendnp3.tell(f"analog 3 {value}")
    opendnp3.tell("say told")
    await opendnp3.said("told")
    await gone_without_confirmation(session, 3)
    session, readings = session_to(opendnp3.port), Readings()  # which remembers nothing, as after a kill
    async with running(session, readings):
        await until(lambda: len(readings.events) >= 3, "the events again")
    assert [(row, value) for row, value, _ in readings.events] == [(3, 20.0), (3, 21.0), (3, 22.0)]
    readings = Readings()
    async with running(session, readings):
        assert readings.events == []


# --- dnp3py's outstation


@pytest.fixture
async def dnp3py() -> AsyncIterator[dnp3py_outstation.Peer]:
    async with dnp3py_outstation.dnp3py_outstation() as peer:
        yield peer


async def test_dnp3py_integrity_poll_brings_every_value_and_the_restart_is_cleared(
    dnp3py: dnp3py_outstation.Peer,
) -> None:
    session, readings = session_to(dnp3py.port), Readings()
    assert dnp3py.outstation.iin & Indication.DEVICE_RESTART
    async with running(session, readings):
        assert [readings.value[n] for n in range(POINTS)] == [float(n) for n in range(POINTS)]
        assert [readings.value[BINARY + n] for n in range(POINTS)] == [float(n % 2) for n in range(POINTS)]
        assert readings.value[COUNTER] == 77.0
        assert not dnp3py.outstation.iin & Indication.DEVICE_RESTART


@pytest.mark.parametrize("procedure", ["lan", "nonlan"])
async def test_dnp3py_is_given_the_time_that_it_asks_for(dnp3py: dnp3py_outstation.Peer, procedure: str) -> None:
    session = session_to(dnp3py.port, time_sync=procedure)
    async with running(session, Readings()):
        await until(lambda: len(dnp3py.times_ms) == 1, "the time")
        assert abs(dnp3py.times_ms[0] - time.time() * 1000) < 2000
        await until(lambda: not dnp3py.outstation.iin & Indication.NEED_TIME, "the bit to go")


@pytest.mark.parametrize("mode", list(CommandMode))
async def test_dnp3py_takes_commands(dnp3py: dnp3py_outstation.Peer, mode: CommandMode) -> None:
    steps = ["select", "operate"] if mode is CommandMode.SBO else ["direct"]
    session = session_to(dnp3py.port)
    async with running(session, Readings()):
        assert await session.operate(crob(BINARY_OUTPUT, mode)) == Accepted()
        assert await session.operate(setpoint(ANALOG_OUTPUT, -12.0, mode)) == Accepted()
    expected = [(step, 5, 1.0) for step in steps] + [(step, 3, -12.0) for step in steps]
    assert dnp3py.handler.told == expected


async def test_dnp3py_operates_without_acknowledgement(dnp3py: dnp3py_outstation.Peer) -> None:
    session = session_to(dnp3py.port, acknowledge_direct=False)
    async with running(session, Readings()):
        assert isinstance(await session.operate(setpoint(ANALOG_OUTPUT, 5.0, CommandMode.DIRECT)), Unanswered)
        await until(lambda: dnp3py.handler.told == [("direct", 3, 5.0)], "the command")


@pytest.mark.parametrize("acknowledged", [True, False])
@pytest.mark.parametrize("clear", [True, False])
async def test_dnp3py_freezes_and_tells_what_it_froze(
    dnp3py: dnp3py_outstation.Peer, clear: bool, acknowledged: bool
) -> None:
    session, readings = session_to(dnp3py.port), Readings()
    async with running(session, readings):
        outcome = await done(session, Freeze(clear, acknowledged))
        assert agreed(outcome) if acknowledged else isinstance(outcome, Silent)
        await until(lambda: readings.value.get(FROZEN_COUNTER) == 77.0, "what was frozen")
    assert dnp3py.handler.freezes == [clear]


@pytest.mark.parametrize(("task", "kind", "delay_ms"), [(ColdRestart(), "cold", 7000), (WarmRestart(), "warm", 250)])
async def test_dnp3py_is_told_to_restart_and_says_how_long(
    dnp3py: dnp3py_outstation.Peer, task: Task, kind: str, delay_ms: int
) -> None:
    """It only says so and goes on as before: IIN1.7 comes back with its next life, which its maker leaves to others."""
    session = session_to(dnp3py.port)
    async with running(session, Readings()):
        outcome = await done(session, task)
        assert isinstance(outcome, Told)
        assert outcome.delay_ms == delay_ms
    assert dnp3py.handler.restarts == [kind]


async def test_dnp3py_permits_unsolicited_responses_and_its_events_are_polled(dnp3py: dnp3py_outstation.Peer) -> None:
    """It agrees to send unsolicited responses and its server never sends one: events come because IIN1.1 says so."""
    session, readings = session_to(dnp3py.port, class2_period_s=0.1), Readings()
    async with running(session, readings):
        dnp3py.analog(4, 44.0)
        dnp3py.analog(4, 45.0)
        await until(lambda: len(readings.events) >= 2, "two events")
    assert [(row, value) for row, value, _ in readings.events] == [(4, 44.0), (4, 45.0)]
    assert session.statistics["unsolicited_received"] == 0


async def test_dnp3py_gives_events_away_without_asking_for_a_confirmation(dnp3py: dnp3py_outstation.Peer) -> None:
    """Its outstation forgets events as it answers, and does not ask whether they came: only the state is told again."""
    session = session_to(dnp3py.port)
    for value in (20.0, 21.0, 22.0):
        dnp3py.analog(3, value)
    await gone_without_confirmation(session, 3)
    assert session.statistics["confirms_sent"] == 0
    session, readings = session_to(dnp3py.port), Readings()
    async with running(session, readings):
        assert readings.events == []
        assert readings.value[3] == 22.0


async def test_a_lost_link_to_dnp3py_is_noticed_and_made_again(dnp3py: dnp3py_outstation.Peer) -> None:
    session = session_to(dnp3py.port)
    async with running(session, Readings()):
        made = session.statistics["connects_made"]
    with pytest.raises(SessionLost):
        await session_to(free_port()).run(Readings())
    readings = Readings()
    async with running(session, readings):
        assert session.statistics["connects_made"] == made + 1
        assert readings.value[1] == 1.0
