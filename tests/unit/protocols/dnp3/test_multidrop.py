"""Several outstations on one line: one channel, one request at a time, and a dead one that holds nobody up for long."""

import asyncio
import contextlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from protocols.dnp3.channels import TCP_CLIENT, TCP_SERVER, Channel, MediumKind
from protocols.dnp3.channels.lines import Lines
from protocols.dnp3.channels.tcp import connect_tcp
from protocols.dnp3.link import DIR, PRM
from protocols.dnp3.link_sending import LinkSettings
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from tests.unit.protocols.dnp3.association import (
    PATIENCE_S,
    Field,
    command,
    outstation,
    running,
    serving,
    session,
    show,
)
from tests.unit.protocols.dnp3.channels.media import media, null_modem
from tests.unit.protocols.dnp3.gateway import Gateway
from tests.unit.protocols.dnp3.test_associations import free_port
from vppscada.model.commands import Accepted

FIRST, SECOND, DEAD = 10, 11, 12
QUIET = Dnp3OutstationSettings(port=0, unsolicited=False)
POLLED = Dnp3SessionSettings("127.0.0.1", unsolicited=(), class1_period_s=0.05, keepalive_s=1.0)


async def test_two_outstations_share_a_connection_and_each_gets_what_is_its_own() -> None:
    fields = [Field(), Field()]
    stations = [outstation(replace(QUIET, local_address=a), f) for a, f in zip((FIRST, SECOND), fields, strict=True)]
    lines = Lines()
    async with serving(*stations), Gateway(*(one.port for one in stations)).laid() as gateway:
        for station, value in zip(stations, (1.0, 2.0), strict=True):
            show(station, value)
        settings = replace(POLLED, port=gateway.port)
        sessions = [session(replace(settings, remote_address=a), lines) for a in (FIRST, SECOND)]
        async with running(*sessions) as listeners:
            for listener, value in zip(listeners, (1.0, 2.0), strict=True):
                await listener.has_started(1)
                assert listener.states[-1] == value
            assert gateway.connections == 1
            assert await asyncio.gather(*(one.operate(command()) for one in sessions)) == [Accepted(), Accepted()]
            assert [field.told for field in fields] == [["select", "operate"]] * 2
            show(stations[1], 7.0)
            await listeners[1].has_heard(7.0)
            assert 7.0 not in listeners[0].events
        assert sessions[0].statistics["unknown_source_frames"] == 0


async def test_a_dead_outstation_costs_the_others_no_more_than_its_own_timeouts() -> None:
    station = outstation(replace(QUIET, local_address=FIRST))
    lines = Lines()
    async with serving(station), Gateway(station.port).laid() as gateway:
        show(station, -1.0)
        settings = replace(POLLED, port=gateway.port)
        alive = session(replace(settings, remote_address=FIRST), lines)
        dead = session(
            replace(settings, remote_address=DEAD, response_timeout_s=0.1, read_retries=2, step_retries=2), lines
        )
        async with running(alive, dead) as [listener, nothing]:
            await listener.has_started(1)
            for value in range(20):
                show(station, float(value))
                await listener.has_heard(float(value))
            assert await alive.operate(command()) == Accepted()
            assert nothing.started == 0
            assert listener.connected == 1
        assert dead.statistics["response_timed_out"] > 0
    _assert_one_at_a_time(gateway)


def _assert_one_at_a_time(gateway: Gateway) -> None:
    """Of two requests to one outstation, none to another left in between without the first being over."""
    requests = [f for f in gateway.heard if f.control & (DIR | PRM) == DIR | PRM and f.data and f.data[2:3] != b"\x00"]
    assert {frame.destination for frame in requests} == {FIRST, DEAD}
    # a dead one that is asked has the line for itself until its time is over, so it is never asked twice in a row
    # while the other one has something to ask, which it has all the time
    reads = [n for n, frame in enumerate(requests) if (frame.destination, frame.data[2]) == (FIRST, 0x01)]
    polling = requests[reads[1] :]  # until its second read, the other one is still starting
    dead = [frame.destination == DEAD for frame in polling]
    assert not any(a and b for a, b in pairwise(dead))


