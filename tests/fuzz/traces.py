"""Fuzz target: captures, octets and text of any content become lines and nothing is raised."""

import json

from protocols.dnp3.link import build_frame
from protocols.dnp3.trace import TraceDecoder
from protocols.dnp3.trace.packets import PUSH, Place, tcp_packet, udp_packet
from protocols.dnp3.trace.pcapng import packet, section
from tests.fuzz.script import Step, read_script

ENDS = Place("127.0.0.1", 49152), Place("127.0.0.1", 20000)


def trace(data: bytes) -> None:
    """As it stands, and as a script of packets: every line is a line, every JSON line is JSON."""
    _decode(data)
    steps = read_script(data)
    octets, sequence = section("fuzz", "line", ""), 1
    for step in steps:
        made, sequence = _packet(step, sequence)
        octets += made
    _decode(octets)


def _packet(step: Step, sequence: int) -> tuple[bytes, int]:
    side, kind = step.operation & 1, step.operation >> 1 & 7
    source, destination = ENDS[side], ENDS[1 - side]
    # whole frames as a rule; the transport header that makes one segment a fragment
    payload = build_frame(0xC4 if side == 0 else 0x44, 10, 1, (b"\xc0" + step.payload)[:250])
    match kind:
        case 0:
            return packet(step.operation, udp_packet(source, destination, payload)), sequence
        case 1:
            payload = step.payload
        case 2:
            return packet(step.operation, step.payload), sequence
        case 3:
            return step.payload, sequence
        case 4:
            payload = payload[: len(payload) // 2]
        case 5:
            sequence += step.operation
    made = packet(step.operation, tcp_packet(source, destination, sequence, 0, PUSH, payload))
    return made, sequence + len(payload)


def _decode(octets: bytes) -> None:
    said: list[list[str]] = []
    for as_json, size in ((True, len(octets) or 1), (False, 100)):
        decoder = TraceDecoder(as_json=as_json)
        lines = [line for at in range(0, len(octets), size) for line in decoder.feed(octets[at : at + size])]
        said.append([*lines, *decoder.finish()])
    for line in said[0]:
        json.loads(line)
    assert all(line.isprintable() for line in said[1])
    assert bool(said[0]) == bool(said[1])
