"""What all associations of an outstation share: its points and its clock. No I/O, no clock read.

Events arise here once and go to every association, which files them under its own classes.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.outstation.clock import OutstationClock
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.events import EventArray
from protocols.dnp3.outstation.points import PointTable
from vppscada.model.batch import Batch
from vppscada.model.points import RowPoint


class EventTaker(Protocol):
    """An association as the device sees it."""

    def take_events(self, events: EventArray, rows: NDArray[np.intp]) -> None:
        """Buffer those of the events whose points (``rows``) have a class here."""


class Device:
    """Points and clock of one outstation, and the associations that are told of its events."""

    def __init__(self, settings: Dnp3OutstationSettings, points: Sequence[RowPoint]) -> None:
        self.table = PointTable(points)
        self.clock = OutstationClock(trusted=settings.trust_local_clock, need_time_s=settings.need_time_s)
        self._takers: list[EventTaker] = []

    def join(self, taker: EventTaker) -> None:
        """Events that arise from now on go to this association too."""
        self._takers.append(taker)

    def update(self, batch: Batch) -> None:
        """Take new values; their events go to every association. `tick` the associations afterwards."""
        quality, offset_ms = self.clock.quality(), self.clock.offset_ms
        self.publish(*self.table.update(batch, quality, with_events=bool(self._takers), offset_ms=offset_ms))

    def publish(self, events: EventArray, rows: NDArray[np.intp]) -> None:
        """Give events of the points at ``rows`` to every association, each its own copy."""
        if len(events):
            for taker in self._takers:
                taker.take_events(events.copy(), rows)
