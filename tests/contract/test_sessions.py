"""What every Session must do, whatever protocol it speaks. See `vppscada.model.sessions.Session`."""

import asyncio
import socket
import time

import pytest

from tests.contract.cases import ENERGY, LEVEL, POWER, RUNNING, SESSION_ROW, SETPOINT, SPARE, START, Case
from tests.contract.conftest import FIRST_VALUES, Device
from tests.contract.peers import babbler, sink
from tests.contract.recorders import PATIENCE_S, Recorder, readings
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    Command,
    CommandBody,
    CommandMode,
    CommandStatus,
    Crob,
    CrobOperation,
    NotSent,
    Origin,
    Rejected,
    Unanswered,
)
from vppscada.model.points import PointKind
from vppscada.model.quality import Quality
from vppscada.model.sessions import LAST_GOOD, SESSION_FIGURES, SessionLost


def command(row: int, body: CommandBody, mode: CommandMode = CommandMode.DIRECT, life_s: float = 30.0) -> Command:
    now = time.monotonic()
    return Command(1, SESSION_ROW[row], body, mode, Origin.OPERATOR, now, now + life_s)


async def loss_of(task: "asyncio.Task[None]", within_s: float) -> SessionLost:
    """The loss with which a session ends; anything else, or none in time, fails the test."""
    done, _ = await asyncio.wait({task}, timeout=within_s)
    assert done, "the session did not notice"
    with pytest.raises(SessionLost) as found:
        task.result()
    return found.value


# --- start-up and readings


async def test_the_listener_hears_connected_then_every_point_then_started(device: Device) -> None:
    recorder, _ = await device.online(device.session())
    started = recorder.calls.index("started")
    assert recorder.calls[0] == "connected"
    assert recorder.calls.count("connected") == 1
    batches_before = recorder.batches[: recorder.calls[:started].count("batch")]
    rows = {int(row) for batch in batches_before for row in batch.rows}
    inputs = {SESSION_ROW[row] for row, point in enumerate(device.case.points()) if not point.kind.is_output}
    assert inputs <= rows


async def test_readings_come_in_device_units_at_the_rows_of_the_database(device: Device) -> None:
    recorder, _ = await device.online(device.session())
    for row in (POWER, LEVEL, RUNNING, ENERGY, SPARE):
        assert recorder.shows(SESSION_ROW[row], FIRST_VALUES[row])
    assert set(recorder.value) <= set(SESSION_ROW.values())


async def test_a_change_arrives(device: Device) -> None:
    recorder, _ = await device.online(device.session())
    device.outstation.update(readings([POWER, RUNNING], [13.75, 0.0]))
    await recorder.until(lambda: recorder.shows(SESSION_ROW[POWER], 13.75))
    await recorder.until(lambda: recorder.shows(SESSION_ROW[RUNNING], 0.0))
    assert recorder.shows(SESSION_ROW[LEVEL], FIRST_VALUES[LEVEL])


async def test_a_reading_is_never_better_than_its_source(device: Device) -> None:
    recorder, _ = await device.online(device.session())
    device.outstation.update(readings([POWER], [12.5], Quality.COMM_LOST))
    await recorder.until(lambda: not recorder.is_good(SESSION_ROW[POWER]))
    assert recorder.is_good(SESSION_ROW[SPARE])


async def test_columns_of_every_batch_are_of_one_length_and_time(device: Device) -> None:
    before = time.time_ns() // 1_000_000
    recorder, _ = await device.online(device.session())
    after = time.time_ns() // 1_000_000
    assert recorder.batches
    for batch in recorder.batches:
        assert len(batch.rows) == len(batch.value) == len(batch.quality) > 0
        assert before <= batch.received_time_ms <= after


# --- commands


async def test_an_accepted_setpoint_reaches_the_handler_once_in_device_units(device: Device) -> None:
    session = device.session()
    await device.online(session)
    assert await session.operate(command(SETPOINT, AnalogValue(42.5))) == Accepted()
    assert [each.row for each in device.handler.operated] == [SETPOINT]
    assert device.handler.operated[0].body == AnalogValue(42.5)
    assert device.handler.operated[0].expires_at > time.monotonic()


@pytest.mark.parametrize(("operation", "on"), [(CrobOperation.LATCH_ON, True), (CrobOperation.LATCH_OFF, False)])
async def test_a_latch_reaches_the_handler_once(device: Device, operation: CrobOperation, on: bool) -> None:
    session = device.session()
    await device.online(session)
    assert await session.operate(command(START, Crob(operation))) == Accepted()
    (operated,) = device.handler.operated
    assert operated.row == START
    assert isinstance(operated.body, Crob)
    assert operated.body.wants_on is on


