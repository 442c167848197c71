"""What became of a command, from what opendnp3 says of it. Pure, without its types.

``summary == SUCCESS`` only says that a response came: what became of a command stands in its point's state and status.
"""

from dataclasses import dataclass

from protocols.dnp3.application import REFUSALS, Indication
from vppscada.model.commands import (
    Accepted,
    Command,
    CommandMode,
    CommandResult,
    CommandStatus,
    NotSent,
    Rejected,
    Unanswered,
)

#: A command that opendnp3 has not begun by then is given back as not sent.
START_TIMEOUT_S = 0.5
_STATUS_CODES = frozenset(int(status) for status in CommandStatus)


@dataclass(frozen=True, slots=True)
class PointResult:
    """What opendnp3 says of a command: the task's completion, and state and status of its one point."""

    completion: str
    state: str
    status: int

    @property
    def is_answer(self) -> bool:
        """True if it rests on a response, whose internal indications follow it."""
        return self.completion in ("SUCCESS", "FAILURE_BAD_RESPONSE")


def life_needed_s(command: Command, response_timeout_s: float) -> float:
    """How long a command must still live to be handed over: opendnp3 may use all of it before the last frame leaves."""
    return START_TIMEOUT_S + (response_timeout_s if command.mode is CommandMode.SBO else 0.0)


def result_of(
    told: PointResult, mode: CommandMode, *, begun: bool, indications: Indication = Indication.NONE
) -> CommandResult:
    """What became of a command. ``begun``: its first frame may have left."""
    select_only = mode is CommandMode.SBO and told.state in ("INIT", "SELECT_FAIL", "SELECT_MISMATCH")
    if told.is_answer:
        return _answered(told, indications, select_only=select_only)
    if select_only:
        return NotSent("select was not answered" if begun else _why(told))
    if not begun or told.completion in ("FAILURE_START_TIMEOUT", "FAILURE_MESSAGE_FORMAT_ERROR"):
        return NotSent(_why(told))
    return Unanswered("no response after operate" if "TIMEOUT" in told.completion else _why(told))


def _answered(told: PointResult, indications: Indication, *, select_only: bool) -> CommandResult:
    refused = _refused(indications)
    if told.state in ("SUCCESS", "SELECT_FAIL"):
        if told.status != CommandStatus.SUCCESS:
            status = CommandStatus(told.status) if told.status in _STATUS_CODES else CommandStatus.UNDEFINED
            return Rejected(status, f"status {status.name}")
        if told.state == "SUCCESS" and told.completion == "SUCCESS":
            return refused or Accepted()
    if refused is not None:
        return refused
    if select_only:
        return Rejected(CommandStatus.FORMAT_ERROR, "response to select does not repeat what was asked")
    return Unanswered("response does not repeat what was asked")


def _refused(indications: Indication) -> Rejected | None:
    if not indications & REFUSALS:
        return None
    if indications & Indication.PARAMETER_ERROR:
        return Rejected(CommandStatus.FORMAT_ERROR, "parameter error")
    return Rejected(CommandStatus.NOT_SUPPORTED, "function or object not supported")


def _why(told: PointResult) -> str:
    return told.completion.removeprefix("FAILURE_").replace("_", " ").lower()
