"""Our master's upkeep of opendnp3's outstation: classes, freezes, restarts, several commands in a request."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import FROZEN, Dnp3Address
from protocols.dnp3.application import REFUSALS
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.exchange import Told
from protocols.dnp3.master.maintenance import ColdRestart, Freeze
from protocols.dnp3.master.session import Dnp3Session
from tests.interop.peer_processes import Peer, free_port, peer_process, until
from tests.interop.test_dnp3_master import Readings, crob, running
from vppscada.model.commands import Accepted, Command, CommandMode, CommandStatus, Rejected
from vppscada.model.points import Point, PointKind, RowPoint

pytestmark = pytest.mark.interop

COUNTED, KEPT, FIRST_RELAY = 0, 1, 200
RELAYS = range(10)
POINTS = [
    RowPoint(COUNTED, Point("a.counted", PointKind.COUNTER, event_class=3, address=Dnp3Address(2))),
    RowPoint(KEPT, Point("a.kept", PointKind.COUNTER, address=Dnp3Address(2, source=FROZEN))),
    *(
        RowPoint(FIRST_RELAY + r, Point(f"a.r{r}", PointKind.BINARY_OUTPUT, writable=True, address=Dnp3Address(r)))
        for r in RELAYS
    ),
]


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    pytest.importorskip("opendnp3")
    port = free_port()
    async with peer_process(port, "tests.interop.opendnp3_upkeep_peer", str(port)) as started:
        await started.said("ready")
        yield started


def session_to(peer: Peer, **settings: object) -> Dnp3Session:
    chosen = replace(Dnp3SessionSettings("127.0.0.1", peer.port, response_timeout_s=2.0), **settings)  # type: ignore[arg-type]
    made = DRIVER.session("peer", chosen, POINTS)
    assert isinstance(made, Dnp3Session)
    return made


async def test_opendnp3_takes_the_classes_of_our_map(peer: Peer) -> None:
    session = session_to(peer, assign_classes=True)
    async with running(session, Readings()):
        assert await peer.said("class BinaryOutputStatus") == "class BinaryOutputStatus Class0 0 9"
        assert await peer.said("class Counter") == "class Counter Class3 2 2"
    assert session.statistics["procedures_failed"] == 0


async def test_opendnp3_freezes_and_tells_what_it_kept(peer: Peer) -> None:
    readings = Readings()
    session = session_to(peer)
    async with running(session, readings):
        peer.tell("counter 2 70")
        await until(lambda: readings.value.get(COUNTED) == 70.0, "the count")
        told = await session.request(Freeze())
        assert isinstance(told, Told)
        assert not told.indications & REFUSALS
        await until(lambda: readings.value.get(KEPT) == 70.0, "what was frozen")
        peer.tell("counter 2 90")
        await until(lambda: readings.value.get(COUNTED) == 90.0, "the next count")
        assert readings.value[KEPT] == 70.0


async def test_opendnp3_tells_how_long_its_restart_takes(peer: Peer) -> None:
    session = session_to(peer)
    async with running(session, Readings()):
        told = await session.request(ColdRestart())
        assert isinstance(told, Told)
        assert told.delay_ms == 5000
        await peer.said("restart")


@pytest.mark.parametrize("mode", list(CommandMode))
async def test_opendnp3_takes_several_commands_in_one_request_and_refuses_one(peer: Peer, mode: CommandMode) -> None:
    session = session_to(peer, commands_per_request=10)
    async with running(session, Readings()):
        before = session.statistics["requests_sent"]
        commands: list[Command] = [crob(FIRST_RELAY + relay, mode) for relay in RELAYS]
        results = await asyncio.gather(*(session.operate(command) for command in commands))
        requests = session.statistics["requests_sent"] - before
    assert results[:9] == [Accepted()] * 9
    assert isinstance(results[9], Rejected)
    assert results[9].status is CommandStatus.LOCAL
    # one goes alone, at once; the others together, and where they are selected, once more without the refused one
    assert requests == (2 if mode is CommandMode.DIRECT else 5)
    obeyed = [await peer.said("crob") for _ in range(9)]
    assert {line.split()[1] for line in obeyed} == {str(relay) for relay in range(9)}
