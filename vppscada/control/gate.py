"""May this command go out? Pure: every fact and the time are arguments, and no value is ever altered."""

import math
from dataclasses import dataclass
from enum import Flag, StrEnum, auto

from vppscada.model.commands import CommandStatus, Origin
from vppscada.model.points import Point, PointKind, Role

#: Share of a limit that is rounding and not a wish to exceed it.
_ROUNDING = 1e-9


class Reason(StrEnum):
    """Why a command does not go out."""

    SHADOW = "shadow"
    UNKNOWN_POINT = "unknown_point"
    NOT_AN_OUTPUT = "not_an_output"
    NO_SESSION = "no_session"
    DISABLED = "disabled"
    NOT_WRITABLE = "not_writable"
    NOT_FINITE = "not_finite"
    NOT_BINARY = "not_binary"
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"
    BELOW_ASSET_LIMIT = "below_asset_limit"
    ABOVE_ASSET_LIMIT = "above_asset_limit"
    EXPIRED = "expired"
    OFFLINE = "offline"
    TELEMETRY_UNFIT = "telemetry_unfit"
    NOT_REMOTE = "not_remote"
    FAULT = "fault"
    TOO_SOON = "too_soon"
    BUSY = "busy"
    JOURNAL = "journal"

    @property
    def status(self) -> CommandStatus:
        """What a master that asked is answered."""
        return _STATUS[self]


_STATUS = {
    Reason.SHADOW: CommandStatus.AUTOMATION_INHIBIT,
    Reason.UNKNOWN_POINT: CommandStatus.NOT_SUPPORTED,
    Reason.NOT_AN_OUTPUT: CommandStatus.NOT_SUPPORTED,
    Reason.NO_SESSION: CommandStatus.NOT_SUPPORTED,
    Reason.DISABLED: CommandStatus.NOT_SUPPORTED,
    Reason.NOT_WRITABLE: CommandStatus.NOT_AUTHORIZED,
    Reason.NOT_FINITE: CommandStatus.OUT_OF_RANGE,
    Reason.NOT_BINARY: CommandStatus.OUT_OF_RANGE,
    Reason.BELOW_MINIMUM: CommandStatus.OUT_OF_RANGE,
    Reason.ABOVE_MAXIMUM: CommandStatus.OUT_OF_RANGE,
    Reason.BELOW_ASSET_LIMIT: CommandStatus.OUT_OF_RANGE,
    Reason.ABOVE_ASSET_LIMIT: CommandStatus.OUT_OF_RANGE,
    Reason.EXPIRED: CommandStatus.TIMEOUT,
    Reason.OFFLINE: CommandStatus.DOWNSTREAM_FAIL,
    Reason.TELEMETRY_UNFIT: CommandStatus.AUTOMATION_INHIBIT,
    Reason.NOT_REMOTE: CommandStatus.DOWNSTREAM_LOCAL,
    Reason.FAULT: CommandStatus.BLOCKED,
    Reason.TOO_SOON: CommandStatus.PROCESSING_LIMITED,
    Reason.BUSY: CommandStatus.ALREADY_ACTIVE,
    Reason.JOURNAL: CommandStatus.HARDWARE_ERROR,
}


class Interlock(Flag):
    """What must be so of the asset before a command goes out."""

    NONE = 0
    TELEMETRY = auto()  # its active power is measured and fit
    REMOTE = auto()  # it says that it obeys us
    NO_FAULT = auto()  # it says that it is not tripped
    PACE = auto()  # the point was not commanded a moment ago
    ALL = TELEMETRY | REMOTE | NO_FAULT | PACE


