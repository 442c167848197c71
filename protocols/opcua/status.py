"""OPC UA status codes and our words: quality of a reading, status of a command. Tables and pure functions.

The numbers are those of OPC UA part 6, annex A.2. A code's upper half-word says what happened; its two
highest bits are the severity: 00 good, 01 uncertain, 10 bad (11 is reserved and counts as bad).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vppscada.model.commands import Accepted, CommandResult, CommandStatus, Rejected, Unanswered
from vppscada.model.quality import Quality, QualityColumn

StatusColumn = NDArray[np.uint32]

GOOD = 0x0000_0000
GOOD_LOCAL_OVERRIDE = 0x0096_0000
UNCERTAIN_NO_COMMUNICATION = 0x408F_0000
UNCERTAIN_LAST_USABLE = 0x4090_0000
UNCERTAIN_SUBSTITUTE = 0x4091_0000
UNCERTAIN_INITIAL = 0x4092_0000
UNCERTAIN_SENSOR = 0x4093_0000
UNCERTAIN_UNITS_EXCEEDED = 0x4094_0000
UNCERTAIN_SUB_NORMAL = 0x4095_0000
BAD = 0x8000_0000
BAD_RESOURCE_UNAVAILABLE = 0x8004_0000
BAD_COMMUNICATION_ERROR = 0x8005_0000
BAD_TIMEOUT = 0x800A_0000
BAD_TOO_MANY_OPERATIONS = 0x8010_0000
BAD_USER_ACCESS_DENIED = 0x801F_0000
BAD_NO_COMMUNICATION = 0x8031_0000
BAD_WAITING_FOR_INITIAL_DATA = 0x8032_0000
BAD_NODE_ID_UNKNOWN = 0x8034_0000
BAD_OUT_OF_RANGE = 0x803C_0000
BAD_NOT_SUPPORTED = 0x803D_0000
BAD_MONITORED_ITEM_FILTER_INVALID = 0x8043_0000
BAD_MONITORED_ITEM_FILTER_UNSUPPORTED = 0x8044_0000
BAD_FILTER_NOT_ALLOWED = 0x8045_0000
BAD_WRITE_NOT_SUPPORTED = 0x8073_0000
BAD_TYPE_MISMATCH = 0x8074_0000
BAD_CONFIGURATION_ERROR = 0x8089_0000
BAD_DEVICE_FAILURE = 0x808B_0000
BAD_OUT_OF_SERVICE = 0x808D_0000
BAD_DEADBAND_FILTER_INVALID = 0x808E_0000
BAD_NO_DATA_AVAILABLE = 0x80B1_0000
BAD_OPERATION_ABANDONED = 0x80B3_0000
BAD_INVALID_STATE = 0x80AF_0000
BAD_STATE_NOT_ACTIVE = 0x80BF_0000
BAD_DEPENDENT_VALUE_CHANGED = 0x80E3_0000
BAD_LOCKED = 0x80E9_0000

_SUBCODE = 0xFFFF_0000
_FILTER_FAULTS = (
    BAD_MONITORED_ITEM_FILTER_INVALID,
    BAD_MONITORED_ITEM_FILTER_UNSUPPORTED,
    BAD_FILTER_NOT_ALLOWED,
    BAD_DEADBAND_FILTER_INVALID,
)
_ONLINE = Quality.ONLINE

#: Codes with a meaning of their own; all others go by severity.
_QUALITY = {
    GOOD_LOCAL_OVERRIDE: _ONLINE | Quality.LOCAL_FORCED,
    UNCERTAIN_NO_COMMUNICATION: _ONLINE | Quality.COMM_LOST | Quality.STALE,
    UNCERTAIN_LAST_USABLE: _ONLINE | Quality.STALE,
    UNCERTAIN_SUBSTITUTE: _ONLINE | Quality.REMOTE_FORCED,
    UNCERTAIN_INITIAL: _ONLINE | Quality.RESTART,
    UNCERTAIN_SENSOR: _ONLINE | Quality.OVER_RANGE,
    UNCERTAIN_UNITS_EXCEEDED: _ONLINE | Quality.OVER_RANGE,
    BAD_WAITING_FOR_INITIAL_DATA: Quality.RESTART,
    BAD_OUT_OF_RANGE: Quality.OVER_RANGE,
    BAD_COMMUNICATION_ERROR: Quality.COMM_LOST,
    BAD_NO_COMMUNICATION: Quality.COMM_LOST,
    BAD_TIMEOUT: Quality.COMM_LOST,
    0x808A_0000: Quality.COMM_LOST,  # BadNotConnected
    0x800C_0000: Quality.COMM_LOST,  # BadShutdown
    0x800D_0000: Quality.COMM_LOST,  # BadServerNotConnected
    BAD_OUT_OF_SERVICE: Quality.NONE,
    BAD_DEVICE_FAILURE: Quality.NONE,
    0x808C_0000: Quality.NONE,  # BadSensorFailure
}


def is_filter_fault(status: int) -> bool:
    """True if a server refused a monitored item for its deadband."""
    return status & _SUBCODE in _FILTER_FAULTS


def quality_of(code: int) -> Quality:
    """Quality of a reading with this status. What is uncertain or bad without a word for it is a reference error."""
    known = _QUALITY.get(code & _SUBCODE)
    if known is not None:
        return known
    severity = code >> 30 & 3
    if severity == 0:
        return _ONLINE
    return _ONLINE | Quality.REFERENCE_ERR if severity == 1 else Quality.REFERENCE_ERR


def quality_column(status: StatusColumn) -> QualityColumn:
    """Quality of many readings. Nearly always all are good, which costs one comparison."""
    if not status.any():
        return np.full(len(status), np.uint16(_ONLINE), dtype=np.uint16)
    codes, where = np.unique(status, return_inverse=True)
    return np.array([quality_of(int(code)) for code in codes], dtype=np.uint16)[where]


@lru_cache(maxsize=1024)
def status_of(quality: int) -> int:
    """The status under which a reading of this quality is served; never better than the quality."""
    flags = Quality(quality)
    table = _ONLINE_STATUS if flags & _ONLINE else _OFFLINE_STATUS
    return next((code for bit, code in table if flags & bit), GOOD if flags & _ONLINE else BAD_OUT_OF_SERVICE)


#: In order of weight: the first bit that is set decides.
_ONLINE_STATUS = (
    (Quality.COMM_LOST, UNCERTAIN_NO_COMMUNICATION),
    (Quality.STALE, UNCERTAIN_LAST_USABLE),
    (Quality.RESTART, UNCERTAIN_INITIAL),
    (Quality.REFERENCE_ERR, UNCERTAIN_SUB_NORMAL),
    (Quality.CHATTER_FILTER, UNCERTAIN_SUB_NORMAL),
    (Quality.FROZEN, UNCERTAIN_SUB_NORMAL),
    (Quality.OVER_RANGE, UNCERTAIN_UNITS_EXCEEDED),
    (Quality.REMOTE_FORCED, UNCERTAIN_SUBSTITUTE),
    (Quality.LOCAL_FORCED, GOOD_LOCAL_OVERRIDE),
)
_OFFLINE_STATUS = (
    (Quality.COMM_LOST, BAD_NO_COMMUNICATION),
    (Quality.STALE, BAD_NO_COMMUNICATION),
    (Quality.RESTART, BAD_WAITING_FOR_INITIAL_DATA),
    (Quality.REFERENCE_ERR, BAD_CONFIGURATION_ERROR),
    (Quality.OVER_RANGE, BAD_OUT_OF_RANGE),
)

#: How an outstation answers a write; the way back is `_COMMAND_STATUS`.
_ANSWER = {
    CommandStatus.SUCCESS: GOOD,
    CommandStatus.TIMEOUT: BAD_TIMEOUT,
    CommandStatus.NO_SELECT: BAD_STATE_NOT_ACTIVE,
    CommandStatus.FORMAT_ERROR: BAD_TYPE_MISMATCH,
    CommandStatus.NOT_SUPPORTED: BAD_NOT_SUPPORTED,
    CommandStatus.ALREADY_ACTIVE: BAD_LOCKED,
    CommandStatus.HARDWARE_ERROR: BAD_DEVICE_FAILURE,
    CommandStatus.LOCAL: BAD_INVALID_STATE,
    CommandStatus.TOO_MANY_OPS: BAD_TOO_MANY_OPERATIONS,
    CommandStatus.NOT_AUTHORIZED: BAD_USER_ACCESS_DENIED,
    CommandStatus.AUTOMATION_INHIBIT: BAD_OUT_OF_SERVICE,
    CommandStatus.PROCESSING_LIMITED: BAD_RESOURCE_UNAVAILABLE,
    CommandStatus.OUT_OF_RANGE: BAD_OUT_OF_RANGE,
    CommandStatus.BLOCKED: BAD_DEPENDENT_VALUE_CHANGED,
    CommandStatus.CANCELLED: BAD_OPERATION_ABANDONED,
    CommandStatus.DOWNSTREAM_FAIL: BAD_NO_COMMUNICATION,
}

_COMMAND_STATUS = {code: status for status, code in _ANSWER.items() if status is not CommandStatus.SUCCESS} | {
    BAD_WRITE_NOT_SUPPORTED: CommandStatus.NOT_SUPPORTED,
    BAD_NODE_ID_UNKNOWN: CommandStatus.NOT_SUPPORTED,
    0x8033_0000: CommandStatus.NOT_SUPPORTED,  # BadNodeIdInvalid
    0x803B_0000: CommandStatus.NOT_SUPPORTED,  # BadNotWritable
    0x8075_0000: CommandStatus.NOT_SUPPORTED,  # BadMethodInvalid
    0x8111_0000: CommandStatus.NOT_SUPPORTED,  # BadNotExecutable
    0x8076_0000: CommandStatus.FORMAT_ERROR,  # BadArgumentsMissing
    0x80E5_0000: CommandStatus.FORMAT_ERROR,  # BadTooManyArguments
    0x808C_0000: CommandStatus.HARDWARE_ERROR,  # BadSensorFailure
    0x80AB_0000: CommandStatus.FORMAT_ERROR,  # BadInvalidArgument
}


#: A server that speaks for a device has asked it and got no answer: it may have acted.
_UNHEARD = frozenset({BAD_TIMEOUT, BAD_COMMUNICATION_ERROR, 0x8085_0000})  # the last: BadRequestTimeout


def answer_to(status: CommandStatus) -> int:
    """The code with which an outstation answers a write."""
    return _ANSWER.get(status, BAD)


def result_of_write(code: int, name: str = "") -> CommandResult:
    """What a device's answer to a write or a call means.

    An uncertain answer is no answer, and neither is that of a gateway which did not hear from the device.
    """
    if code & _SUBCODE in _UNHEARD:
        return Unanswered(f"the device was not heard: {name or hex(code)}")
    match code >> 30 & 3:
        case 0:
            return Accepted()
        case 1:
            return Unanswered(f"the device is uncertain: {name or hex(code)}")
        case _:
            return Rejected(_COMMAND_STATUS.get(code & _SUBCODE, CommandStatus.UNDEFINED), name or hex(code))
