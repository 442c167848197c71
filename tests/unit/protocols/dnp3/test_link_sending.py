"""Confirmed user data: reset first, count bits that toggle, repetitions, and every way in which a peer can refuse."""

import math
from collections import Counter

import pytest

from protocols.dnp3.link import FCB, FCV, PRM, FrameParser, LinkAddresses, LinkLayer, Primary, Secondary
from protocols.dnp3.link_sending import DFC, MAX_QUEUED, ConfirmedSending, LinkSettings, read_link
from protocols.dnp3.settings import SettingsReader

SETTINGS = LinkSettings("always", retries=2, timeout_s=1.0)
RESET = (int(Primary.RESET_LINK_STATES), b"")


class Station:
    """A primary station whose frames are read as (control less direction, user data)."""

    def __init__(self) -> None:
        self.statistics: Counter[str] = Counter()
        layer = LinkLayer(LinkAddresses(1, 10, is_master=True), self.statistics)
        self.sending = ConfirmedSending(SETTINGS, layer.primary_frame, self.statistics)

    def send(self, *segments: bytes, now: float = 0.0) -> list[tuple[int, bytes]]:
        return self._read(self.sending.send(list(segments), now))

    def answer(self, function: int, now: float = 0.0) -> list[tuple[int, bytes]]:
        return self._read(self.sending.answered(function, now))

    def tick(self, now: float) -> list[tuple[int, bytes]]:
        return self._read(self.sending.tick(now))

    def test(self, now: float = 0.0) -> list[tuple[int, bytes]]:
        return self._read(self.sending.test(now))

    def started(self) -> None:
        """The link is reset, and one segment with FCB set has been acknowledged."""
        self.send(b"first")
        self.answer(Secondary.ACK)
        self.answer(Secondary.ACK)

    @staticmethod
    def _read(octets: bytes) -> list[tuple[int, bytes]]:
        frames = FrameParser(Counter()).feed(octets)
        assert all(frame.control & PRM for frame in frames)
        return [(frame.control & 0x3F, frame.data) for frame in frames]


def data(octets: bytes, fcb: int) -> tuple[int, bytes]:
    return Primary.CONFIRMED_USER_DATA | FCV | fcb, octets


def test_the_link_is_reset_before_the_first_frame_and_the_count_bit_toggles() -> None:
    station = Station()
    assert station.send(b"a", b"b", b"c") == [RESET]
    assert station.answer(Secondary.ACK) == [data(b"a", FCB)]
    assert station.answer(Secondary.ACK) == [data(b"b", 0)]
    assert station.answer(Secondary.ACK) == [data(b"c", FCB)]
    assert station.answer(Secondary.ACK) == []
    assert station.sending.is_idle
    assert station.sending.deadline == math.inf
    assert station.send(b"d") == [data(b"d", 0)]


def test_what_is_sent_meanwhile_waits_its_turn() -> None:
    station = Station()
    station.send(b"a")
    assert station.send(b"b") == []
    assert station.answer(Secondary.ACK) == [data(b"a", FCB)]
    assert station.answer(Secondary.ACK) == [data(b"b", 0)]


def test_a_frame_without_answer_is_repeated_as_it_was() -> None:
    station = Station()
    station.started()
    assert station.send(b"a", now=5.0) == [data(b"a", 0)]
    assert station.tick(5.9) == []
    assert station.tick(6.0) == [data(b"a", 0)]
    assert station.sending.deadline == 7.0
    assert station.answer(Secondary.ACK, 6.5) == []
    assert station.statistics["link_frames_repeated"] == 1
    assert station.send(b"b", now=7.0) == [data(b"b", FCB)]


def test_a_silent_peer_costs_the_retries_then_all_that_was_queued_and_the_link_is_reset_anew() -> None:
    station = Station()
    station.started()
    station.send(b"a", b"b", now=0.0)
    assert [station.tick(now) for now in (1.0, 2.0)] == [[data(b"a", 0)]] * 2
    assert station.tick(3.0) == []
    assert station.sending.is_idle
    assert station.statistics["link_confirms_missed"] == 1
    assert station.send(b"c", now=4.0) == [RESET]