#: Interlocks by role; what is not named here (mode, enable, …) brings nothing into motion by itself.
_INTERLOCKS = {
    Role.SETPOINT: Interlock.ALL,
    Role.REACTIVE_SETPOINT: Interlock.ALL,
    Role.START_STOP: Interlock.ALL,
    Role.BREAKER_COMMAND: Interlock.ALL,
    Role.FAULT_RESET: Interlock.REMOTE | Interlock.PACE,
    Role.HEARTBEAT: Interlock.NONE,
}
_STOPPING = frozenset({Role.START_STOP, Role.BREAKER_COMMAND})


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """What is asked. The value is in engineering units; times are monotonic seconds."""

    row: int
    value: float
    origin: Origin
    reason: str
    issued_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the asset now. Where its map has no such point the fact is as its maker says."""

    has_session: bool
    online: bool
    telemetry_fit: bool
    remote: bool
    fault: bool  # also True where the fault point cannot be read
    last_command_at: float | None = None  # of this point
    in_shadow: bool = False  # the plant commands nobody, whoever asks


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits beside the point's own: of the asset (MW, for setpoints), and of the pace."""

    lowest: float = -math.inf
    highest: float = math.inf
    minimum_interval_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Permitted:
    """The command may go out, with exactly the value that was asked."""

    value: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The command does not go out; nothing has left."""

    reason: Reason
    words: str

    @property
    def status(self) -> CommandStatus:
        """What a master that asked is answered."""
        return self.reason.status


def is_stop(point: Point, value: float) -> bool:
    """True for a command that brings an asset to rest: those wait for no interlock."""
    return point.role in _STOPPING and value == 0.0


def interlocks_for(point: Point, value: float) -> Interlock:
    """Which interlocks hold a command back."""
    if is_stop(point, value):
        return Interlock.NONE
    return _INTERLOCKS.get(point.role, Interlock.PACE) if point.role is not None else Interlock.PACE


def judge(
    request: CommandRequest, point: Point | None, facts: Facts, limits: Limits, now: float
) -> Permitted | Refused:
    """Go through the checks in order; the first that fails is the answer."""
    if facts.in_shadow:
        return Refused(Reason.SHADOW, "the plant is in shadow: no command leaves it, whoever asks")
    if point is None:
        return Refused(Reason.UNKNOWN_POINT, f"there is no row {request.row}")
    refused = (
        _check_point(point, facts)
        or _check_value(point, request.value)
        or _check_limits(point, request.value, limits)
        or _check_time(request, now)
        or _check_interlocks(point, request.value, facts, limits, now)
    )
    return refused or Permitted(request.value)


def _check_point(point: Point, facts: Facts) -> Refused | None:
    if not point.kind.is_output:
        return Refused(Reason.NOT_AN_OUTPUT, f"{point.id} is a {point.kind}")
    if not point.enabled:
        return Refused(Reason.DISABLED, f"{point.id} is not enabled in its map")
    if not point.writable:
        return Refused(Reason.NOT_WRITABLE, f"{point.id} is not writable in its map")
    if not facts.has_session:
        return Refused(Reason.NO_SESSION, f"no session leads to {point.id}")
    return None


def _check_value(point: Point, value: float) -> Refused | None:
    if not math.isfinite(value):
        return Refused(Reason.NOT_FINITE, f"{value} is not a number that can be sent")
    if point.kind is PointKind.BINARY_OUTPUT and value not in (0.0, 1.0):
        return Refused(Reason.NOT_BINARY, f"{value:g} is neither 0 nor 1")
    return None


def _check_limits(point: Point, value: float, limits: Limits) -> Refused | None:
    if point.kind is not PointKind.ANALOG_OUTPUT:
        return None
    if point.minimum is not None and _is_below(value, point.minimum):
        return Refused(Reason.BELOW_MINIMUM, f"{value:g} is below {point.minimum:g} {point.units} of {point.id}")
    if point.maximum is not None and _is_below(point.maximum, value):
        return Refused(Reason.ABOVE_MAXIMUM, f"{value:g} is above {point.maximum:g} {point.units} of {point.id}")
    if point.role is not Role.SETPOINT:
        return None
    if _is_below(value, limits.lowest):
        return Refused(Reason.BELOW_ASSET_LIMIT, f"{value:g} is below {limits.lowest:g} MW of {point.asset}")
    if _is_below(limits.highest, value):
        return Refused(Reason.ABOVE_ASSET_LIMIT, f"{value:g} is above {limits.highest:g} MW of {point.asset}")
    return None


def _is_below(value: float, limit: float) -> bool:
    """Below by more than rounding; an infinite limit is below or above everything finite."""
    if math.isinf(limit) or math.isinf(value):
        return value < limit
    return value < limit - _ROUNDING * max(1.0, abs(limit), abs(value))


def _check_time(request: CommandRequest, now: float) -> Refused | None:
    if now >= request.expires_at:
        return Refused(Reason.EXPIRED, f"it was good for {request.expires_at - request.issued_at:g} s")
    return None


def _check_interlocks(point: Point, value: float, facts: Facts, limits: Limits, now: float) -> Refused | None:
    wanted = interlocks_for(point, value)
    if not facts.online:
        return Refused(Reason.OFFLINE, f"the session of {point.asset} is not online")
    if Interlock.TELEMETRY in wanted and not facts.telemetry_fit:
        return Refused(Reason.TELEMETRY_UNFIT, f"the active power of {point.asset} is not known")
    if Interlock.REMOTE in wanted and not facts.remote:
        return Refused(Reason.NOT_REMOTE, f"{point.asset} does not say that it obeys remote commands")
    if Interlock.NO_FAULT in wanted and facts.fault:
        return Refused(Reason.FAULT, f"{point.asset} is in fault, or does not say that it is not")
    if Interlock.PACE in wanted and facts.last_command_at is not None:
        age = now - facts.last_command_at
        if age < limits.minimum_interval_s:
            return Refused(Reason.TOO_SOON, f"{point.id} was commanded {age:.3f} s ago")
    return None
