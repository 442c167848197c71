"""A second, small reading of IEEE 1815 that shares no code with ours: what octets on a wire command, and nothing more.

It errs towards refusing: what it does not allow, an outstation must not ask its handler for.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


def _shifted(octet: int) -> int:
    for _ in range(8):
        octet = (octet >> 1) ^ 0xA6BC if octet & 1 else octet >> 1
    return octet


_TABLE = [_shifted(octet) for octet in range(256)]


def checksum(data: bytes) -> bytes:
    """The two CRC octets of a block."""
    value = 0
    for octet in data:
        value = (value >> 8) ^ _TABLE[(value ^ octet) & 0xFF]
    return struct.pack("<H", ~value & 0xFFFF)


class Frame(NamedTuple):
    """A link frame whose CRCs hold."""

    control: int
    destination: int
    source: int
    data: bytes


def frame(control: int, destination: int, source: int, data: bytes = b"") -> bytes:
    """The octets of a frame; ``data`` is at most 250 octets."""
    head = struct.pack("<BBBBHH", 5, 0x64, 5 + len(data), control, destination, source)
    blocks = [data[at : at + 16] for at in range(0, len(data), 16)]
    return b"".join(block + checksum(block) for block in [head, *blocks])


class Frames:
    """Frames of a stream, one call per arrival."""

    def __init__(self) -> None:
        self.rest = b""

    def take(self, data: bytes) -> list[Frame]:
        """The frames that these octets complete."""
        stream, found = self.rest + data, []
        while len(stream) >= 10:
            if stream[:2] != b"\x05\x64":
                stream = stream[1:]
                continue
            length = stream[2]
            if length < 5 or stream[8:10] != checksum(stream[:8]):
                stream = stream[2:]
                continue
            blocks = _blocks(stream, length - 5)
            if blocks is None:
                break
            if any(checksum(block[:-2]) != block[-2:] for block in blocks):
                stream = stream[2:]
                continue
            _, _, _, control, destination, source = struct.unpack_from("<BBBBHH", stream)
            found.append(Frame(control, destination, source, b"".join(block[:-2] for block in blocks)))
            stream = stream[10 + sum(map(len, blocks)) :]
        self.rest = stream
        return found


def _blocks(stream: bytes, length: int) -> list[bytes] | None:
    """The blocks, CRCs included, of a frame with so much user data; None while octets are missing."""
    blocks, at = [], 10
    while length > 0:
        size = min(length, 16) + 2
        blocks.append(stream[at : at + size])
        at, length = at + size, length - 16
    return blocks if len(stream) >= at else None


class Fragments:
    """Transport function: segments to fragments."""

    def __init__(self, most: int = 2048) -> None:
        self._most = most
        self._octets: bytes | None = None
        self._next = 0

    def take(self, segment: bytes) -> bytes | None:
        """The fragment that this segment completes."""
        first, final, number = segment[0] & 0x40, segment[0] & 0x80, segment[0] & 0x3F
        before = b"" if first else self._octets
        self._octets = None
        if before is None or (not first and number != self._next):
            return None
        whole = before + segment[1:]
        if len(whole) > self._most:
            return None
        if final:
            return whole
        self._octets, self._next = whole, (number + 1) % 64
        return None


#: What a command says: group, index, and its fields as numbers.
Body = tuple[int | float, ...]


class Object(NamedTuple):
    """One command object; ``at`` is its point's index."""

    group: int
    at: int
    body: Body


def command_objects(octets: bytes) -> list[Object] | None:
    """The commands of a control request's objects; None unless every octet belongs to one (g12v1, g41)."""
    found: list[Object] = []
    at = 0
    while at < len(octets):
        layout = {(12, 1): "<BBIIB", (41, 1): "<iB", (41, 2): "<hB", (41, 3): "<fB", (41, 4): "<dB"}.get(
            (octets[at], octets[at + 1]) if at + 2 <= len(octets) else (0, 0)
        )
        width = {0x17: 1, 0x28: 2}.get(octets[at + 2] if at + 3 <= len(octets) else 0)
        if layout is None or width is None or at + 3 + width > len(octets):
            return None
        group, count = octets[at], int.from_bytes(octets[at + 3 : at + 3 + width], "little")
        at += 3 + width
        size = width + struct.calcsize(layout)
        if not count or at + count * size > len(octets):
            return None
        for start in range(at, at + count * size, size):
            index = int.from_bytes(octets[start : start + width], "little")
            body = struct.unpack_from(layout, octets, start + width)[:-1]
            # the queue bit is obsolete and says nothing
            found.append(Object(group, index, (body[0] & 0xEF, *body[1:]) if group == 12 else body))
        at += count * size
    return found or None


