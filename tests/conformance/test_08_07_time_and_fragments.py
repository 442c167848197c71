"""Time, restart, fragmentation and multi-drop: procedures 8.7.1.2 to 8.10.2."""

from protocols.dnp3.application import Function, Indication
from tests.conformance.device import EVENTS_PER_KIND
from tests.conformance.events import of_class
from tests.conformance.tester import MASTER, OUTSTATION, UNCONFIRMED, Answer, Made, Tester, as_told
from vppscada.model.points import PointKind

_CLASSES = "3C 02 06 3C 03 06 3C 04 06"
_EVERYTHING = _CLASSES + "3C 01 06"
_KINDS = {
    PointKind.BINARY_INPUT: 2,
    PointKind.DOUBLE_BIT_INPUT: 4,
    PointKind.COUNTER: 22,
    PointKind.ANALOG_INPUT: 32,
}
_STATIC = {PointKind.BINARY_INPUT: 1, PointKind.COUNTER: 20, PointKind.ANALOG_INPUT: 30}


def test_8_7_1_2_delay_measurement(tester: Tester) -> None:
    for _ in range(3):
        answer = tester.ask(Function.DELAY_MEASURE)
        assert answer.names() == [(52, 2)]
        assert answer.qualifiers(52) == {0x07}
        assert answer.body[4:] == bytes(2), "answered in the same moment"


def test_8_7_2_2_time_synchronization(tester: Tester) -> None:
    tester.power_cycle()
    tester.wait(5.0)
    assert tester.read("3C 02 06").has(Indication.NEED_TIME)
    time_ms = 1_586_534_172_451
    answer = tester.ask(Function.WRITE, b"\x32\x01\x07\x01" + time_ms.to_bytes(6, "little"))
    assert answer.is_null
    assert not answer.has(Indication.NEED_TIME)
    assert tester.wait(1.5) == []
    [made], _ = tester.generate(PointKind.BINARY_INPUT, 1)
    assert made.time_ms == time_ms + 1500
    answer = tester.read("02 02 06")
    assert answer.values(2) == as_told([made])
    assert answer.times(2) == [time_ms + 1500]
    tester.confirm(answer)
    assert tester.read(_CLASSES).is_null


def test_8_8_2_cold_restart(tester: Tester) -> None:
    assert not tester.ask(Function.WRITE, "50 01 00 07 07 00").has(Indication.DEVICE_RESTART)
    answer = tester.ask(Function.COLD_RESTART)
    assert answer.names() in ([(52, 1)], [(52, 2)])
    assert int.from_bytes(answer.body[4:], "little") == 5000
    assert tester.device.restarts == [True]
    tester.wait(5.0)
    tester.power_cycle()
    assert tester.read("3C 01 06").has(Indication.DEVICE_RESTART)
    answer = tester.ask(Function.WRITE, "50 01 00 07 07 00")
    assert answer.is_null
    assert not answer.has(Indication.DEVICE_RESTART)


def fill(tester: Tester) -> dict[int, list[Made]]:
    """More events than two fragments hold, by group."""
    return {group: tester.generate(kind, EVENTS_PER_KIND)[0] for kind, group in _KINDS.items()}


def first_fragment(tester: Tester) -> Answer:
    """The first fragment of everything."""
    [answer] = tester.send(Function.READ, _EVERYTHING)
    assert (answer.control.first, answer.control.final, answer.control.confirm) == (True, False, True)
    assert answer.sequence == tester.sequence
    return answer


def test_8_9_1_2_use_of_fir_fin_and_sequence_in_fragmentation(tester: Tester) -> None:
    tester.power_cycle(max_events=2 * EVENTS_PER_KIND)
    made = fill(tester)
    answers = [first_fragment(tester)]
    while not answers[-1].control.final:
        [answer] = tester.confirm(answers[-1])
        assert not answer.control.first
        assert answer.sequence == (answers[-1].sequence + 1) % 16
        answers.append(answer)
    assert len(answers) >= 3
    for group, expected in made.items():
        assert [told for answer in answers for told in answer.values(group)] == as_told(expected)
    static = [group in _STATIC.values() for answer in answers for group, _ in answer.names()]
    for kind, group in _STATIC.items():
        assert [told for answer in answers for told in answer.values(group)] == tester.state(kind)
    assert not any(static[: static.index(True)])
    if answers[-1].control.confirm:
        assert tester.confirm(answers[-1]) == []
    tester.sequence = answers[-1].sequence
    assert tester.read(_CLASSES).is_null


def test_8_9_2_2_use_of_confirmation_in_fragmentation(tester: Tester) -> None:
    tester.power_cycle(max_events=2 * EVENTS_PER_KIND)
    fill(tester)
    answer = first_fragment(tester)
    assert tester.wait(3.0) == tester.wait(3.0) == []
    assert tester.confirm(answer) == [], "too late: the response has ended"
    assert tester.wait(3.0) == []
    again = first_fragment(tester)
    assert again.body == answer.body
    [second] = tester.confirm(again)
    assert (second.control.first, second.control.final, second.control.confirm) == (False, False, True)
    assert second.sequence == again.sequence + 1
    wrong = bytes((0xC0 | (second.sequence + 7) % 16, Function.CONFIRM))
    assert tester.fragment(wrong) == []
    assert tester.wait(3.0) == tester.wait(3.0) == []
    assert tester.confirm(second) == [], "the wrong confirmation did not count, and now it is too late"
    assert tester.wait(3.0) == []


def test_8_10_2_multi_drop_support(tester: Tester) -> None:
    tester.power_cycle()
    request = bytes.fromhex("C0 C1 01 3C 01 06")
    for _ in range(3):
        for neighbour in (OUTSTATION + 1, 7):
            assert tester.frame(UNCONFIRMED, request, destination=neighbour) == []
            assert tester.frame(0xC0, destination=neighbour) == []
            assert tester.frame(0x44, b"\xc0\xc1\x81\x00\x00", destination=MASTER, source=neighbour) == []
            assert tester.heard == [], "neither the request to a neighbour nor its answer is for us"
        made, _ = tester.generate(PointKind.BINARY_INPUT, 1)
        answer = tester.read(of_class(1).all)
        assert answer.values(2) == as_told(made)
        assert {frame.source for frame in tester.heard} == {OUTSTATION}
        assert tester.confirm(answer) == []
        assert tester.read(_CLASSES).is_null
