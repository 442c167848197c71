"""tshark dissects every frame that we send: nothing malformed, no bad CRC, and the objects that we meant."""

import struct
from collections.abc import Iterator
from itertools import chain, product
from pathlib import Path

import numpy as np
import pytest

from protocols.dnp3.application import (
    NO_RESPONSE,
    Control,
    Function,
    Indication,
    build_confirm,
    build_request,
    build_response,
)
from protocols.dnp3.link import DIR, PRM, Primary, Secondary, build_frame
from protocols.dnp3.objects import (
    FORMS,
    ObjectColumns,
    ObjectForm,
    all_objects,
    build_command,
    build_delay,
    build_events,
    build_octet_strings,
    build_range,
    build_restart_clear,
    build_time,
    encode_records,
    index_header,
    range_header,
)
from protocols.dnp3.objects.attributes import (
    flag_attribute,
    float_attribute,
    list_attribute,
    text_attribute,
    unsigned_attribute,
)
from protocols.dnp3.transport import segments
from tests.conformance.replay import Player
from tests.conformance.runs import procedures
from tests.interop.wireshark import FAULTS, Capture, Conversation, faults, tshark
from vppscada.model.commands import AnalogValue, Crob, CrobOperation, TripClose

pytestmark = pytest.mark.interop

MASTER, OUTSTATION = 1, 10
DATA = PRM | Primary.UNCONFIRMED_USER_DATA
#: Objects of one header; values that every variation has to hold or to clamp.
VALUES = np.array([0.0, 1.0, 2.0, -32769.0, 3.0e9, 1e300, -1e300, np.nan], dtype=np.float64)
#: Variations that tshark 4.0 does not know: it names the header and reads no further.
UNKNOWN_TO_TSHARK = frozenset({(4, 3), (51, 2), *((31, v) for v in range(1, 9)), *((33, v) for v in range(1, 9))})
#: Variations whose first object it reads right, and then steps too short.
MISREAD_BY_TSHARK = frozenset({(43, 1), (43, 3)})
#: Groups whose size we know to step over, and never send.
NEVER_SENT = frozenset({102, 121, 122})
_TIMES = frozenset({50, 51, 52})
_COMMANDS = frozenset({12, 41})


def to_outstation(fragment: bytes) -> bytes:
    return b"".join(build_frame(DIR | DATA, OUTSTATION, MASTER, part) for part in segments(fragment, 0))


def to_master(fragment: bytes) -> bytes:
    return b"".join(build_frame(DATA, MASTER, OUTSTATION, part) for part in segments(fragment, 0))


def response(body: bytes, *, unsolicited: bool = False) -> bytes:
    function = Function.UNSOLICITED_RESPONSE if unsolicited else Function.RESPONSE
    return build_response(Control(3, confirm=unsolicited, unsolicited=unsolicited), function, Indication.NONE, body)


def columns(first: int) -> ObjectColumns:
    count = len(VALUES)
    return ObjectColumns(
        index=np.arange(first, first + count, dtype=np.uint32),
        value=VALUES,
        flags=np.arange(count, dtype=np.uint8) | np.uint8(1),
        time_ms=np.full(count, 1_700_000_000_123, dtype=np.int64),
    )


def answers_with(form: ObjectForm) -> Iterator[bytes]:
    """The objects of a variation with every qualifier that an outstation answers with."""
    if form.group in _TIMES:
        assert form.record is not None
        yield bytes((form.group, form.variation, 7, 1)) + np.zeros(1, dtype=form.record).tobytes()
        return
    for first, width in ((0, 1), (300, 2)):
        if form.bits:
            yield build_range(form, columns(first), width)
        elif form.is_event:
            body, count = build_events(form, columns(first), 2000, width)
            assert count == len(VALUES)
            yield body
        elif form.group in _COMMANDS:
            yield (
                index_header(form.group, form.variation, len(VALUES), width)
                + encode_records(form, columns(first), width).tobytes()
            )
        elif form.record is not None:
            yield build_range(form, columns(first), width)


