"""Runs of full frames say and check the same as frames built and read one by one."""

from collections import Counter

import numpy as np
import pytest

from protocols.dnp3.link import MAX_FRAME_OCTETS, Frame, FrameParser, LinkAddresses, LinkLayer, build_frame
from protocols.dnp3.link_bursts import FEWEST, build_run, read_run

DATA = 250
COUNT = 2 * FEWEST
CONTROL, DESTINATION, SOURCE = 0x44, 1, 10


def user_data(count: int = COUNT) -> list[bytes]:
    octets = np.random.default_rng(7).integers(0, 256, count * DATA, dtype=np.uint8).tobytes()
    return [octets[at : at + DATA] for at in range(0, len(octets), DATA)]


def frames(users: list[bytes]) -> list[bytes]:
    return [build_frame(CONTROL, DESTINATION, SOURCE, data) for data in users]


def one_by_one(octets: bytes) -> tuple[list[Frame], Counter[str]]:
    """Read an octet at a time: no run is ever seen."""
    statistics: Counter[str] = Counter()
    parser = FrameParser(statistics)
    return [frame for octet in octets for frame in parser.feed(bytes((octet,)))], statistics


def at_once(octets: bytes) -> tuple[list[Frame], Counter[str]]:
    statistics: Counter[str] = Counter()
    return FrameParser(statistics).feed(octets), statistics


def test_a_run_is_built_as_its_frames_are() -> None:
    users = user_data()
    assert build_run(frames(users)[0][:10], b"".join(users)) == b"".join(frames(users))


def test_a_run_is_read_as_its_frames_are() -> None:
    users = user_data()
    assert read_run(b"".join(frames(users)) + b"\x05", 0) == b"".join(users)


@pytest.mark.parametrize("place", [0, 3, 10, 26, 27, 28, 280, 289, 290, 291])
@pytest.mark.parametrize("which", [0, 1, FEWEST, COUNT - 1])
def test_any_wrong_octet_ends_a_run_where_reading_one_by_one_ends_it(which: int, place: int) -> None:
    octets = bytearray(b"".join(frames(user_data())))
    octets[which * MAX_FRAME_OCTETS + place] ^= 0x10
    broken = bytes(octets) + build_frame(CONTROL, DESTINATION, SOURCE, b"\xc0\xc0\x01")
    found, statistics = at_once(broken)
    expected, expected_statistics = one_by_one(broken)
    assert found == expected
    assert len(found) == COUNT
    assert statistics == expected_statistics


def test_a_run_ends_where_the_header_changes() -> None:
    users = user_data()
    other = [build_frame(CONTROL, DESTINATION, SOURCE + 1, data) for data in users]
    octets = b"".join(frames(users) + other)
    found, statistics = at_once(octets)
    assert [frame.source for frame in found] == [SOURCE] * COUNT + [SOURCE + 1] * COUNT
    assert (found, statistics) == one_by_one(octets)


def test_a_run_may_break_off_in_a_frame() -> None:
    octets = b"".join(frames(user_data()))
    for length in (MAX_FRAME_OCTETS * FEWEST + 5, MAX_FRAME_OCTETS * FEWEST - 1):
        parser = FrameParser(Counter())
        assert parser.feed(octets[:length]) + parser.feed(octets[length:]) == one_by_one(octets)[0]


@pytest.mark.parametrize("count", [1, FEWEST - 1, FEWEST, FEWEST + 1, COUNT])
def test_a_link_layer_sends_all_segments_as_it_sends_each(count: int) -> None:
    segments = [*user_data(count), b"\x80last"]
    one, other = Counter[str](), Counter[str]()
    addresses = LinkAddresses(SOURCE, DESTINATION, is_master=False)
    each, together = LinkLayer(addresses, one), LinkLayer(addresses, other)
    assert together.send_all(segments) == b"".join(map(each.send, segments))
    assert one == other
