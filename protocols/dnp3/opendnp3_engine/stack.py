"""opendnp3's objects of one connection life: channel, master, and what they call. Made and ended on the loop's thread.

The bindings hold the C++ side of a handler, not its Python side: a handler that Python has let go of is called all the
same, and that ends the process. So handlers stay referenced until long after the channel was shut down.
"""

import asyncio
from typing import Any

import opendnp3

from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.objects import build_restart_clear, build_time
from protocols.dnp3.opendnp3_engine.agenda import EVENT_CLASSES, Job
from protocols.dnp3.opendnp3_engine.callbacks import Application, ChannelListener, CommandCallback, Inbox, SoeHandler
from protocols.dnp3.opendnp3_engine.process import ManagerGone, add_channel, forget_channel
from protocols.dnp3.opendnp3_engine.results import START_TIMEOUT_S
from vppscada.model.sessions import SessionLost

#: Some outstations send larger fragments than the 2048 octets that the standard lets everybody expect.
MAX_RECEIVED_FRAGMENT = 0x10000
_PARK_S = 10.0
_parked: set["Stack"] = set()
_CLASS_DATA = 60


class Stack:
    """Channel and master."""

    def __init__(self, name: str, settings: Dnp3SessionSettings, inbox: Inbox, callback: CommandCallback) -> None:
        self._name = name
        self._settings = settings
        self._inbox = inbox
        self._callback = callback
        self._readings = SoeHandler(inbox)
        self._application = Application(inbox)
        self._listener = ChannelListener(inbox)
        self._channel: Any = None
        self._master: Any = None

    def open(self) -> None:
        """Make the channel and its master, and let it connect.

        Raises:
            SessionLost: opendnp3 makes none.
        """
        settings = self._settings
        try:
            self._channel = add_channel(self._name, settings.host, settings.port, self._listener, self._warned)
        except (ManagerGone, RuntimeError, ValueError) as error:
            raise SessionLost(f"no channel: {error}") from error
        self._callback.inbox = self._inbox
        self._master = self._channel.AddMaster(self._name, self._readings, self._application, _stack_config(settings))
        if self._master is None:
            raise SessionLost("opendnp3 makes no master: is its address taken?")
        self._master.Enable()

    def close(self) -> None:
        """End both. When this returns, nothing of them is called any more."""
        channel, self._channel, self._master = self._channel, None, None
        forget_channel(self._name)
        if channel is None:
            return
        channel.Shutdown()
        self._callback.inbox = None
        _parked.add(self)
        asyncio.get_running_loop().call_later(_PARK_S, _parked.discard, self)

    def ask(self, job: Job, classes: tuple[int, ...]) -> None:
        """Have one request sent; `Inbox` hears how it ends."""
        match job:
            case Job.CLEAR_RESTART:
                self._perform("clear restart", opendnp3.FunctionCode.WRITE, build_restart_clear())
            case Job.RECORD_TIME:
                self._perform("record time", opendnp3.FunctionCode.RECORD_CURRENT_TIME)
            case Job.WRITE_TIME:
                # the outstation noted when that request arrived, which is when it left
                time_object = build_time(50, 3, self._inbox.begun_ms)
                self._perform("write time", opendnp3.FunctionCode.WRITE, time_object)
            case Job.ENABLE_UNSOLICITED:
                headers = [opendnp3.Header.AllObjects(_CLASS_DATA, 1 + each) for each in EVENT_CLASSES]
                self._master.PerformFunction("enable unsolicited", opendnp3.FunctionCode.ENABLE_UNSOLICITED, headers)
            case Job.INTEGRITY:
                self._master.ScanClasses(opendnp3.ClassField.AllClasses(), self._readings)
            case Job.EVENTS:
                field = opendnp3.ClassField(False, *(each in classes for each in EVENT_CLASSES))
                self._master.ScanClasses(field, self._readings)

    def operate(self, body: Any, index: int, *, select_first: bool) -> None:
        """Have one command sent; `CommandCallback` hears how it ends."""
        self._inbox.begun = False
        send = self._master.SelectAndOperate if select_first else self._master.DirectOperate
        send(body, index, self._callback)

    def _perform(self, name: str, function: Any, octets: bytes = b"") -> None:
        headers = [opendnp3.Header.Raw(octets)] if octets else []
        self._master.PerformFunction(name, function, headers)

    def _warned(self, message: str) -> None:
        self._inbox.post("warned", message)


def _stack_config(settings: Dnp3SessionSettings) -> Any:
    config = opendnp3.MasterStackConfig()
    config.link.LocalAddr, config.link.RemoteAddr = settings.local_address, settings.remote_address
    config.link.KeepAliveTimeout = opendnp3.TimeDuration.Max()  # its failure would be told to nobody
    master = config.master
    master.responseTimeout = _duration(settings.response_timeout_s)
    master.taskStartTimeout = _duration(START_TIMEOUT_S)
    # what is not answered is asked again at once: `read_retries` says how often
    master.taskRetryPeriod = master.maxTaskRetryPeriod = _duration(0.001)
    master.maxRxFragSize = MAX_RECEIVED_FRAGMENT
    # the agenda does these, with hold-offs
    master.timeSyncMode = getattr(opendnp3.TimeSyncMode, "None")
    master.ignoreRestartIIN = True
    master.integrityOnEventOverflowIIN = False
    return config


def _duration(seconds: float) -> Any:
    return opendnp3.TimeDuration.Milliseconds(max(1, round(seconds * 1000)))
