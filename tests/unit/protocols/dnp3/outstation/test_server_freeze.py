"""Freezes on loopback: those that come due while nobody asks, and what other masters hear of them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from protocols.dnp3.channels.tcp import connect_tcp
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.server import Dnp3Outstation
from tests.unit.protocols.dnp3.outstation.test_server import PATIENCE_S, SETTINGS, Handler, Master
from tests.unit.protocols.dnp3.outstation.wire import batch, point, rows
from vppscada.model.points import PointKind

TALKATIVE = replace(SETTINGS, unsolicited=True)
FROZEN = bytes.fromhex("17 05 17 01 00 01 07000000")


@asynccontextmanager
async def serving(settings: Dnp3OutstationSettings) -> AsyncIterator[Dnp3Outstation]:
    points = rows([point(PointKind.COUNTER, 0, frozen_class=1)])
    outstation = Dnp3Outstation("ems", settings, points, Handler(), None)
    await outstation.start()
    outstation.update(batch({0: 7.0}))
    try:
        yield outstation
    finally:
        await outstation.stop()


class Listener:
    """A master that confirms every unsolicited response."""

    def __init__(self, master: Master) -> None:
        self._master = master
        self._told: list[bytes] = []

    async def ask(self, request: str) -> bytes:
        """The answer to a request, whatever is said before it."""
        self._master.send(request)
        while (fragment := await self._next())[1] != 0x81:
            self._told.append(fragment)
        return fragment

    async def told(self) -> bytes:
        """The objects of the next unsolicited response that has any."""
        while not self._told or not self._told[0][4:]:
            self._told = self._told[1:] or [await self._next()]
        return self._told.pop(0)[4:]

    async def close(self) -> None:
        await self._master.channel.close()

    async def _next(self) -> bytes:
        fragment = await self._master.receive()
        if fragment[1] == 0x82:
            self._master.send(f"{0xD0 | fragment[0] & 15:02X} 00")
        return fragment


async def listener(outstation: Dnp3Outstation, address: int) -> Listener:
    """A master that has enabled unsolicited responses of class 1."""
    made = Listener(Master(await connect_tcp("127.0.0.1", outstation.port, PATIENCE_S), address))
    await made.ask("C1 14 3C 02 06")
    return made


async def test_a_freeze_that_comes_due_is_reported_without_being_asked_for() -> None:
    async with serving(TALKATIVE) as outstation:
        master = await listener(outstation, TALKATIVE.master_address)
        due_ms = time.time_ns() // 1_000_000 + 60
        await master.ask(f"C2 0B 32 02 07 01 {due_ms.to_bytes(6, 'little').hex()} 00000000 14 00 06")
        told = await master.told()
        assert told[:-6] == FROZEN
        assert int.from_bytes(told[-6:], "little") >= due_ms
        await master.close()


async def test_one_masters_freeze_is_an_event_for_the_other_too_and_its_limits_are_its_own() -> None:
    masters = tuple(replace(TALKATIVE, master_address=address, max_fragment=256 * address) for address in (2, 3))
    async with serving(replace(TALKATIVE, masters=masters)) as outstation:
        first, second = await listener(outstation, 2), await listener(outstation, 3)
        await first.ask("C2 07 14 00 06")
        assert (await second.told())[:-6] == (await first.told())[:-6] == FROZEN
        assert (await first.ask("C3 01 00 F0 00 00 00"))[-2:] == bytes.fromhex("0002")
        assert (await second.ask("C3 01 00 F0 00 00 00"))[-2:] == bytes.fromhex("0003")
        await first.close()
        await second.close()
