"""Status codes: quality there and back is never better, and a refusal keeps its name."""

import numpy as np
import pytest
from asyncua.ua.status_codes import StatusCodes

from protocols.opcua import status
from protocols.opcua.status import answer_to, quality_column, quality_of, result_of_write, status_of
from vppscada.model.commands import Accepted, CommandStatus, Rejected, Unanswered
from vppscada.model.quality import Quality, is_fit

EVERY_QUALITY = range(0x800)


def fit(quality: int) -> bool:
    return bool(is_fit(np.array([quality], dtype=np.uint16))[0])


@pytest.mark.parametrize(
    ("code", "quality"),
    [
        (0x0000_0000, Quality.ONLINE),
        (0x0000_0480, Quality.ONLINE),  # good, with the overflow bit of a monitored item's queue
        (0x002F_0000, Quality.ONLINE),  # GoodClamped
        (0x0096_0000, Quality.ONLINE | Quality.LOCAL_FORCED),
        (0x4090_0000, Quality.ONLINE | Quality.STALE),
        (0x4095_0000, Quality.ONLINE | Quality.REFERENCE_ERR),
        (0x8031_0000, Quality.COMM_LOST),
        (0x8034_0000, Quality.REFERENCE_ERR),
        (0x808C_0000, Quality.NONE),
        (0xC000_0000, Quality.REFERENCE_ERR),
    ],
)
def test_a_status_becomes_a_quality(code: int, quality: Quality) -> None:
    assert quality_of(code) == quality


def test_only_good_codes_and_substitutes_are_fit_to_act_on() -> None:
    codes = [code for code in vars(StatusCodes).values() if isinstance(code, int)]
    assert len(codes) > 200
    substitute = status.UNCERTAIN_SUBSTITUTE
    for code in codes:
        assert fit(quality_of(code)) is (code >> 30 == 0 or code == substitute), hex(code)


def test_quality_over_the_wire_and_back_is_never_better() -> None:
    for quality in EVERY_QUALITY:
        back = quality_of(status_of(quality))
        assert not fit(back) or fit(quality), Quality(quality)
        assert not back & Quality.ONLINE or quality & Quality.ONLINE, Quality(quality)


def test_good_is_served_as_good() -> None:
    assert status_of(Quality.ONLINE) == 0
    assert status_of(Quality.ONLINE | Quality.DISCONTINUITY) == 0


def test_a_column_has_the_quality_of_each_code() -> None:
    codes = np.array([0, 0x8031_0000, 0, 0x4090_0000], dtype=np.uint32)
    assert quality_column(codes).tolist() == [int(quality_of(int(code))) for code in codes]
    assert quality_column(np.zeros(3, dtype=np.uint32)).tolist() == [1, 1, 1]


def test_the_numbers_are_those_of_the_standard() -> None:
    names = {
        "BAD_NO_COMMUNICATION": "BadNoCommunication",
        "BAD_TYPE_MISMATCH": "BadTypeMismatch",
        "BAD_USER_ACCESS_DENIED": "BadUserAccessDenied",
        "BAD_INVALID_STATE": "BadInvalidState",
        "BAD_LOCKED": "BadLocked",
        "BAD_STATE_NOT_ACTIVE": "BadStateNotActive",
        "BAD_DEPENDENT_VALUE_CHANGED": "BadDependentValueChanged",
        "BAD_OUT_OF_SERVICE": "BadOutOfService",
        "BAD_OPERATION_ABANDONED": "BadOperationAbandoned",
        "BAD_CONFIGURATION_ERROR": "BadConfigurationError",
        "BAD_WAITING_FOR_INITIAL_DATA": "BadWaitingForInitialData",
        "BAD_RESOURCE_UNAVAILABLE": "BadResourceUnavailable",
        "BAD_TOO_MANY_OPERATIONS": "BadTooManyOperations",
        "BAD_COMMUNICATION_ERROR": "BadCommunicationError",
        "BAD_DEVICE_FAILURE": "BadDeviceFailure",
        "BAD_NOT_SUPPORTED": "BadNotSupported",
        "BAD_OUT_OF_RANGE": "BadOutOfRange",
        "BAD_TIMEOUT": "BadTimeout",
        "BAD_WRITE_NOT_SUPPORTED": "BadWriteNotSupported",
        "BAD_NODE_ID_UNKNOWN": "BadNodeIdUnknown",
        "GOOD_LOCAL_OVERRIDE": "GoodLocalOverride",
        "UNCERTAIN_NO_COMMUNICATION": "UncertainNoCommunicationLastUsableValue",
        "UNCERTAIN_LAST_USABLE": "UncertainLastUsableValue",
        "UNCERTAIN_SUBSTITUTE": "UncertainSubstituteValue",
        "UNCERTAIN_INITIAL": "UncertainInitialValue",
        "UNCERTAIN_SENSOR": "UncertainSensorNotAccurate",
        "UNCERTAIN_UNITS_EXCEEDED": "UncertainEngineeringUnitsExceeded",
        "UNCERTAIN_SUB_NORMAL": "UncertainSubNormal",
    }
    assert {ours: getattr(status, ours) for ours in names} == {o: getattr(StatusCodes, n) for o, n in names.items()}


def test_every_answer_but_success_is_bad_and_most_keep_their_name() -> None:
    kept = 0
    for command_status in CommandStatus:
        result = result_of_write(answer_to(command_status))
        if command_status is CommandStatus.SUCCESS:
            assert result == Accepted()
            continue
        if command_status is CommandStatus.TIMEOUT:
            assert isinstance(result, Unanswered)
            continue
        assert isinstance(result, Rejected)
        kept += result.status is command_status
        assert result.status in (command_status, CommandStatus.UNDEFINED)
    assert kept >= 14


def test_an_uncertain_answer_is_no_answer() -> None:
    assert isinstance(result_of_write(0x40C0_0000), Unanswered)


@pytest.mark.parametrize("code", [0x800A_0000, 0x8005_0000, 0x8085_0000])
def test_a_gateway_that_did_not_hear_from_its_device_leaves_the_command_unanswered(code: int) -> None:
    assert isinstance(result_of_write(code), Unanswered)


def test_good_with_a_remark_is_accepted() -> None:
    assert result_of_write(0x002E_0000) == Accepted()  # GoodCompletesAsynchronously


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (0x8075_0000, CommandStatus.NOT_SUPPORTED),  # BadMethodInvalid
        (0x8111_0000, CommandStatus.NOT_SUPPORTED),  # BadNotExecutable
        (0x8076_0000, CommandStatus.FORMAT_ERROR),  # BadArgumentsMissing
        (0x80E5_0000, CommandStatus.FORMAT_ERROR),  # BadTooManyArguments
        (0x80AB_0000, CommandStatus.FORMAT_ERROR),  # BadInvalidArgument
        (0x801F_0000, CommandStatus.NOT_AUTHORIZED),  # BadUserAccessDenied
    ],
)
def test_a_method_that_was_not_carried_out_is_rejected(code: int, status: CommandStatus) -> None:
    assert result_of_write(code) == Rejected(status, hex(code))
