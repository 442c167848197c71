"""The outstation on loopback: connections, handlers that take their time, and stores that fail."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from protocols.dnp3.channels import Channel, ChannelClosed
from protocols.dnp3.channels.tcp import connect_tcp
from protocols.dnp3.link import LinkAddresses, LinkLayer
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.server import Dnp3Outstation
from protocols.dnp3.transport import Reassembler, segments
from tests.unit.protocols.dnp3.outstation.wire import batch, point, rows
from vppscada.model.commands import Command, CommandStatus
from vppscada.model.outstations import Events, EventStore
from vppscada.model.points import PointKind

SETTINGS = Dnp3OutstationSettings(port=0, unsolicited=False, trust_local_clock=True)
POINTS = rows([point(PointKind.BINARY_INPUT, 0, event_class=1), point(PointKind.BINARY_OUTPUT, 0, writable=True)])
OPERATE = "C1 05 0C 01 17 01 00 03 01 00000000 00000000 00"
EMPTY = "01 3C 02 06"
PATIENCE_S = 10.0


class Handler:
    """Answers what it is told to, once it may."""

    def __init__(self, answer: Callable[[Command], Awaitable[CommandStatus]] | None = None) -> None:
        self.seen: list[Command] = []
        self._answer = answer

    async def select(self, command: Command) -> CommandStatus:
        return await self.operate(command)

    async def operate(self, command: Command) -> CommandStatus:
        self.seen.append(command)
        return CommandStatus.SUCCESS if self._answer is None else await self._answer(command)


class Store:
    """An event store in memory whose disk can be slow or broken."""

    def __init__(self) -> None:
        self.kept: dict[int, float] = {}
        self.failures = 0
        self.may_write = asyncio.Event()
        self.may_write.set()

    def load(self) -> Events:
        none = np.empty(0)
        types = (np.int64, np.uint8, np.uint32, np.uint8, np.float64, np.uint16, np.int64, np.uint8)
        return Events(*(none.astype(kind) for kind in types))  # type: ignore[arg-type]

    async def append(self, events: Events) -> None:
        await self.may_write.wait()
        if self.failures:
            self.failures -= 1
            raise OSError("disk full")
        self.kept.update(zip(events.id.tolist(), events.value.tolist(), strict=True))

    async def discard(self, ids: NDArray[np.int64]) -> None:
        for id_ in ids.tolist():
            del self.kept[id_]


class Master:
    """A master of few words."""

    def __init__(self, channel: Channel, address: int) -> None:
        self.channel = channel
        self.statistics: Counter[str] = Counter()
        self._link = LinkLayer(LinkAddresses(address, SETTINGS.local_address, is_master=True), self.statistics)
        self._reassembler = Reassembler(self.statistics)
        self._fragments: list[bytes] = []

    def send(self, fragment: str) -> None:
        for segment in segments(bytes.fromhex(fragment), 0):
            self.channel.write(self._link.send(segment))

    async def receive(self) -> bytes:
        while not self._fragments:
            received, _ = self._link.receive(await asyncio.wait_for(self.channel.read(), PATIENCE_S))
            done = (self._reassembler.push(segment) for segment in received)
            self._fragments += [fragment for fragment in done if fragment is not None]
        return self._fragments.pop(0)

    async def ask(self, fragment: str) -> bytes:
        self.send(fragment)
        return await self.receive()


@asynccontextmanager
async def serving(
    handler: Handler | None = None, store: EventStore | None = None, **settings: object
) -> AsyncIterator[Dnp3Outstation]:
    chosen = replace(SETTINGS, **settings)  # type: ignore[arg-type]
    outstation = Dnp3Outstation("ems", chosen, POINTS, handler or Handler(), None if store is None else lambda _: store)
    await outstation.start()
    try:
        yield outstation
    finally:
        await outstation.stop()


async def master_of(outstation: Dnp3Outstation, address: int = SETTINGS.master_address) -> Master:
    return Master(await connect_tcp("127.0.0.1", outstation.port, PATIENCE_S), address)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110  # what is waited for is a count, not an event
            await asyncio.sleep(0.005)


async def test_it_answers_on_the_port_that_it_was_given_by_the_system() -> None:
    async with serving() as outstation:
        master = await master_of(outstation)
        assert await master.ask("C0" + EMPTY) == bytes.fromhex("C0 81 80 00")
        assert outstation.statistics["fragments_received"] == 1
    assert outstation.port == 0
    with pytest.raises(ChannelClosed):
        await master.channel.read()


async def test_a_taken_port_is_an_os_error() -> None:
    async with serving() as outstation:
        second = Dnp3Outstation("second", replace(SETTINGS, port=outstation.port), POINTS, Handler(), None)
        with pytest.raises(OSError, match=str(outstation.port)):
            await second.start()


async def test_a_command_is_answered_when_the_handler_has_answered() -> None:
    gate = asyncio.Event()

    async def wait(_: Command) -> CommandStatus:
        await gate.wait()
        return CommandStatus.BLOCKED

    handler = Handler(wait)
    async with serving(handler) as outstation:
        master = await master_of(outstation)
        master.send(OPERATE)
        await until(lambda: bool(handler.seen))
        assert outstation.statistics["responses_sent"] == 0
        gate.set()
        assert (await master.receive())[-1] == CommandStatus.BLOCKED


async def test_a_handler_that_does_not_answer_in_time_means_timeout_and_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def hang(_: Command) -> CommandStatus:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return CommandStatus.SUCCESS

    async with serving(Handler(hang), command_timeout_s=0.05) as outstation:
        master = await master_of(outstation)
        assert (await master.ask(OPERATE))[-1] == CommandStatus.TIMEOUT
        assert cancelled.is_set()
        assert outstation.statistics["commands_timed_out"] == 1


async def test_a_handler_that_raises_is_logged_and_the_master_is_told_that_nothing_is_known() -> None:
    async def fail(_: Command) -> CommandStatus:
        raise ZeroDivisionError

    async with serving(Handler(fail)) as outstation:
        master = await master_of(outstation)
        assert (await master.ask(OPERATE))[-1] == CommandStatus.UNDEFINED
        assert (await master.ask("C2" + EMPTY))[1] == 0x81


async def test_a_new_connection_of_the_master_replaces_the_old_one() -> None:
    async with serving() as outstation:
        first = await master_of(outstation)
        await first.ask("C0" + EMPTY)
        second = await master_of(outstation)
        assert await second.ask("C0" + EMPTY) == bytes.fromhex("C0 81 80 00")
        with pytest.raises(ChannelClosed):
            await asyncio.wait_for(first.channel.read(), PATIENCE_S)
        assert outstation.statistics["connections_replaced"] == 1


async def test_a_stranger_gets_no_answer_and_does_not_disturb_the_master() -> None:
    async with serving() as outstation:
        master = await master_of(outstation)
        await master.ask("C0" + EMPTY)
        stranger = await master_of(outstation, address=77)
        stranger.send("C0" + EMPTY)
        stranger.channel.write(b"GET / HTTP/1.1\r\n\r\n\x05\x64\x05")
        await until(lambda: outstation.statistics["unknown_source_frames"] == 1)
        assert (await master.ask("C1" + EMPTY))[0] == 0xC1
        assert stranger.statistics["frames_received"] == 0


async def test_a_stranger_that_came_first_gives_way_to_the_master() -> None:
    async with serving() as outstation:
        await master_of(outstation, address=77)
        await until(lambda: outstation.has_master)
        master = await master_of(outstation)
        assert (await master.ask("C0" + EMPTY))[0] == 0xC0


async def test_many_idle_connections_do_not_keep_the_master_out() -> None:
    async with serving() as outstation:
        master = await master_of(outstation)
        await master.ask("C0" + EMPTY)
        idle = [await master_of(outstation, address=77) for _ in range(30)]
        await until(lambda: outstation.statistics["connections_evicted"] == 15)
        assert (await master.ask("C1" + EMPTY))[0] == 0xC1
        for one in idle:
            await one.channel.close()


async def test_an_unsolicited_event_reaches_the_master_without_being_asked_for() -> None:
    async with serving(unsolicited=True) as outstation:
        outstation.update(batch({0: 0}))
        master = await master_of(outstation)
        assert (await master.receive())[:2] == bytes.fromhex("F0 82")
        master.send("D0 00")
        await master.ask("C0 14 3C 02 06")
        outstation.update(batch({0: 1}))
        event = await master.receive()
        assert event[:2] == bytes.fromhex("F1 82")
        master.send("D1 00")
        await until(lambda: outstation.statistics["events_confirmed"] == 1)


async def test_an_unconfirmed_unsolicited_response_is_repeated_by_the_clock() -> None:
    async with serving(unsolicited=True, confirm_timeout_s=0.05) as outstation:
        master = await master_of(outstation)
        assert await master.receive() == bytes.fromhex("F0 82 80 00")
        assert await master.receive() == bytes.fromhex("F1 82 80 00")
        assert outstation.statistics["unsolicited_confirms_missed"] >= 1


async def test_an_event_waits_for_its_disk_and_leaves_it_when_confirmed() -> None:
    store = Store()
    store.may_write.clear()
    async with serving(store=store) as outstation:
        outstation.update(batch({0: 0}))
        outstation.update(batch({0: 1}))
        master = await master_of(outstation)
        assert await master.ask("C0" + EMPTY) == bytes.fromhex("C0 81 80 00")
        store.may_write.set()
        await until(lambda: bool(store.kept))
        answer = await master.ask("C1" + EMPTY)
        assert answer[4:9] == bytes.fromhex("02 02 17 01 00")
        assert list(store.kept.values()) == [1.0]
        master.send("C1 00")
        await until(lambda: not store.kept)


async def test_a_disk_that_fails_delays_events_and_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocols.dnp3.outstation.keeping.RETRY_S", 0.01)
    store = Store()
    store.failures = 3
    async with serving(store=store) as outstation:
        outstation.update(batch({0: 0}))
        outstation.update(batch({0: 1}))
        await until(lambda: bool(store.kept))
        assert outstation.statistics["store_failures"] == 3


async def test_what_the_store_is_owed_is_written_before_stop_returns() -> None:
    store = Store()
    async with serving(store=store) as outstation:
        outstation.update(batch({0: 0}))
        outstation.update(batch({0: 1}))
    assert list(store.kept.values()) == [1.0]


async def test_it_can_be_stopped_and_started_again_and_keeps_its_events() -> None:
    store = Store()
    outstation = Dnp3Outstation("ems", SETTINGS, POINTS, Handler(), lambda _: store)
    await outstation.start()
    outstation.update(batch({0: 0}))
    outstation.update(batch({0: 1}))
    await outstation.stop()
    await outstation.start()
    master = await master_of(outstation)
    assert (await master.ask("C0" + EMPTY))[4:9] == bytes.fromhex("02 02 17 01 00")
    await outstation.stop()


async def test_a_broken_disk_does_not_keep_it_from_stopping() -> None:
    store = Store()
    store.failures = 10**6
    async with serving(store=store) as outstation:
        outstation.update(batch({0: 0}))
        outstation.update(batch({0: 1}))
    assert outstation.statistics["store_failures"] >= 1
    assert not store.kept
