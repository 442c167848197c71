"""Freezes that are still to come, in the device's time. No I/O, no clock."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]


@dataclass(slots=True)
class _Task:
    """Points to freeze together; ``interval_ms`` 0 = once. ``begun`` after the first time."""

    rows: Rows
    due_ms: int
    interval_ms: int
    begun: bool = False


class FreezeSchedule:
    """At most one task for each point: the last one that it was put into."""

    def __init__(self) -> None:
        self._tasks: list[_Task] = []

    def put(self, rows: Rows, due_ms: int, interval_ms: int) -> None:
        """Freeze these points at ``due_ms`` (UTC) and, with an interval, every so many ms after it."""
        for task in self._tasks:
            task.rows = task.rows[~np.isin(task.rows, rows)]
        self._tasks = [task for task in self._tasks if len(task.rows)]
        if len(rows):
            self._tasks.append(_Task(rows, due_ms, interval_ms))

    def next_ms(self) -> int | None:
        """When the next freeze is due; None if there is none."""
        return min((task.due_ms for task in self._tasks), default=None)

    def take_due(self, now_ms: int) -> list[Rows]:
        """Points to freeze now. What was missed meanwhile is not made up for.

        Where the clock was set back, freezes that have begun go on within an interval.
        """
        due: list[Rows] = []
        for task in self._tasks:
            if task.due_ms <= now_ms:
                due.append(task.rows)
                task.begun = True
                task.due_ms += _intervals(now_ms - task.due_ms, task.interval_ms) + task.interval_ms
            elif task.begun and task.due_ms - now_ms > task.interval_ms:
                task.due_ms -= _intervals(task.due_ms - now_ms - 1, task.interval_ms)
        self._tasks = [task for task in self._tasks if task.interval_ms or not task.begun]
        return due


def _intervals(span_ms: int, interval_ms: int) -> int:
    """The whole intervals in a span, in ms."""
    return span_ms - span_ms % interval_ms if interval_ms else 0
