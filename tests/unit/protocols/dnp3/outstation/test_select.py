"""Select before operate: each check, in its order."""

import pytest

from protocols.dnp3.outstation.select import Selection, check_operate
from vppscada.model.commands import CommandStatus

OBJECTS = bytes.fromhex("0C0117010181052C0100009001000000")
SELECTED = Selection(sequence=15, objects=OBJECTS, at=100.0)


def test_an_operate_that_matches_its_select_in_time_may_go() -> None:
    assert check_operate(SELECTED, 0, OBJECTS, 110.0, 10.0) is CommandStatus.SUCCESS


@pytest.mark.parametrize(
    ("selection", "sequence", "objects", "now", "expected"),
    [
        (None, 0, OBJECTS, 100.0, CommandStatus.NO_SELECT),
        (SELECTED, 15, OBJECTS, 100.0, CommandStatus.NO_SELECT),
        (SELECTED, 1, OBJECTS, 100.0, CommandStatus.NO_SELECT),
        (SELECTED, 0, OBJECTS, 110.1, CommandStatus.TIMEOUT),
        (SELECTED, 0, OBJECTS[:-1] + b"\x01", 100.0, CommandStatus.NO_SELECT),
        (SELECTED, 0, OBJECTS + OBJECTS, 100.0, CommandStatus.NO_SELECT),
        (SELECTED, 0, b"", 100.0, CommandStatus.NO_SELECT),
        # a wrong sequence weighs more than the time, the time more than the objects
        (SELECTED, 3, OBJECTS, 200.0, CommandStatus.NO_SELECT),
        (SELECTED, 0, b"", 200.0, CommandStatus.TIMEOUT),
    ],
)
def test_an_operate_that_does_not_match_is_refused(
    selection: Selection | None, sequence: int, objects: bytes, now: float, expected: CommandStatus
) -> None:
    assert check_operate(selection, sequence, objects, now, 10.0) is expected