def objects_seen(path: Path) -> list[str]:
    """Groups and variations of each packet as tshark read them, ``g<group>v<variation>`` with commas between."""
    return [
        ",".join(f"g{int(one, 0) >> 8}v{int(one, 0) & 0xFF}" for one in packet.split(",") if one)
        for [packet] in tshark(path, "dnp3", ["dnp3.al.obj"])
    ]


def test_every_variation_that_an_outstation_tells_is_dissected(tmp_path: Path) -> None:
    capture = Capture()
    conversation = capture.conversation()
    expected = []
    for form in FORMS.values():
        if (form.group, form.variation) in UNKNOWN_TO_TSHARK | MISREAD_BY_TSHARK or form.group in NEVER_SENT:
            continue
        for body in answers_with(form):
            for unsolicited in (False, True):
                conversation.from_outstation(to_master(response(body, unsolicited=unsolicited)))
                expected.append(f"g{form.group}v{form.variation}")
    path = capture.write(tmp_path / "told.pcapng")
    assert capture.packets > 200
    assert faults(path) == {}
    assert objects_seen(path) == expected


def test_what_tshark_does_not_know_has_headers_and_crcs_that_it_does(tmp_path: Path) -> None:
    """tshark 4.0 has no layout for some standard objects: of these it can only bear out frames and object headers.

    Of a list of attributes (g0v255) it reads the type and stops before the length.
    """
    capture = Capture()
    conversation = capture.conversation()
    conversation.from_outstation(to_master(response(list_attribute(((252, False), (245, True))).object())))
    expected = ["g0v255"]
    for group, variation in sorted(UNKNOWN_TO_TSHARK | MISREAD_BY_TSHARK):
        for body in answers_with(FORMS[group, variation]):
            conversation.from_outstation(to_master(response(body)))
            expected.append(f"g{group}v{variation}")
    path = capture.write(tmp_path / "unknown.pcapng")
    assert faults(path).keys() <= {"malformed", "an expert's error"}
    assert [seen.split(",")[0] for seen in objects_seen(path)] == expected


SEQUENCE = Control(5)
CLASSES = b"".join(all_objects(60, variation) for variation in (2, 3, 4, 1))
FREEZES = (
    Function.IMMEDIATE_FREEZE,
    Function.IMMEDIATE_FREEZE_NO_RESPONSE,
    Function.FREEZE_CLEAR,
    Function.FREEZE_CLEAR_NO_RESPONSE,
)
BARE = (Function.COLD_RESTART, Function.WARM_RESTART, Function.DELAY_MEASURE, Function.RECORD_CURRENT_TIME)
CONTROLS = (Function.SELECT, Function.OPERATE, Function.DIRECT_OPERATE, Function.DIRECT_OPERATE_NO_RESPONSE)


def reads() -> Iterator[tuple[bytes, str]]:
    """What a master reads, and the objects that it names."""
    yield build_request(SEQUENCE, Function.READ, CLASSES), "g60v2,g60v3,g60v4,g60v1"
    for group, variation in FORMS:
        if group < 60:
            yield build_request(SEQUENCE, Function.READ, all_objects(group, variation)), f"g{group}v{variation}"
    for start, stop in ((0, 5), (250, 260)):
        for group in (1, 3, 10, 20, 30, 40, 110):
            yield build_request(SEQUENCE, Function.READ, range_header(group, 0, start, stop)), f"g{group}v0"


def commands() -> Iterator[tuple[bytes, str]]:
    """Every control code and every kind of setpoint, with every function that carries them."""
    crobs = [Crob(operation, code, 2, 100, 200) for operation in CrobOperation for code in TripClose]
    for function, index in product(CONTROLS, (3, 300)):
        for crob in crobs:
            yield build_request(SEQUENCE, function, build_command(index, crob)), "g12v1"
        for variation in (1, 2, 3, 4):
            body = build_command(index, AnalogValue(-12.0), variation)
            yield build_request(SEQUENCE, function, body), f"g41v{variation}"


