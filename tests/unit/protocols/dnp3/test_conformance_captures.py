"""Conformance runs of another outstation, replayed: every frame parses, and ours answers octet for octet the same."""

from collections import Counter
from dataclasses import replace

import pytest

from protocols.dnp3.link import FrameParser
from protocols.dnp3.transport import Reassembler
from tests.unit.protocols.dnp3.captures import FOLDER, Conversation, conversations
from tests.unit.protocols.dnp3.outstation.wire import QUIET, Wire, point
from vppscada.model.points import PointKind

PROCEDURES = sorted(path.stem for path in FOLDER.glob("*.pcap"))
#: As the outstation of the runs was: no unsolicited responses, and it wants to be told the time.
SETTINGS = replace(QUIET, trust_local_clock=False, need_time_s=0)
#: A fragment, or the control octet of a frame without data.
Said = list[bytes | int]


def said_by(octets: bytes) -> Said:
    parser, reassembler = FrameParser(Counter()), Reassembler(Counter())
    said: Said = []
    for frame in parser.feed(octets):
        fragment = reassembler.push(frame.data) if frame.data else None
        if fragment is not None or not frame.data:
            said.append(frame.control if fragment is None else fragment)
    return said


def outstation() -> Wire:
    """The outputs of the runs' outstation, and no inputs: what the replayed reads get is told by events only."""
    outputs = [point(PointKind.BINARY_OUTPUT, n, writable=True) for n in range(20)]
    analogs = [point(PointKind.ANALOG_OUTPUT, n, data_type="int16", writable=True) for n in range(20)]
    return Wire(outputs + analogs, SETTINGS)


def replay(conversation: Conversation, wire: Wire) -> tuple[Said, Said]:
    ours, theirs = b"", b""
    for from_master, octets in conversation:
        if from_master:
            ours += wire.octets(octets)
        else:
            theirs += octets
    return said_by(ours), said_by(theirs)


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_every_octet_of_a_conformance_run_belongs_to_a_valid_frame(procedure: str) -> None:
    for conversation in conversations(procedure):
        for side in (True, False):
            statistics: Counter[str] = Counter()
            parser = FrameParser(statistics)
            frames = [f for who, octets in conversation if who is side for f in parser.feed(octets)]
            assert set(statistics) <= {"frames_received"}
            assert parser.held == 0
            assert all(f.control >> 7 == side for f in frames)
            if frames:
                reassembler = Reassembler(statistics)
                assert any(reassembler.push(f.data) for f in frames if f.data) or not any(f.data for f in frames)


def test_the_captures_are_there() -> None:
    assert len(PROCEDURES) >= 6


@pytest.mark.parametrize(
    ("procedure", "meaning"),
    [
        ("6.3.2", "link status, with and without FCB"),
        ("8.2.1.2.2", "select and operate"),
        ("8.2.1.2.8", "operate with another control code than selected"),
        ("8.2.1.2.13", "operate repeated with the same sequence number: answered again"),
        ("8.2.1.2.15", "operate with a gap in the sequence, then a late one"),
        ("8.6.1.2", "clear restart"),
        ("8.6.5.4", "broadcasts that want to be confirmed, and that do not"),
    ],
)
def test_we_answer_as_the_conformant_outstation_did(procedure: str, meaning: str) -> None:
    for conversation in conversations(procedure):
        ours, theirs = replay(conversation, outstation())
        assert ours == theirs, meaning


def test_a_repeated_operate_moves_the_output_once() -> None:
    wire = outstation()
    [conversation] = conversations("8.2.1.2.13")
    replay(conversation, wire)
    assert [what for what, _ in wire.asked] == ["select", "operate"]
