"""The gate: each refusal by its name, and what passes in spite of everything."""

import math
from dataclasses import replace

import pytest

from tests.unit.control.build import POINTS, ROW
from vppscada.control.gate import CommandRequest, Facts, Limits, Permitted, Reason, Refused, judge
from vppscada.model.commands import CommandStatus, Origin
from vppscada.model.points import Point, PointKind, Role

NOW = 50.0
WELL = Facts(has_session=True, online=True, telemetry_fit=True, remote=True, fault=False)
WRETCHED = Facts(
    has_session=True, online=True, telemetry_fit=False, remote=False, fault=True, last_command_at=NOW - 0.01
)
LIMITS = Limits(lowest=0.0, highest=10.0, minimum_interval_s=0.5)
SETPOINT, START_STOP = POINTS[ROW["setpoint"]], POINTS[ROW["start_stop"]]
FAULT_RESET, DROOP = POINTS[ROW["fault_reset"]], POINTS[ROW["droop"]]


def asked(value: float) -> CommandRequest:
    return CommandRequest(6, value, Origin.EMS, "test", NOW - 1.0, NOW + 1.0)


def answer(
    point: Point | None, value: float, facts: Facts = WELL, limits: Limits = LIMITS, now: float = NOW
) -> Permitted | Reason:
    judged = judge(asked(value), point, facts, limits, now)
    return judged.reason if isinstance(judged, Refused) else judged


@pytest.mark.parametrize("value", [0.0, 5.25, 10.0])
def test_a_setpoint_within_its_limits_passes_unaltered(value: float) -> None:
    assert answer(SETPOINT, value) == Permitted(value)


@pytest.mark.parametrize("origin", list(Origin))
@pytest.mark.parametrize(("point", "value"), [(SETPOINT, 5.0), (START_STOP, 0.0), (FAULT_RESET, 1.0), (DROOP, 1.0)])
def test_in_shadow_nothing_passes_whoever_asks(origin: Origin, point: Point, value: float) -> None:
    judged = judge(replace(asked(value), origin=origin), point, replace(WELL, in_shadow=True), LIMITS, NOW)
    assert isinstance(judged, Refused) and judged.reason is Reason.SHADOW
    assert judged.status is CommandStatus.AUTOMATION_INHIBIT


def test_an_unknown_point_is_refused() -> None:
    assert answer(None, 1.0) is Reason.UNKNOWN_POINT


@pytest.mark.parametrize("kind", [kind for kind in PointKind if not kind.is_output])
def test_an_input_is_refused(kind: PointKind) -> None:
    assert answer(Point("a.p", kind, writable=True), 1.0) is Reason.NOT_AN_OUTPUT


def test_a_point_that_is_not_writable_is_refused() -> None:
    assert answer(replace(SETPOINT, writable=False), 1.0) is Reason.NOT_WRITABLE


def test_a_point_that_is_not_enabled_is_refused() -> None:
    assert answer(replace(SETPOINT, enabled=False), 1.0) is Reason.DISABLED


def test_a_point_to_which_no_session_leads_is_refused() -> None:
    assert answer(SETPOINT, 1.0, replace(WELL, has_session=False)) is Reason.NO_SESSION


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("point", [SETPOINT, START_STOP, DROOP])
def test_what_is_not_finite_is_refused(point: Point, value: float) -> None:
    assert answer(point, value) is Reason.NOT_FINITE


@pytest.mark.parametrize("value", [0.5, 2.0, -1.0])
def test_a_binary_output_takes_nothing_but_0_and_1(value: float) -> None:
    assert answer(START_STOP, value) is Reason.NOT_BINARY


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_binary_output_takes_0_and_1(value: float) -> None:
    assert answer(START_STOP, value) == Permitted(value)


def test_a_value_below_the_points_minimum_is_refused_and_not_clamped() -> None:
    assert answer(SETPOINT, -0.001, limits=Limits()) is Reason.BELOW_MINIMUM


def test_a_value_above_the_points_maximum_is_refused_and_not_clamped() -> None:
    assert answer(SETPOINT, 12.001, limits=Limits()) is Reason.ABOVE_MAXIMUM


