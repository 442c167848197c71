"""Reading the registers of a point a few times from the device itself, to judge their order."""

import asyncio
from collections import Counter

from protocols.modbus.layout import address_of
from protocols.modbus.plan import Block, span_of
from protocols.modbus.replies import ReplyInvalid, read_words
from protocols.modbus.settings import ModbusSessionSettings
from protocols.modbus.wire import Wire
from protocols.modbus.word_orders import Expected, OrderFound, judge_orders
from vppscada.model.points import Point
from vppscada.model.sessions import SessionLost


async def survey_orders(
    settings: ModbusSessionSettings, point: Point, expected: Expected, samples: int, every_s: float
) -> tuple[OrderFound, ...]:
    """Connect, read the point's registers ``samples`` times, and judge the orders.

    Raises:
        SessionLost: the device was not reached, or did not give the registers.
        ValueError: the point's type has no order that could be judged.
    """
    address = address_of(point)
    span = span_of(address)
    block = Block(address.table, span.start, address.registers, 0, (span,))
    wire = Wire(settings, Counter())
    found: list[tuple[int, ...]] = []
    try:
        await wire.open()
        while len(found) < samples:
            if found:
                await asyncio.sleep(every_s)
            async with wire.turn:
                reply = await wire.ask(block.request)
            if reply.exception_code:
                raise SessionLost(f"the device refused the read with exception {reply.exception_code}")
            found.append(tuple(int(word) for word in read_words(reply.payload, block.count)))
    except (TimeoutError, ConnectionError, ReplyInvalid) as fault:
        raise SessionLost(str(fault) or "no answer") from fault
    finally:
        wire.shut("surveyed")
    return judge_orders(address, found, expected)


async def survey_point(
    settings: object, point: Point, near: float | None, within: float, lowest: float, highest: float, samples: int
) -> list[tuple[str, tuple[float, ...], bool]]:
    """As `survey_orders`, told as (order, values, fits); everything in the point's engineering units.

    Raises:
        SessionLost, ValueError: as there.
        TypeError: the settings are another protocol's.
    """
    if not isinstance(settings, ModbusSessionSettings):
        raise TypeError(f"{settings!r} are no settings of a Modbus session")
    expected = Expected(near, within, lowest, highest, point.scale, point.offset)
    found = await survey_orders(settings, point, expected, samples, settings.period_s)
    return [(one.order, one.values, one.fits) for one in found]
