"""Timers: what they remember, and what they say at a time. Pure; the time is an argument."""

from dataclasses import dataclass

from vppscada.model.quality import Quality

_ONLINE = int(Quality.ONLINE)


def combined(left: int, right: int) -> int:
    """`vppscada.model.quality.worst` of two single qualities."""
    return (left & right & _ONLINE) | ((left | right) & ~_ONLINE)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a timer knows of its input after a reading. Times are UTC milliseconds."""

    high: bool
    last: int  # quality of the last reading
    quality: int  # of what is known of the last change: the worst reading from just before it until now
    since_ms: int | None  # when the input became what it is; None: it has always been so
    rose_ms: int | None  # when the pulse began
    sure_ms: int  # since when every reading was the same, in value and quality


def taken(memory: Memory | None, high: bool, quality: int, now_ms: int, pulse_ms: int) -> Memory:
    """The memory after a reading. ``pulse_ms``: while a pulse of that length runs, a rise begins no other; 0: no pulse.

    Whether a pulse runs is as doubtful as what was seen for as long as one takes: a rise may have been missed.
    """
    if memory is None:
        # Nobody saw it rise: it counts from now, so that a restart never shortens a delay.
        return Memory(high, quality, quality, now_ms if high else None, None, now_ms)
    if high == memory.high:
        same = quality == memory.last
        return Memory(
            high,
            quality,
            combined(memory.quality, quality),
            memory.since_ms,
            memory.rose_ms,
            memory.sure_ms if same else now_ms,
        )
    running = memory.rose_ms is not None and now_ms < memory.rose_ms + pulse_ms
    rose_ms = now_ms if high and not running else memory.rose_ms
    sure = now_ms - memory.sure_ms >= pulse_ms
    known = combined(combined(memory.last, quality), memory.last if sure else memory.quality)
    return Memory(high, quality, known, now_ms, rose_ms, now_ms)


def output(function: str, duration_ms: int, memory: Memory, now_ms: int) -> tuple[float, int, int | None]:
    """Value, quality, and the next time at which it may change without a reading (None = never)."""
    sure = now_ms - memory.sure_ms >= duration_ms
    doubtful = memory.last if sure else combined(memory.quality, memory.last)
    settles_ms = None if sure or doubtful == memory.last else memory.sure_ms + duration_ms
    for_ms = duration_ms if memory.since_ms is None else now_ms - memory.since_ms
    if function == "elapsed":
        if not memory.high:
            return 0.0, memory.last, None
        return for_ms / 1000.0, combined(memory.quality, memory.last), now_ms + 1000
    if function == "pulse":
        end_ms = None if memory.rose_ms is None else memory.rose_ms + duration_ms
        if end_ms is None or now_ms >= end_ms:
            return 0.0, doubtful, settles_ms
        return 1.0, doubtful, end_ms
    waiting = function == "on_delay"  # an on-delay waits with a high input, an off-delay with a low one
    if memory.high is not waiting:
        return float(memory.high), memory.last, None
    done = for_ms >= duration_ms
    wake_ms = settles_ms if done or memory.since_ms is None else memory.since_ms + duration_ms
    return float(memory.high is done), doubtful, wake_ms
