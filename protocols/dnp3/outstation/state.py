"""What an association knows and indicates, and the requests that change only that. No I/O, no clock."""

from collections import Counter
from collections.abc import Callable, Sequence
from math import ceil

from protocols.dnp3.application import Function, Indication
from protocols.dnp3.link import BROADCAST_CONFIRM
from protocols.dnp3.objects import ObjectHeader, build_delay
from protocols.dnp3.outstation.clock import Moment
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.device import Device
from protocols.dnp3.outstation.events import EventBuffer
from protocols.dnp3.outstation.freeze import freeze, freeze_at_time
from protocols.dnp3.outstation.requests import assign_classes, classes_named, clears_restart, write
from protocols.dnp3.outstation.unsolicited import Unsolicited

_CLASS_BITS = {1: Indication.CLASS_1_EVENTS, 2: Indication.CLASS_2_EVENTS, 3: Indication.CLASS_3_EVENTS}
_LONGEST_FINE_MS = 0xFFFF

Answer = tuple[bytes, Indication]


class AssociationState:
    """Events, classes and indications of one association with a master; points and clock are the device's."""

    def __init__(
        self,
        settings: Dnp3OutstationSettings,
        device: Device,
        statistics: Counter[str],
        *,
        durable: bool,
    ) -> None:
        self.settings = settings
        self.statistics = statistics
        self._device = device
        self.table = device.table
        self.clock = device.clock
        self.event_class = device.table.event_class.copy()  # by row; the master may assign others
        self.buffer = EventBuffer(settings.max_events, durable=durable)
        self.unsolicited = Unsolicited(settings)
        self.broadcast: int | None = None  # destination of a broadcast that no response has told of yet
        self.store_fails = False  # events cannot be kept on disk
        self._restarted = True  # IIN1.7 until the master clears it
        self._plain: dict[int, Callable[[Sequence[ObjectHeader], Moment], Answer]] = {
            Function.WRITE: self._write,
            Function.ENABLE_UNSOLICITED: self._enable_unsolicited,
            Function.DISABLE_UNSOLICITED: self._disable_unsolicited,
            Function.IMMEDIATE_FREEZE: lambda headers, now: (b"", freeze(headers, device, now)),
            Function.FREEZE_CLEAR: lambda headers, now: (b"", freeze(headers, device, now, clear=True)),
            Function.FREEZE_AT_TIME: lambda headers, now: (b"", freeze_at_time(headers, device, now)),
            Function.ASSIGN_CLASS: lambda headers, _: (b"", assign_classes(headers, self.table, self.event_class)),
            Function.DELAY_MEASURE: lambda _, __: (build_delay(2, 0), Indication.NONE),
            Function.RECORD_CURRENT_TIME: self._record_time,
        }
        if settings.restart != "refuse":
            answer = (_restart_delay(settings.restart_time_s), Indication.NONE)
            self._plain[Function.COLD_RESTART] = self._plain[Function.WARM_RESTART] = lambda _, __: answer

    def begin_anew(self, *, cold: bool) -> None:
        """A restart of the association. Events stay; with ``cold``, the classes are those of the map again."""
        self._restarted = True
        self.unsolicited.begin_anew()
        if cold:
            self.event_class = self.table.event_class.copy()

    def indications(self, now: Moment) -> Indication:
        """The indications of a response that goes out now. Events that it carries are not "available" any more."""
        told = Indication.DEVICE_RESTART if self._restarted else Indication.NONE
        if self.clock.needs_time(now):
            told |= Indication.NEED_TIME
        if self.table.has_local_output or self._device.is_local:
            told |= Indication.LOCAL_CONTROL
        if self.store_fails or self._device.has_trouble:
            told |= Indication.DEVICE_TROUBLE
        if self.buffer.overflowed:
            told |= Indication.EVENT_BUFFER_OVERFLOW
        if self.broadcast is not None:
            told |= Indication.BROADCAST
        for event_class in self.buffer.classes_waiting():
            told |= _CLASS_BITS[event_class]
        return told

    @property
    def wants_broadcast_confirmed(self) -> bool:
        """True while a broadcast to 0xFFFE has not been confirmed: the next response asks for it."""
        return self.broadcast == BROADCAST_CONFIRM

    def is_plain(self, function: int) -> bool:
        """True for the functions that `apply` serves."""
        return function in self._plain

    def apply(self, function: int, headers: Sequence[ObjectHeader], now: Moment) -> Answer:
        """Serve a plain request: the objects of its answer, and what was wrong with it."""
        return self._plain[function](headers, now)

    def _write(self, headers: Sequence[ObjectHeader], now: Moment) -> Answer:
        refused = Indication.NONE
        for header in headers:
            if (header.group, header.variation) != (80, 1):
                refused |= write(header, self._device, now)
            elif clears_restart(header):
                self._restarted = False
            else:
                refused |= Indication.PARAMETER_ERROR
        return b"", refused

    def _enable_unsolicited(self, headers: Sequence[ObjectHeader], _: Moment) -> Answer:
        if not self.settings.unsolicited:
            return b"", Indication.FUNCTION_NOT_SUPPORTED
        named, refused = classes_named(headers)
        self.unsolicited.enabled |= named
        return b"", refused

    def _disable_unsolicited(self, headers: Sequence[ObjectHeader], _: Moment) -> Answer:
        if not self.settings.unsolicited:
            return b"", Indication.FUNCTION_NOT_SUPPORTED
        named, refused = classes_named(headers)
        self.unsolicited.enabled -= named
        return b"", refused

    def _record_time(self, _: Sequence[ObjectHeader], now: Moment) -> Answer:
        self.clock.record(now)
        return b"", Indication.NONE


def _restart_delay(seconds: float) -> bytes:
    """g52: fine (v2, milliseconds) as far as it reaches, then coarse (v1, seconds, rounded up)."""
    milliseconds = round(seconds * 1000)
    return build_delay(2, milliseconds) if milliseconds <= _LONGEST_FINE_MS else build_delay(1, ceil(seconds))
