"""Sessions to devices: the interface, the table of their states, and what they tell.

A session speaks device units both ways; scaling stands once on each side of it (the points
database on the way up, the control gate on the way down).
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from vppscada.model.batch import Batch
from vppscada.model.commands import Command, CommandResult
from vppscada.model.points import PointKind


class SessionState(StrEnum):
    """Where a session stands."""

    IDLE = "idle"
    CONNECTING = "connecting"
    STARTING = "starting"  # connected; the start-up order (integrity poll, identity, …) is under way
    ONLINE = "online"
    WAITING = "waiting"  # lost or refused; the supervisor waits before the next try
    STOPPED = "stopped"


class SessionInput(StrEnum):
    """What can happen to a session."""

    START = "start"
    CONNECTED = "connected"
    STARTED = "started"
    LOST = "lost"
    RETRY = "retry"
    STOP = "stop"


#: The whole state machine. A missing entry is a programming error, not an event to ignore.
SESSION_TABLE: dict[tuple[SessionState, SessionInput], SessionState] = {
    (SessionState.IDLE, SessionInput.START): SessionState.CONNECTING,
    (SessionState.CONNECTING, SessionInput.CONNECTED): SessionState.STARTING,
    (SessionState.CONNECTING, SessionInput.LOST): SessionState.WAITING,
    (SessionState.STARTING, SessionInput.STARTED): SessionState.ONLINE,
    (SessionState.STARTING, SessionInput.LOST): SessionState.WAITING,
    (SessionState.ONLINE, SessionInput.LOST): SessionState.WAITING,
    (SessionState.WAITING, SessionInput.RETRY): SessionState.CONNECTING,
    (SessionState.IDLE, SessionInput.STOP): SessionState.STOPPED,
    (SessionState.CONNECTING, SessionInput.STOP): SessionState.STOPPED,
    (SessionState.STARTING, SessionInput.STOP): SessionState.STOPPED,
    (SessionState.ONLINE, SessionInput.STOP): SessionState.STOPPED,
    (SessionState.WAITING, SessionInput.STOP): SessionState.STOPPED,
}


def next_state(state: SessionState, happened: SessionInput) -> SessionState:
    """Look up the table.

    Raises:
        KeyError: the table has no such entry.
    """
    return SESSION_TABLE[state, happened]


#: What the station tells of a session as points ``<session>.<name>``: kind, units and description by name. A session
#: has those that its driver counts. ``LAST_GOOD`` is worked out by the station: seconds since any of its counts rose.
#: So is ``CERTIFICATE``, from when the first certificate ends (seconds since 1970, UTC; 0 = there is none).
LAST_GOOD = "last_good_s"
CERTIFICATE = "certificate_days"
INDICATIONS = "iin"
SESSION_FIGURES: dict[str, tuple[PointKind, str, str]] = {
    "frames_received": (PointKind.COUNTER, "", "Frames, replies or notifications received"),
    "link_errors": (PointKind.COUNTER, "", "Frames received that were not sound, or fit no request"),
    "response_timeouts": (PointKind.COUNTER, "", "Requests that no answer came to in time"),
    "slow_responses": (PointKind.COUNTER, "", "Answers that took more than half of the time they may take"),
    "refusals": (PointKind.COUNTER, "", "Requests that the device refused"),
    "retries": (PointKind.COUNTER, "", "Requests and frames that were sent again"),
    INDICATIONS: (PointKind.ANALOG_INPUT, "", "Internal indications of the last response, first octet lowest"),
    LAST_GOOD: (PointKind.ANALOG_INPUT, "s", "Time since the device was last heard"),
    CERTIFICATE: (PointKind.ANALOG_INPUT, "d", "Until the first of ours and the device's certificates ends"),
}


class SessionLost(Exception):
    """The link is gone, the peer is silent past its limit, or it could not be reached."""


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """A session as the station sees it. Times are monotonic seconds."""

    name: str
    state: SessionState
    since: float
    reason: str = ""
    attempts: int = 0


class SessionListener(Protocol):
    """Who takes what a session brings."""

    def on_connected(self) -> None:
        """The transport is up; the start-up order begins."""

    def on_started(self) -> None:
        """The start-up order is done: every point of the session has been asked for once."""

    def on_batch(self, batch: Batch) -> None:
        """Take readings, in device units, at the rows that the session was given its points with. Must not block or
        raise.
        """

    async def settled(self) -> None:
        """Return when every batch handed over so far is on disk.

        A session awaits this before it acknowledges events to the device: what was acknowledged is on disk.
        """


class Session(Protocol):
    """One association with one device."""

    @property
    def name(self) -> str:
        """Name in the site file."""

    @property
    def statistics(self) -> Counter[str]:
        """Counts since the session was made; names in snake case, past tense (``frames_received``)."""

    async def run(self, listener: SessionListener) -> None:
        """Live through one connection: connect, start up, keep it until it is lost.

        Cancelling closes the connection. The one supervisor of the station runs it again after its
        backoff; a session never reconnects by itself.

        Raises:
            SessionLost: with the reason, whenever the connection ended or never came up.
        """

    async def select(self, command: Command) -> CommandResult:
        """Ask the device whether it would take this command. Nothing moves, whatever becomes of it.

        Where the protocol has a select and the command's mode is SBO, the device is asked and Accepted means that it
        has selected; the selection lapses by itself, since `operate` always selects anew (between the two, other
        requests may have ended it). Elsewhere nobody is asked: Accepted while connected. Bounds are those of `operate`.
        """

    async def operate(self, command: Command) -> CommandResult:
        """Send one command (with select first if its mode says so) and await what the device says.

        Never raises for anything a device or network does; never sends twice; a command that is past
        ``expires_at`` (by the session's monotonic clock) or finds no connection is NotSent.
        """
