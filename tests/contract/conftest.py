"""Every contract test runs once per protocol."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from tests.contract.cases import CASES, SESSION_ROW, Case
from tests.contract.peers import Wire
from tests.contract.recorders import PATIENCE_S, Handler, Recorder, readings
from tests.unit.protocols.opcua.standard_nodes import made_once
from vppscada.model.outstations import Outstation
from vppscada.model.sessions import Session


@pytest.fixture(scope="package", autouse=True)
def quick_servers() -> Iterator[None]:
    """OPC UA servers make the standard's nodes once."""
    with made_once():
        yield


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    """The protocol."""
    found: Case = request.param
    return found


@dataclass
class Device:
    """A running outstation, with values in it, behind a wire that can be broken."""

    case: Case
    outstation: Outstation
    handler: Handler
    wire: Wire
    _running: list[asyncio.Task[None]] = field(default_factory=list)

    def session(self) -> Session:
        """A session through the wire."""
        return self.case.session(self.wire.port)

    async def online(self, session: Session) -> tuple[Recorder, asyncio.Task[None]]:
        """Run a session until it has started."""
        recorder = Recorder()
        task = asyncio.create_task(session.run(recorder))
        self._running.append(task)
        task.add_done_callback(lambda _: recorder.changed())
        await recorder.until(lambda: recorder.starts() > 0 or task.done())
        if task.done():
            task.result()
        return recorder, task

    async def end(self) -> None:
        """Stop the sessions that a test left running."""
        for task in self._running:
            task.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*self._running, return_exceptions=True)


FIRST_VALUES = (12.5, -7.0, 1.0, 0.0, 123_456.0, 0.0, 0.0, 0.25)


@pytest_asyncio.fixture
async def device(case: Case) -> AsyncIterator[Device]:
    """A device that serves `FIRST_VALUES`."""
    handler = Handler()
    outstation = case.outstation(handler)
    outstation.update(readings(list(SESSION_ROW), FIRST_VALUES))
    await outstation.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(outstation.stop)
        wire = await stack.enter_async_context(Wire(outstation.port).laid())
        device = Device(case, outstation, handler, wire)
        stack.push_async_callback(device.end)
        yield device
