"""What a point said over a time, from its recorded changes: a value holds until the next change. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.quality import is_fit

Column = NDArray[np.float64]
Times = NDArray[np.int64]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Values from rising times on (UTC ms, wall clock), until ``until_ms``; NaN = not known, or of bad quality."""

    time_ms: Times
    value: Column
    until_ms: int

    def means(self, edges_ms: Sequence[int]) -> tuple[Column, Column]:
        """Mean of the known value, and the share of the time in which it was known, between consecutive edges."""
        at = np.append(self.time_ms, self.until_ms).astype(np.float64)
        length = np.diff(at)
        known = ~np.isnan(self.value)
        integral = np.concatenate([[0.0], np.cumsum(np.where(known, self.value, 0.0) * length)])
        known_ms = np.concatenate([[0.0], np.cumsum(known * length)])
        edges = np.asarray(edges_ms, dtype=np.float64)
        summed, sure = np.diff(np.interp(edges, at, integral)), np.diff(np.interp(edges, at, known_ms))
        mean = np.where(sure > 0.0, summed / np.where(sure > 0.0, sure, 1.0), np.nan)
        return mean, sure / np.maximum(np.diff(edges), 1e-9)

    def unknown(self) -> list[Span]:
        """The times in which it was not known, joined where they touch."""
        ends = np.append(self.time_ms[1:], self.until_ms)
        spans: list[Span] = []
        for begin, end, value in zip(self.time_ms.tolist(), ends.tolist(), self.value.tolist(), strict=True):
            if not np.isnan(value) or begin >= end:
                continue
            if spans and spans[-1][1] == begin:
                spans[-1] = spans[-1][0], end
            else:
                spans.append((begin, end))
        return spans


def course(
    since_ms: int,
    until_ms: int,
    time_ms: Times,
    value: Column,
    quality: NDArray[np.uint16],
    down: Sequence[Span] = (),
) -> Course:
    """The course over a time.

    Args:
        since_ms: begin.
        until_ms: end, not before the begin.
        time_ms: of the recorded changes, oldest first; the last one before ``since_ms`` tells how it began.
        value: engineering units.
        quality: of each change.
        down: times in which nobody recorded: nothing is known in them, nor after them until the next change.
    """
    good = np.where(is_fit(quality), value, np.nan)
    order = np.argsort(time_ms, kind="stable")
    times, values = time_ms[order].tolist(), good[order].tolist()
    events = [(at, 1, value) for at, value in zip(times, values, strict=True)]
    events += [(begin, 0, float("nan")) for begin, _ in down]
    events.sort(key=lambda one: one[:2])
    before = [one for one in events if one[0] <= since_ms]
    inside = [one for one in events if since_ms < one[0] < until_ms]
    first = before[-1][2] if before else float("nan")
    return Course(
        np.array([since_ms, *(at for at, _, _ in inside)], dtype=np.int64),
        np.array([first, *(value for _, _, value in inside)], dtype=np.float64),
        until_ms,
    )


def pauses(runs: Sequence[Span], since_ms: int, until_ms: int) -> list[Span]:
    """The times between since and until in which no run of the station lasted."""
    found, at = [], since_ms
    for begin, end in sorted(runs):
        if begin > at:
            found.append((at, min(begin, until_ms)))
        at = max(at, end)
    if at < until_ms:
        found.append((at, until_ms))
    return [(begin, end) for begin, end in found if begin < end]


def without(span: Span, others: Sequence[Span]) -> list[Span]:
    """What is left of a time without some others, which rise and do not overlap."""
    left, at = [], span[0]
    for begin, end in others:
        if begin > at:
            left.append((at, min(begin, span[1])))
        at = max(at, end)
    left.append((at, span[1]))
    return [(begin, end) for begin, end in left if begin < end]
