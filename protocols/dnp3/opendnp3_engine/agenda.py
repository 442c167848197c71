"""What the session asks for next, once opendnp3 is done with its own start-up tasks. Pure.

opendnp3 would do restart, overflow and time by itself, each again with every response that still carries the
indication: an outstation that never clears a bit would be asked thousands of times a second. Here each has a hold-off.
"""

import math
from collections import deque
from enum import Enum, auto

from protocols.dnp3.application import Indication
from protocols.dnp3.master.config import Dnp3SessionSettings

_HOLD_OFF_S = {"restart": 10.0, "time": 60.0, "overflow": 10.0}
#: The outstation sends events by itself: they are polled only if they still wait after this.
_UNSOLICITED_GRACE_S = 5.0
EVENT_CLASSES = (1, 2, 3)
_CLASS_EVENTS = Indication.CLASS_1_EVENTS | Indication.CLASS_2_EVENTS | Indication.CLASS_3_EVENTS


class Job(Enum):
    """One request of ours."""

    CLEAR_RESTART = auto()
    ENABLE_UNSOLICITED = auto()
    RECORD_TIME = auto()
    WRITE_TIME = auto()
    INTEGRITY = auto()
    EVENTS = auto()

    @property
    def is_read(self) -> bool:
        """True for those that are asked again when no answer comes, and whose silence ends the session."""
        return self in (Job.INTEGRITY, Job.EVENTS)


class Agenda:
    """Indications and periods turned into jobs. Times are monotonic seconds."""

    def __init__(self, settings: Dnp3SessionSettings, now: float) -> None:
        self._settings = settings
        self._steps: deque[Job] = deque()
        self._bits = dict.fromkeys(_HOLD_OFF_S, False)
        self._not_before = dict.fromkeys(_HOLD_OFF_S, -math.inf)
        self._events_due = math.inf
        self._integrity_due = math.inf
        self._class_due = dict.fromkeys(EVENT_CLASSES, math.inf)
        self._heard_at = now
        self.classes: tuple[int, ...] = ()  # of the event poll that was last handed out
        self.clock_set = True
        self.started = False

    def note(self, indications: Indication, now: float) -> None:
        """A response came, with these internal indications."""
        self._heard_at = now
        self.clock_set = not indications & Indication.NEED_TIME
        self._bits["restart"] = bool(indications & Indication.DEVICE_RESTART)
        self._bits["time"] = not self.clock_set and self._settings.time_sync != "none"
        self._bits["overflow"] = bool(indications & Indication.EVENT_BUFFER_OVERFLOW)
        if not indications & _CLASS_EVENTS:
            self._events_due = math.inf
        elif self._events_due == math.inf:
            self._events_due = now + _UNSOLICITED_GRACE_S

    def start(self, now: float) -> None:
        """The start-up order is done: the periods count from here."""
        self.started = True
        self._count_periods_from(now)

    def doubt(self, now: float) -> None:
        """Something was not answered that need not be: find out at once whether anybody is there."""
        if self._settings.keepalive_s > 0:
            self._heard_at = min(self._heard_at, now - self._settings.keepalive_s)

    def next_job(self, now: float) -> Job | None:
        """The next job that is due; None if none is. Before `start`, only what belongs to the start-up order."""
        if not self._steps:
            self._plan_steps(now)
        if self._steps:
            return self._steps.popleft()
        if not self.started:
            return None
        if self._due("overflow", now):
            self._take("overflow", now)
            self._count_periods_from(now)
            return Job.INTEGRITY
        if self._integrity_due <= now:
            self._count_periods_from(now)
            return Job.INTEGRITY
        return self._event_poll(now)

    def succeeded(self, job: Job) -> None:
        """``job`` was done; what follows from it is next."""
        if job is Job.RECORD_TIME:
            self._steps.appendleft(Job.WRITE_TIME)

    def next_due(self) -> float:
        """When `next_job` is to be asked at the latest."""
        waiting = [self._not_before[name] for name, is_set in self._bits.items() if is_set]
        return min([self._events_due, self._integrity_due, self._silent_at(), *self._class_due.values(), *waiting])

    def _plan_steps(self, now: float) -> None:
        if self._due("restart", now):
            self._take("restart", now)
            # cleared before the poll, so that a second restart shows
            self._steps.extend((Job.CLEAR_RESTART, Job.INTEGRITY, Job.ENABLE_UNSOLICITED))
        elif self._due("time", now):
            self._take("time", now)
            self._steps.append(Job.RECORD_TIME)

    def _event_poll(self, now: float) -> Job | None:
        everything = self._events_due <= now or self._silent_at() <= now
        classes = tuple(c for c in EVENT_CLASSES if everything or self._class_due[c] <= now)
        if not classes:
            return None
        for event_class in classes:
            self._class_due[event_class] = _after(now, self._class_period_s(event_class))
        if everything:
            self._events_due = math.inf
            self._heard_at = now
        self.classes = classes
        return Job.EVENTS

    def _count_periods_from(self, now: float) -> None:
        self._integrity_due = _after(now, self._settings.integrity_period_s)
        for event_class in EVENT_CLASSES:
            self._class_due[event_class] = _after(now, self._class_period_s(event_class))

    def _class_period_s(self, event_class: int) -> float:
        return self._settings.class_period_s(event_class)

    def _silent_at(self) -> float:
        return _after(self._heard_at, self._settings.keepalive_s) if self.started else math.inf

    def _due(self, bit: str, now: float) -> bool:
        return self._bits[bit] and self._not_before[bit] <= now

    def _take(self, bit: str, now: float) -> None:
        self._not_before[bit] = now + _HOLD_OFF_S[bit]


def _after(now: float, period_s: float) -> float:
    return now + period_s if period_s > 0 else math.inf
