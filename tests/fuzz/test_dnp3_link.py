"""Any octets at all: the link layer and the transport function raise nothing, hold little, and find the next frame."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.dnp3.link import MAX_FRAME_OCTETS, FrameParser, LinkAddresses, LinkLayer, build_frame
from protocols.dnp3.transport import Reassembler, segments

#: Pieces that look like frames more often than chance would have it.
PIECES = st.one_of(
    st.binary(max_size=300),
    st.just(b"\x05\x64"),
    st.builds(
        build_frame,
        st.integers(0, 255),
        st.integers(0, 65535),
        st.integers(0, 65535),
        st.binary(max_size=250),
    ),
)
FRAME = build_frame(0xC4, 1024, 1, bytes(range(100)))


@given(st.lists(PIECES, max_size=20))
def test_any_octets_leave_less_than_a_frame_behind(pieces: list[bytes]) -> None:
    parser = FrameParser(Counter())
    for piece in pieces:
        parser.feed(piece)
        assert parser.held < MAX_FRAME_OCTETS


@given(st.lists(PIECES, max_size=10), st.integers(1, 64))
def test_the_cuts_of_a_stream_do_not_change_what_is_found(pieces: list[bytes], size: int) -> None:
    stream = b"".join(pieces)
    whole, cut = FrameParser(Counter()), FrameParser(Counter())
    found = [frame for at in range(0, len(stream), size) for frame in cut.feed(stream[at : at + size])]
    assert found == whole.feed(stream)
    assert cut.held == whole.held


@given(st.binary(max_size=600))
def test_after_any_garbage_frames_are_found_again(garbage: bytes) -> None:
    parser = FrameParser(Counter())
    parser.feed(garbage)
    # garbage may pretend to begin a frame, which swallows less than two of ours
    found = parser.feed(FRAME * 4)
    assert [build_frame(*frame) for frame in found[-2:]] == [FRAME, FRAME]


@given(st.data())
def test_a_frame_with_flipped_bits_is_never_taken_for_another(data: st.DataObject) -> None:
    damaged = bytearray(FRAME)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(FRAME) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    for frame in FrameParser(Counter()).feed(bytes(damaged)):
        assert build_frame(*frame) == FRAME, "only flips that undid each other leave a frame"


@given(st.lists(PIECES, max_size=20), st.booleans())
@settings(max_examples=200)
def test_a_link_answers_anything_with_valid_frames_only(pieces: list[bytes], is_master: bool) -> None:
    link = LinkLayer(LinkAddresses(1024, 1, is_master), Counter())
    for piece in pieces:
        _, reply = link.receive_addressed(piece)
        statistics: Counter[str] = Counter()
        answers = FrameParser(statistics)
        assert all(frame.destination == 1 for frame in answers.feed(reply))
        assert set(statistics) <= {"frames_received"}
        assert answers.held == 0


@given(st.lists(st.binary(max_size=250), max_size=50), st.integers(1, 4096))
def test_any_segments_hold_no_more_than_a_fragment(pieces: list[bytes], max_fragment: int) -> None:
    reassembler = Reassembler(Counter(), max_fragment)
    for piece in pieces:
        fragment = reassembler.push(piece)
        assert reassembler.held <= max_fragment
        assert fragment is None or len(fragment) <= max_fragment


@given(st.binary(min_size=1, max_size=4096), st.integers(0, 63))
def test_any_fragment_survives_segmentation(fragment: bytes, sequence: int) -> None:
    reassembler = Reassembler(Counter(), 4096)
    results = [reassembler.push(segment) for segment in segments(fragment, sequence)]
    assert [r for r in results if r is not None] == [fragment]
