"""What a master does, each as a generator that reads top to bottom: it yields a request and gets the reply. Pure."""

from collections.abc import Callable

from protocols.dnp3.application import REFUSALS, Function
from protocols.dnp3.master.association import EVENT_CLASSES, Association
from protocols.dnp3.master.exchange import Ask, Procedure, Question, Reply
from protocols.dnp3.master.maintenance import delay_ms
from protocols.dnp3.master.setting_up import assign_classes, write_deadbands
from protocols.dnp3.objects import all_objects, build_restart_clear, build_time

_CLASS_DATA = 60  # group whose variations 1..4 name class 0, 1, 2, 3


def clear_restart(association: Association) -> Procedure:
    """Tell the outstation that we know of its restart: before the poll, so that a second one shows."""
    if association.restarted:
        reply = yield from _ask(association, Function.WRITE, build_restart_clear())
        _check(association, reply, "clear restart", "another restart will not show until it is cleared")


def disable_unsolicited(association: Association) -> Procedure:
    """Keep the outstation quiet until everything has been asked for once (IEEE 1815, 5.1.1.1.2)."""
    association.unsolicited = ()
    reply = yield from _ask(association, Function.DISABLE_UNSOLICITED, _classes(EVENT_CLASSES))
    _check(association, reply, "disable unsolicited", "events may come before the states they change")


def set_up_classes(association: Association) -> Procedure:
    """Give the outstation the event classes of the map: before the poll, so that no change falls between."""
    if association.settings.assign_classes:
        yield from assign_classes(association)


def set_up_deadbands(association: Association) -> Procedure:
    """Give the outstation the deadbands of the map."""
    if association.settings.write_deadbands:
        yield from write_deadbands(association)


def integrity_poll(association: Association) -> Procedure:
    """Events first, then the state of everything."""
    body = _classes(EVENT_CLASSES) + all_objects(_CLASS_DATA, 1)
    reply = yield Ask(Function.READ, body, retries=association.settings.read_retries, essential=True)
    _check(association, reply, "integrity poll", "what it did not tell stays as it was")


def set_clock(association: Association) -> Procedure:
    """Set the outstation's clock if it asks for that, or if it is to be set in any case."""
    unasked = association.settings.time_sync_period_s > 0
    if association.settings.time_sync != "none" and (unasked or not association.clock_set):
        yield from synchronise_time(association)


def enable_unsolicited(association: Association) -> Procedure:
    """Let the outstation send events by itself, if the site wants that."""
    wanted = association.settings.unsolicited
    if not wanted:
        return
    reply = yield from _ask(association, Function.ENABLE_UNSOLICITED, _classes(wanted))
    good = _check(association, reply, "enable unsolicited", "events are polled")
    association.unsolicited_agreed(wanted if good else ())


def event_scan(association: Association) -> Procedure:
    """Fetch what was announced since the poll and does not come by itself."""
    if association.announced:
        yield from event_poll(association, association.announced)


#: The start-up order. Also run again when the outstation says that it restarted. The restart is cleared first where
#: it is known already; on a new connection it is the answer to the first request that tells of it, and that request is
#: the one to be quiet. Every step has retries of its own; all but the poll may fail, which is said with what it means.
START_UP: tuple[Callable[[Association], Procedure], ...] = (
    clear_restart,
    disable_unsolicited,
    clear_restart,
    set_up_classes,
    set_up_deadbands,
    integrity_poll,
    set_clock,
    enable_unsolicited,
    event_scan,
)


def event_poll(association: Association, classes: tuple[int, ...]) -> Procedure:
    """Ask for the events of some classes."""
    reply = yield Ask(Function.READ, _classes(classes), retries=association.settings.read_retries, essential=True)
    if reply is not None:
        association.polled_classes(classes, reply.events, reply.now)


def synchronise_time(association: Association) -> Procedure:
    """Set the outstation's clock. Where an answer is missing it is done anew, since time went on."""
    by = _synchronise_lan if association.settings.time_sync == "lan" else _synchronise_nonlan
    reply: Reply | None = None
    for _ in range(association.settings.step_retries + 1):
        reply = yield from by()
        if reply is not None:
            break
    good = _check(association, reply, "time synchronisation", "times of events are called unsynchronised")
    if good and not association.clock_set:
        association.reports.once("time_not_taken", "the clock was set and the outstation still needs time")


def _synchronise_lan() -> Question:
    """The outstation notes when a request arrives, then is told what time that was (IEEE 1815, 10.4)."""
    reply = yield Ask(Function.RECORD_CURRENT_TIME)
    if reply is None or reply.response.indications & REFUSALS:
        return reply
    return (yield Ask(Function.WRITE, build_time(50, 3, reply.sent_ms)))


def _synchronise_nonlan() -> Question:
    """The line's delay is measured first and added to the time that is written."""
    reply = yield Ask(Function.DELAY_MEASURE)
    if reply is None or reply.response.indications & REFUSALS:
        return reply
    both_ways_ms = (reply.now - reply.sent) * 1000.0 - (delay_ms(reply) or 0)
    one_way_ms = round(max(both_ways_ms, 0.0) / 2.0)
    return (yield Ask(Function.WRITE, build_time(50, 1, reply.received_ms + one_way_ms)))


def _ask(association: Association, function: Function, body: bytes) -> Question:
    return (yield Ask(function, body, retries=association.settings.step_retries))


def _check(association: Association, reply: Reply | None, step: str, consequence: str) -> bool:
    """True if the outstation did it; else it is said what that means."""
    why = refusal_told(reply)
    if why:
        association.failed(step, why, consequence)
    return not why


def refusal_told(reply: Reply | None) -> str:
    """Why a request was not done; empty if it was."""
    if reply is None:
        return "no response"
    refused = reply.response.indications & REFUSALS
    return (refused.name or "refused").lower().replace("_", " ") if refused else ""


def _classes(classes: tuple[int, ...]) -> bytes:
    return b"".join(all_objects(_CLASS_DATA, event_class + 1) for event_class in classes)
