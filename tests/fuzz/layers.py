"""Fuzz targets of link layer, transport function and application layer: an AssertionError where a rule breaks."""

from collections import Counter

from protocols.dnp3.application import FragmentError, parse_request, parse_response
from protocols.dnp3.link import MAX_FRAME_OCTETS, FrameParser, LinkAddresses, LinkLayer
from protocols.dnp3.objects import ObjectError, ObjectHeader, read_commands
from protocols.dnp3.transport import MAX_FRAGMENT, Reassembler
from tests.fuzz.reference import Fragments, Frames, command_objects, frame
from tests.fuzz.script import read_script


def link(data: bytes) -> None:
    """Any octets in any pieces: the frames that a second reading finds, valid answers, less than a frame held."""
    ours, theirs = FrameParser(Counter()), Frames()
    stations = [LinkLayer(LinkAddresses(1024, 1, is_master), Counter()) for is_master in (False, True)]
    for operation, payload in read_script(data):
        octets = frame(operation, 1024, 1, payload[:250]) if operation & 1 else payload
        if operation & 2 and len(payload) > 4:
            # a frame of any addresses, CRCs right
            destination, source = (int.from_bytes(payload[n : n + 2], "little") for n in (0, 2))
            octets = frame(operation, destination, source, payload[4:250])
        assert [tuple(got) for got in ours.feed(octets)] == [tuple(got) for got in theirs.take(octets)]
        assert ours.held < MAX_FRAME_OCTETS
        for station in stations:
            _, reply = station.receive_addressed(octets)
            answers = Frames()
            assert b"".join(frame(*answer) for answer in answers.take(reply)) == reply
            assert not answers.rest


def transport(data: bytes) -> None:
    """Any segments: the fragments that a second reading finds, and no more held than a fragment."""
    ours, theirs = Reassembler(Counter()), Fragments()
    for operation, payload in read_script(data):
        # the operation is the header, so that sequences are found; some payloads are long
        segment = bytes((operation,)) + payload * (1 + operation % 3)
        assert ours.push(segment) == theirs.take(segment)
        assert ours.held <= MAX_FRAGMENT


def application(data: bytes) -> None:
    """Any fragment: a request or response with columns of one length, or one of the two errors that are declared."""
    for parse in (parse_request, parse_response):
        try:
            fragment = parse(data)
        except FragmentError:
            continue
        try:
            headers = fragment.headers()
        except ObjectError as error:
            headers = error.parsed
            assert error.fault
            if data[1] in (3, 4, 5, 6):
                assert command_objects(data[2:]) is None
        else:
            if data[1] in (3, 4, 5, 6):
                _commands_agree(headers, data)
        for header in headers:
            _columns(header)


def _columns(header: ObjectHeader) -> None:
    assert 0 <= header.count <= 0x10000
    if header.records is None and header.states is None and header.prefixes is None:
        return
    lengths = {len(header.indexes()), len(header.values()) or header.count, len(header.flags()), len(header.times_ms())}
    assert lengths == {header.count}, lengths
    texts = header.texts()
    assert not texts or len(texts) == header.count


def _commands_agree(headers: tuple[ObjectHeader, ...], data: bytes) -> None:
    """What a second reading calls commands, ours reads with the same indexes."""
    expected = command_objects(data[2:])
    if expected is None:
        return
    found = [index for header in headers for index, _ in read_commands(header)]
    assert found == [one.at for one in expected]
