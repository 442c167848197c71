"""What a master knows of its outstation between requests, and what is due when. Pure."""

import math

from protocols.dnp3.application import Indication
from protocols.dnp3.master.config import Dnp3SessionSettings

_CLASS_BITS = {1: Indication.CLASS_1_EVENTS, 2: Indication.CLASS_2_EVENTS, 3: Indication.CLASS_3_EVENTS}
#: After a job, how long until the same indication may start it again: a bit that stays set must not make a loop.
_HOLD_OFF_S = {"restart": 10.0, "time": 60.0, "overflow": 10.0}
#: An outstation that announces events and gives none is asked again after this.
_EMPTY_POLL_HOLD_OFF_S = 1.0
#: Events of a class that the outstation may send by itself are polled only if they still wait after this.
_UNSOLICITED_GRACE_S = 5.0
EVENT_CLASSES = (1, 2, 3)


class Association:
    """Indications turned into jobs that are due, and the periods of the polls. Times are monotonic seconds."""

    def __init__(self, settings: Dnp3SessionSettings) -> None:
        self.settings = settings
        self.restarted = False
        self.clock_set = True
        self.unsolicited: tuple[int, ...] = ()  # classes that the outstation agreed to send by itself
        self._waiting: frozenset[int] = frozenset()
        self._noted = False  # the last indications held something
        self._due = dict.fromkeys(("restart", "time", "overflow", "events", "integrity"), math.inf)
        self._class_due = dict.fromkeys(EVENT_CLASSES, math.inf)
        self._not_before = dict.fromkeys(("restart", "time", "overflow", "events"), -math.inf)

    def begin_polling(self, now: float) -> None:
        """The start-up order is done: the periods of the polls count from here."""
        self._due["integrity"] = _after(now, self.settings.integrity_period_s)
        for event_class in EVENT_CLASSES:
            self._class_due[event_class] = _after(now, self.settings.class_period_s(event_class))

    def note(self, indications: Indication, now: float) -> None:
        """Take in the internal indications of a response."""
        if not indications and not self._noted:
            return
        self._noted = bool(indications)
        self.restarted = bool(indications & Indication.DEVICE_RESTART)
        self.clock_set = not indications & Indication.NEED_TIME
        self._set("restart", self.restarted, now)
        self._set("time", not self.clock_set and self.settings.time_sync != "none", now)
        self._set("overflow", bool(indications & Indication.EVENT_BUFFER_OVERFLOW), now)
        self._waiting = frozenset(c for c, bit in _CLASS_BITS.items() if indications & bit)
        grace = 0.0 if self._waiting - set(self.unsolicited) else _UNSOLICITED_GRACE_S
        self._set("events", bool(self._waiting), now + grace)

    def is_due(self, job: str, now: float) -> bool:
        """True if ``job`` (restart, time, overflow, events, integrity) is to be done now."""
        return self._due[job] <= now

    def take(self, job: str, now: float) -> None:
        """``job`` is being done."""
        self._due[job] = math.inf
        self._not_before[job] = now + _HOLD_OFF_S[job]

    def due_classes(self, now: float) -> tuple[int, ...]:
        """Event classes to be polled now: by their period, or because the outstation says that events wait."""
        announced = self._waiting if self.is_due("events", now) else frozenset()
        return tuple(c for c in EVENT_CLASSES if c in announced or self._class_due[c] <= now)

    def polling_classes(self, classes: tuple[int, ...], now: float) -> None:
        """These classes are being polled."""
        for event_class in classes:
            self._class_due[event_class] = _after(now, self.settings.class_period_s(event_class))
        self._due["events"] = math.inf

    def polled_classes(self, events: int, now: float) -> None:
        """A class poll brought so many events."""
        if events == 0 and self._waiting:
            self._not_before["events"] = now + _EMPTY_POLL_HOLD_OFF_S
            self._due["events"] = max(self._due["events"], self._not_before["events"])

    def polling_everything(self, now: float) -> None:
        """An integrity poll begins: all periods count anew."""
        self.begin_polling(now)
        self._due["events"] = math.inf

    def next_due(self) -> float:
        """When the next job is due; infinity if nothing is."""
        return min(*self._due.values(), *self._class_due.values())

    def _set(self, job: str, wanted: bool, now: float) -> None:
        if not wanted:
            self._due[job] = math.inf
        elif self._due[job] == math.inf:
            self._due[job] = max(now, self._not_before[job])


def _after(now: float, period_s: float) -> float:
    return now + period_s if period_s > 0 else math.inf
