"""What a master's procedures ask, what they get, and what the state machine wants done. Frozen values only."""

from collections.abc import Generator
from dataclasses import dataclass

from protocols.dnp3.application import Function, Response
from protocols.dnp3.objects import ObjectHeader
from vppscada.model.batch import Batch
from vppscada.model.commands import CommandResult


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. Only reads are ever repeated. ``essential``: silence means that the outstation is gone."""

    function: Function
    body: bytes = b""
    retries: int = 0
    essential: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """The final fragment of a response. Wall times are UTC ms; ``now`` is monotonic seconds.

    ``events`` counts the event objects of all its fragments.
    """

    response: Response
    headers: tuple[ObjectHeader, ...]
    events: int
    sent_ms: int
    received_ms: int
    now: float


#: A procedure yields what it asks and is sent the reply, or None where none came in time.
Procedure = Generator[Ask, Reply | None, None]
#: As a procedure, ending with what became of a command.
CommandProcedure = Generator[Ask, Reply | None, CommandResult]


@dataclass(frozen=True, slots=True)
class Send:
    """Send this fragment."""

    fragment: bytes


@dataclass(frozen=True, slots=True)
class Confirm:
    """Send this confirmation, with ``after_settling`` only when every batch delivered so far is on disk."""

    fragment: bytes
    after_settling: bool


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand these readings to the listener."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class Started:
    """The start-up order is done."""


@dataclass(frozen=True, slots=True)
class AskLinkStatus:
    """Ask the peer's link layer whether it is there."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command has its result."""

    ticket: int
    result: CommandResult


@dataclass(frozen=True, slots=True)
class Lost:
    """The outstation is silent past its limit; end the connection."""

    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """Log this: an event name, past tense, and what there is to say about it."""

    event: str
    detail: str


Effect = Send | Confirm | Deliver | Started | AskLinkStatus | Finished | Lost | Note
