"""IP packets around octets: built for a trace, and taken apart again. Pure."""

import array
import ipaddress
import struct
import sys
from typing import NamedTuple

DNP3_PORT = 20000
TCP, UDP = 6, 17
FIN, SYN, RST, PUSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
#: Octets of one packet's payload: an IPv4 packet tells its length in 16 bits.
LARGEST_PAYLOAD = 0xFFFF - 40
_WINDOW = 0xFFFF
_TTL = 64


class Place(NamedTuple):
    """An IP address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        """``address:port``, an IPv6 address in brackets."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Segment(NamedTuple):
    """What a packet carried. ``sequence`` and ``flags`` are TCP's; 0 with UDP."""

    source: Place
    destination: Place
    protocol: int
    sequence: int
    flags: int
    payload: bytes


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    words = array.array("H", octets + b"\0" * (len(octets) % 2))
    if sys.byteorder == "little":
        words.byteswap()
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp_packet(source: Place, destination: Place, sequence: int, answer: int, flags: int, payload: bytes) -> bytes:
    """An IPv4 packet with a TCP segment; ``payload`` is at most `LARGEST_PAYLOAD` octets."""
    header = struct.pack(
        ">HHIIBBHHH", source.port, destination.port, sequence & 0xFFFFFFFF, answer & 0xFFFFFFFF, 5 << 4, flags, _WINDOW,
        0, 0,
    )  # fmt: skip
    return _ipv4(source, destination, TCP, header, payload, checksum_at=16)


def udp_packet(source: Place, destination: Place, payload: bytes) -> bytes:
    """An IPv4 packet with a UDP datagram; ``payload`` is at most `LARGEST_PAYLOAD` octets."""
    header = struct.pack(">HHHH", source.port, destination.port, 8 + len(payload), 0)
    return _ipv4(source, destination, UDP, header, payload, checksum_at=6)


def _ipv4(source: Place, destination: Place, protocol: int, header: bytes, payload: bytes, checksum_at: int) -> bytes:
    addresses = ipaddress.IPv4Address(source.address).packed + ipaddress.IPv4Address(destination.address).packed
    size = len(header) + len(payload)
    pseudo = addresses + struct.pack(">HH", protocol, size)
    total = checksum(pseudo + header + payload) or 0xFFFF
    header = header[:checksum_at] + total.to_bytes(2, "big") + header[checksum_at + 2 :]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0x4000, _TTL, protocol, 0) + addresses
    return ip[:10] + checksum(ip).to_bytes(2, "big") + ip[12:] + header + payload


#: Octets before the IP header by link type: loopback, Ethernet, raw, Linux cooked (both), loopback of OpenBSD.
_BEFORE_IP = {0: 4, 1: 14, 12: 0, 14: 0, 101: 0, 108: 4, 113: 16, 228: 0, 229: 0, 276: 20}
_VLAN = (b"\x81\x00", b"\x88\xa8")
_ETHERNET, _COOKED_2 = 1, 276
_IPV4, _IPV6 = b"\x08\x00", b"\x86\xdd"


class NoSegment(Exception):
    """A packet that carries no TCP or UDP that can be read; the message says why."""


def segment_of(link_type: int, octets: bytes) -> Segment | None:
    """The segment in a captured packet; None if it carries something else (ARP, ICMP, …).

    Raises:
        NoSegment: the packet is cut short, or its link type is not known.
    """
    at = _BEFORE_IP.get(link_type)
    if at is None:
        raise NoSegment(f"link type {link_type} is not known")
    if link_type == _ETHERNET:
        while octets[at - 2 : at] in _VLAN:
            at += 4
        if octets[at - 2 : at] not in (_IPV4, _IPV6):
            return None
    if link_type == _COOKED_2 and octets[:2] not in (_IPV4, _IPV6):
        return None
    try:
        return _ip(octets, at)
    except (struct.error, IndexError, ipaddress.AddressValueError):
        raise NoSegment(f"a packet cut short after {len(octets)} octets") from None


def _ip(octets: bytes, at: int) -> Segment | None:
    version = octets[at] >> 4
    if version == 4:
        start = at + (octets[at] & 15) * 4
        size, _, fragment, _, protocol = struct.unpack_from(">HHHBB", octets, at + 2)
        if fragment & 0x3FFF:
            raise NoSegment("an IP fragment")
        source, destination = (str(ipaddress.IPv4Address(octets[at + n : at + n + 4])) for n in (12, 16))
        # sent by a card that cuts for the system, a packet may tell 0
        end = at + size if size else len(octets)
    elif version == 6:
        size, protocol = struct.unpack_from(">HB", octets, at + 4)
        start, end = at + 40, at + 40 + size
        source, destination = (str(ipaddress.IPv6Address(octets[at + n : at + n + 16])) for n in (8, 24))
    else:
        return None
    if end > len(octets):
        raise NoSegment(f"a packet of {end - at} octets cut short after {len(octets) - at}")
    return _transport(octets[start:end], protocol, source, destination)


def _transport(octets: bytes, protocol: int, source: str, destination: str) -> Segment | None:
    if protocol == TCP:
        from_port, to_port, sequence, _, offset, flags = struct.unpack_from(">HHIIBB", octets)
        payload = octets[(offset >> 4) * 4 :]
    elif protocol == UDP:
        from_port, to_port = struct.unpack_from(">HH", octets)
        sequence, flags, payload = 0, 0, octets[8:]
    else:
        return None
    return Segment(Place(source, from_port), Place(destination, to_port), protocol, sequence, flags, payload)
