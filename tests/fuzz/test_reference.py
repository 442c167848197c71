"""The second reading of IEEE 1815 reads what others recorded, and commands nothing that nobody commanded."""

from itertools import pairwise

import pytest

from protocols.dnp3.link import build_frame
from tests.fuzz.reference import Commanded, Fragments, Frames, NotCommanded, command_objects, frame
from tests.fuzz.script import mutate, read_script, write_script
from tests.unit.protocols.dnp3.captures import FOLDER, conversations

#: Select and operate of a latch at index 0, as fragments.
OBJECT = bytes.fromhex("0C01170100030100000000000000 0000")
BODY = (3, 1, 0, 0)


def test_it_makes_the_frames_that_others_make() -> None:
    recorded = "05 64 0B C4 00 04 01 00 CA 8A C0 C0 01 3C 02 06 54 E0"
    assert frame(0xC4, 1024, 1, bytes.fromhex("C0 C0 01 3C 02 06")) == bytes.fromhex(recorded)
    for control, data in ((0xC4, bytes(range(200))), (0x44, b""), (0xF3, b"x" * 16)):
        assert frame(control, 1024, 1, data) == build_frame(control, 1024, 1, data)


@pytest.mark.parametrize("procedure", ["8.2.1.2.2", "8.6.5.4", "7.2"])
def test_it_reads_recorded_frames(procedure: str) -> None:
    assert (FOLDER / f"{procedure}.pcap").exists()
    for conversation in conversations(procedure):
        for side in (True, False):
            octets = b"".join(data for who, data in conversation if who is side)
            frames = Frames()
            assert b"".join(frame(*one) for one in frames.take(octets)) == octets
            assert not frames.rest


def test_segments_out_of_order_make_no_fragment() -> None:
    fragments = Fragments(4)
    assert fragments.take(b"\xc5ab") == b"ab"
    assert fragments.take(b"\x40ab") is None
    assert fragments.take(b"\x82cd") is None
    assert fragments.take(b"\x83cd") is None
    assert [fragments.take(one) for one in (b"\x40ab", b"\x81cd")] == [None, b"abcd"]
    assert [fragments.take(one) for one in (b"\x40ab", b"\x81cde")] == [None, None]


def test_commands_are_read_only_where_every_octet_belongs_to_one() -> None:
    assert command_objects(OBJECT) == [(12, 0, BODY)]
    assert command_objects(OBJECT + OBJECT) == [(12, 0, BODY)] * 2
    for broken in (b"", OBJECT[:-1], OBJECT + b"\0", b"\x0c\x02" + OBJECT[2:], OBJECT[:2] + b"\x07" + OBJECT[3:]):
        assert command_objects(broken) is None


def _hear(commanded: Commanded, fragments: list[bytes], now: float = 100.0) -> None:
    for fragment in fragments:
        commanded.hear(frame(0xC4, 10, 1, b"\xc0" + fragment), now)


def test_an_operate_needs_its_select_with_success() -> None:
    commanded = Commanded(10, 1, 10.0)
    _hear(commanded, [b"\xc0\x03" + OBJECT, b"\xc1\x04" + OBJECT])
    with pytest.raises(NotCommanded):
        commanded.ask(False, 12, 0, BODY, 100.0)
    select = commanded.ask(True, 12, 0, BODY, 100.0)
    commanded.answer(select, False, 100.0)
    with pytest.raises(NotCommanded):
        commanded.ask(False, 12, 0, BODY, 100.0)
    commanded.answer(select, True, 100.0)
    commanded.ask(False, 12, 0, BODY, 100.0)
    with pytest.raises(NotCommanded):
        commanded.ask(False, 12, 0, BODY, 100.0)


@pytest.mark.parametrize(
    "fragments",
    [
        [b"\xc1\x04" + OBJECT],
        [b"\xc0\x03" + OBJECT, b"\xc2\x04" + OBJECT],
        [b"\xc0\x03" + OBJECT, b"\xc0\x17", b"\xc1\x04" + OBJECT],
        [b"\xc0\x03" + OBJECT, b"\xc1\x04" + OBJECT[:6] + b"\x04" + OBJECT[7:]],
        [b"\xc0\x01" + OBJECT],
    ],
)
def test_what_breaks_a_rule_commands_nothing(fragments: list[bytes]) -> None:
    commanded = Commanded(10, 1, 10.0)
    for fragment, following in pairwise([*fragments, b""]):
        _hear(commanded, [fragment])
        if fragment[1] == 3:
            commanded.answer(commanded.ask(True, 12, 0, BODY, 100.0), True, 100.0)
        if not following:
            with pytest.raises(NotCommanded):
                commanded.ask(False, 12, 0, BODY, 100.0)


def test_a_direct_operate_that_is_repeated_commands_once() -> None:
    commanded = Commanded(10, 1, 10.0)
    _hear(commanded, [b"\xc0\x05" + OBJECT] * 2)
    commanded.ask(False, 12, 0, BODY, 100.0)
    with pytest.raises(NotCommanded):
        commanded.ask(False, 12, 0, BODY, 100.0)


def test_a_late_operate_and_another_connections_select_command_nothing() -> None:
    commanded = Commanded(10, 1, 10.0)
    _hear(commanded, [b"\xc0\x03" + OBJECT])
    commanded.answer(commanded.ask(True, 12, 0, BODY, 100.0), True, 100.0)
    _hear(commanded, [b"\xc1\x04" + OBJECT], now=110.1)
    with pytest.raises(NotCommanded):
        commanded.ask(False, 12, 0, BODY, 110.1)
    commanded.connected()
    _hear(commanded, [b"\xc1\x04" + OBJECT])
    with pytest.raises(NotCommanded):
        commanded.ask(False, 12, 0, BODY, 100.0)


def test_mutations_leave_scripts() -> None:
    script = write_script([(n, bytes(n)) for n in range(10)])
    assert write_script(read_script(script)) == script
    for seed in range(200):
        bent = mutate(script, 300, seed, lambda octets, most: octets[::-1][:most])
        assert len(bent) <= 300
        assert len(read_script(bent)) <= 60
