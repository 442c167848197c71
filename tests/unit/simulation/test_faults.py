"""Faults in words and on a timetable."""

import pytest

from vppscada.simulation.faults import Fault, FaultKind, FaultTextError, active, parse_fault, parse_line


def test_a_fault_is_read_from_its_words() -> None:
    assert parse_fault("drop@30:10") == Fault(FaultKind.DROP, 30.0, 10.0)
    assert parse_fault("trip@2.5") == Fault(FaultKind.TRIP, 2.5)


@pytest.mark.parametrize("text", ["", "drop", "drop@", "melt@3", "drop@-1", "drop@3:0", "drop@3:x", "drop@nan", "@3"])
def test_what_is_no_fault_is_refused_with_the_form_it_should_have(text: str) -> None:
    with pytest.raises(FaultTextError, match="KIND@T"):
        parse_fault(text)


def test_a_fault_is_in_force_from_its_time_for_its_duration() -> None:
    faults = [Fault(FaultKind.DROP, 10.0, 5.0), Fault(FaultKind.LIE, 12.0)]
    assert active(faults, 9.9) == frozenset()
    assert active(faults, 10.0) == {FaultKind.DROP}
    assert active(faults, 14.0) == {FaultKind.DROP, FaultKind.LIE}
    assert active(faults, 15.0) == {FaultKind.LIE}


def test_a_line_adds_a_fault_from_now_and_clear_ends_all() -> None:
    faults = parse_line("fault hang 3\n", [], 7.0)
    assert faults == (Fault(FaultKind.HANG, 7.0, 3.0),)
    assert parse_line("clear\n", faults, 8.0) == ()


@pytest.mark.parametrize("line", ["", "fault", "fault melt", "trip", "fault drop 1 2"])
def test_a_line_that_is_neither_is_refused(line: str) -> None:
    with pytest.raises(FaultTextError):
        parse_line(line, [], 0.0)