async def test_select_before_operate_operates_once(device: Device) -> None:
    session = device.session()
    await device.online(session)
    assert await session.operate(command(SETPOINT, AnalogValue(1.5), CommandMode.SBO)) == Accepted()
    assert [each.body for each in device.handler.operated] == [AnalogValue(1.5)]


async def test_a_select_moves_nothing_and_does_not_hinder_what_follows(device: Device) -> None:
    session = device.session()
    asked = command(SETPOINT, AnalogValue(1.5), CommandMode.SBO)
    assert isinstance(await session.select(asked), NotSent)
    await device.online(session)
    assert await session.select(asked) == Accepted()
    assert device.handler.operated == []
    assert await session.operate(command(SETPOINT, AnalogValue(1.5), CommandMode.SBO)) == Accepted()
    assert len(device.handler.operated) == 1


async def test_a_refused_command_is_rejected_with_a_status(device: Device) -> None:
    session = device.session()
    await device.online(session)
    device.handler.answer = CommandStatus.OUT_OF_RANGE
    result = await session.operate(command(SETPOINT, AnalogValue(42.5)))
    assert isinstance(result, Rejected)
    assert result.status is not CommandStatus.SUCCESS
    assert len(device.handler.operated) == 1
    if device.case.refusal_name_is_kept:
        assert result.status is CommandStatus.OUT_OF_RANGE


async def test_a_device_in_local_refuses(device: Device) -> None:
    session = device.session()
    await device.online(session)
    device.handler.answer = CommandStatus.LOCAL
    result = await session.operate(command(START, Crob(CrobOperation.LATCH_ON)))
    assert isinstance(result, Rejected)
    if device.case.refusal_name_is_kept:
        assert result.status is CommandStatus.LOCAL


async def test_a_command_without_a_connection_is_not_sent(device: Device) -> None:
    session = device.session()
    assert isinstance(await session.operate(command(SETPOINT, AnalogValue(1.0))), NotSent)
    _, task = await device.online(session)
    task.cancel()
    await asyncio.wait({task}, timeout=PATIENCE_S)
    assert isinstance(await session.operate(command(SETPOINT, AnalogValue(1.0))), NotSent)
    assert device.handler.operated == []


async def test_an_expired_command_is_not_sent(device: Device) -> None:
    session = device.session()
    await device.online(session)
    assert isinstance(await session.operate(command(SETPOINT, AnalogValue(1.0), life_s=-0.001)), NotSent)
    assert isinstance(
        await session.operate(command(SETPOINT, AnalogValue(1.0), CommandMode.SBO, life_s=-0.001)), NotSent
    )
    assert device.handler.operated == []
    assert device.handler.selected == []


async def test_a_command_to_a_row_that_is_not_the_sessions_is_not_sent(device: Device) -> None:
    session = device.session()
    await device.online(session)
    now = time.monotonic()
    strange = Command(1, 999, AnalogValue(1.0), CommandMode.DIRECT, Origin.OPERATOR, now, now + 5)
    assert isinstance(await session.operate(strange), NotSent)


async def test_a_command_that_meets_silence_is_unanswered(device: Device) -> None:
    session = device.session()
    await device.online(session)
    device.wire.freeze()
    async with asyncio.timeout(PATIENCE_S):
        result = await session.operate(command(SETPOINT, AnalogValue(2.0)))
    assert isinstance(result, Unanswered)
    assert device.handler.operated == []


async def test_a_command_cut_off_on_its_way_is_unanswered_and_never_repeated(device: Device) -> None:
    session = device.session()
    _, task = await device.online(session)
    device.wire.freeze()
    asking = asyncio.create_task(session.operate(command(SETPOINT, AnalogValue(2.0))))
    await asyncio.sleep(0.05)  # let it leave
    device.wire.cut()
    async with asyncio.timeout(PATIENCE_S):
        assert isinstance(await asking, Unanswered)
    await loss_of(task, device.case.notices_s)
    device.wire.thaw()
    recorder, _ = await device.online(session)
    device.outstation.update(readings([LEVEL], [8.0]))
    await recorder.until(lambda: recorder.shows(SESSION_ROW[LEVEL], 8.0))
    assert device.handler.operated == []


async def test_commands_side_by_side_are_all_answered(device: Device) -> None:
    session = device.session()
    await device.online(session)
    async with asyncio.timeout(PATIENCE_S):
        results = await asyncio.gather(
            *(session.operate(command(SETPOINT, AnalogValue(float(value)))) for value in range(8))
        )
    assert results == [Accepted()] * 8
    assert sorted(each.body.value for each in device.handler.operated if isinstance(each.body, AnalogValue)) == [
        float(value) for value in range(8)
    ]