async def test_a_lost_line_loses_every_session_on_it_and_all_come_back() -> None:
    stations = [outstation(replace(QUIET, local_address=a)) for a in (FIRST, SECOND)]
    lines = Lines()
    async with serving(*stations), Gateway(*(one.port for one in stations)).laid() as gateway:
        settings = replace(POLLED, port=gateway.port)
        sessions = [session(replace(settings, remote_address=a), lines) for a in (FIRST, SECOND)]
        async with running(*sessions) as listeners:
            for times in (1, 2):
                for listener in listeners:
                    await listener.has_started(times)
                assert gateway.connections == times
                gateway.cut()


async def test_a_line_closes_with_its_last_session() -> None:
    station = outstation(replace(QUIET, local_address=FIRST))
    lines = Lines()
    async with serving(station), Gateway(station.port).laid() as gateway:
        show(station, -1.0)
        settings = replace(POLLED, port=gateway.port)
        first = session(replace(settings, remote_address=FIRST), lines)
        second = session(replace(settings, remote_address=DEAD), lines)
        async with running(first) as [listener]:
            await listener.has_started(1)
            async with running(second) as [other]:
                await other.until(lambda: other.connected > 0)
            show(station, 3.0)
            await listener.has_heard(3.0)
            assert gateway.connections == 1
            assert gateway.open == 1
        await gateway.until_unused()


async def test_sessions_with_channels_of_different_names_do_not_share() -> None:
    lines = Lines()
    async with Gateway().laid() as gateway:
        settings = replace(POLLED, port=gateway.port)
        sessions = [
            session(replace(settings, remote_address=a, transport=replace(TCP_CLIENT, channel=str(a))), lines)
            for a in (FIRST, SECOND)
        ]
        async with running(*sessions):
            for _ in sessions:
                await gateway.until_connected()


async def test_outstations_that_dial_in_to_one_port_are_told_apart_by_their_addresses() -> None:
    port = free_port(MediumKind.TCP)
    dialling = replace(QUIET, port=port, transport=TCP_CLIENT)
    stations = [outstation(replace(dialling, local_address=a)) for a in (FIRST, SECOND)]
    lines = Lines()
    settings = replace(POLLED, port=port, transport=TCP_SERVER)
    sessions = [session(replace(settings, remote_address=a), lines) for a in (SECOND, FIRST)]
    async with serving(*stations):
        show(stations[0], 1.0)
        show(stations[1], 2.0)
        async with running(*sessions) as listeners:
            for listener, value in zip(listeners, (2.0, 1.0), strict=True):
                await listener.has_started(1)
                assert listener.states[-1] == value
    async with running(sessions[0]) as [alone]:
        # the port was given back: it can be bound again
        await stations[1].start()
        await alone.has_started(1)
        await stations[1].stop()


async def test_an_outstation_that_dials_in_anew_gets_its_session_back() -> None:
    port = free_port(MediumKind.TCP)
    station = outstation(replace(QUIET, port=port, local_address=FIRST, transport=TCP_CLIENT))
    link = session(replace(POLLED, port=port, transport=TCP_SERVER, remote_address=FIRST))
    async with running(link) as [listener]:
        for times in (1, 2, 3):
            await station.start()
            await listener.has_started(times)
            await station.stop()


async def test_a_serial_line_with_confirmed_user_data_is_shared_as_well(tmp_path: Path) -> None:
    lines = Lines()
    with contextlib.ExitStack() as stack:
        devices = stack.enter_context(null_modem())
        near, far = media(MediumKind.SERIAL, tmp_path, 0, devices)
        link = LinkSettings("always", retries=1, timeout_s=0.3)
        station = outstation(replace(QUIET, local_address=FIRST, transport=far.transport, link=link))
        settings = replace(POLLED, transport=near.transport, link=link)
        alive = session(replace(settings, remote_address=FIRST), lines)
        hasty = LinkSettings("always", retries=1, timeout_s=0.03)
        dead = session(
            replace(settings, remote_address=DEAD, response_timeout_s=0.1, read_retries=0, link=hasty), lines
        )
        async with serving(station), running(dead, alive) as [_, listener]:
            show(station, -1.0)
            await listener.has_started(1)
            for value in range(5):
                show(station, float(value))
                await listener.has_heard(float(value))
            assert await alive.operate(command()) == Accepted()
        assert dead.statistics["link_confirms_missed"] > 0


