"""From a channel to its ring: octets as packets that any dissector reads, addresses and sequence numbers among them.

The server's port is always 20000 in a trace, because that is where dissectors look for DNP3; the port
that it really has stands in the interface's description. TLS is recorded in clear. A serial line gets the
addresses of RFC 5737.
"""

import ipaddress
import time
from collections import Counter
from typing import Protocol

from protocols.dnp3.trace.packets import (
    ACK,
    DNP3_PORT,
    FIN,
    LARGEST_PAYLOAD,
    PUSH,
    SYN,
    Place,
    tcp_packet,
    udp_packet,
)
from protocols.dnp3.trace.pcapng import packet, section
from protocols.dnp3.trace.ring import Ring, TraceSettings

#: Stand-ins where an address is none of IPv4's (RFC 5737).
_US, _PEER = "192.0.2.1", "192.0.2.2"
_FIRST_FREE_PORT = 49152


class Tapped(Protocol):
    """What is recorded: a channel, by the names of both ends (``address:port``, or anything else)."""

    local: str
    peer: str
    tap: "Tap | None"
    statistics: Counter[str]


class Tap:
    """Takes every octet of one channel, and its end. Made by `record`."""

    def __init__(self, ring: Ring, us: Place, peer: Place, statistics: Counter[str], *, datagrams: bool) -> None:
        self._ring = ring
        self._ends = us, peer
        self._datagrams = datagrams
        self._statistics = statistics
        self._lost = ring.lost
        self._sequences = [0, 0]  # ours, the peer's

    def begin(self, comment: str, *, we_serve: bool) -> None:
        """The channel is open."""
        if self._datagrams:
            return
        asks = int(we_serve)
        self._send(asks, SYN, b"", comment)
        self._sequences[asks] += 1
        self._send(1 - asks, SYN | ACK, b"")
        self._sequences[1 - asks] += 1
        self._send(asks, ACK, b"")

    def sent(self, octets: bytes) -> None:
        """We sent these."""
        self._carry(0, octets)

    def received(self, octets: bytes) -> None:
        """These came."""
        self._carry(1, octets)

    def ended(self, reason: str) -> None:
        """The channel is closed."""
        if not self._datagrams:
            self._send(0, FIN | ACK, b"", reason)
            self._sequences[0] += 1
            self._send(1, FIN | ACK, b"")
            self._sequences[1] += 1

    def _carry(self, side: int, octets: bytes) -> None:
        for at in range(0, len(octets), LARGEST_PAYLOAD):
            piece = octets[at : at + LARGEST_PAYLOAD]
            self._send(side, PUSH | ACK, piece)
            self._sequences[side] += len(piece)
        if self._ring.lost != self._lost:
            self._statistics["trace_octets_lost"] += self._ring.lost - self._lost
            self._lost = self._ring.lost

    def _send(self, side: int, flags: int, octets: bytes, comment: str = "") -> None:
        source, destination = self._ends[side], self._ends[1 - side]
        if self._datagrams:
            made = udp_packet(source, destination, octets)
        else:
            made = tcp_packet(source, destination, self._sequences[side], self._sequences[1 - side], flags, octets)
        self._ring.put(packet(time.time_ns() // 1000, made, comment))


_RINGS: dict[tuple[TraceSettings, str], Ring] = {}


def record(
    channel: Tapped, settings: TraceSettings, name: str, medium: str, *, we_serve: bool, datagrams: bool = False
) -> None:
    """Record a channel from now on. Channels of one ``name`` share a ring, one after another or at once.

    ``medium`` describes it; ``we_serve``: the server's end of the medium is ours.
    """
    key = settings, name
    if key not in _RINGS:
        _RINGS[key] = Ring(settings, name, lambda: section("vppscada", name, medium))
    us, peer = _place(channel.local, _US), _place(channel.peer, _PEER)
    if we_serve:
        us = us._replace(port=DNP3_PORT)
    else:
        peer = peer._replace(port=DNP3_PORT)
    tap = Tap(_RINGS[key], us, peer, channel.statistics, datagrams=datagrams)
    tap.begin(f"{medium}, peer {channel.peer}", we_serve=we_serve)
    channel.tap = tap


def _place(text: str, instead: str) -> Place:
    """The address and port of ``address:port``; of anything else a stand-in."""
    address, _, port = text.rpartition(":")
    try:
        return Place(str(ipaddress.IPv4Address(address)), int(port) & 0xFFFF)
    except ValueError:
        return Place(instead, _FIRST_FREE_PORT)
