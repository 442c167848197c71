"""What opendnp3 says of a command, in our four results."""

import pytest

from protocols.dnp3.application import Indication
from protocols.dnp3.opendnp3_engine.results import PointResult, life_needed_s, result_of
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    Command,
    CommandMode,
    CommandResult,
    CommandStatus,
    NotSent,
    Origin,
    Rejected,
    Unanswered,
)

DIRECT, SBO = CommandMode.DIRECT, CommandMode.SBO
TIMEOUT, CLOSED = "FAILURE_RESPONSE_TIMEOUT", "FAILURE_NO_COMMS"


def told(completion: str, state: str, status: CommandStatus = CommandStatus.UNDEFINED) -> PointResult:
    return PointResult(completion, state, int(status))


@pytest.mark.parametrize("mode", [DIRECT, SBO])
def test_only_a_status_of_success_is_accepted(mode: CommandMode) -> None:
    assert result_of(told("SUCCESS", "SUCCESS", CommandStatus.SUCCESS), mode, begun=True) == Accepted()
    refused = result_of(told("SUCCESS", "SUCCESS", CommandStatus.LOCAL), mode, begun=True)
    assert isinstance(refused, Rejected)
    assert refused.status is CommandStatus.LOCAL


def test_a_refused_select_is_rejected_with_its_status() -> None:
    result = result_of(told("SUCCESS", "SELECT_FAIL", CommandStatus.BLOCKED), SBO, begun=True)
    assert isinstance(result, Rejected)
    assert result.status is CommandStatus.BLOCKED


def test_a_status_that_nobody_knows_is_undefined() -> None:
    result = result_of(PointResult("SUCCESS", "SUCCESS", 77), DIRECT, begun=True)
    assert isinstance(result, Rejected)
    assert result.status is CommandStatus.UNDEFINED


@pytest.mark.parametrize(
    ("completion", "state", "mode", "begun", "kind"),
    [
        # nothing came back
        (TIMEOUT, "INIT", DIRECT, True, Unanswered),
        (TIMEOUT, "INIT", SBO, True, NotSent),  # only the select left
        (TIMEOUT, "SELECT_SUCCESS", SBO, True, Unanswered),
        (CLOSED, "INIT", DIRECT, True, Unanswered),
        (CLOSED, "INIT", DIRECT, False, NotSent),
        (CLOSED, "INIT", SBO, True, NotSent),
        (CLOSED, "SELECT_SUCCESS", SBO, True, Unanswered),
        ("FAILURE_START_TIMEOUT", "INIT", DIRECT, False, NotSent),
        ("FAILURE_MESSAGE_FORMAT_ERROR", "INIT", DIRECT, True, NotSent),
        # something came back that says nothing of the point, or something else than was asked
        ("SUCCESS", "INIT", DIRECT, True, Unanswered),
        ("SUCCESS", "SELECT_SUCCESS", SBO, True, Unanswered),
        ("SUCCESS", "OPERATE_FAIL", DIRECT, True, Unanswered),
        ("FAILURE_BAD_RESPONSE", "INIT", DIRECT, True, Unanswered),
        ("FAILURE_BAD_RESPONSE", "SELECT_SUCCESS", SBO, True, Unanswered),
        ("SUCCESS", "SELECT_MISMATCH", SBO, True, Rejected),
        ("SUCCESS", "INIT", SBO, True, Rejected),
    ],
)
def test_what_is_not_known_is_never_called_done(
    completion: str, state: str, mode: CommandMode, begun: bool, kind: type[CommandResult]
) -> None:
    assert isinstance(result_of(told(completion, state), mode, begun=begun), kind)


@pytest.mark.parametrize(
    ("indication", "status"),
    [
        (Indication.FUNCTION_NOT_SUPPORTED, CommandStatus.NOT_SUPPORTED),
        (Indication.OBJECT_UNKNOWN, CommandStatus.NOT_SUPPORTED),
        (Indication.PARAMETER_ERROR, CommandStatus.FORMAT_ERROR),
    ],
)
@pytest.mark.parametrize("state", ["INIT", "SUCCESS"])
def test_a_refusal_in_the_indications_is_rejected(indication: Indication, status: CommandStatus, state: str) -> None:
    answer = told("SUCCESS", state, CommandStatus.SUCCESS)
    result = result_of(answer, DIRECT, begun=True, indications=indication)
    assert isinstance(result, Rejected)
    assert result.status is status


def test_a_command_must_live_until_its_last_frame_has_left() -> None:
    commands = [Command(1, 0, AnalogValue(1.0), mode, Origin.OPERATOR, 0.0, 9.0) for mode in (DIRECT, SBO)]
    direct, sbo = (life_needed_s(command, 3.0) for command in commands)
    assert sbo == direct + 3.0
