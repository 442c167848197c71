"""The words of IEEE 1815 that stand in decoded lines."""

from protocols.dnp3.link import PRM, Primary, Secondary
from vppscada.model.commands import CommandStatus

GROUPS = {
    0: "device attribute",
    1: "binary input",
    2: "binary input event",
    3: "double-bit binary input",
    4: "double-bit binary input event",
    10: "binary output",
    11: "binary output event",
    12: "control relay output block",
    13: "binary output command event",
    20: "counter",
    21: "frozen counter",
    22: "counter event",
    23: "frozen counter event",
    30: "analog input",
    31: "frozen analog input",
    32: "analog input event",
    33: "frozen analog input event",
    34: "analog input deadband",
    40: "analog output status",
    41: "analog output",
    42: "analog output event",
    43: "analog output command event",
    50: "time and date",
    51: "time and date, common time of occurrence",
    52: "time delay",
    60: "class data",
    70: "file",
    80: "internal indications",
    85: "data set prototype",
    86: "data set descriptor",
    87: "data set",
    88: "data set event",
    90: "application",
    101: "binary-coded decimal integer",
    102: "unsigned integer, 8 bits",
    110: "octet string",
    111: "octet string event",
    112: "virtual terminal output",
    113: "virtual terminal event",
    120: "authentication",
    121: "security statistic",
    122: "security statistic event",
}
_CLASSES = {1: "class 0", 2: "class 1", 3: "class 2", 4: "class 3"}
QUALIFIERS = {
    0x00: "1-octet start and stop",
    0x01: "2-octet start and stop",
    0x06: "all objects",
    0x07: "1-octet count",
    0x08: "2-octet count",
    0x17: "1-octet count and index",
    0x28: "2-octet count and index",
    0x5B: "free format",
}
#: By bit; a bit without a name has no meaning for the kind.
_COMMON = ("ONLINE", "RESTART", "COMM_LOST", "REMOTE_FORCED", "LOCAL_FORCED")
_BINARY = (*_COMMON, "CHATTER_FILTER", "", "")
_DOUBLE = _BINARY
_OUTPUT = (*_COMMON, "", "", "")
_COUNTER = (*_COMMON, "ROLLOVER", "DISCONTINUITY", "")
_ANALOG = (*_COMMON, "OVER_RANGE", "REFERENCE_ERR", "")
_FLAGS = {
    **dict.fromkeys((1, 2, 3, 4), _BINARY),
    **dict.fromkeys((10, 11), _OUTPUT),
    **dict.fromkeys((20, 21, 22, 23), _COUNTER),
    **dict.fromkeys((30, 31, 32, 33, 40, 42), _ANALOG),
}
_INDICATIONS = (
    "BROADCAST",
    "CLASS_1_EVENTS",
    "CLASS_2_EVENTS",
    "CLASS_3_EVENTS",
    "NEED_TIME",
    "LOCAL_CONTROL",
    "DEVICE_TROUBLE",
    "DEVICE_RESTART",
    "FUNCTION_NOT_SUPPORTED",
    "OBJECT_UNKNOWN",
    "PARAMETER_ERROR",
    "EVENT_BUFFER_OVERFLOW",
    "ALREADY_EXECUTING",
    "CONFIGURATION_CORRUPT",
    "RESERVED_2.6",
    "RESERVED_2.7",
)
DOUBLE_BIT_STATES = ("INTERMEDIATE", "OFF", "ON", "INDETERMINATE")
INTERVAL_UNITS = {0: "none", 1: "ms", 2: "s", 3: "min", 4: "h", 5: "days", 6: "weeks", 7: "months"}
OPERATIONS = ("NUL", "PULSE_ON", "PULSE_OFF", "LATCH_ON", "LATCH_OFF")
TRIP_CLOSE = ("NUL", "CLOSE", "TRIP", "RESERVED")
#: Function codes beyond those that we serve or send.
_OTHER_FUNCTIONS = {
    0x0F: "INITIALIZE_DATA",
    0x10: "INITIALIZE_APPLICATION",
    0x11: "START_APPLICATION",
    0x12: "STOP_APPLICATION",
    0x13: "SAVE_CONFIGURATION",
    0x19: "OPEN_FILE",
    0x1A: "CLOSE_FILE",
    0x1B: "DELETE_FILE",
    0x1C: "GET_FILE_INFORMATION",
    0x1D: "AUTHENTICATE_FILE",
    0x1E: "ABORT_FILE",
    0x1F: "ACTIVATE_CONFIGURATION",
    0x20: "AUTHENTICATION_REQUEST",
    0x21: "AUTHENTICATION_REQUEST_NO_RESPONSE",
    0x83: "AUTHENTICATION_RESPONSE",
}
_PRIMARY = {int(code): code.name for code in Primary}
_SECONDARY = {int(code): code.name for code in Secondary}
_STATUSES = {int(code): code.name for code in CommandStatus}


def link_function(control: int) -> str:
    """The name of a link control octet's function."""
    return (_PRIMARY if control & PRM else _SECONDARY).get(control & 0x0F, "UNKNOWN")


def function(code: int, known: dict[int, str]) -> str:
    """The name of an application function code; ``known`` are ours."""
    return known.get(code) or _OTHER_FUNCTIONS.get(code, "UNKNOWN")


def indications(octets: int) -> list[str]:
    """Names of the bits of both octets, the first in bits 0 to 7."""
    return [name for bit, name in enumerate(_INDICATIONS) if octets >> bit & 1]


def flags(octet: int, group: int) -> list[str]:
    """Names of the bits of a flag octet, state bits apart."""
    return [name for bit, name in enumerate(_FLAGS.get(group, _OUTPUT)) if name and octet >> bit & 1]


def status(octet: int) -> str:
    """The name of a control status; bit 7 is not part of it."""
    return _STATUSES.get(octet & 0x7F, f"RESERVED_{octet & 0x7F}")


def object_name(group: int, variation: int) -> str:
    """What a group (of class data: the variation) is called."""
    name = GROUPS.get(group, "unknown object")
    return f"{name}, {_CLASSES[variation]}" if group == 60 and variation in _CLASSES else name
