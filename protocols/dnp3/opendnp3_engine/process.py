"""The one opendnp3 manager of this process: made when first needed, shut down before the interpreter goes.

Only the thread of the event loop calls in here. A manager that is alive at the interpreter's exit hangs it, and adding
to one that was shut down kills the process: both are closed here.
"""

import atexit
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import opendnp3

_THREADS = 1  # callbacks need the interpreter's lock: more threads would only wait for it
_WARNINGS = opendnp3.flags.ERR.value | opendnp3.flags.WARN.value


class ManagerGone(Exception):
    """The process is on its way out: no more channels are made."""


class _Log(opendnp3.ILogHandler):  # type: ignore[misc]
    """Passes errors and warnings to whoever has the channel."""

    def log(self, module: object, name: str, level: object, location: str, message: str) -> None:
        """Called on opendnp3's threads: may not raise."""
        try:
            taker = _state.warned.get(name)
            if taker is not None:
                taker(message)
        except BaseException:
            return


@dataclass(slots=True)
class _State:
    """The manager, and who takes the warnings of which channel."""

    manager: Any = None
    log: _Log | None = None
    process: int = 0
    gone: bool = False
    warned: dict[str, Callable[[str], None]] = field(default_factory=dict)


_state = _State()


def add_channel(name: str, host: str, port: int, listener: Any, warned: Callable[[str], None]) -> Any:
    """A channel that connects once when a session on it is enabled; it never connects again by itself.

    Raises:
        ManagerGone: after `shut_down`, or in a forked child, where its threads are not.
    """
    never = opendnp3.TimeDuration.Minutes(60 * 24 * 365)
    retry = opendnp3.ChannelRetry(never, never)
    retry.reconnectDelay = never
    manager = _manager()
    _state.warned[name] = warned
    levels = opendnp3.LogLevels(_WARNINGS)
    return manager.AddTCPClient(name, levels, retry, [opendnp3.IPEndpoint(host, port)], "0.0.0.0", listener)


def forget_channel(name: str) -> None:
    """Nobody takes the warnings of this channel any more."""
    _state.warned.pop(name, None)


def shut_down() -> None:
    """End the manager and its threads. Safe to call more than once; never call it in a callback."""
    _state.gone = True
    if _state.manager is not None and _state.process == os.getpid():
        manager, _state.manager = _state.manager, None
        manager.Shutdown()


def _manager() -> Any:
    if _state.gone:
        raise ManagerGone("the opendnp3 manager was shut down")
    if _state.manager is None:
        _state.log, _state.process = _Log(), os.getpid()
        _state.manager = opendnp3.DNP3Manager(_THREADS, _state.log)
        atexit.register(shut_down)
    if _state.process != os.getpid():
        raise ManagerGone("opendnp3 does not live on in a forked process")
    return _state.manager
