"""Did it happen? Four times of every command kept apart: commanded, acknowledged, echoed, measured.

Echoed and measured count only from readings received after the command left; what the device said before is
no answer. One slot per output point: a newer command takes the place of an older one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from vppscada.control.facts import ABSENT, Readings
from vppscada.control.verification_plan import Plan
from vppscada.model.batch import Rows, TimesMs, Values
from vppscada.model.changes import ChangeSet
from vppscada.model.commands import Verification
from vppscada.model.quality import QualityColumn, is_fit

Slots = NDArray[np.intp]

#: Share of a value that a conversion to 32-bit floats and back may cost.
_FLOAT_SHARE = 1e-6


class Stage(StrEnum):
    """What became known of a command; the words are states of a `CommandRecord`."""

    ECHOED = "echoed"
    MEASURED = "measured"
    NOT_ECHOED = "not_echoed"
    NOT_MEASURED = "not_measured"
    SUPERSEDED = "superseded"  # a newer command to the same point: nobody will know of this one


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that became known, or that did not in its time."""

    command_id: int
    row: int
    value: float
    stage: Stage
    after_s: float  # since it was commanded


def reached(
    value: Values,
    quality: QualityColumn,
    received_ms: TimesMs,
    wanted: Values,
    tolerance: Values,
    ceiling: NDArray[np.bool_],
    after_ms: TimesMs,
) -> NDArray[np.bool_]:
    """True where a fit reading received later than ``after_ms`` shows what was asked.

    Where ``ceiling``, what was asked is an upper limit and less is as good.
    """
    off = value - wanted
    room = np.maximum(tolerance, _FLOAT_SHARE * np.abs(wanted))
    near = np.where(ceiling, off <= room, np.abs(off) <= room)
    shown: NDArray[np.bool_] = near & is_fit(quality) & (received_ms > after_ms)
    return shown


