"""Between the flag octet of a DNP3 object and the house's quality, by table lookup."""

import numpy as np
from numpy.typing import NDArray

from vppscada.model.points import PointKind
from vppscada.model.quality import Quality, QualityColumn

FlagColumn = NDArray[np.uint8]

STATE_BIT = 0x80  # binary state, and the high bit of a double-bit state
ONLINE_FLAG = 0x01
OVER_RANGE_FLAG = 0x20

_COMMON = {
    0x01: Quality.ONLINE,
    0x02: Quality.RESTART,
    0x04: Quality.COMM_LOST,
    0x08: Quality.REMOTE_FORCED,
    0x10: Quality.LOCAL_FORCED,
}
_ANALOG = _COMMON | {0x20: Quality.OVER_RANGE, 0x40: Quality.REFERENCE_ERR}
#: Meaning of each flag bit by kind (IEEE 1815, 11.6). Bit 5 of a counter (rollover) is obsolete and carries no fault.
_BITS: dict[PointKind, dict[int, Quality]] = {
    PointKind.BINARY_INPUT: _COMMON | {0x20: Quality.CHATTER_FILTER},
    PointKind.DOUBLE_BIT_INPUT: _COMMON | {0x20: Quality.CHATTER_FILTER},
    PointKind.BINARY_OUTPUT: _COMMON,
    PointKind.COUNTER: _COMMON | {0x40: Quality.DISCONTINUITY},
    PointKind.ANALOG_INPUT: _ANALOG,
    PointKind.ANALOG_OUTPUT: _ANALOG,
    PointKind.STRING: _COMMON,
}
_ALL_QUALITIES = 0x800


def _to_quality(bits: dict[int, Quality]) -> NDArray[np.uint16]:
    table = np.zeros(256, dtype=np.uint16)
    for flag, quality in bits.items():
        table[(np.arange(256) & flag) != 0] |= np.uint16(quality)
    return table


def _to_flags(bits: dict[int, Quality]) -> NDArray[np.uint8]:
    """STALE travels as COMM_LOST; a fault that the kind has no bit for takes ONLINE away."""
    qualities = np.arange(_ALL_QUALITIES)
    table = np.zeros(_ALL_QUALITIES, dtype=np.uint8)
    spoken = int(Quality.STALE)
    for flag, quality in bits.items():
        table[(qualities & int(quality)) != 0] |= np.uint8(flag)
        spoken |= int(quality)
    table[(qualities & int(Quality.STALE)) != 0] |= np.uint8(0x04)
    table[(qualities & ~spoken) != 0] &= np.uint8(0xFE)
    return table


_QUALITY_OF = {kind: _to_quality(bits) for kind, bits in _BITS.items()}
_FLAGS_OF = {kind: _to_flags(bits) for kind, bits in _BITS.items()}


def quality_of(flags: FlagColumn, kind: PointKind) -> QualityColumn:
    """Flag octets as received → quality. The state bits of binaries are ignored."""
    column: QualityColumn = _QUALITY_OF[kind][flags]
    return column


def flags_of(quality: QualityColumn, kind: PointKind) -> FlagColumn:
    """Quality → flag octets, without state bits."""
    column: FlagColumn = _FLAGS_OF[kind][quality & np.uint16(_ALL_QUALITIES - 1)]
    return column


def with_state(flags: FlagColumn, values: NDArray[np.float64], kind: PointKind) -> FlagColumn:
    """Put the state of binaries (value 0 or 1) and double-bits (0..3) into their flag octets."""
    if kind is PointKind.DOUBLE_BIT_INPUT:
        return (flags & np.uint8(0x3F)) | (_states(values, 3) << np.uint8(6))
    if kind in (PointKind.BINARY_INPUT, PointKind.BINARY_OUTPUT):
        return (flags & np.uint8(0x7F)) | (_states(values, 1) << np.uint8(7))
    return flags


def state_of(flags: FlagColumn, kind: PointKind) -> FlagColumn:
    """The state that travels in the flag octet: bit 7, or bits 6 and 7 of a double-bit."""
    shift = 6 if kind is PointKind.DOUBLE_BIT_INPUT else 7
    return flags >> np.uint8(shift)


def _states(values: NDArray[np.float64], largest: int) -> NDArray[np.uint8]:
    return np.clip(np.nan_to_num(values, nan=0.0), 0, largest).astype(np.uint8)
