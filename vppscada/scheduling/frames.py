"""Pickles with their length before them: what goes through the pipes between a station and its solver process."""

import pickle
import struct

_LENGTH = struct.Struct("!Q")
#: Bytes of the length.
LENGTH = _LENGTH.size


def frame(content: object) -> bytes:
    """One value, ready to write."""
    body = pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


def read_length(head: bytes) -> int:
    """Bytes of the pickle that follows."""
    length: int = _LENGTH.unpack(head)[0]
    return length
