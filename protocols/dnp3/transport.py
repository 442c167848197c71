"""Transport function of IEEE 1815 (clause 8): fragments into segments and back, without I/O."""

from collections import Counter

FIN = 0x80
FIR = 0x40
SEQUENCE_MASK = 0x3F
#: Octets of a fragment in one segment; with the transport header a full frame's user data.
SEGMENT_OCTETS = 249
#: Largest fragment that everybody must be able to take (IEEE 1815, 4.4.4).
MAX_FRAGMENT = 2048


def segments(fragment: bytes, sequence: int) -> list[bytes]:
    """Cut one fragment; the first segment carries ``sequence`` (modulo 64), the following ones count on."""
    last = max(len(fragment) - 1, 0) // SEGMENT_OCTETS
    return [
        b"%c%s"
        % (
            (FIR if n == 0 else 0) | (FIN if n == last else 0) | ((sequence + n) & SEQUENCE_MASK),
            fragment[n * SEGMENT_OCTETS : (n + 1) * SEGMENT_OCTETS],
        )
        for n in range(last + 1)
    ]


class Reassembler:
    """Puts fragments together again. Holds at most ``max_fragment`` octets."""

    def __init__(self, statistics: Counter[str], max_fragment: int = MAX_FRAGMENT) -> None:
        self._statistics = statistics
        self._max_fragment = max_fragment
        self._parts: list[bytes] = []
        self._held = 0
        self._expected: int | None = None  # None while no fragment is under way

    @property
    def held(self) -> int:
        """Octets of the fragment under way."""
        return self._held

    def push(self, segment: bytes) -> bytes | None:
        """Take one segment with its header; the fragment that it completes, or None.

        FIR begins anew whatever was under way; a segment out of sequence ends what was under way
        (IEEE 1815, 8.2.1). Both are counted as ``segments_discarded``.
        """
        if not segment:
            return None
        header = segment[0]
        if header & FIR:
            self._discard()
        elif header & SEQUENCE_MASK != self._expected:
            self._discard()
            self._statistics["segments_discarded"] += 1
            return None
        if header & FIR and header & FIN:
            return segment[1:] if self._fits(segment) else None
        return self._add(segment, header)

    def reset(self) -> None:
        """Forget the fragment under way (the connection is new)."""
        self._discard()

    def _add(self, segment: bytes, header: int) -> bytes | None:
        if not self._fits(segment):
            self._discard()
            return None
        self._parts.append(segment[1:])
        self._held += len(segment) - 1
        self._expected = (header + 1) & SEQUENCE_MASK
        if not header & FIN:
            return None
        fragment = b"".join(self._parts)
        self._clear()
        return fragment

    def _fits(self, segment: bytes) -> bool:
        if self._held + len(segment) - 1 <= self._max_fragment:
            return True
        self._statistics["oversized_fragments"] += 1
        return False

    def _discard(self) -> None:
        if self._parts:
            self._statistics["segments_discarded"] += len(self._parts)
            self._clear()
        self._expected = None

    def _clear(self) -> None:
        self._parts.clear()
        self._held = 0
        self._expected = None
