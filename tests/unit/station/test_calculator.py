"""Calculated points of a running station: timers end without anybody reporting anything."""

import asyncio

from tests.unit.points.build import batch
from vppscada.model.calculations import Calculation
from vppscada.model.expressions import parse
from vppscada.model.points import Point, PointKind
from vppscada.points.database import Database
from vppscada.station.calculator import Calculator
from vppscada.station.supervisor import wall_ms


async def test_a_delay_ends_by_itself() -> None:
    calculation = Calculation(parse("on_delay(x > 1, 20 ms)"), ("a.x",))
    points = [
        Point("a.x", PointKind.ANALOG_INPUT),
        Point("a.y", PointKind.BINARY_INPUT, calculation=calculation),
    ]
    database = Database(points)
    calculator = Calculator(database)
    database.apply(batch([0], [0.0], received_ms=wall_ms()))
    calculator.start(wall_ms())
    assert database.value[1] == 0.0
    done = asyncio.Event()
    database.subscribe(lambda changes: done.set() if database.value[1] == 1.0 else None)
    task = asyncio.create_task(calculator.run())
    database.apply(batch([0], [5.0], received_ms=wall_ms()))
    await done.wait()
    task.cancel()
    assert database.value[1] == 1.0
