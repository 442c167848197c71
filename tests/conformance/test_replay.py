"""The recorded runs of another outstation, played to ours: the same answers octet for octet, but for what is listed."""

from collections import Counter

import pytest

from protocols.dnp3.link import DIR, FrameParser
from tests.conformance.replay import DIFFERENCES, Player, differences, recorded
from tests.conformance.runs import Answered, Sent, captured, run
from tests.unit.protocols.dnp3.captures import conversations

#: Runs in which the tester sends broken frames on purpose.
_BROKEN = ("6.6.2.1", "6.6.2.4")


@pytest.mark.parametrize("procedure", captured())
def test_we_answer_as_the_outstation_of_the_run_did(procedure: str) -> None:
    player = Player(procedure)
    ours = player.play()
    assert player.unmet == []
    expected = DIFFERENCES.get(procedure)
    assert differences(ours, recorded(procedure)) == (expected.places if expected else [])


@pytest.mark.parametrize("procedure", captured())
def test_log_and_capture_of_a_run_tell_the_same(procedure: str) -> None:
    said = [piece for conversation in conversations(procedure) for piece in conversation]
    for from_tester, kind in ((True, Sent), (False, Answered)):
        in_capture = b"".join(octets for sender, octets in said if sender is from_tester)
        in_log = b"".join(entry.what.octets for entry in run(procedure) if isinstance(entry.what, kind))
        unread = kind is Answered and not in_log  # procedure 8.2.5 does not wait for the answers
        assert in_log == in_capture or unread


@pytest.mark.parametrize("procedure", captured())
def test_every_octet_of_a_run_belongs_to_a_valid_frame(procedure: str) -> None:
    for conversation in conversations(procedure):
        for from_tester in (True, False):
            if from_tester and procedure in _BROKEN:
                continue
            statistics: Counter[str] = Counter()
            parser = FrameParser(statistics)
            frames = [f for sender, octets in conversation if sender is from_tester for f in parser.feed(octets)]
            assert set(statistics) <= {"frames_received"}
            assert parser.held == 0
            assert from_tester or not any(frame.control & DIR for frame in frames)
