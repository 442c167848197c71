"""Which scan class is read next: by priority, and by how late it is. Pure; time is an argument, in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass

from protocols.modbus.settings import ScanClass


@dataclass(slots=True)
class Turn:
    """A scan class and when its next scan is due (or, while one is under way, was due)."""

    scan_class: ScanClass
    due: float
    under_way: bool = False

    def is_wanted(self, now: float) -> bool:
        """True while it has something to read."""
        return self.under_way or self.due <= now

    def rank(self, now: float) -> tuple[float, float]:
        """The lowest is read first. A whole period of delay counts as a step of priority, so that none is starved."""
        late_periods = (now - self.due) // max(self.scan_class.period_s, 1e-3)
        return self.scan_class.priority - late_periods, self.due

    def finish(self, now: float) -> bool:
        """A scan is complete; the next is due a period after this one was. True if that is past already."""
        self.under_way = False
        self.due += self.scan_class.period_s
        if self.due >= now:
            return False
        self.due = now
        return True


def next_turn(turns: Sequence[Turn], now: float) -> int | None:
    """The place of the one to be read now; None if none is due."""
    if len(turns) == 1:  # as most sessions have it
        return 0 if turns[0].is_wanted(now) else None
    wanted = [i for i, turn in enumerate(turns) if turn.is_wanted(now)]
    return min(wanted, key=lambda i: turns[i].rank(now), default=None)


def rest_s(turns: Sequence[Turn], now: float) -> float:
    """Seconds until something is due."""
    return max(min((turn.due for turn in turns), default=now + 1.0) - now, 0.0)