async def test_outstations_of_one_process_serve_one_port_to_a_master_that_shares_it() -> None:
    port = free_port(MediumKind.TCP)
    stations = [outstation(replace(QUIET, port=port, local_address=a)) for a in (FIRST, SECOND)]
    lines = Lines()
    settings = replace(POLLED, port=port, response_timeout_s=0.5)
    sessions = [session(replace(settings, remote_address=a), lines) for a in (FIRST, SECOND)]
    async with running(*sessions) as listeners, serving(stations[0]):
        show(stations[0], 1.0)
        await listeners[0].has_started(1)
        async with serving(stations[1]):
            show(stations[1], 2.0)
            await listeners[1].has_started(1)
            await listeners[0].has_started(2)  # its connection was closed, to be shared from then on
            assert [one.states[-1] for one in listeners] == [1.0, 2.0]
            assert await asyncio.gather(*(one.operate(command()) for one in sessions)) == [Accepted(), Accepted()]
        show(stations[0], 3.0)
        await listeners[0].has_heard(3.0)


async def test_outstations_of_one_process_share_a_serial_line(tmp_path: Path) -> None:
    lines = Lines()
    with null_modem() as devices:
        near, far = media(MediumKind.SERIAL, tmp_path, 0, devices)
        stations = [outstation(replace(QUIET, local_address=a, transport=far.transport)) for a in (FIRST, SECOND)]
        settings = replace(POLLED, transport=near.transport)
        sessions = [session(replace(settings, remote_address=a), lines) for a in (FIRST, SECOND)]
        async with serving(*stations):
            show(stations[0], 1.0)
            show(stations[1], 2.0)
            async with running(*sessions) as listeners:
                for listener, value in zip(listeners, (1.0, 2.0), strict=True):
                    await listener.has_started(1)
                    assert listener.states[-1] == value


async def test_two_outstations_with_one_address_do_not_share_a_port() -> None:
    port = free_port(MediumKind.TCP)
    first, second = (outstation(replace(QUIET, port=port)) for _ in range(2))
    async with serving(first):
        with pytest.raises(OSError, match="address 10"):
            await second.start()
        await second.stop()
    async with serving(second):
        assert second.port == port


async def test_keep_alives_take_turns_too() -> None:
    stations = [outstation(replace(QUIET, local_address=a)) for a in (FIRST, SECOND)]
    lines = Lines()
    async with serving(*stations), Gateway(*(one.port for one in stations)).laid() as gateway:
        settings = replace(POLLED, port=gateway.port, class1_period_s=0.0, keepalive_s=0.02)
        sessions = [session(replace(settings, remote_address=a), lines) for a in (FIRST, SECOND)]
        async with running(*sessions) as listeners:
            for listener in listeners:
                await listener.has_started(1)
            async with asyncio.timeout(PATIENCE_S):
                while min(one.statistics["keepalives_sent"] for one in sessions) < 20:  # noqa: ASYNC110  # a count
                    await asyncio.sleep(0.01)
            assert [listener.connected for listener in listeners] == [1, 1]
            assert await asyncio.gather(*(one.operate(command()) for one in sessions)) == [Accepted(), Accepted()]


async def test_strangers_that_dial_in_take_nobodys_place_and_are_bounded() -> None:
    port = free_port(MediumKind.TCP)
    link = session(replace(POLLED, port=port, transport=TCP_SERVER, remote_address=FIRST, connect_timeout_s=10.0))
    station = outstation(replace(QUIET, port=port, local_address=FIRST, transport=TCP_CLIENT))
    async with running(link) as [listener]:
        strangers: list[Channel] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(strangers) < 20:
                with contextlib.suppress(ConnectionError):  # until the port is bound
                    strangers.append(await connect_tcp("127.0.0.1", port, 1.0))
                await asyncio.sleep(0.001)
            for stranger in strangers[1::2]:
                stranger.write(b"GET / HTTP/1.1\r\n\r\n")
            for stranger in strangers[:4]:
                await stranger.closed()  # the oldest make room
            async with serving(station):
                await listener.has_started(1)
                show(station, -1.0)
                show(station, 4.0)
                await listener.has_heard(4.0)
                assert listener.connected == 1
        for stranger in strangers:
            stranger.abort("over")
