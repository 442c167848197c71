"""Runs of full link frames, as large fragments are cut into, built and checked all at once. Pure.

A CRC is linear but for a constant: that of a block is the XOR of one table entry for each of its words. NumPy looks
all words of all frames up at once; frame by frame the same costs three to six times as much.
"""

import numpy as np
from fastcrc.crc16 import dnp as crc
from numpy.typing import NDArray

HEADER = 10
DATA = 250  # octets of user data of a full frame
FRAME = 292
#: Fewer full frames than these are quicker one by one: the tables (1.2 MB) are not in the caches then.
FEWEST = 16
_BLOCKS, _BLOCK = 15, 16  # full blocks of a full frame; the last one has 10 octets
_BLOCKS_END = HEADER + _BLOCKS * (_BLOCK + 2)
_LAST = DATA - _BLOCKS * _BLOCK
_WORDS = 9  # of a block with its CRC

Octets = NDArray[np.uint8]
Words = NDArray[np.uint16]


def _tables() -> Words:
    """By place before the end of a block with its CRC (8 = last) and word: what the word adds to the CRC."""
    zero = crc(bytes(2 * _WORDS))
    octets = np.array(
        [
            [crc(bytes(at) + bytes((octet,)) + bytes(2 * _WORDS - 1 - at)) ^ zero for octet in range(256)]
            for at in range(2 * _WORDS)
        ],
        dtype=np.uint16,
    )
    low, high = octets[0::2, np.newaxis, :], octets[1::2, :, np.newaxis]
    return np.ascontiguousarray((low ^ high).reshape(_WORDS << 16))


_TABLES = _tables()
_OFFSETS = np.arange(_WORDS, dtype=np.intp) << 16


def _crcs(blocks: Octets) -> Words:
    """CRC of each row, 2 to 18 octets and even."""
    words = np.ascontiguousarray(blocks).view("<u2")
    count = words.shape[-1]
    found: Words = np.bitwise_xor.reduce(_TABLES.take(words + _OFFSETS[_WORDS - count :]), axis=-1)
    return found ^ np.uint16(crc(bytes(2 * count)))


#: CRC of any block with its CRC.
_RESIDUE = crc(b"\0" + crc(b"\0").to_bytes(2, "little"))


def build_run(header: bytes, data: bytes) -> bytes:
    """Full frames of one ``header`` (with its CRC); ``data`` is a multiple of 250 octets."""
    users = np.frombuffer(data, dtype=np.uint8).reshape(-1, DATA)
    count = len(users)
    frames = np.empty((count, FRAME), dtype=np.uint8)
    frames[:, :HEADER] = np.frombuffer(header, dtype=np.uint8)
    blocks = users[:, : _BLOCKS * _BLOCK].reshape(count, _BLOCKS, _BLOCK)
    body = frames[:, HEADER:_BLOCKS_END].reshape(count, _BLOCKS, _BLOCK + 2)
    body[:, :, :_BLOCK] = blocks
    body[:, :, _BLOCK:] = _as_octets(_crcs(blocks))
    frames[:, HEADER:_BLOCKS_END] = body.reshape(count, _BLOCKS * (_BLOCK + 2))
    last = users[:, -_LAST:]
    frames[:, _BLOCKS_END : _BLOCKS_END + _LAST] = last
    frames[:, -2:] = _as_octets(_crcs(last))
    return frames.tobytes()


def read_run(octets: bytes, start: int) -> bytes:
    """User data of the full frames that follow each other from ``start`` on with one header, up to a fault.

    The header of the first one must have been checked. Empty if that frame is no full one, or broken.
    """
    count = (len(octets) - start) // FRAME
    frames = np.frombuffer(octets, dtype=np.uint8, count=count * FRAME, offset=start).reshape(count, FRAME)
    count = _leading((frames[:, :HEADER] == frames[0, :HEADER]).all(axis=1))
    frames = frames[:count]
    blocks = frames[:, HEADER:_BLOCKS_END].reshape(count, _BLOCKS, _BLOCK + 2)
    last = frames[:, _BLOCKS_END:]
    holds = (_crcs(blocks) == _RESIDUE).all(axis=1) & (_crcs(last) == _RESIDUE)
    count = _leading(holds)
    users = np.empty((count, DATA), dtype=np.uint8)
    users[:, :-_LAST] = blocks[:count, :, :_BLOCK].reshape(count, _BLOCKS * _BLOCK)
    users[:, -_LAST:] = last[:count, :_LAST]
    return users.tobytes()


def _leading(true: NDArray[np.bool_]) -> int:
    """How many are true before the first that is not."""
    return len(true) if true.all() else int(true.argmin())


def _as_octets(crcs: Words) -> Octets:
    return crcs.astype("<u2")[..., np.newaxis].view(np.uint8)
