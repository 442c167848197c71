"""What a master's procedures ask, what they get, and what the state machine wants done. Frozen values only."""

from collections.abc import Generator
from dataclasses import dataclass, field

from protocols.dnp3.application import Function, Indication, Response
from protocols.dnp3.objects import AttributeValue, ObjectHeader
from vppscada.model.batch import Batch
from vppscada.model.commands import CommandResult

#: Functions that do no more when they are done twice.
REPEATABLE = frozenset(
    {
        Function.READ,
        Function.WRITE,
        Function.ENABLE_UNSOLICITED,
        Function.DISABLE_UNSOLICITED,
        Function.ASSIGN_CLASS,
    }
)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. ``essential``: silence means that the outstation is gone.

    ``retries`` is how often it is repeated, with a sequence number of its own, if no answer comes. Only what
    does no more when done twice may have any. ``whole`` gives the reply the objects of its earlier fragments too,
    16 at most, where it otherwise has those of the final one.
    """

    function: Function
    body: bytes = b""
    retries: int = 0
    essential: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        if self.retries and self.function not in REPEATABLE:
            raise ValueError(f"{self.function.name} must not be repeated")


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """The final fragment of a response. Wall times are UTC ms; ``sent`` and ``now`` are monotonic seconds.

    ``events`` counts the event objects of those of its fragments that could be confirmed.
    """

    response: Response
    headers: tuple[ObjectHeader, ...]
    events: int
    sent_ms: int
    received_ms: int
    sent: float
    now: float


@dataclass(slots=True)
class Exchange:
    """The request that is outstanding."""

    ask: Ask
    sequence: int
    deadline: float
    sent_ms: int
    sent: float
    retries: int
    expected: int  # sequence of the next fragment of its response
    fragments: int = 0
    events: int = 0
    static_seen: bool = False
    kept: tuple[ObjectHeader, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What the outstation said to a maintenance procedure.

    Whether it did what was asked its indications tell. ``delay_ms`` is how long it said that its restart takes;
    ``attributes`` are its device attributes by variation; ``refused`` the points that did not take what was written.
    """

    indications: Indication
    delay_ms: int | None = None
    attributes: dict[int, AttributeValue] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Nothing of it left us."""

    reason: str


@dataclass(frozen=True, slots=True)
class Silent:
    """It was asked, wholly or in part, and no answer came (or none was asked for): it may or may not have happened."""

    reason: str


#: What became of a maintenance procedure. Three, never merged.
Outcome = Told | NotAsked | Silent

#: A procedure yields what it asks and is sent the reply, or None where none came in time.
Procedure = Generator[Ask, Reply | None, None]
#: As a procedure, ending with what became of each of its commands.
CommandProcedure = Generator[Ask, Reply | None, list[CommandResult]]
#: As a procedure, ending with what the outstation said.
MaintenanceProcedure = Generator[Ask, Reply | None, Outcome]
#: Part of a procedure: one question, and its reply.
Question = Generator[Ask, Reply | None, Reply | None]


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
class Answered:
    """A maintenance procedure has ended."""

    ticket: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Lost:
    """The outstation is silent past its limit; end the connection."""

    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """Log this: an event name, past tense, and what there is to say about it."""

    event: str
    detail: str


Effect = Send | Confirm | Deliver | Started | AskLinkStatus | Finished | Answered | Lost | Note
