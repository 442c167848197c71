"""Recorded conformance runs, bent: frames dropped, doubled, swapped, changed with their CRC repaired, or broken.

Each is replayed against an outstation and a master; what must hold is what holds for the fuzz targets.
"""

import random
from zlib import crc32

import pytest

from tests.fuzz import master as masters
from tests.fuzz.outstation import Station
from tests.fuzz.reference import Frame, Frames, frame
from tests.unit.protocols.dnp3.captures import FOLDER, Conversation, conversations
from vppscada.model.commands import CommandStatus

PROCEDURES = sorted(path.stem for path in FOLDER.glob("*.pcap"))
REPLAYS = 30
#: What is done to one frame in so many.
MOST_LEFT_ALONE = 8


def frames_of(conversation: Conversation, *, of_master: bool) -> list[Frame]:
    """The frames of one side."""
    frames = Frames()
    return [one for who, octets in conversation if who is of_master for one in frames.take(octets)]


def bent(frames: list[Frame], chance: random.Random) -> list[bytes]:
    """The octets of the frames, some of them dropped, doubled, swapped, changed or broken."""
    sent: list[bytes] = []
    for one in frames:
        octets = frame(*one)
        match chance.randrange(MOST_LEFT_ALONE):
            case 0:
                continue
            case 1:
                sent.append(octets)
            case 2 if sent:
                octets = sent.pop(chance.randrange(len(sent)))
            case 3:
                octets = frame(*changed(one, chance))
            case 4:
                at = chance.randrange(len(octets))
                octets = octets[:at] + bytes((octets[at] ^ 1 << chance.randrange(8),)) + octets[at + 1 :]
            case 5:
                octets = octets[: chance.randrange(len(octets))]
        sent.append(octets)
    return sent


def changed(one: Frame, chance: random.Random) -> Frame:
    """A frame with one octet of its data, or its control octet, changed."""
    if not one.data or chance.random() < 0.2:
        return one._replace(control=one.control ^ 1 << chance.randrange(8))
    at = chance.randrange(len(one.data))
    return one._replace(data=one.data[:at] + bytes((chance.randrange(256),)) + one.data[at + 1 :])


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_an_outstation_under_bent_recordings_executes_only_what_was_commanded(procedure: str) -> None:
    for seed in range(REPLAYS):
        chance = random.Random(crc32(procedure.encode()) + seed)
        station = Station()
        for conversation in conversations(procedure):
            station.reconnect()
            for octets in bent(frames_of(conversation, of_master=True), chance):
                station.status = chance.choice((CommandStatus.SUCCESS, CommandStatus.SUCCESS, None))
                station.octets(octets)
                if chance.random() < 0.3:
                    station.finish(CommandStatus.SUCCESS)
                if chance.random() < 0.2:
                    station.tick(chance.choice((0.1, 3.0, 11.0)))
                    station.update({chance.randrange(35): chance.random()})


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_master_under_bent_recordings_sends_no_command_twice_and_holds_its_bounds(procedure: str) -> None:
    for seed in range(REPLAYS):
        chance = random.Random(crc32(procedure.encode()) - seed)
        session = masters.Session()
        for conversation in conversations(procedure):
            for octets in bent(frames_of(conversation, of_master=False), chance):
                _hear(session, octets, chance)
                if chance.random() < 0.2:
                    session.operate(analog=chance.random() < 0.5, select=chance.random() < 0.5, seconds=5.0)
                if chance.random() < 0.2:
                    session.tick(chance.choice((0.1, 3.0, 11.0)))
        session.end()


def _hear(session: masters.Session, octets: bytes, chance: random.Random) -> None:
    """A frame as it was, or its fragment with the sequence number that the master waits for."""
    found = Frames().take(octets)
    if not found:
        session.octets(octets)
        return
    for one in found:
        fragment = one.data[1:]
        if len(fragment) >= 4 and fragment[1] == 0x81 and chance.random() < 0.7:
            session.answer(
                fragment[4:], fragment[2:4], final=bool(fragment[0] & 0x40), confirm=bool(fragment[0] & 0x20)
            )
        else:
            session.octets(frame(one.control, masters.MASTER, masters.OUTSTATION, one.data))


def test_bending_keeps_most_and_repairs_checksums() -> None:
    frames = [Frame(0xC4, 10, 1, bytes((n,)) * 20) for n in range(200)]
    sent = bent(frames, random.Random(1))
    found = Frames().take(b"".join(sent))
    assert len(found) > 100
    assert any(one not in frames for one in found)
    assert [one for one in found if one in frames] != frames
