"""What is remembered of a response while its master has to confirm it."""

from dataclasses import dataclass

from protocols.dnp3.outstation.read import ReadPlan


@dataclass(slots=True)
class Unconfirmed:
    """A response that waits for its confirmation, and what of it is still to be told."""

    sequence: int
    deadline: float
    has_events: bool
    rest: ReadPlan | None
    tells_broadcast: bool


@dataclass(frozen=True, slots=True, eq=False)
class Continuation:
    """What is left to be told of a response, and the sequence number of its next fragment."""

    sequence: int
    rest: ReadPlan
