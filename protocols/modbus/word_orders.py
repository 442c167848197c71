"""Which orders of words and bytes make sense of registers, given what the value should be. Pure.

Vendors' lists seldom say it right: at commissioning one reads the registers a few times, knows about what the value is,
and asks which orders give that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from protocols.modbus.codec import Buffers, decode
from protocols.modbus.config import ModbusAddress, Table, WordOrder
from protocols.modbus.layout import layout_of
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality

#: Sizes that a measured value has, as a rule; floats in a wrong order are mostly far outside.
_LEAST, _MOST = 1e-6, 1e12


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a value, in the units of ``scale`` and ``offset``: near a value, or between limits, or nothing.

    ``within`` is the difference that counts as near.
    """

    near: float | None = None
    within: float = 0.0
    lowest: float = -math.inf
    highest: float = math.inf
    scale: float = 1.0
    offset: float = 0.0

    def fits(self, value: float) -> bool:
        """True if it could be the value."""
        if not math.isfinite(value):
            return False
        if self.near is not None and abs(value - self.near) > self.within:
            return False
        return self.lowest <= value <= self.highest


@dataclass(frozen=True, slots=True)
class OrderFound:
    """What an order makes of the samples: values in the units of the expectation (NaN: none), and whether they fit."""

    order: WordOrder
    values: tuple[float, ...]
    fits: bool


def orders_of(address: ModbusAddress) -> tuple[WordOrder, ...]:
    """The orders that differ for a type: of one register there are two."""
    return tuple(WordOrder) if address.registers > 1 else (WordOrder.BIG, WordOrder.BIG_SWAPPED)


def judge_orders(
    address: ModbusAddress, samples: Sequence[Sequence[int]], expected: Expected
) -> tuple[OrderFound, ...]:
    """What each order makes of registers that were read one or more times; those that fit first, the steadiest first.

    An order fits if every sample does. Without a near value or limits it fits if every sample has a size that
    measured values have: that excludes little where the type is an integer.

    Raises:
        ValueError: no samples, a sample of another length than the type has, or a type that is no number.
    """
    if not samples or any(len(sample) != address.registers for sample in samples):
        raise ValueError(f"expected samples of {address.registers} registers each")
    if address.table.is_bits or address.data_type.is_string:
        raise ValueError(f"a {address.data_type.name} has no order that could be judged")
    found = []
    for order in orders_of(address):
        values = tuple(_value(address, order, sample, expected) for sample in samples)
        found.append(OrderFound(order, values, all(_fits(value, expected) for value in values)))
    return tuple(sorted(found, key=lambda one: (not one.fits, _unrest(one.values))))


def _fits(value: float, expected: Expected) -> bool:
    if expected.near is None and math.isinf(expected.lowest) and math.isinf(expected.highest):
        return value == 0 or _LEAST <= abs(value) <= _MOST
    return expected.fits(value)


def _value(address: ModbusAddress, order: WordOrder, sample: Sequence[int], expected: Expected) -> float:
    here = replace(address, table=Table.HOLDING_REGISTER, register=0, word_order=order, scale_factor="", bit=None)
    buffers = Buffers.empty(address.registers, 0)
    buffers.register_faults[:] = 0
    buffers.registers[:] = sample
    point = Point("a.sample", PointKind.ANALOG_INPUT, address=replace(here, states=()))
    with np.errstate(invalid="ignore"):  # a wrong order makes signalling NaNs
        reading = decode(layout_of([point], np.zeros(1, dtype=np.intp)), buffers)
    if reading.quality[0] != Quality.ONLINE:
        return math.nan
    return float(reading.value[0]) * expected.scale + expected.offset


def _unrest(values: Sequence[float]) -> float:
    """How much the samples differ, by their size: a wrong order makes noise of small changes."""
    if not all(math.isfinite(value) for value in values):
        return math.inf
    size = max(abs(value) for value in values)
    return (max(values) - min(values)) / size if size else 0.0
