"""Two paths to one outstation: the one in reserve is checked, takes over, and no event is missing or told twice."""

import asyncio
from dataclasses import replace

import pytest

from protocols.dnp3.channels import TCP_CLIENT, Medium
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.session import Dnp3Session
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from tests.unit.protocols.dnp3.association import (
    PATIENCE_S,
    Listener,
    command,
    outstation,
    running,
    serving,
    session,
    show,
)
from tests.unit.protocols.dnp3.gateway import Gateway
from vppscada.model.commands import Accepted
from vppscada.model.sessions import SessionLost

STATION = Dnp3OutstationSettings(port=0)


def over(primary: int, backup: int, **settings: object) -> Dnp3Session:
    chosen: dict[str, object] = {"response_timeout_s": 1.0, "backup_check_s": 0.05, "keepalive_s": 0.3}
    return session(
        Dnp3SessionSettings(
            "127.0.0.1",
            primary,
            backup=Medium(TCP_CLIENT, "127.0.0.1", backup),
            **(chosen | settings),  # type: ignore[arg-type]
        )
    )


async def checked(link: Dnp3Session, times: int = 1) -> None:
    """The path in reserve has been asked and has answered."""
    async with asyncio.timeout(PATIENCE_S):
        while link.statistics["standby_checks"] <= times:  # noqa: ASYNC110  # a count has no event
            await asyncio.sleep(0.01)


async def test_a_session_goes_on_over_the_backup_without_being_lost() -> None:
    station = outstation(STATION)
    async with serving(station), Gateway(station.port).laid() as first, Gateway(station.port).laid() as second:
        show(station, 1.0)
        link = over(first.port, second.port)
        async with running(link) as [listener]:
            await listener.has_started(1)
            await checked(link)
            assert link.statistics["path"] == 1
            assert station.statistics["connections_replaced"] == 0
            show(station, 2.0)
            await listener.has_heard(2.0)
            first.cut()
            show(station, 3.0)
            await listener.has_heard(3.0)
            assert await link.operate(command()) == Accepted()
            assert link.statistics["path"] == 2
            assert link.statistics["path_changes"] == 1
            assert (listener.connected, listener.started) == (1, 1)


async def test_it_comes_back_when_the_backup_is_lost_in_its_turn() -> None:
    station = outstation(STATION)
    async with serving(station), Gateway(station.port).laid() as first, Gateway(station.port).laid() as second:
        show(station, 0.0)
        link = over(first.port, second.port)
        async with running(link) as [listener]:
            await listener.has_started(1)
            for value, path in enumerate((first, second, first, second), 1):
                await checked(link, link.statistics["standby_checks"] + 1)
                path.cut()
                show(station, float(value))
                await listener.has_heard(float(value))
            assert link.statistics["path_changes"] == 4
            assert listener.connected == 1


async def test_a_path_that_hangs_is_left_as_one_that_breaks() -> None:
    station = outstation(STATION)
    async with serving(station), Gateway(station.port).laid() as first, Gateway(station.port).laid() as second:
        show(station, 0.0)
        link = over(first.port, second.port, response_timeout_s=0.5)
        async with running(link) as [listener]:
            await listener.has_started(1)
            await checked(link)
            first.flowing.clear()
            show(station, 4.0)
            await listener.has_heard(4.0)
            assert link.statistics["path"] == 2


async def test_a_primary_that_cannot_be_opened_leaves_the_backup() -> None:
    station = outstation(STATION)
    async with serving(station), Gateway(station.port).laid() as second:
        show(station, 1.0)
        link = over(1, second.port)
        async with running(link) as [listener]:
            await listener.has_started(1)
            assert link.statistics["path"] == 2
            assert link.statistics["connects_failed"] >= 1


async def test_without_a_good_path_in_reserve_the_session_is_lost() -> None:
    station = outstation(STATION)
    async with serving(station), Gateway(station.port).laid() as first, Gateway(station.port).laid() as second:
        second.flowing.clear()
        link, listener = over(first.port, second.port, response_timeout_s=0.3), Listener()
        task = asyncio.ensure_future(link.run(listener))
        await listener.has_started(1)
        await checked(link, 2)
        assert link.statistics["standby_failures"] > 0
        first.cut()
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(SessionLost):
                await task


async def test_two_paths_to_an_outstation_that_does_not_speak_are_not_changed_for_ever() -> None:
    station = outstation(replace(STATION, master_address=99))  # its link layer does not know us
    async with serving(station), Gateway(station.port).laid() as first, Gateway(station.port).laid() as second:
        link = over(first.port, second.port, response_timeout_s=0.1, read_retries=0)
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(SessionLost, match="no "):
                await link.run(Listener())


async def test_no_event_is_missing_and_none_is_told_twice_when_paths_break_with_confirmations_on_their_way() -> None:
    station = outstation(STATION)
    async with serving(station), Gateway(station.port).laid() as first, Gateway(station.port).laid() as second:
        show(station, -1.0)
        link = over(first.port, second.port)
        async with running(link) as [listener]:
            await listener.has_started(1)
            listener.events.clear()
            total = 0
            for path in (first, second) * 3:
                await checked(link, link.statistics["standby_checks"] + 1)
                for loses in (False, True):
                    path.loses_confirms = loses
                    for _ in range(25):
                        show(station, float(total))
                        total += 1
                    await listener.has_heard(float(total - 1))
                path.cut()
                path.loses_confirms = False
        assert listener.events == [float(value) for value in range(total)]
        assert link.statistics["events_repeated"] > 10
