"""Reading captures piece by piece: pcap and pcapng, either byte order. Pure; what is broken is said, never raised."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from protocols.dnp3.trace.pcapng import BYTE_ORDER_MAGIC, ENHANCED_PACKET, INTERFACE, SECTION_HEADER

_SIMPLE_PACKET, _OLD_PACKET = 3, 2
#: A record that claims more is taken to be no record.
_LARGEST = 0x100000
_PIECE = 0x4000
_PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_PCAPNG = SECTION_HEADER.to_bytes(4, "big")


class Packet(NamedTuple):
    """One packet. ``time_ns`` is UTC nanoseconds, None where the capture gives none."""

    time_ns: int | None
    link_type: int
    octets: bytes


class Fault(NamedTuple):
    """What could not be read, and at which octet of the file."""

    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Interface:
    link_type: int
    snap: int
    ns_per_tick: float
    offset_s: int = 0


def is_capture(octets: bytes) -> bool:
    """True if these octets begin a capture."""
    return octets[:4] in _PCAP or octets[:4] == _PCAPNG


class CaptureReader:
    """Give it a capture's octets as they come; after a `Fault` nothing more is read."""

    def __init__(self) -> None:
        self._octets = b""
        self._offset = 0  # of the first of `_octets` in the file
        self._order = "<"
        self._ns = 0  # of a tick of a pcap file; 0 for pcapng
        self._link_type = -1
        self._interfaces: list[_Interface] = []
        self._begun = False
        self._broken = False

    def feed(self, octets: bytes) -> Iterator[Packet | Fault]:
        """The packets that these octets complete."""
        # in pieces, so that what is left is small whenever it moves up
        for at in range(0, len(octets), _PIECE):
            if self._broken:
                return
            self._octets += octets[at : at + _PIECE]
            yield from self._found()

    def _found(self) -> Iterator[Packet | Fault]:
        while not self._broken:
            try:
                found = self._next()
            except _Broken as broken:
                self._broken, self._octets = True, b""
                yield Fault(self._offset, str(broken))
                return
            if found is None:
                return
            if isinstance(found, Packet):
                yield found

    def finish(self) -> Iterator[Fault]:
        """No more octets come."""
        if self._octets and not self._broken:
            yield Fault(self._offset, f"the capture ends in the middle: {len(self._octets)} octets are left over")

    def _next(self) -> Packet | bool | None:
        """A packet; True if something else was read; None if octets are missing."""
        if not self._begun:
            return self._begin()
        return self._pcap_record() if self._ns else self._block()

    def _take(self, count: int) -> bytes:
        taken, self._octets = self._octets[:count], self._octets[count:]
        self._offset += count
        return taken

    def _begin(self) -> bool | None:
        if len(self._octets) < 4:
            return None
        magic = self._octets[:4]
        if magic == _PCAPNG:
            self._begun = True
            return True
        if magic not in _PCAP:
            raise _Broken("neither pcap nor pcapng")
        if len(self._octets) < 24:
            return None
        self._order, self._ns = _PCAP[magic]
        (network,) = struct.unpack_from(self._order + "I", self._take(24), 20)
        self._link_type = network & 0xFFFF
        self._begun = True
        return True

    def _pcap_record(self) -> Packet | None:
        if len(self._octets) < 16:
            return None
        seconds, part, size, _ = struct.unpack_from(self._order + "IIII", self._octets)
        if size > _LARGEST:
            raise _Broken(f"a packet of {size} octets")
        if len(self._octets) < 16 + size:
            return None
        octets = self._take(16 + size)[16:]
        return Packet(seconds * 1_000_000_000 + part * self._ns, self._link_type, octets)

    def _block(self) -> Packet | bool | None:
        if len(self._octets) < 12:
            return None
        if self._octets[:4] == _PCAPNG:
            order = {BYTE_ORDER_MAGIC.to_bytes(4, "little"): "<", BYTE_ORDER_MAGIC.to_bytes(4, "big"): ">"}
            if self._octets[8:12] not in order:
                raise _Broken("a section without a byte order")
            self._order = order[self._octets[8:12]]
            self._interfaces.clear()
        kind, size = struct.unpack_from(self._order + "II", self._octets)
        if size < 12 or size % 4 or size > _LARGEST:
            raise _Broken(f"a block of {size} octets")
        if len(self._octets) < size:
            return None
        body = self._octets[8 : size - 4]
        try:
            found = self._of_block(kind, body)
        except struct.error as error:
            raise _Broken(f"a block of type {kind} that is too short") from error
        self._take(size)
        return found or True

    def _of_block(self, kind: int, body: bytes) -> Packet | None:
        order = self._order
        if kind == INTERFACE:
            self._interfaces.append(_interface(order, body))
        elif kind == ENHANCED_PACKET:
            number, high, low, size, _ = struct.unpack_from(order + "IIIII", body)
            return self._packet(number, high << 32 | low, body[20 : 20 + size], size)
        elif kind == _OLD_PACKET:
            number, _, high, low, size, _ = struct.unpack_from(order + "HHIIII", body)
            return self._packet(number, high << 32 | low, body[20 : 20 + size], size)
        elif kind == _SIMPLE_PACKET:
            (size,) = struct.unpack_from(order + "I", body)
            snap = self._interfaces[0].snap if self._interfaces else 0
            size = min(size, snap) if snap else size
            return self._packet(0, None, body[4 : 4 + size], size)
        return None

    def _packet(self, number: int, ticks: int | None, octets: bytes, size: int) -> Packet:
        if number >= len(self._interfaces):
            raise _Broken(f"a packet of interface {number}, which is not described")
        if len(octets) < size:
            raise _Broken(f"a packet of {size} octets in a block of {len(octets)}")
        one = self._interfaces[number]
        time_ns = None if ticks is None else _nanoseconds(ticks, one)
        return Packet(time_ns, one.link_type, octets)


class _Broken(Exception):
    """The capture cannot be read any further."""


def _nanoseconds(ticks: int, one: _Interface) -> int:
    whole = int(one.ns_per_tick)
    scaled = ticks * whole if whole == one.ns_per_tick else round(ticks * one.ns_per_tick)
    return scaled + one.offset_s * 1_000_000_000


def _interface(order: str, body: bytes) -> _Interface:
    """An interface description: link type, snap length, and of its options resolution and offset of times."""
    link_type, _, snap = struct.unpack_from(order + "HHI", body)
    ns, offset_s, at = 1_000.0, 0, 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, at)
        value = body[at + 4 : at + 4 + size]
        if code == 0:
            break
        if code == 9 and value:
            ns = 1e9 * (2.0 ** -(value[0] & 0x7F) if value[0] & 0x80 else 10.0 ** -value[0])
            ns = round(ns) if ns >= 1 else ns
        if code == 14 and len(value) >= 8:
            (offset_s,) = struct.unpack_from(order + "q", value)
        at += 4 + size + -size % 4
    return _Interface(link_type, snap, ns, offset_s)
