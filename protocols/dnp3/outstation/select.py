"""Select before operate as one value (IEEE 1815, 4.4.5): its checks run in the order in which they stand here."""

from dataclasses import dataclass

from protocols.dnp3.application import next_sequence
from vppscada.model.commands import CommandStatus


@dataclass(frozen=True, slots=True)
class Selection:
    """What was selected: the request's sequence number, its objects octet for octet, and when (monotonic seconds)."""

    sequence: int
    objects: bytes
    at: float


def check_operate(
    selection: Selection | None, sequence: int, objects: bytes, now: float, timeout_s: float
) -> CommandStatus:
    """May this operate follow that selection? SUCCESS, NO_SELECT or TIMEOUT.

    ``objects`` must equal the selected ones in every octet, headers and qualifiers included.
    """
    if selection is None:
        return CommandStatus.NO_SELECT
    if sequence != next_sequence(selection.sequence):
        return CommandStatus.NO_SELECT
    if now - selection.at > timeout_s:
        return CommandStatus.TIMEOUT
    if objects != selection.objects:
        return CommandStatus.NO_SELECT
    return CommandStatus.SUCCESS
