"""Freezes, restarts, commands without acknowledgement, time and link loss: our outstation before foreign masters.

dnp3py's master has builders for none of freeze, restart and time writing: its frames for them are its own all the same,
made of its request headers and object blocks.
"""

import time

import pytest
from dnp3.application.builder import build_cold_restart_request, build_warm_restart_request
from dnp3.application.fragment import ObjectBlock, RequestFragment
from dnp3.application.header import RequestHeader
from dnp3.application.qualifiers import ObjectHeader, PrefixCode, RangeCode
from dnp3.core.enums import ControlCode, FunctionCode
from dnp3.core.flags import IIN
from dnp3.master import DefaultSOEHandler, Master, MasterTcpRunner
from dnp3.master.handler import ResponseInfo

from tests.contract.peers import Wire
from tests.interop.test_dnp3_outstation import (
    BINARY,
    COUNTER,
    Plant,
    dnp3py_master,
    give,
    opendnp3_master,
    serving,
    started,
    until,
)
from vppscada.model.commands import CommandMode, CrobOperation

pytestmark = pytest.mark.interop

FROZEN_COUNTER = (21, 4)  # group and index of the plant's one counter
COUNTERS = (20, 4)


# --- opendnp3's master


@pytest.mark.parametrize(
    ("freeze", "left"),
    [("ImmediateFreeze", 77), ("ImmediateFreezeNR", 77), ("FreezeAndClear", 0), ("FreezeAndClearNR", 0)],
)
async def test_opendnp3_freezes_counters_and_reads_them(freeze: str, left: int) -> None:
    async with serving(Plant()) as outstation, opendnp3_master(outstation.port) as master:
        await started(master)
        assert master.values[COUNTERS] == 77
        master.say(f"freeze_counters {freeze}")
        master.say("read 21")
        await until(lambda: FROZEN_COUNTER in master.values)
        assert master.values[FROZEN_COUNTER] == 77
        give(outstation, {COUNTER: 77 + 5})
        master.say("read 20")
        await until(lambda: master.values[COUNTERS] == left + 5)


@pytest.mark.parametrize("kind", ["COLD", "WARM"])
async def test_opendnp3_restarts_the_association_and_sees_it(kind: str) -> None:
    async with (
        serving(Plant(), restart="outstation", restart_time_s=0.2) as outstation,
        opendnp3_master(outstation.port) as master,
    ):
        await started(master)
        await until(lambda: master.restarted is False)
        cleared = sum(task == "CLEAR_RESTART" for task, _ in master.tasks)
        master.say(f"restart {kind}")
        await until(lambda: len(master.restarting) == 1)
        assert master.restarting == [["SUCCESS", "200"]]
        give(outstation, {BINARY: 0})  # something that the next response tells
        master.say("scan 1 2 3")
        await until(lambda: sum(task == "CLEAR_RESTART" for task, _ in master.tasks) > cleared)
        await until(lambda: master.restarted is False)


async def test_restarts_are_refused_where_the_site_says_so() -> None:
    """opendnp3 reports success for any response to a restart, with IIN2.0 or not: only the indication tells."""
    async with serving(Plant(), restart="refuse") as outstation, opendnp3_master(outstation.port) as master:
        await started(master)
        await until(lambda: master.restarted is False)
        assert master.refused == 0
        master.say("restart COLD")
        await until(lambda: master.refused == 1)
        assert master.restarted is False


async def test_opendnp3_operates_without_acknowledgement_and_hears_nothing() -> None:
    """Its binding for plain functions waits for an answer all the same: the time-out is the silence that we owe it."""
    plant = Plant()
    async with serving(plant) as outstation, opendnp3_master(outstation.port) as master:
        await started(master)
        master.say("crob_no_ack 0")
        await until(lambda: len(plant.seen) == 1)
        assert plant.seen[0][0] == "operate"
        assert plant.seen[0][1].mode is CommandMode.DIRECT
        await until(lambda: ["USER_TASK", "FAILURE_RESPONSE_TIMEOUT"] in master.tasks)
        assert len(plant.seen) == 1


async def test_opendnp3_gets_events_again_that_a_lost_link_swallowed() -> None:
    async with (
        serving(Plant()) as outstation,
        Wire(outstation.port).laid() as wire,
        opendnp3_master(wire.port) as master,
    ):
        await started(master)
        wire.freeze()
        for value in (0, 1, 0):
            give(outstation, {BINARY: value})
        await until(lambda: outstation.statistics["unsolicited_sent"] > 1)
        assert master.events == []
        wire.cut()
        wire.thaw()
        await until(lambda: len(master.events) >= 3)
        assert [value for group, _, index, value, _ in master.events if (group, index) == (2, 3)] == [0.0, 1.0, 0.0]
        await until(lambda: outstation.statistics["events_confirmed"] == 3)
        master.say("scan 1 2 3")
        await until(lambda: master.tasks.count(["USER_TASK", "SUCCESS"]) >= 1)
        assert len(master.events) == 3


# --- dnp3py's master


def request(master: Master, function: FunctionCode, *blocks: ObjectBlock) -> RequestFragment:
    return RequestFragment(RequestHeader.build(function=function, seq=master.next_request_sequence()), blocks)


def all_of(group: int, variation: int = 0) -> ObjectBlock:
    return ObjectBlock(ObjectHeader.build(group, variation, PrefixCode.NONE, RangeCode.ALL_OBJECTS))


