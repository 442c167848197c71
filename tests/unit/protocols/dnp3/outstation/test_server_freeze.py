"""Freezes that come due while nobody asks: on loopback, in real time."""

import time
from dataclasses import replace

from protocols.dnp3.channels.tcp import connect_tcp
from protocols.dnp3.outstation.server import Dnp3Outstation
from tests.unit.protocols.dnp3.outstation.test_server import SETTINGS, Handler, Master
from tests.unit.protocols.dnp3.outstation.wire import batch, point, rows
from vppscada.model.points import PointKind


async def test_a_freeze_that_comes_due_is_reported_without_being_asked_for() -> None:
    settings = replace(SETTINGS, unsolicited=True)
    points = rows([point(PointKind.COUNTER, 0, frozen_class=1)])
    outstation = Dnp3Outstation("ems", settings, points, Handler(), None)
    await outstation.start()
    try:
        outstation.update(batch({0: 7.0}))
        master = Master(await connect_tcp("127.0.0.1", outstation.port, 5.0), settings.master_address)
        assert (await master.receive())[1] == 0x82
        master.send("D0 00")
        await master.ask("C1 14 3C 02 06")
        due_ms = time.time_ns() // 1_000_000 + 60
        await master.ask(f"C2 0B 32 02 07 01 {due_ms.to_bytes(6, 'little').hex()} 00000000 14 00 06")
        told = await master.receive()
        assert told[1] == 0x82
        assert told[4:].startswith(bytes.fromhex("17 05 17 01 00 01 07000000"))
        assert int.from_bytes(told[-6:], "little") >= due_ms
        await master.channel.close()
    finally:
        await outstation.stop()
