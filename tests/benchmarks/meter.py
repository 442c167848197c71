"""Counting readings per second after a warm-up."""

import time

WARM_UP_S = 1.0


class Meter:
    """Counts for so many seconds, beginning when the warm-up is over."""

    def __init__(self, seconds: float) -> None:
        self._from = time.perf_counter() + WARM_UP_S
        self._until = self._from + seconds
        self._counted = 0
        self._first = 0.0
        self._last = 0.0

    def count(self, readings: int) -> None:
        """So many readings are where they belong."""
        now = time.perf_counter()
        if now < self._from:
            return
        if self._first:
            self._counted += readings
            self._last = now
        else:
            self._first = now

    @property
    def is_over(self) -> bool:
        """True when the time is up."""
        return time.perf_counter() >= self._until

    def rate(self) -> float:
        """Readings per second; 0 if none came."""
        return self._counted / (self._last - self._first) if self._last > self._first else 0.0
