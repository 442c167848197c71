"""Where link frames begin and end in octets of ours, for media that must not cut them. Pure."""

from fastcrc.crc16 import dnp as crc

from protocols.dnp3.link import BLOCK_OCTETS, HEADER_OCTETS, START


def begins_a_frame(data: bytes) -> bool:
    """True if a header whose CRC holds stands first."""
    if len(data) < HEADER_OCTETS or not data.startswith(START):
        return False
    return crc(data[:8]) == int.from_bytes(data[8:HEADER_OCTETS], "little")


def frame_octets(length: int) -> int:
    """Octets of a whole frame with this length octet (5..255)."""
    user_data = length - 5
    return HEADER_OCTETS + user_data + 2 * -(-user_data // BLOCK_OCTETS)


def in_whole_frames(data: bytes, limit: int) -> list[bytes]:
    """Cut whole frames into pieces of whole frames of at most ``limit`` octets each (``limit`` ≥ 292).

    Octets that are no frame of ours stay together as they are.
    """
    if len(data) <= limit:
        return [data]
    pieces: list[bytes] = []
    start = at = 0
    while at < len(data):
        whole = data.startswith(START, at) and len(data) >= at + HEADER_OCTETS
        end = min(at + frame_octets(data[at + 2]), len(data)) if whole else len(data)
        if end - start > limit and at > start:
            pieces.append(data[start:at])
            start = at
        at = end
    pieces.append(data[start:])
    return pieces
