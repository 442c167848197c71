"""Link layer and transport: procedures 6.1.2 to 7.2."""

from fastcrc.crc16 import dnp as crc

from protocols.dnp3.application import Function, Indication
from protocols.dnp3.link import DIR, FCB, FCV, PRM, SELF_ADDRESS, Primary, build_frame
from protocols.dnp3.link_sending import LinkSettings
from protocols.dnp3.transport import SEGMENT_OCTETS
from tests.conformance.tester import MASTER, OUTSTATION, UNCONFIRMED, Tester
from vppscada.model.points import PointKind

CLASS_0 = "3C 01 06"
ACK, NACK, LINK_STATUS = 0x00, 0x01, 0x0B
RESET = 0xC0
RESET_BY_OUTSTATION = PRM | Primary.RESET_LINK_STATES
DATA_BY_OUTSTATION = PRM | FCB | FCV | Primary.CONFIRMED_USER_DATA
#: An outstation that wants its frames confirmed.
CONFIRMED = LinkSettings("always", retries=2, timeout_s=1.0)
#: Confirmed user data with the frame count bit set and not.
FIRST, SECOND = 0xF3, 0xD3


def controls(tester: Tester) -> list[int]:
    """Control octets of the link layer answers that were just heard."""
    return [frame.control for frame in tester.heard if not frame.control & PRM]


def sent(tester: Tester) -> list[int]:
    """Control octets of all frames that were just heard."""
    return [frame.control for frame in tester.heard]


def reset(tester: Tester) -> None:
    assert tester.link(RESET) == [ACK]


def prologue(tester: Tester) -> None:
    """Steps that the procedures of 6.6.2 begin with: a reset link that has acknowledged one frame."""
    tester.power_cycle()
    reset(tester)
    assert not tester.ask(Function.READ, CLASS_0, control=FIRST).is_null
    assert controls(tester) == [ACK]


def stays_silent(tester: Tester, octets: bytes) -> None:
    """Broken octets bring nothing, at once or later, and the frame after them is taken."""
    assert tester.octets(octets) == []
    assert tester.heard == []
    assert tester.wait(3.0) == []
    assert not tester.read(CLASS_0).is_null


def class_0_frame(control: int, *, start: bytes = b"\x05\x64", header_error: int = 0, body_error: int = 0) -> bytes:
    """A read of class 0 in one frame, with another start or broken CRCs."""
    good = build_frame(control, OUTSTATION, MASTER, bytes.fromhex("C0 C0 01") + bytes.fromhex(CLASS_0))
    header = start + good[2:8]
    checked = header + (crc(header) ^ header_error).to_bytes(2, "little")
    body, body_crc = good[10:-2], int.from_bytes(good[-2:], "little")
    return checked + body + (body_crc ^ body_error).to_bytes(2, "little")


def test_6_1_2_reset_link_and_passive_confirm_support(tester: Tester) -> None:
    tester.power_cycle()
    assert not tester.read(CLASS_0).is_null
    for control in (FIRST, SECOND):
        assert tester.send(Function.READ, CLASS_0, control=control) == []
        assert controls(tester) in ([], [NACK]), "the link is not reset yet"
    reset(tester)
    for control in (FIRST, *(SECOND, FIRST) * 3):
        assert not tester.ask(Function.READ, CLASS_0, control=control).is_null
        assert controls(tester) == [ACK]
    reset(tester)
    assert tester.send(Function.READ, CLASS_0, control=SECOND) == [], "the first frame after a reset has FCB set"
    assert controls(tester) == [ACK]
    assert not tester.ask(Function.READ, CLASS_0, control=FIRST).is_null
    assert controls(tester) == [ACK]
    assert tester.send(Function.READ, CLASS_0, control=FIRST) == [], "a repeated frame is acknowledged, not taken"
    assert controls(tester) == [ACK]


def test_6_3_2_request_link_status(tester: Tester) -> None:
    tester.power_cycle()
    for control in (0xC9, 0xE9):
        [status] = tester.link(control)
        assert status in (LINK_STATUS, LINK_STATUS | 0x10)


def test_6_4_2_test_retries(tester: Tester) -> None:
    tester.power_cycle(link=CONFIRMED)
    for _ in range(2):
        assert tester.send(Function.READ, CLASS_0) == []
        for _ in range(CONFIRMED.retries):
            assert sent(tester) == [RESET_BY_OUTSTATION]
            tester.wait(CONFIRMED.timeout_s)
        assert sent(tester) == [RESET_BY_OUTSTATION], "the last of its retries"
        tester.wait(CONFIRMED.timeout_s)
        assert sent(tester) == []
    assert tester.send(Function.READ, CLASS_0) == []
    assert sent(tester) == [RESET_BY_OUTSTATION]
    [answer] = tester.frame(DIR | ACK)
    assert not answer.is_null
    assert sent(tester) == [DATA_BY_OUTSTATION]
    [again] = tester.wait(CONFIRMED.timeout_s)
    assert again.fragment == answer.fragment
    assert sent(tester) == [DATA_BY_OUTSTATION], "the same frame count bit"
    assert tester.frame(DIR | ACK) == tester.wait(10.0) == []


