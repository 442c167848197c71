"""What is done to an outstation on somebody's order, or now and then: freezes, restarts, attributes, deadbands. Pure.

None of it is repeated where no answer comes: a freeze that clears, or a restart, is another one when done twice.
"""

from dataclasses import dataclass

from protocols.dnp3.addresses import FROZEN, address_of
from protocols.dnp3.application import NO_RESPONSE, REFUSALS, Function
from protocols.dnp3.master.association import Association
from protocols.dnp3.master.exchange import Ask, MaintenanceProcedure, Outcome, Procedure, Reply, Silent, Told
from protocols.dnp3.master.setting_up import write_deadbands
from protocols.dnp3.objects import ALL_ATTRIBUTES, ATTRIBUTE_GROUP, STANDARD_SET, AttributeValue, range_header
from protocols.dnp3.objects import all_objects as all_of
from vppscada.model.points import PointKind

_COUNTERS, _FROZEN_COUNTERS, _ANALOGS, _FROZEN_ANALOGS = 20, 21, 30, 31
_DELAY = 52


@dataclass(frozen=True, slots=True)
class Freeze:
    """Freeze all counters, and analog inputs where the map has frozen ones.

    With ``clear`` what is frozen begins at 0 again; without ``acknowledged`` the outstation does not answer.
    """

    clear: bool = False
    acknowledged: bool = True


@dataclass(frozen=True, slots=True)
class ColdRestart:
    """Restart the outstation as if its power had failed."""


@dataclass(frozen=True, slots=True)
class WarmRestart:
    """Restart the outstation's DNP3 application only."""


@dataclass(frozen=True, slots=True)
class ReadAttributes:
    """Read all device attributes (g0v254) of a set, 0..255; the standard one is 0."""

    of_set: int = STANDARD_SET


@dataclass(frozen=True, slots=True)
class WriteDeadbands:
    """Write the deadbands of the map and read them back."""


Task = Freeze | ColdRestart | WarmRestart | ReadAttributes | WriteDeadbands

_FREEZES = {
    (False, True): Function.IMMEDIATE_FREEZE,
    (True, True): Function.FREEZE_CLEAR,
    (False, False): Function.IMMEDIATE_FREEZE_NO_RESPONSE,
    (True, False): Function.FREEZE_CLEAR_NO_RESPONSE,
}


def perform(task: Task, association: Association) -> MaintenanceProcedure:
    """The procedure of a task."""
    match task:
        case Freeze():
            return freeze(association, task)
        case ColdRestart():
            return _ask(Ask(Function.COLD_RESTART))
        case WarmRestart():
            return _ask(Ask(Function.WARM_RESTART))
        case ReadAttributes():
            body = range_header(ATTRIBUTE_GROUP, ALL_ATTRIBUTES, task.of_set, task.of_set)
            return _ask(Ask(Function.READ, body, retries=association.settings.read_retries, whole=True))
        case WriteDeadbands():
            return write_deadbands(association)


def freeze(association: Association, task: Freeze) -> MaintenanceProcedure:
    """Freeze, then ask for what was frozen where the map has points for it."""
    groups = _frozen_groups(association)
    function = _FREEZES[task.clear, task.acknowledged]
    running = [_COUNTERS, *([_ANALOGS] if _FROZEN_ANALOGS in groups else [])]
    outcome = yield from _ask(Ask(function, b"".join(map(all_of, running))))
    refused = isinstance(outcome, Told) and bool(outcome.indications & REFUSALS)
    if groups and not refused:
        body = b"".join(map(all_of, groups))
        yield Ask(Function.READ, body, retries=association.settings.read_retries)
    return outcome


def freeze_periodically(association: Association) -> Procedure:
    """The freeze that comes with its period."""
    outcome = yield from freeze(association, Freeze(clear=association.settings.freeze_clear))
    if isinstance(outcome, Silent):
        association.failed("freeze", outcome.reason, "whether anything was frozen is not known")
    elif isinstance(outcome, Told) and outcome.indications & REFUSALS:
        association.failed("freeze", "refused", "nothing was frozen")


def _ask(ask: Ask) -> MaintenanceProcedure:
    reply = yield ask
    if reply is not None:
        return Told(reply.response.indications, delay_ms(reply), _attributes(reply))
    silent: Outcome = Silent("no answer was asked for" if ask.function in NO_RESPONSE else "no response")
    return silent


def _frozen_groups(association: Association) -> list[int]:
    kinds = {point.kind for point in association.points if address_of(point).source == FROZEN}
    groups = {PointKind.COUNTER: _FROZEN_COUNTERS, PointKind.ANALOG_INPUT: _FROZEN_ANALOGS}
    return [group for kind, group in groups.items() if kind in kinds]


def delay_ms(reply: Reply) -> int | None:
    """The delay (g52) that a response tells, in ms; None if it tells none."""
    for header in reply.headers:
        if header.group == _DELAY and header.count and header.records is not None:
            return int(header.records["delta"][0]) * (1000 if header.variation == 1 else 1)
    return None


def _attributes(reply: Reply) -> dict[int, AttributeValue]:
    return {one.variation: one.value for header in reply.headers for one in header.attributes}
