"""From a capture, raw octets or hexadecimal text to lines or JSON. Pure: octets in as they come, lines out.

Whatever is in the input, nothing is raised: what cannot be read is said, with its place.
"""

import json
import re
from collections import Counter, OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime

from protocols.dnp3.link import START, Frame, FrameParser, build_frame
from protocols.dnp3.trace import explain, lines
from protocols.dnp3.trace.captures import CaptureReader, Fault, Packet, is_capture
from protocols.dnp3.trace.explain import Explained
from protocols.dnp3.trace.packets import NoSegment, Place, segment_of
from protocols.dnp3.trace.streams import MOST_STREAMS, Piece, Streams, may_be_dnp3
from protocols.dnp3.transport import Reassembler

#: Some stations send larger fragments than the 2048 octets that everybody must take.
_LARGEST_FRAGMENT = 0x10000
#: Stations of one direction of a stream whose fragments are put together at once.
_MOST_STATIONS = 64
_HEX = re.compile(rb"[0-9A-Fa-f]")
_NOISE = re.compile(rb"0[xX]|[\s,:;|-]")


class TraceDecoder:
    """Made for one input: `feed` it, then `finish`. ``as_json`` gives one JSON object a line, a frame each."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json
        self._begun = b""
        self._reader: CaptureReader | None = None
        self._streams = Streams()
        self._sides: OrderedDict[tuple[Place, Place], _Side] = OrderedDict()
        self._packets = 0

    def feed(self, octets: bytes) -> Iterator[str]:
        """The lines of what these octets complete. Text and raw octets have theirs when they `finish`."""
        if self._reader is None:
            self._begun += octets
            if not is_capture(self._begun):
                return
            self._reader, octets, self._begun = CaptureReader(), self._begun, b""
        for found in self._reader.feed(octets):
            yield from self._take(found)

    def finish(self) -> Iterator[str]:
        """The lines of what is left: no more octets come."""
        if self._reader is None:
            yield from self._plain(self._begun)
            return
        for fault in self._reader.finish():
            yield from self._take(fault)
        for (source, destination), side in self._sides.items():
            if side.held:
                yield from self._say({"fault": f"{source} -> {destination}: {side.held} octets of an unfinished frame"})

    def _take(self, found: Packet | Fault) -> Iterator[str]:
        if isinstance(found, Fault):
            yield from self._say({"fault": f"octet {found.offset} of the capture: {found.reason}"})
            return
        self._packets += 1
        try:
            segment = segment_of(found.link_type, found.octets)
        except NoSegment as error:
            yield from self._say({"fault": f"packet {self._packets}: {error}"})
            return
        key = None if segment is None else (segment.source, segment.destination)
        if segment is None or not (key in self._sides or may_be_dnp3(segment)):
            return
        piece = self._streams.take(segment)
        if piece is not None:
            yield from self._piece(piece, found.time_ns)

    def _piece(self, piece: Piece, time_ns: int | None) -> Iterator[str]:
        key = (piece.source, piece.destination)
        if piece.fresh or key not in self._sides:
            self._sides[key] = _Side()
        self._sides.move_to_end(key)
        if len(self._sides) > MOST_STREAMS:
            self._sides.popitem(last=False)
        about: Explained = {"packet": self._packets} | ({} if time_ns is None else {"time": _time(time_ns)})
        about |= {"from": str(piece.source), "to": str(piece.destination)}
        if piece.missing:
            yield from self._say(about | {"fault": f"{piece.missing} octets are missing before this packet"})
            self._sides[key] = _Side()
        for record in self._sides[key].take(piece.octets):
            yield from self._say(about | record)

    def _plain(self, octets: bytes) -> Iterator[str]:
        """Raw octets that begin like a frame, or hexadecimal text of frames or of one fragment."""
        if not octets.startswith(START):
            text = _NOISE.sub(b"", octets)
            bad = re.search(rb"[^0-9A-Fa-f]", text)
            if bad or not text:
                what = "nothing" if not text else f"{bad[0]!r}" if bad else ""
                yield from self._say({"fault": f"neither a capture nor hexadecimal text: {what} found"})
                return
            if len(text) % 2:
                yield from self._say(
                    {"fault": f"an odd number of hexadecimal digits ({len(text)}); the last is left out"}
                )
            octets = bytes.fromhex(text[: len(text) // 2 * 2].decode())
        if START not in octets:
            yield from self._say({"application": explain.application(octets)})
            return
        side = _Side()
        for record in side.take(octets):
            yield from self._say(record)
        if side.held:
            yield from self._say({"fault": f"the last {side.held} octets are no whole frame"})

    def _say(self, record: Explained) -> Iterator[str]:
        if self._as_json:
            yield json.dumps(record)
        else:
            yield from _text(record)


class _Side:
    """One direction of a stream."""

    def __init__(self) -> None:
        self._parser = FrameParser(Counter())
        self._held = b""
        self._fragments: OrderedDict[tuple[int, int], Reassembler] = OrderedDict()

    @property
    def held(self) -> int:
        """Octets of an incomplete frame."""
        return self._parser.held

    def take(self, octets: bytes) -> Iterator[Explained]:
        """A record for every frame, and for the octets between frames that belong to none."""
        octets = self._held + octets
        frames = self._parser.feed(octets[len(self._held) :])
        used = len(octets) - self._parser.held
        at = 0
        for frame in frames:
            raw = build_frame(*frame)
            start = octets.index(raw, at)
            yield from _garbage(octets[at:start])
            yield self._frame(frame, raw)
            at = start + len(raw)
        yield from _garbage(octets[at:used])
        self._held = octets[used:]

    def _frame(self, frame: Frame, raw: bytes) -> Explained:
        record: Explained = {"octets": raw.hex(" "), "link": explain.link(frame)}
        if not frame.data:
            return record
        record["transport"] = explain.transport(frame.data[0])
        key = (frame.source, frame.destination)
        if key not in self._fragments:
            self._fragments[key] = Reassembler(Counter(), _LARGEST_FRAGMENT)
            if len(self._fragments) > _MOST_STATIONS:
                self._fragments.popitem(last=False)
        fragment = self._fragments[key].push(frame.data)
        if fragment is not None:
            record["application"] = explain.application(fragment)
        return record


def _garbage(octets: bytes) -> Iterator[Explained]:
    if octets:
        yield {
            "octets": octets.hex(" "),
            "fault": f"{len(octets)} octets that belong to no frame (start, length or CRC)",
        }


def _time(time_ns: int) -> str:
    try:
        whole = datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{time_ns} ns"
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{time_ns // 1000 % 1_000_000:06}Z"


def _text(record: Explained) -> Iterator[str]:
    if "from" in record:
        yield " ".join(str(record[name]) for name in ("time", "from") if name in record) + f" -> {record['to']}"
    octets, link, transport, application = (record.get(n) for n in ("octets", "link", "transport", "application"))
    if isinstance(octets, str):
        yield from ("  " + line for line in lines.octet_lines(bytes.fromhex(octets)))
    if isinstance(link, dict):
        yield "  " + lines.link_line(link)
    if isinstance(transport, dict):
        yield "  " + lines.transport_line(transport)
    if isinstance(application, dict):
        yield from ("  " + line for line in lines.application_lines(application))
    if "fault" in record:
        yield f"  cannot be read: {record['fault']}"
