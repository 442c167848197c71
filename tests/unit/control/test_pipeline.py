"""The pipeline: what goes out, what is refused, and what is written down."""

import asyncio
import contextlib

import pytest

from tests.unit.control.build import POINTS, ROW, site
from tests.unit.control.stand import Station
from vppscada.control.gate import Reason, Refused
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    CommandMode,
    CommandResult,
    CommandStatus,
    Crob,
    CrobOperation,
    NotSent,
    Origin,
    Rejected,
    Unanswered,
    Verification,
)
from vppscada.model.errors import JournalError

SETPOINT, START_STOP = ROW["setpoint"], ROW["start_stop"]


async def test_a_setpoint_goes_out_in_device_units_and_the_mode_of_its_map(station: Station) -> None:
    assert await station.command(SETPOINT, 5.5) == Accepted()
    (sent,) = station.device.commands
    assert isinstance(sent.body, AnalogValue)
    assert sent.body.value == pytest.approx(5500.0)
    assert site().sessions[0].points[sent.row].row == SETPOINT  # a session counts its own points
    assert (sent.mode, sent.origin, sent.reason) == (CommandMode.SBO, Origin.SCHEDULER, "test")
    assert (sent.issued_at, sent.expires_at) == (101.0, 106.0)


@pytest.mark.parametrize(("value", "operation"), [(1.0, CrobOperation.PULSE_ON), (0.0, CrobOperation.PULSE_OFF)])
async def test_a_binary_output_goes_out_in_the_style_of_its_map(
    station: Station, value: float, operation: CrobOperation
) -> None:
    await station.command(START_STOP, value)
    assert station.device.commands[0].body == Crob(operation, on_ms=500, off_ms=500)


async def test_a_command_is_on_disk_before_it_leaves(station: Station) -> None:
    await station.command(SETPOINT, 5.0)
    issued, accepted = station.journal.records
    assert (issued.state, station.journal.sent_before[0]) == ("issued", 0)
    assert (accepted.state, accepted.id, station.journal.sent_before[1]) == ("accepted", issued.id, 1)
    assert (issued.point, issued.value, issued.origin, issued.reason) == (
        "engine1.setpoint",
        5.0,
        Origin.SCHEDULER,
        "test",
    )


async def test_what_cannot_be_written_down_is_not_sent(station: Station) -> None:
    station.journal.failing = True
    result = await station.command(SETPOINT, 5.0)
    assert isinstance(result, Refused)
    assert result.reason is Reason.JOURNAL
    assert station.device.commands == []
    assert station.pipeline.statistics["refused_journal"] == 1
    assert station.pipeline.verification(SETPOINT) == Verification()


