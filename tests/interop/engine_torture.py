"""The session on opendnp3 under ill-treatment, in a process of its own: what it must survive ends processes.

``python -m tests.interop.engine_torture WHAT`` with WHAT one of the coroutines in `TORTURES`; says ``survived`` when
it is through, after which the interpreter has to end by itself.
"""

import asyncio
import contextlib
import gc
import os
import sys
import time
from collections.abc import AsyncIterator

from protocols.dnp3 import DRIVER
from protocols.dnp3.opendnp3_engine.connection import Connection
from protocols.dnp3.opendnp3_engine.process import shut_down
from tests.contract.peers import Wire, sink
from tests.contract.recorders import Recorder
from tests.interop.peer_processes import Peer, free_port, peer_process
from vppscada.model.batch import Batch
from vppscada.model.commands import Accepted, AnalogValue, Command, CommandMode, NotSent, Origin, Unanswered
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.sessions import Session, SessionLost

ANALOGS = 20
SETPOINT = 100


def session_to(port: int, **settings: object) -> Session:
    def point(kind: PointKind, index: int) -> Point:
        return Point(f"a.{kind}{index}", kind, address=DRIVER.read_address({"index": str(index)}, kind, ""))

    rows = [RowPoint(i, point(PointKind.ANALOG_INPUT, i)) for i in range(ANALOGS)]
    rows.append(RowPoint(SETPOINT, point(PointKind.ANALOG_OUTPUT, 2)))
    # opendnp3's outstation now and then misses the confirmation of its first response and is deaf for five seconds
    quick = {"response_timeout_s": 1.0, "read_retries": 8, "connect_timeout_s": 5.0}
    table = {"host": "127.0.0.1", "port": port, "engine": "opendnp3", **quick, **settings}
    return DRIVER.session("peer", DRIVER.read_session(table), rows)


def setpoint(value: float) -> Command:
    now = time.monotonic()
    return Command(1, SETPOINT, AnalogValue(value), CommandMode.SBO, Origin.OPERATOR, now, now + 10.0)


@contextlib.asynccontextmanager
async def online(session: Session, recorder: Recorder) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(session.run(recorder))
    task.add_done_callback(lambda _: recorder.changed())
    try:
        await recorder.until(lambda: recorder.starts() > 0 or task.done())
        if task.done():
            task.result()
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def outstation(port: int) -> AsyncIterator[Peer]:
    async with peer_process(port, "tests.interop.opendnp3_outstation_peer", str(port), str(ANALOGS)) as peer:
        await peer.said("ready")
        yield peer


async def lost(task: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(20):
        with contextlib.suppress(SessionLost):
            await task
            raise AssertionError("the session did not notice")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def threads() -> int:
    return len(os.listdir("/proc/self/task"))  # noqa: PTH208


async def reconnects() -> None:
    """A hundred connection lives of one session, cut or cancelled in turn: nothing is left of them."""
    async with outstation(free_port()) as peer, Wire(peer.port).laid() as wire:
        session = session_to(wire.port)
        held: list[tuple[int, int]] = []
        for life in range(100):
            async with online(session, Recorder()) as task:
                if life % 2:
                    wire.cut()
                    await lost(task)
            await wire.until(lambda: wire.open == 0)
            held.append((open_files(), threads()))
        assert max(held[10:]) <= max(held[:10]), held
        assert session.statistics["connects_made"] == 100
    gc.collect()
    assert sum(isinstance(each, Connection) for each in gc.get_objects()) <= 1


async def killed_peers() -> None:
    """The outstation is killed with commands and events under way, again and again."""
    port = free_port()
    session = session_to(port)
    for _ in range(5):
        async with outstation(port) as peer, online(session, Recorder()) as task:
            asking = [asyncio.create_task(session.operate(setpoint(float(n)))) for n in range(20)]
            for n in range(200):
                peer.tell(f"analog {n % ANALOGS} {n}")
            await asking[0]
            peer.process.kill()
            await lost(task)
            async with asyncio.timeout(20):
                results = await asyncio.gather(*asking)
            assert all(isinstance(each, Accepted | NotSent | Unanswered) for each in results), results
            assert isinstance(await session.operate(setpoint(1.0)), NotSent)


async def cancellations() -> None:
    """Runs and commands are cancelled after so many turns of the loop, or milliseconds, as there are awaits."""
    async with outstation(free_port()) as peer:
        session = session_to(peer.port)
        for turns in range(60):
            task = asyncio.create_task(session.run(Recorder()))
            for _ in range(turns):
                await asyncio.sleep(0 if turns < 20 else 0.0005)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        async with online(session, Recorder()):
            for turns in range(30):
                asking = asyncio.create_task(session.operate(setpoint(float(turns))))
                for _ in range(turns):
                    await asyncio.sleep(0.0002)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
            assert session.statistics["commands_begun"] >= 1
        async with sink() as port:
            deaf = session_to(port)
            for turns in range(20):
                task = asyncio.create_task(deaf.run(Recorder()))
                await asyncio.sleep(0.0005 * turns)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


class Raising(Recorder):
    """A listener that breaks its promise."""

    def on_batch(self, batch: Batch) -> None:
        raise ValueError("no room")


async def raising_listener() -> None:
    """What a listener raises ends the session with it, and not the process."""
    async with outstation(free_port()) as peer:
        session = session_to(peer.port)
        async with asyncio.timeout(20):
            try:
                await session.run(Raising())
            except ValueError as error:
                assert str(error) == "no room"
            else:
                raise AssertionError("it was swallowed")
        async with online(session, Recorder()):
            pass


async def after_shutdown() -> None:
    """Once the manager was shut down, a session is lost at once; shutting down twice is no harm."""
    async with outstation(free_port()) as peer:
        session = session_to(peer.port)
        async with online(session, Recorder()):
            pass
        shut_down()
        shut_down()
        await lost(asyncio.create_task(session.run(Recorder())))


async def left_running() -> None:
    """The interpreter ends while a session is online, its loop closed under it and events still coming."""
    peer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.interop.opendnp3_outstation_peer", sys.argv[2], str(ANALOGS)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert peer.stdout is not None
    await peer.stdout.readline()
    recorder = Recorder()
    _left.append(asyncio.ensure_future(session_to(int(sys.argv[2])).run(recorder)))
    await recorder.until(lambda: recorder.starts() > 0)
    assert peer.stdin is not None
    for n in range(500):
        peer.stdin.write(f"analog {n % ANALOGS} {n}\n".encode())
    _left.append(peer)


_left: list[object] = []
TORTURES = (reconnects, killed_peers, cancellations, raising_listener, after_shutdown, left_running)


def main() -> None:
    chosen = {each.__name__: each for each in TORTURES}[sys.argv[1]]
    if chosen is not left_running:
        asyncio.run(chosen())
        print("survived", flush=True)
        return
    loop = asyncio.new_event_loop()
    loop.run_until_complete(chosen())
    loop.close()  # its tasks are neither cancelled nor awaited
    print("survived", flush=True)


if __name__ == "__main__":
    main()
