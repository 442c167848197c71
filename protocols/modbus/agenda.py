"""Which scan class is read next: by priority, and by how often it had to wait. Pure; times are seconds."""

from collections.abc import Sequence
from dataclasses import dataclass

from protocols.modbus.settings import ScanClass


@dataclass(slots=True)
class Turn:
    """A scan class and when its next scan is due (or, while one is under way, was due)."""

    scan_class: ScanClass
    due: float
    under_way: bool = False
    passed: int = 0  # scans of others that began while it wanted to be read

    def is_wanted(self, now: float) -> bool:
        """True while it has something to read."""
        return self.under_way or self.due <= now

    def rank(self) -> tuple[int, float]:
        """The lowest is read first. Each scan that went before counts as a step of priority: nobody is starved."""
        return self.scan_class.priority - self.passed, self.due

    def finish(self, now: float) -> bool:
        """A scan is complete; the next is due a period after this one was. True if that is past already."""
        self.under_way = False
        self.passed = 0
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
    return min(wanted, key=lambda i: turns[i].rank(), default=None)


def begin_turn(turns: Sequence[Turn], at: int, now: float) -> None:
    """A scan begins; the others that want to be read are passed over."""
    turns[at].under_way = True
    if len(turns) == 1:
        return
    for i, turn in enumerate(turns):
        if i != at and turn.is_wanted(now):
            turn.passed += 1


def rest_s(turns: Sequence[Turn], now: float) -> float:
    """Seconds until something is due."""
    return max(min((turn.due for turn in turns), default=now + 1.0) - now, 0.0)