@dataclass
class Request:
    """A request of the master and what became of the commands in it."""

    octets: bytes
    broadcast: bool
    before: "Request | None"  # the request before it on this connection, broadcasts apart
    at: float
    objects: list[Object] = field(default_factory=list)
    asked: int = 0
    good: int = 0
    answered_at: float = 0.0

    @property
    def function(self) -> int:
        """Function code."""
        return self.octets[1]


class NotCommanded(AssertionError):
    """The outstation asked its handler for something that nobody validly commanded."""


class Commanded:
    """Hears everything that reaches one outstation and says what may be asked of its handler.

    A select may be asked once for each object of a SELECT. An operate may be asked once for each object of a
    DIRECT OPERATE, and of an OPERATE that is the very next request after its select, with the next sequence
    number, the same objects octet for octet, every object selected with success and not too long ago. A request
    that repeats the one before octet for octet commands nothing.
    """

    def __init__(self, local: int, master: int, timeout_s: float) -> None:
        self._local, self._master, self._timeout_s = local, master, timeout_s
        self.connected()

    def connected(self) -> None:
        """A new connection: nothing of the former one counts."""
        self._frames, self._fragments = Frames(), Fragments()
        self._count_bit: int | None = None
        self._last: Request | None = None  # that was not broadcast
        self._requests: list[Request] = []

    def hear(self, data: bytes, now: float) -> None:
        """Octets that came from the connection."""
        for got in self._frames.take(data):
            if self._passes(got):
                fragment = self._fragments.take(got.data)
                if fragment is not None:
                    self._request(fragment, got.destination != self._local, now)

    def ask(self, select: bool, group: int, index: int, body: Body, now: float) -> Request:
        """The handler is asked for this.

        Raises:
            NotCommanded: nothing heard so far allows it.
        """
        wanted = Object(group, index, body)
        for request in reversed(self._requests):
            if request.asked < len(request.objects) and wanted in request.objects:
                if select != (request.function == 3) or not self._may(request):
                    continue
                request.asked += 1
                return request
        raise NotCommanded(f"{'select' if select else 'operate'} {wanted} at {now}")

    def answer(self, request: Request, good: bool, now: float) -> None:
        """The handler answered one command of a request."""
        request.good += good
        request.answered_at = now

    def _may(self, request: Request) -> bool:
        if request.function != 4:
            return True
        select = request.before
        return (
            select is not None
            and select.function == 3
            and (select.octets[0] + 1) & 0x0F == request.octets[0] & 0x0F
            and select.octets[2:] == request.octets[2:]
            and select.good == len(select.objects) > 0
            and request.at - select.answered_at <= self._timeout_s
        )

    def _passes(self, got: Frame) -> bool:
        """True if the frame brings a segment to this outstation."""
        broadcast = got.destination >= 0xFFFD
        if got.control & 0xC0 != 0xC0 or got.source != self._master or (not got.data and broadcast):
            return False
        if got.destination != self._local and not broadcast:
            return False
        function, counted = got.control & 0x0F, got.control & 0x10
        if broadcast:
            return function in (3, 4)
        if function == 4:
            return bool(got.data) and not counted
        if function == 0 and not counted:
            self._count_bit = 0x20
        if function not in (2, 3) or not counted or self._count_bit != got.control & 0x20:
            return False
        self._count_bit ^= 0x20
        return function == 3 and bool(got.data)

    def _request(self, fragment: bytes, broadcast: bool, now: float) -> None:
        if len(fragment) < 2 or not 1 <= fragment[1] < 0x81 or fragment[0] & 0xD0 != 0xC0:
            return
        if not broadcast and self._last is not None and fragment == self._last.octets and fragment[1] != 1:
            return
        request = Request(fragment, broadcast, self._last, now)
        if not broadcast:
            self._last = request
        if fragment[1] in ((5, 6) if broadcast else (3, 4, 5, 6)):
            request.objects = command_objects(fragment[2:]) or []
            self._requests.append(request)


def controls(fragment: bytes) -> Iterator[Object]:
    """The command objects of a request or a response with them; none if they do not parse."""
    body = fragment[4:] if fragment[1:2] == b"\x81" else fragment[2:]
    yield from command_objects(body) or ()
