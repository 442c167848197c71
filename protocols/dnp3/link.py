"""Link layer of IEEE 1815 (clause 9) without I/O: frames, the search for them, and the rules of both stations."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from struct import Struct
from typing import NamedTuple

from fastcrc.crc16 import dnp as crc

from protocols.dnp3 import link_bursts

START = b"\x05\x64"
HEADER_OCTETS = 10
BLOCK_OCTETS = 16
MAX_USER_DATA = 250
#: Largest frame: header, 250 octets of user data and a CRC per block.
MAX_FRAME_OCTETS = HEADER_OCTETS + MAX_USER_DATA + 2 * 16
_HEADER = Struct("<BHH")  # control, destination, source
_START_AND_HEADER = Struct("<2sBBHH")
#: A CRC taken over data and its own CRC gives this constant, so a block is checked without cutting it first.
_RESIDUE = crc(b"\x00" + crc(b"\x00").to_bytes(2, "little"))
_SOUND = frozenset({_RESIDUE})


def _layout(length: int) -> tuple[Struct, Struct]:
    """Blocks of so much user data as they are received: each with its CRC, and each without."""
    sizes = [min(BLOCK_OCTETS, length - at) for at in range(0, length, BLOCK_OCTETS)]
    return Struct("".join(f"{n + 2}s" for n in sizes)), Struct("".join(f"{n}s2x" for n in sizes))


def _plan(length: int) -> tuple[Struct, Struct]:
    """So much user data to be sent: cut into blocks, and the frame of a header and each block with its CRC."""
    sizes = [min(BLOCK_OCTETS, length - at) for at in range(0, length, BLOCK_OCTETS)]
    return Struct("".join(f"{n}s" for n in sizes)), Struct(f"<{HEADER_OCTETS}s" + "".join(f"{n}sH" for n in sizes))


_LAYOUTS = [_layout(length) for length in range(MAX_USER_DATA + 1)]
_PLANS = [_plan(length) for length in range(MAX_USER_DATA + 1)]

DIR = 0x80
PRM = 0x40
FCB = 0x20
FCV = 0x10

#: Addresses 0xFFF0 and up are reserved (IEEE 1815, 9.2.4.1.3).
MAX_LINK_ADDRESS = 0xFFEF
#: Whoever has this destination is asked for its own address, if it knows of self-addresses.
SELF_ADDRESS = 0xFFFC
#: Destinations from here up are broadcasts: confirm not wanted, confirm wanted, confirm optional (in rising order).
BROADCAST_NO_CONFIRM = 0xFFFD
BROADCAST_CONFIRM = 0xFFFE
BROADCAST_OPTIONAL = 0xFFFF


class Primary(IntEnum):
    """Function codes of frames with PRM set."""

    RESET_LINK_STATES = 0
    TEST_LINK_STATES = 2
    CONFIRMED_USER_DATA = 3
    UNCONFIRMED_USER_DATA = 4
    REQUEST_LINK_STATUS = 9


class Secondary(IntEnum):
    """Function codes of frames without PRM."""

    ACK = 0
    NACK = 1
    LINK_STATUS = 11
    NOT_SUPPORTED = 15  # taken, never sent: procedure 6.6.2.2 of the conformance tests wants silence or NACK


#: Controls, less their count bits, that a broadcast may have; masters are seen to send both.
_BROADCASTABLE = frozenset({PRM | Primary.UNCONFIRMED_USER_DATA, PRM | Primary.CONFIRMED_USER_DATA})
_KNOWN = frozenset(Primary)
_SECONDARIES = frozenset(Secondary)
#: Codes whose frames must carry FCV; all the others must not (IEEE 1815, table 9-1).
_COUNTED = frozenset({Primary.TEST_LINK_STATES, Primary.CONFIRMED_USER_DATA})


class Frame(NamedTuple):
    """One frame whose CRCs held. ``data`` is the user data without CRCs."""

    control: int
    destination: int
    source: int
    data: bytes


class Addressed(NamedTuple):
    """A transport segment and the destination it was sent to (our address or a broadcast)."""

    data: bytes
    destination: int

    @property
    def is_broadcast(self) -> bool:
        """True for 0xFFFD to 0xFFFF."""
        return self.destination >= BROADCAST_NO_CONFIRM


def build_frame(control: int, destination: int, source: int, data: bytes = b"") -> bytes:
    """Octets of one frame.

    Raises:
        ValueError: more than 250 octets of user data.
    """
    if len(data) > MAX_USER_DATA:
        raise ValueError(f"{len(data)} octets of user data do not fit into a frame of {MAX_USER_DATA}")
    cut, frame = _PLANS[len(data)]
    header = _header(control, destination, source, len(data))
    if not data:
        return header
    blocks = cut.unpack(data)
    return frame.pack(header, *chain.from_iterable(zip(blocks, map(crc, blocks), strict=True)))


def _header(control: int, destination: int, source: int, length: int) -> bytes:
    """The first ten octets of a frame with so much user data."""
    header = _START_AND_HEADER.pack(START, length + 5, control, destination, source)
    return header + crc(header).to_bytes(2, "little")


class FrameParser:
    """Finds frames in a stream of octets. Holds at most one incomplete frame between calls."""

    def __init__(self, statistics: Counter[str]) -> None:
        self._statistics = statistics
        self._rest = b""

    @property
    def held(self) -> int:
        """Octets kept for the next call."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[Frame]:
        """Every frame that is complete with these octets; garbage and broken frames are counted and skipped."""
        octets = self._rest + data if self._rest else data
        frames: list[Frame] = []
        position = 0
        while True:
            start = octets.find(START, position)
            if start < 0:
                # a lone 0x05 at the end may be the first half of a start
                start = max(len(octets) - octets.endswith(START[:1]), position)
                self._skip(start - position)
                break
            self._skip(start - position)
            end = self._one(octets, start, frames)
            if end < 0:
                break
            position = end
        self._rest = octets[start:]
        return frames

    def _one(self, octets: bytes, start: int, frames: list[Frame]) -> int:
        """Where to look on after the frame that starts here; -1 where octets are missing."""
        body = start + HEADER_OCTETS
        if len(octets) < body:
            return -1
        length = octets[start + 2] - 5
        if length < 0 or crc(octets[start:body]) != _RESIDUE:
            self._statistics["link_header_errors"] += 1
            return self._skip(2) + start
        end = body + length + 2 * -(-length // BLOCK_OCTETS)
        if len(octets) < end:
            return -1
        if length == MAX_USER_DATA and octets[end : end + HEADER_OCTETS] == octets[start:body]:
            run = self._run(octets, start, frames)
            if run:
                return start + run
        data = _user_data(octets, body, length)
        if data is None:
            # the length cannot be trusted where octets were lost: look for a frame inside what seemed to be one
            self._statistics["link_body_errors"] += 1
            return self._skip(2) + start
        self._statistics["frames_received"] += 1
        control, destination, source = _HEADER.unpack_from(octets, start + 3)
        frames.append(Frame(control, destination, source, data))
        return end

    def _run(self, octets: bytes, start: int, frames: list[Frame]) -> int:
        """Octets of the full frames from here on that are taken together; 0 where one by one is as good."""
        if len(octets) - start < link_bursts.FEWEST * MAX_FRAME_OCTETS:
            return 0
        users = link_bursts.read_run(octets, start)
        control, destination, source = _HEADER.unpack_from(octets, start + 3)
        each = range(0, len(users), MAX_USER_DATA)
        found = [Frame(control, destination, source, users[at : at + MAX_USER_DATA]) for at in each]
        self._statistics["frames_received"] += len(found)
        frames += found
        return len(found) * MAX_FRAME_OCTETS

    def _skip(self, count: int) -> int:
        if count > 0:
            self._statistics["octets_skipped"] += count
        return count


def _user_data(octets: bytes, start: int, length: int) -> bytes | None:
    """The user data that begin here, ``length`` octets without CRCs, or None if a CRC fails."""
    with_crcs, without_crcs = _LAYOUTS[length]
    if not _SOUND.issuperset(map(crc, with_crcs.unpack_from(octets, start))):
        return None
    return b"".join(without_crcs.unpack_from(octets, start))


@dataclass(frozen=True, slots=True)
class LinkAddresses:
    """Who we are and whom we talk to. Addresses 0 to 65519. An outstation may listen to the self-address as well."""

    local: int
    remote: int
    is_master: bool
    self_address: bool = False


class LinkLayer:
    """One station of an association: takes octets, gives transport segments and the octets to answer at once.

    `send` is for unconfirmed user data (IEEE 1815 wants no link confirms on TCP); who sends confirmed data frames it
    with `primary_frame` and takes what the peer answers as ``on_answer`` (control octet, time). As a secondary
    station it answers everything a primary may ask.
    """

    def __init__(self, addresses: LinkAddresses, statistics: Counter[str]) -> None:
        self.addresses = addresses
        self._statistics = statistics
        self._parser = FrameParser(statistics)
        self._own_dir = DIR if addresses.is_master else 0
        self.on_answer: Callable[[int, float], bytes] | None = None
        self.heard = 0  # frames of the peer's for us
        self._expected_fcb: int | None = None  # None until the primary has reset the link

    @property
    def held(self) -> int:
        """Octets of an incomplete frame kept for the next call."""
        return self._parser.held

    def receive(self, data: bytes, now: float = 0.0) -> tuple[list[bytes], bytes]:
        """Segments sent to our own address, and octets to write back at once (may be empty)."""
        segments, reply = self.receive_addressed(data, now)
        return [s.data for s in segments if not s.is_broadcast], reply

    def receive_addressed(self, data: bytes, now: float = 0.0) -> tuple[list[Addressed], bytes]:
        """As `receive`, with broadcasts (which only an outstation takes) and the destination of each segment.

        ``now`` (monotonic seconds) is of use to `on_answer` only.
        """
        return self.take_frames(self._parser.feed(data), now)

    def take_frames(self, frames: list[Frame], now: float = 0.0) -> tuple[list[Addressed], bytes]:
        """As `receive_addressed`, for whoever has found the frames already (to share a channel by addresses)."""
        segments: list[Addressed] = []
        reply = b""
        for frame in frames:
            if self._is_for_us(frame):
                self.heard += 1
                reply += self._take(frame, segments, now)
        return segments, reply

    def send(self, segment: bytes) -> bytes:
        """The frame that carries one transport segment (1 to 250 octets) as unconfirmed user data."""
        return self.primary_frame(Primary.UNCONFIRMED_USER_DATA, segment)

    def send_all(self, segments: list[bytes]) -> bytes:
        """As `send`, the frames of all segments of a fragment; all but the last are full."""
        full = len(segments) - 1
        if full < link_bursts.FEWEST:
            return b"".join(map(self.send, segments))
        self._statistics["frames_sent"] += full
        control = self._own_dir | PRM | Primary.UNCONFIRMED_USER_DATA
        head = _header(control, self.addresses.remote, self.addresses.local, MAX_USER_DATA)
        return link_bursts.build_run(head, b"".join(segments[:full])) + self.send(segments[full])

    def request_link_status(self) -> bytes:
        """The frame that asks whether the peer is there (keep-alive); any frame of its is an answer."""
        return self.primary_frame(Primary.REQUEST_LINK_STATUS)

    def primary_frame(self, function: int, data: bytes = b"") -> bytes:
        """A frame to the peer's secondary station; ``function`` may carry FCB and FCV."""
        self._statistics["frames_sent"] += 1
        return build_frame(self._own_dir | PRM | function, self.addresses.remote, self.addresses.local, data)

    def _is_for_us(self, frame: Frame) -> bool:
        """Own frames come back on some converters, and several stations may share a channel: both are not for us."""
        if (frame.control & DIR) == self._own_dir:
            self._statistics["wrong_direction_frames"] += 1
            return False
        if frame.destination != self.addresses.local and not self._is_ours_too(frame):
            self._statistics["unknown_destination_frames"] += 1
            return False
        if frame.source != self.addresses.remote:
            self._statistics["unknown_source_frames"] += 1
            return False
        return True

    def _is_ours_too(self, frame: Frame) -> bool:
        """Broadcasts, and the self-address where that is enabled: both only reach outstations."""
        if self.addresses.is_master:
            return False
        if frame.destination == SELF_ADDRESS:
            return self.addresses.self_address
        return frame.destination >= BROADCAST_NO_CONFIRM and frame.control & (PRM | 0x0F) in _BROADCASTABLE

    def _take(self, frame: Frame, segments: list[Addressed], now: float) -> bytes:
        if not frame.control & PRM:
            return self._take_secondary(frame, now)
        function = frame.control & 0x0F
        if frame.destination >= BROADCAST_NO_CONFIRM:
            self._pass_up(frame, segments)
            return b""
        if function not in _KNOWN or bool(frame.control & FCV) != (function in _COUNTED):
            # procedure 6.6.2.5 of the conformance tests: data with the wrong FCV are not taken
            self._statistics["invalid_link_controls"] += 1
            return b""
        if function == Primary.UNCONFIRMED_USER_DATA:
            self._pass_up(frame, segments)
            return b""
        return self._answer(function, frame, segments)

    def _take_secondary(self, frame: Frame, now: float) -> bytes:
        known = frame.control & 0x0F in _SECONDARIES
        self._statistics["link_answers_received" if known else "invalid_link_controls"] += 1
        return self.on_answer(frame.control, now) if known and self.on_answer is not None else b""

    def _answer(self, function: int, frame: Frame, segments: list[Addressed]) -> bytes:
        """What a secondary station does on a primary's request (IEEE 1815, table 9-3)."""
        if function == Primary.REQUEST_LINK_STATUS:
            return self._reply(Secondary.LINK_STATUS)
        if function == Primary.RESET_LINK_STATES:
            self._expected_fcb = FCB
            return self._reply(Secondary.ACK)
        if self._expected_fcb is None:
            return self._reply(Secondary.NACK)
        fresh = frame.control & FCB == self._expected_fcb
        if fresh:
            self._expected_fcb ^= FCB
            if function == Primary.CONFIRMED_USER_DATA:
                self._pass_up(frame, segments)
        else:
            # our ACK was lost and the primary repeats itself: acknowledge again, do not act again
            self._statistics["repeated_link_frames"] += 1
        return self._reply(Secondary.ACK)

    def _pass_up(self, frame: Frame, segments: list[Addressed]) -> None:
        if frame.data:
            segments.append(Addressed(frame.data, frame.destination))
        else:
            self._statistics["empty_user_data_frames"] += 1

    def _reply(self, function: Secondary) -> bytes:
        self._statistics["frames_sent"] += 1
        return build_frame(self._own_dir | function, self.addresses.remote, self.addresses.local)