def test_a_setpoint_below_the_assets_limit_is_refused() -> None:
    assert answer(replace(SETPOINT, minimum=None), -0.001) is Reason.BELOW_ASSET_LIMIT


def test_a_setpoint_above_the_assets_limit_is_refused() -> None:
    assert answer(SETPOINT, 10.001) is Reason.ABOVE_ASSET_LIMIT


@pytest.mark.parametrize("value", [math.nextafter(10.0, 11.0), 10.0 + 1e-12])
def test_rounding_is_not_a_wish_to_exceed_a_limit(value: float) -> None:
    assert answer(SETPOINT, value) == Permitted(value)


def test_limits_of_power_hold_for_setpoints_only() -> None:
    assert answer(DROOP, 400.0) == Permitted(400.0)


@pytest.mark.parametrize("now", [NOW + 1.0, NOW + 60.0])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_expired_command_is_refused_even_a_stop(now: float, value: float) -> None:
    assert answer(START_STOP, value, now=now) is Reason.EXPIRED


@pytest.mark.parametrize("point", [SETPOINT, START_STOP, FAULT_RESET, DROOP])
def test_nothing_goes_to_a_session_that_is_not_online(point: Point) -> None:
    assert answer(point, 0.0, replace(WELL, online=False)) is Reason.OFFLINE


MOVING = [(SETPOINT, 1.0), (SETPOINT, 0.0), (START_STOP, 1.0), (replace(DROOP, role=Role.REACTIVE_SETPOINT), 0.0)]


@pytest.mark.parametrize(("point", "value"), MOVING)
def test_what_moves_an_asset_waits_for_fit_telemetry(point: Point, value: float) -> None:
    assert answer(point, value, replace(WELL, telemetry_fit=False)) is Reason.TELEMETRY_UNFIT


@pytest.mark.parametrize(("point", "value"), MOVING)
def test_what_moves_an_asset_waits_for_it_to_be_remote(point: Point, value: float) -> None:
    assert answer(point, value, replace(WELL, remote=False)) is Reason.NOT_REMOTE


@pytest.mark.parametrize(("point", "value"), MOVING)
def test_what_moves_an_asset_waits_for_its_fault_to_be_gone(point: Point, value: float) -> None:
    assert answer(point, value, replace(WELL, fault=True)) is Reason.FAULT


@pytest.mark.parametrize("role", [Role.START_STOP, Role.BREAKER_COMMAND])
def test_a_stop_passes_whatever_is_known_of_the_asset(role: Role) -> None:
    assert answer(replace(START_STOP, role=role), 0.0, WRETCHED) == Permitted(0.0)


def test_a_fault_reset_passes_in_fault_but_not_in_local() -> None:
    assert answer(FAULT_RESET, 1.0, replace(WELL, fault=True, telemetry_fit=False)) == Permitted(1.0)
    assert answer(FAULT_RESET, 1.0, replace(WELL, remote=False)) is Reason.NOT_REMOTE


def test_a_heartbeat_passes_at_any_pace() -> None:
    assert answer(replace(DROOP, role=Role.HEARTBEAT), 1.0, WRETCHED) == Permitted(1.0)


@pytest.mark.parametrize("point", [SETPOINT, FAULT_RESET, DROOP])
def test_a_point_commanded_a_moment_ago_is_refused(point: Point) -> None:
    assert answer(point, 1.0, replace(WELL, last_command_at=NOW - 0.49)) is Reason.TOO_SOON
    assert answer(point, 1.0, replace(WELL, last_command_at=NOW - 0.5)) == Permitted(1.0)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_refusal_has_a_status_that_is_no_success(reason: Reason) -> None:
    assert Refused(reason, "").status is not CommandStatus.SUCCESS


def test_a_refusal_says_in_words_what_was_asked_and_what_stands_against_it() -> None:
    judged = judge(asked(12.5), SETPOINT, WELL, LIMITS, NOW)
    assert isinstance(judged, Refused)
    assert "12.5" in judged.words
    assert "engine1.setpoint" in judged.words