def others() -> Iterator[tuple[bytes, str]]:
    """Everything else that a master asks."""
    for function in (Function.ENABLE_UNSOLICITED, Function.DISABLE_UNSOLICITED):
        yield build_request(SEQUENCE, function, CLASSES[:9]), "g60v2,g60v3,g60v4"
    assigned = all_objects(60, 2) + all_objects(30)
    yield build_request(SEQUENCE, Function.ASSIGN_CLASS, assigned), ""  # which tshark leaves unread
    for function in FREEZES:
        yield build_request(SEQUENCE, function, all_objects(20)), "g20v0"
    for function in BARE:
        yield build_request(SEQUENCE, function), ""
    for variation in (1, 3):
        body = build_time(50, variation, 1_700_000_000_123)
        yield build_request(SEQUENCE, Function.WRITE, body), f"g50v{variation}"
    yield build_request(SEQUENCE, Function.WRITE, build_restart_clear()), "g80v1"
    for unsolicited in (False, True):
        yield build_confirm(7, unsolicited=unsolicited), ""


def test_every_request_of_a_master_is_dissected(tmp_path: Path) -> None:
    capture = Capture()
    conversation = capture.conversation()
    expected = []
    for fragment, objects in chain(reads(), commands(), others()):
        conversation.from_master(to_outstation(fragment))
        expected.append(objects)
    path = capture.write(tmp_path / "asked.pcapng")
    assert faults(path) == {}
    assert objects_seen(path) == expected
    functions = {int(function) for [function] in tshark(path, "dnp3", ["dnp3.al.func"])}
    assert functions >= NO_RESPONSE - {Function.FREEZE_AT_TIME_NO_RESPONSE}


def test_times_delays_strings_and_an_empty_response_are_dissected(tmp_path: Path) -> None:
    capture = Capture()
    conversation = capture.conversation()
    texts = [(n, bytes(range(1, length + 1))) for n, length in enumerate((1, 7, 255))]
    bodies = {  # tshark names strings without their variation, which is their length
        build_time(51, 1, 1_700_000_000_123) + events_relative(): "g51v1,g2v3",
        build_delay(1, 70_000): "g52v1",
        build_delay(2, 5): "g52v2",
        build_octet_strings(110, texts, 2000)[0]: "g110v0,g110v0,g110v0",
        build_octet_strings(111, texts, 2000)[0]: "g111v0,g111v0,g111v0",
        b"": "",
    }
    for body in bodies:
        conversation.from_outstation(to_master(response(body)))
    path = capture.write(tmp_path / "others.pcapng")
    assert faults(path) == {}
    assert objects_seen(path) == list(bodies.values())


def test_device_attributes_are_dissected(tmp_path: Path) -> None:
    attributes = [
        text_attribute(252, "somebody"),
        text_attribute(250, ""),
        unsigned_attribute(240, 2048),
        unsigned_attribute(216, 255),
        flag_attribute(218, True),
        float_attribute(205, 12.5),
    ]
    capture = Capture()
    conversation = capture.conversation()
    for attribute in attributes:
        conversation.from_outstation(to_master(response(attribute.object())))
    path = capture.write(tmp_path / "attributes.pcapng")
    assert faults(path) == {}
    assert objects_seen(path) == [f"g0v{attribute.variation}" for attribute in attributes]


def events_relative() -> bytes:
    return build_events(FORMS[2, 3], columns(0), 2000)[0]


