"""Several masters of one outstation on loopback: each has its own events, selections, connections and turns."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network

import pytest

from protocols.dnp3.channels import Channel, ChannelClosed
from protocols.dnp3.link import DIR, PRM, FrameParser, Primary, build_frame
from protocols.dnp3.outstation.association import Association
from protocols.dnp3.outstation.connection import MOST_WAITING, associations_at
from protocols.dnp3.outstation.device import Device
from protocols.dnp3.outstation.server import Dnp3Outstation
from tests.unit.protocols.dnp3.outstation.test_server import (
    EMPTY,
    OPERATE,
    PATIENCE_S,
    POINTS,
    SETTINGS,
    Handler,
    Store,
    master_of,
    until,
)
from tests.unit.protocols.dnp3.outstation.wire import batch
from vppscada.model.commands import CommandStatus

A, B = 1, 2
LOCAL = SETTINGS.local_address
SELECT = "C1 03" + OPERATE[5:]
IIN_RESTART = 0x80


@asynccontextmanager
async def two_masters(stores: dict[str, Store] | None = None, **settings: object) -> AsyncIterator[Dnp3Outstation]:
    around = replace(SETTINGS, **settings)  # type: ignore[arg-type]
    chosen = replace(around, masters=tuple(replace(around, master_address=address) for address in (A, B)))
    outstation = Dnp3Outstation("ems", chosen, POINTS, Handler(), stores.__getitem__ if stores is not None else None)
    await outstation.start()
    try:
        yield outstation
    finally:
        await outstation.stop()


def one_event(outstation: Dnp3Outstation) -> None:
    outstation.update(batch({0: 0}))
    outstation.update(batch({0: 1}))


def frame(source: int, fragment: str) -> bytes:
    octets = b"\xc0" + bytes.fromhex(fragment)
    return build_frame(DIR | PRM | Primary.UNCONFIRMED_USER_DATA, LOCAL, source, octets)


async def frames(channel: Channel, count: int) -> list[tuple[int, bytes]]:
    """Masters to whom so many frames went, with their fragments."""
    parser = FrameParser(Counter())
    found: list[tuple[int, bytes]] = []
    while len(found) < count:
        data = await asyncio.wait_for(channel.read(), PATIENCE_S)
        found += [(one.destination, one.data[1:]) for one in parser.feed(data)]
    return found


async def test_each_master_confirms_its_own_events() -> None:
    stores = {"1": Store(), "2": Store()}
    async with two_masters(stores) as outstation:
        one_event(outstation)
        await outstation.settled()
        first, second = await master_of(outstation, A), await master_of(outstation, B)
        assert (await first.ask("C0" + EMPTY))[4:9] == bytes.fromhex("02 02 17 01 00")
        first.send("C0 00")
        await until(lambda: not stores["1"].kept)
        assert list(stores["2"].kept.values()) == [1.0]
        assert (await first.ask("C1" + EMPTY))[4:] == b""
        assert (await second.ask("C0" + EMPTY))[4:9] == bytes.fromhex("02 02 17 01 00")


async def test_a_master_s_new_connection_replaces_its_own_and_no_other() -> None:
    async with two_masters() as outstation:
        first, second = await master_of(outstation, A), await master_of(outstation, B)
        await first.ask("C0" + EMPTY)
        await second.ask("C0" + EMPTY)
        again = await master_of(outstation, A)
        await again.ask("C1" + EMPTY)
        with pytest.raises(ChannelClosed):
            await asyncio.wait_for(first.channel.read(), PATIENCE_S)
        assert (await second.ask("C1" + EMPTY))[0] == 0xC1
        assert outstation.statistics["connections_replaced"] == 1


async def test_masters_can_share_a_connection() -> None:
    async with two_masters() as outstation:
        one_event(outstation)
        channel = (await master_of(outstation, A)).channel
        channel.write(frame(A, "C3" + EMPTY) + frame(B, "C4" + EMPTY) + frame(77, "C5" + EMPTY))
        answers = await frames(channel, 2)
        assert [(to, octets[0], octets[4:9]) for to, octets in answers] == [
            (A, 0xE3, bytes.fromhex("02 02 17 01 00")),
            (B, 0xE4, bytes.fromhex("02 02 17 01 00")),
        ]
        assert outstation.statistics["unknown_source_frames"] == 1


async def test_a_master_that_leaves_a_shared_connection_leaves_it_to_the_other() -> None:
    async with two_masters() as outstation:
        shared = (await master_of(outstation, A)).channel
        shared.write(frame(A, "C3" + EMPTY) + frame(B, "C4" + EMPTY))
        await frames(shared, 2)
        alone = await master_of(outstation, A)
        await alone.ask("C5" + EMPTY)
        shared.write(frame(B, "C6" + EMPTY))
        assert [(to, octets[0]) for to, octets in await frames(shared, 1)] == [(B, 0xC6)]


async def test_one_master_s_flood_does_not_hold_up_the_other_on_the_same_connection() -> None:
    async with two_masters() as outstation:
        channel = (await master_of(outstation, A)).channel
        channel.write(b"".join(frame(A, f"{0xC0 | n % 16:02X}" + EMPTY) for n in range(500)) + frame(B, "C0" + EMPTY))
        found: list[int] = []
        while B not in found:
            found += [to for to, _ in await frames(channel, 1)]
        # a flood can come in several reads, and of each no more than so many of its fragments are kept
        assert len(found) <= 3 * MOST_WAITING
        assert outstation.statistics["requests_dropped"] > 0


async def test_unsolicited_responses_go_to_each_master_where_it_is() -> None:
    async with two_masters(unsolicited=True) as outstation:
        outstation.update(batch({0: 0}))
        masters = [await master_of(outstation, A), await master_of(outstation, B)]
        for master in masters:
            await master.ask("C0 17")  # until it has spoken, nobody knows which master it is
            sequence = (await master.receive())[0] & 0x0F
            master.send(f"{0xD0 | sequence:02X} 00")
        await masters[1].ask("C1 14 3C 02 06")
        outstation.update(batch({0: 1}))
        event = await masters[1].receive()
        assert event[1] == 0x82 and event[4:7] == bytes.fromhex("02 02 17")
        # the first did not enable any class: it is told with the bit of the class only
        assert (await masters[0].ask("C1 17"))[2] & 0x02


async def test_what_one_master_selected_no_other_can_move_until_it_is_operated() -> None:
    async with two_masters() as outstation:
        first, second = await master_of(outstation, A), await master_of(outstation, B)
        assert (await first.ask(SELECT))[-1] == CommandStatus.SUCCESS
        assert (await second.ask(OPERATE))[-1] == CommandStatus.BLOCKED_OTHER_MASTER
        assert (await second.ask(SELECT.replace("C1", "C2", 1)))[-1] == CommandStatus.BLOCKED_OTHER_MASTER
        assert (await first.ask("C2 04" + OPERATE[5:]))[-1] == CommandStatus.SUCCESS
        assert (await second.ask(OPERATE.replace("C1", "C3", 1)))[-1] == CommandStatus.SUCCESS


async def test_a_lost_connection_gives_back_what_was_selected() -> None:
    async with two_masters() as outstation:
        first, second = await master_of(outstation, A), await master_of(outstation, B)
        await first.ask(SELECT)
        first.channel.abort("gone")
        await until(lambda: len(outstation._connections) == 1)
        assert (await second.ask(OPERATE))[-1] == CommandStatus.SUCCESS


async def test_restart_and_its_indication_are_each_master_s_own() -> None:
    async with two_masters() as outstation:
        first, second = await master_of(outstation, A), await master_of(outstation, B)
        clear = "C0 02 50 01 00 07 07 00"
        assert not (await first.ask(clear))[2] & IIN_RESTART
        assert (await second.ask("C0 17"))[2] & IIN_RESTART
        assert not (await second.ask(clear))[2] & IIN_RESTART
        await first.ask("C1 0D")
        assert (await first.ask("C2 17"))[2] & IIN_RESTART
        assert not (await second.ask("C2 17"))[2] & IIN_RESTART
        assert outstation.statistics["restarts_asked"] == 1


async def test_who_comes_from_where_no_master_is_expected_is_not_let_in() -> None:
    settings = replace(SETTINGS, sources=(ip_network("192.0.2.0/24"),))
    outstation = Dnp3Outstation("ems", settings, POINTS, Handler())
    await outstation.start()
    try:
        stranger = await master_of(outstation, A)
        with pytest.raises(ChannelClosed):
            await asyncio.wait_for(stranger.channel.read(), PATIENCE_S)
        assert outstation.statistics["connections_refused"] == 1
    finally:
        await outstation.stop()


async def test_a_broadcast_is_the_affair_of_the_master_that_sent_it() -> None:
    async with two_masters() as outstation:
        first, second = await master_of(outstation, A), await master_of(outstation, B)
        await second.ask("C0 17")
        octets = b"\xc0" + bytes.fromhex("C0 02 50 01 00 07 07 00")
        first.channel.write(build_frame(DIR | PRM | Primary.UNCONFIRMED_USER_DATA, 0xFFFE, A, octets))
        told = await first.ask("C1 17")
        assert told[0] & 0x20 and told[2] & 0x01  # it wants to be confirmed
        assert not told[2] & IIN_RESTART
        first.send("C1 00")
        assert not (await first.ask("C2 17"))[2] & 0x01
        unconcerned = await second.ask("C1 17")
        assert not unconcerned[2] & 0x01
        assert unconcerned[2] & IIN_RESTART


@pytest.mark.parametrize(("restart", "told"), [("station", 1), ("outstation", 0), ("refuse", 0)])
async def test_only_where_the_site_says_so_does_a_restart_reach_the_station(restart: str, told: int) -> None:
    asked: list[None] = []
    settings = replace(SETTINGS, restart=restart)
    outstation = Dnp3Outstation("ems", settings, POINTS, Handler(), None, lambda: asked.append(None))
    await outstation.start()
    try:
        master = await master_of(outstation)
        await master.ask("C0 0D")
        await master.ask("C0 0D")  # the same again: its answer was missed
        await master.ask("C1 17")
        assert len(asked) == told
    finally:
        await outstation.stop()


async def test_settled_waits_for_every_master_s_store_and_says_if_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocols.dnp3.outstation.keeping.RETRY_S", 0.01)
    stores = {"1": Store(), "2": Store()}
    async with two_masters(stores) as outstation:
        stores["2"].may_write.clear()
        one_event(outstation)
        settled = asyncio.ensure_future(outstation.settled())
        await until(lambda: bool(stores["1"].kept))
        assert not settled.done()
        stores["2"].may_write.set()
        await settled
        assert list(stores["2"].kept.values()) == [1.0]
        stores["2"].failures = 1
        outstation.update(batch({0: 0}))
        with pytest.raises(OSError, match="disk full"):
            await outstation.settled()
        await outstation.settled()  # tried again meanwhile, or now


async def test_with_back_pressure_settled_waits_until_the_master_has_read_or_the_time_is_over() -> None:
    async with two_masters(overflow="back_pressure", max_events=10, back_pressure_s=60.0) as outstation:
        for n in range(10):
            outstation.update(batch({0: n % 2}))
        settled = asyncio.ensure_future(outstation.settled())
        for address in (A, B):
            assert not settled.done()
            master = await master_of(outstation, address)
            await master.ask("C0" + EMPTY)
            master.send("C0 00")
            await master.ask("C1 17")
        await asyncio.wait_for(settled, PATIENCE_S)
    async with two_masters(overflow="back_pressure", max_events=10, back_pressure_s=0.0) as outstation:
        for n in range(30):
            outstation.update(batch({0: n % 2}))
        await outstation.settled()
        assert outstation.statistics["back_pressure_given_up"] == 2


def at(peer: str, *sources: str) -> list[int]:
    device = Device(SETTINGS, POINTS)
    made = [
        Association(
            replace(SETTINGS, master_address=n, sources=tuple(map(ip_network, source.split()))),
            device, Handler(), None, Counter(), lambda: None, None, None,  # type: ignore[arg-type]
        )
        for n, source in enumerate(sources)
    ]  # fmt: skip
    return sorted(associations_at(peer, made))


def test_a_connection_carries_the_masters_that_may_come_from_there() -> None:
    anywhere, inside, neighbours = "", "10.0.0.0/8", "192.168.1.1 2001:db8::/32"
    assert at("10.1.2.3:4000", anywhere, inside, neighbours) == [0, 1]
    assert at("::ffff:10.1.2.3:4000", anywhere, inside, neighbours) == [0, 1]
    assert at("2001:db8::7:4000", anywhere, inside, neighbours) == [0, 2]
    assert at("serial /dev/ttyS0", anywhere, inside, neighbours) == [0]
