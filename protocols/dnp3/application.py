"""The application layer of DNP3: fragments of requests and responses, parsed and built. Pure.

IEEE 1815 clause 4: application control octet, function code, internal indications, object headers.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import lru_cache

from protocols.dnp3.objects import ObjectHeader, parse_headers

SEQUENCE_MODULUS = 16
RESPONSE_HEADER_SIZE = 4
REQUEST_HEADER_SIZE = 2
#: Largest fragment that either side may send unless it knows better (IEEE 1815, 4.1).
MAX_FRAGMENT = 2048


class Function(IntEnum):
    """Function codes."""

    CONFIRM = 0x00
    READ = 0x01
    WRITE = 0x02
    SELECT = 0x03
    OPERATE = 0x04
    DIRECT_OPERATE = 0x05
    DIRECT_OPERATE_NO_RESPONSE = 0x06
    IMMEDIATE_FREEZE = 0x07
    IMMEDIATE_FREEZE_NO_RESPONSE = 0x08
    FREEZE_CLEAR = 0x09
    FREEZE_CLEAR_NO_RESPONSE = 0x0A
    FREEZE_AT_TIME = 0x0B
    FREEZE_AT_TIME_NO_RESPONSE = 0x0C
    COLD_RESTART = 0x0D
    WARM_RESTART = 0x0E
    ENABLE_UNSOLICITED = 0x14
    DISABLE_UNSOLICITED = 0x15
    ASSIGN_CLASS = 0x16
    DELAY_MEASURE = 0x17
    RECORD_CURRENT_TIME = 0x18
    RESPONSE = 0x81
    UNSOLICITED_RESPONSE = 0x82


#: Freezes at a time carry that time and name the points to freeze.
_CARRY_A_TIME = frozenset({Function.FREEZE_AT_TIME, Function.FREEZE_AT_TIME_NO_RESPONSE})
_TIME_GROUPS = frozenset({50})
#: Functions whose headers carry object data. All others only name objects.
CARRIES_OBJECTS = frozenset(
    {
        Function.WRITE,
        Function.SELECT,
        Function.OPERATE,
        Function.DIRECT_OPERATE,
        Function.DIRECT_OPERATE_NO_RESPONSE,
        Function.RESPONSE,
        Function.UNSOLICITED_RESPONSE,
    }
)
NO_RESPONSE = frozenset(
    {
        Function.CONFIRM,
        Function.DIRECT_OPERATE_NO_RESPONSE,
        Function.IMMEDIATE_FREEZE_NO_RESPONSE,
        Function.FREEZE_CLEAR_NO_RESPONSE,
        Function.FREEZE_AT_TIME_NO_RESPONSE,
    }
)


class Indication(IntFlag):
    """Internal indications: first octet in bits 0..7, second octet in bits 8..15."""

    NONE = 0
    BROADCAST = 0x0001
    CLASS_1_EVENTS = 0x0002
    CLASS_2_EVENTS = 0x0004
    CLASS_3_EVENTS = 0x0008
    NEED_TIME = 0x0010
    LOCAL_CONTROL = 0x0020
    DEVICE_TROUBLE = 0x0040
    DEVICE_RESTART = 0x0080
    FUNCTION_NOT_SUPPORTED = 0x0100
    OBJECT_UNKNOWN = 0x0200
    PARAMETER_ERROR = 0x0400
    EVENT_BUFFER_OVERFLOW = 0x0800
    ALREADY_EXECUTING = 0x1000
    CONFIGURATION_CORRUPT = 0x2000


CLASS_EVENTS = Indication.CLASS_1_EVENTS | Indication.CLASS_2_EVENTS | Indication.CLASS_3_EVENTS
#: Indications that a request was refused.
REFUSALS = Indication.FUNCTION_NOT_SUPPORTED | Indication.OBJECT_UNKNOWN | Indication.PARAMETER_ERROR


@dataclass(frozen=True, slots=True)
class Control:
    """The application control octet."""

    sequence: int
    first: bool = True
    final: bool = True
    confirm: bool = False
    unsolicited: bool = False

    @classmethod
    def of(cls, octet: int) -> "Control":
        """Take an octet apart."""
        return cls(octet & 0x0F, bool(octet & 0x80), bool(octet & 0x40), bool(octet & 0x20), bool(octet & 0x10))

    def octet(self) -> int:
        """Put it together."""
        return (
            (self.sequence & 0x0F)
            | (0x80 if self.first else 0)
            | (0x40 if self.final else 0)
            | (0x20 if self.confirm else 0)
            | (0x10 if self.unsolicited else 0)
        )


class FragmentError(Exception):
    """Not a fragment: too short, or a function code that has no place in this direction."""


#: Octets of a request worth remembering: masters ask the same few things again and again.
_SHORT = 64


def _names(body: bytes, is_read: bool) -> tuple[ObjectHeader, ...]:
    """Headers that name objects and carry none."""
    return parse_headers(body, objects_follow=False, keep_unspoken=is_read)


_short_names = lru_cache(maxsize=64)(_names)


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A fragment from a master. ``function`` is an int where we do not know the code."""

    control: Control
    function: Function | int
    body: bytes

    def headers(self) -> tuple[ObjectHeader, ...]:
        """Parse the objects.

        Raises:
            ObjectError: they do not parse.
        """
        if self.function in _CARRY_A_TIME:
            return parse_headers(self.body, objects_follow=True, only_in=_TIME_GROUPS)
        if self.function in CARRIES_OBJECTS:
            return parse_headers(self.body, objects_follow=True)
        names = _short_names if len(self.body) <= _SHORT else _names
        return names(self.body, self.function == Function.READ)


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """A fragment from an outstation."""

    control: Control
    function: Function
    indications: Indication
    body: bytes

    @property
    def is_unsolicited(self) -> bool:
        """True for function 130."""
        return self.function is Function.UNSOLICITED_RESPONSE

    def headers(self) -> tuple[ObjectHeader, ...]:
        """Parse the objects.

        Raises:
            ObjectError: they do not parse.
        """
        return parse_headers(self.body, objects_follow=True, skip_free_format=True)


