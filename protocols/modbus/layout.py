"""Where the values of many points lie in a buffer, as index columns: made once, used at every scan or update.

Words are gathered least significant first, so that a group of values is one view of NumPy's little-endian types
whatever order the device has.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocols.modbus.config import ModbusAddress
from protocols.modbus.data_types import DataType
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality, QualityColumn

Index = NDArray[np.intp]
Words = NDArray[np.uint16]

_BINARY = (PointKind.BINARY_INPUT, PointKind.BINARY_OUTPUT, PointKind.DOUBLE_BIT_INPUT)


@dataclass(frozen=True, slots=True, eq=False)
class NumberGroup:
    """Analog values of one type and order of bytes. ``where`` counts points, ``words`` (n × width) the buffer."""

    type: DataType
    swapped: bool
    where: Index
    words: Index
    sentinel: NDArray[np.bool_]
    has_sentinels: bool
    online: QualityColumn  # of all of them, not to be written to


@dataclass(frozen=True, slots=True, eq=False)
class FlagGroup:
    """Binary values in registers of one width: a bit, a pair of bits, any bit at all, or one of some states."""

    width: int
    swapped: bool
    where: Index
    words: Index
    shift: NDArray[np.uint32]
    mask: NDArray[np.uint32]
    whole: NDArray[np.bool_]  # 1 = not zero
    by_state: NDArray[np.bool_]
    states: NDArray[np.int64]  # n × most, -1 where there is none
    sentinel: NDArray[np.int64]  # -1 where there is none


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Points in the order given, in columns."""

    n: int
    first: Index  # where each point begins in its buffer
    last: Index  # and where it ends, included
    in_bits: NDArray[np.bool_]  # which buffer
    bits: Index  # points in tables of bits
    numbers: tuple[NumberGroup, ...]
    flags: tuple[FlagGroup, ...]
    strings: tuple[tuple[int, slice, bool], ...]  # the last: are its bytes swapped
    scaled: Index  # points that have a scale factor …
    scale_factor: Index  # … and the points that hold it
    is_plain: bool  # nothing but numbers of one type, without scale factors


def address_of(point: Point) -> ModbusAddress:
    """The point's address as ours.

    Raises:
        TypeError: it is another protocol's.
    """
    if not isinstance(point.address, ModbusAddress):
        raise TypeError(f"{point.id} has no Modbus address")
    return point.address


def layout_of(points: Sequence[Point], positions: Index) -> Layout:
    """Columns of points whose values begin at ``positions`` of their buffers.

    Raises:
        ValueError: a scale factor names a point that is not there.
    """
    addresses = [address_of(point) for point in points]
    numbers: dict[tuple[DataType, bool], list[int]] = defaultdict(list)
    flags: dict[tuple[int, bool], list[int]] = defaultdict(list)
    strings: list[tuple[int, slice, bool]] = []
    for i, (point, address) in enumerate(zip(points, addresses, strict=True)):
        if address.table.is_bits:
            continue
        swapped = address.word_order.is_swapped
        if address.data_type.is_string:
            strings.append((i, slice(int(positions[i]), int(positions[i]) + address.registers), swapped))
        elif point.kind in _BINARY:
            flags[address.registers, swapped].append(i)
        else:
            numbers[address.data_type, swapped].append(i)
    in_bits = np.array([address.table.is_bits for address in addresses], dtype=np.bool_)
    scaled, scale_factor = _scale_factors(points, addresses)
    return Layout(
        n=len(points),
        first=positions,
        last=positions + np.array([address.registers - 1 for address in addresses], dtype=np.intp),
        in_bits=in_bits,
        bits=np.flatnonzero(in_bits),
        numbers=tuple(_number_group(*key, where, addresses, positions) for key, where in numbers.items()),
        flags=tuple(_flag_group(*key, where, points, positions) for key, where in flags.items()),
        strings=tuple(strings),
        scaled=scaled,
        scale_factor=scale_factor,
        is_plain=len(numbers) == 1 and sum(map(len, numbers.values())) == len(points) and not len(scaled),
    )


def _words(address: ModbusAddress, first: int) -> list[int]:
    ascending = list(range(first, first + address.registers))
    return ascending if address.word_order.is_little else ascending[::-1]


def _number_group(
    kind: DataType, swapped: bool, where: Sequence[int], addresses: Sequence[ModbusAddress], positions: Index
) -> NumberGroup:
    online = np.full(len(where), Quality.ONLINE, dtype=np.uint16)
    online.flags.writeable = False
    return NumberGroup(
        kind,
        swapped,
        np.array(where, dtype=np.intp),
        np.array([_words(addresses[i], int(positions[i])) for i in where], dtype=np.intp),
        np.array([addresses[i].sentinel for i in where], dtype=np.bool_),
        any(addresses[i].sentinel for i in where),
        online,
    )


def _flag_group(
    width: int, swapped: bool, where: Sequence[int], points: Sequence[Point], positions: Index
) -> FlagGroup:
    addresses = [address_of(points[i]) for i in where]
    most = max(len(a.states) for a in addresses)
    everything = (1 << 16 * width) - 1
    pair = [points[i].kind is PointKind.DOUBLE_BIT_INPUT for i in where]
    masks = [everything if a.bit is None else 3 if p else 1 for a, p in zip(addresses, pair, strict=True)]
    return FlagGroup(
        width,
        swapped,
        np.array(where, dtype=np.intp),
        np.array([_words(a, int(positions[i])) for a, i in zip(addresses, where, strict=True)], dtype=np.intp),
        shift=np.array([a.bit or 0 for a in addresses], dtype=np.uint32),
        mask=np.array(masks, dtype=np.uint32),
        whole=np.array([a.bit is None and not a.states for a in addresses], dtype=np.bool_),
        by_state=np.array([bool(a.states) for a in addresses], dtype=np.bool_),
        states=np.array([[*a.states, *[-1] * (most - len(a.states))] for a in addresses], dtype=np.int64),
        sentinel=np.array([_sentinel_bits(a) if a.sentinel else -1 for a in addresses], dtype=np.int64),
    )


def _sentinel_bits(address: ModbusAddress) -> int:
    return (address.data_type.sentinel or 0) & ((1 << 16 * address.registers) - 1)


def _scale_factors(points: Sequence[Point], addresses: Sequence[ModbusAddress]) -> tuple[Index, Index]:
    named = {point.id: i for i, point in enumerate(points)}
    scaled: list[int] = []
    holders: list[int] = []
    for i, address in enumerate(addresses):
        if address.scale_factor:
            holder = f"{points[i].asset}.{address.scale_factor}"
            if holder not in named:
                raise ValueError(f"{points[i].id}: there is no point {holder} to hold its scale factor")
            scaled.append(i)
            holders.append(named[holder])
    return np.array(scaled, dtype=np.intp), np.array(holders, dtype=np.intp)
