"""What all associations of an outstation share: its points and its clock. No I/O, no clock read.

Events arise here once and go to every association, which files them under its own classes.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.outstation.attributes import DeviceAttributes
from protocols.dnp3.outstation.clock import Moment, OutstationClock
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.points import NewEvents, PointTable, Rows, Values
from protocols.dnp3.outstation.schedule import FreezeSchedule
from vppscada.model.batch import Batch
from vppscada.model.errors import SettingFault, SettingFaults
from vppscada.model.points import PointKind, RowPoint


class EventTaker(Protocol):
    """An association as the device sees it."""

    def take_events(self, new: NewEvents) -> None:
        """Buffer those of the events whose points have a class here. The columns are the taker's to change."""


class Holder(Protocol):
    """The control requests of one association, as the device sees them."""

    def held_rows(self, now: float) -> frozenset[int]:
        """Outputs that its master has selected or is operating (monotonic seconds)."""


class Device:
    """Points and clock of one outstation, and the associations that are told of its events.

    `tick` the associations after whatever may have made events.
    """

    def __init__(self, settings: Dnp3OutstationSettings, points: Sequence[RowPoint]) -> None:
        """Raises SettingFaults where a setting names a point that is not there."""
        self.table = PointTable(points, freeze_events_on_change=settings.freeze_events_on_change)
        self.clock = OutstationClock(trusted=settings.trust_local_clock, need_time_s=settings.need_time_s)
        self.attributes = DeviceAttributes(settings.nameplate, self.table)
        self.schedule = FreezeSchedule(len(self.table.value))
        self._takers: list[EventTaker] = []
        self._holders: list[Holder] = []
        self._local_row = self._input("local_control_input", settings.local_control_input)
        self._trouble_row = self._input("device_trouble_input", settings.device_trouble_input)

    def _input(self, key: str, index: int) -> int | None:
        """The row of the binary input that a setting names; None for -1."""
        if index < 0:
            return None
        row = self.table.row_of.get((PointKind.BINARY_INPUT, index))
        if row is None:
            raise SettingFaults(
                [SettingFault(key, str(index), "the index of a binary input of this outstation, or -1")]
            )
        return row

    @property
    def is_local(self) -> bool:
        """True while the input that says so has every output under local control."""
        return self._local_row is not None and bool(self.table.value[self._local_row])

    @property
    def has_trouble(self) -> bool:
        """True while the input that says so reports trouble."""
        return self._trouble_row is not None and bool(self.table.value[self._trouble_row])

    def join(self, taker: EventTaker) -> None:
        """Events that arise from now on go to this association too."""
        self._takers.append(taker)

    def admit(self, holder: Holder) -> None:
        """Commands of this association's master are weighed against those of the others."""
        self._holders.append(holder)

    def held_by_others(self, holder: Holder, now: float) -> frozenset[int]:
        """Outputs that another master has selected or is operating."""
        return frozenset().union(*(other.held_rows(now) for other in self._holders if other is not holder))

    def update(self, batch: Batch) -> None:
        """Take new values; their events go to every association."""
        quality, offset_ms = self.clock.quality(), self.clock.offset_ms
        self.publish(self.table.update(batch, quality, with_events=bool(self._takers), offset_ms=offset_ms))

    def freeze(self, rows: Rows, now: Moment, *, clear: bool) -> None:
        """Freeze counters and analog inputs, now, and let counters begin at 0 again if ``clear``."""
        time_ms, quality = self.clock.time_ms(now), self.clock.quality()
        self.publish(self.table.freeze(rows, time_ms, quality))
        if clear:
            self.publish(self.table.clear(rows, time_ms, quality))

    def tick(self, now: Moment) -> None:
        """Freeze what is due."""
        rows = self.schedule.take_due(self.clock.time_ms(now))
        if len(rows):
            self.freeze(rows, now, clear=False)

    def deadline(self, now: Moment) -> float | None:
        """Monotonic time at which `tick` is due; None while nothing is scheduled."""
        next_ms = self.schedule.next_ms()
        return None if next_ms is None else now.monotonic + (next_ms - self.clock.time_ms(now)) / 1000

    def commanded(self, rows: Rows, value: Values, statuses: NDArray[np.uint8], now: Moment) -> None:
        """Commands were operated at outputs: what was asked (state or device units) and with which statuses."""
        time_ms, quality = self.clock.time_ms(now), self.clock.quality()
        self.publish(self.table.commanded(rows, value, statuses, time_ms, quality))

    def publish(self, new: NewEvents) -> None:
        """Give events to every association, each its own copy."""
        if len(new.events):
            for taker in self._takers:
                taker.take_events(new._replace(events=new.events.copy()))
