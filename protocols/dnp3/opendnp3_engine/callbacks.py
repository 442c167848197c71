"""What opendnp3 calls, on its own threads. Nothing here may raise: an exception in a callback ends the process.

Everything of one response is gathered and handed to the event loop at once when its internal indications come, which
opendnp3 tells last: readings are judged by the indications that came with them, and one response is one hand-over.
"""

import asyncio
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import opendnp3
import structlog

from protocols.dnp3.application import Indication
from protocols.dnp3.opendnp3_engine.columns import Received, received_from
from protocols.dnp3.opendnp3_engine.commands import point_result
from protocols.dnp3.opendnp3_engine.results import PointResult

log = structlog.get_logger()

#: References that keep a command callback alive for good, see `CommandCallback`.
_KEPT: list["CommandCallback"] = []
_REFERENCES = 64


@dataclass(slots=True)
class Answer:
    """Everything that one response brought. A completion is (task type, result)."""

    indications: Indication = Indication.NONE
    unsolicited: bool = False
    readings: list[Received] = field(default_factory=list)
    completions: list[tuple[str, str]] = field(default_factory=list)
    command: PointResult | None = None


class Taker(Protocol):
    """Who takes it all, on the event loop."""

    def channel_changed(self, state: str) -> None:
        """The channel is OPENING, OPEN, CLOSED or SHUTDOWN."""

    def answered(self, answer: Answer) -> None:
        """A response came."""

    def failed(self, task: str, result: str) -> None:
        """A task ended without a response."""

    def command_failed(self, told: PointResult) -> None:
        """The command ended without a response."""

    def warned(self, message: str) -> None:
        """opendnp3 logs an error or a warning."""

    def broke(self, error: Exception) -> None:
        """One of the above raised."""


class Inbox:
    """Gathers on opendnp3's threads (one at a time for one channel) and hands over to the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, taker: Taker) -> None:
        self._loop = loop
        self._taker: Taker | None = taker
        self._answer = Answer()
        self.begun = False  # a task of ours has begun since this was last cleared
        self.begun_ms = 0  # when, UTC

    def close(self) -> None:
        """Nothing is handed over any more."""
        self._taker = None

    def flush(self, indications: Indication) -> None:
        """The indications of a response: everything of it has been told."""
        answer, self._answer = self._answer, Answer()
        answer.indications = indications
        self.post("answered", answer)

    @property
    def gathering(self) -> Answer:
        """The response that is being told."""
        return self._answer

    def post(self, what: str, *arguments: object) -> None:
        """Have a method of the taker called on the loop."""
        taker = self._taker
        if taker is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hand_over, what, arguments)

    def _hand_over(self, what: str, arguments: tuple[object, ...]) -> None:
        taker = self._taker
        if taker is None:
            return
        try:
            getattr(taker, what)(*arguments)
        except Exception as error:
            taker.broke(error)


def _quiet(callback: Callable[..., None]) -> Callable[..., None]:
    """A callback that cannot raise."""

    @functools.wraps(callback)
    def guarded(*arguments: object) -> None:
        try:
            callback(*arguments)
        except BaseException as error:
            _tell(callback.__name__, error)

    return guarded


def _tell(name: str, error: BaseException) -> None:
    try:
        log.error("opendnp3_callback_failed", callback=name, error=repr(error))
    except BaseException:
        return  # nobody is left to tell


class SoeHandler(opendnp3.ISOEHandler):  # type: ignore[misc]
    """Takes readings."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__()
        self._inbox = inbox

    @_quiet
    def BeginFragment(self, info: Any) -> None:  # noqa: N802
        """A fragment with objects begins."""
        self._inbox.gathering.unsolicited = info.unsolicited

    @_quiet
    def EndFragment(self, info: Any) -> None:  # noqa: N802
        """It ends; its indications follow."""

    @_quiet
    def Process(self, info: Any, values: Any) -> None:  # noqa: N802
        """Objects of one header."""
        self._inbox.gathering.readings += received_from(info, values)

    @_quiet
    def OnDeviceAttribute(self, *arguments: object) -> None:  # noqa: N802
        """Nothing asks for device attributes."""


class Application(opendnp3.IMasterApplication):  # type: ignore[misc]
    """Hears how tasks end, and knows the time."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__()
        self._inbox = inbox

    @_quiet
    def OnTaskStart(self, task: Any, number: object) -> None:  # noqa: N802
        """The request of a task leaves next."""
        if task.name == "USER_TASK":
            self._inbox.begun_ms = time.time_ns() // 1_000_000
            self._inbox.begun = True

    @_quiet
    def OnTaskComplete(self, info: Any) -> None:  # noqa: N802
        """A task ended: with a response, whose indications follow, or without."""
        result = info.result.name
        if result in ("SUCCESS", "FAILURE_BAD_RESPONSE"):
            self._inbox.gathering.completions.append((info.type.name, result))
        else:
            self._inbox.post("failed", info.type.name, result)

    @_quiet
    def OnReceiveIIN(self, iin: Any) -> None:  # noqa: N802
        """The last that is told of a response."""
        self._inbox.flush(Indication(iin.LSB | iin.MSB << 8))

    @_quiet
    def OnOpen(self) -> None:  # noqa: N802
        """The channel's state says it."""

    @_quiet
    def OnClose(self) -> None:  # noqa: N802
        """The channel's state says it."""

    def Now(self) -> object:  # noqa: N802
        """UTC; without this, opendnp3 writes the time 0."""
        return opendnp3.UTCTimestamp(time.time_ns() // 1_000_000)


class ChannelListener(opendnp3.IChannelListener):  # type: ignore[misc]
    """Hears of the connection."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__()
        self._inbox = inbox

    @_quiet
    def OnStateChange(self, state: Any) -> None:  # noqa: N802
        """The channel's state changed."""
        self._inbox.post("channel_changed", state.name)


class CommandCallback:
    """Takes the result of commands, one at a time, for a session as long as the process lives.

    Where the connection ends just as a command is handed over, the bindings drop their reference on a thread that
    does not hold the interpreter's lock. So the count of references must never come near zero, nor matter: each
    session has one callback, which is never freed.
    """

    def __init__(self) -> None:
        self.inbox: Inbox | None = None
        _KEPT.extend([self] * _REFERENCES)

    @_quiet
    def __call__(self, result: Any) -> None:
        """The one command that is out ended."""
        inbox = self.inbox
        if inbox is None:
            return
        told = point_result(result)
        if told.is_answer:
            inbox.gathering.command = told
        else:
            inbox.post("command_failed", told)