def test_a_fragment_of_many_segments_is_put_together(tmp_path: Path) -> None:
    many = ObjectColumns(
        index=np.arange(400, dtype=np.uint32),
        value=np.linspace(-1e6, 1e6, 400),
        flags=np.ones(400, dtype=np.uint8),
        time_ms=np.zeros(400, dtype=np.int64),
    )
    frames = to_master(response(build_range(FORMS[30, 5], many, 2)))
    capture = Capture()
    capture.conversation().from_outstation(frames)
    stream = capture.conversation()
    for start in range(0, len(frames), 7):
        stream.from_outstation(frames[start : start + 7])
    path = capture.write(tmp_path / "long.pcapng")
    assert faults(path).keys() == {"no DNP3, or bad CRC of a header"}  # pieces that do not end a frame
    told = tshark(path, "dnp3.al.obj", ["dnp3.al.obj", "dnp3.al.point_index"])
    assert told == [["0x1e05", ",".join(str(n) for n in range(400))]] * 2


def test_every_link_function_is_dissected(tmp_path: Path) -> None:
    capture = Capture()
    conversation = capture.conversation()
    counted = (Primary.TEST_LINK_STATES, Primary.CONFIRMED_USER_DATA)
    fragment = build_request(Control(0), Function.READ, all_objects(60, 1))
    for primary in Primary:
        carries = primary in (Primary.CONFIRMED_USER_DATA, Primary.UNCONFIRMED_USER_DATA)
        data = segments(fragment, 0)[0] if carries else b""
        for count_bit in (0x10, 0x30) if primary in counted else (0,):
            conversation.from_master(build_frame(DIR | PRM | primary | count_bit, OUTSTATION, MASTER, data))
    for secondary in Secondary:
        conversation.from_outstation(build_frame(secondary, MASTER, OUTSTATION))
    for broadcast in (0xFFFC, 0xFFFD, 0xFFFE, 0xFFFF):
        conversation.from_master(build_frame(DIR | DATA, broadcast, MASTER, segments(fragment, 0)[0]))
    path = capture.write(tmp_path / "link.pcapng")
    assert faults(path) == {}
    assert len(tshark(path, "dnp3.hdr.CRC")) == capture.packets
    primaries = {int(told) for [told] in tshark(path, "dnp3.ctl.prifunc", ["dnp3.ctl.prifunc"])}
    assert primaries == {int(primary) for primary in Primary}


class Overheard(Player):
    """A recorded run whose answers also go into a capture."""

    def __init__(self, procedure: str, conversation: Conversation) -> None:
        self._conversation = conversation
        super().__init__(procedure)

    def _hear(self, octets: bytes) -> None:
        if octets:
            self._conversation.from_outstation(octets)
        super()._hear(octets)


def test_what_our_outstation_says_in_every_recorded_run_is_dissected(tmp_path: Path) -> None:
    capture = Capture()
    for procedure in (one.id for one in procedures().values() if one.captured):
        Overheard(procedure, capture.conversation()).play()
    path = capture.write(tmp_path / "runs.pcapng")
    assert capture.packets > 300
    assert faults(path) == {}
    assert len(tshark(path, "dnp3.hdr.CRC")) == capture.packets


def broken() -> dict[str, bytes]:
    """A good frame spoilt so that one filter each has something to find."""
    good = to_master(response(build_range(FORMS[30, 1], columns(0), 1)))
    header, chunk = bytearray(good), bytearray(good)
    header[8] ^= 0xFF
    chunk[20] ^= 0xFF
    cut = response(build_range(FORMS[30, 1], columns(0), 1))[:-3]
    many = response(struct.pack("<BBBHH", 30, 1, 1, 0, 60000))
    return {
        "no DNP3, or bad CRC of a header": bytes(header),
        "bad CRC of a data chunk": bytes(chunk),
        "malformed": to_master(cut),
        "an expert's error": to_master(many),
    }


@pytest.mark.parametrize("fault", FAULTS)
def test_the_filters_find_what_is_broken(tmp_path: Path, fault: str) -> None:
    capture = Capture()
    conversation = capture.conversation()
    good = to_master(response(build_range(FORMS[30, 1], columns(0), 1)))
    conversation.from_outstation(good)
    conversation.from_outstation(broken()[fault])
    conversation.from_outstation(good)
    path = capture.write(tmp_path / "broken.pcapng")
    assert faults(path)[fault] == [["2"]]
