"""What a master does next when nothing is outstanding: the start-up order first, then what is most pressing. Pure."""

from collections import deque

from protocols.dnp3.master.association import Association
from protocols.dnp3.master.exchange import Procedure
from protocols.dnp3.master.maintenance import freeze_periodically
from protocols.dnp3.master.procedures import START_UP, event_poll, integrity_poll, set_clock, synchronise_time


class Agenda:
    """Chooses procedures for one association."""

    def __init__(self, association: Association) -> None:
        self._association = association
        self._steps = deque(START_UP)

    @property
    def start_up_is_done(self) -> bool:
        """True when no step of the start-up order is left."""
        return not self._steps

    def next_procedure(self, now: float) -> Procedure | None:
        """The next procedure that is due; None if none is."""
        association = self._association
        if self._steps:
            return self._next_step(now)
        if association.is_due("restart", now):
            association.take("restart", now)
            association.reports.each("outstation_restarted", "starting up anew")
            self._steps.extend(START_UP)
            return self._next_step(now)
        if association.is_due("time", now) or association.is_due("resync", now):
            association.take("time", now)
            association.resynchronising(now)
            return synchronise_time(association)
        if association.is_due("freeze", now):
            association.freezing(now)
            return freeze_periodically(association)
        return self._next_poll(now)

    def _next_step(self, now: float) -> Procedure:
        step = self._steps.popleft()
        if step is set_clock and not self._association.clock_set:
            self._association.take("time", now)
        if not self._steps:
            # a bit that was not cleared by the steps must not begin them again at once
            self._association.take("restart", now)
            self._association.begin_polling(now)
        return step(self._association)

    def _next_poll(self, now: float) -> Procedure | None:
        association = self._association
        overflow = association.is_due("overflow", now)
        if overflow or association.is_due("integrity", now):
            if overflow:
                association.take("overflow", now)
                detail = "events were lost in the outstation; polling everything"
                association.reports.each("event_buffer_overflowed", detail)
            association.polling_everything(now)
            return integrity_poll(association)
        classes = association.due_classes(now)
        if not classes:
            return None
        association.polling_classes(classes, now)
        return event_poll(association, classes)
