"""Octets of both directions of every conversation in a capture, in order. Pure.

Segments are taken in the order of the capture: what TCP sent again is left out, what a capture missed is said.
"""

from collections import OrderedDict
from typing import NamedTuple

from protocols.dnp3.trace.packets import DNP3_PORT, FIN, RST, SYN, TCP, Place, Segment

#: Directions kept in mind at once; the one silent for the longest is forgotten first.
MOST_STREAMS = 4096
_HALF = 0x80000000


class Piece(NamedTuple):
    """Octets of one direction. ``missing``: so many octets before them are not in the capture (-1: unknown)."""

    source: Place
    destination: Place
    octets: bytes
    missing: int = 0
    fresh: bool = False  # the stream begins here: nothing before it belongs to it


class Streams:
    """Puts segments in order, direction by direction."""

    def __init__(self) -> None:
        self._next: OrderedDict[tuple[Place, Place], int] = OrderedDict()

    def take(self, segment: Segment) -> Piece | None:
        """What a segment adds to its direction; None if nothing."""
        if segment.protocol != TCP:
            return Piece(segment.source, segment.destination, segment.payload, fresh=True) if segment.payload else None
        key = (segment.source, segment.destination)
        if segment.flags & SYN:
            self._expect(key, segment.sequence + 1)
            return Piece(*key, segment.payload, fresh=True) if segment.payload else None
        if segment.flags & RST:
            self._next.pop(key, None)
            return None
        piece = self._piece(key, segment)
        if segment.flags & FIN:
            self._next.pop(key, None)
        return piece

    def _piece(self, key: tuple[Place, Place], segment: Segment) -> Piece | None:
        if not segment.payload:
            return None
        expected = self._next.get(key)
        ahead = 0 if expected is None else (segment.sequence - expected) & 0xFFFFFFFF
        octets = segment.payload
        if ahead >= _HALF:
            octets = octets[0x100000000 - ahead :]
            ahead = 0
            if not octets:
                return None
        self._expect(key, segment.sequence + len(segment.payload))
        return Piece(*key, octets, missing=ahead, fresh=expected is None)

    def _expect(self, key: tuple[Place, Place], sequence: int) -> None:
        self._next[key] = sequence & 0xFFFFFFFF
        self._next.move_to_end(key)
        if len(self._next) > MOST_STREAMS:
            self._next.popitem(last=False)


def may_be_dnp3(segment: Segment) -> bool:
    """True if one of the ports is DNP3's or the payload begins like a link frame."""
    return DNP3_PORT in (segment.source.port, segment.destination.port) or segment.payload[:2] == b"\x05\x64"
