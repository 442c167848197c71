"""Counters, frozen counters and counter events: procedures 8.16.1.2.1 to 8.17.2.5."""

from protocols.dnp3.application import Function, Indication
from tests.conformance import events
from tests.conformance.events import of_kind
from tests.conformance.tester import RANGE_QUALIFIERS, Tester
from vppscada.model.points import PointKind

_KIND = PointKind.COUNTER
_EVENTS = of_kind(_KIND, 22, 2, 0, (1, 2))
_VARIATIONS, _FROZEN_VARIATIONS = {1, 2, 5, 6}, {1, 2, 9, 10}

State = list[tuple[int, float]]


def told(tester: Tester, group: int) -> State:
    """All counters (20) or frozen counters (21), in an allowed form."""
    answer = tester.read(f"{group:02X} 00 06")
    assert {name for name, _ in answer.names()} == {group}
    assert {v for _, v in answer.names()} <= (_VARIATIONS if group == 20 else _FROZEN_VARIATIONS)
    assert answer.qualifiers(group) <= RANGE_QUALIFIERS
    assert set(answer.flags(group)) == {0x01}
    return answer.values(group)


def test_8_16_1_2_1_device_does_not_have_binary_counters(tester: Tester) -> None:
    tester.power_cycle(_KIND)
    assert tester.read("14 00 06").is_null
    assert not tester.read("3C 01 06").values(20)


def test_8_16_1_2_2_device_responds_with_binary_counters(tester: Tester) -> None:
    before = told(tester, 20)
    made, _ = tester.generate(_KIND, 3)
    counts = [index for index, _ in before for one in made if one.index == index]
    assert told(tester, 20) == [(index, value + counts.count(index)) for index, value in before]


def test_8_16_1_2_3_device_supports_binary_counters_configurable_device(tester: Tester) -> None:
    tester.power_cycle(_KIND)
    answer = tester.read("14 00 06")
    assert answer.is_null
    assert not answer.has(Indication.FUNCTION_NOT_SUPPORTED)


def test_8_16_2_2_1_device_does_not_have_frozen_counters(tester: Tester) -> None:
    tester.power_cycle(_KIND)
    assert tester.read("15 00 06").is_null
    assert not tester.read("3C 01 06").values(21)


def freeze(tester: Tester, function: Function) -> None:
    """Freeze all counters; the functions without acknowledgement bring nothing."""
    if function in (Function.IMMEDIATE_FREEZE_NO_RESPONSE, Function.FREEZE_CLEAR_NO_RESPONSE):
        assert tester.send(function, "14 00 06") == []
        assert tester.heard == []
        assert tester.wait(1.0) == []
    else:
        answer = tester.ask(function, "14 00 06")
        assert answer.is_null
        assert not answer.has_any(Indication.FUNCTION_NOT_SUPPORTED | Indication.PARAMETER_ERROR)


def freezes(tester: Tester, function: Function) -> None:
    """Frozen values stay while the counters run, and follow with the next freeze."""
    for _ in range(2):
        freeze(tester, function)
        recorded = told(tester, 21)
        assert recorded == told(tester, 20)
        tester.generate(_KIND, 3)
        assert told(tester, 21) == recorded
        assert told(tester, 20) == tester.state(_KIND) != recorded


def freezes_and_clears(tester: Tester, function: Function) -> None:
    """As above, and every freeze lets the counters begin at zero: only what was counted since is told."""
    before = told(tester, 20)
    for _ in range(2):
        freeze(tester, function)
        cleared_at = dict(tester.state(_KIND))
        assert told(tester, 21) == before
        assert told(tester, 20) == [(index, 0.0) for index, _ in before]
        tester.generate(_KIND, 3)
        before = [(index, value - cleared_at[index]) for index, value in tester.state(_KIND)]
        assert sum(value for _, value in before) == 3
        assert told(tester, 20) == before


def test_8_16_2_2_2_binary_counter_freeze(tester: Tester) -> None:
    freezes(tester, Function.IMMEDIATE_FREEZE)


def test_8_16_2_2_3_binary_counter_freeze_and_clear(tester: Tester) -> None:
    freezes_and_clears(tester, Function.FREEZE_CLEAR)


def test_8_16_2_2_4_binary_counter_freeze_no_acknowledge(tester: Tester) -> None:
    freezes(tester, Function.IMMEDIATE_FREEZE_NO_RESPONSE)


def test_8_16_2_2_5_binary_counter_freeze_and_clear_no_acknowledge(tester: Tester) -> None:
    freezes_and_clears(tester, Function.FREEZE_CLEAR_NO_RESPONSE)


def test_8_17_2_1_device_does_not_support_binary_counter_events(tester: Tester) -> None:
    tester.power_cycle(_KIND)
    for variation in (0, 1, 2, 5, 6):
        assert tester.read(f"16 {variation:02X} 06").is_null
    assert tester.read("3C 03 06").is_null


def test_8_17_2_2_binary_counters_event_0x06(tester: Tester) -> None:
    events.read_all(tester, _EVENTS)


def test_8_17_2_3_binary_counters_event_0x07(tester: Tester) -> None:
    events.read_counted(tester, _EVENTS, 0x07)


def test_8_17_2_4_binary_counters_event_0x08(tester: Tester) -> None:
    events.read_counted(tester, _EVENTS, 0x08)


def test_8_17_2_5_binary_counters_event_without_confirm(tester: Tester) -> None:
    events.read_unconfirmed(tester, _EVENTS)
