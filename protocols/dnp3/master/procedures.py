"""What a master does, each as a generator that reads top to bottom: it yields a request and gets the reply. Pure."""

from collections.abc import Callable

from protocols.dnp3.application import REFUSALS, Function, Indication
from protocols.dnp3.master.association import EVENT_CLASSES, Association
from protocols.dnp3.master.exchange import Ask, CommandProcedure, Procedure, Reply
from protocols.dnp3.objects import (
    ValueBeyondVariation,
    all_objects,
    build_command,
    build_restart_clear,
    build_time,
    parse_headers,
)
from vppscada.model.commands import (
    Accepted,
    Command,
    CommandMode,
    CommandResult,
    CommandStatus,
    NotSent,
    Rejected,
    Unanswered,
)

_CLASS_DATA = 60  # group whose variations 1..4 name class 0, 1, 2, 3


def disable_unsolicited(association: Association) -> Procedure:
    """Keep the outstation quiet until everything has been asked for once (IEEE 1815, 5.1.1.1.2)."""
    association.unsolicited = ()
    yield Ask(Function.DISABLE_UNSOLICITED, _classes(EVENT_CLASSES))


def clear_restart(association: Association) -> Procedure:
    """Tell the outstation that we know of its restart: before the poll, so that a second one shows."""
    if association.restarted:
        yield Ask(Function.WRITE, build_restart_clear())


def integrity_poll(association: Association) -> Procedure:
    """Events first, then the state of everything."""
    body = _classes(EVENT_CLASSES) + all_objects(_CLASS_DATA, 1)
    yield Ask(Function.READ, body, retries=association.settings.read_retries, essential=True)


def enable_unsolicited(association: Association) -> Procedure:
    """Let the outstation send events by itself, if the site wants that."""
    wanted = association.settings.unsolicited
    if not wanted:
        return
    reply = yield Ask(Function.ENABLE_UNSOLICITED, _classes(wanted))
    if reply is not None and not reply.response.indications & REFUSALS:
        association.unsolicited = wanted


def synchronise_time(association: Association) -> Procedure:
    """Set the outstation's clock if it asks for that."""
    if association.clock_set:
        return
    match association.settings.time_sync:
        case "lan":
            yield from _synchronise_lan()
        case "nonlan":
            yield from _synchronise_nonlan()


#: The start-up order. Also run again when the outstation says that it restarted.
START_UP: tuple[Callable[[Association], Procedure], ...] = (
    disable_unsolicited,
    clear_restart,
    integrity_poll,
    enable_unsolicited,
    synchronise_time,
)


def event_poll(association: Association, classes: tuple[int, ...]) -> Procedure:
    """Ask for the events of some classes."""
    reply = yield Ask(Function.READ, _classes(classes), retries=association.settings.read_retries, essential=True)
    if reply is not None:
        association.polled_classes(reply.events, reply.now)


def carry_out(command: Command, index: int, variation: int) -> CommandProcedure:
    """One command, with select first if its mode says so. OPERATE leaves once and is never repeated."""
    try:
        body = build_command(index, command.body, variation)
    except ValueBeyondVariation as error:
        return Rejected(CommandStatus.OUT_OF_RANGE, str(error))
    if command.mode is CommandMode.DIRECT:
        return _operated(body, (yield Ask(Function.DIRECT_OPERATE, body)))
    reply = yield Ask(Function.SELECT, body)
    if reply is None:
        return NotSent("select was not answered")
    refusal = _refusal(body, reply)
    if refusal is not None:
        return refusal
    if reply.now >= command.expires_at:
        return NotSent("expired between select and operate")
    return _operated(body, (yield Ask(Function.OPERATE, body)))


def _operated(body: bytes, reply: Reply | None) -> CommandResult:
    if reply is None:
        return Unanswered("no response after operate")
    refusal = _refusal(body, reply)
    if refusal is None:
        return Accepted()
    if refusal.detail == _ECHO_DIFFERS:
        return Unanswered("response does not repeat what was asked")
    return refusal


_ECHO_DIFFERS = "echo differs"


def _refusal(body: bytes, reply: Reply) -> Rejected | None:
    """None if the response repeats the request octet by octet with success, else what the outstation says."""
    if reply.response.body == body and not reply.response.indications & REFUSALS:
        return None
    status = _status_told(body, reply)
    if status is not None:
        return Rejected(status, f"status {status.name}")
    indications = reply.response.indications
    if indications & (Indication.FUNCTION_NOT_SUPPORTED | Indication.OBJECT_UNKNOWN):
        return Rejected(CommandStatus.NOT_SUPPORTED, "function or object not supported")
    if indications & Indication.PARAMETER_ERROR:
        return Rejected(CommandStatus.FORMAT_ERROR, "parameter error")
    if indications & Indication.ALREADY_EXECUTING:
        return Rejected(CommandStatus.ALREADY_ACTIVE, "already executing")
    return Rejected(CommandStatus.FORMAT_ERROR, _ECHO_DIFFERS)


def _status_told(body: bytes, reply: Reply) -> CommandStatus | None:
    """The status other than success that the response gives for our own point; None if it gives none."""
    (asked,) = parse_headers(body, objects_follow=True)
    index = int(asked.indexes()[0])
    for header in reply.headers:
        if header.group == asked.group and header.records is not None and header.is_indexed:
            statuses = header.records["status"][header.indexes() == index].tolist()
            told = [status & 0x7F for status in statuses if status & 0x7F]
            if told:
                return CommandStatus(told[0]) if told[0] in _STATUS_CODES else CommandStatus.UNDEFINED
    return None


_STATUS_CODES = frozenset(int(status) for status in CommandStatus)


def _synchronise_lan() -> Procedure:
    """The outstation notes when a request arrives, then is told what time that was (IEEE 1815, 10.4)."""
    reply = yield Ask(Function.RECORD_CURRENT_TIME)
    if reply is not None and not reply.response.indications & REFUSALS:
        yield Ask(Function.WRITE, build_time(50, 3, reply.sent_ms))


def _synchronise_nonlan() -> Procedure:
    """The line's delay is measured first and added to the time that is written."""
    reply = yield Ask(Function.DELAY_MEASURE)
    if reply is None or reply.response.indications & REFUSALS:
        return
    delay_ms = (reply.received_ms - reply.sent_ms - _processing_ms(reply)) // 2
    yield Ask(Function.WRITE, build_time(50, 1, reply.received_ms + max(delay_ms, 0)))


def _processing_ms(reply: Reply) -> int:
    for header in reply.headers:
        if header.group == 52 and header.count and header.records is not None:
            return int(header.records["delta"][0]) * (1000 if header.variation == 1 else 1)
    return 0


def _classes(classes: tuple[int, ...]) -> bytes:
    return b"".join(all_objects(_CLASS_DATA, event_class + 1) for event_class in classes)
