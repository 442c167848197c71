"""When an outstation speaks unasked (IEEE 1815, 4.6): holding, confirmation, retries and backoff. No I/O, no clock."""

from protocols.dnp3.application import next_sequence
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.events import EventBuffer

_LONGEST_BACKOFF_S = 60.0


class Unsolicited:
    """The unsolicited half of an association. At most one response is unconfirmed at a time."""

    def __init__(self, settings: Dnp3OutstationSettings) -> None:
        self._settings = settings
        self.enabled: frozenset[int] = frozenset()  # classes that the master enabled
        self.announced = False  # the first, empty response after our start has been confirmed
        self.sequence = 0
        self.in_flight: bytes | None = None
        self._classes: frozenset[int] = frozenset()
        self._deadline = 0.0
        self._sent = 0  # how often the response in flight went out
        self._failures = 0
        self._not_before = 0.0
        self._waiting_since: dict[int, float] = {}

    def wants_to_announce(self, now: float) -> bool:
        """True if the first, empty response has to go out."""
        idle = self._settings.unsolicited and self.in_flight is None
        return idle and not self.announced and now >= self._not_before

    def classes_due(self, buffer: EventBuffer, now: float) -> frozenset[int]:
        """Classes to report now: every enabled one with events, once one of them has been held long enough."""
        if not self._settings.unsolicited or self.in_flight is not None or not self.announced:
            return frozenset()
        waiting = self.enabled.intersection(buffer.classes_waiting())
        # noted even while backing off: the deadline is made of it
        self._waiting_since = {c: self._waiting_since.get(c, now) for c in waiting}
        if now < self._not_before:
            return frozenset()
        return waiting if any(self._is_due(c, buffer, now) for c in waiting) else frozenset()

    def sent(self, fragment: bytes, classes: frozenset[int], now: float) -> None:
        """A response with events of these classes went out."""
        self.in_flight = fragment
        self._classes = classes
        self._sent = 1
        self._deadline = now + self._settings.confirm_timeout_s

    def confirmed(self, sequence: int) -> bool:
        """The master confirmed an unsolicited response; False if it is not the one in flight."""
        if self.in_flight is None or sequence != self.sequence:
            return False
        self.announced = True
        self._failures = 0
        self._not_before = 0.0
        self._finish()
        return True

    def timed_out(self, now: float) -> bool:
        """True if the confirmation is overdue."""
        return self.in_flight is not None and now >= self._deadline

    def repeat(self, now: float) -> bytes | None:
        """The same response once more, octet for octet, so that the master knows it again; None to give up.

        The first, empty one is made anew each time: its indications must be true (procedure 8.11.2.1 of the
        conformance tests).
        """
        if not self.announced:
            return None
        used_up = self._sent > self._settings.unsolicited_retries
        if self.in_flight is None or used_up or not self._classes <= self.enabled:
            return None
        self._sent += 1
        self._deadline = now + self._settings.confirm_timeout_s
        return self.in_flight

    def give_up(self, now: float) -> None:
        """The series failed: the events wait, and the next series comes later and later, each with a new number."""
        self._failures += 1
        at_once = 0 if self.announced else self._settings.unsolicited_retries
        late = self._failures - at_once
        backoff = self._settings.confirm_timeout_s * 2 ** min(late - 1, 10) if late > 0 else 0.0
        self._not_before = now + min(backoff, _LONGEST_BACKOFF_S)
        self._finish()

    def interrupt(self) -> None:
        """Forget the response in flight, which is no failure: the master is there. The next one has a new number."""
        self._failures = 0
        self._not_before = 0.0
        self._finish()

    def reset(self) -> None:
        """The connection is new: nothing is in flight and nothing has failed. What the master enabled stays."""
        self._failures = 0
        self._not_before = 0.0
        if self.in_flight is not None:
            self._finish()

    def begin_anew(self) -> None:
        """A restart: nothing is enabled, and the first, empty response comes again."""
        self.reset()
        self.enabled = frozenset()
        self.announced = False

    def deadline(self) -> float | None:
        """When something here has to be looked at again (monotonic seconds)."""
        if self.in_flight is not None:
            return self._deadline
        if not self._settings.unsolicited:
            return None
        due = [since + self._settings.unsolicited_hold_s[c - 1] for c, since in self._waiting_since.items()]
        if not self.announced:
            due.append(self._not_before)
        return max(min(due), self._not_before) if due else None

    def _is_due(self, event_class: int, buffer: EventBuffer, now: float) -> bool:
        held = now - self._waiting_since[event_class]
        return (
            held >= self._settings.unsolicited_hold_s[event_class - 1]
            or buffer.count(event_class) >= self._settings.unsolicited_hold_events[event_class - 1]
        )

    def _finish(self) -> None:
        self.in_flight = None
        self.sequence = next_sequence(self.sequence)
        self._waiting_since.clear()
