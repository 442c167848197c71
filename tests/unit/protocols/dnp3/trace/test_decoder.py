"""Captures and octets become lines that say everything that is in them; broken input is told, never raised."""

import json
from pathlib import Path

import pytest

from protocols.dnp3.link import build_frame
from protocols.dnp3.trace import TraceDecoder
from protocols.dnp3.trace.packets import PUSH, Place, tcp_packet, udp_packet
from protocols.dnp3.trace.pcapng import packet, section
from protocols.dnp3.transport import segments
from tests.unit.protocols.dnp3.captures import FOLDER

MASTER, OUTSTATION = Place("127.0.0.1", 49152), Place("127.0.0.1", 20000)
EMPTY_CAPTURE = 24
START = section("test", "channel", "")


def lines(octets: bytes | str, *, as_json: bool = False, size: int = 1000) -> list[str]:
    data = octets.encode() if isinstance(octets, str) else octets
    decoder = TraceDecoder(as_json=as_json)
    said = [line for at in range(0, len(data), size) for line in decoder.feed(data[at : at + size])]
    return [*said, *decoder.finish()]


def records(octets: bytes | str) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines(octets, as_json=True)]


def test_a_recorded_select_reads_like_the_testers_log() -> None:
    assert lines((FOLDER / "8.2.1.2.8.pcap").read_bytes())[:8] == [
        "2020-04-10T15:54:44.648000Z 127.0.0.1:1573 -> 127.0.0.1:20000",
        "  05 64 18 C4 00 04 01 00 5B 61",
        "  C0 C0 03 0C 01 17 01 00 03 01 64 00 00 00 C8 00 FD 11",
        "  00 00 00 FF FF",
        "  link from master, pri: 1 fcb: 0 fcv: 0 func: UNCONFIRMED_USER_DATA(0x04) 0xC4 length: 24 dest: 1024 src: 1",
        "  transport fir: 1 fin: 1 seq: 0",
        "  application SELECT(0x03) fir: 1 fin: 1 con: 0 uns: 0 seq: 0",
        "    g12v1 control relay output block, 1-octet count and index (0x17), count: 1",
    ]


def test_the_status_that_ended_the_operate_is_told() -> None:
    text = "\n".join(lines((FOLDER / "8.2.1.2.8.pcap").read_bytes()))
    assert "RESPONSE(0x81) fir: 1 fin: 1 con: 0 uns: 0 seq: 1 IIN(NEED_TIME, DEVICE_RESTART)" in text
    assert "[0] operation: LATCH_OFF trip_close: NUL count: 1 on_ms: 100 off_ms: 200 status: NO_SELECT" in text


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.pcap")), ids=lambda path: path.stem)
def test_every_recorded_frame_becomes_a_record(path: Path) -> None:
    said = records(path.read_bytes())
    assert any("link" in record for record in said) or path.stat().st_size == EMPTY_CAPTURE
    # the two procedures that send broken frames on purpose
    faults = {str(record["fault"]) for record in said if "fault" in record}
    assert not faults or path.stem in ("6.6.2.1", "6.6.2.4")
    assert all("belong to no frame" in fault for fault in faults)
    assert not any("fault" in record["application"] for record in said if "application" in record)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ("02 02 17 01 07 81 0048E1709B01", {
            "index": 7, "value": 1, "flags": ["ONLINE"], "time": "2025-12-30T20:09:30.880Z",
        }),
        ("04 01 17 01 07 C1", {"index": 7, "value": 3, "state": "INDETERMINATE", "flags": ["ONLINE"]}),
        ("1E 05 00 07 07 21 0000C03F", {"index": 7, "value": 1.5, "flags": ["ONLINE", "OVER_RANGE"]}),
        ("1E 05 00 07 07 05 0000C07F", {"index": 7, "value": "nan", "flags": ["ONLINE", "COMM_LOST"]}),
        ("14 01 00 07 07 41 05000000", {"index": 7, "value": 5, "flags": ["ONLINE", "DISCONTINUITY"]}),
        ("03 01 00 07 07 02", {"index": 7, "value": 2, "state": "ON"}),
        ("50 01 00 07 07 01", {"index": 7, "value": 1, "name": "DEVICE_RESTART"}),
        ("29 03 28 0100 0700 0000C03F 04", {"index": 7, "value": 1.5, "status": "NOT_SUPPORTED"}),
        ("0C 01 17 01 07 61 02 64000000 00000000 7F", {
            "index": 7, "operation": "PULSE_ON", "trip_close": "CLOSE", "clear": True, "count": 2, "on_ms": 100,
            "off_ms": 0, "status": "UNDEFINED",
        }),
        ("34 02 07 01 6400", {"delay_ms": 100}),
        ("34 01 07 01 0200", {"delay_ms": 2000}),
        ("33 01 07 01 0000000000FF", {"time": "280375465082880 ms"}),
        ("02 03 17 01 07 01 1000", {"index": 7, "value": 0, "flags": ["ONLINE"], "relative_ms": 16}),
        ("6E 05 00 07 07 68656C6C6F", {"index": 7, "text": "hello", "octets": "68 65 6c 6c 6f"}),
    ],
)  # fmt: skip
def test_each_object_is_told_with_index_value_flags_and_time(objects: str, expected: dict[str, object]) -> None:
    [record] = records("C0 81 00 00 " + objects)
    application = record["application"]
    assert isinstance(application, dict)
    [header] = application["objects"]
    assert header["points"] == [expected]


