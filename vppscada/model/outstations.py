"""Serving points to somebody else's master: the EMS, or (in simulation) our own."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import Batch
from vppscada.model.commands import Command, CommandStatus
from vppscada.model.quality import QualityColumn


class CommandHandler(Protocol):
    """Who decides on commands that a master sends to an outstation.

    Both are awaited, so that a select upstream can become a select downstream. They must not raise.
    """

    async def select(self, command: Command) -> CommandStatus:
        """Would this command be taken now? Nothing moves."""

    async def operate(self, command: Command) -> CommandStatus:
        """Carry it out (or start to). SUCCESS means taken, not done."""


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Buffered events in columns of equal length, oldest first.

    ``id`` rises strictly and is given by the outstation; ``kind`` numbers `EVENT_KIND_ORDER`;
    ``index`` is the point's index on the wire, so a change of the map does not renumber history.
    Values are device units. Of a command the value is what was asked and ``quality`` its status.
    ``texts`` maps ids of events of string points to the text (their value is NaN).
    """

    id: NDArray[np.int64]
    kind: NDArray[np.uint8]
    index: NDArray[np.uint32]
    event_class: NDArray[np.uint8]
    value: NDArray[np.float64]
    quality: QualityColumn
    time_ms: NDArray[np.int64]
    time_quality: NDArray[np.uint8]
    texts: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.id)


POINT_KIND_ORDER = (
    "binary_input",
    "double_bit_input",
    "analog_input",
    "counter",
    "binary_output",
    "analog_output",
    "string",
)
#: Meaning of `Events.kind`: position in this tuple. Stored on disk; append only.
EVENT_KIND_ORDER = (
    *POINT_KIND_ORDER,
    "frozen_counter",
    "frozen_analog_input",
    "binary_output_command",
    "analog_output_command",
)


class EventStore(Protocol):
    """Where an outstation keeps its unconfirmed events so that a crash loses none."""

    def load(self) -> Events:
        """Every event that was appended and not discarded, oldest first. Called once, at start."""

    async def append(self, events: Events) -> None:
        """Return when the events are on disk."""

    async def discard(self, ids: NDArray[np.int64]) -> None:
        """Forget events that the master confirmed, or that overflowed. Return when that is on disk."""


#: Makes the store of each master's events, by a name that is the master's within its outstation.
EventStores = Callable[[str], EventStore]


class Outstation(Protocol):
    """A server of points. Speaks device units; deadbands of its points are engineering units."""

    @property
    def statistics(self) -> Counter[str]:
        """Counts since it was made."""

    @property
    def port(self) -> int:
        """The TCP port it is bound to (useful where port 0 was asked for); 0 while not bound."""

    async def start(self) -> None:
        """Bind and listen.

        Raises:
            OSError: the address is taken or not ours.
        """

    async def stop(self) -> None:
        """Close every connection and the listener."""

    def update(self, batch: Batch) -> None:
        """New values of its points (``rows`` count its own list of points). Events arise here."""

    async def settled(self) -> None:
        """Return when every event made so far is on disk, and there is room for more where that is waited for.

        Whoever brings the values awaits this before it acknowledges them to their source.
        """