# --- how a connection ends


async def test_nobody_listening_is_a_lost_session(case: Case) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        recorder = Recorder()
        task = asyncio.create_task(case.session(closed.getsockname()[1]).run(recorder))
        lost = await loss_of(task, case.notices_s)
    assert str(lost)
    assert recorder.calls == []


async def test_a_device_that_accepts_and_never_answers_is_lost(case: Case) -> None:
    async with sink() as port:
        recorder = Recorder()
        await loss_of(asyncio.create_task(case.session(port, hasty=True).run(recorder)), case.notices_s)
    assert recorder.starts() == 0
    assert recorder.batches == []


@pytest.mark.parametrize("noise", [b"\x00" * 64, bytes(range(256)), b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_a_device_that_talks_nonsense_is_lost(case: Case, noise: bytes) -> None:
    async with babbler(noise) as port:
        recorder = Recorder()
        await loss_of(asyncio.create_task(case.session(port, hasty=True).run(recorder)), case.notices_s)
    assert recorder.starts() == 0


async def test_a_device_that_hangs_while_online_is_lost(device: Device) -> None:
    _, task = await device.online(device.session())
    device.wire.freeze()
    await loss_of(task, device.case.notices_s)


async def test_a_device_that_drops_is_lost(device: Device) -> None:
    _, task = await device.online(device.session())
    device.wire.cut()
    await loss_of(task, device.case.notices_s)


async def test_a_device_that_stops_is_lost(device: Device) -> None:
    _, task = await device.online(device.session())
    await device.outstation.stop()
    await loss_of(task, device.case.notices_s)


async def test_cancelling_closes_the_connection(device: Device) -> None:
    _, task = await device.online(device.session())
    assert device.wire.open == 1
    task.cancel()
    await asyncio.wait({task}, timeout=PATIENCE_S)
    assert task.cancelled()
    await device.wire.until(lambda: device.wire.open == 0)


async def test_cancelling_during_the_connect_closes_the_connection(case: Case) -> None:
    async with sink() as port:
        task = asyncio.create_task(case.session(port).run(Recorder()))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE_S)
        assert task.cancelled()


async def test_a_session_never_reconnects_by_itself(device: Device) -> None:
    _, task = await device.online(device.session())
    device.wire.cut()
    await loss_of(task, device.case.notices_s)
    assert device.wire.opened == 1


async def test_a_lost_session_runs_again_and_reads_everything_anew(device: Device) -> None:
    session = device.session()
    _, task = await device.online(session)
    device.wire.cut()
    await loss_of(task, device.case.notices_s)
    device.outstation.update(readings([LEVEL], [5.0]))
    recorder, _ = await device.online(session)
    await recorder.until(lambda: recorder.shows(SESSION_ROW[LEVEL], 5.0))
    assert recorder.shows(SESSION_ROW[POWER], FIRST_VALUES[POWER])
    assert await session.operate(command(SETPOINT, AnalogValue(3.0))) == Accepted()


# --- bookkeeping


async def test_statistics_count_what_happened(device: Device) -> None:
    session = device.session()
    assert session.name == "dev"
    assert not +session.statistics
    _, task = await device.online(session)
    first = session.statistics.copy()
    assert +first
    assert all(name.replace("_", "").isalnum() and name == name.lower() for name in first)
    device.wire.cut()
    await loss_of(task, device.case.notices_s)
    await device.online(session)
    assert all(session.statistics[name] >= count for name, count in first.items())
    assert session.statistics != first


async def test_a_point_that_is_disabled_is_not_read(device: Device) -> None:
    points = device.case.points()
    assert points[SPARE].kind is PointKind.ANALOG_INPUT
    session = device.case.session(device.wire.port, disabled=frozenset({SPARE}))
    recorder, _ = await device.online(session)
    assert SESSION_ROW[SPARE] not in recorder.value
    assert recorder.shows(SESSION_ROW[POWER], FIRST_VALUES[POWER])


async def test_the_figures_of_a_session_are_known_and_show_that_the_device_is_heard(device: Device) -> None:
    figures = device.case.driver.figures
    assert set(figures) <= set(SESSION_FIGURES)
    session = device.session()
    await device.online(session)
    for name in ("frames_received", LAST_GOOD):
        assert sum(session.statistics[count] for count in figures[name]) > 0
    for name in ("link_errors", "response_timeouts"):
        assert sum(session.statistics[count] for count in figures[name]) == 0