def test_a_peer_that_lost_its_link_state_is_reset_and_gets_the_same_data_again() -> None:
    station = Station()
    station.started()
    station.send(b"a")
    assert station.answer(Secondary.NACK) == [RESET]
    assert station.answer(Secondary.ACK) == [data(b"a", FCB)]


def test_a_peer_that_acknowledges_resets_and_nothing_else_does_not_keep_us_for_ever() -> None:
    station = Station()
    station.started()
    station.send(b"a")
    for _ in range(SETTINGS.retries):
        assert station.answer(Secondary.NACK) == [RESET]
        assert station.answer(Secondary.ACK) == [data(b"a", FCB)]
    assert station.answer(Secondary.NACK) == []
    assert station.sending.is_idle


@pytest.mark.parametrize("refusal", [Secondary.NACK, Secondary.NOT_SUPPORTED])
def test_a_refused_reset_ends_what_was_queued(refusal: Secondary) -> None:
    station = Station()
    station.send(b"a")
    assert station.answer(refusal) == []
    assert station.sending.is_idle
    assert station.statistics["link_confirms_missed"] == 1


def test_a_full_peer_is_asked_for_its_status_until_it_has_room() -> None:
    station = Station()
    station.started()
    station.send(b"a", b"b")
    assert station.answer(Secondary.ACK | DFC) == [(Primary.REQUEST_LINK_STATUS, b"")]
    assert station.answer(Secondary.LINK_STATUS | DFC) == []
    assert station.tick(1.0) == [(Primary.REQUEST_LINK_STATUS, b"")]
    assert station.answer(Secondary.LINK_STATUS) == [data(b"b", FCB)]


def test_answers_that_nobody_waits_for_change_nothing() -> None:
    station = Station()
    assert station.answer(Secondary.ACK) == []
    station.started()
    assert station.answer(Secondary.ACK) == []
    assert station.send(b"a") == [data(b"a", 0)]
    assert station.answer(Secondary.LINK_STATUS) == []
    assert not station.sending.is_idle


def test_a_keep_alive_tests_the_link_states_and_takes_part_in_the_count() -> None:
    station = Station()
    assert station.test() == [RESET]
    assert station.answer(Secondary.ACK) == []
    assert station.test() == [(Primary.TEST_LINK_STATES | FCV | FCB, b"")]
    assert station.test() == []
    assert station.answer(Secondary.ACK) == []
    assert station.send(b"a") == [data(b"a", 0)]


def test_the_queue_is_bounded() -> None:
    station = Station()
    station.send(*[b"x"] * MAX_QUEUED)
    assert station.send(b"y") == []
    assert station.statistics["link_segments_dropped"] == 1


def test_our_secondary_station_takes_what_our_primary_sends_once_each() -> None:
    station = Station()
    peer = LinkLayer(LinkAddresses(10, 1, is_master=False), Counter())
    taken: list[bytes] = []
    octets = station.sending.send([b"a", b"b", b"c"], 0.0)
    lose = True
    while octets:
        segments, reply = peer.receive(octets)
        taken += segments
        if segments and lose:
            lose = False
            octets = station.sending.tick(1.0)  # the acknowledgement was lost
            continue
        controls = [frame.control for frame in FrameParser(Counter()).feed(reply)]
        octets = b"".join(station.sending.answered(control, 0.0) for control in controls)
    assert taken == [b"a", b"b", b"c"]


def test_settings_are_read_and_faults_told() -> None:
    assert read_link(SettingsReader({})) == LinkSettings()
    read = SettingsReader({"link_confirm": "sometimes", "link_retries": -1, "link_timeout_s": 0})
    read_link(read)
    assert {fault.key for fault in read.faults} == {"link_confirm", "link_retries", "link_timeout_s"}
