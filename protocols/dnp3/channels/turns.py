"""Whose turn it is on a line that several share: one at a time, in the order of asking. Pure."""

from collections import deque
from collections.abc import Hashable


class Turns:
    """First come, first served; who has had its turn asks again and queues behind all the others."""

    def __init__(self) -> None:
        self._holder: Hashable | None = None
        self._waiting: deque[Hashable] = deque()

    @property
    def holder(self) -> Hashable | None:
        """Who has it; None if nobody does."""
        return self._holder

    def ask(self, who: Hashable) -> bool:
        """True if ``who`` has the turn (now, or since before); otherwise it waits. Asking twice is asking once."""
        if self._holder is None:
            self._holder = who
        if self._holder == who:
            return True
        if who not in self._waiting:
            self._waiting.append(who)
        return False

    def give_up(self, who: Hashable) -> Hashable | None:
        """``who`` wants it no more, whether it has it or waits for it. Whoever has it because of that, or None."""
        if who in self._waiting:
            self._waiting.remove(who)
        if self._holder != who:
            return None
        self._holder = self._waiting.popleft() if self._waiting else None
        return self._holder
