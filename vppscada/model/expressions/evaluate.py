"""The value of an expression, with its quality and its time by rule.

Quality: a result is online only if everything that took part in it is, and carries every other bit of it. What a
choice passed over takes no part. ``good`` is a statement of the station about a quality and as such online.
Time: the latest of those that took part, trusted no more than the least trusted of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vppscada.model.expressions.functions import FUNCTIONS, OPERATORS
from vppscada.model.expressions.syntax import Call, Expression, Node, Number, Reference, Timer
from vppscada.model.expressions.timers import Memory, combined, output, taken
from vppscada.model.quality import UNFIT, Quality, TimeQuality

_WORKS = {**OPERATORS, **{name: function.work for name, function in FUNCTIONS.items()}}
_NO_ANSWER = int(Quality.OVER_RANGE)
_FIT_MASK = int(Quality.ONLINE | UNFIT)
_ONLINE = int(Quality.ONLINE)


class Reading(NamedTuple):
    """A value (engineering units), its quality, its time (UTC ms) and how far that time is trusted."""

    value: float
    quality: int
    time_ms: int
    time_quality: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result, what the timers remember for the next time, and when to work it out again at the latest."""

    reading: Reading
    memory: tuple[Memory | None, ...]
    wake_ms: int | None


#: Of what has no time of its own: it never makes a time later or less trusted.
_TIMELESS = (-(2**62), int(TimeQuality.SYNCHRONISED))


def evaluate(
    expression: Expression, readings: Sequence[Reading], memory: Sequence[Memory | None], now_ms: int
) -> Outcome:
    """Work it out. Never raises: where there is no answer (1/0), the value is NaN, OVER_RANGE and not online.

    Args:
        expression: what to work out.
        readings: of the points in `Expression.names`, in that order.
        memory: what the last outcome left; at first as many None as there are timers.
        now_ms: the time, UTC.
    """
    work = _Work(readings, memory, now_ms)
    result = work.of(expression.root)
    if result.time_ms == _TIMELESS[0]:
        result = result._replace(time_ms=now_ms)
    elif result.time_quality == TimeQuality.NONE:
        result = result._replace(time_ms=0)
    wake = min(work.wakes, default=None)
    return Outcome(result, tuple(work.memory), wake)


class _Work:
    def __init__(self, readings: Sequence[Reading], memory: Sequence[Memory | None], now_ms: int) -> None:
        self._readings = readings
        self.memory = list(memory)
        self.wakes: list[int] = []
        self._now_ms = now_ms

    def of(self, node: Node) -> Reading:
        match node:
            case Number(value):
                return Reading(value, _ONLINE, *_TIMELESS)
            case Reference(index):
                return self._readings[index]
            case Timer():
                return self._timer(node)
            case Call(function, arguments):
                # Every argument is worked out, chosen or not: timers in it must see their inputs.
                parts = [self.of(argument) for argument in arguments]
                return _called(function, parts)

    def _timer(self, node: Timer) -> Reading:
        source = self.of(node.argument)
        high = source.value != 0.0 and not math.isnan(source.value)
        pulse_ms = node.duration_ms if node.function == "pulse" else 0
        memory = taken(self.memory[node.index], high, source.quality, self._now_ms, pulse_ms)
        self.memory[node.index] = memory
        value, quality, wake_ms = output(node.function, node.duration_ms, memory, self._now_ms)
        if wake_ms is not None:
            self.wakes.append(wake_ms)
        return Reading(value, quality, self._now_ms, source.time_quality)


def _called(function: str, parts: list[Reading]) -> Reading:
    if function == "good":
        return Reading(float(_fit(parts[0])), _ONLINE, parts[0].time_ms, parts[0].time_quality)
    if function == "select":
        chosen = parts[1] if parts[0].value != 0.0 else parts[2]
        return _of_all([parts[0], chosen], chosen.value)
    if function == "first_good":
        chosen = next((part for part in parts if _fit(part)), parts[0])
        return chosen if _fit(chosen) else _of_all(parts, chosen.value)
    try:
        value = _WORKS[function]([part.value for part in parts])
    except (ArithmeticError, ValueError):
        value = math.nan
    return _of_all(parts, value)


def _fit(reading: Reading) -> bool:
    return reading.quality & _FIT_MASK == _ONLINE and not math.isnan(reading.value)


def _of_all(parts: Sequence[Reading], value: float) -> Reading:
    quality = parts[0].quality
    time_ms, time_quality = parts[0].time_ms, parts[0].time_quality
    for part in parts[1:]:
        quality = combined(quality, part.quality)
        time_ms, time_quality = max(time_ms, part.time_ms), min(time_quality, part.time_quality)
    if not math.isfinite(value) or any(math.isnan(part.value) for part in parts):
        return Reading(math.nan, (quality | _NO_ANSWER) & ~_ONLINE, time_ms, time_quality)
    return Reading(value, quality, time_ms, time_quality)