def test_6_5_2_dir_and_fcv_bits(tester: Tester) -> None:
    tester.power_cycle()
    reset(tester)
    for control in (0x40, 0x43 | FCV | FCB, 0x44, 0x49):
        assert tester.send(Function.READ, CLASS_0, control=control) == []
        assert tester.heard == [], "a frame without DIR does not come from a master"
    assert tester.send(Function.READ, CLASS_0, control=FIRST & ~FCV) == []
    assert tester.heard == [], "confirmed user data needs FCV"
    answer = tester.ask(Function.READ, CLASS_0, control=FIRST)
    assert not answer.is_null
    assert all(not frame.control & DIR for frame in tester.heard)
    assert not any(frame.control & FCV for frame in tester.heard if frame.control & 0x0F != 3)


def test_6_6_2_1_invalid_start_octets(tester: Tester) -> None:
    prologue(tester)
    for start in ("09 64", "05 FF", "01 64", "05 AA"):
        stays_silent(tester, class_0_frame(SECOND, start=bytes.fromhex(start)))


def test_6_6_2_2_invalid_primary_function_code(tester: Tester) -> None:
    prologue(tester)
    for control in (0xC5, 0xCA, 0xD5, 0xDA):
        stays_silent(tester, class_0_frame(control))


def test_6_6_2_3_invalid_destination_address(tester: Tester) -> None:
    prologue(tester)
    for destination in (OUTSTATION + 1, 0, MASTER, 0xFFF0):
        assert tester.frame(SECOND, bytes.fromhex("C1 C2 01" + CLASS_0), destination=destination) == []
        assert tester.heard == []
        assert tester.wait(3.0) == []
    assert not tester.ask(Function.READ, CLASS_0, control=SECOND).is_null
    assert controls(tester) == [ACK]


def test_6_6_2_4_invalid_crc(tester: Tester) -> None:
    for error in (1, 0x8000):
        stays_silent(tester, class_0_frame(SECOND, header_error=error))
        stays_silent(tester, class_0_frame(SECOND, body_error=error))


def test_6_6_2_5_invalid_fcv(tester: Tester) -> None:
    reset(tester)
    for control in (0xC3, 0xD4, 0xC2, 0xD0, 0xD9):
        stays_silent(tester, class_0_frame(control))


def ignores(tester: Tester, bad: bytes) -> None:
    """An acknowledgement that is none: the outstation repeats its frame, and goes on after a good one."""
    tester.power_cycle(link=CONFIRMED)
    tester.send(Function.READ, CLASS_0)
    assert sent(tester) == [RESET_BY_OUTSTATION]
    assert tester.octets(bad) == []
    assert sent(tester) == []
    tester.wait(CONFIRMED.timeout_s)
    assert sent(tester) == [RESET_BY_OUTSTATION]
    [answer] = tester.frame(DIR | ACK)
    assert not answer.is_null
    tester.octets(bad)
    assert sent(tester) == []
    assert len(tester.wait(CONFIRMED.timeout_s)) == 1
    tester.frame(DIR | ACK)
    assert tester.wait(10.0) == []


def acknowledgement(**broken: int) -> bytes:
    good = build_frame(broken.get("control", DIR | ACK), broken.get("destination", OUTSTATION), MASTER)
    return good[:-1] + bytes((good[-1] ^ broken.get("error", 0),))


def test_6_6_3_1_invalid_start_octets(tester: Tester) -> None:
    for start in ("09 64", "05 FF"):
        header = bytes.fromhex(start) + acknowledgement()[2:8]
        ignores(tester, header + crc(header).to_bytes(2, "little"))


def test_6_6_3_2_invalid_secondary_function_code(tester: Tester) -> None:
    for code in (0x02, 0x0C):
        ignores(tester, acknowledgement(control=DIR | code))


def test_6_6_3_3_invalid_destination_address(tester: Tester) -> None:
    ignores(tester, acknowledgement(destination=OUTSTATION + 1))


def test_6_6_3_4_invalid_crc(tester: Tester) -> None:
    for error in (0x01, 0x80):
        ignores(tester, acknowledgement(error=error))


def test_6_7_2_self_address_support(tester: Tester) -> None:
    request = bytes.fromhex("C0 C1 01" + CLASS_0)
    assert tester.frame(UNCONFIRMED, request, destination=SELF_ADDRESS) == []
    assert tester.heard == [], "not enabled"
    tester.power_cycle(self_address=True)
    assert tester.frame(0xC9, destination=SELF_ADDRESS) == []
    assert sent(tester) == [LINK_STATUS]
    [answer] = tester.frame(UNCONFIRMED, request, destination=SELF_ADDRESS)
    assert {frame.source for frame in tester.heard} == {OUTSTATION}, "it answers with its own address"
    assert not answer.is_null
    assert not tester.read(CLASS_0).is_null


def test_7_2_segmentation_of_application_layer_class_0_poll(tester: Tester) -> None:
    tester.power_cycle(class_0=(1, 3, 30, 20, 21, 10, 40))
    answer = tester.read(CLASS_0)
    assert answer.has(Indication.DEVICE_RESTART)
    assert len(answer.fragment) > SEGMENT_OCTETS
    heads = [frame.data[0] for frame in tester.heard]
    assert len(heads) > 1
    assert [bool(head & 0x40) for head in heads] == [True, *[False] * (len(heads) - 1)], "FIR"
    assert [bool(head & 0x80) for head in heads] == [*[False] * (len(heads) - 1), True], "FIN"
    assert [head & 0x3F for head in heads] == [(heads[0] + n) & 0x3F for n in range(len(heads))]
    tester.power_cycle(PointKind.ANALOG_INPUT)
    short = tester.read(CLASS_0)
    assert len(short.fragment) <= SEGMENT_OCTETS
    assert [frame.data[0] & 0xC0 for frame in tester.heard] == [0xC0]