def one(group: int, variation: int, octets: bytes) -> ObjectBlock:
    header = ObjectHeader.build(group, variation, PrefixCode.NONE, RangeCode.UINT8_COUNT)
    return ObjectBlock(header, b"\x01" + octets)


async def asked(runner: MasterTcpRunner, fragment: RequestFragment) -> ResponseInfo:
    (info,) = await runner.request(fragment)
    return info


async def frozen(runner: MasterTcpRunner, handler: DefaultSOEHandler) -> float:
    await runner.request(request(runner.master, FunctionCode.READ, all_of(21)))
    return handler.frozen_counters[4].value


@pytest.mark.parametrize(("function", "left"), [(FunctionCode.IMMEDIATE_FREEZE, 77), (FunctionCode.FREEZE_CLEAR, 0)])
async def test_dnp3py_freezes_counters_and_reads_them(function: FunctionCode, left: int) -> None:
    async with serving(Plant()) as outstation, dnp3py_master(outstation.port) as (runner, handler):
        info = await asked(runner, request(runner.master, function, all_of(20)))
        assert not info.iin & (IIN.NO_FUNC_CODE_SUPPORT | IIN.OBJECT_UNKNOWN | IIN.PARAMETER_ERROR)
        give(outstation, {COUNTER: 77 + 5})
        assert await frozen(runner, handler) == 77
        await runner.integrity_poll()
        assert handler.counters[4].value == left + 5


@pytest.mark.parametrize(
    "function", [FunctionCode.IMMEDIATE_FREEZE_NO_ACK, FunctionCode.FREEZE_CLEAR_NO_ACK], ids=lambda each: each.name
)
async def test_dnp3py_freezes_without_acknowledgement(function: FunctionCode) -> None:
    async with serving(Plant()) as outstation, dnp3py_master(outstation.port) as (runner, handler):
        await runner.integrity_poll()
        await runner.send(request(runner.master, function, all_of(20)))
        assert await frozen(runner, handler) == 77  # the one answer that came is the read's


@pytest.mark.parametrize("build", [build_cold_restart_request, build_warm_restart_request])
async def test_dnp3py_restarts_the_association_and_clears_the_indication(build: object) -> None:
    async with (
        serving(Plant(), restart="outstation", restart_time_s=0.2) as outstation,
        dnp3py_master(outstation.port) as (runner, _),
    ):
        clear = ObjectBlock(ObjectHeader.build(80, 1, PrefixCode.NONE, RangeCode.UINT8_START_STOP), bytes((7, 7, 0)))
        await asked(runner, request(runner.master, FunctionCode.WRITE, clear))
        told = await runner.integrity_poll()
        assert not told[-1].iin & IIN.DEVICE_RESTART
        fragment: RequestFragment = build(runner.master.next_request_sequence())  # type: ignore[operator]
        info = await asked(runner, fragment)
        assert not info.iin & IIN.NO_FUNC_CODE_SUPPORT
        assert (await runner.integrity_poll())[-1].iin & IIN.DEVICE_RESTART
        await asked(runner, request(runner.master, FunctionCode.WRITE, clear))
        assert not (await runner.integrity_poll())[-1].iin & IIN.DEVICE_RESTART


async def test_dnp3py_operates_without_acknowledgement() -> None:
    plant = Plant()
    async with serving(plant) as outstation, dnp3py_master(outstation.port) as (runner, _):
        direct = runner.master.command_builder().add_crob(0, ControlCode.LATCH_ON).build_direct_operate()
        blocks = runner.master.build_direct_operate(direct).objects
        await runner.send(request(runner.master, FunctionCode.DIRECT_OPERATE_NO_ACK, *blocks))
        await until(lambda: len(plant.seen) == 1)
        body = plant.seen[0][1].body
        assert getattr(body, "operation", None) is CrobOperation.LATCH_ON
        await runner.integrity_poll()  # and what comes next is the answer to this
        assert len(plant.seen) == 1


@pytest.mark.parametrize("procedure", ["lan", "nonlan"])
async def test_dnp3py_sets_the_time(procedure: str) -> None:
    async with serving(Plant()) as outstation, dnp3py_master(outstation.port) as (runner, _):
        assert (await runner.integrity_poll())[-1].iin & IIN.NEED_TIME
        now_ms = time.time_ns() // 1_000_000
        if procedure == "lan":
            await asked(runner, request(runner.master, FunctionCode.RECORD_CURRENT_TIME))
        else:
            await asked(runner, runner.master.build_delay_measure())
        written = one(50, 3 if procedure == "lan" else 1, now_ms.to_bytes(6, "little"))
        await asked(runner, request(runner.master, FunctionCode.WRITE, written))
        assert not (await runner.integrity_poll())[-1].iin & IIN.NEED_TIME


async def test_dnp3py_gets_events_again_after_it_was_gone_without_a_confirmation() -> None:
    async with serving(Plant()) as outstation:
        async with dnp3py_master(outstation.port) as (runner, handler):
            await runner.integrity_poll()
            await runner.enable_unsolicited()
            give(outstation, {BINARY: 0})
            # it neither listens nor confirms
            await until(lambda: outstation.statistics["unsolicited_sent"] > 1)
        assert outstation.statistics["events_confirmed"] == 0
        async with dnp3py_master(outstation.port) as (runner, handler):
            await runner.class_poll(class_1=True, class_2=False, class_3=False)
            assert handler.binary_inputs[3].value is False
            assert handler.binary_inputs[3].timestamp is not None
            await until(lambda: outstation.statistics["events_confirmed"] == 1)
