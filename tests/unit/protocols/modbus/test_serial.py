"""Several devices on one serial line: by turns, and a dead one costs the others only its own timeouts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from protocols.modbus.media import Framing, Parity, SerialSettings
from protocols.modbus.server import ModbusOutstation
from protocols.modbus.session import ModbusSession
from protocols.modbus.settings import ModbusOutstationSettings, ModbusSessionSettings, outstation_settings
from tests.unit.protocols.modbus.making import (
    FIRST_ROW,
    Handler,
    Listener,
    command,
    eventually,
    own_rows,
    point,
    rows,
    running,
)
from tests.unit.protocols.modbus.null_modem import null_modem
from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.commands import Accepted, AnalogValue
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionLost

POINTS = [
    point("power", "analog_input", "float32", table="input_register", register="10"),
    point("setpoint", "analog_output", "int16", table="holding_register", register="0"),
]


@asynccontextmanager
async def units(*device_ids: int) -> AsyncIterator[tuple[ModbusSessionSettings, dict[int, Handler]]]:
    """Devices on one end of a line, each with its id as its power; settings of a session at the other end."""
    async with null_modem() as (near, far), AsyncExitStack() as stack:
        line = SerialSettings(near, 115_200, Parity.NONE, far_device=far)  # pseudo terminals have no parity
        settings = ModbusSessionSettings("", 0, framing=Framing.RTU, serial=line, timeout_s=0.5, period_s=0.02)
        handlers = {device_id: Handler() for device_id in device_ids}
        for device_id in device_ids:
            served = outstation_settings(replace(settings, device_id=device_id))
            outstation = ModbusOutstation(f"unit{device_id}", served, own_rows(POINTS), handlers[device_id])
            outstation.update(untimed_batch([0], [float(device_id)], Quality.ONLINE, 0, Cause.CYCLIC))
            await outstation.start()
            stack.push_async_callback(outstation.stop)
        yield settings, handlers


def session(settings: ModbusSessionSettings, device_id: int) -> ModbusSession:
    return ModbusSession(f"s{device_id}", replace(settings, device_id=device_id), rows(POINTS))


async def test_units_on_one_line_are_read_and_commanded_by_turns() -> None:
    async with units(1, 2, 7) as (settings, handlers), AsyncExitStack() as stack:
        runs = {i: await stack.enter_async_context(running(session(settings, i))) for i in (1, 2, 7)}
        for device_id, run in runs.items():
            assert float(run.listener.batches[-1].value[0]) == device_id
        results = await asyncio.gather(
            *(run.session.operate(command(FIRST_ROW + 1, AnalogValue(10.0 * i))) for i, run in runs.items())
        )
        assert results == [Accepted()] * 3
        assert {i: [one.body for one in handlers[i].commands] for i in runs} == {
            i: [AnalogValue(10.0 * i)] for i in runs
        }


async def test_a_session_that_leaves_the_line_leaves_the_others_on_it() -> None:
    async with units(1, 2) as (settings, _), running(session(settings, 1)) as stays:
        async with running(session(settings, 2)):
            pass
        await stays.listener.next()
        assert not stays.task.done()
        assert stays.session.statistics["connections_opened"] == 1


async def test_the_line_can_be_opened_again_once_all_have_left() -> None:
    async with units(1) as (settings, _):
        for _ in range(2):
            async with running(session(settings, 1)) as run:
                assert float(run.listener.batches[-1].value[0]) == 1.0


async def test_a_dead_unit_costs_the_others_one_timeout_a_try() -> None:
    async with units(1) as (settings, _), running(session(settings, 1)) as alive:
        for tries in range(1, 4):
            dead = session(settings, 9)
            with pytest.raises(SessionLost, match="missing"):
                await dead.run(Listener())
            assert dead.statistics["requests_sent"] == 1
            await alive.listener.next()
            assert not alive.task.done(), f"lost after {tries} tries of another"
        assert alive.session.statistics["replies_missed"] == 0


async def test_a_unit_that_falls_silent_is_lost_and_found_again_and_the_other_never_misses() -> None:
    async with units(1) as (settings, _), running(session(settings, 1)) as alive:
        served = outstation_settings(replace(settings, device_id=2))
        late = ModbusOutstation("late", served, own_rows(POINTS), Handler())
        await late.start()
        async with running(session(settings, 2)) as run:
            await late.stop()
            assert "missing" in await run.lost()
        late.update(untimed_batch([0], [22.0], Quality.ONLINE, 0, Cause.CYCLIC))
        await late.start()
        try:
            async with running(session(settings, 2)) as run:
                assert float(run.listener.batches[-1].value[0]) == 22.0
        finally:
            await late.stop()
        assert alive.session.statistics["replies_missed"] == 0


async def test_noise_before_a_request_does_not_silence_a_unit() -> None:
    async with null_modem() as (near, far):
        served = ModbusOutstationSettings(framing=Framing.RTU, serial=SerialSettings(far, 115_200, Parity.NONE))
        outstation = ModbusOutstation("o", served, own_rows(POINTS), Handler())
        await outstation.start()
        try:
            with open(near, "wb", buffering=0) as noise:  # noqa: ASYNC230, PTH123
                noise.write(b"\x01\x03\x00\xff\xff")
            line = SerialSettings(near, 115_200, Parity.NONE)
            settings = ModbusSessionSettings("", 0, framing=Framing.RTU, serial=line, timeout_s=0.5, period_s=0.05)
            await eventually(lambda: outstation.connections == 1)
            lost = 0
            while True:
                try:
                    async with running(ModbusSession("s", settings, rows(POINTS))) as run:
                        assert run.listener.batches
                        break
                except SessionLost:
                    lost += 1
                    assert lost < 3
        finally:
            await outstation.stop()


async def test_a_line_that_is_not_there_is_a_lost_session_and_a_failed_start() -> None:
    line = SerialSettings("/dev/there-is-no-such-line", parity=Parity.NONE)
    settings = ModbusSessionSettings("", 0, framing=Framing.RTU, serial=line)
    with pytest.raises(SessionLost, match="no-such-line"):
        await session(settings, 1).run(Listener())
    outstation = ModbusOutstation("o", outstation_settings(settings), own_rows(POINTS), Handler())
    with pytest.raises(OSError, match="no-such-line"):
        await outstation.start()
