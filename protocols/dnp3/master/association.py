"""What a master knows of its outstation between requests, and what is due when. Pure."""

import math
from collections.abc import Sequence

from protocols.dnp3.application import Indication
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.phase import next_slot
from protocols.dnp3.master.reports import Reports
from vppscada.model.points import Point

_CLASS_BITS = {1: Indication.CLASS_1_EVENTS, 2: Indication.CLASS_2_EVENTS, 3: Indication.CLASS_3_EVENTS}
#: Indications that nothing is to be done about, but that somebody should know of.
_TOLD = {
    Indication.LOCAL_CONTROL: ("local_control_indicated", "some outputs do not obey us"),
    Indication.DEVICE_TROUBLE: ("device_trouble_indicated", "the outstation is in trouble"),
    Indication.CONFIGURATION_CORRUPT: ("configuration_corrupt_indicated", "the outstation's configuration is corrupt"),
}
#: After a job, how long until the same indication may start it again: a bit that stays set must not make a loop.
_HOLD_OFF_S = {"restart": 10.0, "time": 60.0, "overflow": 10.0}
#: An outstation that announces events and gives none is asked again after this.
_EMPTY_POLL_HOLD_OFF_S = 1.0
#: Events of a class that the outstation may send by itself are polled only if they still wait after this.
_UNSOLICITED_GRACE_S = 5.0
#: Classes that were to come by themselves, and do not, are polled at this period if they have none of their own.
_INSTEAD_OF_UNSOLICITED_S = 10.0
EVENT_CLASSES = (1, 2, 3)


class Association:
    """Indications turned into jobs that are due, and the periods of the polls. Times are monotonic seconds.

    ``phase`` (0..1) places the periods of this session on the clock, see `phase.next_slot`.
    """

    def __init__(
        self, settings: Dnp3SessionSettings, reports: Reports, points: Sequence[Point] = (), phase: float = 0.0
    ) -> None:
        self.settings = settings
        self.reports = reports
        self.points = tuple(points)
        self.indications = Indication.NONE
        self.restarted = False
        self.clock_set = True
        self.unsolicited: tuple[int, ...] = ()  # classes that the outstation agreed to send by itself
        self._phase = phase
        self._asked_unsolicited = False
        self._waiting: frozenset[int] = frozenset()
        jobs = ("restart", "time", "resync", "overflow", "events", "integrity", "freeze")
        self._due = dict.fromkeys(jobs, math.inf)
        self._class_due = dict.fromkeys(EVENT_CLASSES, math.inf)
        self._not_before = dict.fromkeys(("restart", "time", "overflow", "events"), -math.inf)

    def begin_polling(self, now: float) -> None:
        """The start-up order is at its end: the polls that are needed from here on."""
        self._count_polls(now)
        self.resynchronising(now)
        self.freezing(now)

    def note(self, indications: Indication, now: float) -> None:
        """Take in the internal indications of a response."""
        before, self.indications = self.indications, indications
        if not indications and not before:
            return
        self.restarted = bool(indications & Indication.DEVICE_RESTART)
        self.clock_set = not indications & Indication.NEED_TIME
        self._set("restart", self.restarted, now)
        self._set("time", not self.clock_set and self.settings.time_sync != "none", now)
        self._set("overflow", bool(indications & Indication.EVENT_BUFFER_OVERFLOW), now)
        self._waiting = frozenset(c for c, bit in _CLASS_BITS.items() if indications & bit)
        grace = 0.0 if self._waiting - set(self.unsolicited) else _UNSOLICITED_GRACE_S
        self._set("events", bool(self._waiting), now + grace)
        for bit, (event, detail) in _TOLD.items():
            if indications & bit and not before & bit:
                self.reports.once(event, detail)

    def failed(self, step: str, why: str, consequence: str) -> None:
        """A procedure could not do what it was for."""
        self.reports.each("procedures_failed", f"{step}: {why}; {consequence}")

    def unsolicited_agreed(self, classes: tuple[int, ...]) -> None:
        """The outstation was asked to send events by itself, and will for these classes."""
        self._asked_unsolicited = True
        self.unsolicited = classes

    @property
    def announced(self) -> tuple[int, ...]:
        """Event classes in which events wait that do not come by themselves."""
        return tuple(sorted(self._waiting - set(self.unsolicited)))

    def is_due(self, job: str, now: float) -> bool:
        """True if ``job`` (restart, time, resync, overflow, events, integrity, freeze) is to be done now."""
        return self._due[job] <= now

    def take(self, job: str, now: float) -> None:
        """``job`` is being done."""
        self._due[job] = math.inf
        self._not_before[job] = now + _HOLD_OFF_S[job]

    def resynchronising(self, now: float) -> None:
        """The clock is being set: the next time that it is set unasked lies a period ahead."""
        wanted = self.settings.time_sync != "none"
        self._due["resync"] = self._slot(now, self.settings.time_sync_period_s) if wanted else math.inf

    def freezing(self, now: float) -> None:
        """Counters are being frozen."""
        self._due["freeze"] = self._slot(now, self.settings.freeze_period_s)

    def due_classes(self, now: float) -> tuple[int, ...]:
        """Event classes to be polled now: by their period, or because the outstation says that events wait."""
        announced = self._waiting if self.is_due("events", now) else frozenset()
        return tuple(c for c in EVENT_CLASSES if c in announced or self._class_due[c] <= now)

    def polling_classes(self, classes: tuple[int, ...], now: float) -> None:
        """These classes are being polled."""
        for event_class in classes:
            self._class_due[event_class] = self._slot(now, self._class_period_s(event_class))
        if self._waiting <= set(classes):
            self._due["events"] = math.inf

    def polled_classes(self, classes: tuple[int, ...], events: int, now: float) -> None:
        """A poll of these classes brought so many events that could be confirmed."""
        if events == 0 and self._waiting and self._waiting <= set(classes):
            self._not_before["events"] = now + _EMPTY_POLL_HOLD_OFF_S
            self._due["events"] = max(self._due["events"], self._not_before["events"])

    def polling_everything(self, now: float) -> None:
        """An integrity poll begins: nothing else has to be polled before its next turn."""
        self._count_polls(now)
        self._due["events"] = math.inf

    def next_due(self) -> float:
        """When the next job is due; infinity if nothing is."""
        return min(*self._due.values(), *self._class_due.values())

    def _count_polls(self, now: float) -> None:
        self._due["integrity"] = self._slot(now, self.settings.integrity_period_s)
        for event_class in EVENT_CLASSES:
            self._class_due[event_class] = self._slot(now, self._class_period_s(event_class))

    def _class_period_s(self, event_class: int) -> float:
        period_s = self.settings.class_period_s(event_class)
        refused = self._asked_unsolicited and event_class in set(self.settings.unsolicited) - set(self.unsolicited)
        return _INSTEAD_OF_UNSOLICITED_S if refused and period_s <= 0 else period_s

    def _slot(self, now: float, period_s: float) -> float:
        return next_slot(now, period_s, self._phase)

    def _set(self, job: str, wanted: bool, now: float) -> None:
        if not wanted:
            self._due[job] = math.inf
        elif self._due[job] == math.inf:
            self._due[job] = max(now, self._not_before[job])
