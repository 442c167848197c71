"""Selects through the pipeline: they ask the device and move nothing."""

import asyncio
import contextlib

import pytest

from tests.unit.control.build import ROW
from tests.unit.control.stand import Station
from vppscada.control.gate import Refused
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    CommandMode,
    CommandResult,
    CommandStatus,
    NotSent,
    Origin,
    Rejected,
    Unanswered,
    Verification,
)

SETPOINT, START_STOP = ROW["setpoint"], ROW["start_stop"]


async def select(station: Station, row: int, value: float) -> CommandResult | Refused:
    result = await station.pipeline.select(row, value, Origin.EMS, "test", 5.0)
    await station.pipeline.drain()
    return result


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Accepted(), "selected"),
        (Rejected(CommandStatus.LOCAL), "select_rejected"),
        (NotSent("not connected"), "select_not_sent"),
        (Unanswered("silence"), "select_unanswered"),
    ],
)
async def test_a_select_asks_the_device_and_is_written_as_one(
    station: Station, answer: CommandResult, state: str
) -> None:
    station.device.answer = answer
    assert await select(station, SETPOINT, 5.5) == answer
    [asked] = station.device.selected
    assert asked.body == AnalogValue(pytest.approx(5500.0))  # type: ignore[arg-type]
    assert asked.mode is CommandMode.SBO
    assert station.device.commands == []
    assert station.journal.states == [state]
    assert station.pipeline.verification(SETPOINT) == Verification()


async def test_a_point_that_is_not_selected_first_is_only_judged(station: Station) -> None:
    assert await select(station, START_STOP, 1.0) == Accepted()
    assert station.device.selected == []
    refused = await select(station, SETPOINT, 99.0)
    assert isinstance(refused, Refused)
    assert station.device.selected == []
    assert station.journal.states == ["refused"]


async def test_a_select_neither_hinders_the_command_after_it_nor_one_at_the_same_time(station: Station) -> None:
    station.device.gate.clear()
    selecting = asyncio.create_task(station.pipeline.select(SETPOINT, 5.5, Origin.EMS, "test", 5.0))
    commanding = asyncio.create_task(station.command(SETPOINT, 5.5))
    await station.until_sent(1)
    station.device.gate.set()
    assert [await selecting, await commanding] == [Accepted(), Accepted()]


async def test_a_select_that_nobody_waits_for_any_more_is_unknown(station: Station) -> None:
    station.device.gate.clear()
    selecting = asyncio.create_task(station.pipeline.select(SETPOINT, 5.5, Origin.EMS, "test", 5.0))
    for _ in range(10):
        await asyncio.sleep(0)
    assert station.device.selected
    selecting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await selecting
    await station.pipeline.drain()
    assert station.journal.states == ["select_unanswered"]


async def test_a_session_that_raises_at_a_select_is_no_success(station: Station) -> None:
    station.device.answer = ZeroDivisionError("a bug")
    assert isinstance(await select(station, SETPOINT, 5.5), Unanswered)
