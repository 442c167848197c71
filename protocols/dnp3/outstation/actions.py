"""What goes into and comes out of an outstation's state machine."""

from dataclasses import dataclass

from protocols.dnp3.application import Function, Request
from vppscada.model.commands import Command

_WITH_RESPONSE: dict[int, Function] = {
    Function.DIRECT_OPERATE_NO_RESPONSE: Function.DIRECT_OPERATE,
    Function.IMMEDIATE_FREEZE_NO_RESPONSE: Function.IMMEDIATE_FREEZE,
    Function.FREEZE_CLEAR_NO_RESPONSE: Function.FREEZE_CLEAR,
    Function.FREEZE_AT_TIME_NO_RESPONSE: Function.FREEZE_AT_TIME,
}
#: What a broadcast cannot ask for, because it has no sense without an answer.
_NOT_BROADCAST = frozenset({Function.READ, Function.SELECT, Function.OPERATE, Function.DELAY_MEASURE})


@dataclass(frozen=True, slots=True)
class Send:
    """Send this fragment to the master."""

    fragment: bytes


@dataclass(frozen=True, slots=True)
class Execute:
    """Ask the handler about these commands, one after the other, and report to `OutstationCore.finish`."""

    ticket: int
    select: bool
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Restart:
    """The master asked for a restart; it has been answered already."""

    cold: bool


Action = Send | Execute | Restart


@dataclass(frozen=True, slots=True, eq=False)
class Asking:
    """A request, the function that it amounts to, and whether it gets no answer."""

    request: Request
    function: int
    silent: bool
    octets: bytes
    broadcast: bool = False

    @property
    def sequence(self) -> int:
        """The request's sequence number."""
        return self.request.control.sequence

    @property
    def can_be_broadcast(self) -> bool:
        """True for requests that can be served without an answer."""
        return self.function not in _NOT_BROADCAST


def asking_of(request: Request, octets: bytes, *, broadcast: bool = False) -> Asking:
    """Fold the functions without response into those with one."""
    function = _WITH_RESPONSE.get(request.function, request.function)
    return Asking(request, function, broadcast or function != request.function, octets, broadcast)
