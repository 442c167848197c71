"""Plant time: UTC as the plant's data sees it. In simulation it runs faster than the wall clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlantClock:
    """A line: plant time = ``plant_start_ms`` + (wall − ``wall_start_ms``) × ``speed``.

    Protocol timestamps are always wall-clock UTC; schedules, series, energy and ramps use plant time.
    The identity (a real plant) is ``PlantClock()``.
    """

    wall_start_ms: int = 0
    plant_start_ms: int = 0
    speed: float = 1.0

    def plant_ms(self, wall_ms: int) -> int:
        """Plant time at a wall-clock time, both UTC milliseconds."""
        return self.plant_start_ms + round((wall_ms - self.wall_start_ms) * self.speed)
