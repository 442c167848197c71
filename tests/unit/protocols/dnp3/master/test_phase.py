"""Sessions stand at different places of one period, each always at its own."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.dnp3.application import Function
from protocols.dnp3.master.exchange import AskLinkStatus
from protocols.dnp3.master.phase import next_slot, phase_of
from tests.unit.protocols.dnp3.master.wire import INTEGRITY, started

_PERIODS = st.floats(0.05, 86_400.0)
_PHASES = st.floats(0.0, 1.0, exclude_max=True)


@given(now=st.floats(0.0, 1e7), period_s=_PERIODS, phase=_PHASES)
def test_the_next_slot_lies_ahead_and_no_more_than_a_period(now: float, period_s: float, phase: float) -> None:
    slot = next_slot(now, period_s, phase)
    assert now < slot <= now + period_s * 1.00001
    assert next_slot(slot, period_s, phase) == pytest.approx(slot + period_s)


@given(held_up=st.floats(0.0, 1e6), period_s=_PERIODS, phase=_PHASES)
def test_a_poll_that_comes_late_does_not_move_the_next_ones(held_up: float, period_s: float, phase: float) -> None:
    first, later = next_slot(0.0, period_s, phase), next_slot(held_up, period_s, phase)
    periods = (later - first) / period_s
    assert periods == pytest.approx(round(periods), abs=1e-4)


def test_a_period_of_nothing_has_no_slots() -> None:
    assert next_slot(5.0, 0.0, 0.5) == math.inf


def test_a_thousand_names_spread_over_the_period() -> None:
    slots = [next_slot(1000.0, 60.0, phase_of(f"site{n}")) for n in range(1000)]
    in_second = [sum(int(slot) == second for slot in slots) for second in range(1000, 1061)]
    assert max(in_second) < 40  # 17 if they were spread evenly; 1000 if they were not spread
    assert phase_of("site1") == phase_of("site1")


def test_two_sessions_that_start_together_poll_apart() -> None:
    first, second = started((), 0.25, integrity_period_s=60.0), started((), 0.75, integrity_period_s=60.0)
    first.wait(36.0)  # slots at 75, 135, …; it is a little after 100
    second.wait(36.0)  # 45, 105, 165
    first.expect(Function.READ, INTEGRITY).answer()
    second.expect(Function.READ, INTEGRITY).answer()
    assert first.master.next_deadline() == pytest.approx(195.0)
    assert second.master.next_deadline() == pytest.approx(165.0)


def test_sessions_that_are_silent_together_are_asked_apart_and_none_too_late() -> None:
    early, late = started((), 0.9, keepalive_s=16.0), started((), 0.0, keepalive_s=16.0)
    for wire in (early, late):
        wire.master.heard(wire.now)
        wire.wait(14.0)
    assert early.wants() == [AskLinkStatus()]
    assert late.wants() == []
    late.wait(2.1)
    assert late.wants() == [AskLinkStatus()]
