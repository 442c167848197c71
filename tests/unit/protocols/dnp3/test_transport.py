"""The transport function: what goes in at one end comes out at the other, and nothing else does."""

from collections import Counter

import pytest

from protocols.dnp3.transport import FIN, FIR, SEGMENT_OCTETS, Reassembler, segments


def reassembler(max_fragment: int = 2048) -> tuple[Reassembler, Counter[str]]:
    statistics: Counter[str] = Counter()
    return Reassembler(statistics, max_fragment), statistics


@pytest.mark.parametrize("size", [1, 248, 249, 250, 498, 499, 2048])
@pytest.mark.parametrize("sequence", [0, 62, 63])
def test_a_fragment_survives_being_cut_and_put_together(size: int, sequence: int) -> None:
    fragment = bytes(n % 251 for n in range(size))
    taken, statistics = reassembler()
    cut = segments(fragment, sequence)
    assert [taken.push(s) for s in cut] == [None] * (len(cut) - 1) + [fragment]
    assert len(cut) == -(-size // SEGMENT_OCTETS)
    assert not statistics
    assert taken.held == 0


def test_the_sequence_counts_modulo_64() -> None:
    cut = segments(bytes(600), 63)
    assert [s[0] & 0x3F for s in cut] == [63, 0, 1]
    assert [s[0] & 0xC0 for s in cut] == [FIR, 0, FIN]


def test_a_first_segment_begins_anew() -> None:
    taken, statistics = reassembler()
    taken.push(segments(bytes(300), 5)[0])
    assert taken.push(segments(b"new", 9)[0]) == b"new"
    assert statistics["segments_discarded"] == 1


def test_a_gap_ends_the_fragment_and_its_rest_is_discarded() -> None:
    taken, statistics = reassembler()
    first, _, third = segments(bytes(600), 0)
    taken.push(first)
    assert taken.push(third) is None
    assert taken.push(third) is None
    assert statistics["segments_discarded"] == 3
    assert taken.held == 0


def test_a_segment_without_a_beginning_is_discarded() -> None:
    taken, statistics = reassembler()
    assert taken.push(bytes([FIN | 3]) + b"abc") is None
    assert statistics["segments_discarded"] == 1


def test_a_fragment_larger_than_allowed_is_dropped_and_holds_no_memory() -> None:
    taken, statistics = reassembler(max_fragment=300)
    for segment in segments(bytes(1000), 0):
        assert taken.push(segment) is None
    assert taken.held == 0
    assert statistics["oversized_fragments"] == 1
    assert taken.push(segments(b"next", 4)[0]) == b"next"


def test_an_empty_segment_is_nothing() -> None:
    taken, _ = reassembler()
    assert taken.push(b"") is None
