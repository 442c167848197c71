"""Endpoints on a wire in memory: fragments both ways with either kind of user data, keep-alive, and silence."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from protocols.dnp3.channels import Channel
from protocols.dnp3.endpoint import Endpoint, Received
from protocols.dnp3.link import BROADCAST_CONFIRM, DIR, PRM, LinkAddresses, Primary, build_frame
from protocols.dnp3.link_sending import LinkSettings

PATIENCE_S = 10.0
MASTER = LinkAddresses(1, 10, is_master=True)
OUTSTATION = LinkAddresses(10, 1, is_master=False)
FRAGMENT = bytes(range(256)) * 3


class Wire(Channel):
    """One side; what it sends goes to `other`, unless ``deaf``."""

    def __init__(self) -> None:
        super().__init__(Counter(), "wire")
        self.other: Wire | None = None
        self.deaf = False
        self.written: asyncio.Queue[bytes] = asyncio.Queue()

    def _transmit(self, data: bytes) -> None:
        self.written.put_nowait(data)
        if self.other is not None and not self.other.deaf:
            self.other._arrived(data)

    def _hold_reading(self, hold: bool) -> None:
        raise AssertionError("nothing here sends so much")

    def _shut(self, at_once: bool) -> None:
        self._ended("closed by us")


class Side:
    """An endpoint that is read all the time."""

    def __init__(self, addresses: LinkAddresses, link: LinkSettings, keepalive_s: float = 0.0) -> None:
        self.wire = Wire()
        self.statistics: Counter[str] = Counter()
        self.endpoint = Endpoint(self.wire, addresses, self.statistics, link, keepalive_s=keepalive_s, answer_s=0.1)
        self.received: asyncio.Queue[Received] = asyncio.Queue()
        self.task = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        while True:
            for received in self.endpoint.take(await self.wire.read()):
                self.received.put_nowait(received)

    async def next(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return (await self.received.get()).fragment

    def end(self) -> None:
        self.endpoint.close()
        self.task.cancel()


class Pair:
    def __init__(self, link: LinkSettings, keepalive_s: float = 0.0) -> None:
        self.master = Side(MASTER, link)
        self.outstation = Side(OUTSTATION, link, keepalive_s)
        self.master.wire.other, self.outstation.wire.other = self.outstation.wire, self.master.wire

    def end(self) -> None:
        self.master.end()
        self.outstation.end()


@pytest.fixture(params=["never", "always"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    made = Pair(LinkSettings(request.param, retries=3, timeout_s=0.05))
    yield made
    made.end()


async def test_fragments_pass_both_ways(pair: Pair) -> None:
    pair.master.endpoint.send(FRAGMENT)
    assert await pair.outstation.next() == FRAGMENT
    pair.outstation.endpoint.send(FRAGMENT[:10])
    pair.outstation.endpoint.send(FRAGMENT)
    assert await pair.master.next() == FRAGMENT[:10]
    assert await pair.master.next() == FRAGMENT
    assert pair.master.endpoint.heard >= 4
    assert pair.master.endpoint.held == 0


async def test_confirmed_user_data_gets_over_a_wire_that_was_dead_for_a_moment() -> None:
    pair = Pair(LinkSettings("always", retries=100, timeout_s=0.01))
    pair.outstation.wire.deaf = True
    pair.master.endpoint.send(FRAGMENT)
    assert pair.master.endpoint.is_sending
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(3):
            await pair.master.wire.written.get()
    assert pair.master.statistics["link_frames_repeated"] >= 2
    pair.outstation.wire.deaf = False
    assert await pair.outstation.next() == FRAGMENT
    pair.end()


async def test_a_silent_peer_is_asked_for_its_link_status_and_answers() -> None:
    pair = Pair(LinkSettings(), keepalive_s=0.02)
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(3):
            await pair.outstation.wire.written.get()
    assert pair.outstation.wire.is_open
    assert pair.outstation.endpoint.heard >= 2
    pair.end()


@pytest.mark.parametrize("confirm", ["never", "always"])
async def test_a_peer_that_answers_no_keep_alive_loses_its_channel(confirm: str) -> None:
    pair = Pair(LinkSettings(confirm), keepalive_s=0.02)
    pair.master.wire.deaf = True
    async with asyncio.timeout(PATIENCE_S):
        await pair.outstation.wire.closed()
    assert pair.outstation.wire.closed_because == "no answer from its link layer"
    pair.end()


async def test_a_broadcast_says_to_which_address_it_came() -> None:
    wire = Wire()
    endpoint = Endpoint(wire, OUTSTATION, Counter())
    frame = build_frame(DIR | PRM | Primary.UNCONFIRMED_USER_DATA, BROADCAST_CONFIRM, 1, b"\xc0xy")
    assert endpoint.take(frame) == [Received(b"xy", BROADCAST_CONFIRM)]
    assert endpoint.take(frame.replace(b"x", b"z")) == []
