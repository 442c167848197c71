"""Commands to the field and what became of them. Four results, never merged."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class CommandMode(StrEnum):
    """How a command is sent. SBO = select before operate."""

    DIRECT = "direct"
    SBO = "sbo"


class Origin(StrEnum):
    """Who asks for a command."""

    LOCAL = "local"
    OPERATOR = "operator"
    EMS = "ems"
    SCHEDULER = "scheduler"
    COMMISSIONING = "commissioning"


class CrobOperation(IntEnum):
    """Operation type of a control relay output block (IEEE 1815, g12v1 control code bits 0..3)."""

    NUL = 0
    PULSE_ON = 1
    PULSE_OFF = 2
    LATCH_ON = 3
    LATCH_OFF = 4


class TripClose(IntEnum):
    """Trip-close code of a control relay output block (g12v1 control code bits 6..7)."""

    NUL = 0
    CLOSE = 1
    TRIP = 2


class PulseStyle(StrEnum):
    """How a binary output is driven; the map's column ``pulse`` names it."""

    LATCH = "latch"  # 1 → LATCH_ON, 0 → LATCH_OFF
    PULSE = "pulse"  # 1 → PULSE_ON, 0 → PULSE_OFF
    TRIP_CLOSE = "trip_close"  # 1 → PULSE_ON with CLOSE, 0 → PULSE_ON with TRIP


@dataclass(frozen=True, slots=True)
class Pulse:
    """Style and times of a binary output."""

    style: PulseStyle = PulseStyle.LATCH
    on_ms: int = 0
    off_ms: int = 0


@dataclass(frozen=True, slots=True)
class Crob:
    """Body of a binary command: a control relay output block without its status."""

    operation: CrobOperation
    trip_close: TripClose = TripClose.NUL
    count: int = 1
    on_ms: int = 0
    off_ms: int = 0
    clear: bool = False

    @property
    def wants_on(self) -> bool:
        """True if the block asks for 1: close, or pulse/latch on without a trip code."""
        if self.trip_close is not TripClose.NUL:
            return self.trip_close is TripClose.CLOSE
        return self.operation in (CrobOperation.PULSE_ON, CrobOperation.LATCH_ON)


@dataclass(frozen=True, slots=True)
class AnalogValue:
    """Body of an analog command, in device units."""

    value: float


CommandBody = Crob | AnalogValue


def crob_for(on: bool, pulse: Pulse) -> Crob:
    """The block that drives a binary output to ``on`` in the style its map names."""
    match pulse.style:
        case PulseStyle.LATCH:
            return Crob(CrobOperation.LATCH_ON if on else CrobOperation.LATCH_OFF)
        case PulseStyle.PULSE:
            operation = CrobOperation.PULSE_ON if on else CrobOperation.PULSE_OFF
            return Crob(operation, on_ms=pulse.on_ms, off_ms=pulse.off_ms)
        case PulseStyle.TRIP_CLOSE:
            code = TripClose.CLOSE if on else TripClose.TRIP
            return Crob(CrobOperation.PULSE_ON, code, on_ms=pulse.on_ms, off_ms=pulse.off_ms)


@dataclass(frozen=True, slots=True)
class Command:
    """One command to one point. Times are monotonic seconds of the clock that the caller gives."""

    id: int
    row: int  # row of the point in the list that the session or outstation was made with
    body: CommandBody
    mode: CommandMode
    origin: Origin
    issued_at: float
    expires_at: float
    reason: str = ""


class CommandStatus(IntEnum):
    """Status of a control, IEEE 1815 (status field of g12 and g41); other protocols map onto it."""

    SUCCESS = 0
    TIMEOUT = 1
    NO_SELECT = 2
    FORMAT_ERROR = 3
    NOT_SUPPORTED = 4
    ALREADY_ACTIVE = 5
    HARDWARE_ERROR = 6
    LOCAL = 7
    TOO_MANY_OPS = 8
    NOT_AUTHORIZED = 9
    AUTOMATION_INHIBIT = 10
    PROCESSING_LIMITED = 11
    OUT_OF_RANGE = 12
    DOWNSTREAM_LOCAL = 13
    ALREADY_COMPLETE = 14
    BLOCKED = 15
    CANCELLED = 16
    BLOCKED_OTHER_MASTER = 17
    DOWNSTREAM_FAIL = 18
    NON_PARTICIPATING = 126
    UNDEFINED = 127


@dataclass(frozen=True, slots=True)
class Accepted:
    """The device answered that it took the command. Whether anything moved is for verification to say."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The device answered that it did not take the command."""

    status: CommandStatus
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing that could make the device act has left us; the command may be issued anew."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """It may or may not have been carried out. Never repeated by itself."""

    reason: str


CommandResult = Accepted | Rejected | NotSent | Unanswered


@dataclass(slots=True)
class Verification:
    """The four times of a command, monotonic seconds, None = not (yet) so. Kept apart, never inferred."""

    commanded: float | None = None  # left us
    acknowledged: float | None = None  # the device said yes
    echoed: float | None = None  # the feedback point shows what was asked
    measured: float | None = None  # the plant moved


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """What the journal holds of a command: written before it leaves, and again with its result."""

    id: int
    time_ms: int  # UTC
    point: str
    value: float  # engineering units
    origin: Origin
    reason: str
    # "issued", "accepted", "rejected", "not_sent", "unanswered", "echoed", "not_echoed", "measured", "not_measured",
    # "refused"; of a select, which moves nothing: "selected", "select_rejected", "select_not_sent", "select_unanswered"
    state: str
    detail: str = field(default="")