class Tracker:
    """Follows the newest command of every output point in columns. Reads no clock."""

    def __init__(self, plan: Plan, readings: Readings) -> None:
        n = len(plan)
        self._plan = plan
        self._readings = readings
        self._id: NDArray[np.int64] = np.zeros(n, dtype=np.int64)
        self._active: NDArray[np.bool_] = np.zeros(n, dtype=np.bool_)
        self._wanted: Values = np.full(n, np.nan)
        self._echo_after_ms: TimesMs = np.zeros(n, dtype=np.int64)  # older readings are no answer
        self._measured_after_ms: TimesMs = np.zeros(n, dtype=np.int64)
        # monotonic seconds, NaN = not (yet) so
        self._commanded: Values = np.full(n, np.nan)
        self._acknowledged: Values = np.full(n, np.nan)
        self._echoed: Values = np.full(n, np.nan)
        self._measured: Values = np.full(n, np.nan)
        self._echo_open: NDArray[np.bool_] = np.zeros(n, dtype=np.bool_)
        self._measure_open: NDArray[np.bool_] = np.zeros(n, dtype=np.bool_)

    @property
    def open_commands(self) -> int:
        """How many commands are being followed."""
        return int(np.count_nonzero(self._active))

    def commanded(self, row: int, command_id: int, value: float, now: float, now_ms: int) -> Outcome | None:
        """A command is about to leave. Tells of an older one whose place it takes.

        Args:
            row: of the output point.
            command_id: number of the command.
            value: engineering units.
            now: monotonic seconds.
            now_ms: UTC, on the clock by which readings are stamped as received.
        """
        slot = self._plan.slot_of.get(row)
        if slot is None:
            return None
        older = self._outcomes(np.array([slot]), Stage.SUPERSEDED, now) if self._active[slot] else [None]
        self._id[slot], self._wanted[slot] = command_id, value
        self._commanded[slot] = now
        self._echo_after_ms[slot] = self._newest_before(self._plan.echo_row[slot], now_ms)
        self._measured_after_ms[slot] = self._newest_before(self._plan.measured_row[slot], now_ms)
        self._acknowledged[slot] = self._echoed[slot] = self._measured[slot] = np.nan
        self._echo_open[slot] = self._plan.echo_row[slot] != ABSENT
        self._measure_open[slot] = self._plan.measured_row[slot] != ABSENT
        self._settle(np.array([slot]))
        return older[0]

    def acknowledged(self, row: int, command_id: int, now: float) -> None:
        """The device said yes. Says nothing of its effect."""
        slot = self._slot(row, command_id)
        if slot is not None:
            self._acknowledged[slot] = now

    def dropped(self, row: int, command_id: int, left: bool) -> None:
        """There is no effect to wait for: the device refused it, or (not ``left``) it never got out."""
        slot = self._slot(row, command_id)
        if slot is None:
            return
        self._echo_open[slot] = self._measure_open[slot] = self._active[slot] = False
        if not left:
            self._commanded[slot] = np.nan

    def verification(self, row: int) -> Verification:
        """The four times of the newest command of a point."""
        slot = self._plan.slot_of.get(row)
        if slot is None:
            return Verification()
        times = (self._commanded[slot], self._acknowledged[slot], self._echoed[slot], self._measured[slot])
        return Verification(*(None if np.isnan(one) else float(one) for one in times))

    def observe(self, changes: ChangeSet, now: float) -> list[Outcome]:
        """What a change set shows of the commands that are followed."""
        if not self._active.any():
            return []
        return self._look(self._plan.slots_told_by(changes.rows), now)

    def expire(self, now: float) -> list[Outcome]:
        """What was renewed without change, and whose time is over."""
        slots = np.flatnonzero(self._active)
        outcomes = self._look(slots, now)
        age = now - self._commanded[slots]
        late_echo = slots[self._echo_open[slots] & (age > self._plan.echo_limit_s[slots])]
        late_measure = slots[self._measure_open[slots] & (age > self._plan.measured_limit_s[slots])]
        self._echo_open[late_echo] = False
        self._measure_open[late_measure] = False
        outcomes += self._outcomes(late_echo, Stage.NOT_ECHOED, now)
        outcomes += self._outcomes(late_measure, Stage.NOT_MEASURED, now)
        self._settle(slots)
        return outcomes

    def _newest_before(self, row: np.intp, now_ms: int) -> int:
        """The time of the last reading that cannot be an answer to a command leaving now.

        A reading of this very millisecond may be one, unless one of it is there already.
        """
        received = 0 if row == ABSENT else int(self._readings.received_time_ms[row])
        return received if received == now_ms else now_ms - 1

    def _slot(self, row: int, command_id: int) -> int | None:
        """The slot of a command that is still the newest of its point."""
        slot = self._plan.slot_of.get(row)
        return slot if slot is not None and self._id[slot] == command_id else None

    def _look(self, slots: Slots, now: float) -> list[Outcome]:
        slots = slots[self._active[slots]]
        plan = self._plan
        echoing = slots[self._echo_open[slots]]
        exact = np.zeros_like(plan.ceiling)
        echoed = echoing[self._shows(echoing, plan.echo_row, plan.echo_tolerance, exact, self._echo_after_ms)]
        measuring = slots[self._measure_open[slots]]
        measured = measuring[
            self._shows(measuring, plan.measured_row, plan.measured_tolerance, plan.ceiling, self._measured_after_ms)
        ]
        self._echoed[echoed], self._echo_open[echoed] = now, False
        self._measured[measured], self._measure_open[measured] = now, False
        self._settle(slots)
        return self._outcomes(echoed, Stage.ECHOED, now) + self._outcomes(measured, Stage.MEASURED, now)

    def _shows(
        self, slots: Slots, row: Rows, tolerance: Values, ceiling: NDArray[np.bool_], after_ms: TimesMs
    ) -> NDArray[np.bool_]:
        at = row[slots]
        readings = self._readings
        return reached(
            readings.value[at],
            readings.quality[at],
            readings.received_time_ms[at],
            self._wanted[slots],
            tolerance[slots],
            ceiling[slots],
            after_ms[slots],
        )

    def _settle(self, slots: Slots) -> None:
        """Stop following what nothing more can become known of."""
        self._active[slots] = self._echo_open[slots] | self._measure_open[slots]

    def _outcomes(self, slots: Sequence[int] | Slots, stage: Stage, now: float) -> list[Outcome]:
        return [
            Outcome(
                int(self._id[slot]),
                int(self._plan.row[slot]),
                float(self._wanted[slot]),
                stage,
                now - float(self._commanded[slot]),
            )
            for slot in slots
        ]