async def test_without_a_command_number_nothing_is_sent(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> int:
        raise JournalError("no command numbers")

    monkeypatch.setattr(station.journal, "next_command_id", none_left)
    for origin in (Origin.SCHEDULER, Origin.EMS):
        result = await station.command(SETPOINT, 5.0, origin)
        assert isinstance(result, Refused)
        assert result.reason is Reason.JOURNAL
    assert isinstance(await station.command(SETPOINT, 99.0, Origin.EMS), Refused)
    assert station.device.commands == []


async def test_a_result_that_cannot_be_written_down_is_still_the_result(station: Station) -> None:
    station.device.gate.clear()
    task = asyncio.create_task(station.command(SETPOINT, 5.0))
    await station.until_sent(1)
    station.journal.failing = True
    station.device.gate.set()
    assert await task == Accepted()
    assert station.pipeline.statistics["records_failed"] == 1


@pytest.mark.parametrize(
    ("answer", "state", "detail"),
    [
        (Rejected(CommandStatus.LOCAL, "key in local"), "rejected", "LOCAL key in local"),
        (NotSent("no connection"), "not_sent", "no connection"),
        (Unanswered("timeout"), "unanswered", "timeout"),
    ],
)
async def test_each_result_is_passed_on_and_written_down_unmixed_and_never_repeated(
    station: Station, answer: CommandResult, state: str, detail: str
) -> None:
    station.device.answer = answer
    assert await station.command(SETPOINT, 5.0) == answer
    await station.pipeline.drain()
    assert station.journal.states == ["issued", state]
    assert station.journal.records[-1].detail == detail
    assert len(station.device.commands) == 1
    assert station.pipeline.statistics[f"commands_{state}"] == 1


async def test_a_session_that_raises_leaves_the_outcome_unknown(station: Station) -> None:
    station.device.answer = ZeroDivisionError("a bug")
    assert isinstance(await station.command(SETPOINT, 5.0), Unanswered)
    assert station.journal.states == ["issued", "unanswered"]


@pytest.mark.parametrize(
    ("row", "value", "reason"),
    [
        (-1, 1.0, Reason.UNKNOWN_POINT),
        (len(POINTS), 1.0, Reason.UNKNOWN_POINT),
        (ROW["active_power"], 1.0, Reason.NOT_AN_OUTPUT),
        (ROW["readback"], 1.0, Reason.NOT_WRITABLE),
        (ROW["spare"], 1.0, Reason.DISABLED),
        (ROW["target_command"], 1.0, Reason.NO_SESSION),
        (SETPOINT, float("nan"), Reason.NOT_FINITE),
        (START_STOP, 0.5, Reason.NOT_BINARY),
        (SETPOINT, -1.0, Reason.BELOW_MINIMUM),
        (SETPOINT, 12.5, Reason.ABOVE_MAXIMUM),
        (SETPOINT, 11.0, Reason.ABOVE_ASSET_LIMIT),
    ],
)
async def test_what_the_gate_refuses_is_not_sent_and_is_found_in_the_journal(
    station: Station, row: int, value: float, reason: Reason
) -> None:
    result = await station.command(row, value, Origin.EMS)
    assert isinstance(result, Refused)
    assert result.reason is reason
    await station.pipeline.drain()
    assert station.device.commands == []
    assert station.journal.states == ["refused"]
    assert station.journal.records[0].detail.startswith(reason)
    refused = station.pipeline.refusal(row, value, Origin.EMS)
    assert refused is not None
    assert refused.reason is reason


async def test_a_refusal_of_the_scheduler_is_counted_and_not_written_down(station: Station) -> None:
    station.field.report(fault=1.0)
    result = await station.command(SETPOINT, 5.0)
    await station.pipeline.drain()
    assert isinstance(result, Refused)
    assert station.journal.records == []
    assert station.pipeline.statistics["refused_fault"] == 1


async def test_no_lifetime_is_no_command(station: Station) -> None:
    result = await station.command(SETPOINT, 5.0, lifetime_s=0.0)
    assert isinstance(result, Refused)
    assert result.reason is Reason.EXPIRED


async def test_a_command_that_expired_while_it_was_written_down_does_not_leave(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = station.journal.record

    async def slow_disk(one: object) -> None:
        await record(one)  # type: ignore[arg-type]
        station.time.pass_s(10.0)

    monkeypatch.setattr(station.journal, "record", slow_disk)
    assert isinstance(await station.command(SETPOINT, 5.0), NotSent)
    assert station.device.commands == []
    assert station.journal.states == ["issued", "not_sent"]


async def test_a_second_command_to_the_same_point_is_refused_while_one_is_under_way(station: Station) -> None:
    station.device.gate.clear()
    first = asyncio.create_task(station.command(SETPOINT, 5.0))
    await station.until_sent(1)
    second = await station.command(SETPOINT, 6.0)
    assert isinstance(second, Refused)
    assert second.reason is Reason.BUSY
    refused = station.pipeline.refusal(SETPOINT, 6.0, Origin.EMS)
    assert refused is not None
    assert refused.reason is Reason.BUSY
    assert station.pipeline.refusal(START_STOP, 1.0, Origin.EMS) is None  # another point
    station.device.gate.set()
    assert await first == Accepted()
    assert len(station.device.commands) == 1


async def test_a_stop_waits_for_the_start_under_way_and_then_goes_out(station: Station) -> None:
    station.device.gate.clear()
    start = asyncio.create_task(station.command(START_STOP, 1.0))
    await station.until_sent(1)
    stop = asyncio.create_task(station.command(START_STOP, 0.0))
    await asyncio.sleep(0)
    assert len(station.device.commands) == 1
    station.device.gate.set()
    assert [await start, await stop] == [Accepted(), Accepted()]
    assert [one.body for one in station.device.commands] == [
        Crob(CrobOperation.PULSE_ON, on_ms=500, off_ms=500),
        Crob(CrobOperation.PULSE_OFF, on_ms=500, off_ms=500),
    ]


async def test_the_same_stop_twice_is_one_stop(station: Station) -> None:
    station.device.gate.clear()
    first = asyncio.create_task(station.command(START_STOP, 0.0))
    await station.until_sent(1)
    second = await station.command(START_STOP, 0.0)
    assert isinstance(second, Refused)
    assert second.reason is Reason.BUSY
    station.device.gate.set()
    await first


async def test_a_point_is_not_commanded_again_within_its_pace(station: Station) -> None:
    await station.command(SETPOINT, 5.0)
    station.time.pass_s(0.05)
    second = await station.command(SETPOINT, 6.0)
    assert isinstance(second, Refused)
    assert second.reason is Reason.TOO_SOON
    station.time.pass_s(0.06)
    assert await station.command(SETPOINT, 6.0) == Accepted()


async def test_whoever_stops_waiting_does_not_stop_what_is_under_way(station: Station) -> None:
    station.device.gate.clear()
    task = asyncio.create_task(station.command(SETPOINT, 5.0))
    await station.until_sent(1)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert station.journal.states == ["issued"]
    station.device.gate.set()
    await station.pipeline.drain()
    assert station.journal.states == ["issued", "accepted"]


async def test_echo_and_measurement_are_written_down_after_the_answer_whenever_they_came(station: Station) -> None:
    station.device.gate.clear()
    task = asyncio.create_task(station.command(SETPOINT, 5.0))
    await station.until_sent(1)
    station.time.pass_s(0.2)
    station.field.report(setpoint_feedback=5000.0)  # sooner than the answer
    station.device.gate.set()
    await task
    station.time.pass_s(1)
    station.field.report(active_power=5000.0)
    await station.pipeline.drain()
    assert station.journal.states == ["issued", "accepted", "echoed", "measured"]
    assert station.pipeline.verification(SETPOINT) == Verification(101.0, 101.2, 101.2, 102.2)


async def test_an_acknowledged_command_without_effect_is_not_called_done(station: Station) -> None:
    assert await station.command(SETPOINT, 5.0) == Accepted()
    station.time.pass_s(11.0)
    station.pipeline.look()
    station.time.pass_s(150.0)
    station.pipeline.look()
    await station.pipeline.drain()
    assert station.journal.states == ["issued", "accepted", "not_echoed", "not_measured"]
    assert station.pipeline.statistics["commands_not_echoed"] == 1


async def test_an_unanswered_command_whose_effect_is_seen_is_told(station: Station) -> None:
    station.device.answer = Unanswered("timeout")
    await station.command(SETPOINT, 5.0)
    station.time.pass_s(1)
    station.field.report(setpoint_feedback=5000.0)
    await station.pipeline.drain()
    assert station.journal.states == ["issued", "unanswered", "echoed"]
    assert station.pipeline.verification(SETPOINT).acknowledged is None


async def test_a_rejected_command_is_not_followed(station: Station) -> None:
    station.device.answer = Rejected(CommandStatus.LOCAL)
    await station.command(SETPOINT, 5.0)
    station.time.pass_s(500)
    station.pipeline.look()
    await station.pipeline.drain()
    assert station.journal.states == ["issued", "rejected"]


async def test_watching_follows_effects_until_it_is_cancelled(station: Station) -> None:
    station.end()
    watching = asyncio.create_task(station.pipeline.watch())
    await asyncio.sleep(0)
    await station.command(SETPOINT, 5.0)
    station.time.pass_s(1)
    station.field.report(setpoint_feedback=5000.0)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    station.field.report(active_power=5000.0)
    await station.pipeline.drain()
    assert station.journal.states == ["issued", "accepted", "echoed"]


async def test_asking_whether_a_command_would_be_refused_moves_and_writes_nothing(station: Station) -> None:
    assert station.pipeline.refusal(SETPOINT, 5.0, Origin.EMS) is None
    await station.pipeline.drain()
    assert station.device.commands == []
    assert station.journal.records == []
    assert station.pipeline.statistics.total() == 0
