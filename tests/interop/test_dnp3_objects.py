"""Objects beyond the everyday ones, as opendnp3's master reads them from our outstation."""

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.server import Dnp3Outstation
from tests.interop.test_dnp3_outstation import Plant, opendnp3_master, started, until
from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality

pytestmark = pytest.mark.interop

BINARY, DOUBLE_BIT, ANALOG, COUNTER, BINARY_OUTPUT, ANALOG_OUTPUT, STRING = range(7)
_ADDRESSES = {
    PointKind.BINARY_INPUT: Dnp3Address(0, event_variation=3),
    PointKind.DOUBLE_BIT_INPUT: Dnp3Address(1, event_variation=3),
    PointKind.ANALOG_INPUT: Dnp3Address(2, event_variation=8, frozen_class=2),
    PointKind.COUNTER: Dnp3Address(0, frozen_variation=5, frozen_class=2),
    PointKind.BINARY_OUTPUT: Dnp3Address(3, command_class=3),
    PointKind.ANALOG_OUTPUT: Dnp3Address(7, command_class=3),
    PointKind.STRING: Dnp3Address(4),
}
POINTS = [
    RowPoint(row, Point(f"plant.{kind.value}", kind, event_class=1, writable=kind.is_output, address=address))
    for row, (kind, address) in enumerate(_ADDRESSES.items())
]
SETTINGS = Dnp3OutstationSettings(port=0, trust_local_clock=True, class_0=(1, 3, 30, 20, 21, 10, 40, 110))


def give(outstation: Dnp3Outstation, values: dict[int, float], text: str | None = None) -> None:
    texts = {} if text is None else {STRING: text}
    values = values | dict.fromkeys(texts, float("nan"))
    fresh = untimed_batch(
        list(values), list(values.values()), Quality.ONLINE, time.time_ns() // 1_000_000, Cause.CYCLIC
    )
    outstation.update(replace(fresh, texts=texts))


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Dnp3Outstation]:
    outstation = Dnp3Outstation("ems", SETTINGS, POINTS, Plant(), None)
    await outstation.start()
    give(outstation, {BINARY: 0, DOUBLE_BIT: 1, ANALOG: 1.5, COUNTER: 10, BINARY_OUTPUT: 0, ANALOG_OUTPUT: 0.5}, "idle")
    try:
        yield outstation
    finally:
        await outstation.stop()


async def test_opendnp3_gets_events_of_all_kinds_in_the_order_in_which_they_occurred() -> None:
    async with serving() as outstation, opendnp3_master(outstation.port) as master:
        await started(master)
        before_ms = time.time_ns() // 1_000_000
        give(outstation, {BINARY: 1})
        give(outstation, {ANALOG: 9.5, BINARY: 0, COUNTER: 20})
        give(outstation, {}, "run")
        give(outstation, {DOUBLE_BIT: 2, BINARY: 1, ANALOG_OUTPUT: 7.5, BINARY_OUTPUT: 1})
        give(outstation, {BINARY: 0})
        # it takes strings for static values, whatever brings them
        await until(lambda: len(master.events) == 9 and master.values[111, 4] == "run")
        assert [told[:4] for told in master.events] == [
            (2, 3, 0, 1.0),
            (32, 8, 2, 9.5),
            (2, 3, 0, 0.0),
            (22, 5, 0, 20.0),
            (4, 3, 1, 2.0),
            (2, 3, 0, 1.0),
            (42, 7, 7, 7.5),
            (11, 2, 3, 1.0),
            (2, 3, 0, 0.0),
        ]
        assert all(0 <= time_ms - before_ms < 5000 for *_, time_ms in master.events)
        times = [time_ms for *_, time_ms in master.events]
        assert times == sorted(times)


async def test_opendnp3_freezes_and_reads_what_was_frozen() -> None:
    async with serving() as outstation, opendnp3_master(outstation.port) as master:
        await started(master)
        master.say("freeze 20 30")
        await until(lambda: len(master.events) == 2)
        assert [told[:4] for told in master.events] == [(23, 5, 0, 10.0), (33, 8, 2, 1.5)]
        give(outstation, {COUNTER: 11, ANALOG: 2.0})
        master.values.clear()
        master.say("read 21")
        master.say("read 31")
        await until(lambda: (31, 2) in master.values)
        assert master.values == {(21, 0): 10.0, (31, 2): 1.5}


async def test_opendnp3_is_told_of_commands_with_their_status() -> None:
    async with serving() as outstation, opendnp3_master(outstation.port) as master:
        await started(master)
        await master.command("crob direct 3 LATCH_ON")
        await master.command("analog direct 7 101")
        await until(lambda: len(master.events) == 2)
        assert [told[:4] for told in master.events] == [(13, 2, 3, 1.0), (43, 7, 7, 101.0)]


async def test_opendnp3_reads_deadbands_and_strings() -> None:
    async with serving() as outstation, opendnp3_master(outstation.port) as master:
        await started(master)
        master.values.clear()
        for group in (34, 110):
            master.say(f"read {group}")
        await until(lambda: (110, 4) in master.values)
        assert master.values == {(34, 2): 0.0, (110, 4): "idle"}
