"""The outstation's idea of time: our wall clock, and what the master's time writes say about it. No I/O, no clock."""

from typing import NamedTuple

from vppscada.model.quality import TimeQuality


class Moment(NamedTuple):
    """Now, on both clocks: monotonic seconds and UTC milliseconds of our wall clock."""

    monotonic: float
    wall_ms: int


class OutstationClock:
    """Wall clock plus the offset that the last time write gave. ``trusted`` leaves our clock as it is."""

    def __init__(self, *, trusted: bool, need_time_s: float) -> None:
        self._trusted = trusted
        self._need_time_s = need_time_s
        self._written_at: float | None = None
        self._recorded_wall_ms: int | None = None
        self.offset_ms = 0

    def needs_time(self, now: Moment) -> bool:
        """IIN1.4: no time was written yet, or the last one is older than its period."""
        if self._trusted:
            return False
        if self._written_at is None:
            return True
        return 0 < self._need_time_s <= now.monotonic - self._written_at

    def quality(self) -> TimeQuality:
        """How far times that we give ourselves can be trusted."""
        known = self._trusted or self._written_at is not None
        return TimeQuality.SYNCHRONISED if known else TimeQuality.UNSYNCHRONISED

    def time_ms(self, now: Moment) -> int:
        """The time that we tell the master."""
        return now.wall_ms + self.offset_ms

    def record(self, now: Moment) -> None:
        """The master said that its g50v3 will mean this moment."""
        self._recorded_wall_ms = now.wall_ms

    def write(self, time_ms: int, now: Moment) -> None:
        """g50v1: this is the time now."""
        self._set(time_ms - now.wall_ms, now)

    def write_recorded(self, time_ms: int, now: Moment) -> bool:
        """g50v3: this was the time when `record` was called. False if it never was."""
        if self._recorded_wall_ms is None:
            return False
        self._set(time_ms - self._recorded_wall_ms, now)
        self._recorded_wall_ms = None
        return True

    def _set(self, offset_ms: int, now: Moment) -> None:
        self._written_at = now.monotonic
        if not self._trusted:
            self.offset_ms = offset_ms
