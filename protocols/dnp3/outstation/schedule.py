"""Freezes that are still to come, in the device's time. No I/O, no clock."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]
_NEVER = np.iinfo(np.int64).max


class FreezeSchedule:
    """For each point (by row) the freeze that it was told last.

    Columns, so that no number of requests makes it slow.
    """

    def __init__(self, size: int) -> None:
        self._due_ms = np.full(size, _NEVER)
        self._interval_ms = np.zeros(size, dtype=np.int64)  # 0 = once
        self._begun = np.zeros(size, dtype=np.bool_)
        self._next_ms = _NEVER
        self._seen_ms = 0  # the latest time that was looked at

    def put(self, rows: Rows, due_ms: int, interval_ms: int) -> None:
        """Freeze these points at ``due_ms`` (UTC) and, with an interval, every so many ms after it."""
        self._due_ms[rows] = due_ms
        self._interval_ms[rows] = interval_ms
        self._begun[rows] = False
        self._next_ms = int(self._due_ms.min(initial=_NEVER))

    def next_ms(self) -> int | None:
        """When the next freeze is due; None if there is none."""
        return None if self._next_ms == _NEVER else self._next_ms

    def take_due(self, now_ms: int) -> Rows:
        """Points to freeze now. What was missed meanwhile is not made up for.

        Where the clock was set back, freezes that have begun go on within an interval.
        """
        if now_ms < self._seen_ms:
            self._follow_back(now_ms)
        self._seen_ms = now_ms
        if now_ms < self._next_ms:
            return np.empty(0, dtype=np.intp)
        rows: Rows = np.flatnonzero(self._due_ms <= now_ms)
        due, interval = self._due_ms[rows], self._interval_ms[rows]
        missed = (now_ms - due) // np.maximum(interval, 1)
        self._due_ms[rows] = np.where(interval > 0, due + (missed + 1) * interval, _NEVER)
        self._begun[rows] = True
        self._next_ms = int(self._due_ms.min(initial=_NEVER))
        return rows

    def _follow_back(self, now_ms: int) -> None:
        rows = np.flatnonzero(self._begun & (self._due_ms != _NEVER) & (self._due_ms - now_ms > self._interval_ms))
        interval = self._interval_ms[rows]
        self._due_ms[rows] -= (self._due_ms[rows] - now_ms - 1) // interval * interval
        self._next_ms = int(self._due_ms.min(initial=_NEVER))