def test_requests_name_ranges_and_indexes_without_listing_what_they_do_not_carry() -> None:
    assert lines("C1 01 1E 00 01 0000 FFFF 20 00 08 0200 1E 05 28 0200 0000 0100") == [
        "  application READ(0x01) fir: 1 fin: 1 con: 0 uns: 0 seq: 1",
        "    g30v0 analog input, 2-octet start and stop (0x01), start: 0 stop: 65535",
        "    g32v0 analog input event, 2-octet count (0x08), count: 2",
        "    g30v5 analog input, 2-octet count and index (0x28), count: 2",
        "      [0]",
        "      [1]",
    ]


def test_a_fragment_in_several_frames_is_told_with_its_last() -> None:
    fragment = bytes.fromhex("C0 81 00 00 1E 05 00 00 63") + bytes.fromhex("01 0000C03F") * 100
    frames = [build_frame(0x44, 1, 10, segment) for segment in segments(fragment, 5)]
    said = records(b"".join(frames).hex())
    assert ["application" in record for record in said] == [False, False, True]
    [header] = said[-1]["application"]["objects"]  # type: ignore[index]
    assert [one["index"] for one in header["points"]] == list(range(100))


def test_tcp_and_udp_of_a_trace_are_read_and_other_ports_are_left_alone() -> None:
    frame = build_frame(0xC9, 10, 1)
    web = Place("127.0.0.1", 80)
    octets = START
    octets += packet(1_000_000, tcp_packet(MASTER, OUTSTATION, 5, 0, PUSH, frame[:4]))
    octets += packet(2_000_000, tcp_packet(MASTER, OUTSTATION, 9, 0, PUSH, frame[4:]))
    octets += packet(3_000_000, udp_packet(OUTSTATION, MASTER, frame))
    octets += packet(4_000_000, tcp_packet(MASTER, web, 1, 0, PUSH, b"GET / HTTP/1.1"))
    said = records(octets)
    assert [record["time"] for record in said] == ["1970-01-01T00:00:02.000000Z", "1970-01-01T00:00:03.000000Z"]
    assert [record["link"]["function"] for record in said] == ["REQUEST_LINK_STATUS"] * 2  # type: ignore[index]


def test_octets_that_the_capture_missed_are_told_and_reading_goes_on() -> None:
    frame = build_frame(0xC9, 10, 1)
    octets = START + packet(1, tcp_packet(MASTER, OUTSTATION, 5, 0, PUSH, frame[:4]))
    octets += packet(2, tcp_packet(MASTER, OUTSTATION, 100, 0, PUSH, frame))
    said = records(octets)
    assert said[0]["fault"] == "91 octets are missing before this packet"
    assert "link" in said[1]
    assert len(said) == 2


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        ("", "nothing found"),
        ("hello", "b'h' found"),
        ("C0 0", "odd number of hexadecimal digits (3)"),
        ("C0", "a fragment of 1 octets"),
        ("C0 81 00", "no internal indications"),
        ("C0 81 00 00 1E 05 00 00", "truncated range field"),
        ("C0 81 00 00 C8 01 06", "OBJECT_UNKNOWN: g200v1"),
        ("05 64 05 C9 0A 00", "last 6 octets are no whole frame"),
        ("05 64 05 C9 0A 00 01 00 00 00", "belong to no frame"),
        (START + b"\0\0\0\0\x01\0\0\0\0\0\0\0", "octet 76 of the capture: a block of 1 octets"),
        (START + packet(1, b"\x45\0\0"), "packet 1: a packet cut short after 3 octets"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(octets: bytes | str, told: str) -> None:
    assert told in "\n".join(lines(octets))
    for line in lines(octets, as_json=True):
        json.loads(line)


def test_hexadecimal_text_may_be_written_as_people_do() -> None:
    for text in ("05 64 05 C9 0A 00 01 00", "0x05,0x64,0x05,0xC9,0x0a,0x00,0x01,0x00", "056405c9:0a000100\n"):
        assert "8 octets" in lines(text)[0]
