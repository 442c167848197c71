"""A device of our own behind the session under test, and the points that it serves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from protocols.modbus.media import Framing
from protocols.modbus.server import ModbusOutstation
from tests.unit.protocols.modbus.making import (
    FIRST_ROW,
    Handler,
    Listener,
    constant,
    own_rows,
    point,
    server_settings,
)

POINTS = [
    point("power", "analog_input", "float32", table="input_register", register="10"),
    point("voltage", "analog_input", "int16", table="input_register", register="12", scale_factor="sf"),
    point("running", "binary_input", "enum16", table="input_register", register="20", bit="=4|5"),
    point("breaker", "binary_input", table="discrete_input", register="3"),
    constant(point("sf", "analog_input", "int16", table="holding_register", register="30", sentinel="yes"), -1),
    point("setpoint", "analog_output", "int32", table="holding_register", register="5", scale_factor="sf"),
    point("echo", "analog_input", "int32", table="holding_register", register="5", scale_factor="sf"),
    point("go", "binary_output", table="coil", register="0"),
    point("reset", "binary_output", table="holding_register", register="9", bit="3"),
    point("start", "binary_output", table="holding_register", register="9", bit="0"),
    point("narrow", "analog_output", "int16", table="holding_register", register="11"),
    point("name", "string", "string4", table="holding_register", register="40"),
]
ROW = {one.id.removeprefix("a."): FIRST_ROW + i for i, one in enumerate(POINTS)}
OWN = {one.id.removeprefix("a."): i for i, one in enumerate(POINTS)}
FRAMINGS = [Framing.TCP, Framing.RTU_OVER_TCP]


@asynccontextmanager
async def device(handler: Handler, framing: Framing = Framing.TCP) -> AsyncIterator[ModbusOutstation]:
    outstation = ModbusOutstation("device", server_settings(framing), own_rows(POINTS), handler)
    await outstation.start()
    try:
        yield outstation
    finally:
        await outstation.stop()


def value_of(listener: Listener, name: str) -> float:
    batch = listener.batches[-1]
    return float(batch.value[batch.rows.tolist().index(ROW[name])])


def quality_of(listener: Listener, name: str) -> int:
    batch = listener.batches[-1]
    return int(batch.quality[batch.rows.tolist().index(ROW[name])])