_FUNCTIONS = {int(function): function for function in Function}


def parse_request(fragment: bytes) -> Request:
    """Parse a fragment that a master sent.

    Raises:
        FragmentError: it is too short or is a response.
    """
    if len(fragment) < REQUEST_HEADER_SIZE:
        raise FragmentError("truncated request")
    code = fragment[1]
    if code >= Function.RESPONSE:
        raise FragmentError(f"function {code:#04x} is not a request")
    return Request(Control.of(fragment[0]), _FUNCTIONS.get(code, code), fragment[REQUEST_HEADER_SIZE:])


def parse_response(fragment: bytes) -> Response:
    """Parse a fragment that an outstation sent.

    Raises:
        FragmentError: it is too short or is no response.
    """
    if len(fragment) < RESPONSE_HEADER_SIZE:
        raise FragmentError("truncated response")
    function = _FUNCTIONS.get(fragment[1])
    if function not in (Function.RESPONSE, Function.UNSOLICITED_RESPONSE):
        raise FragmentError(f"function {fragment[1]:#04x} is not a response")
    indications = Indication(int.from_bytes(fragment[2:4], "little") & 0x3FFF)
    return Response(Control.of(fragment[0]), function, indications, fragment[RESPONSE_HEADER_SIZE:])


def build_request(control: Control, function: Function, body: bytes = b"") -> bytes:
    """A fragment of a master."""
    return bytes((control.octet(), function)) + body


def build_response(control: Control, function: Function, indications: Indication, body: bytes = b"") -> bytes:
    """A fragment of an outstation."""
    return bytes((control.octet(), function)) + int(indications).to_bytes(2, "little") + body


def build_confirm(sequence: int, *, unsolicited: bool) -> bytes:
    """The master's confirmation of a response."""
    return build_request(Control(sequence, unsolicited=unsolicited), Function.CONFIRM)


def next_sequence(sequence: int) -> int:
    """The sequence number after this one, modulo 16."""
    return (sequence + 1) % SEQUENCE_MODULUS
